// `wirepipe/captures`: reads recorded traffic from files, as packets, streams and messages, and writes it.

export { eventLine, headerLine } from '../protocol/recording/capture-line.ts';
export type {
  CaptureEvent,
  CaptureHeader,
  CloseEvent,
  ConflictEvent,
  DataEvent,
  DatagramEvent,
  EndEvent,
  ErrorEvent,
  GapEvent,
  OpenEvent,
  Side,
  StateEvent,
} from '../protocol/recording/events.ts';
export {
  CaptureMessages,
  type DecodableProtocol,
  type DecodeCaptureOptions,
  type DecodedEvent,
  decodeCapture,
  type FaultEvent,
  type LostEvent,
  type MessageEvent,
} from './decode-capture.ts';
export { type EventReader, eventReader } from './event-reader.ts';
export {
  type Direction,
  type Endpoint,
  endpointText,
  Flows,
  type FlowsHandler,
  type FlowsOptions,
  type Time,
  type UdpDatagram,
} from './flows.ts';
export { followYaml } from './follow-yaml.ts';
export { gathered } from './gathered.ts';
export { hexDump, toHexDump } from './hex-dump.ts';
export { type LineLogOptions, lineLog } from './line-log.ts';
export { type LineParser, parseLines } from './line-parser.ts';
export type { Packet, PacketReader } from './packet.ts';
export { packetReader } from './packet-reader.ts';
export { PcapngWriter, type PcapngWriterOptions } from './pcapng-writer.ts';
export { captureEvents, readCapture } from './read-capture.ts';
export { fileChunks, readChunks, readChunksSync, unpackedChunks } from './read-chunks.ts';
export { type Recorder, type RecordOptions, recordTo } from './recorder.ts';
export { type RecutOptions, recut } from './recut.ts';
export { socatLog } from './socat-log.ts';
export { Tap } from './tap.ts';
export type { TcpSink } from './tcp-stream.ts';
export { toTestVectors } from './to-test-vectors.ts';
export { CaptureEncoder, writeCapture } from './write-capture.ts';
export { writePcapng } from './write-pcapng.ts';
