import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Side } from '../protocol/recording/events.ts';
import { FaultPlan, type FaultStep, type FaultyDirection, faultPlan, takeSteps } from './faults.ts';

/** A reset waits at most this many turns of the event loop for earlier bytes to be read. */
const TURNS = 100;

/**
 * A connection in memory: what one end writes, the other end reads, in the same chunks. Destroying an end ends the
 * other end's readable side; destroying it with an error, or with unread bytes, resets the other end (`ECONNRESET`), as
 * with sockets.
 *
 * @param faults - faults of the messages; default none
 *
 * @example
 * const { client, server } = wire(new FaultPlan(drone, [{ from: 'client', on: 'move', do: 'split' }]));
 */
export function wire(faults: FaultPlan = new FaultPlan(undefined, [])): Readonly<Record<Side, Duplex>> {
  faultPlan('wire: faults', faults);
  const client = new End(faults.direction('client'));
  const server = new End(faults.direction('server'));
  client.peer = server;
  server.peer = client;
  return { client, server };
}

class End extends Duplex {
  peer!: End;
  readonly #outgoing: FaultyDirection;
  #hasEnded = false;
  /** Called when this end's reader wants more. */
  #onRead: (() => void) | undefined;

  constructor(outgoing: FaultyDirection) {
    super({ allowHalfOpen: true });
    this.#outgoing = outgoing;
  }

  override _read(): void {
    const onRead = this.#onRead;
    this.#onRead = undefined;
    onRead?.();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.peer.destroyed) done(systemError('EPIPE', 'write'));
    else void this.#send(this.#outgoing.chunk(chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    void this.#send(this.#outgoing.end(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { peer } = this;
    if (!peer.destroyed) {
      const isUnread = this.readableLength > 0;
      if (error !== null || isUnread) peer.destroy(systemError('ECONNRESET', 'read'));
      else peer.#receive(null);
    }
    this._read();
    done(error);
  }

  /** Take bytes from the other end, or its end (null). Returns false if this end's buffer is full. */
  #receive(bytes: Buffer | null): boolean {
    if (this.destroyed || this.#hasEnded) return true;
    this.#hasEnded = bytes === null;
    return this.push(bytes);
  }

  /** If the direction has stalled, `done` is never called, so no more chunks are taken. */
  async #send(steps: readonly FaultStep[], done: () => void): Promise<void> {
    const { peer } = this;
    const goesOn = await takeSteps(steps, {
      bytes: (bytes) => {
        if (peer.#receive(bytes) || peer.destroyed) return;
        return new Promise((resolve) => {
          peer.#onRead = resolve;
        });
      },
      end: () => void peer.#receive(null),
      reset: async () => {
        for (let i = 0; i < TURNS && peer.readableLength > 0; i++) await turn();
        await turn();
        peer.destroy(systemError('ECONNRESET', 'read'));
      },
    });
    if (goesOn) done();
  }
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}
