import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { asError, show } from '../bytes/show.ts';
import type { DecodableProtocol } from '../captures/decode-capture.ts';
import { DirectionDecoder, type DirectionResult } from '../captures/direction-decoder.ts';
import { anObject, checkMembers, checkOptions, delay, listOf, oneOf, requireMethods } from '../options.ts';
import { directionOf, otherSide, requireLines } from '../protocol/direction.ts';
import { framed } from '../protocol/framing/framed.ts';
import type { Side } from '../protocol/recording/events.ts';
import { firstDifference } from './difference.ts';
import { FaultPlan, type FaultyDirection, faultPlan, type StepTaker, takeSteps } from './faults.ts';

export interface ScriptedPeerOptions {
  /** Faults of the messages of either side. */
  faults?: FaultPlan | undefined;
  /** Milliseconds to wait for an expected message, and for the stream to accept bytes. Default 5,000. */
  timeout?: number | undefined;
}

/** A step of a script. An expected message is compared in the given fields only. */
export type ScriptStep<Received, Sent> =
  | { readonly expect: Partial<Received> }
  | { readonly send: Sent }
  | { readonly do: 'end' | 'reset' | 'expect end' };

/** The peer did something other than the script expects. */
export class ScriptMismatch extends Error {
  override readonly name = 'ScriptMismatch';
  /** The field; empty for the whole message. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;

  constructor(text: string, path: string, expected: unknown, actual: unknown) {
    super(text);
    this.path = path;
    this.expected = expected;
    this.actual = actual;
  }
}

type Arrival =
  | Extract<DirectionResult<unknown>, { kind: 'message' | 'fault' }>
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly error: Error };

/**
 * One side of a protocol that a test drives message by message, without a session.
 *
 *     bytes received ──▶ faults ──▶ messages ──▶ expect()
 *     send() ──▶ frames ──▶ faults ──▶ bytes written
 */
export class ScriptedPeer<Received, Sent> {
  readonly #stream: Duplex;
  readonly #encode: (message: Sent) => Buffer;
  readonly #outgoing: FaultyDirection;
  readonly #timeout: number;
  readonly #arrived: Arrival[] = [];
  #wake: (() => void) | undefined;

  constructor(
    protocol: DecodableProtocol<unknown, unknown>,
    side: Side,
    stream: Duplex,
    options: ScriptedPeerOptions = {},
  ) {
    requireLines('scriptedPeer', protocol, 'decode', 'encode');
    oneOf('client', 'server')('scriptedPeer: side', side);
    requireMethods('scriptedPeer', 'a Duplex', stream, 'on', 'pipe', 'write');
    checkOptions('scriptedPeer', options, { faults: faultPlan, timeout: delay });
    const { faults = new FaultPlan(protocol, []), timeout = 5_000 } = options;
    const { messages: mine, framing, preface } = directionOf(protocol, side);
    const writer = framing.writer();
    if (preface !== undefined) stream.write(preface);
    this.#stream = stream;
    this.#timeout = timeout;
    this.#outgoing = faults.direction(side);
    this.#encode = (message) => framed(writer, mine.encode(message as never));
    const theirs = directionOf(protocol, otherSide(side));
    const decoder = new DirectionDecoder(theirs.framing, theirs.messages, theirs.preface);
    this.#read(decoder, faults.direction(otherSide(side)));
  }

  /**
   * Wait for the next message, which must have these fields.
   *
   * @throws ScriptMismatch if another message arrives, or none
   */
  async expect(expected: Partial<Received> = {}): Promise<Received> {
    const arrival = await this.#next(textOf(expected));
    if (arrival.kind !== 'message') {
      const what = arrival.kind === 'end' ? 'the end' : arrival.error.message;
      throw new ScriptMismatch(
        `expected ${textOf(expected)}, got ${what}`,
        '',
        expected,
        arrival.kind === 'end' ? undefined : arrival.error,
      );
    }
    const difference = firstDifference(expected, arrival.message, true);
    if (difference === undefined) return arrival.message as Received;
    const { path, expected: wanted, actual } = difference;
    const text = `${path === '' ? 'message' : path}: expected ${textOf(wanted)}, got ${textOf(actual)}`;
    throw new ScriptMismatch(`${text} in ${textOf(arrival.message)}`, path, wanted, actual);
  }

