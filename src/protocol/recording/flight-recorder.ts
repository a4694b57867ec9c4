import { eventLine, headerLine } from './capture-line.ts';
import type { CaptureEvent, Side } from './events.ts';
import type { ConnectionObserver, ObservedConnection } from './observer.ts';

/** What an event costs beside its bytes. */
const EVENT_COST = 64;

/**
 * Keeps the last bytes and transitions of one connection. If an error ends the connection, they become the error's
 * `flight`: a capture as text, in the format of `docs/captures.md`.
 */
export class FlightRecorder implements ConnectionObserver {
  readonly #connection: ObservedConnection;
  readonly #limit: number;
  readonly #now: () => number;
  readonly #start: number;
  #events: CaptureEvent[] = [];
  /** The index of the first event still kept. */
  #first = 0;
  #cost = 0;
  /** Bytes of each side that were dropped. */
  readonly #dropped: Record<Side, number> = { client: 0, server: 0 };

  /**
   * @param limit - the most bytes kept, counting 64 more for each event
   * @param now - the time in milliseconds, of a clock that never goes back
   */
  constructor(connection: ObservedConnection, limit: number, now: () => number) {
    this.#connection = connection;
    this.#limit = limit;
    this.#now = now;
    this.#start = now();
  }

  data(from: Side, bytes: Uint8Array): void {
    // Keep the end of a chunk that is longer than the limit.
    const kept = Buffer.from(bytes.subarray(Math.max(0, bytes.length - this.#limit)));
    const cut = bytes.length - kept.length;
    if (cut > 0) {
      this.#drop(this.#events.length);
      this.#dropped[from] += cut;
    }
    this.#add({ event: 'data', time: this.#time(), connection: 0, from, bytes: kept }, kept.length);
  }

  end(from: Side): void {
    this.#add({ event: 'end', time: this.#time(), connection: 0, from }, 0);
  }

  state(state: string): void {
    this.#add({ event: 'state', time: this.#time(), connection: 0, state }, 0);
  }

  close(error: Error | undefined): void {
    if (error !== undefined && Object.isExtensible(error)) {
      Object.defineProperty(error, 'flight', { value: this.dump(error), configurable: true });
    }
    this.#events = [];
    this.#first = 0;
  }

  /** The kept events as a capture, with the dropped bytes as a gap. */
  dump(error?: Error): string {
    const { protocol, client, server } = this.#connection;
    const time = this.#events[this.#first]?.time ?? this.#time();
    const events: CaptureEvent[] = [{ event: 'open', time: 0, connection: 0, client, server }];
    for (const from of ['client', 'server'] as const) {
      const length = this.#dropped[from];
      if (length > 0) events.push({ event: 'gap', time, connection: 0, from, length });
    }
    events.push(...this.#events.slice(this.#first));
    if (error !== undefined) {
      const { code } = error as NodeJS.ErrnoException;
      const known = typeof code === 'string' ? code : undefined;
      events.push({
        event: 'error',
        time: this.#time(),
        connection: 0,
        code: known,
        message: String(error.message),
      });
    }
    events.push({ event: 'close', time: this.#time(), connection: 0 });
    return headerLine({ protocol: protocol.name, by: 'flight recorder' }) + events.map(eventLine).join('');
  }

  #add(event: CaptureEvent, length: number): void {
    this.#events.push(event);
    this.#cost += length + EVENT_COST;
    while (this.#cost > this.#limit + EVENT_COST && this.#first < this.#events.length - 1)
      this.#drop(this.#first + 1);
  }

  /** Drop the events before that one. */
  #drop(to: number): void {
    for (; this.#first < to; this.#first++) {
      const event = this.#events[this.#first]!;
      const length = event.event === 'data' ? event.bytes.length : 0;
      if (event.event === 'data') this.#dropped[event.from] += length;
      this.#cost -= length + EVENT_COST;
    }
    // The array is shortened now and then, not each time.
    if (this.#first < 64 || this.#first < this.#events.length / 2) return;
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
  }

  #time(): number {
    return Math.round((this.#now() - this.#start) * 1_000) / 1e6;
  }
}
