import { show, showTag } from '../../../bytes/show.ts';
import { anything, checkOptions, flag, oneOf, requireObjectOf } from '../../../options.ts';
import { literal } from '../engine/code.ts';
import { Problem } from '../engine/problem.ts';
import { property } from '../engine/property.ts';
import { type AnyField, type Field, type Flat, nodeOf } from '../field.ts';
import { requireName } from '../group.ts';
import type {
  ByteOrder,
  Decoding,
  Encoding,
  IntLayout,
  Kind,
  Known,
  Bits as Member,
  Scalar,
  Slot,
} from '../kind.ts';
import { declare, isNode } from '../node.ts';
import { BIGINT } from './bigint.ts';
import { decodeUnsigned, INTEGER, type Integer } from './integer.ts';
import { requireObject } from './struct.ts';
import { WIDE } from './wide.ts';

/**
 * Several numbers in one integer of 1 to 8 bytes. More than 32 bits are two words, since JavaScript's shifts reach no further:
 *
 *     word       high            low
 *     bits    63 ··· 32       31 ··· 0
 */
interface BitFields extends IntLayout {
  readonly members: readonly Member[];
  /** The members that the enclosing structure fills in. */
  readonly lent: ReadonlySet<string>;
}

export const BITS: Kind<BitFields> = {
  name: 'bits',
  size: ({ width }) => ({ min: width, max: width }),
  shape: ({ width, order, members }) => ({ is: 'integer', width, signed: false, order, bits: members }),
  call: ({ width, order, members }) => ({
    maker: 'bits',
    base: (width === 1 ? 'u8' : `u${8 * width}${order}`) as Scalar,
    members,
  }),
  members: ({ members }) => new Map(valued(members).map(({ name }) => [name, undefined])),
  memberSlot: slotOf,
  lend: ({ width, order, members, lent }, paths) =>
    declare(BITS, { width, order, members, lent: new Set([...lent, ...paths.map(([name = '']) => name)]) }),
  traits: ({ members, lent }) => ({ computed: valued(members).every(({ name }) => lent.has(name)) }),

  read({ width, order, members }, walk) {
    const at = walk.take(width);
    let raw = 0n;
    for (let index = 0; index < width; index++) {
      raw = (raw << 8n) | BigInt(walk.bytes[order === 'be' ? at + index : at + width - 1 - index]!);
    }
    const values: [string, number | bigint][] = [];
    for (const member of members) {
      const value = partOf(member, raw);
      if (member.constant === undefined) values.push([member.name, value]);
      else if (value !== member.constant) {
        const details = { at, got: showTag(value) };
        throw new Problem('ERR_MESSAGE_VALUE', showTag(member.constant), value, details, member.name);
      }
    }
    return Object.fromEntries(values);
  },

  write(node, value, walk) {
    const { width, order, members, lent, facts } = node;
    const given = facts.traits.computed ? {} : value;
    requireObject(given);
    const at = walk.take(width);
    const seen = new Map<string, { value: unknown }>();
    let raw = 0n;
    for (const member of members) {
      const { name, shift, constant } = member;
      if (lent.has(name)) {
        walk.lend(name, slotOf(node, name)!, at);
        continue;
      }
      const part = constant ?? property(given, name);
      if (!fits(member, part)) walk.failAt(name, rangeText(member), part);
      if (constant === undefined) seen.set(name, { value: part });
      raw |= BigInt.asUintN(member.width, BigInt(part as number | bigint)) << BigInt(shift);
    }
    walk.saw(seen);
    for (let index = 0; index < width; index++) {
      walk.target[order === 'le' ? at + index : at + width - 1 - index] = Number(raw & 0xffn);
      raw >>= 8n;
    }
  },

  decode(node, out) {
    const [low, high] = decodeWords(node, out);
    const pairs: [string, Known][] = [];
    for (const member of node.members) {
      const text = partText(member, low, high);
      if (member.constant !== undefined) out.fail(`(${text}) !== ${literal(member.constant)}`);
      else pairs.push([member.name, { value: out.define(text), ...(isBig(member) && { type: 'bigint' }) }]);
    }
    return {
      value: out.object(pairs.map(([name, { value }]) => [name, value])),
      members: new Map(pairs),
    };
  },

  encode(node, value, out) {
    const { width, order, members, lent, facts } = node;
    if (!facts.traits.computed) out.requireObject(value);
    const low: string[] = [];
    const high: string[] = [];
    const seen = new Map<string, { value: string }>();
    for (const member of members) {
      if (lent.has(member.name)) continue;
      const part =
        member.constant === undefined
          ? out.define(out.property(value, member.name))
          : literal(member.constant);
      if (member.constant === undefined) {
        out.refuse(misfits(member, part));
        seen.set(member.name, { value: part });
      }
      encodePart(member, part, low, high, out);
    }
    const least = out.define(low.join(' | ') || '0');
    const place = out.reservePlace(width, lent.size > 0 ? 'var' : undefined);
    if (width <= 4) out.putInt({ width, order }, least, place);
    else {
      const most = out.define(high.join(' | ') || '0');
      const [atLow, atHigh] = order === 'le' ? [place, `${place} + 4`] : [`${place} + ${width - 4}`, place];
      out.putInt({ width: 4, order }, least, atLow);
      out.putInt({ width: width - 4, order }, most, atHigh);
    }
    for (const name of lent) out.lend(name, slotOf(node, name)!, place);
    out.saw(seen);
  },
};

