import { expect, it } from 'vitest';
import type { AnyNode, Edge, Group } from '../../../src/protocol/fields/kind.ts';
import { evaluate } from './vectors.ts';

/**
 * What a structure knows of its fields, a line for each: what the encoder fills in, what an enclosing structure fills in or must
 * find, how many fields follow one that takes the rest, what is done at the end. A line of an inner structure begins with its path.
 */
function linesOf({ kind, ...node }: AnyNode, prefix = ''): string[] {
  const shape = kind.shape({ kind, ...node } as AnyNode);
  if (shape.is === 'maybe' || shape.is === 'inside') return linesOf(shape.item, prefix);
  if (shape.is !== 'group') return [];
  const group = node as unknown as Group;
  const facts = {
    derived: [...group.derived],
    lent: [...group.lent],
    rooms: [...group.rooms].map(([index, behind]) => `${index} leaves ${behind.length}`),
    agreements: group.agreements.map(({ path, of }) => `${path} with ${of}`),
    sums: group.sums.map(
      ({ path, from, to, way, mayMiss }) =>
        `${path} from ${edge(from)} to ${edge(to)}, ${way}${mayMiss ? ', may miss' : ''}`,
    ),
    placed: [...group.placed],
    shown: [...group.shown].map((path) => (path === '' ? 'itself' : path)),
  };
  const lines = Object.entries(facts).flatMap(([what, all]) =>
    all.length === 0 ? [] : [`${prefix}${what}: ${all.join('; ')}`],
  );
  if (group.finishes) lines.push(`${prefix}finishes`);
  return [...lines, ...group.entries.flatMap(([name, inner]) => linesOf(inner, `${prefix}${name} `))];
}

function edge({ path, at }: Edge): string {
  return `${at} of ${path === '' ? 'all' : path}`;
}

