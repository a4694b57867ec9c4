import type { Codec } from '../protocol/codec.ts';
import { trace } from '../protocol/fields/engine/trace.ts';
import type { FrameReader, Framing } from '../protocol/framing/framing.ts';
import { contentLength } from '../protocol/recording/content-length.ts';

/** What stands in place of a byte: text stays text. */
const MASK = 0x2a;

/**
 * Masks the bytes of fields in one direction of a connection, before anything of it is written: `'write.text'` is the field `text` of
 * the message `write`.
 *
 * It fails closed: bytes that are not a whole frame, of a frame that cannot be decoded, or of a framing whose frames have no place in the
 * stream, are masked altogether. Chunks keep their edges; one waits until the frames in it are whole.
 */
export class Redaction {
  readonly #reader: FrameReader;
  readonly #codec: Codec<unknown, never>;
  readonly #paths: ReadonlySet<string>;
  /** Chunks whose frames are not whole yet: copies. */
  #chunks: Buffer[] = [];
  /** Where the first of them stands in the stream. */
  #offset = 0;
  #isBroken = false;

  constructor(framing: Framing, codec: Codec<unknown, never>, paths: readonly string[]) {
    if (!('declaration' in codec))
      throw new TypeError('redact: only messages that are declared field by field have paths');
    this.#reader = framing.reader();
    this.#codec = codec;
    this.#paths = new Set(paths);
  }

  /** Take in a chunk. Answers the chunks that may be written now. */
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

  /** Nothing more will come: what is not whole is masked. */
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

  /** Mask the bytes from one place of the stream to another. */
  #fill(from: number, to: number): void {
    let at = this.#offset;
    for (const chunk of this.#chunks) {
      const start = Math.max(0, from - at);
      const end = Math.min(chunk.length, to - at);
      if (start < end) chunk.fill(MASK, start, end);
      at += chunk.length;
    }
  }

  /** The chunks that end before that place. */
  #ready(safe: number): Buffer[] {
    let count = 0;
    while (count < this.#chunks.length && this.#offset + this.#chunks[count]!.length <= safe) {
      this.#offset += this.#chunks[count++]!.length;
    }
    return this.#chunks.splice(0, count);
  }
}
