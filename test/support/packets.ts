/** Makes packets and capture files for tests, byte by byte as the standards draw them. */

export interface Segment {
  from?: string;
  to?: string;
  sport?: number;
  dport?: number;
  seq?: number;
  ack?: number;
  /** Of `S`, `A`, `F`, `R`, `P`. */
  flags?: string;
  payload?: Uint8Array | string;
  /** Bytes of TCP options, a multiple of 4. */
  options?: Uint8Array;
}

const FLAGS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value & 0xffff);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function tcp(segment: Segment): Buffer {
  const { sport = 5000, dport = 80, seq = 0, ack = 0, flags = 'A', payload = '', options } = segment;
  const bits = [...flags].reduce((all, flag) => all | FLAGS[flag]!, 0);
  const extra = options ?? Buffer.alloc(0);
  return Buffer.concat([
    u16(sport),
    u16(dport),
    u32(seq),
    u32(ack),
    Buffer.from([((20 + extra.length) / 4) << 4, bits]),
    u16(64_000), // window
    u16(0), // checksum: not looked at
    u16(0), // urgent pointer
    extra,
    Buffer.from(payload),
  ]);
}

export function udp(sport: number, dport: number, payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([u16(sport), u16(dport), u16(8 + bytes.length), u16(0), bytes]);
}

export interface Ipv4Options {
  protocol?: number;
  options?: Uint8Array;
  id?: number;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  more?: boolean;
  totalLength?: number;
}

export function ipv4(from: string, to: string, payload: Uint8Array, more: Ipv4Options = {}): Buffer {
  const extra = more.options ?? Buffer.alloc(0);
  const length = 20 + extra.length + payload.length;
  return Buffer.concat([
    Buffer.from([0x40 | ((20 + extra.length) / 4), 0]),
    u16(more.totalLength ?? length),
    u16(more.id ?? 1),
    u16((more.more ? 0x2000 : 0) | ((more.fragmentOffset ?? 0) / 8)),
    Buffer.from([64, more.protocol ?? 6]),
    u16(0),
    Buffer.from(from.split('.').map(Number)),
    Buffer.from(to.split('.').map(Number)),
    extra,
    payload,
  ]);
}

/** 2001:db8::N */
export function ipv6Address(n: number): Buffer {
  return Buffer.concat([Buffer.from('20010db800000000000000000000', 'hex'), u16(n)]);
}

/** @param next - the protocol of the payload's first header: 6 is TCP, others are extension headers */
export function ipv6(from: number, to: number, payload: Uint8Array, next = 6, length?: number): Buffer {
  return Buffer.concat([
    Buffer.from([0x60, 0, 0, 0]),
    u16(length ?? payload.length),
    Buffer.from([next, 64]),
    ipv6Address(from),
    ipv6Address(to),
    payload,
  ]);
}

export function ethernet(ip: Uint8Array, ...tags: number[]): Buffer {
  const type = ip[0]! >> 4 === 6 ? 0x86dd : 0x0800;
  const frame = Buffer.concat([
    Buffer.alloc(12, 2),
    ...tags.flatMap((tag) => [u16(tag), u16(7)]), // 802.1Q: tag protocol, then priority and VLAN
    u16(type),
    ip,
  ]);
  // A short Ethernet frame is padded, here with bytes that must not count as data.
  return frame.length >= 60 ? frame : Buffer.concat([frame, Buffer.alloc(60 - frame.length, 0xee)]);
}

/** An Ethernet frame with a segment from 10.0.0.1 to 10.0.0.2, unless the segment says otherwise. */
export function frame(segment: Segment): Buffer {
  return ethernet(ipv4(segment.from ?? '10.0.0.1', segment.to ?? '10.0.0.2', tcp(segment)));
}

export interface Captured {
  bytes: Uint8Array;
  /** The length on the wire. Default: the captured length. */
  original?: number;
  seconds?: number;
  fraction?: number;
  interfaceId?: number;
}

export interface PcapOptions {
  bigEndian?: boolean;
  nanoseconds?: boolean;
  linkType?: number;
  snaplen?: number;
}

export function pcap(packets: readonly (Captured | Uint8Array)[], options: PcapOptions = {}): Buffer {
  const { bigEndian = false, nanoseconds = false, linkType = 1, snaplen = 262_144 } = options;
  const word = (value: number): Buffer => (bigEndian ? u32(value) : u32(value).reverse());
  const half = (value: number): Buffer => (bigEndian ? u16(value) : u16(value).reverse());
  const head = [
    word(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4),
    half(2),
    half(4),
    word(0),
    word(0),
    word(snaplen),
  ];
  const records = packets.map(asCaptured).flatMap(({ bytes, original, seconds = 0, fraction = 0 }, index) => {
    const captured = Buffer.from(bytes.subarray(0, snaplen));
    const time = seconds === 0 ? 1_700_000_000 : seconds;
    return [
      word(time),
      word(seconds === 0 && fraction === 0 ? index + 1 : fraction),
      word(captured.length),
      word(original ?? bytes.length),
      captured,
    ];
  });
  return Buffer.concat([...head, word(linkType), ...records]);
}

function asCaptured(packet: Captured | Uint8Array): Captured {
  return packet instanceof Uint8Array ? { bytes: packet } : packet;
}

/** A block of pcapng: the body is padded. */
export function block(type: number, body: Uint8Array, bigEndian = false): Buffer {
  const padding = Buffer.alloc(-body.length & 3);
  const length = 12 + body.length + padding.length;
  const word = (value: number): Buffer => (bigEndian ? u32(value) : u32(value).reverse());
  return Buffer.concat([word(type), word(length), body, padding, word(length)]);
}

/** An option of pcapng. */
export function option(code: number, value: Uint8Array, bigEndian = false): Buffer {
  const half = (number: number): Buffer => (bigEndian ? u16(number) : u16(number).reverse());
  return Buffer.concat([half(code), half(value.length), value, Buffer.alloc(-value.length & 3)]);
}

export function section(bigEndian = false): Buffer {
  const word = (value: number): Buffer => (bigEndian ? u32(value) : u32(value).reverse());
  const half = (value: number): Buffer => (bigEndian ? u16(value) : u16(value).reverse());
  const body = [word(0x1a2b3c4d), half(1), half(0), Buffer.alloc(8, 0xff)];
  return block(0x0a0d0d0a, Buffer.concat(body), bigEndian);
}

export function interfaceBlock(
  linkType: number,
  options: Uint8Array = Buffer.alloc(0),
  bigEndian = false,
): Buffer {
  const half = (value: number): Buffer => (bigEndian ? u16(value) : u16(value).reverse());
  return block(1, Buffer.concat([half(linkType), half(0), Buffer.alloc(4), options]), bigEndian);
}

export function packetBlock(
  packet: {
    bytes: Uint8Array;
    units?: bigint;
    interfaceId?: number;
    original?: number;
    options?: Uint8Array;
  },
  bigEndian = false,
): Buffer {
  const word = (value: number): Buffer => (bigEndian ? u32(value) : u32(value).reverse());
  const { bytes, units = 1_700_000_000_000_000n, interfaceId = 0, original = bytes.length, options } = packet;
  const body = [
    word(interfaceId),
    word(Number(units >> 32n)),
    word(Number(units & 0xffffffffn)),
    word(bytes.length),
    word(original),
    bytes,
    Buffer.alloc(-bytes.length & 3),
    options ?? Buffer.alloc(0),
  ];
  return block(6, Buffer.concat(body), bigEndian);
}
