import { requireIterable } from '../options.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { type EventReader, eventReader } from './event-reader.ts';
import type { FlowsOptions } from './flows.ts';
import { fileChunks } from './read-chunks.ts';

/**
 * The events of a capture file: lines of events, pcap or pcapng, plain or compressed with gzip. Memory stays bounded
 * for a file of any length.
 *
 * @throws CaptureError if the file is damaged or cut off, after the events before the fault
 *
 * @example
 * for await (const event of readCapture('flight.ndjson.gz')) {
 *   if (event.event === 'data') console.log(event.time, event.from, event.bytes);
 * }
 */
export function readCapture(
  path: string,
  options?: FlowsOptions,
): AsyncGenerator<CaptureEvent, void, undefined> {
  return captureEvents(fileChunks(path), options);
}

/**
 * The events of a capture whose bytes come from any source: a stage of `stream.pipeline`.
 *
 * @throws CaptureError as `readCapture` does
 *
 * @example
 * await pipeline(socket, captureEvents, async (events) => {
 *   for await (const event of events) …
 * });
 */
export async function* captureEvents(
  source: AsyncIterable<Uint8Array>,
  options?: FlowsOptions,
): AsyncGenerator<CaptureEvent, void, undefined> {
  // `pipeline` passes a second argument of its own.
  const reader = eventReader(
    typeof options === 'object' && options !== null && 'signal' in options ? undefined : options,
  );
  requireIterable('captureEvents', 'bytes', source, 'async iterable');
  let fault: unknown;
  try {
    for await (const chunk of source) {
      reader.push(chunk);
      yield* all(reader);
      if (reader.error !== undefined) throw reader.error;
    }
  } catch (error) {
    fault = error;
  }
  reader.end();
  yield* all(reader);
  if (fault !== undefined) throw fault;
  if (reader.error !== undefined) throw reader.error;
}

function* all(reader: EventReader): Generator<CaptureEvent, void, undefined> {
  for (let event = reader.next(); event !== undefined; event = reader.next()) yield event;
}
