import { Problem } from '../engine/problem.ts';
import type { Field } from '../field.ts';
import type { Decoding, Encoding, Kind, Reading, Writing } from '../kind.ts';
import { declare } from '../node.ts';

export const BOOL: Kind<object> = {
  name: 'bool',
  size: () => ({ min: 1, max: 1 }),
  shape: () => ({ is: 'integer', width: 1, signed: false, order: 'le', truth: true }),
  call: () => ({ maker: 'bool' }),
  read: (_, walk) => readFlag(walk),
  write(_, value, walk) {
    if (typeof value !== 'boolean') throw new Problem('ERR_FIELD_RANGE', 'true or false', value);
    writeFlag(value, walk);
  },
  decode: (_, out) => ({ value: decodeFlag(out) }),
  encode(_, value, out) {
    out.refuse(`typeof ${value} !== 'boolean'`);
    encodeFlag(value, out);
  },
};

/** A byte that is 0 or 1. */
export function readFlag(walk: Reading): boolean {
  const at = walk.take(1);
  const byte = walk.bytes[at]!;
  if (byte > 1) throw new Problem('ERR_MESSAGE_VALUE', '0 or 1', byte, { at });
  return byte === 1;
}

export function writeFlag(value: boolean, walk: Writing): void {
  walk.append(Uint8Array.of(value ? 1 : 0));
}

export function decodeFlag(out: Decoding): string {
  out.need(1);
  const byte = out.define(`b[${out.here()}]`);
  out.advance(1);
  out.fail(`${byte} > 1`);
  return out.define(`${byte} === 1`);
}

export function encodeFlag(condition: string, out: Encoding): void {
  out.line(`t[${out.here()}] = ${condition} ? 1 : 0;`);
  out.advance(1);
}

/** One byte, 0 or 1; anything else is refused. */
export const bool: Field<boolean> = declare<object, Field<boolean>>(BOOL, {});
