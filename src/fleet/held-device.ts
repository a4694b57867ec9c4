import { showThrown } from '../bytes/show.ts';
import { HandlerError, StateError } from '../errors.ts';
import type { Follower } from '../net/follower.ts';
import type { FollowedConnection } from '../net/server-fleet.ts';
import { type CommandSettings, DeviceCommands } from './device-commands.ts';
import { type CommandId, DeviceQueue, type QueuedDevice } from './device-queue.ts';
import { deviceToken } from './device-token.ts';
import type { FleetLink } from './link.ts';

/** The gateway that holds devices. */
export interface Holder {
  readonly settings: CommandSettings;
  /** Undefined until the gateway is open. */
  readonly link: FleetLink | undefined;
  readonly commandId: ((message: never, command: CommandId) => object) | undefined;
  identify(connection: FollowedConnection, message: unknown): string | undefined;
  /** The device was identified: claim it. */
  known(held: HeldDevice): void;
  /** The state of its session has changed. */
  changed(held: HeldDevice): void;
  /** The device sent a message that is not a reply to a command. */
  unasked(held: HeldDevice, message: object): void;
  /** Its connection is over. */
  ended(held: HeldDevice, reason: string): void;
  failed(error: unknown): void;
}

/** A connection of a gateway, and the device at its other end once it is identified. */
export class HeldDevice implements Follower, QueuedDevice {
  readonly connection: FollowedConnection;
  /** The name of the device; undefined until it is identified. */
  device: string | undefined;
  token = '';
  /** When the device was identified, in milliseconds since 1970. */
  since = 0;
  /** The epoch of its claim; undefined while it is not claimed. */
  epoch: number | undefined;
  /** Set while it is being claimed. */
  claiming: Promise<void> | undefined;
  /** The state that was published last. */
  published: string | undefined;
  isPublishing = false;
  readonly #holder: Holder;
  #commands: DeviceCommands | undefined;
  #queue: DeviceQueue | undefined;
  #isLeaving = false;
  #isTakenOver = false;
  #isOver = false;

  constructor(connection: FollowedConnection, holder: Holder) {
    this.connection = connection;
    this.#holder = holder;
  }

  get state(): string {
    return this.connection.machine.state;
  }

  get commandId(): Holder['commandId'] {
    return this.#holder.commandId;
  }

  /** Whether the connection still exists, and no newer one has taken over the device. */
  get isWanted(): boolean {
    return !this.#isOver && !this.#isTakenOver;
  }

  /** Whether commands may be sent to it. */
  get isHeld(): boolean {
    return this.isWanted && !this.#isLeaving && this.epoch !== undefined;
  }

  get commands(): DeviceCommands {
    this.#commands ??= new DeviceCommands(this.connection, this.#holder.settings);
    return this.#commands;
  }

  /** Tell the queue that a command may be there. */
  callQueue(): void {
    const { link } = this.#holder;
    if (link === undefined || !this.isHeld) return;
    this.#queue ??= new DeviceQueue(link, this);
    this.#queue.call();
  }

  decode(bytes: Uint8Array): object {
    return this.#holder.settings.commands.decode(Buffer.from(bytes)) as object;
  }

  failed(error: unknown): void {
    this.#holder.failed(error);
  }

  /** A newer claim exists: send the farewell, and end. */
  takeOver(by: string): void {
    if (!this.isWanted) return;
    this.#isTakenOver = true;
    this.#commands?.end();
    const text = `takeover: ${by}`;
    this.connection.abort(
      new StateError('ERR_STATE_TAKEOVER', text, { origin: 'local', state: this.state, device: this.device }),
    );
  }

  /** Part of `Follower`. */
  message(message: unknown): void {
    if (this.device === undefined) {
      this.#identify(message);
      return;
    }
    try {
      if (this.#commands?.receive(message as object)) return;
    } catch (cause) {
      const text = `matching an answer to its command failed: ${showThrown(cause)}`;
      this.connection.abort(new HandlerError('ERR_HANDLER', text, { cause }));
      return;
    }
    this.#holder.unasked(this, message as object);
  }

  /** Part of `Follower`. */
  transition(): void {
    if (this.device === undefined) {
      this.#identify(undefined);
      return;
    }
    this.#holder.changed(this);
    this.#commands?.proceed();
    this.#queue?.call();
  }

  /** Part of `Follower`. */
  leave(): Promise<void> | undefined {
    this.#isLeaving = true;
    const [commands, queue] = [this.#commands?.leave(), this.#queue?.leave()];
    return commands && queue ? commands.then(() => queue) : (commands ?? queue);
  }

  /** Part of `Follower`. */
  end(error: NodeJS.ErrnoException | undefined): void {
    this.#isOver = true;
    this.#commands?.end();
    if (this.device === undefined) return;
    this.#holder.ended(this, error?.code ?? (this.#isLeaving ? 'shutdown' : 'ended'));
  }

  #identify(message: unknown): void {
    let device: string | undefined;
    try {
      device = this.#holder.identify(this.connection, message);
      if (device === undefined) return;
      this.token = deviceToken(device);
    } catch (cause) {
      const isOurs = (cause as { code?: unknown }).code === 'ERR_FLEET_DEVICE';
      const text = `identify failed: ${showThrown(cause)}`;
      const error = isOurs ? (cause as Error) : new HandlerError('ERR_HANDLER', text, { cause });
      // Not during this call, so that the message is answered first.
      process.nextTick(() => this.connection.abort(error));
      return;
    }
    this.device = device;
    this.since = Date.now();
    this.#holder.known(this);
  }
}
