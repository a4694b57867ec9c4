import { weigh } from '../bytes/weigh.ts';
import type { Codec } from './codec.ts';
import type { FrameWriter } from './framing/framing.ts';
import { Packer } from './packer.ts';

interface Change<Sent> {
  /** The first message that it applies to. */
  readonly at: number;
  readonly codec: Codec<unknown, Sent>;
  readonly writer: FrameWriter;
}

/** The messages to send on one connection: messages in, framed bytes out. Framing and codec may change between two messages. */
export class Outbox<Sent> {
  /** Messages that are not written yet, from index `#written` on. A pending handler appends to this same array. */
  readonly messages: Sent[] = [];
  #codec: Codec<unknown, Sent>;
  #writer: FrameWriter;
  #written = 0;
  /** The messages before this index have been weighed. */
  #weighed = 0;
  #weight = 0;
  /** Created with the first message. */
  #packer: Packer | undefined;
  /** Where codec and framing change, in order. */
  #changes: Change<Sent>[] | undefined;

  constructor(codec: Codec<unknown, Sent>, writer: FrameWriter) {
    this.#codec = codec;
    this.#writer = writer;
  }

  /** Messages that are not written yet. */
  get unsent(): number {
    return this.messages.length - this.#written;
  }

  /** About how many bytes the messages hold that are not written yet. */
  get unsentBytes(): number {
    const { messages } = this;
    for (; this.#weighed < messages.length; this.#weighed++) this.#weight += weigh(messages[this.#weighed]);
    return this.#weight;
  }

  /** The first `before` messages are written as before, the messages after them with that codec and framing. */
  change(before: number, codec: Codec<unknown, Sent>, writer: FrameWriter): void {
    this.#changes ??= [];
    this.#changes.push({ at: before, codec, writer });
  }

  /**
   * Write the messages; false if the packer is full. Throws what the codec or the framing throws; the messages before that one
   * are written.
   */
  write(): boolean {
    const { messages } = this;
    this.#packer ??= new Packer();
    const before = this.#written;
    if (this.#changes === undefined || this.#writeChanging(this.#packer, this.#changes)) {
      this.#written = this.#packer.writeMessages(this.#codec, this.#writer, messages, this.#written);
    }
    if (this.#weight > 0) this.#forgetWeight(before);
    if (this.#written < messages.length) return false;
    this.#written = this.#weighed = messages.length = 0;
    return true;
  }

  /** Messages were written: the messages left hold the average number of bytes. */
  #forgetWeight(before: number): void {
    const left = Math.max(0, this.#weighed - this.#written);
    this.#weight *= left / (this.#weighed - before);
    this.#weighed = Math.max(this.#weighed, this.#written);
  }

  take(isPrivate: boolean): Buffer | undefined {
    return this.#packer?.take(isPrivate);
  }

  given(isFree: boolean): void {
    this.#packer?.given(isFree);
  }

  forget(): void {
    this.#changes = undefined;
    this.#written = this.#weighed = this.#weight = this.messages.length = 0;
  }

  /** Write up to the last change; false if the packer is full before that. */
  #writeChanging(packer: Packer, changes: Change<Sent>[]): boolean {
    for (let change = changes[0]; change !== undefined; change = changes[0]) {
      const { at, codec, writer } = change;
      // The packer writes every message of the array it is given.
      const before = this.messages.slice(this.#written, at);
      const count = packer.writeMessages(this.#codec, this.#writer, before, 0);
      this.#written += count;
      if (count < before.length) return false;
      this.#codec = codec;
      this.#writer = writer;
      changes.shift();
    }
    this.#changes = undefined;
    return true;
  }
}
