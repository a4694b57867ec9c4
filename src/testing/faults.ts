import { setTimeout as wait } from 'node:timers/promises';
import type { DecodableProtocol } from '../captures/decode-capture.ts';
import { anything, checkOptions, delay, integer, natural, oneOf } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { directionOf, wholeStream } from '../protocol/direction.ts';
import type { Declaration } from '../protocol/fields/engine/declaration.ts';
import { trace } from '../protocol/fields/engine/trace.ts';
import type { FrameReader, FrameWriter } from '../protocol/framing/framing.ts';
import { contentLength } from '../protocol/recording/content-length.ts';
import type { Side } from '../protocol/recording/events.ts';

const NO_BYTES = Buffer.alloc(0);

/** What goes wrong with a message. */
export interface Fault {
  /**
   * - `'split'`: comes in pieces of `length` bytes
   * - `'merge'`: comes in one chunk with the next one
   * - `'delay'`: comes `ms` milliseconds late, and what follows it as well
   * - `'drop'`: does not come
   * - `'corrupt'`: its byte `at` has all bits inverted, or those of its `field`; default its last one
   * - `'stall'`: nothing of this direction comes behind it
   * - `'reset'`: the connection is reset behind it
   * - `'end'`: its side ends behind it
   */
  do: 'split' | 'merge' | 'delay' | 'drop' | 'corrupt' | 'stall' | 'reset' | 'end';
  /** The side whose messages these are. */
  from: Side;
  /** The type of the messages. Default: of any type. */
  on?: string | undefined;
  /** Which one of them, from 1. Default: each. */
  nth?: number | undefined;
  /** Each of the first so many. */
  first?: number | undefined;
  /** Of `'split'`: bytes of a piece. Default 1. */
  length?: number | undefined;
  /** Of `'delay'`: milliseconds. Default 10. */
  ms?: number | undefined;
  /** Of `'corrupt'`: the path of the field, as `'items[3].key'`. Lengths and sums around the message are made anew. */
  field?: string | undefined;
  /** Of `'corrupt'`: the byte. Of `'stall'`, `'reset'`, `'end'`: how many bytes of the message still come; default all. */
  at?: number | undefined;
}

/** Something that happens in one direction of a connection. */
export type FaultStep =
  | { readonly step: 'bytes'; readonly bytes: Buffer }
  | { readonly step: 'wait'; readonly ms: number }
  | { readonly step: 'stall' | 'reset' | 'end' };

/**
 * Faults, and how often each one has found its message. One plan given to several connections counts over all of them: `{ on: 'login',
 * first: 2, do: 'reset' }` fails the first two attempts.
 *
 * @throws TypeError, RangeError for a fault that does not exist
 *
 * @example
 * // After the second `move`, reset.
 * const faults = new FaultPlan(drone, [{ from: 'client', on: 'move', nth: 2, do: 'reset' }]);
 */
export class FaultPlan {
  readonly #protocol: DecodableProtocol<unknown, unknown> | undefined;
  readonly #faults: readonly Fault[];
  /** Of each fault: the messages of its type so far. */
  readonly #seen: number[];

  /** @param protocol - how to tell messages; without one, each chunk that is written counts as a message */
  constructor(protocol: DecodableProtocol<unknown, unknown> | undefined, faults: readonly Fault[]) {
    for (const fault of faults) {
      checkOptions('fault', fault, {
        do: oneOf('split', 'merge', 'delay', 'drop', 'corrupt', 'stall', 'reset', 'end'),
        from: oneOf('client', 'server'),
        on: anything,
        nth: integer(1),
        first: integer(1),
        length: integer(1),
        ms: delay,
        at: natural,
        field: anything,
      });
    }
    this.#protocol = protocol;
    this.#faults = faults;
    this.#seen = faults.map(() => 0);
  }

  /**
   * A connection's direction from its start.
   *
   * @param onFault - called when a fault has found its message
   */
  direction(from: Side, onFault?: (fault: Fault, type: string | undefined) => void): FaultyDirection {
    return new FaultyDirection(this.#protocol, from, (type) => {
      const found = this.#find(from, type);
      if (onFault !== undefined) for (const fault of found) onFault(fault, type);
      return found;
    });
  }

  #find(from: Side, type: string | undefined): Fault[] {
    return this.#faults.filter((fault, index) => {
      if (fault.from !== from || (fault.on !== undefined && fault.on !== type)) return false;
      const count = ++this.#seen[index]!;
      if (fault.nth !== undefined) return count === fault.nth;
      return fault.first === undefined || count <= fault.first;
    });
  }
}

/** One direction of one connection: chunks as they are sent in, what happens out. Pure. */
export class FaultyDirection {
  readonly #reader: FrameReader | undefined;
  readonly #writer: FrameWriter | undefined;
  readonly #codec: Codec<unknown, never> | undefined;
  readonly #find: (type: string | undefined) => Fault[];
  /** Bytes of a frame that is not whole. */
  #partial: Buffer[] = [];
  /** Of `merge`: what waits for the next message. */
  #held: Buffer[] = [];
  #isOver = false;

