import fc from 'fast-check';
import * as w from '../../src/index.ts';
import { bounded, spent } from './declarations.ts';
import { outcome, same, type Target, target } from './target.ts';

/** One part of a production: a field that stands alone, or one that refers to a production by number. */
const part = fc.oneof(
  fc.constantFrom('u8', 'bool', 'text', 'nothing', 'flag').map((kind) => ({ kind, of: 0 })),
  fc.record({
    kind: fc.constantFrom('it', 'many', 'rest', 'maybe', 'if set', 'within', 'rows'),
    of: fc.nat(5),
  }),
);

/** A production of many cases that all refer to it. */
const dense = fc
  .array(
    fc.array(
      fc.constantFrom('it', 'many', 'maybe').map((kind) => ({ kind, of: 0 })),
      { minLength: 2, maxLength: 4 },
    ),
    {
      minLength: 3,
      maxLength: 8,
    },
  )
  .map((parts) => [{ union: true, parts: [[], ...parts] }]);

/** A grammar: productions that refer to one another, and to themselves, each time by a `lazy` of its own. */
const loose = fc.array(
  fc.record({
    union: fc.boolean(),
    parts: fc.array(fc.array(part, { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 6 },
);

const grammar = fc.oneof(loose, dense);

type Grammar = typeof grammar extends fc.Arbitrary<infer G> ? G : never;

function build(productions: Grammar): w.Field<unknown> {
  const made: w.Field<unknown>[] = [];
  const refer = (of: number): w.Field<unknown> =>
    w.lazy(() => made[of % made.length]!, { maxDepth: 40 }) as w.Field<unknown>;
  const field = ({ kind, of }: { kind: string; of: number }, has: string | undefined): w.AnyField => {
    if (kind === 'u8') return w.u8;
    if (kind === 'bool') return w.bool;
    if (kind === 'text') return w.utf8(w.u8);
    if (kind === 'nothing') return w.struct({});
    if (kind === 'flag') return w.flags(w.u8, { set: 0 }, { unknown: 'ignore' });
    if (kind === 'it') return refer(of);
    if (kind === 'many') return w.array(refer(of), w.u8);
    if (kind === 'rest') return w.bounded(w.u16le, w.array(refer(of), w.rest));
    if (kind === 'maybe') return w.optional(refer(of));
    if (kind === 'if set' && has !== undefined)
      return w.array(w.optional(w.u32le, w.when(`${has}.set`)), w.u16le);
    if (kind === 'rows') return w.array(w.array(refer(of), w.u8), w.u8);
    return w.bounded(w.u16le, refer(of));
  };
  const fields = (parts: readonly { kind: string; of: number }[]): w.Fields => {
    const all: Record<string, w.AnyField> = {};
    let has: string | undefined;
    for (const [index, one] of parts.entries()) {
      const name = `f${index}`;
      all[name] = field(one, has);
      if (one.kind === 'flag') has = name;
    }
    return all;
  };
  for (const { union, parts } of productions) {
    made.push(
      (union
        ? w.union(w.u8, Object.fromEntries(parts.map((one, tag) => [`c${tag}`, w.message(tag, fields(one))])))
        : w.struct(fields(parts[0]!))) as w.Field<unknown>,
    );
  }
  return made[0]!;
}

const inputs = fc.record({
  grammar,
  // Small numbers: tags, counts and lengths that lead on; repeated, so that what multiplies is seen.
  unit: fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(255) }), {
    minLength: 1,
    maxLength: 12,
  }),
  times: fc.oneof(fc.nat(30), fc.nat(2_000)),
  end: fc.uint8Array({ maxLength: 3 }),
});

export const recursing: Target = target(
  'grammars',
  'However a grammar refers to itself, it is declared, read, refused and traced in time and memory linear in its size and in the bytes, to any depth that it allows.',
  inputs,
  ({ grammar, unit, times, end }) => {
    const frame = Buffer.concat([Buffer.from(Array.from({ length: times }, () => unit).flat()), end]);
    let codec: w.DeclaredCodec<unknown>;
    try {
      codec = bounded(1_000, () => w.codecOf(build(grammar))) as w.DeclaredCodec<unknown>;
    } catch (error) {
      // A grammar that cannot be read is refused where it is declared.
      if (error instanceof TypeError || (error instanceof RangeError && !/call stack/.test(error.message)))
        return;
      throw error;
    }
    const start = process.cpuUsage();
    const first = outcome(() => codec.decode(frame));
    const compiling = spent(start);
    if (compiling > 2_000)
      throw new Error(`compiling, and reading ${frame.length} bytes, took ${compiling.toFixed(0)} ms`);
    const fast = bounded(frame.length, () => outcome(() => codec.decode(frame)));
    same(fast, first, 'decoded again');
    const walked = bounded(frame.length, () => w.trace(codec, frame));
    const slow = outcome(() => {
      if (walked.error !== undefined) throw walked.error;
      return walked.value;
    });
    same(fast, slow, 'decode beside trace');
    // Every length: the ends of frames are where a walk begins anew.
    for (let length = 0; length < Math.min(frame.length, 20); length++) {
      outcome(() => codec.decode(frame, 0, length));
    }
    if ('value' in fast) {
      const written = Buffer.from(bounded(frame.length, () => codec.encode(fast.value)));
      const back = codec.decode(written);
      same(Buffer.from(codec.encode(back)), written, 'encoded once more');
    }
  },
);
