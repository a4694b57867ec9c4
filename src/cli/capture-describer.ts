import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import {
  ConnectionEvents,
  type ConnectionEventsOptions,
  type DescribedProtocol,
} from '../tools/view/connection-events.ts';
import type { ViewConnection, ViewEvent } from '../tools/view/document.ts';

interface Described {
  readonly events: ConnectionEvents;
  readonly ended: Set<Side>;
  /** The time of the connection's last event, in milliseconds. */
  time: number;
}

/** Describes the events of a capture for the viewer as they arrive. Datagrams are skipped. */
export class CaptureDescriber {
  /** All connections so far; `ViewEvent.connection` is an index into them. */
  readonly connections: ViewConnection[] = [];
  readonly #protocol: DescribedProtocol;
  readonly #options: ConnectionEventsOptions;
  readonly #open = new Map<number, Described>();

  constructor(protocol: DescribedProtocol, options: ConnectionEventsOptions = {}) {
    this.#protocol = protocol;
    this.#options = options;
  }

  event(event: CaptureEvent): ViewEvent[] {
    if (event.event === 'datagram') return [];
    const time = Math.round(event.time * 1e6) / 1e3;
    const described = this.#describedOf(event);
    described.time = time;
    const { events } = described;
    switch (event.event) {
      case 'data':
        return events.data(event.from, event.bytes, time);
      case 'gap':
        return events.gap(event.from, event.length, time);
      case 'conflict': {
        const text = `${event.length} bytes were sent again with other content; the first ones count`;
        return [events.mark('fault', event.from, time, text)];
      }
      case 'end':
        return this.#end(described, event.from);
      case 'reset':
        described.ended.add(event.from);
        return [events.mark('end', event.from, time, 'has reset the connection')];
      case 'error': {
        const { code, message } = event;
        const text = code === undefined || message.startsWith(code) ? message : `${code}: ${message}`;
        return [events.mark('fault', 'server', time, `the connection ended: ${text}`)];
      }
      case 'close':
        this.#open.delete(event.connection);
        return this.#close(described);
      default:
        return [];
    }
  }

  /** The capture is over. */
  finish(): ViewEvent[] {
    return [...this.#open.values()].flatMap((described) => this.#close(described));
  }

  #end(described: Described, from: Side): ViewEvent[] {
    const { events, ended, time } = described;
    if (ended.has(from)) return [];
    ended.add(from);
    return [...events.end(from, time), events.mark('end', from, time, 'has ended its side')];
  }

  /** The connection is over: describe the incomplete frames of both sides. */
  #close({ events, ended, time }: Described): ViewEvent[] {
    return (['client', 'server'] as const).flatMap((side) => (ended.has(side) ? [] : events.end(side, time)));
  }

  #describedOf(event: Exclude<CaptureEvent, { readonly event: 'datagram' }>): Described {
    let described = this.#open.get(event.connection);
    if (described === undefined) {
      const events = new ConnectionEvents(this.#protocol, this.connections.length, this.#options);
      described = { events, ended: new Set(), time: 0 };
      this.#open.set(event.connection, described);
      this.connections.push({ name: nameOf(event) });
    }
    return described;
  }
}

function nameOf(event: Exclude<CaptureEvent, { readonly event: 'datagram' }>): string {
  const { client, server } = event.event === 'open' ? event : {};
  if (client === undefined && server === undefined) return `connection ${event.connection}`;
  return `${client ?? '?'} → ${server ?? '?'}`;
}
