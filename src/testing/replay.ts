import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { show } from '../bytes/show.ts';
import { CaptureMessages, type DecodableProtocol } from '../captures/decode-capture.ts';
import { anything, type Check, checkOptions, delay, natural } from '../options.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { type Difference, firstDifference, keyOf } from './difference.ts';

export interface ReplayOptions {
  /** The connection of the capture that is replayed. Default 0. */
  connection?: number | undefined;
  /**
   * Fields that differ from run to run, by message type and path: `'hello.token'`. The live value of such a field that comes takes the
   * recorded one's place in what is sent afterwards.
   */
  bind?: readonly string[] | undefined;
  /** How many times as fast as recorded: 1 keeps the times at which that side sent. Default Infinity: without a pause. */
  speed?: number | undefined;
  /** Milliseconds to wait for a message that was recorded. Default 5,000. */
  timeout?: number | undefined;
}

/** Where a live peer has answered otherwise than the recorded one; `path` is empty for a whole message. */
export interface ReplayDifference extends Difference {
  /** The number of the message among all of the connection, from 0. */
  readonly index: number;
  readonly message: unknown;
}

/**
 * Take one side's part of a recorded conversation against a live peer, by messages: send what that side has sent, once the peer has said
 * what it said before, and compare what it says.
 *
 * @param side - whose part to take
 * @param stream - the live peer, over any Duplex
 * @returns the first difference, or undefined where there is none
 *
 * @example
 * const difference = await replay(events, drone, 'client', net.connect(4000));
 * expect(difference).toBeUndefined();
 */
export async function replay(
  events: readonly CaptureEvent[],
  protocol: DecodableProtocol<unknown, unknown>,
  side: Side,
  stream: Duplex,
  options: ReplayOptions = {},
): Promise<ReplayDifference | undefined> {
  checkOptions('replay', options, { connection: natural, bind: anything, speed, timeout: delay });
  const { connection = 0, bind = [], speed: fold = Infinity, timeout = 5_000 } = options;
  const decoder = new CaptureMessages(protocol);
  const turns = events
    .flatMap((event) => decoder.event(event))
    .flatMap((event) => (event.event === 'message' && event.connection === connection ? [event] : []));
  const codec = side === 'client' ? protocol.clientMessages : protocol.serverMessages;
  const theirs = side === 'client' ? protocol.serverMessages : protocol.clientMessages;
  const writer = protocol.framing.writer();
  const frames = new FrameDecoder(protocol.framing);
  const messages = new MessageDecoder(theirs);
  const fail = (error: Error): void => {
    messages.destroy(error);
  };
  stream.on('error', fail);
  frames.on('error', fail);
  const incoming = stream.pipe(frames).pipe(messages)[Symbol.asyncIterator]();
  const bound = new Bindings(bind);
  const begun = performance.now();
  try {
    for (const [index, turn] of turns.entries()) {
      if (turn.from === side) {
        const due = begun + ((turn.time - turns[0]!.time) * 1_000) / fold;
        const early = due - performance.now();
        if (early > 0) await wait(early);
        const payload = (codec.encode as (message: unknown) => Uint8Array)(bound.toLive(turn.message));
        const bytes = Buffer.alloc(writer.bound(payload.length));
        const sent = bytes.subarray(0, writer.write(bytes, 0, payload, 0, payload.length));
        if (!stream.write(sent)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
        continue;
      }
      const message = await next(incoming, timeout);
      if (message === undefined) {
        return { index, path: '', expected: turn.message, actual: undefined, message };
      }
      const difference = bound.compare(turn.message, message);
      if (difference !== undefined) return { index, ...difference, message };
    }
    return undefined;
  } finally {
    stream.off('error', fail).on('error', () => {});
    stream.end();
    messages.destroy();
  }
}

/** More than 0. */
const speed: Check = (name, value) => {
  if (typeof value === 'number' && value > 0) return;
  throw new RangeError(`${name} must be a number above 0, got ${show(value)}`);
};

/** The next message; undefined where none comes in time, or the peer has ended. */
async function next(incoming: AsyncIterator<unknown>, timeout: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeout, undefined);
  });
  const came = incoming.next().then(
    ({ value }) => value,
    () => undefined,
  );
  const message = await Promise.race([came, late]);
  clearTimeout(timer);
  return message;
}

/** The values of fields that differ from run to run: recorded and live. */
class Bindings {
  readonly #paths: ReadonlySet<string>;
  readonly #live = new Map<string, unknown>();

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths);
  }

  /** The message with live values in place of recorded ones. */
  toLive(message: unknown): unknown {
    const { type = '' } = message as { type?: string };
    const map = (value: unknown, path: string): unknown => {
      if (this.#isBound(type, path))
        return this.#live.has(keyOf(value)) ? this.#live.get(keyOf(value)) : value;
      if (Array.isArray(value)) return value.map((item, index) => map(item, `${path}[${index}]`));
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, map(item, path === '' ? key : `${path}.${key}`)]),
      );
    };
    return map(message, '');
  }

  /** The first field in which they differ; fields that are bound are learned instead. */
  compare(recorded: unknown, live: unknown): Difference | undefined {
    const { type = '' } = (recorded ?? {}) as { type?: string };
    return firstDifference(recorded, live, false, (path, expected, actual) => {
      if (!this.#isBound(type, path)) return false;
      this.#live.set(keyOf(expected), actual);
      return true;
    });
  }

  #isBound(type: string, path: string): boolean {
    return this.#paths.has(`${type}.${path.replace(/\[\d+\]/g, '[]')}`);
  }
}
