/**
 * The frames of HTTP/2 (RFC 9113), and a client that gets a page without TLS from a server known to support HTTP/2
 * (section 3.3):
 *
 *     npx tsx examples/http2.ts PORT [PATH]
 *
 *     frame   length u24 │ type u8 │ flags u8 │ stream u32 │ payload │         section 4.1
 *             what the payload is: length
 */
import { once } from 'node:events';
import net from 'node:net';
import { pathToFileURL } from 'node:url';
import {
  type AnyField,
  array,
  bits,
  bounded,
  bytes,
  Client,
  enumeration,
  type Fields,
  flags,
  lengthPrefix,
  message,
  messages,
  optional,
  padding,
  rest,
  struct,
  u8,
  u16be,
  u24be,
  u32be,
  when,
} from 'wirepipe';

/** The length counts neither itself nor the six bytes after it. 16,384: section 4.2. */
export const framing = lengthPrefix({
  lengthFieldLength: 3,
  byteOrder: 'big',
  lengthAdjustment: 6,
  initialBytesToStrip: 0,
  maxFrameLength: 16_384 + 6,
});

/** One reserved bit, and 31 bits of value. */
const last31 = bits(u32be, { reserved: 1, value: 31 });

/** The flags of a frame type, by bit; the stream; the payload. */
const frame = <const Flags extends Readonly<Record<string, number>>, Payload extends AnyField>(
  names: Flags,
  payload: Payload,
) => ({
  flags: flags(u8, names, { unknown: 'ignore' }),
  stream: last31,
  payload: bounded('length', payload),
});

/** Section 6.1: if the flag is set, the length of the padding comes first. */
const padded = <Content extends Fields>(content: Content) =>
  struct({
    padLength: optional(u8, when('flags.padded')),
    ...content,
    padding: optional(padding('padLength'), when('flags.padded')),
  });

/** Section 5.3.1: deprecated, but it still has to be read. */
const dependency = { dependency: bits(u32be, { exclusive: 1, stream: 31 }), weight: u8 };

/** Section 6.5.2. */
const setting = enumeration(
  u16be,
  {
    headerTableSize: 1,
    enablePush: 2,
    maxConcurrentStreams: 3,
    initialWindowSize: 4,
    maxFrameSize: 5,
    maxHeaderListSize: 6,
  },
  { unknown: 'keep' },
);

/** Section 6. A frame of any other type is ignored (section 5.5). */
export const frames = messages(
  u8,
  {
    data: message(0, frame({ endStream: 0, padded: 3 }, padded({ data: bytes(rest) }))),
    headers: message(
      1,
      frame(
        { endStream: 0, endHeaders: 2, padded: 3, priority: 5 },
        padded({
          priority: optional(struct(dependency), when('flags.priority')),
          block: bytes(rest),
        }),
      ),
    ),
    priority: message(2, frame({}, struct(dependency))),
    rstStream: message(3, frame({}, struct({ code: u32be }))),
    settings: message(4, frame({ ack: 0 }, array(struct({ id: setting, value: u32be }), rest))),
    pushPromise: message(
      5,
      frame({ endHeaders: 2, padded: 3 }, padded({ promised: last31, block: bytes(rest) })),
    ),
    ping: message(6, frame({ ack: 0 }, bytes(8))),
    goaway: message(7, frame({}, struct({ last: last31, code: u32be, debug: bytes(rest) }))),
    windowUpdate: message(8, frame({}, struct({ increment: last31 }))),
    continuation: message(9, frame({ endHeaders: 2 }, bytes(rest))),
  },
  { header: { length: u24be }, otherwise: 'unknown' },
);

/** Section 3.4: what a client says first. */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** The stream of frames about the whole connection, and the stream of the only request. */
const CONNECTION = { reserved: 0, value: 0 };
const STREAM = { reserved: 0, value: 1 };

/** GET without compression: indices into the static table (RFC 7541, appendix A). */
function headerBlock(path: string, authority: string): Buffer {
  const literal = (index: number, value: string) => [index, value.length, ...Buffer.from(value)];
  // :method GET · :scheme http · :path · :authority
  return Buffer.from([0x82, 0x86, ...literal(4, path), ...literal(1, authority)]);
}

/** Get a page: returns its header block and its body. */
export async function get(port: number, path = '/'): Promise<{ headers: Buffer; body: Buffer }> {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(PREFACE);
  const client = new Client({ framing, clientMessages: frames, serverMessages: frames }, socket);
  client.send({
    type: 'settings',
    flags: { ack: false },
    stream: CONNECTION,
    payload: [{ id: 'enablePush', value: 0 }],
  });
  client.send({
    type: 'headers',
    flags: { endStream: true, endHeaders: true, padded: false, priority: false },
    stream: STREAM,
    payload: { block: headerBlock(path, `127.0.0.1:${port}`) },
  });
  const headers: Buffer[] = [];
  const body: Buffer[] = [];
  for await (const frame of client) {
    switch (frame.type) {
      case 'settings':
        if (!frame.flags.ack) {
          client.send({ type: 'settings', flags: { ack: true }, stream: CONNECTION, payload: [] });
        }
        break;
      case 'ping':
        if (!frame.flags.ack) client.send({ ...frame, flags: { ack: true } });
        break;
      case 'headers':
        headers.push(Buffer.from(frame.payload.block));
        break;
      case 'continuation':
        headers.push(Buffer.from(frame.payload));
        break;
      case 'data': {
        body.push(Buffer.from(frame.payload.data));
        // Section 6.9: the server may send as many bytes again, padding included.
        const { length = 0 } = frame;
        if (length > 0) {
          const payload = { increment: { reserved: 0, value: length } };
          client.send({ type: 'windowUpdate', flags: {}, stream: CONNECTION, payload });
          client.send({ type: 'windowUpdate', flags: {}, stream: STREAM, payload });
        }
        break;
      }
      case 'goaway':
      case 'rstStream':
        throw new Error(`${frame.type}: error ${frame.payload.code}`);
      default:
    }
    if ((frame.type === 'data' || frame.type === 'headers') && frame.flags.endStream) {
      const payload = { last: CONNECTION, code: 0, debug: Buffer.alloc(0) };
      client.send({ type: 'goaway', flags: {}, stream: CONNECTION, payload });
      client.end();
      break;
    }
  }
  return { headers: Buffer.concat(headers), body: Buffer.concat(body) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port, path] = process.argv.slice(2);
  const { headers, body } = await get(Number(port), path);
  console.log(
    `${headers.length} bytes of headers, ${body.length} of ${JSON.stringify(body.toString().slice(0, 20))}`,
  );
}
