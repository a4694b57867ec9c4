/** examples/http2.ts, against the server and the client of node:http2. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { finished } from 'node:stream/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { FrameDecoder, MessageDecoder } from 'wirepipe';
import { frames, framing, get } from '../../examples/http2.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function serve(
  options: http2.ServerOptions,
  answer: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<number> {
  const server = http2.createServer(options);
  server.on('stream', answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return (server.address() as net.AddressInfo).port;
}

const { PADDING_STRATEGY_NONE, PADDING_STRATEGY_MAX } = http2.constants;
/** One of `http2.constants` that the declared types leave out. */
const PADDING_STRATEGY_ALIGNED = 1;
test.each([
  ['none', PADDING_STRATEGY_NONE],
  ['as much as fits', PADDING_STRATEGY_MAX],
  ['to multiples of eight', PADDING_STRATEGY_ALIGNED],
])('a page beyond the flow control window, padding: %s', async (_, paddingStrategy) => {
  const page = 'hello from node, '.repeat(30_000);
  const port = await serve({ paddingStrategy }, (stream) => {
    stream.respond({ ':status': 200, 'x-long': 'b'.repeat(40_000) });
    stream.end(page);
  });
  const { headers, body } = await get(port, '/a/b');
  // An index into the static table: :status 200.
  expect(headers[0]).toBe(0x88);
  // The long one comes in a frame of headers and two of its continuation.
  expect(headers.length).toBeGreaterThan(16_384);
  expect(body.toString()).toBe(page);
});

test('an unknown frame type is not an error', async () => {
  const port = await serve({}, (stream) => {
    (stream.session as http2.ServerHttp2Session).altsvc('h2=":8000"', 'http://localhost');
    stream.end('x');
  });
  expect((await get(port)).body.toString()).toBe('x');
});

describe('the frames of the client of node:http2', () => {
  /** What it says while nobody answers: bytes behind the preface, as frames. */
  async function said(use: (client: http2.ClientHttp2Session) => void): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const server = net.createServer((socket) =>
      socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {}),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    const client = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, {
      settings: { initialWindowSize: 100_000, maxFrameSize: 20_000 },
    });
    client.on('error', () => {});
    await once(client, 'connect');
    use(client);
    while (Buffer.concat(chunks).length < 24 + 9 + 12 + 20)
      await new Promise((resolve) => setTimeout(resolve, 10));
    client.destroy();
    return Buffer.concat(chunks).subarray(24);
  }

  test('decodes to its frames, and encodes again to the same bytes', async () => {
    const bytes = await said((client) => {
      client.ping(Buffer.from('12345678'), () => {});
      client
        .request({ ':path': '/a', ':method': 'POST' })
        .on('error', () => {})
        .end('abc');
    });
    const decoder = new FrameDecoder(framing);
    const parsed = decoder.pipe(new MessageDecoder(frames));
    const found: unknown[] = [];
    parsed.on('data', (frame) => found.push(frame));
    decoder.end(bytes);
    await finished(parsed);
    expect(found[0]).toMatchObject({
      type: 'settings',
      payload: [
        { id: 'initialWindowSize', value: 100_000 },
        { id: 'maxFrameSize', value: 20_000 },
      ],
    });
    expect(Buffer.concat(found.map((frame) => frames.encode(frame as never)))).toEqual(bytes);
  });
});
