import { Problem } from '../engine/problem.ts';
import type { Field } from '../field.ts';
import type { ByteOrder, Kind, NodeOf, Numbers, Slot } from '../kind.ts';
import { declare } from '../node.ts';

/** An integer of 64 bits, a `bigint`. */
interface BigInteger {
  readonly signed: boolean;
  readonly order: ByteOrder;
}

export const BIGINT: Kind<BigInteger> = {
  name: 'bigint',
  size: () => ({ min: 8, max: 8 }),
  shape: ({ signed, order }) => ({ is: 'integer', width: 8, signed, order, big: true }),
  call: ({ signed, order }) => ({ maker: `${signed ? 'i' : 'u'}64${order}` }),
  // A size that a number does not hold exactly exceeds any maximum.
  range: rangeOf,
  slot: slotOf,
  tag: (node) => ({ node, raw: (tag) => (fits(node, tag) ? (tag as bigint) : undefined) }),

  read({ signed, order }, walk) {
    const at = walk.take(8);
    if (signed) return order === 'le' ? walk.bytes.readBigInt64LE(at) : walk.bytes.readBigInt64BE(at);
    return order === 'le' ? walk.bytes.readBigUInt64LE(at) : walk.bytes.readBigUInt64BE(at);
  },

  write(node, value, walk) {
    const at = walk.take(8);
    put(node, walk.target, at, value);
  },

  decode(node, out) {
    out.need(8);
    const value = out.define(`b.read${method(node)}(${out.here()})`);
    out.advance(8);
    return { value, type: 'bigint' };
  },

  encode(node, value, out) {
    const wrapped = `BigInt.as${node.signed ? 'Int' : 'Uint'}N(64, ${value})`;
    out.refuse(`typeof ${value} !== 'bigint' || ${wrapped} !== ${value}`);
    out.line(`t.write${method(node)}(${value}, ${out.here()});`);
    out.advance(8);
  },
};

function rangeOf({ signed }: BigInteger): Numbers {
  return { min: signed ? -(2 ** 63) : 0, max: signed ? 2 ** 63 : 2 ** 64, big: true };
}

/** A size is put there as a number, a tag as a bigint. */
function slotOf(node: NodeOf<BigInteger>): Slot {
  return {
    width: 8,
    order: node.order,
    ...rangeOf(node),
    put: (target, at, value) => put(node, target as Buffer, at, BigInt(value)),
  };
}

function put(node: BigInteger, target: Buffer, at: number, value: unknown): void {
  if (!fits(node, value)) {
    const expected = `${node.signed ? 'a signed' : 'an unsigned'} 64-bit bigint`;
    throw new Problem('ERR_FIELD_RANGE', expected, value);
  }
  const raw = BigInt.asUintN(64, value as bigint);
  if (node.order === 'le') target.writeBigUInt64LE(raw, at);
  else target.writeBigUInt64BE(raw, at);
}

function fits({ signed }: BigInteger, value: unknown): boolean {
  return (
    typeof value === 'bigint' && (signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) === value
  );
}

function method({ signed, order }: BigInteger): string {
  return `Big${signed ? '' : 'U'}Int64${order === 'le' ? 'LE' : 'BE'}`;
}

function big(signed: boolean, order: ByteOrder): Field<bigint> {
  return declare<BigInteger, Field<bigint>>(BIGINT, { signed, order });
}

/** 64 bits unsigned, little-endian, a `bigint`. */
export const u64le: Field<bigint> = big(false, 'le');
/** 64 bits unsigned, big-endian, a `bigint`. */
export const u64be: Field<bigint> = big(false, 'be');
/** 64 bits signed, little-endian, a `bigint`. */
export const i64le: Field<bigint> = big(true, 'le');
/** 64 bits signed, big-endian, a `bigint`. */
export const i64be: Field<bigint> = big(true, 'be');
