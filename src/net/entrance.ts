import type net from 'node:net';
import type tls from 'node:tls';
import { isListed, listOf } from './address-list.ts';
import { loadTls } from './load-tls.ts';
import { type Peer, peerOf, peerOverTls } from './peer.ts';
import { takeProxyHeader } from './proxy/take-header.ts';

export interface EntranceOptions {
  /**
   * Use TLS, with the options of `tls.createServer`, certificates included. With `requestCert: true` and a `ca`, clients have to
   * present a certificate; its name is in the connection's `peer.tls`.
   */
  tls?: tls.TlsOptions | undefined;
  /** Connections from these addresses must begin with a PROXY header (version 1 or 2); other connections must not. */
  proxyProtocol?: ProxyProtocolOptions | undefined;
}

export interface ProxyProtocolOptions {
  /** The addresses of the proxies, or subnets (`'10.0.0.0/8'`). Without the list any peer could claim any address. */
  readonly trusted: net.BlockList | readonly string[];
}

/** The result for a socket that has got in. */
export interface Entered {
  /** The socket itself, or TLS over it. */
  readonly stream: net.Socket;
  readonly peer: Peer;
}

/**
 * The way from an accepted socket to the stream that carries the protocol:
 *
 *     socket ──▶ PROXY header, from a trusted address ──▶ TLS handshake, if configured ──▶ stream and peer
 */
export class Entrance {
  readonly #tls: tls.Server | undefined;
  readonly #trusted: net.BlockList | undefined;
  /** Sockets in their TLS handshake. */
  readonly #shaking = new WeakMap<
    object,
    { peer: Peer; done: (error: Error | undefined, entered?: Entered) => void }
  >();

  constructor({ tls: options, proxyProtocol }: EntranceOptions) {
    this.#trusted = proxyProtocol && listOf('createServer: proxyProtocol.trusted', proxyProtocol.trusted);
    if (options === undefined) return;
    // The caller keeps its deadline.
    const server = loadTls().createServer({
      ...options,
      allowHalfOpen: true,
      handshakeTimeout: options.handshakeTimeout ?? 2 ** 31 - 1,
    });
    server.on('secureConnection', (stream) => this.#shaken(stream));
    server.on('tlsClientError', (error, stream) => this.#shaken(stream, error));
    this.#tls = server;
  }

  /** Whether a socket gets in at once, without a header or a handshake. */
  isOpen(socket: net.Socket): boolean {
    return this.#tls === undefined && !this.isProxy(socket);
  }

  /** Whether a socket comes from a proxy: the peer's own address is in its PROXY header. */
  isProxy({ remoteAddress }: net.Socket): boolean {
    return this.#trusted !== undefined && isListed(this.#trusted, remoteAddress);
  }

  /**
   * Let a socket in. `done` is called once, unless the socket is destroyed before: with the result, with an error, or with
   * neither if the socket ended without a byte.
   */
  enter(socket: net.Socket, done: (error: Error | undefined, entered?: Entered) => void): void {
    if (!this.isProxy(socket)) {
      this.#secure(socket, peerOf(socket), done);
      return;
    }
    takeProxyHeader(socket, (error, header) => {
      if (header === undefined) done(error);
      else this.#secure(socket, peerOf(socket, header), done);
    });
  }

  /** Certificates and keys for new connections; open connections keep theirs. */
  setSecureContext(options: tls.SecureContextOptions): void {
    this.#withTls('setSecureContext').setSecureContext(options);
  }

  /** Certificates for clients that ask for this host name (SNI); the name may have a wildcard: `'*.example.org'`. */
  addContext(hostname: string, context: tls.SecureContextOptions): void {
    this.#withTls('addContext').addContext(hostname, context);
  }

  #withTls(what: string): tls.Server {
    if (this.#tls === undefined) throw new TypeError(`${what}: the server has no option tls`);
    return this.#tls;
  }

  #secure(socket: net.Socket, peer: Peer, done: (error: Error | undefined, entered?: Entered) => void): void {
    if (this.#tls === undefined) {
      done(undefined, { stream: socket, peer });
      return;
    }
    this.#shaking.set(socket, { peer, done });
    // A peer that ends inside its handshake will not finish it.
    socket.allowHalfOpen = false;
    this.#tls.emit('connection', socket);
  }

  #shaken(stream: tls.TLSSocket, error?: Error): void {
    // Node has no public way to the socket below a TLS socket.
    const { _parent: socket } = stream as { _parent?: object };
    const shaking = socket && this.#shaking.get(socket);
    if (shaking === undefined) {
      stream.destroy();
      return;
    }
    this.#shaking.delete(socket!);
    const { peer, done } = shaking;
    if (error === undefined) {
      stream.allowHalfOpen = true;
      done(undefined, { stream, peer: peerOverTls(peer, stream) });
    } else {
      done(error);
    }
  }
}
