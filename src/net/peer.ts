import type net from 'node:net';
import type tls from 'node:tls';
import type { ProxyHeader } from './proxy/header.ts';

/** The other end of a connection. */
export interface Peer {
  /** The address and port in one text: `'192.0.2.1:56324'`; empty if there is none (a Unix socket, a pipe). */
  readonly remote: string;
  /** The address alone; behind a proxy, the address in its PROXY header. */
  readonly address: string;
  readonly port: number | undefined;
  /** The proxy's header about the connection. */
  readonly proxy: ProxyHeader | undefined;
  /** The TLS connection, ended by us or by the proxy that reported it. Undefined if there is none. */
  readonly tls: PeerTls | undefined;
}

/** The facts of a peer's TLS connection. */
export interface PeerTls {
  /** Whether the peer has presented a certificate that was verified. */
  readonly authorized: boolean;
  /** The common name of that certificate. */
  readonly commonName: string | undefined;
  /** The host name that the peer requested (SNI). */
  readonly serverName: string | undefined;
  /** The negotiated application protocol (ALPN). */
  readonly protocol: string | undefined;
}

/** The peer of a socket; behind a proxy that has sent a header, the peer in the header. */
export function peerOf(socket: net.Socket, proxy?: ProxyHeader): Peer {
  const { source } = proxy ?? {};
  const address = source?.address ?? socket.remoteAddress ?? '';
  const port = source === undefined ? socket.remotePort : source.port || undefined;
  return peerAt(address, port, proxy);
}

/** A peer at an address. */
export function peerAt(address: string, port?: number, proxy?: ProxyHeader): Peer {
  const remote = port === undefined ? address : `${address}:${port}`;
  return { remote, address, port, proxy, tls: proxy && tlsOfProxy(proxy) };
}

/** The same peer, with its TLS connection. */
export function peerOverTls(peer: Peer, socket: tls.TLSSocket): Peer {
  const { authorized } = socket;
  const { CN } = authorized ? (socket.getPeerCertificate().subject ?? {}) : {};
  return {
    ...peer,
    tls: {
      authorized,
      // A certificate may have several, whatever the types say; then none of them is its name.
      commonName: typeof CN === 'string' ? CN : undefined,
      serverName: serverName(socket),
      protocol: socket.alpnProtocol || undefined,
    },
  };
}

function serverName(socket: tls.TLSSocket): string | undefined {
  const { servername } = socket as { servername?: string | false | null };
  return servername || undefined;
}

function tlsOfProxy({ tls, alpn, authority }: ProxyHeader): PeerTls | undefined {
  if (tls === undefined) return undefined;
  const { verified: authorized, commonName } = tls;
  return {
    authorized,
    commonName: authorized ? commonName : undefined,
    serverName: authority,
    protocol: alpn,
  };
}
