import { Problem } from '../engine/problem.ts';
import { type AnyField, type Field, nodeOf } from '../field.ts';
import type { ByteOrder, Kind, NodeOf, Range, Scalar } from '../kind.ts';
import { declare } from '../node.ts';

/** An integer of fixed width. */
export interface Integer {
  /** In bytes. */
  readonly width: 1 | 2 | 3 | 4;
  readonly signed: boolean;
  readonly order: ByteOrder;
}

export const INTEGER: Kind<Integer> = {
  name: 'int',
  size: ({ width }) => ({ min: width, max: width }),
  shape: ({ width, signed, order }) => ({ is: 'integer', width, signed, order }),
  call: ({ width, signed, order }) => ({
    maker: `${signed ? 'i' : 'u'}${8 * width}${width === 1 ? '' : order}` as Scalar,
  }),
  range: integerRange,
  tag: (node) => ({
    node,
    raw: (tag) => (isInRange(tag, integerRange(node)) ? (tag as number) : undefined),
  }),
  slot: (node) => ({ width: node.width, order: node.order, ...integerRange(node) }),

  read({ width, signed, order }, walk) {
    const at = walk.take(width);
    if (signed) return order === 'le' ? walk.bytes.readIntLE(at, width) : walk.bytes.readIntBE(at, width);
    return order === 'le' ? walk.bytes.readUIntLE(at, width) : walk.bytes.readUIntBE(at, width);
  },

  write(node, value, walk) {
    requireInRange(value, integerRange(node));
    walk.put(node, value as number, walk.take(node.width));
  },

  decode(node, out) {
    const { width, signed } = node;
    out.need(width);
    const bits = wordText(node, (index) => `b[${out.here(index)}]`);
    const unused = 32 - 8 * width;
    const text = signed
      ? unused === 0
        ? bits
        : `(${bits}) << ${unused} >> ${unused}`
      : unsigned(node, bits);
    const value = out.define(text);
    out.advance(width);
    return { value };
  },

  encode(node, value, out, sure) {
    if (!sure) out.refuse(outOfRange(node, value));
    out.putInt(node, value, out.reservePlace(node.width));
  },
};

/** The smallest and the largest value of an integer. */
export function integerRange({ width, signed }: Pick<Integer, 'width' | 'signed'>): Range {
  const span = 2 ** (8 * width);
  return signed ? { min: -span / 2, max: span / 2 - 1 } : { min: 0, max: span - 1 };
}

export function isInRange(value: unknown, { min, max }: Range): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

export function requireInRange(value: unknown, range: Range): void {
  if (isInRange(value, range)) return;
  throw new Problem('ERR_FIELD_RANGE', `a whole number from ${range.min} to ${range.max}`, value);
}

/** The fixed-width integer that is the base of a field; throws a TypeError for anything else. */
export function integerNode(field: AnyField, where: string): NodeOf<Integer> {
  const node = nodeOf(field, where);
  if (node.kind === INTEGER) return node as NodeOf<Integer>;
  throw new TypeError(`${where}: expected an integer field of fixed width, got ${node.kind.name}`);
}

/** Code that reads an unsigned integer into a variable, for `flags` and `bits`; returns the variable. */
export function decodeUnsigned(
  node: Pick<Integer, 'width' | 'order'>,
  out: Parameters<typeof INTEGER.decode>[1],
): string {
  out.need(node.width);
  const value = out.define(
    unsigned(
      node,
      wordText(node, (index) => `b[${out.here(index)}]`),
    ),
  );
  out.advance(node.width);
  return value;
}

/** Code that joins the bytes of an integer to a word of 32 bits; `byte(0)` is the first byte. */
function wordText(
  { width, order }: Pick<Integer, 'width' | 'order'>,
  byte: (index: number) => string,
): string {
  return Array.from({ length: width }, (_, index) => {
    const shift = 8 * (order === 'le' ? index : width - 1 - index);
    return shift === 0 ? byte(index) : `${byte(index)} << ${shift}`;
  }).join(' | ');
}

function unsigned({ width }: Pick<Integer, 'width'>, bits: string): string {
  return width === 4 ? `(${bits}) >>> 0` : bits;
}

/** Code that is true for anything but a number in the integer's range. */
function outOfRange({ width, signed }: Integer, value: string): string {
  if (signed) {
    const unused = 32 - 8 * width;
    return unused === 0 ? `${value} !== (${value} | 0)` : `${value} !== (${value} << ${unused} >> ${unused})`;
  }
  return width === 4 ? `${value} !== ${value} >>> 0` : `${value} !== (${value} & ${2 ** (8 * width) - 1})`;
}

function int(width: Integer['width'], signed: boolean, order: ByteOrder): Field<number> {
  return declare<Integer, Field<number>>(INTEGER, { width, signed, order });
}

/** An unsigned byte, 0 to 255. */
export const u8: Field<number> = int(1, false, 'le');
/** A signed byte, −128 to 127, two's complement as all signed integers here. */
export const i8: Field<number> = int(1, true, 'le');
/** 16 bits unsigned, little-endian. */
export const u16le: Field<number> = int(2, false, 'le');
/** 16 bits unsigned, big-endian. */
export const u16be: Field<number> = int(2, false, 'be');
/** 16 bits signed, little-endian. */
export const i16le: Field<number> = int(2, true, 'le');
/** 16 bits signed, big-endian. */
export const i16be: Field<number> = int(2, true, 'be');
/** 24 bits unsigned, little-endian. */
export const u24le: Field<number> = int(3, false, 'le');
/** 24 bits unsigned, big-endian. */
export const u24be: Field<number> = int(3, false, 'be');
/** 24 bits signed, little-endian. */
export const i24le: Field<number> = int(3, true, 'le');
/** 24 bits signed, big-endian. */
export const i24be: Field<number> = int(3, true, 'be');
/** 32 bits unsigned, little-endian. */
export const u32le: Field<number> = int(4, false, 'le');
/** 32 bits unsigned, big-endian. */
export const u32be: Field<number> = int(4, false, 'be');
/** 32 bits signed, little-endian. */
export const i32le: Field<number> = int(4, true, 'le');
/** 32 bits signed, big-endian. */
export const i32be: Field<number> = int(4, true, 'be');
