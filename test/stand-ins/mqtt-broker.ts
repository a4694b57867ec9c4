import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';
import { connect } from 'wirepipe';
import type { Authenticator } from '../../examples/mqtt/authentication.ts';
import { createBroker } from '../../examples/mqtt/broker.ts';
import { type ClientOptions, clientSession } from '../../examples/mqtt/client-session.ts';
import { Delivery } from '../../examples/mqtt/delivery.ts';
import { framing } from '../../examples/mqtt/fixed-header.ts';
import { mqtt } from '../../examples/mqtt/packets.ts';

/** Called behind the test, the last one first. */
export const cleanups: (() => unknown)[] = [];

export async function clean(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** From here to the end of the test, time passes for `setTimeout` and `Date` only where `pass` lets it. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  cleanups.push(() => vi.useRealTimers());
}

/** Let time pass. The timers of a session look at the event loop once more before they call. */
export async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let turns = 0; turns < 3; turns++) await turn();
}

/** Our broker on a port of its own. */
export async function listening(options: Parameters<typeof createBroker>[0] = {}) {
  const { server, broker } = createBroker(options);
  await server.listen({ port: 0, host: '127.0.0.1' });
  cleanups.push(() => server.close({ deadline: 100 }));
  return { server, broker, port: (server.address() as AddressInfo).port };
}

/** A connection of the client's table. */
export function dial(port: number, options: Partial<ClientOptions> & Pick<ClientOptions, 'version'>) {
  const packets = mqtt.with({ version: options.version });
  const session = clientSession({
    clientId: 'table',
    keepAlive: 60,
    cleanStart: false,
    delivery: new Delivery(),
    subscriptions: [],
    onMessage: () => undefined,
    ...options,
  });
  const protocol = { framing, clientMessages: packets, serverMessages: packets };
  return connect(protocol, { port, host: '127.0.0.1', session });
}

/** A peer whose bytes the test writes itself. */
export class ByHand {
  readonly socket: net.Socket;
  readonly gone: Promise<void>;
  #came = '';

  constructor(socket: net.Socket) {
    this.socket = socket;
    cleanups.push(() => socket.destroy());
    socket
      .setEncoding('hex')
      .on('data', (text: string) => (this.#came += text))
      .on('error', () => undefined);
    this.gone = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static connect(port: number, hello: string): ByHand {
    const peer = new ByHand(net.connect(port, '127.0.0.1'));
    peer.says(hello);
    return peer;
  }

  /** Everything that has come, in digits. */
  get came(): string {
    return this.#came;
  }

  says(bytes: string): void {
    this.socket.write(Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
  }

  /** Wait for these bytes, and forget them. */
  async hears(bytes: string): Promise<void> {
    const wanted = bytes.replaceAll(' ', '');
    for (let i = 0; i < 20_000 && this.#came.length < wanted.length && !this.socket.closed; i++)
      await pause(5);
    if (!this.#came.startsWith(wanted)) throw new Error(`expected ${wanted}, got ${this.#came}`);
    this.#came = this.#came.slice(wanted.length);
  }
}

/** Asks for the reverse of what the client said first. */
export const reversing: Authenticator = {
  method: 'reverse',
  begin() {
    let word: string | undefined;
    return (said) => {
      if (word === undefined) {
        word = said.toString();
        return { data: Buffer.from(word), isDone: false };
      }
      if (said.toString() !== reversed(word)) return undefined;
      return { data: Buffer.from('ok'), isDone: true };
    };
  },
};

export function reversed(text: string): string {
  return [...text].reverse().join('');
}
