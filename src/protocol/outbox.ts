import { weigh } from '../bytes/weigh.ts';
import type { Codec } from './codec.ts';
import type { FrameWriter } from './framing/framing.ts';
import { Packer } from './packer.ts';

interface Change<Sent> {
  /** The first message that it holds for. */
  readonly at: number;
  readonly codec: Codec<unknown, Sent>;
  readonly writer: FrameWriter;
}

/** What is sent on one connection: messages in, framed bytes out. Framing and codec may change between two messages. */
export class Outbox<Sent> {
  /** Messages not written yet, from an index of its own on. A pending handler appends to this very array. */
  readonly messages: Sent[] = [];
  #codec: Codec<unknown, Sent>;
  #writer: FrameWriter;
  #written = 0;
  /** The messages up to here have been weighed; those not written yet hold about so many bytes. */
  #weighed = 0;
  #weight = 0;
  /** Made with the first message. */
  #packer: Packer | undefined;
  /** From which message on another codec and framing are used, in order. */
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

  /** The first `before` of the messages go as until now, the others by that codec and framing. */
  change(before: number, codec: Codec<unknown, Sent>, writer: FrameWriter): void {
    this.#changes ??= [];
    this.#changes.push({ at: before, codec, writer });
  }

  /**
   * Write the messages; false where the packer is full. Throws what the codec or the framing throws: the messages before that
   * one are written.
   */
  write(): boolean {
    const { messages } = this;
    this.#packer ??= new Packer();
    const before = this.#written;
    if (this.#changes === undefined || this.#writeChanging(this.#packer, this.#changes)) {
      this.#written = this.#packer.writeMessages(this.#codec, this.#writer, messages, this.#written);
    }
    if (this.#weight > 0) this.#forgetWeight(before);
    if (this.#changes !== undefined || this.#written < messages.length) return false;
    this.#written = this.#weighed = messages.length = 0;
    return true;
  }

  /** Messages were written: those that are left hold as many bytes as the average. */
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

  /** Write up to the last change; false where the packer is full before. */
  #writeChanging(packer: Packer, changes: Change<Sent>[]): boolean {
    for (let change = changes[0]; change !== undefined; change = changes[0]) {
      const { at, codec, writer } = change;
      // The packer writes to the end of what it is given.
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
