import { ConnectionEvents, type DescribedProtocol } from './connection-events.ts';
import type { ViewDocument, ViewEvent } from './document.ts';

/** Bytes as they were received, and when: milliseconds since the start of the recording. */
export interface Chunk {
  readonly at: number;
  readonly from: 'client' | 'server';
  readonly bytes: Uint8Array;
}

/** Bytes that were sent and are missing from the recording. */
export interface Gap {
  readonly at: number;
  readonly from: 'client' | 'server';
  readonly missing: number;
}

/** One connection: its name, and the chunks of both directions in time order. */
export interface RecordedConnection {
  readonly name: string;
  readonly chunks: Iterable<Chunk | Gap>;
}

/** Describe recorded connections as a document for the viewer: `ConnectionEvents` for whole recordings. */
export function describeChunks(
  protocol: DescribedProtocol,
  connections: readonly RecordedConnection[],
  { title }: { title: string },
): ViewDocument {
  const events = connections.flatMap(({ chunks }, connection) => eventsOf(protocol, chunks, connection));
  // Sorting is stable, so the events of one connection stay in order.
  if (connections.length > 1) events.sort((a, b) => a.time - b.time);
  const names = connections.map(({ name }) => ({ name }));
  return { wirepipe: 'view', version: 1, title, protocol: protocol.name, connections: names, events };
}

function eventsOf(
  protocol: DescribedProtocol,
  chunks: Iterable<Chunk | Gap>,
  connection: number,
): ViewEvent[] {
  const described = new ConnectionEvents(protocol, connection);
  const events: ViewEvent[] = [];
  let last = 0;
  for (const chunk of chunks) {
    const { at, from } = chunk;
    last = at;
    events.push(
      ...('missing' in chunk
        ? described.gap(from, chunk.missing, at)
        : described.data(from, chunk.bytes, at)),
    );
  }
  return [...events, ...described.end('client', last), ...described.end('server', last)];
}
