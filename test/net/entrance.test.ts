import { once } from 'node:events';
import tls from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { connect, createServer, type Peer, type ServerOptions, writeProxyHeader } from '../../src/index.ts';
import { Authority, type Certificate } from '../support/certificates.ts';
import { echo, echoing, LOGIN } from '../support/echo.ts';
import { freePort } from '../support/free-port.ts';
import { haproxy, hasHaproxy } from '../support/haproxy.ts';
import { later, listening, raw, until } from '../support/net.ts';

let authority: Authority;
let localhost: Certificate;
let other: Certificate;
let pilot: Certificate;
beforeAll(() => {
  authority = new Authority();
  localhost = authority.issue('localhost');
  other = authority.issue('other', ['other.example', '*.wild.example']);
  pilot = authority.issue('pilot');
});

/** A server, and whom it has met and refused. */
async function serve(options: ServerOptions) {
  const server = createServer(echoing(), options);
  const peers: Peer[] = [];
  const refused: string[] = [];
  const ends: (string | undefined)[] = [];
  server.on('connection', ({ peer }) => peers.push(peer));
  server.on('refused', (error) => refused.push((error as { code?: string }).code ?? error.message));
  server.on('connectionEnd', (_, error) => ends.push(error?.code));
  return { server, port: await listening(server), peers, refused, ends };
}

/** Connect by TLS; answers what is echoed to 'hello'. */
async function overTls(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    ...options,
  });
  later(() => socket.destroy());
  await once(socket, 'secureConnect');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', () => {});
  socket.write(Buffer.concat([LOGIN, echo('hello')]));
  await until(() => text.includes('hello'));
  return socket;
}

describe('TLS', () => {
  test('the connection has the certificate name, ALPN and SNI of its client', async () => {
    const { key, cert } = localhost;
    const { port, peers, ends } = await serve({
      tls: { key, cert, ca: authority.cert, requestCert: true, ALPNProtocols: ['echo/2', 'echo/1'] },
    });
    const socket = await overTls(port, { key: pilot.key, cert: pilot.cert, ALPNProtocols: ['echo/1'] });
    expect(peers).toMatchObject([
      {
        address: '127.0.0.1',
        port: socket.localPort,
        tls: { authorized: true, commonName: 'pilot', serverName: 'localhost', protocol: 'echo/1' },
      },
    ]);
    socket.end();
    await until(() => ends.length === 1);
    expect(ends).toEqual([undefined]);
  });

  test('connect uses TLS too, and rejects an untrusted server', async () => {
    const { key, cert } = localhost;
    const { port, peers } = await serve({ tls: { key, cert, ca: authority.cert, requestCert: true } });
    const ours = { ca: authority.cert, servername: 'localhost', key: pilot.key, cert: pilot.cert };
    const client = await connect(echoing(), { port, host: '127.0.0.1', tls: ours });
    expect(await client.request({ type: 'login' })).toEqual({ type: 'welcome' });
    expect(peers).toMatchObject([{ tls: { commonName: 'pilot' } }]);
    client.end();
    await client.closed;
    const stranger = connect(echoing(), { port, host: '127.0.0.1', tls: { servername: 'localhost' } });
    await expect(stranger).rejects.toMatchObject({ code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) });
  });

  test('the context of a session is made from the details of the peer', async () => {
    const { key, cert } = localhost;
    const server = createServer(echoing(), {
      tls: { key, cert, ca: authority.cert, requestCert: true },
      context: ({ tls }) => ({ name: tls?.commonName }) as never,
    });
    const port = await listening(server);
    await overTls(port, { key: pilot.key, cert: pilot.cert });
    expect([...server.connections].map(({ machine }) => machine.context)).toEqual([{ name: 'pilot' }]);
  });

  test('a client without a certificate is refused, and so is a client without TLS', async () => {
    const { key, cert } = localhost;
    const { port, peers, refused } = await serve({
      tls: { key, cert, ca: authority.cert, requestCert: true },
    });
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    await new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
    expect(refused).toEqual(['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE']);
    const plain = await raw(port);
    plain.socket.write('GET / HTTP/1.1\r\n\r\n');
    await plain.closed;
    expect(refused).toHaveLength(2);
    expect(peers).toEqual([]);
  });

  test('open handshakes count towards the maximum of connections per address', async () => {
    const { key, cert } = localhost;
    const { server, port, refused } = await serve({ tls: { key, cert }, maxConnectionsPerAddress: 2 });
    const first = await raw(port);
    await raw(port);
    expect(await (await raw(port)).closed).toEqual(Buffer.alloc(0));
    expect(refused).toEqual(['ERR_LIMIT_CONNECTIONS']);
    expect(server.stats().limits).toEqual({ maxConnectionsPerAddress: 1 });
    await overTls(port, { localAddress: '127.0.0.2' } as tls.ConnectionOptions);
    // A place that is left is free again, and one that led to a connection too.
    first.socket.destroy();
    await until(() => refused.includes('ECONNRESET'));
    await overTls(port);
    await overTls(port);
    expect(server.connections.size).toBe(3);
  });

  test('a peer that ends during its handshake is dropped at once; one that ends after it gets its answers', async () => {
    const { key, cert } = localhost;
    const { port, refused } = await serve({ tls: { key, cert } });
    const silent = await raw(port, { allowHalfOpen: true });
    silent.socket.end();
    await silent.closed;
    expect(refused).toEqual(['ECONNRESET']);
    const socket = tls.connect({
      ...{ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert },
      allowHalfOpen: true,
    } as tls.ConnectionOptions);
    await once(socket, 'secureConnect');
    let length = 0;
    socket.on('data', (chunk: Buffer) => (length += chunk.length));
    socket.end(Buffer.concat([LOGIN, ...Array<Buffer>(5_000).fill(echo('hello'))]));
    await once(socket, 'end');
    expect(length).toBeGreaterThan(5_000 * 'hello'.length);
  });

  test('a peer that does not begin its handshake is cut at the deadline', async () => {
    const { key, cert } = localhost;
    const { server, port } = await serve({ tls: { key, cert }, handshakeTimeout: 100 });
    const silent = await raw(port);
    const half = await raw(port);
    // A TLS record: handshake, TLS 1.0, 512 bytes, of which none comes.
    half.socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
    await Promise.all([silent.closed, half.closed]);
    expect(server.stats().limits).toEqual({ handshakeTimeout: 2 });
    // The handshake of the protocol has the same deadline, from the same start.
    const shaken = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert });
    shaken.on('error', () => {}).resume();
    await once(shaken, 'close');
    expect(server.stats().limits).toEqual({ handshakeTimeout: 3 });
  });

  test('certificates are chosen by host name, and replaced without a restart', async () => {
    const { key, cert } = localhost;
    const { server, port } = await serve({ tls: { key, cert } });
    server.addContext('other.example', other);
    server.addContext('*.wild.example', other);
    const subject = (socket: tls.TLSSocket) => socket.getPeerCertificate().subject.CN;
    const before = await overTls(port);
    expect(subject(before)).toBe('localhost');
    expect(subject(await overTls(port, { servername: 'other.example' }))).toBe('other');
    expect(subject(await overTls(port, { servername: 'a.wild.example' }))).toBe('other');
    const renewed = authority.issue('renewed');
    server.setSecureContext({ key: renewed.key, cert: renewed.cert });
    expect(subject(await overTls(port))).toBe('renewed');
    before.write(echo('still here'));
    const [chunk] = await once(before, 'data');
    expect(String(chunk)).toContain('still here');
  });
});

