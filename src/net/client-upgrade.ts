import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { EMPTY } from '../bytes/buffer.ts';
import { showThrown } from '../bytes/show.ts';
import { HandlerError } from '../errors.ts';
import { lingered } from '../streams/farewell.ts';
import type { FrameDecoder } from '../streams/frame-decoder.ts';
import type { UpgradeHost } from '../streams/upgrade-host.ts';
import type { Detachable } from './detachable.ts';
import { flushed } from './flushed.ts';
import { judgeUpgrade, type Upgrades } from './upgrades.ts';

/** The parts of a client that its upgrade needs. */
interface Upgraded {
  readonly stream: Duplex;
  readonly machine: (Duplex & { readonly state: string; readonly hasUntaken: boolean }) | undefined;
}

/** Leads a client's connection over to another protocol. */
export class ClientUpgrade implements UpgradeHost {
  readonly #client: Upgraded;
  readonly #upgrades: Upgrades<never>;
  readonly #carrier: Detachable;
  readonly #encoder: Duplex;
  readonly #decoder: FrameDecoder;
  readonly #timeout: number;
  readonly #over: () => void;
  #isGoingOver = false;

  /** @param over - called when the connection is handed over */
  constructor(
    client: Upgraded,
    upgrades: Upgrades<never>,
    carrier: Detachable,
    encoder: Duplex,
    decoder: FrameDecoder,
    timeout: number,
    over: () => void,
  ) {
    this.#client = client;
    this.#upgrades = upgrades;
    this.#carrier = carrier;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#timeout = timeout;
    this.#over = over;
  }

  judge(name: string): Error | undefined {
    const carrier = this.#carrier;
    const waiting =
      this.#untaken.length +
      this.#decoder.unread +
      carrier.readableLength +
      this.#client.stream.readableLength;
    const refusal = judgeUpgrade(this.#upgrades, name, waiting, this.#client.machine!.state);
    // Later bytes belong to the next protocol.
    if (refusal === undefined) carrier.halt();
    return refusal;
  }

  goOver(name: string): void {
    if (this.#isGoingOver) return;
    this.#isGoingOver = true;
    const carrier = this.#carrier;
    flushed([this.#client.machine!, this.#encoder, carrier], this.#timeout, (isFlushed) => {
      if (carrier.destroyed) return;
      if (isFlushed) this.#handOver(name);
      else carrier.destroy(lingered(this.#client.machine!.state, this.#timeout));
    });
  }

  /** The frame of a message that the session has not taken. */
  get #untaken(): Buffer {
    return this.#client.machine!.hasUntaken ? this.#decoder.last : EMPTY;
  }

  #handOver(name: string): void {
    const { stream } = this.#client;
    const rest = this.#carrier.detach();
    const unread = Buffer.concat([this.#untaken, this.#decoder.detach(), rest]);
    this.#over();
    this.#carrier.destroy();
    const failed = (cause: unknown): void => {
      const text = `what takes the connection over failed: ${showThrown(cause)}`;
      stream.on('error', () => {}).destroy();
      process.emitWarning(new HandlerError('ERR_HANDLER', text, { cause }));
    };
    try {
      const taken = this.#upgrades[name]!.take(stream as net.Socket, unread, this.#client as never);
      Promise.resolve(taken).catch(failed);
    } catch (cause) {
      failed(cause);
    }
  }
}
