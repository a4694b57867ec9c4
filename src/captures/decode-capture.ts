import type { ProtocolError } from '../errors.ts';
import type { Codec } from '../protocol/codec.ts';
import { fromClient, fromServer, type ProtocolLines } from '../protocol/direction.ts';
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

/**
 * The messages of a capture. Messages, faults and losses replace the chunks and gaps; all other events pass unchanged.
 * Memory is bounded by the frames that are not complete.
 *
 * @example
 * for await (const event of decodeCapture(readCapture('flight.pcapng'), drone)) {
 *   if (event.event === 'message') console.log(event.from, event.message);
 * }
 */
export async function* decodeCapture<ClientMessage, ServerMessage>(
  events: AsyncIterable<CaptureEvent> | Iterable<CaptureEvent>,
  protocol: DecodableProtocol<ClientMessage, ServerMessage>,
): AsyncGenerator<DecodedEvent<ClientMessage, ServerMessage>, void, undefined> {
  const decoder = new CaptureMessages(protocol);
  for await (const event of events) yield* decoder.event(event);
}

/** `decodeCapture` as a synchronous class: `event` takes one event and returns the events that replace it. */
export class CaptureMessages<ClientMessage, ServerMessage> {
  readonly #protocol: DecodableProtocol<ClientMessage, ServerMessage>;
  readonly #connections = new Map<number, Record<Side, DirectionDecoder<ClientMessage | ServerMessage>>>();

  constructor(protocol: DecodableProtocol<ClientMessage, ServerMessage>) {
    this.#protocol = protocol;
  }

  event(event: CaptureEvent): DecodedEvent<ClientMessage, ServerMessage>[] {
    if (event.event === 'datagram') return [event];
    const { time, connection } = event;
    const decode = (
      from: Side,
      results: DirectionResult<ClientMessage | ServerMessage>[],
    ): DecodedEvent<ClientMessage, ServerMessage>[] =>
      results.map(
        ({ kind, ...rest }) =>
          ({ event: kind, time, connection, from, ...rest }) as DecodedEvent<ClientMessage, ServerMessage>,
      );
    switch (event.event) {
      case 'data':
        return decode(event.from, this.#sides(connection)[event.from].data(event.bytes));
      case 'gap':
        return decode(event.from, this.#sides(connection)[event.from].gap(event.length));
      case 'end':
        return [...decode(event.from, this.#sides(connection)[event.from].end()), event];
      case 'close':
        this.#connections.delete(connection);
        return [event];
      default:
        return [event];
    }
  }

  #sides(connection: number): Record<Side, DirectionDecoder<ClientMessage | ServerMessage>> {
    let sides = this.#connections.get(connection);
    if (sides === undefined) {
      const [client, server] = [fromClient(this.#protocol), fromServer(this.#protocol)];
      sides = {
        client: new DirectionDecoder(client.framing, client.messages, client.preface),
        server: new DirectionDecoder(server.framing, server.messages, server.preface),
      };
      this.#connections.set(connection, sides);
    }
    return sides;
  }
}
