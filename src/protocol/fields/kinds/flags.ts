import { show, showTag } from '../../../bytes/show.ts';
import { checkOptions, oneOf, requireObjectOf } from '../../../options.ts';
import { Problem } from '../engine/problem.ts';
import { property } from '../engine/property.ts';
import type { Field } from '../field.ts';
import { requireName } from '../group.ts';
import type { Kind, NodeOf } from '../kind.ts';
import { declare } from '../node.ts';
import { decodeUnsigned, type Integer, integerNode } from './integer.ts';
import { requireObject } from './struct.ts';

interface Flags {
  readonly base: NodeOf<Integer>;
  /** Names and positions from the least significant bit. */
  readonly members: readonly { readonly name: string; readonly shift: number }[];
  /** The bits that have a name. */
  readonly named: number;
  /** Other bits are refused. */
  readonly closed: boolean;
}

export const FLAGS: Kind<Flags> = {
  name: 'flags',
  size: ({ base }) => base.facts.size,
  shape: ({ base: { width, order }, members, closed }) => ({
    is: 'integer',
    width,
    signed: false,
    order,
    bits: members.map(({ name, shift }) => ({ name, shift, width: 1, truth: true })),
    ...(!closed && { otherBits: 'ignored' }),
  }),
  call: ({ base, members, closed }) => ({
    ...{ maker: 'flags', base, names: new Map(members.map(({ name, shift }) => [name, shift])) },
    unknown: closed ? 'reject' : 'ignore',
  }),
  members: ({ members }) => new Map(members.map(({ name }) => [name, undefined])),

  read(node, walk) {
    const at = walk.at;
    const raw = ((walk.value(node.base) as number) & mask(node)) >>> 0;
    if ((raw & unnamed(node)) !== 0) {
      const expected = `no bits but ${showTag(node.named)}`;
      throw new Problem('ERR_MESSAGE_VALUE', expected, raw, { at, got: showTag(raw) });
    }
    return Object.fromEntries(node.members.map(({ name, shift }) => [name, ((raw >>> shift) & 1) === 1]));
  },

  write({ base, members }, value, walk) {
    requireObject(value);
    const seen = new Map<string, { value: unknown }>();
    let raw = 0;
    for (const { name, shift } of members) {
      const bit = property(value, name);
      if (typeof bit !== 'boolean') walk.failAt(name, 'true or false', bit);
      seen.set(name, { value: bit });
      if (bit) raw |= 1 << shift;
    }
    walk.saw(seen);
    walk.put(base, raw, walk.take(base.width));
  },

  decode(node, out) {
    const raw = decodeUnsigned(node.base, out);
    const others = unnamed(node);
    if (others !== 0) out.fail(`(${raw} & ${others}) !== 0`);
    const pairs = node.members.map(({ name, shift }): [string, string] => [
      name,
      out.define(`((${raw} >>> ${shift}) & 1) === 1`),
    ]);
    return {
      value: out.object(pairs),
      members: new Map(pairs.map(([name, value]) => [name, { value }])),
    };
  },

  encode({ base, members }, value, out) {
    out.requireObject(value);
    const seen = new Map<string, { value: string }>();
    const parts = members.map(({ name, shift }) => {
      const bit = out.define(out.property(value, name));
      out.refuse(`typeof ${bit} !== 'boolean'`);
      seen.set(name, { value: bit });
      return `(${bit} ? ${2 ** shift} : 0)`;
    });
    out.putInt(base, out.define(parts.join(' | ') || '0'), out.reservePlace(base.width));
    out.saw(seen);
  },
};

function mask({ base }: Flags): number {
  return 2 ** (8 * base.width) - 1;
}

/** The bits that are refused. */
function unnamed(node: Flags): number {
  return node.closed ? mask(node) & ~node.named : 0;
}

/**
 * Single bits of an integer, each by its position; the least significant bit is 0.
 *
 * A set bit without a name is refused (`unknown: 'reject'`, the default), or ignored.
 *
 * @example flags(u8, { urgent: 0, signed: 7 }); // { urgent: boolean, signed: boolean }
 */
export function flags<const P extends Readonly<Record<string, number>>>(
  base: Field<number>,
  positions: P,
  options: { unknown?: 'reject' | 'ignore' } = {},
): Field<{ -readonly [K in keyof P]: boolean }> {
  checkOptions('flags', options, { unknown: oneOf('reject', 'ignore') });
  const node = integerNode(base, 'flags');
  requireObjectOf('flags', 'an object of names and positions', positions);
  if (positions instanceof Map)
    throw new TypeError('flags: expected an object of names and positions, got a Map');
  const members: { name: string; shift: number }[] = [];
  let named = 0;
  for (const [name, position] of Object.entries(positions)) {
    requireName(name, 'flags');
    if (!Number.isInteger(position) || position < 0 || position >= node.width * 8) {
      throw new RangeError(`flags: ${name} is at bit ${show(position)}; expected 0 to ${node.width * 8 - 1}`);
    }
    if ((named >>> position) & 1) throw new RangeError(`flags: two names for bit ${position}`);
    named = (named | (1 << position)) >>> 0;
    members.push({ name, shift: position });
  }
  return declare(FLAGS, { base: node, members, named, closed: options.unknown !== 'ignore' });
}
