import { show } from '../../../bytes/show.ts';
import { objectLiteral } from '../engine/code.ts';
import { property } from '../engine/property.ts';
import type { Field } from '../field.ts';
import { requireName } from '../group.ts';
import type { Kind, Bits as Member, NodeOf, Slot } from '../kind.ts';
import { declare } from '../node.ts';
import { decodeUnsigned, type Integer, integerNode, isInRange } from './integer.ts';
import { requireObject } from './struct.ts';

interface BitFields {
  readonly base: NodeOf<Integer>;
  readonly members: readonly Member[];
  /** The members that are filled in by what stands round it. */
  readonly lent: ReadonlySet<string>;
}

export const BITS: Kind<BitFields> = {
  name: 'bits',
  size: ({ base }) => base.facts.size,
  shape: ({ base: { width, order }, members }) => ({
    is: 'integer',
    width,
    signed: false,
    order,
    bits: members,
  }),
  members: ({ members }) => new Map(members.map(({ name }) => [name, undefined])),
  memberSlot: slotOf,
  lend: ({ base, members, lent }, [name = '']) =>
    declare(BITS, { base, members, lent: new Set([...lent, name]) }),
  traits: ({ members, lent }) => ({ computed: members.every(({ name }) => lent.has(name)) }),

  read({ base, members }, walk) {
    const raw = (walk.value(base) as number) >>> 0;
    return Object.fromEntries(
      members.map(({ name, shift, width }) => [name, ((raw >>> shift) & mask(width)) >>> 0]),
    );
  },

  write(node, value, walk) {
    const { base, members, lent, facts } = node;
    const given = facts.traits.computed ? {} : value;
    requireObject(given);
    const at = walk.take(base.width);
    let raw = 0;
    for (const { name, shift, width } of members) {
      if (lent.has(name)) {
        walk.lend(name, slotOf(node, name)!, at);
        continue;
      }
      const part = property(given, name);
      const max = mask(width);
      if (!isInRange(part, { min: 0, max })) walk.failAt(name, `a whole number from 0 to ${max}`, part);
      raw |= (part as number) << shift;
    }
    walk.put(base, raw, at);
  },

  decode({ base, members }, out) {
    const raw = decodeUnsigned(base, out);
    const pairs = members.map(({ name, shift, width }): [string, string] => [
      name,
      out.define(width === 32 ? raw : `(${raw} >>> ${shift}) & ${mask(width)}`),
    ]);
    return {
      value: objectLiteral(pairs),
      members: new Map(pairs.map(([name, value]) => [name, { value }])),
    };
  },

  encode(node, value, out) {
    const { base, members, lent, facts } = node;
    if (!facts.traits.computed) out.requireObject(value);
    const given = members.filter(({ name }) => !lent.has(name));
    const parts = given.map(({ name, shift, width }) => {
      const part = out.define(out.property(value, name));
      out.refuse(width === 32 ? `${part} !== ${part} >>> 0` : `${part} !== (${part} & ${mask(width)})`);
      return `${part} << ${shift}`;
    });
    const raw = out.define(parts.join(' | ') || '0');
    const place = out.reservePlace(base.width, lent.size > 0 ? 'var' : undefined);
    out.putInt(base, raw, place);
    for (const name of lent) out.lend(name, slotOf(node, name)!, place);
  },
};

/** Where a member goes. */
function slotOf({ base, members }: BitFields, name: string): Slot | undefined {
  const member = members.find((one) => one.name === name);
  if (member === undefined) return undefined;
  const { shift, width } = member;
  return { width: base.width, order: base.order, min: 0, max: mask(width), shift };
}

/** A mask of `width` low bits. */
function mask(width: number): number {
  return width === 32 ? 0xffffffff : 2 ** width - 1;
}

/**
 * Several unsigned numbers in one integer: name and width in bits, the *most significant first*; together they
 * fill the integer.
 *
 *     bits(u8, { version: 4, headerLength: 4 })      0x45  =  0100 0101
 *                                                     version 4 ┘    └ headerLength 5
 */
export function bits<const W extends Readonly<Record<string, number>>>(
  base: Field<number>,
  widths: W,
): Field<{ -readonly [K in keyof W]: number }> {
  const node = integerNode(base, 'bits');
  const total = node.width * 8;
  const members: Member[] = [];
  let left = total;
  for (const [name, width] of Object.entries(widths)) {
    requireName(name, 'bits');
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`bits: ${name} is ${show(width)} bits wide; expected 1 or more`);
    }
    left -= width;
    members.push({ name, shift: left, width });
  }
  if (left !== 0) {
    throw new RangeError(`bits: the widths add up to ${total - left}; the integer has ${total}`);
  }
  return declare(BITS, { base: node, members, lent: new Set<string>() });
}
