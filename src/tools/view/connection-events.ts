import { showThrown } from '../../bytes/show.ts';
import { isProtocolError, type ProtocolError } from '../../errors.ts';
import type { Codec } from '../../protocol/codec.ts';
import {
  type FramingPair,
  fromClient,
  fromServer,
  type Preface,
  type Direction as Sent,
} from '../../protocol/direction.ts';
import type { Declaration } from '../../protocol/fields/engine/declaration.ts';
import { trace } from '../../protocol/fields/engine/trace.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import { DirectionFrames, type FrameResult } from '../../protocol/recording/direction-frames.ts';
import type { Side } from '../../protocol/recording/events.ts';
import type { Mirror } from '../../protocol/session/mirror.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { ViewError, ViewEvent, ViewMark, ViewMessage, ViewSpan } from './document.ts';
import { toDocumentValue } from './document-value.ts';

/** The parts of a protocol that describing its conversations needs. */
export interface DescribedProtocol {
  readonly name: string;
  readonly framing: Framing | FramingPair;
  readonly preface?: Preface | undefined;
  readonly clientMessages: Codec<object>;
  readonly serverMessages: Codec<object>;
  readonly session?: Session<object, object, string, unknown> | undefined;
}

export interface ConnectionEventsOptions {
  /** Whether messages list their fields with the places in the frame. Describing is several times as fast without. Default true. */
  spans?: boolean | undefined;
}

/**
 * Describes one connection as it goes: bytes in, viewer events out. A frame that cannot be decoded is an event with its error,
 * and decoding continues after it. Decoding also continues after missing bytes, if the framing allows it.
 *
 * Each message has the states that the server may be in, and the session's objection to the message. After missing bytes it has
 * neither, since they may have changed the state.
 */
export class ConnectionEvents {
  readonly #connection: number;
  readonly #directions: Readonly<Record<Side, Direction>>;
  #mirror: Mirror<object, object, string> | undefined;

  constructor(
    protocol: DescribedProtocol,
    connection: number,
    { spans = true }: ConnectionEventsOptions = {},
  ) {
    const { session } = protocol;
    this.#connection = connection;
    this.#directions = {
      client: new Direction(fromClient(protocol), spans),
      server: new Direction(fromServer(protocol), spans),
    };
    this.#mirror = session?.mirror();
  }

  /** @param time - milliseconds since the start of the recording, as for the other methods */
  data(from: Side, bytes: Uint8Array, time: number): ViewEvent[] {
    return this.#judged(from, time, this.#directions[from].data(bytes));
  }

  gap(from: Side, missing: number, time: number): ViewEvent[] {
    return this.#judged(from, time, this.#directions[from].gap(missing));
  }

  /** That side has ended; returns what is left of an incomplete last frame. */
  end(from: Side, time: number): ViewEvent[] {
    return this.#judged(from, time, this.#directions[from].end());
  }

  mark(is: ViewMark['is'], from: Side, time: number, text: string): ViewMark {
    return { is, connection: this.#connection, from, time, text };
  }

  #judged(from: Side, time: number, found: readonly FrameResult[]): ViewEvent[] {
    let { chunks } = this.#directions[from];
    return found.map((one) => {
      if (one.kind !== 'frame') {
        if (one.kind === 'lost') this.#mirror = undefined;
        return this.#markOf(from, time, one);
      }
      const event = this.#message(from, time, one, chunks);
      chunks = 1;
      return event;
    });
  }

  #markOf(from: Side, time: number, found: Exclude<FrameResult, FoundFrame>): ViewMark {
    switch (found.kind) {
      case 'lost':
        return this.mark('gap', from, time, lostText(found.length, found.discarded, found.goesOn));
      case 'noise':
        return this.mark('noise', from, time, errorText(found.error));
      default: {
        const is = found.error.code === 'ERR_FRAME_TOO_LONG' ? 'limit' : 'fault';
        return this.mark(is, from, time, errorText(found.error));
      }
    }
  }

  /** Most of what describing costs is done here, once a message: no object is made that is not part of the event. */
  #message(from: Side, time: number, { bytes, start, end }: FoundFrame, chunks: number): ViewMessage {
    const { codec, withSpans } = this.#directions[from];
    const event: Mutable<ViewMessage> = {
      is: 'message',
      connection: this.#connection,
      from,
      time,
      type: '',
      bytes: bytes.toString('hex', start, end),
      spans: withSpans ? spansOf(codec, bytes.subarray(start, end)) : NO_SPANS,
    };
    let message: object | undefined;
    try {
      message = codec.decode(bytes, start, end);
      event.value = toDocumentValue(message);
    } catch (error) {
      event.error = errorOf(error);
    }
    if (chunks > 1) event.chunks = chunks;
    const mirror = this.#mirror;
    const { type } = (message ?? {}) as { type?: unknown };
    if (mirror !== undefined) event.state = mirror.states.join(' or ');
    if (typeof type !== 'string') return event;
    event.type = type;
    // A message without a type has no place in a session.
    const breach = mirror && judge(mirror, from, message!);
    if (breach !== undefined) event.breach = breach;
    return event;
  }
}

