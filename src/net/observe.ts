import type { Duplex } from 'node:stream';
import { otherSide } from '../protocol/direction.ts';
import type { Side } from '../protocol/recording/events.ts';
import { FlightRecorder } from '../protocol/recording/flight-recorder.ts';
import type { ConnectionObserver, ObservedConnection, Observer } from '../protocol/recording/observer.ts';

/** The observers of the connections of a server or a client. */
export interface ObserveOptions {
  /** Sees every chunk of every connection, as `recordTo` of `wirepipe/captures` does. */
  record?: Observer | undefined;
  /**
   * Keep the last bytes and transitions of each connection; they are the `flight` of the error that ends it, a capture as text.
   * Off by default.
   */
  flightRecorder?: { readonly bytes: number } | undefined;
}

/** The observer of a connection, or undefined for none. An error that an observer throws ends nothing. */
export function observersOf(
  connection: ObservedConnection,
  { record, flightRecorder }: ObserveOptions,
): ConnectionObserver | undefined {
  const recorder = record?.open(connection);
  const flight =
    flightRecorder && new FlightRecorder(connection, flightRecorder.bytes, () => performance.now());
  if (recorder === undefined || flight === undefined) return recorder ?? flight;
  return {
    data(from, bytes) {
      flight.data(from, bytes);
      recorder.data(from, bytes);
    },
    end(from) {
      flight.end(from);
      recorder.end(from);
    },
    state(state) {
      flight.state(state);
      recorder.state?.(state);
    },
    close(error) {
      flight.close(error);
      recorder.close(error);
    },
  };
}

/**
 * Show an observer the bytes that come from a stream and those that are written to it. The stream works as before.
 *
 * @param own - our side; received bytes are from the other one
 * @returns a function that stops it
 */
export function observe(stream: Duplex, own: Side, observer: ConnectionObserver): () => void {
  const other = otherSide(own);
  const write = stream.write;
  const end = stream.end;
  const isOwn = Object.hasOwn(stream, 'write');
  const sent = (chunk: unknown, encoding: unknown): void => {
    if (chunk instanceof Uint8Array) observer.data(own, chunk);
    else if (typeof chunk === 'string') {
      observer.data(
        own,
        Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'),
      );
    }
  };
  // The stream now has a method of its own, so its memory is not reused, as for any stream that is not Node's.
  stream.write = function (this: Duplex, chunk: unknown, ...rest: never[]): boolean {
    sent(chunk, rest[0]);
    return Reflect.apply(write, this, [chunk, ...rest]);
  };
  stream.end = function (this: Duplex, chunk?: unknown, ...rest: never[]): Duplex {
    // Node's `end(chunk)` calls its own `write`, not ours.
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') sent(chunk, rest[0]);
    return Reflect.apply(end, this, chunk === undefined ? [] : [chunk, ...rest]);
  } as Duplex['end'];
  const received = (chunk: Buffer): void => observer.data(other, chunk);
  const ended = (): void => observer.end(other);
  const finished = (): void => observer.end(own);
  stream.on('data', received).once('end', ended).once('finish', finished);
  return () => {
    stream.off('data', received).off('end', ended).off('finish', finished);
    if (isOwn) Object.assign(stream, { write, end });
    else for (const name of ['write', 'end']) Reflect.deleteProperty(stream, name);
  };
}

/** `10.0.0.1:80`, `[::1]:80`; undefined if there is no address. */
export function placeText(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || address === '' || port === undefined) return undefined;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
