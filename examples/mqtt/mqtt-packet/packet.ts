/** A packet as mqtt-packet gives and takes it: all of them have these, and further members of their own. */
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

/** What a connection has agreed on; a CONNECT says it too. */
export interface Settings {
  readonly protocolVersion?: number | undefined;
  readonly bridgeMode?: boolean;
  readonly properties?: { readonly maximumPacketSize?: number };
}
