// Recorded captures, `wirepipe/captures`: files in, packets, streams and messages out.

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
export type { Packet, PacketReader } from './packet.ts';
export { packetReader } from './packet-reader.ts';
export { readChunks } from './read-chunks.ts';
export type { TcpSink } from './tcp-stream.ts';