const NO_SPANS: readonly ViewSpan[] = [];

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

function judge(mirror: Mirror<object, object, string>, from: Side, message: object): string | undefined {
  try {
    if (from === 'client') mirror.send(message);
    else mirror.receive(message);
    return undefined;
  } catch (error) {
    return showThrown(error);
  }
}

type FoundFrame = Extract<FrameResult, { readonly kind: 'frame' }>;

class Direction {
  readonly codec: Codec<object>;
  readonly withSpans: boolean;
  /** The number of chunks that the first of the frames returned last came in; each of the others came in one. */
  chunks = 1;
  readonly #frames: DirectionFrames;
  /** Chunks since the end of the last frame. */
  #since = 0;

  constructor({ framing, messages, preface }: Sent<Codec<object>>, withSpans: boolean) {
    this.codec = messages;
    this.withSpans = withSpans;
    this.#frames = new DirectionFrames(framing, true, preface);
  }

  data(bytes: Uint8Array): readonly FrameResult[] {
    this.#since++;
    const found = this.#counted(this.#frames.data(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
    if (this.#frames.buffered === 0) this.#since = 0;
    return found;
  }

  gap(missing: number): readonly FrameResult[] {
    return this.#counted(this.#frames.gap(missing));
  }

  end(): readonly FrameResult[] {
    return this.#counted(this.#frames.end());
  }

  #counted(found: readonly FrameResult[]): readonly FrameResult[] {
    this.chunks = this.#since;
    if (found.some(({ kind }) => kind === 'frame')) this.#since = 1;
    return found;
  }
}

function lostText(length: number, discarded: number, goesOn: boolean): string {
  const cut = discarded === 0 ? '' : `, and ${discarded} before them are of no use`;
  const rest = goesOn ? 'decoding goes on behind them' : 'what follows cannot be cut into frames';
  return `${length} bytes are missing${cut}; ${rest}`;
}

function errorText(error: ProtocolError): string {
  return `${error.code}: ${showThrown(error)}`;
}

function spansOf(codec: Codec<object>, frame: Buffer): ViewSpan[] {
  const { declaration } = codec as { readonly declaration?: Declaration };
  if (declaration === undefined) return [];
  const { spans } = trace({ declaration, decode: () => ({}) }, frame);
  // The first span is the message itself.
  return spans
    .filter(({ path }) => path !== '')
    .map(({ path, start, end, value }) => [path, start, end, isLeaf(value) ? toDocumentValue(value) : null]);
}

/** Fields inside a list or a structure have spans of their own. */
function isLeaf(value: unknown): boolean {
  return typeof value !== 'object' || value instanceof Uint8Array;
}

function errorOf(error: unknown): ViewError {
  if (!isProtocolError(error)) return { code: 'ERR_HANDLER', message: showThrown(error) };
  const { code, offset } = error as ProtocolError & { offset?: number };
  return { code: String(code), message: showThrown(error), ...(offset !== undefined && { offset }) };
}
