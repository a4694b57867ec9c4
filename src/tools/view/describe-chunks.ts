import { ConnectionEvents, type DescribedProtocol } from './connection-events.ts';
import type { ViewDocument, ViewEvent } from './document.ts';

/** Bytes as they came, and when: milliseconds since the beginning of the recording. */
export interface Chunk {
  readonly at: number;
  readonly from: 'client' | 'server';
  readonly bytes: Uint8Array;
}

/** Bytes that were sent, and are not in the recording. */
export interface Gap {
  readonly at: number;
  readonly from: 'client' | 'server';
  readonly missing: number;
}

/** One connection: its name, and what came in both directions, in the order of time. */
export interface RecordedConnection {
  readonly name: string;
  readonly chunks: Iterable<Chunk | Gap>;
}

/** Describe what was said on recorded connections, as a document for the viewer: as `ConnectionEvents` does, for whole recordings. */
export function describeChunks(
  protocol: DescribedProtocol,
  connections: readonly RecordedConnection[],
  { title }: { title: string },
): ViewDocument {
  const events = connections.flatMap(({ chunks }, connection) => eventsOf(protocol, chunks, connection));
  // Sorting is stable: what came on one connection stays in order.
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
