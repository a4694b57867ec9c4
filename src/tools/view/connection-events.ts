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

  #judged(from: Side, time: number, found: readonly Found[]): ViewEvent[] {
    return found.map((one) => {
      if (one.is !== 'message') {
        if (one.is === 'gap') this.#mirror = undefined;
        return this.mark(one.is, from, time, one.text);
      }
      const { message, described } = one;
      const mirror = this.#mirror;
      const state = mirror?.states.join(' or ');
      const breach = message !== undefined && mirror !== undefined ? judge(mirror, from, message) : undefined;
      return {
        is: 'message',
        connection: this.#connection,
        from,
        time,
        ...described,
        ...(state !== undefined && { state }),
        ...(breach !== undefined && { breach }),
      };
    });
  }
}

function judge(mirror: Mirror<object, object, string>, from: Side, message: object): string | undefined {
  try {
    if (from === 'client') mirror.send(message);
    else mirror.receive(message);
    return undefined;
  } catch (error) {
    return showThrown(error);
  }
}

type Described = Omit<ViewMessage, 'is' | 'connection' | 'from' | 'time' | 'state' | 'breach'>;

type Found =
  | { readonly is: 'message'; readonly message: object | undefined; readonly described: Described }
  | { readonly is: ViewMark['is']; readonly text: string };

class Direction {
  readonly #codec: Codec<object>;
  readonly #withSpans: boolean;
  readonly #frames: DirectionFrames;
  /** Chunks since the end of the last frame. */
  #chunks = 0;

  constructor({ framing, messages, preface }: Sent<Codec<object>>, withSpans: boolean) {
    this.#codec = messages;
    this.#withSpans = withSpans;
    this.#frames = new DirectionFrames(framing, true, preface);
  }

  data(bytes: Uint8Array): Found[] {
    this.#chunks++;
    const found = this.#describe(
      this.#frames.data(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
    );
    if (this.#frames.buffered === 0) this.#chunks = 0;
    return found;
  }

  gap(missing: number): Found[] {
    return this.#describe(this.#frames.gap(missing));
  }

  end(): Found[] {
    return this.#describe(this.#frames.end());
  }

  #describe(results: readonly FrameResult[]): Found[] {
    return results.map((result): Found => {
      switch (result.kind) {
        case 'frame': {
          const chunks = this.#chunks;
          this.#chunks = 1;
          const { message, ...described } = describeFrame(
            this.#codec,
            result.bytes.subarray(result.start, result.end),
            this.#withSpans,
          );
          return { is: 'message', message, described: { ...described, ...(chunks > 1 && { chunks }) } };
        }
        case 'lost':
          return { is: 'gap', text: lostText(result.length, result.discarded, result.goesOn) };
        case 'noise':
          return { is: 'noise', text: errorText(result.error) };
        default:
          return {
            is: result.error.code === 'ERR_FRAME_TOO_LONG' ? 'limit' : 'fault',
            text: errorText(result.error),
          };
      }
    });
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

function describeFrame(
  codec: Codec<object>,
  frame: Buffer,
  withSpans: boolean,
): Described & { message: object | undefined } {
  const spans = withSpans ? spansOf(codec, frame) : [];
  const bytes = frame.toString('hex');
  try {
    const message = codec.decode(frame);
    const { type } = (message ?? {}) as { type?: unknown };
    return {
      type: typeof type === 'string' ? type : '',
      bytes,
      spans,
      value: toDocumentValue(message),
      // A message without a type has no place in a session.
      message: typeof type === 'string' ? message : undefined,
    };
  } catch (error) {
    return { type: '', bytes, spans, error: errorOf(error), message: undefined };
  }
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