/** The members that are part of the value. */
function valued(members: readonly Member[]): readonly Member[] {
  return members.filter(({ constant }) => constant === undefined);
}

/** Whether the member has more bits than a number holds exactly. */
function isBig({ width }: Member): boolean {
  return width > 53;
}

/** The value of a member in the whole integer; slow and exact. */
function partOf(member: Member, raw: bigint): number | bigint {
  const { shift, width, signed } = member;
  const bits = raw >> BigInt(shift);
  const part = signed ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
  return isBig(member) ? part : Number(part);
}

function fits(member: Member, value: unknown): boolean {
  const { width, signed } = member;
  if (!isBig(member)) {
    const { min, max } = rangeOf(member);
    return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
  }
  if (typeof value !== 'bigint') return false;
  return (signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value)) === value;
}

function rangeOf({ width, signed }: Member): { min: number; max: number } {
  return signed ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 } : { min: 0, max: 2 ** width - 1 };
}

function rangeText(member: Member): string {
  const { min, max } = rangeOf(member);
  if (!isBig(member)) return `a whole number from ${min} to ${max}`;
  return `${member.signed ? 'a signed' : 'an unsigned'} bigint of ${member.width} bits`;
}

/** Code for the two words. */
function decodeWords({ width, order }: BitFields, out: Decoding): [low: string, high: string] {
  if (width <= 4) return [decodeUnsigned({ width: width as Integer['width'], order }, out), ''];
  const high = { width: (width - 4) as Integer['width'], order };
  const low = { width: 4, order } as const;
  out.need(width);
  if (order === 'be') {
    const most = decodeUnsigned(high, out);
    return [decodeUnsigned(low, out), most];
  }
  return [decodeUnsigned(low, out), decodeUnsigned(high, out)];
}

/** Code for a member of the two words. */
function partText(member: Member, low: string, high: string): string {
  const { shift, width, signed } = member;
  if (shift >= 32 || shift + width <= 32) {
    const [word, right] = shift >= 32 ? [high, shift - 32] : [low, shift];
    if (signed) return `${word} << ${32 - right - width} >> ${32 - width}`;
    return width === 32 ? word : `(${word} >>> ${right}) & ${mask(width)}`;
  }
  // The member lies in both words: the lower word gives its upper bits.
  const below = 32 - shift;
  const upper = `(${signed ? `${high} << ${32 - (width - below)} >> ${32 - (width - below)}` : upperText(high, width - below)})`;
  const lower = `(${low} >>> ${shift})`;
  if (isBig(member)) return `(BigInt(${upper}) << ${below}n) | BigInt(${lower})`;
  return `${upper} * ${2 ** below} + ${lower}`;
}

function upperText(high: string, width: number): string {
  return width === 32 ? high : `${high} & ${mask(width)}`;
}

/** Code that is true where the member cannot hold the value. */
function misfits(member: Member, value: string): string {
  const { width, signed } = member;
  if (isBig(member)) {
    return `typeof ${value} !== 'bigint' || BigInt.as${signed ? 'Int' : 'Uint'}N(${width}, ${value}) !== ${value}`;
  }
  if (width > 32) {
    const { min, max } = rangeOf(member);
    return `!Number.isInteger(${value}) || ${value} < ${min} || ${value} > ${max}`;
  }
  if (signed) {
    return width === 32
      ? `${value} !== (${value} | 0)`
      : `${value} !== (${value} << ${32 - width} >> ${32 - width})`;
  }
  return width === 32 ? `${value} !== ${value} >>> 0` : `${value} !== (${value} & ${mask(width)})`;
}

/** Add the code of a member's bits to those of the words it lies in. */
function encodePart(member: Member, part: string, low: string[], high: string[], out: Encoding): void {
  const { shift, width, signed } = member;
  if (shift >= 32 || shift + width <= 32) {
    const [word, left] = shift >= 32 ? [high, shift - 32] : [low, shift];
    word.push(signed ? `(${part} & ${mask(width)}) << ${left}` : `${part} << ${left}`);
    return;
  }
  const below = 32 - shift;
  const upper = mask(width - below);
  if (isBig(member)) {
    low.push(`Number(BigInt.asUintN(${below}, ${part})) << ${shift}`);
    high.push(`(Number(BigInt.asIntN(32, ${part} >> ${below}n)) & ${upper})`);
    return;
  }
  const whole = out.define(part);
  low.push(`${whole} << ${shift}`);
  high.push(`(Math.floor(${whole} / ${2 ** below}) & ${upper})`);
}

