// bytes → frames

// what goes wrong
export * from './errors.ts';
export {
  type Checksum,
  type ChecksumName,
  type CrcParameters,
  checksumNames,
  crc,
} from './protocol/checksum.ts';
export type { Codec, Decoded, Encodable } from './protocol/codec.ts';
export {
  array,
  bits,
  bool,
  bounded,
  bytes,
  type Condition,
  type CustomField,
  checksum,
  constant,
  cstring,
  custom,
  enumeration,
  type Field,
  f32be,
  f32le,
  f64be,
  f64le,
  flags,
  i8,
  i16be,
  i16le,
  i24be,
  i24le,
  i32be,
  i32le,
  i64be,
  i64le,
  lazy,
  optional,
  padding,
  type ReadCursor,
  rest,
  type Size,
  struct,
  u8,
  u16be,
  u16le,
  u24be,
  u24le,
  u32be,
  u32le,
  u64be,
  u64le,
  union,
  utf8,
  varint,
  varuint,
  type WriteCursor,
  when,
} from './protocol/fields.ts';
export type {
  FrameBatch,
  FrameReader,
  FrameReaderOptions,
  FrameWriter,
  Framing,
} from './protocol/framing.ts';
export { type LengthPrefixOptions, lengthPrefix } from './protocol/length-prefix.ts';
export { FrameDecoder } from './streams/frame-decoder.ts';
export { FrameEncoder } from './streams/frame-encoder.ts';
export { LengthPrefixDecoder } from './streams/length-prefix-decoder.ts';
// frames → bytes
export { LengthPrefixEncoder } from './streams/length-prefix-encoder.ts';
// frames → messages
export { MessageDecoder } from './streams/message-decoder.ts';
// messages → bytes
export { MessageEncoder, type MessageEncoderOptions } from './streams/message-encoder.ts';
export type { StageOptions } from './streams/stage.ts';
export { codecOf, type DeclaredCodec, type Infer, message, messages } from './protocol/messages.ts';
export { type Span, type Trace, type Trailing, trace } from './protocol/trace.ts';
