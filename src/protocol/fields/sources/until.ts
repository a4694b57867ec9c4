import { Problem } from '../engine/problem.ts';
import type { Decoding, Encoding, Extent, Reading, Size, Writing } from '../kind.ts';
import { UnsaidSource } from './unsaid.ts';

/**
 * The bytes up to a terminator, which is consumed too. The search goes forward and passes each byte once.
 *
 *     bytes(until(constant(u8, 0)))      61 62 00      'ab', 3 bytes
 */
export class UntilSource extends UnsaidSource {
  readonly extent: Extent;
  /** The size of the terminator, which is written after the content. */
  override readonly size: Size;
  readonly bytes: Buffer;
  readonly #step: number;

  /** `step` is the width of a unit of text: a terminator lies at a multiple of it. */
  constructor(bytes: Uint8Array, step: number) {
    super();
    this.bytes = Buffer.from(bytes);
    this.#step = step;
    this.extent = { from: 'terminator', bytes };
    this.size = { min: bytes.length, max: bytes.length };
  }

  read(walk: Reading, max: number): unknown {
    const reach = Math.min(walk.end, walk.at + max + this.bytes.length);
    // The searched bytes may end inside a terminator.
    const before = Math.max(0, walk.searched - this.bytes.length + 1);
    const from = before - (before % this.#step);
    const found = this.#find(walk.bytes, walk.at + from, reach);
    if (found >= 0) return from + found;
    walk.missed(reach);
    const name = `the terminator ${this.bytes.toString('hex')} (hex)`;
    if (walk.end - walk.at < max + this.bytes.length) {
      throw new Problem('ERR_MESSAGE_SHORT', name, 'the end', { at: walk.end, got: 'the end' });
    }
    const expected = `${name} after at most ${max} bytes`;
    throw new Problem('ERR_FIELD_TOO_LONG', expected, 'none', { got: 'none', limit: max });
  }

  decode(out: Decoding, max: number): string {
    out.settle();
    const find = out.constant(this.#find.bind(this));
    const length = out.define(`${find}(b, p, Math.min(${out.end}, p + ${max + this.bytes.length}))`);
    out.fail(`${length} < 0`);
    return length;
  }

  readEnd(walk: Reading): void {
    walk.take(this.bytes.length);
  }

  decodeEnd(out: Decoding): void {
    out.settle();
    out.line(`p += ${this.bytes.length};`);
  }

  writeEnd(walk: Writing, start: number): void {
    const length = walk.at - start;
    walk.append(this.bytes);
    if (this.#find(walk.target, start, walk.at) === length) return;
    const expected = `content without its terminator ${this.bytes.toString('hex')} (hex)`;
    throw new Problem('ERR_FIELD_RANGE', expected, 'it', { got: 'content with it' });
  }

  encodeEnd(out: Encoding, start: string): void {
    out.settle();
    const length = out.define(`p - ${start}`);
    this.put(out);
    out.refuse(`${out.constant(this.#find.bind(this))}(t, ${start}, p) !== ${length}`);
  }

  /** Whether the bytes at an offset are the terminator. */
  isAt(bytes: Uint8Array, at: number, end: number): boolean {
    return at + this.bytes.length <= end && this.begins(bytes, at, end);
  }

  /** Whether the bytes at an offset are the terminator, or as much of it as there are. */
  begins(bytes: Uint8Array, at: number, end: number): boolean {
    const length = Math.min(this.bytes.length, end - at);
    for (let index = 0; index < length; index++) if (bytes[at + index] !== this.bytes[index]) return false;
    return true;
  }

  /** Write the terminator. */
  put(out: Encoding): void {
    out.settle();
    out.line(`t.set(${out.constant(this.bytes)}, p);`);
    out.line(`p += ${this.bytes.length};`);
  }

  /** The distance from `start` to the first terminator in `bytes[start, end)`; −1 if there is none. */
  #find(bytes: Buffer, start: number, end: number): number {
    const content = bytes.subarray(start, end);
    let at = content.indexOf(this.bytes);
    while (at >= 0 && at % this.#step !== 0) at = content.indexOf(this.bytes, at + 1);
    return at;
  }
}
