import type { Codec } from '../protocol/codec.ts';
import { trace } from '../protocol/fields/engine/trace.ts';
import type { FrameReader, Framing } from '../protocol/framing/framing.ts';
import { contentLength } from '../protocol/recording/content-length.ts';

/** Replaces a masked byte: `*`, so that text stays text. */
const MASK = 0x2a;

/**
 * Masks the bytes of fields in one direction of a connection before they are written: `'write.text'` is the field
 * `text` of the message `write`.
 *
 * It fails closed. Incomplete frames, frames that cannot be decoded, and all bytes of a framing without stream offsets
 * are masked entirely. Chunks keep their boundaries; a chunk waits until its frames are complete.
 */
export class Redaction {
  readonly #reader: FrameReader;
  readonly #codec: Codec<unknown, never>;
  readonly #paths: ReadonlySet<string>;
  /** Copies of chunks whose frames are not complete yet. */
  #chunks: Buffer[] = [];
  /** The stream offset of the first of these chunks. */
  #offset = 0;
  #isBroken = false;

  constructor(framing: Framing, codec: Codec<unknown, never>, paths: readonly string[]) {
    if (!('declaration' in codec))
      throw new TypeError('redact: only messages that are declared field by field have paths');
    this.#reader = framing.reader();
    this.#codec = codec;
    this.#paths = new Set(paths);
  }

  /** Take in a chunk. Returns the chunks that may be written now. */
  add(bytes: Uint8Array): Buffer[] {
    const chunk = Buffer.from(bytes);
    if (this.#isBroken) return [chunk.fill(MASK)];
    this.#chunks.push(chunk);
    this.#reader.push(Buffer.from(bytes));
    for (let batch = this.#reader.take(); batch !== undefined; batch = this.#reader.take()) {
      const { bytes: memory, bounds, count, streamOffset } = batch;
      if (streamOffset === undefined) return this.#break();
      for (let i = 0; i < count; i++) this.#mask(memory, bounds[2 * i]!, bounds[2 * i + 1]!, streamOffset);
    }
    if (this.#reader.error !== undefined) return this.#break();
    return this.#ready(this.#offset + this.#held - this.#reader.buffered);
  }

  /** The direction has ended: mask and return the rest. */
  flush(): Buffer[] {
    return this.#break();
  }

  get #held(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  #break(): Buffer[] {
    this.#isBroken = true;
    const end = this.#offset + this.#held;
    this.#fill(this.#offset, end);
    return this.#ready(end);
  }

  #mask(memory: Buffer, start: number, end: number, streamOffset: number): void {
    // biome-ignore lint/suspicious/noExplicitAny: it has a declaration, as the constructor has seen
    const { spans, value, error } = trace(this.#codec as any, memory, start, end);
    const { type } = (value ?? {}) as { type?: string };
    if (error !== undefined) {
      this.#fill(streamOffset + start, streamOffset + end);
      return;
    }
    for (const span of spans) {
      const path = span.path.replace(/\[\d+\]/g, '[]');
      if (!this.#paths.has(type === undefined ? path : `${type}.${path}`)) continue;
      this.#fill(streamOffset + start + span.end - contentLength(span), streamOffset + start + span.end);
    }
  }

  /** Mask the bytes between two stream offsets. */
  #fill(from: number, to: number): void {
    let at = this.#offset;
    for (const chunk of this.#chunks) {
      const start = Math.max(0, from - at);
      const end = Math.min(chunk.length, to - at);
      if (start < end) chunk.fill(MASK, start, end);
      at += chunk.length;
    }
  }

  /** Remove and return the chunks that end at or before that stream offset. */
  #ready(safe: number): Buffer[] {
    let count = 0;
    while (count < this.#chunks.length && this.#offset + this.#chunks[count]!.length <= safe) {
      this.#offset += this.#chunks[count++]!.length;
    }
    return this.#chunks.splice(0, count);
  }
}