describe('the PROXY protocol', () => {
  const header = writeProxyHeader({
    version: 2,
    command: 'proxy',
    transport: 'tcp4',
    source: { address: '192.0.2.1', port: 56324 },
    destination: { address: '198.51.100.1', port: 443 },
    checksum: true,
  });

  test('a header from a trusted address is read at every split, with messages in the same chunk', async () => {
    const { port, peers, ends } = await serve({ proxyProtocol: { trusted: ['127.0.0.1'] } });
    const bytes = Buffer.concat([header, LOGIN, echo('hello')]);
    for (let at = 1; at < bytes.length; at++) {
      const peer = await raw(port, { noDelay: true });
      peer.socket.write(bytes.subarray(0, at));
      await new Promise((resolve) => setTimeout(resolve, 2));
      peer.socket.write(bytes.subarray(at));
      await until(() => peer.bytes().includes('hello'));
      peer.socket.end();
    }
    await until(() => ends.length === bytes.length - 1);
    expect(ends.filter((code) => code !== undefined)).toEqual([]);
    expect(new Set(peers.map(({ remote }) => remote))).toEqual(new Set(['192.0.2.1:56324']));
  });

  test('a header from another address is not read: a peer cannot claim another address', async () => {
    const { port, peers, ends } = await serve({ proxyProtocol: { trusted: ['127.0.0.2'] } });
    const liar = await raw(port);
    liar.socket.end(header);
    await liar.closed;
    await until(() => ends.length > 0);
    expect(peers).toMatchObject([{ address: '127.0.0.1', proxy: undefined }]);
    expect(ends).toEqual(['ERR_FRAME_TOO_LONG']);
  });

  test.each([
    ['something else', Buffer.from('GET / HTTP/1.1\r\n'), 'ERR_PROXY_HEADER'],
    ['half a header', header.subarray(0, 20), 'ERR_FRAME_TRUNCATED'],
    ['a wrong checksum', Buffer.from(header).fill(0, header.length - 1), 'ERR_FRAME_CHECKSUM'],
  ])('a trusted address that begins with %s is refused', async (_, bytes, code) => {
    const { port, peers, refused } = await serve({ proxyProtocol: { trusted: ['127.0.0.0/8'] } });
    const peer = await raw(port);
    peer.socket.end(bytes);
    expect(await peer.closed).toEqual(Buffer.alloc(0));
    expect(refused).toEqual([code]);
    expect(peers).toEqual([]);
  });

  test('a header that never comes is cut at the handshake deadline; a connection that ends at once does not count', async () => {
    const { server, port, refused } = await serve({
      proxyProtocol: { trusted: ['127.0.0.1'] },
      handshakeTimeout: 1_000,
    });
    const silent = await raw(port);
    const probe = await raw(port);
    probe.socket.end();
    await Promise.all([silent.closed, probe.closed]);
    expect(server.stats()).toMatchObject({ limits: { handshakeTimeout: 1 }, accepted: 0 });
    expect(refused).toEqual([]);
  });

  test('connections are counted by the address in the header', async () => {
    const { server, port } = await serve({
      proxyProtocol: { trusted: ['127.0.0.1'] },
      maxConnectionsPerAddress: 1,
    });
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
      const { socket } = await raw(port);
      socket.write(`PROXY TCP4 ${address} 198.51.100.1 1 2\r\n`);
    }
    await until(() => server.stats().refused === 1 && server.connections.size === 2);
  });

  test('a header, then TLS in the same chunk', async () => {
    const { key, cert } = localhost;
    const { port, peers } = await serve({ tls: { key, cert }, proxyProtocol: { trusted: ['127.0.0.1'] } });
    const { socket } = await raw(port);
    socket.removeAllListeners('data');
    socket.cork();
    socket.write(header);
    const secure = overTls(port, { socket });
    process.nextTick(() => socket.uncork());
    await secure;
    expect(peers).toMatchObject([{ remote: '192.0.2.1:56324', tls: { authorized: false } }]);
  });
});

