import net from 'node:net';
import { show } from '../../bytes/show.ts';
import { FrameError } from '../../errors.ts';
import {
  ADDRESS_LENGTH,
  ALPN,
  AUTHORITY,
  CRC32C,
  headerChecksum,
  LONGEST_UNIQUE_ID,
  NETNS,
  NOOP,
  type ProxyAddress,
  type ProxyHeader,
  type ProxyTls,
  type ProxyTransport,
  SIGNATURE,
  SSL,
  TLS_TEXTS,
  TRANSPORTS,
  UNIQUE_ID,
  V1_LONGEST,
  V1_START,
  V2_FIXED,
} from './header.ts';

/**
 * Read the header at the start of a connection.
 *
 * @param bytes - the bytes received so far, from the connection's first byte on
 * @returns the header and its length in bytes; undefined if more bytes are needed
 * @throws FrameError `ERR_PROXY_HEADER` for bytes that cannot begin or be a header, as soon as they are there;
 * `ERR_FRAME_CHECKSUM` if its CRC32C is wrong
 *
 * @example
 * const read = readProxyHeader(Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nhello'));
 * read?.header.source; // { address: '192.0.2.1', port: 56324 }
 * read?.length;        // 45: "hello" begins there
 */
export function readProxyHeader(
  bytes: Buffer,
): { readonly header: ProxyHeader; readonly length: number } | undefined {
  if (!Buffer.isBuffer(bytes)) throw new TypeError(`readProxyHeader: expected a Buffer, got ${show(bytes)}`);
  if (bytes.length === 0) return undefined;
  const version2 = bytes[0] === SIGNATURE[0];
  const start = version2 ? SIGNATURE : V1_START;
  const known = Math.min(bytes.length, start.length);
  for (let i = 0; i < known; i++) {
    if (bytes[i] !== start[i]) throw wrong('the connection does not begin with a PROXY header', i);
  }
  return version2 ? readVersion2(bytes) : readVersion1(bytes);
}

function readVersion1(bytes: Buffer): { header: ProxyHeader; length: number } | undefined {
  const end = bytes.subarray(0, V1_LONGEST).indexOf('\r\n', 0, 'latin1');
  if (end < 0) {
    if (bytes.length < V1_LONGEST) return undefined;
    throw wrong(`the line of a version 1 header is longer than ${V1_LONGEST} bytes`, V1_LONGEST);
  }
  const length = end + 2;
  const line = bytes.toString('latin1', V1_START.length, end);
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) {
    return { header: { version: 1, command: 'proxy', transport: 'unknown' }, length };
  }
  const [family, from = '', to = '', fromPort = '', toPort = '', ...more] = line.split(' ');
  const isAddress = family === 'TCP4' ? net.isIPv4 : family === 'TCP6' ? net.isIPv6 : undefined;
  if (
    isAddress === undefined ||
    more.length > 0 ||
    ![from, to].every((address) => isAddress(address) && !address.includes('%')) ||
    ![fromPort, toPort].every((port) => /^(0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 65_535)
  ) {
    throw wrong(`a version 1 header says TCP4 or TCP6, two addresses and two ports, not ${show(line)}`, 0);
  }
  const header: ProxyHeader = {
    version: 1,
    command: 'proxy',
    transport: family === 'TCP4' ? 'tcp4' : 'tcp6',
    source: { address: from, port: Number(fromPort) },
    destination: { address: to, port: Number(toPort) },
  };
  return { header, length };
}

function readVersion2(bytes: Buffer): { header: ProxyHeader; length: number } | undefined {
  if (bytes.length > 12 && bytes[12] !== 0x20 && bytes[12] !== 0x21) {
    throw wrong(`version and command are 0x20 or 0x21, not ${hex(bytes[12]!)}`, 12);
  }
  const transport = bytes.length > 13 ? TRANSPORTS[bytes[13]!] : 'unknown';
  if (transport === undefined) throw wrong(`there is no family and transport ${hex(bytes[13]!)}`, 13);
  if (bytes.length < V2_FIXED) return undefined;
  const length = V2_FIXED + bytes.readUInt16BE(14);
  const isLocal = bytes[12] === 0x20;
  const hasPorts = transport.startsWith('tcp') || transport.startsWith('udp');
  const addresses = 2 * (ADDRESS_LENGTH[transport] + (hasPorts ? 2 : 0));
  // Judged from the length alone, before the rest arrives. The addresses of LOCAL are ignored.
  if (!isLocal && length < V2_FIXED + addresses) {
    throw wrong(
      `${length - V2_FIXED} bytes are too short for the addresses of ${transport}: ${addresses}`,
      14,
    );
  }
  if (bytes.length < length) return undefined;
  const whole = bytes.subarray(0, length);
  if (isLocal) {
    // The receiver ignores these bytes, except for a wrong checksum in them.
    const tlvs = [addresses, 0].map((skipped) => tlvsIn(whole, V2_FIXED + skipped)).find((found) => found);
    const checksum = tlvs !== undefined && verify(whole, tlvs);
    const header: ProxyHeader = { version: 2, command: 'local', transport: 'unknown' };
    return { header: checksum ? { ...header, checksum } : header, length };
  }
  const tlvs = tlvsIn(whole, V2_FIXED + addresses);
  if (tlvs === undefined) throw wrong('a TLV reaches beyond the header', V2_FIXED + addresses);
  const [source, destination] = readAddresses(whole, transport);
  const header: ProxyHeader = {
    version: 2,
    command: 'proxy',
    transport,
    ...(source && { source, destination }),
    ...readTlvs(whole, tlvs),
  };
  return { header, length };
}

