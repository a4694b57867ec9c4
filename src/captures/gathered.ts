import { show } from '../bytes/show.ts';
import { requireSink, type TcpSink } from './tcp-stream.ts';

/** The initial size of the memory, enough for a short connection. It doubles when it is full. */
const FIRST_LENGTH = 2_048;

/**
 * A sink that collects the bytes of many segments and passes them on together, so that the cost of a chunk is paid rarely: up to
 * `length` bytes are copied, in order, before `sink.data` is called. Gaps, conflicts and the end still come after the bytes before them.
 * The order between the two directions and the time of each byte are lost.
 *
 * @param length - in bytes; each open direction may use that much memory
 *
 * @example new Flows({ stream: () => gathered({ data: (bytes, start, end) => reader.push(bytes.subarray(start, end)) }) });
 */
export function gathered(sink: TcpSink, length = 32_768): TcpSink {
  requireSink('gathered', sink);
  if (!(Number.isInteger(length) && length > 0)) {
    throw new RangeError(`length: expected a whole number from 1, got ${show(length)}`);
  }
  return new Gatherer(sink, length);
}

class Gatherer implements TcpSink {
  readonly #sink: TcpSink;
  readonly #longest: number;
  #memory: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(sink: TcpSink, longest: number) {
    this.#sink = sink;
    this.#longest = longest;
  }

  data(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#used + length > this.#memory.length && !this.#makeRoom(length)) {
      this.#sink.data?.(bytes, start, end);
      return;
    }
    this.#memory.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length), this.#used);
    this.#used += length;
  }

  gap(length: number): void {
    this.#give();
    this.#sink.gap?.(length);
  }

  conflict(offset: number, length: number): void {
    this.#give();
    this.#sink.conflict?.(offset, length);
  }

  end(): void {
    this.#give();
    this.#sink.end?.();
  }

  reset(): void {
    this.#give();
    this.#sink.reset?.();
  }

  close(): void {
    this.#give();
    this.#memory = Buffer.alloc(0);
    this.#sink.close?.();
  }

  /** Pass on the collected bytes. False if `length` bytes have no room even then. */
  #makeRoom(length: number): boolean {
    this.#give();
    const before = this.#memory.length;
    if (before < this.#longest) {
      this.#memory = Buffer.allocUnsafeSlow(Math.min(this.#longest, Math.max(FIRST_LENGTH, 2 * before)));
    }
    return length <= this.#memory.length;
  }

  #give(): void {
    const length = this.#used;
    // First, so that a sink that throws does not get the bytes again.
    this.#used = 0;
    if (length > 0) this.#sink.data?.(this.#memory, 0, length);
  }
}