  constructor(
    protocol: DecodableProtocol<unknown, unknown> | undefined,
    from: Side,
    find: (type: string | undefined) => Fault[],
  ) {
    const direction = protocol && directionOf(protocol, from);
    this.#codec = direction?.messages;
    this.#reader = direction && wholeStream(direction).reader();
    this.#writer = direction?.framing.writer();
    this.#find = find;
  }

  chunk(bytes: Uint8Array): FaultStep[] {
    const chunk = Buffer.from(bytes);
    const reader = this.#reader;
    if (this.#isOver) return [];
    if (reader === undefined) return this.#message(chunk, undefined, NO_BYTES);
    const steps: FaultStep[] = [];
    let start = 0;
    // A byte at a time: that tells where each frame ends, whatever the framing.
    for (let at = 0; at < chunk.length && !this.#isOver && reader.error === undefined; at++) {
      reader.push(chunk.subarray(at, at + 1));
      const frame = reader.next();
      if (frame === undefined) continue;
      const whole = Buffer.concat([...this.#partial, chunk.subarray(start, at + 1)]);
      this.#partial = [];
      start = at + 1;
      steps.push(...this.#message(whole, this.#typeOf(frame), frame));
    }
    if (this.#isOver || start === chunk.length) return steps;
    const rest = chunk.subarray(start);
    // What cannot be framed passes as it is.
    if (reader.error !== undefined) steps.push(...this.#bytes([...this.#partial.splice(0), rest]));
    else this.#partial.push(rest);
    return steps;
  }

  /** The side has ended: what is still held. */
  end(): FaultStep[] {
    if (this.#isOver) return [];
    return [...this.#bytes(this.#partial.splice(0)), { step: 'end' }];
  }

  #typeOf(frame: Buffer): string | undefined {
    try {
      return (this.#codec?.decode(frame) as { type?: string } | undefined)?.type;
    } catch {
      return undefined;
    }
  }

  /** The message with all bits of a field inverted, framed anew; undefined where it has no such field. */
  #withField(field: string, frame: Buffer): Buffer | undefined {
    const { declaration } = (this.#codec ?? {}) as { readonly declaration?: Declaration };
    if (declaration === undefined || this.#writer === undefined) return undefined;
    const { spans } = trace({ declaration, decode: () => undefined }, frame);
    const span = spans.find(({ path }) => path === field);
    if (span === undefined) return undefined;
    const payload = Buffer.from(frame);
    // Of a text or byte string, not the length in front of it.
    for (let at = span.end - contentLength(span); at < span.end; at++) payload[at]! ^= 0xff;
    const bytes = Buffer.alloc(this.#writer.bound(payload.length));
    return bytes.subarray(0, this.#writer.write(bytes, 0, payload, 0, payload.length));
  }

  #bytes(pieces: readonly Buffer[]): FaultStep[] {
    const bytes = Buffer.concat([...this.#held.splice(0), ...pieces]);
    return bytes.length === 0 ? [] : [{ step: 'bytes', bytes }];
  }

  #message(message: Buffer, type: string | undefined, frame: Buffer): FaultStep[] {
    let bytes = message;
    const before: FaultStep[] = [];
    let last: 'stall' | 'reset' | 'end' | undefined;
    let piece = Infinity;
    let isHeld = false;
    for (const { do: what, at, field, ms = 10, length = 1 } of this.#find(type)) {
      if (what === 'drop') return before;
      if (what === 'delay') before.push({ step: 'wait', ms });
      else if (what === 'split') piece = length;
      else if (what === 'merge') isHeld = true;
      else if (what === 'corrupt' && field !== undefined) {
        bytes = this.#withField(field, frame) ?? bytes;
      } else if (what === 'corrupt') {
        const place = Math.min(at ?? Infinity, bytes.length - 1);
        if (place >= 0) bytes[place]! ^= 0xff;
      } else {
        last = what;
        bytes = bytes.subarray(0, at);
      }
    }
    if (isHeld && last === undefined) {
      this.#held.push(bytes);
      return before;
    }
    const steps = before;
    if (piece === Infinity) {
      steps.push(...this.#bytes([bytes]));
    } else {
      steps.push(...this.#bytes([]));
      for (let at = 0; at < bytes.length; at += piece)
        steps.push({ step: 'bytes', bytes: bytes.subarray(at, at + piece) });
    }
    if (last !== undefined) {
      steps.push({ step: last });
      this.#isOver = true;
    }
    return steps;
  }
}

/** What a direction's steps are done with. */
export interface StepTaker {
  bytes(bytes: Buffer): void | Promise<void>;
  end(): void;
  reset(): void | Promise<void>;
}

/** Take steps in their order. Answers false where the direction has stalled. */
export async function takeSteps(steps: readonly FaultStep[], taker: StepTaker): Promise<boolean> {
  for (const one of steps) {
    if (one.step === 'bytes') await taker.bytes(one.bytes);
    else if (one.step === 'wait') await wait(one.ms);
    else if (one.step === 'reset') await taker.reset();
    else if (one.step === 'end') taker.end();
    else return false;
  }
  return true;
}
