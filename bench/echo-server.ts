/**
 * An echo server in its own process: `echo-server.ts VARIANT forwarded|rewritten`, prints `listening PORT`.
 *
 * Forwarded: frames with a u32 little-endian length come back as they are. Rewritten: they come back behind a u16
 * big-endian length.
 */
import { once } from 'node:events';
import net from 'node:net';
import { PassThrough, pipeline, type Transform } from 'node:stream';
import { type FrameBatch, LengthPrefixDecoder, LengthPrefixEncoder, lendReads, Stage } from 'wirepipe';
import { plainEncoder, plainFrames } from './plain-stages.ts';
import './ballast.ts';

type Serve = (socket: net.Socket, rewrite: boolean) => void;

/** Errors of peers that disconnect are ignored. */
const gone = (): void => {};

const ourEncoder = (rewrite: boolean): LengthPrefixEncoder =>
  rewrite ? new LengthPrefixEncoder({ lengthFieldLength: 2, byteOrder: 'big' }) : new LengthPrefixEncoder();

const foreign = (): Transform => new PassThrough({ objectMode: true });

/** A user's own stage, which counts frames. */
class Counter extends Stage<Buffer, FrameBatch> {
  count = 0;
  #frame: Buffer | undefined;
  #batch: FrameBatch | undefined;

  constructor() {
    super('frames', 'frames');
  }

  protected override accept(frame: Buffer): void {
    this.count++;
    this.#frame = frame;
  }

  protected override produce(): Buffer | undefined {
    const frame = this.#frame;
    this.#frame = undefined;
    return frame;
  }

  protected override acceptBatch(batch: FrameBatch): void {
    this.count += batch.count;
    this.#batch = batch;
  }

  protected override produceBatch(): FrameBatch | undefined {
    const batch = this.#batch;
    this.#batch = undefined;
    return batch;
  }
}

/** Read frames from one stage with `for await`, and write them to the other. */
async function byHand(socket: net.Socket, decoder: Transform, encoder: Transform): Promise<void> {
  encoder.pipe(socket);
  for await (const frame of socket.pipe(decoder)) {
    if (!encoder.write(frame)) await once(encoder, 'drain');
  }
  encoder.end();
}

const VARIANTS: Record<string, Serve> = {
  /** Without framing: the cost of the socket itself. */
  raw: (socket) => {
    socket.pipe(socket);
  },

  wirepipe: (socket, rewrite) => {
    pipeline(socket, new LengthPrefixDecoder(), ourEncoder(rewrite), socket, gone);
  },

  /** The same, with a socket that reads into reused memory. */
  lent: (socket, rewrite) => {
    const decoder = new LengthPrefixDecoder();
    lendReads(socket, decoder);
    pipeline(socket, decoder, ourEncoder(rewrite), socket, gone);
  },

  foreign: (socket, rewrite) => {
    pipeline(socket, new LengthPrefixDecoder(), foreign(), ourEncoder(rewrite), socket, gone);
  },

  own: (socket, rewrite) => {
    pipeline(socket, new LengthPrefixDecoder(), new Counter(), ourEncoder(rewrite), socket, gone);
  },

  'for-await': (socket, rewrite) => {
    byHand(socket, new LengthPrefixDecoder(), ourEncoder(rewrite)).catch(gone);
  },

  /** The usual hand-written code for speed: a loop over the chunk, one output buffer. */
  hand: (socket, rewrite) => {
    let rest: Buffer | undefined;
    socket.on('data', (chunk: Buffer) => {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      const out = rewrite ? Buffer.allocUnsafe(bytes.length) : undefined;
      let written = 0;
      while (bytes.length - at >= 4) {
        const length = bytes.readUInt32LE(at);
        if (length > 10_000_000) {
          socket.destroy();
          return;
        }
        const end = at + 4 + length;
        if (end > bytes.length) break;
        if (out !== undefined) {
          written = out.writeUInt16BE(length, written);
          written += bytes.copy(out, written, at + 4, end);
        }
        at = end;
      }
      rest = at === bytes.length ? undefined : bytes.subarray(at);
      const reply = out === undefined ? bytes.subarray(0, at) : out.subarray(0, written);
      if (reply.length > 0 && !socket.write(reply)) {
        socket.pause();
        socket.once('drain', () => socket.resume());
      }
    });
    socket.on('end', () => socket.end());
  },

  plain: (socket, rewrite) => {
    pipeline(socket, plainFrames(), plainEncoder(rewrite), socket, gone);
  },

  'plain-foreign': (socket, rewrite) => {
    pipeline(socket, plainFrames(), foreign(), plainEncoder(rewrite), socket, gone);
  },

  'plain-for-await': (socket, rewrite) => {
    byHand(socket, plainFrames(), plainEncoder(rewrite)).catch(gone);
  },
};

const [variant = '', mode] = process.argv.slice(2);
const serve = VARIANTS[variant];
if (serve === undefined) throw new Error(`no such variant: ${variant} (${Object.keys(VARIANTS).join(', ')})`);
const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', gone);
  serve(socket, mode === 'rewritten');
});
process.on('SIGINT', () => process.exit());
server.listen(0, '127.0.0.1', () => console.log(`listening ${(server.address() as net.AddressInfo).port}`));
