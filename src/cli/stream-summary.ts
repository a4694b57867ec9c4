import { createHash, type Hash } from 'node:crypto';
import { type Direction, endpointText, type Time } from '../captures/flows.ts';
import type { TcpSink } from '../captures/tcp-stream.ts';

/** The digest is updated in blocks of about this size: each call costs as much as hashing a few hundred bytes. */
const BLOCK = 16_384;
const NO_BYTES = Buffer.alloc(0);

/** Counts and hashes the bytes of one direction of a TCP connection, without keeping them. */
export class StreamSummary implements TcpSink {
  readonly direction: Direction;
  /** The missing ranges, by offset in the stream. */
  readonly gaps: { offset: number; length: number }[] = [];
  /** Bytes so far, gaps included. */
  offset = 0;
  #hash: Hash | undefined;
  #block: Buffer = NO_BYTES;
  #length = 0;
  #digest = '';

  constructor(direction: Direction) {
    this.direction = direction;
  }

  data(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.offset += length;
    if (this.#length + length > BLOCK) {
      this.#flush();
      if (length >= BLOCK / 2) {
        this.#hash!.update(bytes.subarray(start, end));
        return;
      }
    }
    if (this.#length + length > this.#block.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(BLOCK, Math.max(256, 4 * (this.#length + length))));
      this.#block.copy(grown, 0, 0, this.#length);
      this.#block = grown;
    }
    bytes.copy(this.#block, this.#length, start, end);
    this.#length += length;
  }

  gap(length: number): void {
    const last = this.gaps.at(-1);
    if (last !== undefined && last.offset + last.length === this.offset) last.length += length;
    else this.gaps.push({ offset: this.offset, length });
    this.offset += length;
  }

  close(): void {
    this.#flush();
    this.#digest = this.#hash!.digest('hex');
    this.#hash = undefined;
    this.#block = NO_BYTES;
  }

  /** The line that `--json` prints. */
  toJson(): string {
    const { connection, from, to, present, syn, fin, rst, conflicts, first, last } = this.direction;
    const start = JSON.stringify({
      stream: connection,
      from: endpointText(from),
      to: endpointText(to),
      bytes: present,
      sha256: this.#digest,
      syn,
      fin,
      rst,
      gaps: this.gaps,
      conflicts,
    });
    // Written by hand, since a JavaScript number cannot hold all digits of the nanoseconds.
    return `${start.slice(0, -1)},"first":${seconds(first!)},"last":${seconds(last!)}}`;
  }

  #flush(): void {
    this.#hash ??= createHash('sha256');
    this.#hash.update(this.#block.subarray(0, this.#length));
    this.#length = 0;
  }
}

/** `1700000000.000001` */
function seconds(time: Time): string {
  if (time.nanoseconds === 0) return String(time.seconds);
  return `${time.seconds}.${String(time.nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
}
