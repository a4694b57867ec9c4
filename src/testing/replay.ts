import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setImmediate as turnOfLoop, setTimeout as wait } from 'node:timers/promises';
import { CaptureMessages, type DecodableProtocol, type MessageEvent } from '../captures/decode-capture.ts';
import { seededNumbers } from '../captures/seeded-numbers.ts';
import {
  aText,
  type Check,
  checkOptions,
  delay,
  integer,
  listOf,
  natural,
  oneOf,
  positive,
  requireMethods,
} from '../options.ts';
import { directionOf, otherSide, requireLines } from '../protocol/direction.ts';
import { framed } from '../protocol/framing/framed.ts';
import { checkedEvents } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, DataEvent, EndEvent, Side } from '../protocol/recording/events.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { type Difference, firstDifference, keyOf } from './difference.ts';

export interface ReplayOptions {
  /** The connection of the capture to replay. Default 0. */
  connection?: number | undefined;
  /**
   * Fields that differ from run to run, by message type and path: `'hello.token'`. Once the peer has sent a live value
   * of such a field, messages sent later have it in place of the recorded value. A list inside the list is a group with
   * its own values: ids, say, separate from tokens.
   */
  bind?: readonly (string | readonly string[])[] | undefined;
  /** The speed in multiples of the recorded one: 1 sends at the recorded times. Default Infinity: without a pause. */
  speed?: number | undefined;
  /**
   * Where the sent bytes are cut. `'messages'` (the default) writes each message by itself; `'coalesced'` writes all
   * messages up to the next wait for the peer at once; `'every'` cuts these into pieces of `length` bytes (default 1),
   * `'random'` into random pieces from `seed`. `'recorded'` sends the recorded chunks even if they are not messages; it
   * binds no fields.
   */
  how?: 'messages' | 'recorded' | 'coalesced' | 'every' | 'random' | undefined;
  length?: number | undefined;
  seed?: number | undefined;
  /** Milliseconds to wait for each recorded message. Default 5,000. */
  timeout?: number | undefined;
}

/**
 * The first difference between the live peer and the recorded one; `path` is empty for a whole message. `expected` is
 * undefined if the recorded peer sent nothing more, `actual` if the live peer did not.
 */
export interface ReplayDifference extends Difference {
  /** The message's number among all messages of the connection, from 0. */
  readonly index: number;
  /** The recorded message, and the live message. */
  readonly recorded: unknown;
  readonly message: unknown;
}

type Turn = MessageEvent<unknown, unknown> | EndEvent | DataEvent;

/**
 * Play one side of a recorded conversation against a live peer, by messages: send the side's messages, each after the
 * peer has sent everything that came before it, and compare the peer's messages with the recorded ones. The end of a
 * side is replayed too, if the capture has it.
 *
 * @param side - the side to play
 * @param stream - the live peer, over any Duplex
 * @returns the first difference, or undefined if there is none
 *
 * @example
 * // The client's part, against a server.
 * const difference = await replay(events, drone, 'client', net.connect({ port: 4000, allowHalfOpen: true }));
 * expect(difference).toBeUndefined();
 *
 * @example
 * // The server's part, against a client.
 * net.createServer({ allowHalfOpen: true }, async (socket) => report(await replay(events, drone, 'server', socket)));
 */
export async function replay(
  events: readonly CaptureEvent[],
  protocol: DecodableProtocol<unknown, unknown>,
  side: Side,
  stream: Duplex,
  options: ReplayOptions = {},
): Promise<ReplayDifference | undefined> {
  checkOptions('replay', options, {
    connection: natural,
    bind: listOf(pathOrPaths),
    speed: positive,
    how: oneOf('messages', 'recorded', 'coalesced', 'every', 'random'),
    length: integer(1),
    seed: integer(0),
    timeout: delay,
  });
  requireLines('replay', protocol, 'decode', 'encode');
  oneOf('client', 'server')('replay: side', side);
  requireMethods('replay', 'a Duplex', stream, 'on', 'pipe', 'write');
  const { connection = 0, bind = [], speed: fold = Infinity, timeout = 5_000 } = options;
  const { how = 'messages', length = 1, seed = 1 } = options;
  const turns = turnsOf(events, protocol, connection, how === 'recorded' ? side : undefined);
  const random = seededNumbers(seed);
  const pieceLength = (): number =>
    how === 'every' ? length : how === 'random' ? 1 + Math.floor(random() * 16) : Infinity;
  const encode = encoder(protocol, side);
  const peer = new Peer(stream, protocol, side, how !== 'recorded');
  const bound = new Bindings(bind);
  const begun = performance.now();
  let pending: Buffer[] = [];
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(pending);
    pending = [];
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + pieceLength());
      at += piece.length;
      if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
      // Pieces stay apart.
      if (at < bytes.length) await turnOfLoop();
    }
  };
  try {
    let index = -1;
    for (const [place, turn] of turns.entries()) {
      if (turn.event === 'message') index++;
      if (turn.from === side) {
        const early = begun + ((turn.time - turns[0]!.time) * 1_000) / fold - performance.now();
        if (early > 0) {
          await flush();
          await wait(early);
        }
        if (turn.event === 'message') pending.push(encode(bound.toLive(turn.message)));
        if (turn.event === 'data') {
          pending.push(turn.bytes);
          // The pause lets the peer read this piece by itself.
          await flush();
          await wait(APART);
        }
        const next = turns[place + 1];
        const isMore =
          how !== 'messages' && how !== 'recorded' && next?.event === 'message' && next.from === side;
        if (!isMore) await flush();
        if (turn.event === 'end') stream.end();
        if (turn.event === 'reset') stream.destroy();
        continue;
      }
      const recorded = turn.event === 'message' ? turn.message : undefined;
      const arrival = await peer.next(timeout);
      if (turn.event === 'end' || turn.event === 'reset') {
        if (arrival === 'end') continue;
        const message = arrival === 'nothing' ? undefined : arrival.message;
        if (message !== undefined) {
          return { index: index + 1, path: '', expected: undefined, actual: message, recorded, message };
        }
        continue;
      }
      if (arrival === 'end' || arrival === 'nothing') {
        return { index, path: '', expected: recorded, actual: undefined, recorded, message: undefined };
      }
      const difference = bound.compare(recorded, arrival.message);
      if (difference !== undefined) return { index, ...difference, recorded, message: arrival.message };
    }
    return undefined;
  } finally {
    peer.leave();
  }
}

