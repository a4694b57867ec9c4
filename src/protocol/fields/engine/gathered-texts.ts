import { Copier } from '../../../bytes/copy.ts';
import { encodeUtf8 } from '../../../bytes/utf8.ts';

/** Longer texts are worth a call of their own. */
const SHORT = 48;

/**
 * Writes texts, one at a time or those of many messages at once. V8 keeps a concatenated string as a rope, and reading it forces
 * a flat copy, which costs more than the rest of a short message (`docs/performance.md`). Many ropes joined are flattened
 * together.
 *
 *     encode    │len│tag│ 9│·········│len│tag│ 7│·······│…     the places of ASCII texts are known without their bytes
 *     gathered  MOVING_TO(1, 2) COLOR_SET(…)                   one string, one call into the runtime
 *     write     │len│tag│ 9│MOVING_TO│…                        each text to its place
 *
 * Whether all of it is ASCII is known at the end. If not, nothing is written, and the messages have to be encoded again.
 */
export class TextWriter {
  /** The buffer whose texts are gathered now. Texts of messages encoded elsewhere meanwhile are written at once. */
  #target: Buffer | undefined;
  /** The texts and their places. Both arrays are kept: a new one would grow with each run. */
  readonly #texts: string[] = [];
  readonly #places: number[] = [];
  #count = 0;
  #scratch: Buffer | undefined;

  /**
   * Write the text at `target[at]` as UTF-8; returns its length in bytes, or −1 if it is longer than `limit` or has a lone
   * surrogate.
   */
  write(target: Buffer, at: number, text: string, limit: number): number {
    const { length } = text;
    if (target !== this.#target || length >= SHORT) return encodeUtf8(target, at, text, limit);
    if (length > limit) return -1;
    this.#gather(at, text);
    return length;
  }

  /** Gather the short texts that are written to that buffer from now on. False while texts of another buffer are gathered. */
  begin(target: Buffer): boolean {
    if (this.#target !== undefined) return false;
    this.#target = target;
    return true;
  }

  /** Write the gathered texts to their places. False if they are not all ASCII: then nothing is written. */
  end(): boolean {
    const target = this.#target!;
    const texts = this.#texts;
    const pieces = this.#count;
    this.#target = undefined;
    this.#count = 0;
    if (texts.length > pieces) texts.length = pieces;
    // Joined at once: each `+=` would make a rope.
    const all = texts.join('');
    // Room for any text of that length: a text that is cut off would look shorter than it is.
    if (this.#scratch === undefined || this.#scratch.length < 3 * all.length) {
      this.#scratch = Buffer.allocUnsafeSlow(6 * all.length);
    }
    const isAscii = this.#scratch.write(all) === all.length;
    if (isAscii) this.#spread(target, this.#scratch);
    texts.fill('');
    return isAscii;
  }

  /** Copy each text to its place. */
  #spread(target: Buffer, scratch: Buffer): void {
    const copier = new Copier(target, scratch);
    let from = 0;
    for (let i = 0; i < this.#texts.length; i++) {
      const { length } = this.#texts[i]!;
      copier.copy(this.#places[i]!, from, length);
      from += length;
    }
  }

  /** How many texts are gathered. */
  get count(): number {
    return this.#count;
  }

  /** Forget the texts after the first `count`: their message is not written. */
  forget(count: number): void {
    this.#count = count;
  }

  #gather(at: number, text: string): void {
    this.#texts[this.#count] = text;
    this.#places[this.#count++] = at;
  }
}
