import { setTimeout as wait } from 'node:timers/promises';
import type { DecodableProtocol } from '../captures/decode-capture.ts';
import {
  aText,
  type Check,
  callback,
  checkOptions,
  delay,
  integer,
  listOf,
  natural,
  oneOf,
  requireMethods,
} from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { directionOf, requireLines, wholeStream } from '../protocol/direction.ts';
import type { Declaration } from '../protocol/fields/engine/declaration.ts';
import { trace } from '../protocol/fields/engine/trace.ts';
import { framed } from '../protocol/framing/framed.ts';
import type { FrameReader, FrameWriter } from '../protocol/framing/framing.ts';
import { contentLength } from '../protocol/recording/content-length.ts';
import type { Side } from '../protocol/recording/events.ts';

const NO_BYTES = Buffer.alloc(0);

/** A fault of a message on its way. */
export interface Fault {
  /**
   * - `'split'`: the message arrives in pieces of `length` bytes
   * - `'merge'`: it arrives in one chunk with the next message
   * - `'delay'`: it, and everything after it, arrives `ms` milliseconds late
   * - `'drop'`: it does not arrive
   * - `'corrupt'`: all bits of its byte `at`, or of its `field`, are inverted; default its last byte
   * - `'stall'`: nothing arrives after it in this direction
   * - `'reset'`: the connection is reset after it
   * - `'end'`: its side ends after it
   */
  do: 'split' | 'merge' | 'delay' | 'drop' | 'corrupt' | 'stall' | 'reset' | 'end';
  /** The side whose messages these are. */
  from: Side;
  /** The message type. Default: any type. */
  on?: string | undefined;
  /** Only the nth of these messages, from 1. Default: each of them. */
  nth?: number | undefined;
  /** Only the first so many of these messages. */
  first?: number | undefined;
  /** For `'split'`: bytes per piece. Default 1. */
  length?: number | undefined;
  /** For `'delay'`: milliseconds. Default 10. */
  ms?: number | undefined;
  /**
   * For `'corrupt'`: the path of the field, such as `'items[3].key'`. The framing's length and checksum are computed
   * again.
   */
  field?: string | undefined;
  /**
   * For `'corrupt'`: the index of the byte. For `'stall'`, `'reset'`, `'end'`: how many bytes of the message still
   * arrive; default all.
   */
  at?: number | undefined;
}

/** Something that happens in one direction of a connection. */
export type FaultStep =
  | { readonly step: 'bytes'; readonly bytes: Buffer }
  | { readonly step: 'wait'; readonly ms: number }
  | { readonly step: 'stall' | 'reset' | 'end' };

/**
 * Faults, with a count of the messages each has matched. A plan used for several connections counts over all of them:
 * `{ on: 'login', first: 2, do: 'reset' }` fails the first two attempts.
 *
 * @throws TypeError, RangeError for an invalid fault
 *
 * @example
 * // After the second `move`, reset.
 * const faults = new FaultPlan(drone, [{ from: 'client', on: 'move', nth: 2, do: 'reset' }]);
 */
export class FaultPlan {
  readonly #protocol: DecodableProtocol<unknown, unknown> | undefined;
  readonly #faults: readonly Fault[];
  /** For each fault: how many messages it has matched by side and type. */
  readonly #seen: number[];

  /** @param protocol - recognises messages; without it, each chunk written counts as a message */
  constructor(protocol: DecodableProtocol<unknown, unknown> | undefined, faults: readonly Fault[]) {
    if (protocol !== undefined) requireLines('FaultPlan', protocol, 'decode');
    listOf((name, fault) => {
      checkOptions(name, fault, {
        do: oneOf('split', 'merge', 'delay', 'drop', 'corrupt', 'stall', 'reset', 'end'),
        from: oneOf('client', 'server'),
        on: aText,
        nth: integer(1),
        first: integer(1),
        length: integer(1),
        ms: delay,
        at: natural,
        field: aText,
      });
    })('FaultPlan: faults', faults);
    this.#protocol = protocol;
    this.#faults = faults;
    this.#seen = faults.map(() => 0);
  }

  /**
   * The faults of one direction of a new connection.
   *
   * @param onFault - called when a fault strikes a message
   */
  direction(from: Side, onFault?: (fault: Fault, type: string | undefined) => void): FaultyDirection {
    oneOf('client', 'server')('direction: from', from);
    if (onFault !== undefined) callback('direction: onFault', onFault);
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

/** A plan of faults, as an option. */
export const faultPlan: Check = (name, value) => requireMethods(name, 'a FaultPlan', value, 'direction');

/**
 * Applies the faults to one direction of a connection: takes chunks as they are sent, and returns the steps to perform.
 * Pure.
 */
export class FaultyDirection {
  readonly #reader: FrameReader | undefined;
  readonly #writer: FrameWriter | undefined;
  readonly #codec: Codec<unknown, never> | undefined;
  readonly #find: (type: string | undefined) => Fault[];
  /** The bytes of an incomplete frame. */
  #partial: Buffer[] = [];
  /** For `merge`: bytes that wait for the next message. */
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
    // Reading byte by byte shows where each frame ends, in any framing.
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
    // Bytes that cannot be framed pass unchanged.
    if (reader.error !== undefined) steps.push(...this.#bytes([...this.#partial.splice(0), rest]));
    else this.#partial.push(rest);
    return steps;
  }

  /** The side has ended: returns the bytes still held, and the end. */
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

  /** The message with all bits of a field inverted, framed again; undefined if it has no such field. */
  #withField(field: string, frame: Buffer): Buffer | undefined {
    const { declaration } = (this.#codec ?? {}) as { readonly declaration?: Declaration };
    if (declaration === undefined || this.#writer === undefined) return undefined;
    const { spans } = trace({ declaration, decode: () => undefined }, frame);
    const span = spans.find(({ path }) => path === field);
    if (span === undefined) return undefined;
    const payload = Buffer.from(frame);
    // Skip the length prefix of a text or byte string.
    for (let at = span.end - contentLength(span); at < span.end; at++) payload[at]! ^= 0xff;
    return framed(this.#writer, payload);
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

/** Performs the steps of a direction. */
export interface StepTaker {
  bytes(bytes: Buffer): void | Promise<void>;
  end(): void;
  reset(): void | Promise<void>;
}

/** Perform the steps in order. Returns false if the direction has stalled. */
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
