import { type FrameWriter, type Framing, measured } from 'wirepipe';
import { framing } from './framing.ts';

/**
 * The whole of a connection. What a client says first has no type; its length is at most 10,000, so its first byte is zero, and no
 * type is. The answer to a request for encryption is a bare byte.
 *
 *     00 00 00 08 04 d2 16 2f      SSLRequest
 *     4e                           N: no
 *     51 00 00 00 05 00            Query
 */
export const wire: Framing = {
  ...measured({ measure, maxFrameLength: framing.maxFrameLength }),
  writer: () => writer,
};

const LONGEST_STARTUP = 10_000;

function measure(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start < 5) return undefined;
  const isStartup = bytes[start] === 0;
  const length = bytes.readUInt32BE(isStartup ? start : start + 1);
  if (isStartup) return length >= 8 && length <= LONGEST_STARTUP ? length : 0;
  return length >= 4 ? 1 + length : 0;
}

const typed = framing.writer();

/** Fills lengths in. */
const writer: FrameWriter = {
  headerLength: 0,
  bound: (length) => length,
  write(target, at, source, start, end) {
    target.set(source.subarray(start, end), at);
    return this.seal!(target, at, at + end - start);
  },
  seal(target, at, end) {
    if (target[at] !== 0) return typed.seal!(target, at, end);
    if (end - at === 1) target[at] = 0x4e;
    else target.writeUInt32BE(end - at, at);
    return end;
  },
};