describe.skipIf(!hasHaproxy)('behind HAProxy (Debian package haproxy)', () => {
  const OPTIONS = 'ssl,cert-cn,cert-key,cert-sig,ssl-cipher,crc32c,unique-id,authority';

  test('version 2: address, certificate and host name of the client, and health checks', async () => {
    const { server, port, peers } = await serve({ proxyProtocol: { trusted: ['127.0.0.1'] } });
    const front = await freePort();
    await haproxy(
      front,
      `frontend front
  bind 127.0.0.1:${front} ssl crt ${localhost.file} ca-file ${authority.certFile} verify optional alpn echo/1
  unique-id-format %{+X}o%ci-%cp
  default_backend back
backend back
  option tcp-check
  tcp-check connect send-proxy
  tcp-check send-binary ${LOGIN.toString('hex')}
  tcp-check expect binary 0100000001
  server one 127.0.0.1:${port} send-proxy-v2 proxy-v2-options ${OPTIONS} check check-send-proxy inter 100ms fall 10000
`,
    );
    // Health checks that log in: LOCAL, from the proxy itself. A late answer fails one, and takes no server out.
    await until(() => server.stats().messagesReceived >= 3);
    expect(new Set(peers.map(({ proxy }) => proxy?.command))).toEqual(new Set(['local']));
    expect(new Set(peers.map(({ address }) => address))).toEqual(new Set(['127.0.0.1']));
    const socket = await overTls(front, { key: pilot.key, cert: pilot.cert, ALPNProtocols: ['echo/1'] });
    const peer = [...server.connections]
      .map(({ peer }) => peer)
      .find(({ proxy }) => proxy?.command === 'proxy');
    expect(peer).toMatchObject({
      address: '127.0.0.1',
      port: socket.localPort,
      tls: { authorized: true, commonName: 'pilot', serverName: 'localhost', protocol: 'echo/1' },
      proxy: {
        version: 2,
        transport: 'tcp4',
        checksum: true,
        alpn: 'echo/1',
        authority: 'localhost',
        source: { address: '127.0.0.1', port: socket.localPort },
        destination: { address: '127.0.0.1', port: front },
        tls: {
          certificate: 'connection',
          verified: true,
          version: 'TLSv1.3',
          commonName: 'pilot',
          cipher: expect.stringMatching(/^TLS_/),
          keyAlgorithm: expect.stringMatching(/^EC/),
          signatureAlgorithm: expect.stringMatching(/SHA256/),
        },
      },
    });
    expect(String(peer?.proxy?.uniqueId)).toMatch(/^7F000001-/);
  });

  test('version 1', async () => {
    const { server, port } = await serve({ proxyProtocol: { trusted: ['127.0.0.1'] } });
    const front = await freePort();
    await haproxy(
      front,
      `listen front\n  bind 127.0.0.1:${front}\n  server one 127.0.0.1:${port} send-proxy\n`,
    );
    const peer = await raw(front);
    peer.socket.write(Buffer.concat([LOGIN, echo('hello')]));
    await until(() => peer.bytes().includes('hello'));
    const ports = [...server.connections].map(({ peer }) => peer.port);
    expect(ports).toContain(peer.socket.localPort);
  });
});
