import { checkOptions, integer, oneOf } from '../options.ts';
import { directionOf } from '../protocol/direction.ts';
import { checkedEvents } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, DataEvent, Side } from '../protocol/recording/events.ts';
import type { DecodableProtocol } from './decode-capture.ts';
import { seededNumbers } from './seeded-numbers.ts';

/** Where chunks are cut. */
export interface RecutOptions {
  /**
   * `'recorded'`: as recorded. `'coalesced'`: one chunk for everything that a side sent before the other side spoke.
   * `'random'`: anywhere, from the seed. `'every'`: into chunks of `length` bytes.
   */
  how: 'recorded' | 'coalesced' | 'random' | 'every';
  /** For `'every'`: bytes per chunk. Default 1. */
  length?: number | undefined;
  /** For `'random'`: the same seed gives the same cuts. Default 1. */
  seed?: number | undefined;
}

/**
 * The same capture with its chunks cut elsewhere. The bytes of both sides, and the order of all other events, stay the
 * same.
 *
 * @example
 * for (let seed = 1; seed <= 100; seed++) check(recut(events, { how: 'random', seed }));
 */
export function recut(events: readonly CaptureEvent[], options: RecutOptions): CaptureEvent[] {
  checkOptions('recut', options, {
    how: oneOf('recorded', 'coalesced', 'random', 'every'),
    length: integer(1),
    seed: integer(0),
  });
  const { how, length = 1, seed = 1 } = options;
  if (how === 'recorded') return [...checkedEvents('recut', events)];
  const joined = coalesced(events);
  if (how === 'coalesced') return joined;
  const random = seededNumbers(seed);
  return joined.flatMap<CaptureEvent>((event) => {
    if (event.event !== 'data') return [event];
    const pieces: DataEvent[] = [];
    for (let at = 0; at < event.bytes.length; ) {
      // Mostly short pieces, now and then a long one.
      const step = how === 'every' ? length : 1 + Math.floor(random() ** 3 * event.bytes.length);
      pieces.push({ ...event, bytes: event.bytes.subarray(at, at + step) });
      at += step;
    }
    return pieces;
  });
}

const NO_MESSAGES = { clientMessages: undefined, serverMessages: undefined };

/** The same capture with one chunk per frame; bytes that are not a whole frame stay one chunk. */
export function recutAtFrames(
  events: readonly CaptureEvent[],
  protocol: Pick<DecodableProtocol<unknown, unknown>, 'framing'>,
): CaptureEvent[] {
  return coalesced(events).flatMap<CaptureEvent>((event) => {
    if (event.event !== 'data') return [event];
    const pieces: DataEvent[] = [];
    const reader = directionOf({ ...protocol, ...NO_MESSAGES }, event.from).framing.reader();
    let start = 0;
    for (let at = 0; at < event.bytes.length && reader.error === undefined; at++) {
      reader.push(event.bytes.subarray(at, at + 1));
      if (reader.next() === undefined) continue;
      pieces.push({ ...event, bytes: event.bytes.subarray(start, at + 1) });
      start = at + 1;
    }
    if (start < event.bytes.length) pieces.push({ ...event, bytes: event.bytes.subarray(start) });
    return pieces;
  });
}

/** Joins neighbouring chunks of one side of a connection; events of other connections may lie in between. */
function coalesced(events: readonly CaptureEvent[]): CaptureEvent[] {
  const result: CaptureEvent[] = [];
  /** For each connection whose last event is a chunk: the index of that chunk in `result`, and its pieces so far. */
  const open = new Map<number, { index: number; from: Side; pieces: Buffer[] }>();
  const close = (connection: number): void => {
    const last = open.get(connection);
    if (last === undefined) return;
    result[last.index] = { ...(result[last.index] as DataEvent), bytes: Buffer.concat(last.pieces) };
    open.delete(connection);
  };
  for (const event of checkedEvents('recut', events)) {
    if (event.event === 'datagram') {
      result.push(event);
      continue;
    }
    const last = open.get(event.connection);
    if (event.event === 'data' && last?.from === event.from) {
      last.pieces.push(event.bytes);
      continue;
    }
    close(event.connection);
    if (event.event === 'data') {
      open.set(event.connection, { index: result.length, from: event.from, pieces: [event.bytes] });
    }
    result.push(event);
  }
  for (const connection of open.keys()) close(connection);
  return result;
}
