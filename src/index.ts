// The public surface, in the order of the pipeline.

// bytes → frames
export { LengthPrefixDecoder } from './streams/length-prefix-decoder.ts';
export type { FrameTimes } from './streams/deadlines.ts';
export { FrameDecoder, type FrameDecoderOptions } from './streams/frame-decoder.ts';
export { FrameStream } from './streams/frame-stream.ts';
export { type LengthPrefixOptions, lengthPrefix } from './protocol/framing/length-prefix.ts';
export { type DelimiterOptions, delimiter, type LineOptions } from './protocol/framing/delimiter.ts';
export { line } from './protocol/framing/line.ts';
export { fixedLength } from './protocol/framing/fixed-length.ts';
export { type SlipOptions, slip } from './protocol/framing/slip.ts';
export { type CobsOptions, cobs } from './protocol/framing/cobs.ts';
export { type StuffedFlagOptions, stuffed } from './protocol/framing/stuffed.ts';
export {
  type HeadedOptions,
  type HeaderColumn,
  type HeaderField,
  type HeaderLength,
  headed,
} from './protocol/framing/headed.ts';
export {
  type PacketKindOptions,
  type PacketsOptions,
  packets,
} from './protocol/framing/packets.ts';
export type { PacketLength } from './protocol/framing/packet-length.ts';
export {
  type SelfDelimitingOptions,
  type SelfMeasuring,
  selfDelimiting,
} from './protocol/framing/self-delimiting.ts';
export { type MeasuredOptions, measured } from './protocol/framing/measured.ts';
export type { MeasureCursor } from './protocol/framing/candidate.ts';
export type { Bytes } from './protocol/framing/mark.ts';
export type {
  DelimiterLayout,
  FramingLayout,
  HeadedLayout,
  LengthFieldData,
  LengthFieldLayout,
  PacketLayout,
  PacketsLayout,
  StuffedLayout,
  ValidLayout,
} from './protocol/framing/layout.ts';
export type { FrameChecksum, Valid } from './protocol/framing/validity.ts';
export type { StuffedOptions } from './protocol/framing/stuffing.ts';
export type { FixedHeader, FrameRun } from './protocol/framing/frame-run.ts';
export type {
  DiscardCounts,
  FrameBatch,
  FrameReader,
  FrameReaderOptions,
  FrameWriter,
  Framing,
  PartialFrame,
} from './protocol/framing/framing.ts';

// frames → messages
export { MessageDecoder, type MessageDecoderOptions } from './streams/message-decoder.ts';
export {
  codecOf,
  type CodecWith,
  type DeclaredCodec,
  type Infer,
  type MessageLimits,
  messages,
  type MessagesIn,
  type MessagesOptions,
  type MessagesOut,
  type ParameterRange,
  type ParametrizedCodec,
} from './protocol/fields/messages.ts';
export * from './protocol/fields/kinds.ts';
export type { Extent, Kind, Shape } from './protocol/fields/kind.ts';
export type {
  Absent,
  AnyField,
  Field,
  FieldIn,
  FieldOut,
  Fields,
  Message,
  MessageTable as Messages,
  Parameter,
  Repeated,
  SameValue,
  Rest,
  Size,
  StructIn,
  StructOut,
} from './protocol/fields/field.ts';
export {
  type Checksum,
  type ChecksumName,
  type CrcParameters,
  checksumByName,
  checksumNames,
  crc,
} from './bytes/checksum.ts';
export type { Declaration, Trailing } from './protocol/fields/engine/declaration.ts';
export type { Span } from './protocol/fields/engine/read-walk.ts';
export { type Trace, trace } from './protocol/fields/engine/trace.ts';
export type { Codec, Decoded, Encodable } from './protocol/codec.ts';
export { MessageReader } from './protocol/message-reader.ts';
export { byKind, type KindCodec, type KindDecoded, type KindEncodable } from './protocol/by-kind.ts';
export { type CodecFunctions, codecFrom, json } from './protocol/codec-from.ts';

// messages → answers
export { type SessionObserver, StateMachine, type StateMachineOptions } from './streams/state-machine.ts';
export { defineSession, type Session } from './protocol/session/session.ts';
export type {
  Deadline,
  ForeignState,
  Handler,
  MessageSource,
  OfType,
  Reply,
  Row,
  Said,
  Sends,
  SessionDeclaration,
  StateDeclaration,
  StateFraming,
  StateFramings,
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

// the whole protocol, as one stage, and without a stream
export {
  Conversation,
  type ConversationObserver,
  type ConversationOptions,
  type ReadCounts,
  type Upgrade,
} from './protocol/conversation.ts';
export { Responder, type ResponderOptions } from './streams/responder.ts';

// your own stages
export type { Matter } from './streams/outlet.ts';
export { Stage, type StageOptions } from './streams/stage.ts';

// the whole protocol, over a socket
export { defineProtocol, type Protocol, type ServerProtocol } from './protocol/protocol.ts';
export type { FramingPair, Preface } from './protocol/direction.ts';
export {
  type Closed,
  type CloseOptions,
  createServer,
  type Server,
  type ServerOptions,
} from './net/server.ts';
export type { Connection, Machine } from './net/connection.ts';
export type { Follower } from './net/follower.ts';
export type { FollowedConnection, ServerFleet } from './net/server-fleet.ts';
export type { DrainOptions } from './net/drain.ts';
export type { EntranceOptions, ProxyProtocolOptions } from './net/entrance.ts';
export type { LimitStruck, ServerLimits, SettledLimits } from './net/limits.ts';
export type { Peer, PeerTls } from './net/peer.ts';
export type { Upgrades, Upgrade as UpgradeOption } from './net/upgrades.ts';
export { onLeave, Workers, type WorkersOptions } from './net/workers.ts';
export type { ServerStatistics } from './net/statistics.ts';
export type { ProxyAddress, ProxyHeader, ProxyTls, ProxyTransport } from './net/proxy/header.ts';
export { readProxyHeader } from './net/proxy/read-header.ts';
export { writeProxyHeader } from './net/proxy/write-header.ts';
export { Client, type ClientOptions, type ClientProtocol } from './net/client.ts';
export { type ConnectOptions, connect, type StreamTarget } from './net/connect.ts';
export type { HeartbeatOptions } from './net/heartbeat.ts';
export { ReconnectingClient, type ReconnectOptions } from './net/reconnecting-client.ts';
export type { BackoffOptions } from './net/backoff.ts';
export { lendReads } from './net/lent-reads.ts';
export type { RepliesOptions, RequestOptions } from './net/replies.ts';
export type { ReplyRules } from './protocol/reply-rules.ts';
export type { RequestsOptions } from './protocol/session/requests.ts';
export type { Expects, ExpectsTable, TypeOf } from './protocol/session/expects.ts';
export type { Id, IdPath, Numberless } from './protocol/session/id-path.ts';
export type { NumberRange } from './protocol/session/numbers.ts';

export type {
  ConnectionObserver,
  ObservedConnection,
  Observer,
} from './protocol/recording/observer.ts';

// errors
export * from './errors.ts';
