import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { asBuffer } from '../bytes/buffer.ts';
import { show } from '../bytes/show.ts';
import { CaptureError } from '../errors.ts';
import { aBuffer, callback, requireIterable } from '../options.ts';

/** Large reads: one system call for some hundred packets. */
const READ_LENGTH = 524_288;
/** Smaller reads were faster here, where nothing is read while a chunk is handled. */
const READ_LENGTH_SYNC = 131_072;
/** Bytes decompressed at a time: their output, up to a thousand times as long, is held until it is consumed. */
const UNPACK_LENGTH = 16_384;

/**
 * Read a whole file, decompressed if it is a gzip file, and call `take` with each chunk. The chunk's memory is reused
 * as soon as `take` returns.
 *
 * @throws CaptureError as `fileChunks` does
 *
 * @example
 * await readChunks('flight.pcap.gz', (chunk) => reader.push(chunk));
 */
export async function readChunks(path: string, take: (chunk: Buffer) => void): Promise<void> {
  callback('readChunks: take', take);
  for await (const chunk of fileChunks(path)) take(chunk);
}

/**
 * As `readChunks`, but the thread does nothing else until the whole file is read. It takes less processor time. A gzip file is not
 * decompressed.
 *
 * @throws system errors (`ENOENT` …), and what `take` throws
 *
 * @example
 * readChunksSync('flight.pcap', (chunk) => reader.push(chunk));
 */
export function readChunksSync(path: string, take: (chunk: Buffer) => void): void {
  requirePath('readChunksSync', path);
  callback('readChunksSync: take', take);
  const file = openSync(path, 'r');
  try {
    const memory = Buffer.allocUnsafeSlow(READ_LENGTH_SYNC);
    for (;;) {
      const length = readSync(file, memory, 0, READ_LENGTH_SYNC, null);
      if (length === 0) return;
      take(memory.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

/**
 * The chunks of a file, decompressed if it is a gzip file. A chunk's memory is reused when the next chunk is requested.
 *
 * @throws CaptureError `ERR_CAPTURE_TRUNCATED` or `ERR_CAPTURE_DAMAGED` if a gzip file is cut off or damaged, after
 *   the chunks before the fault. System errors (`ENOENT` …) pass through.
 */
export async function* fileChunks(path: string): AsyncGenerator<Buffer, void, undefined> {
  requirePath('fileChunks', path);
  const file = await open(path, 'r');
  try {
    yield* unpackedChunks(chunksOf(file));
  } finally {
    await file.close();
  }
}

/** A text, or what Node takes in place of one. */
function requirePath(where: string, path: unknown): void {
  if (typeof path === 'string' || Buffer.isBuffer(path) || path instanceof URL) return;
  throw new TypeError(`${where}: expected a path, got ${show(path)}`);
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer, void, undefined> {
  const memory = Buffer.allocUnsafeSlow(READ_LENGTH);
  for (;;) {
    const { bytesRead } = await file.read(memory, 0, READ_LENGTH, null);
    if (bytesRead === 0) return;
    yield memory.subarray(0, bytesRead);
  }
}

/**
 * The same chunks, decompressed if they begin like a gzip file; for stdin or a socket.
 *
 * @throws CaptureError as `fileChunks` does
 */
export async function* unpackedChunks(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  requireIterable('unpackedChunks', 'bytes', source, 'async iterable');
  // A list does as well: what its iterator returns is awaited.
  const list = source as unknown as Iterable<Uint8Array>;
  const chunks =
    typeof source[Symbol.asyncIterator] === 'function'
      ? source[Symbol.asyncIterator]()
      : (list[Symbol.iterator]() as unknown as AsyncIterator<Uint8Array>);
  try {
    let first = await nextChunk(chunks);
    // One byte is too few to recognise gzip.
    while (first?.length === 1) {
      const more = await nextChunk(chunks);
      if (more === undefined) break;
      first = Buffer.concat([first, more]);
    }
    if (first === undefined) return;
    if (first[0] === 0x1f && first[1] === 0x8b) yield* unpacked(first, chunks);
    else
      for (let chunk: Buffer | undefined = first; chunk !== undefined; chunk = await nextChunk(chunks))
        yield chunk;
  } finally {
    await chunks.return?.();
  }
}

/** The next chunk that is not empty. */
async function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<Buffer | undefined> {
  for (;;) {
    const { value, done } = await chunks.next();
    if (done) return undefined;
    aBuffer('unpackedChunks: chunk', value);
    if (value.length === 1) return Buffer.from(value);
    if (value.length > 0) return asBuffer(value);
  }
}

async function* unpacked(
  first: Buffer,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Buffer, void, undefined> {
  const gunzip = createGunzip({ chunkSize: 262_144 });
  let output: Buffer[] = [];
  let fault: NodeJS.ErrnoException | undefined;
  // In flowing mode, all output before a fault arrives before the fault is reported.
  gunzip.on('data', (chunk: Buffer) => output.push(chunk));
  gunzip.on('error', (error) => {
    fault = error;
  });
  try {
    for (let chunk: Buffer | undefined = first; chunk !== undefined; chunk = await nextChunk(chunks)) {
      for (let at = 0; at < chunk.length && fault === undefined; at += UNPACK_LENGTH) {
        await settled(gunzip, (done) => gunzip.write(chunk.subarray(at, at + UNPACK_LENGTH), done));
        yield* output;
        output = [];
      }
    }
    if (fault === undefined) await settled(gunzip, (done) => gunzip.end().once('end', done));
    yield* output;
  } finally {
    gunzip.destroy();
  }
  if (fault !== undefined) throw packedFault(fault);
}

/** Resolves when the work is done, or when the stream closes first. */
function settled(stream: NodeJS.EventEmitter, work: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('close', done);
      resolve();
    };
    stream.once('close', done);
    work(done);
  });
}

function packedFault(error: NodeJS.ErrnoException): Error {
  if (error.code === 'Z_BUF_ERROR') {
    return new CaptureError('ERR_CAPTURE_TRUNCATED', 'the gzip file is cut off', { cause: error });
  }
  if (error.code?.startsWith('Z_') !== true) return error;
  return new CaptureError('ERR_CAPTURE_DAMAGED', `the gzip file is damaged: ${error.message}`, {
    cause: error,
  });
}
