import type { MsgHdrs } from '@nats-io/transport-node';
import { showThrown } from '../bytes/show.ts';
import type { DeviceCommands } from './device-commands.ts';
import type { FleetLink } from './link.ts';
import { type Outcome, outcomes, refused, unknown } from './outcome.ts';
import { QueueHeader } from './queue-header.ts';

/** What identifies a persistent command to its device, so that the device executes it once. */
export interface CommandId {
  /** The command's id, the same for each delivery. */
  readonly id: string;
  /**
   * The command's number in NATS. It grows with each command of a device, unless NATS has lost its data. If a device can hold a
   * text, `id` is safer.
   */
  readonly sequence: number;
  /** The number of this delivery. From 2 on, the device may already have executed the command. */
  readonly delivery: number;
}

/** What a queue needs of its device. */
export interface QueuedDevice {
  readonly token: string;
  readonly epoch: number | undefined;
  readonly commands: DeviceCommands;
  /** The device is connected and claimed. */
  readonly isHeld: boolean;
  /** Decodes a message of the protocol; throws an error that says what is wrong with it. */
  decode(bytes: Uint8Array): object;
  /** Writes the id into a message; undefined if messages have no id. */
  readonly commandId: ((message: never, command: CommandId) => object) | undefined;
  failed(error: unknown): void;
}

/** Milliseconds until a command that could not be sent is tried again, unless an event comes first. */
const RETRY_AFTER = 1_000;
const NOT_SENT: Outcome = refused('absent', 'the device is not held any more');

/**
 * The persistent commands of one device while it is held: one at a time, in the order of storing. A command is removed from the
 * stream once the device has answered it, or nothing more can be done.
 *
 *     next ──▶ note the attempt ──▶ send, with its id ──▶ reply ──▶ delete, tell who asked ──▶ next
 *                                          └── no reply: the same again, with the same id
 */
export class DeviceQueue {
  readonly #link: FleetLink;
  readonly #device: QueuedDevice;
  #running: Promise<void> | undefined;
  /** True if an event came since the last check. */
  #isCalled = false;
  #wake: (() => void) | undefined;

  constructor(link: FleetLink, device: QueuedDevice) {
    this.#link = link;
    this.#device = device;
  }

  /** Check for a command to send. */
  call(): void {
    this.#isCalled = true;
    this.#wake?.();
    if (this.#running !== undefined || !this.#isGoing) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isCalled && this.#isGoing) this.call();
    });
  }

  /** The device is not held any more. Returns a promise that is fulfilled when it is noted what became of the command in progress. */
  leave(): Promise<void> | undefined {
    this.#wake?.();
    return this.#running;
  }

  get #isGoing(): boolean {
    return this.#device.isHeld && this.#link.isOnline;
  }

  async #run(): Promise<void> {
    while (this.#isGoing) {
      this.#isCalled = false;
      try {
        const isMore = await this.#next();
        if (isMore === 'none') return;
        if (isMore === 'later') await this.#pause();
      } catch (error) {
        this.#device.failed(error);
        await this.#pause();
      }
    }
  }

  /** Wait a while, or until an event comes. */
  #pause(): Promise<void> {
    if (this.#isCalled || !this.#isGoing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_AFTER).unref();
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Handle the first command. */
  async #next(): Promise<'more' | 'later' | 'none'> {
    const { manager, places } = this.#link;
    const { token, commandId } = this.#device;
    const query = { seq: 1, next_by_subj: places.queue(token) };
    const stored = await manager.streams.getMessage(places.queues, query);
    if (stored === null) return 'none';
    const { seq, header, data } = stored;
    const last = await lastAttempt(this.#link, token);
    const attempts = last?.sequence === seq ? last.count : 0;
    if (Date.now() > QueueHeader.until(header)) {
      return this.#finish(
        seq,
        header,
        attempts === 0
          ? refused('expired', 'its time was over before it could be sent')
          : unknown('its time was over before the device has answered'),
      );
    }
    if (attempts > 0 && commandId === undefined) {
      const text = 'it was sent before, and the device could not tell: commandId of the fleet says how';
      return this.#finish(seq, header, unknown(text));
    }
    let message: object;
    try {
      const id = QueueHeader.id(header);
      message = this.#device.decode(data);
      if (commandId !== undefined)
        message = commandId(message as never, { id, sequence: seq, delivery: attempts + 1 });
    } catch (error) {
      return this.#finish(seq, header, refused('invalid', showThrown(error)));
    }
    const key = places.attempt(token);
    const note = { sequence: seq, count: attempts + 1 };
    const noted = await this.#link.update(key, note, last?.revision ?? 0);
    // Another gateway holds the device by now.
    if (noted === undefined) return 'more';
    // A commander that gives a command up deletes it and then checks for an attempt, so one of the two sees the other.
    if ((await manager.streams.getMessage(places.queues, query))?.seq !== seq) return 'more';
    const outcome = this.#isGoing ? await this.#send(message, header) : NOT_SENT;
    if (outcome.type === 'refused' && outcome.reason !== 'invalid') {
      await this.#link.update(key, { sequence: seq, count: attempts }, noted);
      return 'later';
    }
    if (outcome.type === 'unknown' && commandId !== undefined) return 'later';
    return this.#finish(seq, header, outcome);
  }

  #send(message: object, header: MsgHdrs): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#device.commands.add(message, false, QueueHeader.timeout(header), resolve);
    });
  }

  async #finish(sequence: number, header: MsgHdrs, outcome: Outcome): Promise<'more'> {
    const { manager, places, nats } = this.#link;
    await manager.streams.deleteMessage(places.queues, sequence, false);
    const inbox = QueueHeader.inbox(header);
    if (inbox !== '') nats.publish(inbox, outcomes.encode(outcome));
    return 'more';
  }
}

/** Which command of a device was sent last, how often, and the revision of that note. */
export async function lastAttempt(
  { manager, places }: FleetLink,
  token: string,
): Promise<{ readonly sequence: number; readonly count: number; readonly revision: number } | undefined> {
  // From the leader: a replica may be behind.
  const stored = await manager.streams.getMessage(`KV_${places.bucket}`, {
    last_by_subj: `$KV.${places.bucket}.${places.attempt(token)}`,
  });
  return stored === null
    ? undefined
    : { ...stored.json<{ sequence: number; count: number }>(), revision: stored.seq };
}