function readAddresses(bytes: Buffer, transport: ProxyTransport): ProxyAddress[] {
  const width = ADDRESS_LENGTH[transport];
  const at = [V2_FIXED, V2_FIXED + width];
  const ports = V2_FIXED + 2 * width;
  switch (transport) {
    case 'unknown':
      return [];
    case 'unix':
    case 'unix-datagram':
      return at.map((from) => {
        const path = bytes.subarray(from, from + width);
        const end = path.indexOf(0);
        return { address: path.toString('utf8', 0, end < 0 ? width : end), port: 0 };
      });
    default:
      return at.map((from, i) => ({
        address: (width === 4 ? ipv4 : ipv6)(bytes, from),
        port: bytes.readUInt16BE(ports + 2 * i),
      }));
  }
}

/** The place of a TLV's value. */
interface Tlv {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** The TLVs from `at` to the end of the bytes; undefined if the last one does not end there. */
function tlvsIn(bytes: Buffer, at: number): Tlv[] | undefined {
  const found: Tlv[] = [];
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return undefined;
    const start = at + 3;
    const end = start + bytes.readUInt16BE(at + 1);
    found.push({ type: bytes[at]!, start, end });
    at = end;
  }
  return at === bytes.length ? found : undefined;
}

function readTlvs(bytes: Buffer, tlvs: readonly Tlv[]): Partial<ProxyHeader> {
  const read: { -readonly [K in keyof ProxyHeader]?: ProxyHeader[K] } = {};
  const others: { type: number; value: Buffer }[] = [];
  if (verify(bytes, tlvs)) read.checksum = true;
  for (const { type, start, end } of tlvs) {
    if (type === ALPN) read.alpn = bytes.toString('utf8', start, end);
    else if (type === AUTHORITY) read.authority = bytes.toString('utf8', start, end);
    else if (type === NETNS) read.namespace = bytes.toString('utf8', start, end);
    else if (type === UNIQUE_ID) {
      if (end - start > LONGEST_UNIQUE_ID) {
        throw wrong(`a unique id of ${end - start} bytes is longer than ${LONGEST_UNIQUE_ID}`, start);
      }
      // A copy: the caller's memory is reused.
      read.uniqueId = Buffer.from(bytes.subarray(start, end));
    } else if (type === SSL) {
      const tls = readTls(bytes.subarray(start, end), start);
      if (tls !== undefined) read.tls = tls;
    } else if (type !== NOOP && type !== CRC32C) {
      others.push({ type, value: Buffer.from(bytes.subarray(start, end)) });
    }
  }
  if (others.length > 0) read.others = others;
  return read;
}

/** PP2_TYPE_SSL: flags u8, verify u32be, TLVs. */
function readTls(bytes: Buffer, offset: number): ProxyTls | undefined {
  const tlvs = bytes.length < 5 ? undefined : tlvsIn(bytes, 5);
  if (tlvs === undefined) throw wrong('the part of a PROXY header about TLS is cut', offset);
  const flags = bytes[0]!;
  if ((flags & 0x01) === 0) return undefined;
  const certificate = (flags & 0x02) !== 0 ? 'connection' : (flags & 0x04) !== 0 ? 'session' : 'none';
  const tls: { -readonly [K in keyof ProxyTls]: ProxyTls[K] } = {
    certificate,
    verified: certificate !== 'none' && bytes.readUInt32BE(1) === 0,
  };
  for (const { type, start, end } of tlvs) {
    if (type in TLS_TEXTS)
      tls[TLS_TEXTS[type as keyof typeof TLS_TEXTS]] = bytes.toString('utf8', start, end);
  }
  return tls;
}

/** Whether there is a checksum; throws if it is wrong. It covers the whole header, with its own bytes as zeros. */
function verify(bytes: Buffer, tlvs: readonly Tlv[]): boolean {
  const place = tlvs.find(({ type }) => type === CRC32C);
  if (place === undefined) return false;
  const { start, end } = place;
  if (end - start !== 4) throw wrong(`a CRC32C has 4 bytes, not ${end - start}`, start);
  const actual = bytes.readUInt32BE(start);
  const expected = headerChecksum(bytes, start);
  if (actual === expected) return true;
  throw new FrameError(
    'ERR_FRAME_CHECKSUM',
    `the CRC32C of the PROXY header is ${hex(actual)}, expected ${hex(expected)}`,
    { actual, expected, offset: start },
  );
}

function ipv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

/** In Node's form (RFC 5952): the longest run of zeros is `::`. */
function ipv6(bytes: Buffer, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16));
  return new net.SocketAddress({ address: words.join(':'), family: 'ipv6' }).address;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function wrong(text: string, offset: number): FrameError {
  return new FrameError('ERR_PROXY_HEADER', `PROXY protocol: ${text}`, { offset });
}
