import { checksumByName } from '../../bytes/checksum.ts';

/**
 * The PROXY protocol, versions 1 and 2 (HAProxy, `doc/proxy-protocol.txt`): the first bytes of a connection that comes
 * through a proxy give the address of the peer behind it.
 *
 *     v1   "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"                      at most 107 bytes
 *     v2   signature 12 · version and command 1 · family and transport 1 · length u16be 2
 *          addresses (12 for IPv4, 36 for IPv6, 216 for Unix sockets) · TLVs: type u8, length u16be, value
 */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `'local'`: the proxy itself has connected, for a health check; then there are no addresses. */
  readonly command: 'proxy' | 'local';
  /** `'unknown'`: the proxy does not say; then there are no addresses. */
  readonly transport: ProxyTransport;
  /** The address that connected to the proxy. */
  readonly source?: ProxyAddress | undefined;
  /** The address that the peer connected to. */
  readonly destination?: ProxyAddress | undefined;
  /** The application protocol that TLS negotiated (PP2_TYPE_ALPN). */
  readonly alpn?: string | undefined;
  /** The host name that the client requested (PP2_TYPE_AUTHORITY); for TLS, its SNI. */
  readonly authority?: string | undefined;
  /** The proxy's id of the connection in its log (PP2_TYPE_UNIQUE_ID): at most 128 bytes. */
  readonly uniqueId?: Buffer | undefined;
  /** The name of the proxy's network namespace (PP2_TYPE_NETNS). */
  readonly namespace?: string | undefined;
  /** The peer's TLS connection to the proxy (PP2_TYPE_SSL); undefined if there was none. */
  readonly tls?: ProxyTls | undefined;
  /** Whether the header had a CRC32C (PP2_TYPE_CRC32C); a wrong one is an error. */
  readonly checksum?: boolean | undefined;
  /** The TLVs of other types, in order. */
  readonly others?: readonly { readonly type: number; readonly value: Buffer }[] | undefined;
}

export type ProxyTransport = 'tcp4' | 'tcp6' | 'udp4' | 'udp6' | 'unix' | 'unix-datagram' | 'unknown';

/** An IP address and a port; for a Unix socket, its path and port 0. */
export interface ProxyAddress {
  readonly address: string;
  readonly port: number;
}

/** The proxy's report about the TLS connection that it ended. */
export interface ProxyTls {
  /** Whether the client presented a certificate, on this connection or earlier in the TLS session. */
  readonly certificate: 'connection' | 'session' | 'none';
  /** Whether the proxy has verified that certificate. */
  readonly verified: boolean;
  /** `'TLSv1.3'`. */
  readonly version?: string | undefined;
  /** The common name of the client's certificate. */
  readonly commonName?: string | undefined;
  readonly cipher?: string | undefined;
  readonly signatureAlgorithm?: string | undefined;
  readonly keyAlgorithm?: string | undefined;
}

export const V1_LONGEST = 107;
export const V1_START: Buffer = Buffer.from('PROXY ', 'latin1');
export const SIGNATURE: Buffer = Buffer.from([
  0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
]);
export const V2_FIXED = 16;

/** Byte 13 of a version 2 header: the family in the upper half, the transport in the lower one. */
export const TRANSPORTS: Readonly<Record<number, ProxyTransport>> = {
  0: 'unknown',
  17: 'tcp4',
  18: 'udp4',
  33: 'tcp6',
  34: 'udp6',
  49: 'unix',
  50: 'unix-datagram',
};

/** Bytes of one address: of an IP address without its port. */
export const ADDRESS_LENGTH: Record<ProxyTransport, number> = {
  unknown: 0,
  tcp4: 4,
  udp4: 4,
  tcp6: 16,
  udp6: 16,
  unix: 108,
  'unix-datagram': 108,
};

export const ALPN = 0x01;
export const AUTHORITY = 0x02;
export const CRC32C = 0x03;
export const NOOP = 0x04;
export const UNIQUE_ID = 0x05;
export const SSL = 0x20;
export const NETNS = 0x30;
export const LONGEST_UNIQUE_ID = 128;

/** The parts of `ProxyTls` that are texts, by their TLV types inside PP2_TYPE_SSL. */
export const TLS_TEXTS = {
  33: 'version',
  34: 'commonName',
  35: 'cipher',
  36: 'signatureAlgorithm',
  37: 'keyAlgorithm',
} as const;

/** The CRC32C of a header whose checksum field is at `at`. */
export function headerChecksum(bytes: Buffer, at: number): number {
  const zeroed = Buffer.from(bytes);
  zeroed.writeUInt32BE(0, at);
  return checksumByName('CRC-32/ISCSI').compute(zeroed, 0, zeroed.length);
}
