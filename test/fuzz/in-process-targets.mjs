/**
 * Framings and codecs of ours, for `wirepipe fuzz --in-process test/fuzz/in-process-targets.mjs --corpus test/fuzz/corpus`. Limits are low
 * enough to be met.
 */
import {
  array,
  bits,
  bool,
  bounded,
  bytes,
  checksum,
  cobs,
  cstring,
  delimiter,
  enumeration,
  f32le,
  fixedLength,
  flags,
  i16be,
  i64le,
  lengthPrefix,
  line,
  message,
  messages,
  optional,
  padding,
  rest,
  slip,
  struct,
  u8,
  u16be,
  u32le,
  union,
  utf8,
  varuint,
} from 'wirepipe';

export { drone } from 'wirepipe/drone';

const maxFrameLength = 64;
export const fixedField = lengthPrefix({ maxFrameLength });
export const varintField = lengthPrefix({ lengthFieldLength: 'varint', maxFrameLength });
export const fieldInHeader = lengthPrefix({
  lengthFieldOffset: 2,
  lengthFieldLength: 2,
  byteOrder: 'big',
  initialBytesToStrip: 0,
  maxFrameLength,
  onTooLong: 'discard',
});
export const marks = delimiter({ delimiter: ['\r\n', '\n\n', ';'], maxFrameLength, unterminated: 'emit' });
export const lines = line({ maxFrameLength, onTooLong: 'discard' });
export const pieces = fixedLength(5);
export const slipped = slip({ maxFrameLength });
export const cobbed = cobs({ maxFrameLength });

const point = struct({ x: i16be, y: i16be });
export const kinds = messages(
  u8,
  {
    numbers: message(1, { small: u8, big: i64le, wide: varuint, real: f32le, is: bool }),
    texts: message(2, { short: utf8(u8), zero: cstring(32), raw: bytes(u16be, { max: 64 }) }),
    lists: message(3, { points: array(point, u8), rest: array(u16be, rest) }),
    choices: message(4, {
      head: bits(u8, { version: { width: 4, constant: 4 }, urgent: 1, kind: 3 }),
      color: enumeration(u8, { red: 1, green: 2 }),
      rights: flags(u8, { read: 0, write: 1 }),
      what: union(u8, { point: message(1, { at: point }), name: message(2, { name: utf8(u8) }) }),
      more: optional(u8),
    }),
    sums: message(5, {
      head: u8,
      body: bounded(u8, struct({ data: bytes(rest) })),
      fill: padding({ to: 4 }),
      sum: checksum(u32le, 'CRC-32/ISO-HDLC'),
    }),
  },
  { trailing: 'reject' },
);