  /** Send a message. Resolves once the stream has accepted it, or a fault holds it back. */
  async send(message: Sent): Promise<void> {
    await takeSteps(this.#outgoing.chunk(this.#encode(message)), this.#taker);
  }

  /** Wait for the peer to end its side or reset the connection; it must not send another message first. */
  async expectEnd(): Promise<void> {
    const arrival = await this.#next('the end');
    if (arrival.kind === 'end' || arrival.kind === 'error') return;
    const what = arrival.kind === 'message' ? textOf(arrival.message) : arrival.error.message;
    throw new ScriptMismatch(`expected the end, got ${what}`, '', undefined, arrival);
  }

  /** End our side. */
  async end(): Promise<void> {
    await takeSteps(this.#outgoing.end(), this.#taker);
  }

  /** Reset the connection. */
  reset(): void {
    void this.#taker.reset();
  }

  /**
   * Perform the steps of a script, in order.
   *
   * @throws ScriptMismatch whose text begins with the step's number, from 1
   */
  async play(script: readonly ScriptStep<Received, Sent>[]): Promise<void> {
    listOf((name, step) => {
      anObject(name, step);
      if ('do' in (step as object))
        checkMembers(name, 'a step', step, { do: oneOf('end', 'reset', 'expect end') });
    })('play', script);
    for (const [index, step] of script.entries()) {
      try {
        if ('expect' in step) await this.expect(step.expect);
        else if ('send' in step) await this.send(step.send);
        else if (step.do === 'end') await this.end();
        else if (step.do === 'reset') this.reset();
        else await this.expectEnd();
      } catch (error) {
        if (error instanceof ScriptMismatch) error.message = `step ${index + 1}: ${error.message}`;
        throw error;
      }
    }
  }

  #read(decoder: DirectionDecoder<unknown>, incoming: FaultyDirection): void {
    const stream = this.#stream;
    let work: Promise<unknown> = Promise.resolve();
    let isStalled = false;
    const arrive = (results: readonly DirectionResult<unknown>[]): void => {
      for (const result of results) if (result.kind !== 'lost') this.#arrive(result);
    };
    const taker: StepTaker = {
      bytes: (bytes) => arrive(decoder.data(bytes)),
      end: () => {
        arrive(decoder.end());
        this.#arrive({ kind: 'end' });
      },
      reset: () => this.#taker.reset(),
    };
    const follow = (steps: () => ReturnType<FaultyDirection['chunk']>): void => {
      work = work
        .then(async () => {
          if (isStalled || (await takeSteps(steps(), taker))) return;
          isStalled = true;
          stream.pause();
        })
        .catch((error) => this.#arrive({ kind: 'error', error: asError(error) }));
    };
    stream.on('data', (chunk: Buffer) => follow(() => incoming.chunk(chunk)));
    stream.on('end', () => follow(() => incoming.end()));
    stream.on('error', (error) => {
      work = work.then(() => this.#arrive({ kind: 'error', error }));
    });
  }

  get #taker(): StepTaker {
    const stream = this.#stream;
    return {
      bytes: async (bytes) => {
        if (stream.destroyed || stream.writableEnded) return;
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          timer = setTimeout(resolve, this.#timeout);
          stream.write(bytes, () => resolve());
        });
        clearTimeout(timer);
        // Pieces stay apart.
        await turn();
      },
      end: () => void stream.end(),
      reset: () => {
        const { resetAndDestroy } = stream as Duplex & { resetAndDestroy?: () => void };
        if (resetAndDestroy !== undefined) resetAndDestroy.call(stream);
        else stream.destroy(Object.assign(new Error('reset by the script'), { code: 'ECONNRESET' }));
      },
    };
  }

  #arrive(arrival: Arrival): void {
    this.#arrived.push(arrival);
    this.#wake?.();
  }

  async #next(what: string): Promise<Arrival> {
    if (this.#arrived.length === 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, this.#timeout);
        this.#wake = resolve;
      });
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const arrival = this.#arrived.shift();
    if (arrival !== undefined) return arrival;
    const text = `expected ${what}, got nothing within ${this.#timeout} ms`;
    throw new ScriptMismatch(text, '', what, undefined);
  }
}

/**
 * Play one side of a protocol over any Duplex: a socket, or an end of `wire()`.
 *
 * @example
 * const peer = scriptedPeer(drone, 'server', stream);
 * await peer.expect({ type: 'write', text: 'HELLO' });
 * await peer.send({ type: 'ok', text: 'AUTH_OK' });
 */
export function scriptedPeer<ClientMessage, ServerMessage>(
  protocol: DecodableProtocol<ClientMessage, ServerMessage>,
  side: 'client',
  stream: Duplex,
  options?: ScriptedPeerOptions,
): ScriptedPeer<ServerMessage, ClientMessage>;
export function scriptedPeer<ClientMessage, ServerMessage>(
  protocol: DecodableProtocol<ClientMessage, ServerMessage>,
  side: 'server',
  stream: Duplex,
  options?: ScriptedPeerOptions,
): ScriptedPeer<ClientMessage, ServerMessage>;
export function scriptedPeer(
  protocol: DecodableProtocol<unknown, unknown>,
  side: Side,
  stream: Duplex,
  options?: ScriptedPeerOptions,
): ScriptedPeer<unknown, unknown> {
  return new ScriptedPeer(protocol, side, stream, options);
}

/** A message as JSON text, with bigints as `1n`. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return show(value);
  try {
    return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one));
  } catch {
    return show(value);
  }
}
