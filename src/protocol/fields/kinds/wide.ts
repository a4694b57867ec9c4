import { Problem } from '../engine/problem.ts';
import type { Field } from '../field.ts';
import type { ByteOrder, Decoding, Kind, Range, Scalar } from '../kind.ts';
import { declare } from '../node.ts';
import { isInRange, requireInRange } from './integer.ts';

/** An integer of more than 32 bits and fewer than 64. */
interface Wide {
  /** In bytes. */
  readonly width: 5 | 6 | 7;
  readonly signed: boolean;
  readonly order: ByteOrder;
}

export const WIDE: Kind<Wide> = {
  name: 'wide',
  size: ({ width }) => ({ min: width, max: width }),
  shape: ({ width, signed, order }) => ({ is: 'integer', width, signed, order }),
  call: ({ width, signed, order }) => ({ maker: `${signed ? 'i' : 'u'}${8 * width}${order}` as Scalar }),
  range,
  tag: (node) => ({ node, raw: (tag) => (isInRange(tag, range(node)) ? (tag as number) : undefined) }),
  slot: (node) => ({ width: node.width, order: node.order, ...range(node) }),

  read(node, walk) {
    const { width, signed, order } = node;
    const at = walk.take(width);
    const [high, low] = order === 'le' ? [at + 4, at] : [at, at + width - 4];
    const { bytes } = walk;
    const rest = width - 4;
    const least = order === 'le' ? bytes.readUInt32LE(low) : bytes.readUInt32BE(low);
    const most = signed
      ? order === 'le'
        ? bytes.readIntLE(high, rest)
        : bytes.readIntBE(high, rest)
      : order === 'le'
        ? bytes.readUIntLE(high, rest)
        : bytes.readUIntBE(high, rest);
    const value = most * 2 ** 32 + least;
    if (Number.isSafeInteger(value)) return value;
    const { min, max } = range(node);
    throw new Problem('ERR_MESSAGE_VALUE', `a whole number from ${min} to ${max}`, value, { at });
  },

  write(node, value, walk) {
    requireInRange(value, range(node));
    walk.put(node, value as number, walk.take(node.width));
  },

  decode(node, out) {
    const { width, signed } = node;
    out.need(width);
    const most = word(node, out, 4, width);
    const unused = 64 - 8 * width;
    const high = signed ? `((${most}) << ${unused} >> ${unused})` : `(${most})`;
    const value = out.define(`${high} * 4294967296 + ((${word(node, out, 0, 4)}) >>> 0)`);
    if (width === 7) out.fail(`!Number.isSafeInteger(${value})`);
    out.advance(width);
    return { value };
  },

  encode(node, value, out, sure) {
    const { min, max } = range(node);
    if (!sure) out.refuse(`!Number.isInteger(${value}) || ${value} < ${min} || ${value} > ${max}`);
    out.putInt(node, value, out.reservePlace(node.width));
  },
};

/** The range of its bits, limited to the numbers that are exact. */
function range({ width, signed }: Wide): Range {
  const span = 2 ** (8 * width);
  const max = Math.min((signed ? span / 2 : span) - 1, Number.MAX_SAFE_INTEGER);
  return { min: signed ? Math.max(-span / 2, Number.MIN_SAFE_INTEGER) : 0, max };
}

/** Code for the bytes between two positions; position 0 is the least significant byte. */
function word({ width, order }: Wide, out: Decoding, from: number, to: number): string {
  return Array.from({ length: to - from }, (_, index) => {
    const place = order === 'le' ? from + index : width - 1 - from - index;
    return index === 0 ? `b[${out.here(place)}]` : `b[${out.here(place)}] << ${8 * index}`;
  }).join(' | ');
}

function wide(width: Wide['width'], signed: boolean, order: ByteOrder): Field<number> {
  return declare<Wide, Field<number>>(WIDE, { width, signed, order });
}

/** 40 bits unsigned, little-endian. */
export const u40le: Field<number> = wide(5, false, 'le');
/** 40 bits unsigned, big-endian. */
export const u40be: Field<number> = wide(5, false, 'be');
/** 40 bits signed, little-endian. */
export const i40le: Field<number> = wide(5, true, 'le');
/** 40 bits signed, big-endian. */
export const i40be: Field<number> = wide(5, true, 'be');
/** 48 bits unsigned, little-endian. */
export const u48le: Field<number> = wide(6, false, 'le');
/** 48 bits unsigned, big-endian: a MAC address, the seconds of PTP. */
export const u48be: Field<number> = wide(6, false, 'be');
/** 48 bits signed, little-endian. */
export const i48le: Field<number> = wide(6, true, 'le');
/** 48 bits signed, big-endian. */
export const i48be: Field<number> = wide(6, true, 'be');
/** 56 bits unsigned, little-endian; values above 2⁵³ − 1 are refused, since a number does not hold them exactly. */
export const u56le: Field<number> = wide(7, false, 'le');
/** 56 bits unsigned, big-endian, up to 2⁵³ − 1. */
export const u56be: Field<number> = wide(7, false, 'be');
/** 56 bits signed, little-endian, from −(2⁵³ − 1) to 2⁵³ − 1. */
export const i56le: Field<number> = wide(7, true, 'le');
/** 56 bits signed, big-endian, from −(2⁵³ − 1) to 2⁵³ − 1. */
export const i56be: Field<number> = wide(7, true, 'be');
