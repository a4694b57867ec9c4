import { showThrown } from '../../bytes/show.ts';
import { ProtocolError } from '../../errors.ts';
import type { Codec } from '../../protocol/codec.ts';
import type { Declaration } from '../../protocol/fields/engine/declaration.ts';
import { trace } from '../../protocol/fields/engine/trace.ts';
import type { FrameReader, Framing } from '../../protocol/framing/framing.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { ViewDocument, ViewError, ViewEvent, ViewSpan } from './document.ts';
import { toDocumentValue } from './document-value.ts';

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

/** What is needed of a protocol to describe its conversations. */
export interface DescribedProtocol {
  readonly name: string;
  readonly framing: Framing;
  readonly clientMessages: Codec<object>;
  readonly serverMessages: Codec<object>;
  readonly session?: Session<object, object, string, unknown>;
}

/**
 * Describe what was said on recorded connections, as a document for the viewer. A frame that cannot be decoded is an event with
 * its error, and what follows is decoded all the same. A framing error or a gap ends its direction: nothing behind it can be trusted.
 */
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
  const events: ViewEvent[] = [];
  const sides = {
    client: new Side(protocol, 'client', connection),
    server: new Side(protocol, 'server', connection),
  };
  const mirror = protocol.session?.mirror();
  let last = 0;
  for (const chunk of chunks) {
    const { at, from } = chunk;
    last = at;
    const found = 'missing' in chunk ? sides[from].gap(chunk.missing, at) : sides[from].push(chunk.bytes, at);
    for (const event of found) {
      if (event.is !== 'message') {
        events.push(event);
        continue;
      }
      const { message, ...rest } = event;
      const state = mirror?.states.join(' or ');
      let breach: string | undefined;
      try {
        if (message !== undefined && from === 'client') mirror?.send(message);
        else if (message !== undefined) mirror?.receive(message);
      } catch (error) {
        breach = showThrown(error);
      }
      events.push({
        ...rest,
        ...(state !== undefined && { state }),
        ...(breach !== undefined && { breach }),
      });
    }
  }
  for (const side of Object.values(sides)) events.push(...(side.end(last) as ViewEvent[]));
  return events;
}

type Found = ViewEvent & { message?: object | undefined };

/** One direction. */
class Side {
  readonly #from: 'client' | 'server';
  readonly #connection: number;
  readonly #codec: Codec<object>;
  readonly #reader: FrameReader;
  /** Chunks since the last frame ended. */
  #chunks = 0;
  #broken = false;

  constructor(protocol: DescribedProtocol, from: 'client' | 'server', connection: number) {
    this.#from = from;
    this.#connection = connection;
    this.#codec = from === 'client' ? protocol.clientMessages : protocol.serverMessages;
    this.#reader = protocol.framing.reader();
  }

  push(bytes: Uint8Array, time: number): Found[] {
    if (this.#broken) return [];
    this.#chunks++;
    this.#reader.push(bytes);
    return this.#frames(time);
  }

  gap(missing: number, time: number): Found[] {
    if (this.#broken) return [];
    this.#broken = true;
    const text = `${missing} bytes are missing; what follows cannot be cut into frames`;
    return [{ is: 'gap', connection: this.#connection, from: this.#from, time, text }];
  }

  end(time: number): Found[] {
    if (this.#broken) return [];
    this.#reader.end();
    return this.#frames(time);
  }

  #frames(time: number): Found[] {
    const found: Found[] = [];
    const place = { connection: this.#connection, from: this.#from, time };
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      const chunks = this.#chunks;
      this.#chunks = 1;
      found.push({
        is: 'message',
        ...place,
        ...describeFrame(this.#codec, frame),
        ...(chunks > 1 && { chunks }),
      });
    }
    const { error } = this.#reader;
    if (error !== undefined) {
      this.#broken = true;
      found.push({ is: 'fault', ...place, text: `${error.code}: ${showThrown(error)}` });
    } else if (found.length > 0) this.#chunks = 0;
    return found;
  }
}

function describeFrame(codec: Codec<object>, frame: Buffer) {
  const spans = spansOf(codec, frame);
  try {
    const message = codec.decode(frame);
    const { type } = message as { type?: unknown };
    return {
      type: typeof type === 'string' ? type : '',
      bytes: frame.toString('hex'),
      spans,
      value: toDocumentValue(message),
      message,
    };
  } catch (error) {
    return { type: '', bytes: frame.toString('hex'), spans, error: errorOf(error) };
  }
}

function spansOf(codec: Codec<object>, frame: Buffer): ViewSpan[] {
  const declared = codec as { readonly declaration?: Declaration; decode(bytes: Buffer): object };
  if (declared.declaration === undefined) return [];
  const { spans } = trace({ ...declared, declaration: declared.declaration, decode: () => ({}) }, frame);
  // The first is the message itself.
  return spans
    .filter(({ path }) => path !== '')
    .map(({ path, start, end, value }) => [path, start, end, isLeaf(value) ? toDocumentValue(value) : null]);
}

/** What is inside a list or a structure has spans of its own. */
function isLeaf(value: unknown): boolean {
  return typeof value !== 'object' || value instanceof Uint8Array;
}

function errorOf(error: unknown): ViewError {
  if (!(error instanceof ProtocolError)) return { code: 'ERR_HANDLER', message: showThrown(error) };
  const { code, offset } = error as ProtocolError & { offset?: number };
  return { code: String(code), message: showThrown(error), ...(offset !== undefined && { offset }) };
}
