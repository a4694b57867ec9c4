import net from 'node:net';
import { show } from '../../bytes/show.ts';
import { oneOf, requireObjectOf } from '../../options.ts';
import {
  ADDRESS_LENGTH,
  ALPN,
  AUTHORITY,
  CRC32C,
  headerChecksum,
  NETNS,
  type ProxyAddress,
  type ProxyHeader,
  type ProxyTls,
  type ProxyTransport,
  SIGNATURE,
  SSL,
  TLS_TEXTS,
  TRANSPORTS,
  UNIQUE_ID,
  V2_FIXED,
} from './header.ts';

/**
 * Write a header, for a proxy or a test. Version 2 gets a CRC32C if `checksum` is true.
 *
 * @throws TypeError or RangeError for a header that cannot be written
 *
 * @example
 * socket.write(
 *   writeProxyHeader({
 *     version: 2, command: 'proxy', transport: 'tcp4', checksum: true,
 *     source: { address: '192.0.2.1', port: 56324 }, destination: { address: '198.51.100.1', port: 443 },
 *   }),
 * );
 */
export function writeProxyHeader(header: ProxyHeader): Buffer {
  requireObjectOf('writeProxyHeader', 'a header', header);
  const { version, command, transport, source, destination } = header;
  if (version !== undefined && version !== 1 && version !== 2) {
    throw new RangeError(`writeProxyHeader: version must be 1 or 2, got ${show(version)}`);
  }
  if (command !== undefined) oneOf('proxy', 'local')('writeProxyHeader: command', command);
  if (command !== 'local') oneOf(...Object.values(TRANSPORTS))('writeProxyHeader: transport', transport);
  const isLocal = command === 'local' || transport === 'unknown';
  if (!isLocal && (source === undefined || destination === undefined)) {
    throw new TypeError(`writeProxyHeader: ${transport} needs a source and a destination`);
  }
  for (const place of isLocal ? [] : [source!, destination!]) checkAddress(transport, place);
  if (version === 1) {
    if (command === 'local') throw new TypeError('writeProxyHeader: version 1 has no LOCAL');
    if (isLocal) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
    if (transport !== 'tcp4' && transport !== 'tcp6') {
      throw new TypeError(`writeProxyHeader: version 1 has TCP4 and TCP6, not ${transport}`);
    }
    const { address, port } = source!;
    const line = `PROXY ${transport.toUpperCase()} ${address} ${destination!.address} ${port} ${destination!.port}\r\n`;
    return Buffer.from(line, 'latin1');
  }
  const family = isLocal ? 0 : Number(Object.entries(TRANSPORTS).find(([, name]) => name === transport)![0]);
  const parts: Buffer[] = [SIGNATURE, Buffer.from([command === 'local' ? 0x20 : 0x21, family, 0, 0])];
  if (!isLocal) parts.push(writeAddresses(transport, [source!, destination!]));
  const { alpn, authority, uniqueId, namespace, tls, checksum, others = [] } = header;
  if (alpn !== undefined) parts.push(tlv(ALPN, Buffer.from(alpn)));
  if (authority !== undefined) parts.push(tlv(AUTHORITY, Buffer.from(authority)));
  if (uniqueId !== undefined) parts.push(tlv(UNIQUE_ID, uniqueId));
  if (tls !== undefined) parts.push(tlv(SSL, writeTls(tls)));
  if (namespace !== undefined) parts.push(tlv(NETNS, Buffer.from(namespace)));
  for (const { type, value } of others) parts.push(tlv(type, value));
  if (checksum) parts.push(tlv(CRC32C, Buffer.alloc(4)));
  const bytes = Buffer.concat(parts);
  const rest = bytes.length - V2_FIXED;
  if (rest > 65_535) throw new RangeError(`writeProxyHeader: ${rest} bytes are more than 65535`);
  bytes.writeUInt16BE(rest, 14);
  if (checksum) bytes.writeUInt32BE(headerChecksum(bytes, bytes.length - 4), bytes.length - 4);
  return bytes;
}

function checkAddress(transport: ProxyTransport, place: ProxyAddress): void {
  requireObjectOf('writeProxyHeader', 'an address and a port', place);
  const { address, port } = place;
  if (typeof address !== 'string') {
    throw new TypeError(`writeProxyHeader: address must be a text, got ${show(address)}`);
  }
  const fits = transport.endsWith('4')
    ? net.isIPv4(address)
    : transport.endsWith('6')
      ? net.isIPv6(address) && !address.includes('%')
      : Buffer.byteLength(address) <= 108;
  if (!fits) throw new TypeError(`writeProxyHeader: ${show(address)} is no address of ${transport}`);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`writeProxyHeader: port must be an integer from 0 to 65535, got ${show(port)}`);
  }
}

function writeAddresses(transport: ProxyTransport, places: readonly ProxyAddress[]): Buffer {
  const width = ADDRESS_LENGTH[transport];
  if (width === 108) {
    return Buffer.concat(
      places.map(({ address }) => Buffer.concat([Buffer.from(address), Buffer.alloc(108)], 108)),
    );
  }
  const bytes = Buffer.alloc(2 * width + 4);
  for (const [i, { address, port }] of places.entries()) {
    bytes.set(width === 4 ? address.split('.').map(Number) : groups(address), i * width);
    bytes.writeUInt16BE(port, 2 * width + 2 * i);
  }
  return bytes;
}

function writeTls(tls: ProxyTls): Buffer {
  const flags = 0x01 | { connection: 0x02, session: 0x04, none: 0 }[tls.certificate];
  const parts: Buffer[] = [Buffer.from([flags, 0, 0, 0, tls.verified ? 0 : 1])];
  for (const [type, name] of Object.entries(TLS_TEXTS)) {
    const text = tls[name];
    if (text !== undefined) parts.push(tlv(Number(type), Buffer.from(text)));
  }
  return Buffer.concat(parts);
}

function tlv(type: number, value: Buffer): Buffer {
  if (value.length > 65_535) throw new RangeError(`writeProxyHeader: a TLV of ${value.length} bytes`);
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

/** The 16 bytes of an IPv6 address. */
function groups(address: string): number[] {
  const [head = '', tail] = embedded(address).split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const before = words(head);
  const behind = tail === undefined ? [] : words(tail);
  const all = [...before, ...Array<number>(8 - before.length - behind.length).fill(0), ...behind];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}

/** `::ffff:192.0.2.1` as `::ffff:c000:201`. */
function embedded(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.map(Number) as [number, number, number, number];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
}
