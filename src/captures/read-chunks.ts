import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { CaptureError } from '../errors.ts';

/** Large reads: one call of the system for some hundred packets. */
const READ_LENGTH = 524_288;

/**
 * Read a file from its start to its end, and unpack it where it is a gzip file. `take` is called with each chunk in turn; a
 * chunk is memory that is written into again as soon as `take` has returned.
 *
 * @throws CaptureError `ERR_CAPTURE_TRUNCATED` or `ERR_CAPTURE_DAMAGED` where a gzip file is; all that could be unpacked was given
 *   before. System errors (`ENOENT` …) pass through.
 *
 * @example
 * await readChunks('flight.pcap.gz', (chunk) => reader.push(chunk));
 */
export async function readChunks(path: string, take: (chunk: Buffer) => void): Promise<void> {
  const file = await open(path, 'r');
  try {
    const memory = Buffer.allocUnsafeSlow(READ_LENGTH);
    const read = async (): Promise<Buffer> => {
      const { bytesRead } = await file.read(memory, 0, READ_LENGTH, null);
      return memory.subarray(0, bytesRead);
    };
    const first = await read();
    if (first.length >= 2 && first[0] === 0x1f && first[1] === 0x8b) await unpack(first, read, take);
    else for (let chunk = first; chunk.length > 0; chunk = await read()) take(chunk);
  } finally {
    await file.close();
  }
}

async function unpack(
  first: Buffer,
  read: () => Promise<Buffer>,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const gunzip = createGunzip({ chunkSize: 262_144 });
  let thrown: unknown;
  // Flowing: whatever was unpacked is taken before a fault behind it is told.
  gunzip.on('data', (chunk: Buffer) => {
    if (thrown !== undefined) return;
    try {
      take(chunk);
    } catch (error) {
      thrown = error ?? new Error('nothing was thrown');
      gunzip.destroy();
    }
  });
  const over = new Promise<void>((resolve, reject) => {
    gunzip.once('close', resolve).once('error', reject);
  });
  // Awaited below: a fault may come while we read.
  over.catch(() => {});
  try {
    for (let chunk = first; chunk.length > 0 && !gunzip.destroyed; chunk = await read()) {
      await new Promise<void>((resolve) => {
        gunzip.once('close', resolve);
        gunzip.write(chunk, () => {
          gunzip.off('close', resolve);
          resolve();
        });
      });
    }
    gunzip.end();
    await over;
  } catch (error) {
    throw packedFault(error as NodeJS.ErrnoException);
  }
  if (thrown !== undefined) throw thrown;
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