/** Milliseconds between two pieces that should arrive separately. */
const APART = 5;

/**
 * The messages and the ends of a connection, in order.
 *
 * @param raw - the side whose chunks and reset are wanted in place of messages
 */
function turnsOf(
  events: readonly CaptureEvent[],
  protocol: DecodableProtocol<unknown, unknown>,
  connection: number,
  raw: Side | undefined,
): Turn[] {
  const decoder = new CaptureMessages(protocol);
  const turns: Turn[] = [];
  for (const event of checkedEvents('replay', events)) {
    if (event.event === 'datagram' || event.connection !== connection) continue;
    const isRaw = raw !== undefined && 'from' in event && event.from === raw;
    for (const one of isRaw ? [event] : decoder.event(event)) {
      const isTurn = one.event === 'message' || one.event === 'end';
      if (isTurn || (raw !== undefined && (one.event === 'data' || one.event === 'reset'))) {
        turns.push(one as Turn);
      }
    }
  }
  return turns;
}

/** Returns the function that makes the frame of a message of that side. */
function encoder(protocol: DecodableProtocol<unknown, unknown>, side: Side): (message: unknown) => Buffer {
  const { framing, messages: codec } = directionOf(protocol, side);
  const writer = framing.writer();
  return (message) => framed(writer, codec.encode(message as never));
}

/** The live peer, as a source of messages. */
class Peer {
  readonly #stream: Duplex;
  readonly #messages: MessageDecoder<unknown>;
  readonly #incoming: AsyncIterator<unknown>;
  readonly #fail: (error: Error) => void;

  constructor(
    stream: Duplex,
    protocol: DecodableProtocol<unknown, unknown>,
    side: Side,
    sendsPreface: boolean,
  ) {
    this.#stream = stream;
    const theirs = directionOf(protocol, otherSide(side));
    const { preface } = directionOf(protocol, side);
    if (preface !== undefined && sendsPreface) stream.write(preface);
    const frames = new FrameDecoder(theirs.framing, { preface: theirs.preface });
    this.#messages = new MessageDecoder(theirs.messages);
    this.#fail = (error) => {
      this.#messages.destroy(error);
    };
    stream.on('error', this.#fail);
    frames.on('error', this.#fail);
    this.#incoming = stream.pipe(frames).pipe(this.#messages)[Symbol.asyncIterator]();
  }

  /**
   * The next message; `'nothing'` if none arrives in time; `'end'` if the peer has ended, or sends something that is
   * not a message.
   */
  async next(timeout: number): Promise<{ readonly message: unknown } | 'end' | 'nothing'> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'nothing'>((resolve) => {
      timer = setTimeout(resolve, timeout, 'nothing');
    });
    const came = this.#incoming.next().then(
      ({ value, done }) => (done ? 'end' : { message: value }),
      () => 'end' as const,
    );
    const arrival = await Promise.race([came, late]);
    clearTimeout(timer);
    return arrival;
  }

  leave(): void {
    this.#stream.off('error', this.#fail).on('error', () => {});
    this.#stream.end();
    this.#messages.destroy();
  }
}

const pathOrPaths: Check = (name, value) => {
  if (typeof value !== 'string') listOf(aText)(name, value);
};

/** The recorded and live values of fields that differ from run to run. */
class Bindings {
  /** For each path: the live values of its group, by recorded value. */
  readonly #live = new Map<string, Map<string, unknown>>();

  constructor(bind: readonly (string | readonly string[])[]) {
    const common = new Map<string, unknown>();
    for (const one of bind) {
      const values = typeof one === 'string' ? common : new Map<string, unknown>();
      for (const path of typeof one === 'string' ? [one] : one) this.#live.set(path, values);
    }
  }

  /** The message with live values in place of the recorded ones. */
  toLive(message: unknown): unknown {
    const { type = '' } = message as { type?: string };
    const map = (value: unknown, path: string): unknown => {
      const values = this.#valuesOf(type, path);
      if (values !== undefined) return values.has(keyOf(value)) ? values.get(keyOf(value)) : value;
      if (Array.isArray(value)) return value.map((item, index) => map(item, `${path}[${index}]`));
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, map(item, path === '' ? key : `${path}.${key}`)]),
      );
    };
    return map(message, '');
  }

  /** The first field in which the messages differ. Bound fields are not compared: their live values are learned. */
  compare(recorded: unknown, live: unknown): Difference | undefined {
    const { type = '' } = (recorded ?? {}) as { type?: string };
    return firstDifference(recorded, live, false, (path, expected, actual) => {
      const values = this.#valuesOf(type, path);
      values?.set(keyOf(expected), actual);
      return values !== undefined;
    });
  }

  #valuesOf(type: string, path: string): Map<string, unknown> | undefined {
    return this.#live.get(`${type}.${path.replace(/\[\d+\]/g, '[]')}`);
  }
}
