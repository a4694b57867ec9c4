// The public surface, in the order of the pipeline.

// bytes → frames
export { LengthPrefixDecoder } from './streams/length-prefix-decoder.ts';
export { FrameDecoder } from './streams/frame-decoder.ts';
export { type LengthPrefixOptions, lengthPrefix } from './protocol/framing/length-prefix.ts';
export { type DelimiterOptions, delimiter, type LineOptions } from './protocol/framing/delimiter.ts';
export { line } from './protocol/framing/line.ts';
export { fixedLength } from './protocol/framing/fixed-length.ts';
export { type SlipOptions, slip } from './protocol/framing/slip.ts';
export { type CobsOptions, cobs } from './protocol/framing/cobs.ts';
export type { StuffedOptions } from './protocol/framing/stuffing.ts';
export type {
  FrameBatch,
  FrameReader,
  FrameReaderOptions,
  FrameWriter,
  Framing,
} from './protocol/framing/framing.ts';

// frames → messages
export { MessageDecoder } from './streams/message-decoder.ts';
export {
  codecOf,
  type DeclaredCodec,
  type Infer,
  message,
  messages,
  type MessagesIn,
  type MessagesOptions,
  type MessagesOut,
} from './protocol/fields/messages.ts';
export {
  u8,
  i8,
  u16le,
  u16be,
  i16le,
  i16be,
  u24le,
  u24be,
  i24le,
  i24be,
  u32le,
  u32be,
  i32le,
  i32be,
  u64le,
  u64be,
  i64le,
  i64be,
  f32le,
  f32be,
  f64le,
  f64be,
  varuint,
  varint,
  bool,
  enumeration,
  flags,
  bits,
  bytes,
  utf8,
  cstring,
  rest,
  array,
  struct,
  bounded,
  lazy,
  optional,
  when,
  union,
  constant,
  padding,
  checksum,
  custom,
  type Absent,
  type AnyField,
  type ChecksumRange,
  type Condition,
  type CustomField,
  type Field,
  type FieldIn,
  type FieldOut,
  type Fields,
  type Limits as FieldLimits,
  type Message,
  type Messages,
  type ReadCursor,
  type Rest,
  type Size,
  type StructIn,
  type StructOut,
  type Tag,
  type WriteCursor,
} from './protocol/fields/fields.ts';
export {
  type Checksum,
  type ChecksumName,
  type CrcParameters,
  checksumNames,
  crc,
} from './bytes/checksum.ts';
export {
  type Declaration,
  type Span,
  type Trace,
  type Trailing,
  trace,
} from './protocol/fields/engine/read-walk.ts';
export type { Codec, Decoded, Encodable } from './protocol/codec.ts';
export { type CodecFunctions, codecFrom, json } from './protocol/codec-from.ts';

// messages → answers
export { StateMachine, type StateMachineOptions } from './streams/state-machine.ts';
export { defineSession, type Session } from './protocol/session/session.ts';
export type {
  Deadline,
  Handler,
  MessageSource,
  OfType,
  Reply,
  Row,
  Said,
  Sends,
  SessionDeclaration,
  StateDeclaration,
  Tagged,
  Tagged as Typed,
} from './protocol/session/declaration.ts';
export type { Mirror } from './protocol/session/mirror.ts';
export { toMarkdown, toMermaid } from './protocol/session/picture.ts';
export type { Run, StateLimits, StateLimits as Limits, Step } from './protocol/session/run.ts';

// messages → bytes
export { MessageEncoder, type MessageEncoderOptions } from './streams/message-encoder.ts';

// frames → bytes
export { LengthPrefixEncoder } from './streams/length-prefix-encoder.ts';
export { FrameEncoder } from './streams/frame-encoder.ts';
export type { StageOptions } from './streams/stage.ts';

// all of it, over a socket
export { defineProtocol, type Protocol } from './protocol/protocol.ts';
export { type Connection, createServer, type Server, type ServerOptions } from './net/server.ts';
export {
  Client,
  type ClientOptions,
  type ClientProtocol,
  type ConnectOptions,
  connect,
} from './net/client.ts';
export { lendReads } from './net/lent-reads.ts';
export type { RepliesOptions, RequestOptions } from './net/replies.ts';
export type { ReplyRules } from './protocol/reply-rules.ts';
export type { RequestsOptions } from './protocol/session/requests.ts';
export type { Expects, ExpectsTable, TypeOf } from './protocol/session/expects.ts';
export type { Id, IdPath, Numberless } from './protocol/session/id-path.ts';
export type { NumberRange } from './protocol/session/numbers.ts';

// what goes wrong
export * from './errors.ts';
