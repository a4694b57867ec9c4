/** A packet in the form of mqtt-packet: these members are common to all packets. */
export class Packet implements Settings {
  declare protocolVersion?: number;
  cmd: string;
  retain: boolean;
  qos: number;
  dup: boolean;
  length: number;
  topic: unknown = null;
  payload: unknown = null;
  // biome-ignore lint/suspicious/noExplicitAny: as mqtt-packet
  [member: string]: any;

  constructor(cmd: string, flags: { dup: number; qos: number; retain: number }, length: number) {
    this.cmd = cmd;
    this.retain = flags.retain === 1;
    this.qos = flags.qos;
    this.dup = flags.dup === 1;
    this.length = length;
  }
}

/** The options agreed on for a connection, as in its CONNECT. */
export interface Settings {
  readonly protocolVersion?: number | undefined;
  readonly bridgeMode?: boolean;
  readonly properties?: { readonly maximumPacketSize?: number };
}
