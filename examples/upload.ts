/**
 * Transfers files of any size in constant memory: `PUT name size` and LF, then that many bytes.
 *
 *     npx tsx examples/upload.ts [FILE…]
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FrameDecoder, FrameEncoder, FrameStream, headed } from 'wirepipe';

const framing = headed({ end: '\n', length: { column: 2 }, maxFrameLength: 10_000_000_000 });

const server = createServer(async (socket) => {
  try {
    for await (const frame of socket.pipe(new FrameDecoder(framing, { stream: 1_024 }))) {
      if (!(frame instanceof FrameStream)) {
        console.log(`held: ${String(frame).split('\n')[0]}`);
        continue;
      }
      const [, name, size] = String(frame.read(frame.headerLength)).split(/[ \n]/);
      const sum = createHash('sha256');
      await pipeline(frame, sum);
      console.log(`streamed: ${name}, ${size} bytes, SHA-256 ${sum.digest('hex')}`);
    }
  } finally {
    server.close();
  }
}).listen(0, '127.0.0.1');
await once(server, 'listening');

/** A file as a frame: the header, then the file. */
function frameOf(file: string): FrameStream {
  const { size } = statSync(file);
  const header = Buffer.from(`PUT ${path.basename(file)} ${size}\n`);
  async function* payload() {
    yield header;
    yield* createReadStream(file);
  }
  return new FrameStream(header.length + size, payload());
}

const files = process.argv.length > 2 ? process.argv.slice(2) : [import.meta.filename];
const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
const frames = [Buffer.from('PUT hello.txt 2\nhi'), ...files.map(frameOf)];
await pipeline(Readable.from(frames), new FrameEncoder(framing), socket);
