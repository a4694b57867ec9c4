/**
 * RESP 2, the protocol of Redis (redis.io/docs/latest/develop/reference/protocol-spec): a value is a sign, then a line,
 * then, for some types, as many bytes or values as the line says. A value has no total length: the declaration measures
 * it.
 *
 *     *2 CR LF  $3 CR LF GET CR LF  $1 CR LF a CR LF
 */
import * as w from 'wirepipe';

const crlf = w.constant(w.bytes(2), Buffer.from('\r\n'));
const line = w.text(w.until(crlf));
const count = w.decimal(w.until(crlf), { signed: true });

/** A value. `bulk` and `items` are null for Redis' null values. */
export type Value =
  | { type: 'simple' | 'error'; text: string }
  | { type: 'integer'; value: bigint }
  | { type: 'bulk'; bulk: { data: Buffer } | null }
  | { type: 'array'; items: readonly Value[] | null };

/** A number of 64 bits. */
const integer = w.mapped(line, {
  name: 'a RESP integer',
  decode(text) {
    if (!/^[+-]?\d{1,19}$/.test(text)) throw new RangeError('no integer');
    return BigInt(text.replace('+', ''));
  },
  encode: String,
});

const table = {
  simple: w.message(0x2b, { text: line }),
  error: w.message(0x2d, { text: line }),
  integer: w.message(0x3a, { value: integer }),
  bulk: w.message(0x24, {
    bulk: w.bounded(w.size(count, { add: 2, nullAt: -1 }), w.struct({ data: w.bytes(w.rest), end: crlf })),
  }),
  array: w.message(0x2a, {
    items: w.array(
      w.lazy((): w.Field<Value> => value),
      w.size(count, { nullAt: -1 }),
    ),
  }),
};
const value: w.Field<Value> = w.union(w.u8, table);

export const resp = w.messages(w.u8, table);
export const framing = w.selfDelimiting(resp, { maxFrameLength: 64_000_000 });

/** A command as clients send it: an array of bulk strings. */
export function command(...words: readonly (string | Buffer)[]): Value {
  return { type: 'array', items: words.map((word) => bulk(word)) };
}

export function bulk(data: string | Buffer | null): Value {
  return { type: 'bulk', bulk: data === null ? null : { data: Buffer.from(data as string) } };
}
