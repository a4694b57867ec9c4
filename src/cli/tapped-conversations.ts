import net from 'node:net';
import type { Duplex } from 'node:stream';
import { showThrown } from '../bytes/show.ts';
import type { Side } from '../protocol/recording/events.ts';
import type { ConnectionObserver } from '../protocol/recording/observer.ts';
import type { FaultPlan } from '../testing/faults.ts';
import { ConnectionEvents } from '../tools/view/connection-events.ts';
import type { ViewEvent } from '../tools/view/document.ts';
import { faultText } from './fault-text.ts';
import type { LoadedProtocol } from './load-protocol.ts';
import { type TapObserver, tapConnection } from './tap-connection.ts';
import type { TapRecording } from './tap-recording.ts';

export interface TappedConversationsOptions {
  /** Connects to the server. */
  dial(): Promise<Duplex>;
  faults: FaultPlan | undefined;
  recording: TapRecording | undefined;
  /** True to include the offsets of fields in messages. */
  spans: boolean;
  /** Shows an event. Without it nothing is decoded. */
  show: ((event: ViewEvent, connection: string) => void) | undefined;
  /** A promise that resolves when more may be shown; undefined if that is now. */
  busy(): Promise<void> | undefined;
}

/** The connections of one tap: each is forwarded, recorded, and shown. */
export class TappedConversations {
  /** Resolves when the first connection is over, or could not be made. */
  readonly first: Promise<void>;
  readonly #protocol: LoadedProtocol;
  readonly #options: TappedConversationsOptions;
  readonly #start = performance.now();
  readonly #streams = new Set<Duplex>();
  #count = 0;
  #isOver!: () => void;

  constructor(protocol: LoadedProtocol, options: TappedConversationsOptions) {
    this.#protocol = protocol;
    this.#options = options;
    this.first = new Promise((resolve) => {
      this.#isOver = resolve;
    });
  }

  /** Take a new client, and connect it to the server. */
  async take(client: Duplex): Promise<void> {
    const number = this.#count++;
    this.#streams.add(client);
    client.once('close', () => this.#streams.delete(client));
    // Errors before the server is connected; later ones go to `tapConnection`.
    client.on('error', () => {});
    let server: Duplex;
    try {
      server = await this.#options.dial();
    } catch (error) {
      console.error(`wirepipe: #${number}: ${showThrown(error)}`);
      process.exitCode = 1;
      client.destroy();
      this.#isOver();
      return;
    }
    if (client.destroyed) {
      server.destroy();
      this.#isOver();
      return;
    }
    this.#streams.add(server);
    server.once('close', () => this.#streams.delete(server));
    const places = { client: placeOf(client), server: placeOf(server) };
    const record = this.#options.recording?.recorder.open({ protocol: this.#protocol, ...places });
    const name = `${places.client ?? `client ${number}`} → ${places.server ?? 'server'}`;
    tapConnection({ client, server }, this.#observer(number, name, record), this.#options.faults);
  }

  /** Destroy all open connections, and finish the recording. */
  async close(): Promise<void> {
    const closed = [...this.#streams].map(
      (stream) => new Promise((resolve) => stream.once('close', resolve)),
    );
    for (const stream of this.#streams) stream.destroy();
    await Promise.all(closed);
    await this.#options.recording?.close();
  }

  #observer(number: number, name: string, record: ConnectionObserver | undefined): TapObserver {
    const { show: showEvent, spans, recording } = this.#options;
    const described = showEvent && new ConnectionEvents(this.#protocol, number, { spans });
    const now = (): number => Math.round((performance.now() - this.#start) * 1_000) / 1_000;
    const show = (events: (described: ConnectionEvents) => readonly ViewEvent[]): void => {
      if (described === undefined) return;
      for (const event of events(described)) showEvent!(event, name);
    };
    const end = (from: Side): void =>
      show((one) => [...one.end(from, now()), one.mark('end', from, now(), 'has ended its side')]);
    return {
      data: (from, bytes) => {
        record?.data(from, bytes);
        show((one) => one.data(from, bytes, now()));
      },
      end: (from) => {
        record?.end(from);
        end(from);
      },
      fault: (from, fault, type) =>
        show((one) => [one.mark('fault', from, now(), `${type ?? 'a message'}: ${faultText(fault)}`)]),
      close: (error) => {
        record?.close(error);
        if (error !== undefined) {
          show((one) => [one.mark('fault', 'server', now(), `the connection was cut: ${showThrown(error)}`)]);
        }
        this.#isOver();
      },
      busy: () => this.#options.busy() ?? recording?.recorder.busy(),
      // The decoder keeps incomplete frames.
      keeps: described !== undefined,
    };
  }
}

/** `10.0.0.1:5000`; undefined if the stream has no address. */
function placeOf(stream: Duplex): string | undefined {
  if (!(stream instanceof net.Socket) || stream.remoteAddress === undefined) return undefined;
  const { remoteAddress: address, remotePort: port } = stream;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