/** A declaration, and under it what its structures know. */
const GROUPS = `
struct({ a: u8, b: bytes(2) })
struct({ n: u8, k: u8, b: bytes("n"), u: union("k", { a: message(1) }) })
  derived: n; k
struct({ h: struct({ n: u8, i: struct({ m: u8 }), z: u8 }), b: bytes("h.n"), c: bytes("h.i.m") })
  h derived: n
  h lent: n; i.m
  h i derived: m
  h i lent: m
struct({ h: bits(u8, { n: 4, m: 4 }), b: bytes("h.n") })
struct({ a: u8, d: bytes(rest), n: u16be, e: bytes(2) })
  rooms: 1 leaves 2
struct({ n: u8, d: bytes(rest), e: bytes("n"), f: u8 })
  derived: n
  rooms: 1 leaves 2
struct({ o: optional(u8, rest), n: u8, e: bytes(until(constant(u8, 0))) })
struct({ d: bytes(rest), s: struct({}) })
  rooms: 0 leaves 1
struct({ n: sizeOf(u8, "b"), c: countOf(u8, "l"), b: utf8(u8), l: array(u8, u8), m: same(u8, "n") })
  derived: n; c; m
  agreements: n with b; c with l; m with n
  placed: b; n; l; c; m
  finishes
struct({ n: sizeOf(u8, { from: "h.a", to: "b" }), h: struct({ x: u8, a: u8 }), b: u8 })
  derived: n
  agreements: n with undefined
  placed: h.a; b; n
  finishes
  h placed: a
  h shown: a
struct({ h: struct({ n: sizeOf(u8, "b"), o: optional(struct({ c: countOf(u8, "b") })) }), b: array(u8, rest) })
  agreements: h.n with b; h.o.c with b
  placed: b; h; h.n; h.o.c
  finishes
  h derived: n
  h lent: n; o.c
  h placed: n; o.c
  h shown: n; o.c
  h o derived: c
  h o lent: c
  h o placed: c
  h o shown: c
struct({ a: u8, s: checksum(u8, "SUM-8") })
  sums: s from start of all to start of s, both
  placed: s
  finishes
struct({ a: u8, o: optional(checksum(u8, "SUM-8", { from: "a", to: "a" }), when("a", 1)), z: u8 })
  sums: o from start of a to end of a, both, may miss
  placed: o; a
  finishes
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8") }), b: bytes("h.n") })
  sums: h.s from start of h. to start of h.s, write
  placed: h.s; h.
  finishes
  h derived: n
  h lent: n
  h sums: s from start of all to start of s, read
  h placed: s
  h shown: s; itself
  h finishes
struct({ h: struct({ a: u8, s: checksum(u8, "SUM-8"), n: u8 }), b: bytes("h.n") })
  h derived: n
  h lent: n
  h sums: s from start of all to start of s, both
  h placed: s
  h finishes
struct({ h: struct({ n: u8, a: u8, s: checksum(u8, "SUM-8", { from: "a" }) }), b: bytes("h.n") })
  h derived: n
  h lent: n
  h sums: s from start of a to start of s, both
  h placed: s; a
  h finishes
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8", { from: "n" }), a: u8, t: checksum(u8, "SUM-8", { from: "a" }) }), b: bytes("h.n") })
  sums: h.s from start of h.n to start of h.s, write
  placed: h.s; h.n
  finishes
  h derived: n
  h lent: n
  h sums: s from start of n to start of s, read; t from start of a to start of t, both
  h placed: s; n; t; a
  h shown: s; n
  h finishes
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8"), k: u8, t: checksum(u8, "SUM-8", { from: "s", to: "k" }) }), b: bytes("h.n") })
  sums: h.s from start of h. to start of h.s, write; h.t from start of h.s to end of h.k, write
  placed: h.s; h.; h.t; h.k
  finishes
  h derived: n
  h lent: n
  h sums: s from start of all to start of s, read; t from start of s to end of k, read
  h placed: s; t; k
  h shown: s; itself; t; k
  h finishes
struct({ h: optional(struct({ n: sizeOf(u8, "b"), i: struct({ s: checksum(u8, "SUM-8", { from: "n" }) }) })), b: array(u8, rest) })
  agreements: h.n with b
  sums: h.i.s from start of h.n to start of h.i.s, write, may miss
  placed: b; h; h.n; h.i.s
  finishes
  h derived: n
  h lent: n
  h sums: i.s from start of n to start of i.s, read
  h placed: i.s; n
  h shown: n; i.s
  h finishes
  h i placed: s
  h i shown: s
struct({ m: struct({ h: struct({ n: u8, q: u8, s: checksum(u8, "SUM-8") }), b: bytes("h.n") }), c: bytes("m.h.q") })
  sums: m.h.s from start of m.h. to start of m.h.s, write
  placed: m.h.s; m.h.
  finishes
  m lent: h.q
  m placed: h.s; h.
  m shown: h.s; h.
  m finishes
  m h derived: n; q
  m h lent: n; q
  m h sums: s from start of all to start of s, read
  m h placed: s
  m h shown: s; itself
  m h finishes
struct({ z: u8, h: struct({ a: u8, s: checksum(u8, "SUM-8", { from: "z", to: "a" }), t: checksum(u8, "SUM-8", { from: "a", to: "a" }) }) })
  sums: h.s from start of z to end of h.a, both
  placed: h.s; z; h.a
  finishes
  h sums: t from start of a to end of a, both
  h placed: t; a; s
  h shown: s; a
  h finishes
struct({ z: u8, h: optional(struct({ s: checksum(u8, "SUM-8", { from: "z", to: "z" }) })) })
  sums: h.s from start of z to end of z, both, may miss
  placed: h.s; z
  finishes
  h placed: s
  h shown: s
struct({ h: struct({ s: checksum(u8, "SUM-8", { to: rest, zeroed: true }), n: u8 }), b: bytes("h.n") })
  sums: h.s from start of h. to end of h., write
  placed: h.s; h.
  finishes
  h derived: n
  h lent: n
  h sums: s from start of all to end of all, read
  h placed: s
  h shown: s; itself
  h finishes
struct({ h: struct({ i: struct({ s: checksum(u8, "SUM-8", { from: "a", to: "a" }) }), a: u8 }), s: checksum(u8, "SUM-8", { after: "h.i", to: "h" }) })
  sums: s from end of h.i to end of h, both
  placed: s; h.i; h
  finishes
  h sums: i.s from start of a to end of a, both
  h placed: i.s; a; i
  h shown: i
  h finishes
  h i placed: s
  h i shown: s
struct({ a: u8, p: padding({ to: 4, from: "structure" }) })
  finishes
struct({ a: u8, o: optional(padding({ to: 4, from: "structure" }), when("a", 1)) })
  finishes
struct({ a: u8, o: optional(u8) })
`;

const blocks = GROUPS.trim()
  .split(/\n(?! )/)
  .map((block): [string, string[]] => {
    const [declaration = '', ...lines] = block.split('\n');
    return [declaration, lines.map((line) => line.trim())];
  });

it.each(blocks)('%s', (declaration, due) => {
  expect(linesOf(evaluate(declaration) as AnyNode)).toEqual(due);
});
