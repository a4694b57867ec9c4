import type { EncodeRun } from '../../codec.ts';
import type { TextWriter } from './gathered-texts.ts';

/** From this many messages on, gathering texts pays. */
const MANY = 4;
/** If no message can be longer than this, none is measured. */
const SHORT_MESSAGE = 1_024;
/** The longest pause, in runs, before gathering is tried again after texts that were not ASCII. */
const LONGEST_PAUSE = 1_024;

/** The functions that write a run. */
export interface RunEncoder {
  readonly maxLength: number;
  bound(message: unknown): number;
  /** The offset after the message, or −1. */
  encode(message: unknown, target: Buffer, at: number): number;
  /** Undefined if texts must be in place when their message is written. */
  readonly texts: TextWriter | undefined;
}

/**
 * Writes messages one after the other, each as a frame, as `Codec.encodeRun` says.
 *
 *     1   │  │len│tag│ 9│·········│  │len│tag│ 7│·······│       messages with room for their headers; texts are gathered
 *     2   │  │len│tag│ 9│MOVING_TO│  │len│tag│ 7│COLOR_…│       all texts in one go
 *     3   │15│len│tag│ 9│MOVING_TO│13│len│tag│ 7│COLOR_…│       each frame sealed, once its payload is all there
 */
export class RunWriter {
  readonly #encoder: RunEncoder;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** Runs to write without gathering, and the length of the next such pause. */
  #pause = 0;
  #nextPause = 1;

  constructor(encoder: RunEncoder) {
    this.#encoder = encoder;
  }

  write(run: EncodeRun<unknown>): { index: number; at: number } {
    const { texts } = this.#encoder;
    if (texts === undefined || run.messages.length - run.from < MANY) return this.#one(run);
    if (this.#pause > 0) {
      this.#pause--;
      return this.#one(run);
    }
    if (!texts.begin(run.target)) return this.#one(run);
    let count = 0;
    try {
      count = this.#gather(run, texts);
    } finally {
      if (!texts.end()) {
        count = -1;
        this.#pause = this.#nextPause;
        this.#nextPause = Math.min(2 * this.#nextPause, LONGEST_PAUSE);
      }
    }
    return count < 0 ? this.#one(run) : this.#seal(run, count);
  }

  /** Write one message after the other, and seal each at once. */
  #one({ messages, from, target, at: start, writer }: EncodeRun<unknown>): { index: number; at: number } {
    const { encoder, most } = this.#prepare(writer);
    const { headerLength } = writer;
    let at = start;
    let index = from;
    for (; index < messages.length; index++) {
      const message = messages[index];
      if (target.length - at < (most ?? writer.bound(encoder.bound(message)))) break;
      const payloadAt = at + headerLength;
      const payloadEnd = encoder.encode(message, target, payloadAt);
      const end = sealed(writer, target, at, payloadAt, payloadEnd);
      if (end < 0) break;
      at = end;
    }
    return { index, at };
  }

  /** Write messages, each at the offset it has if all messages before it take the most bytes they can; returns how many. */
  #gather({ messages, from, target, at: start, writer }: EncodeRun<unknown>, texts: TextWriter): number {
    const { encoder, most } = this.#prepare(writer);
    const { headerLength } = writer;
    let at = start;
    let count = 0;
    for (let index = from; index < messages.length; index++) {
      const message = messages[index];
      if (target.length - at < (most ?? writer.bound(encoder.bound(message)))) break;
      const payloadAt = at + headerLength;
      const pieces = texts.count;
      const payloadEnd = encoder.encode(message, target, payloadAt);
      const end = payloadEnd < payloadAt ? Infinity : at + writer.bound(payloadEnd - payloadAt);
      if (!(end <= target.length)) {
        texts.forget(pieces);
        break;
      }
      this.#starts[count] = at;
      this.#ends[count++] = payloadEnd;
      at = end;
    }
    return count;
  }

  #seal(
    { from, target, at: start, writer }: EncodeRun<unknown>,
    count: number,
  ): { index: number; at: number } {
    const { headerLength } = writer;
    let at = start;
    for (let i = 0; i < count; i++) {
      const away = this.#starts[i]! - at;
      const payloadAt = at + headerLength;
      const payloadEnd = this.#ends[i]! - away;
      if (away > 0) target.copyWithin(payloadAt, payloadAt + away, payloadEnd + away);
      const end = sealed(writer, target, at, payloadAt, payloadEnd);
      if (end < 0) return { index: from + i, at };
      at = end;
    }
    this.#nextPause = 1;
    return { index: from + count, at };
  }

  #prepare(writer: EncodeRun<unknown>['writer']): { encoder: RunEncoder; most: number | undefined } {
    const encoder = this.#encoder;
    const { maxLength } = encoder;
    return { encoder, most: maxLength <= SHORT_MESSAGE ? writer.bound(maxLength) : undefined };
  }
}

/** The offset after a sealed frame, or −1 if it cannot be sealed; writing the message on its own then says why. */
function sealed(
  writer: EncodeRun<unknown>['writer'],
  target: Buffer,
  at: number,
  payloadAt: number,
  payloadEnd: number,
): number {
  if (payloadEnd < payloadAt) return -1;
  try {
    const end = writer.seal(target, at, payloadEnd);
    return Number.isInteger(end) && end >= payloadEnd && end <= target.length ? end : -1;
  } catch {
    return -1;
  }
}
