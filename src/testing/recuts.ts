import { recut } from '../captures/recut.ts';
import { checkedEvents } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, DataEvent } from '../protocol/recording/events.ts';
import { type ChunkingOptions, chunkings } from './chunkings.ts';

/** A capture with its chunks cut in one way. */
export interface Recut {
  /** Names the cuts: `'split at 3'` is after the third byte of the capture. */
  readonly name: string;
  readonly events: CaptureEvent[];
}

/**
 * A capture with its chunks cut as recorded, and in every way of `chunkings`: whole, byte by byte, in two at every
 * position, and in random pieces. The bytes of both sides, and the order of all other events, stay the same.
 *
 * @example
 * for (const { name, events: cut } of recuts(events)) expect({ name, ...(await replaySession(cut, drone)) }).toEqual(…);
 */
export function* recuts(events: readonly CaptureEvent[], options?: ChunkingOptions): Generator<Recut> {
  yield { name: 'recorded', events: [...checkedEvents('recuts', events)] };
  const joined = recut(events, { how: 'coalesced' });
  const bytes = Buffer.concat(joined.flatMap((event) => (event.event === 'data' ? [event.bytes] : [])));
  for (const { name, chunks } of chunkings(bytes, options)) {
    const edges = new Set<number>();
    let end = 0;
    for (const chunk of chunks) {
      end += chunk.length;
      edges.add(end);
    }
    yield { name, events: cutAt(joined, edges) };
  }
}

/** The same events, with chunks cut at these places, which count bytes from the start of the capture. */
function cutAt(events: readonly CaptureEvent[], places: ReadonlySet<number>): CaptureEvent[] {
  let base = 0;
  return events.flatMap<CaptureEvent>((event) => {
    if (event.event !== 'data') return [event];
    const pieces: DataEvent[] = [];
    let from = 0;
    for (let at = 1; at < event.bytes.length; at++) {
      if (!places.has(base + at)) continue;
      pieces.push({ ...event, bytes: event.bytes.subarray(from, at) });
      from = at;
    }
    pieces.push({ ...event, bytes: event.bytes.subarray(from) });
    base += event.bytes.length;
    return pieces;
  });
}
