import type { ProtocolError } from '../errors.ts';
import { checkOptions, integer, requireIterable } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { fromClient, fromServer, type ProtocolLines, requireLines } from '../protocol/direction.ts';
import { checkEvent } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import { DirectionDecoder, type DirectionResult } from './direction-decoder.ts';

/** What decoding needs of a protocol. */
export interface DecodableProtocol<ClientMessage, ServerMessage> extends ProtocolLines {
  readonly clientMessages: Codec<ClientMessage, never>;
  readonly serverMessages: Codec<ServerMessage, never>;
}

interface Of<From extends Side = Side> {
  readonly time: number;
  readonly connection: number;
  readonly from: From;
}

/** A message decoded from one frame; `time` is when its last byte was captured. */
export type MessageEvent<ClientMessage, ServerMessage> =
  | (Of<'client'> & {
      readonly event: 'message';
      readonly message: ClientMessage;
      readonly offset: number | undefined;
    })
  | (Of<'server'> & {
      readonly event: 'message';
      readonly message: ServerMessage;
      readonly offset: number | undefined;
    });

/** A frame that cannot be decoded, or a stream whose framing is lost for good. */
export interface FaultEvent extends Of {
  readonly event: 'fault';
  readonly error: ProtocolError;
}

/**
 * Bytes are missing: `length` were not captured, and `discarded` captured ones belong to no whole frame. `goesOn` is
 * true if later frames can still be found.
 */
export interface LostEvent extends Of {
  readonly event: 'lost';
  readonly length: number;
  readonly discarded: number;
  readonly goesOn: boolean;
}

export type DecodedEvent<ClientMessage, ServerMessage> =
  | MessageEvent<ClientMessage, ServerMessage>
  | FaultEvent
  | LostEvent
  | Exclude<CaptureEvent, { readonly event: 'data' | 'gap' }>;

export interface DecodeCaptureOptions {
  /**
   * The most connections decoded at once. Beyond, the connection that has been silent the longest counts as ended: an incomplete
   * frame of it is a `fault`, and what may still come of it is decoded as a new connection. Default 262,144, as many as a reader of
   * pcap files follows.
   */
  maxConnections?: number | undefined;
}

/**
 * The messages of a capture. Messages, faults and losses replace the chunks and gaps; all other events pass unchanged.
 * Memory is bounded by the frames that are not complete, and by `maxConnections`.
 *
 * @example
 * for await (const event of decodeCapture(readCapture('flight.pcapng'), drone)) {
 *   if (event.event === 'message') console.log(event.from, event.message);
 * }
 */
export async function* decodeCapture<ClientMessage, ServerMessage>(
  events: AsyncIterable<CaptureEvent> | Iterable<CaptureEvent>,
  protocol: DecodableProtocol<ClientMessage, ServerMessage>,
  options?: DecodeCaptureOptions,
): AsyncGenerator<DecodedEvent<ClientMessage, ServerMessage>, void, undefined> {
  const decoder = new CaptureMessages(protocol, options);
  requireIterable('decodeCapture', 'events', events, 'async iterable');
  for await (const event of events) yield* decoder.event(event);
}

/** `decodeCapture` as a synchronous class: `event` takes one event and returns the events that replace it. */
export class CaptureMessages<ClientMessage, ServerMessage> {
  readonly #protocol: DecodableProtocol<ClientMessage, ServerMessage>;
  readonly #maxConnections: number;
  readonly #connections = new Map<number, Sides<ClientMessage | ServerMessage>>();

  constructor(protocol: DecodableProtocol<ClientMessage, ServerMessage>, options: DecodeCaptureOptions = {}) {
    checkOptions('CaptureMessages', options, { maxConnections: integer(1) });
    requireLines('CaptureMessages', protocol, 'decode');
    this.#protocol = protocol;
    this.#maxConnections = options.maxConnections ?? 262_144;
  }

  event(event: CaptureEvent): DecodedEvent<ClientMessage, ServerMessage>[] {
    checkEvent('CaptureMessages', event);
    if (event.event === 'datagram') return [event];
    const { time, connection } = event;
    const decode = (
      from: Side,
      results: DirectionResult<ClientMessage | ServerMessage>[],
      of = connection,
    ): DecodedEvent<ClientMessage, ServerMessage>[] =>
      results.map(
        ({ kind, ...rest }) =>
          ({ event: kind, time, connection: of, from, ...rest }) as DecodedEvent<
            ClientMessage,
            ServerMessage
          >,
      );
    switch (event.event) {
      case 'data':
      case 'gap':
      case 'end': {
        const sides = this.#sides(connection);
        const forgotten = this.#forgetSilent();
        const ends =
          forgotten === undefined
            ? NONE
            : SIDES.flatMap((from) => decode(from, forgotten.sides[from].end(), forgotten.connection));
        const decoder = sides[event.from];
        if (event.event === 'data') return [...ends, ...decode(event.from, decoder.data(event.bytes))];
        if (event.event === 'gap') return [...ends, ...decode(event.from, decoder.gap(event.length))];
        return [...ends, ...decode(event.from, decoder.end()), event];
      }
      case 'close':
        this.#connections.delete(connection);
        return [event];
      default:
        return [event];
    }
  }

  /** Forget the connection that has been silent the longest, if there are too many. */
  #forgetSilent():
    | { readonly connection: number; readonly sides: Sides<ClientMessage | ServerMessage> }
    | undefined {
    if (this.#connections.size <= this.#maxConnections) return undefined;
    for (const [connection, sides] of this.#connections) {
      this.#connections.delete(connection);
      if (!sides.isRecent) return { connection, sides };
      sides.isRecent = false;
      this.#connections.set(connection, sides);
    }
    return undefined;
  }

  #sides(connection: number): Sides<ClientMessage | ServerMessage> {
    let sides = this.#connections.get(connection);
    if (sides === undefined) {
      const [client, server] = [fromClient(this.#protocol), fromServer(this.#protocol)];
      sides = {
        client: new DirectionDecoder(client.framing, client.messages, client.preface),
        server: new DirectionDecoder(server.framing, server.messages, server.preface),
        isRecent: true,
      };
      this.#connections.set(connection, sides);
    }
    sides.isRecent = true;
    return sides;
  }
}

/** The two directions of a connection. */
interface Sides<Message> extends Record<Side, DirectionDecoder<Message>> {
  /** True if an event has come since the last search for silent connections. */
  isRecent: boolean;
}

const SIDES: readonly Side[] = ['client', 'server'];
const NONE: readonly never[] = [];
