import type { FrameError, FrameReader, Framing } from '../../src/index.ts';

export interface Reading {
  frames: Buffer[];
  error: FrameError | undefined;
  discarded: FrameError[];
}

/** All frames and errors of these chunks, up to the end of the stream. */
export function readAll(framing: Framing, chunks: Iterable<Uint8Array>): Reading {
  const discarded: FrameError[] = [];
  const reader = framing.reader({ onDiscard: (error) => discarded.push(error) });
  const frames: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    drain(reader, frames);
  }
  reader.end();
  drain(reader, frames);
  return { frames, error: reader.error, discarded };
}

function drain(reader: FrameReader, frames: Buffer[]): void {
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(Buffer.from(frame));
}

/**
 * The frame of one payload, written into two buffers with different contents, to show that the writer writes every
 * byte.
 */
export function writeOne(framing: Framing, payload: Uint8Array): Buffer {
  const writer = framing.writer();
  const [bytes, other] = [0x00, 0xa5].map((before) => {
    const target = Buffer.alloc(writer.bound(payload.length), before);
    return target.subarray(0, writer.write(target, 0, payload, 0, payload.length));
  }) as [Buffer, Buffer];
  if (!bytes.equals(other))
    throw new Error(`bytes left as they were: ${bytes.toString('hex')}, ${other.toString('hex')}`);
  return bytes;
}

/** `bytes` in pieces of that length. */
export function* pieces(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** The error that `work` throws. */
export function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