/** The slot of a member. */
function slotOf({ width, order, members }: BitFields, name: string): Slot | undefined {
  const member = valued(members).find((one) => one.name === name);
  if (member === undefined) return undefined;
  const { shift } = member;
  const slot = { width, order, ...rangeOf(member), shift };
  if (width <= 4 && !member.signed) return slot;
  return {
    ...slot,
    ...(isBig(member) && { big: true }),
    put(target, at, value) {
      if (!fits(member, isBig(member) ? BigInt(value) : value)) {
        throw new Problem('ERR_FIELD_RANGE', rangeText(member), value);
      }
      let raw = BigInt.asUintN(member.width, BigInt(value)) << BigInt(shift);
      for (let index = 0; index < width; index++) {
        target[order === 'le' ? at + index : at + width - 1 - index]! |= Number(raw & 0xffn);
        raw >>= 8n;
      }
    },
  };
}

/** A mask of `width` low bits. */
function mask(width: number): number {
  return 2 ** width - 1;
}

/** The bytes of an integer of fixed width. */
function layoutOf(base: AnyField): IntLayout {
  const node = nodeOf(base, 'bits');
  const order = (node as { order?: ByteOrder }).order!;
  if (node.kind === INTEGER || node.kind === WIDE || node.kind === BIGINT) {
    return { width: node.facts.size.max, order };
  }
  throw new TypeError(`bits: expected an integer field of fixed width, got ${node.kind.name}`);
}

/** A member of `bits`: its width, or its width and more. */
export type BitMember =
  | number
  | {
      /** In bits. */
      readonly width: number;
      /** In two's complement. */
      readonly signed?: boolean;
      /** The member always has this value; it is checked on decode and not part of the message: reserved bits. */
      readonly constant?: number | bigint;
    };

type WidthOf<M> = M extends { readonly width: infer W } ? W : M;
/** The widths that need a bigint. */
type BigWidth = 54 | 55 | 56 | 57 | 58 | 59 | 60 | 61 | 62 | 63 | 64;

/** What the members of `bits` hold. */
export type BitValues<W extends Readonly<Record<string, BitMember>>> = {
  -readonly [K in keyof W as W[K] extends { readonly constant: number | bigint } ? never : K]: WidthOf<
    W[K]
  > extends BigWidth
    ? bigint
    : number;
};

/**
 * Several numbers in one integer of 8 to 64 bits: name and width in bits, the *most significant first*. Together they fill the
 * integer. Members of more than 53 bits are bigints. A member may be signed or constant.
 *
 *     bits(u8, { version: 4, headerLength: 4 })      0x45  =  0100 0101
 *                                                     version 4 ┘    └ headerLength 5
 *
 * @param options `first: 'least'` if the members are listed from the least significant bit on, as in C structures
 * @throws TypeError or RangeError for widths that do not fill the integer, and for a constant that does not fit its bits
 *
 * @example
 * bits(u16be, { dataOffset: 4, reserved: { width: 3, constant: 0 }, flags: 9 });
 * bits(u64be, { id: 12, x: { width: 38, signed: true }, rest: 14 });
 */
export function bits<const W extends Readonly<Record<string, BitMember>>>(
  base: Field<number> | Field<bigint>,
  widths: W,
  options: { first?: 'most' | 'least' } = {},
): Field<Flat<BitValues<W>>> {
  checkOptions('bits', options, { first: oneOf('most', 'least') });
  const layout = layoutOf(base);
  requireObjectOf('bits', 'an object of names and widths', widths);
  const total = layout.width * 8;
  const members: Member[] = [];
  let used = 0;
  for (const [name, given] of Object.entries(widths)) {
    requireName(name, 'bits');
    const isWidth = typeof given !== 'object' || given === null || isNode(given);
    const { width, signed = false, constant } = isWidth ? { width: given as number } : given;
    if (!isWidth) {
      checkOptions(`bits: ${name}`, given, { width: anything, signed: flag, constant: anything });
    }
    if (!Number.isInteger(width) || width < 1) {
      throw new RangeError(`bits: ${name} is ${show(width)} bits wide; expected 1 or more`);
    }
    const shift = options.first === 'least' ? used : total - used - width;
    used += width;
    const member = { name, shift, width, ...(signed && { signed }) };
    if (constant === undefined) members.push(member);
    else {
      const exact = isBig(member) && typeof constant === 'number' ? BigInt(constant) : constant;
      if (!fits(member, exact)) {
        throw new RangeError(`bits: ${name}: expected ${rangeText(member)}, got ${show(constant)}`);
      }
      members.push({ ...member, constant: exact });
    }
  }
  if (used !== total) {
    throw new RangeError(`bits: the widths add up to ${used}; the integer has ${total}`);
  }
  if (valued(members).length === 0) throw new TypeError('bits: at least one member must have a value');
  return declare(BITS, { ...layout, members, lent: new Set<string>() });
}
