import { randomUUID } from 'node:crypto';
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { show, showThrown } from '../bytes/show.ts';
import {
  anything,
  aText,
  callback,
  checkMembers,
  checkOptions,
  delayOrNever,
  integer,
  MAX_DELAY,
  requireMethods,
} from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import type { MessageSource } from '../protocol/session/declaration.ts';
import { type BroadcastOptions, type BroadcastResult, broadcast } from './broadcast.ts';
import type { StoredClaim } from './claim.ts';
import { ClaimCache } from './claim-cache.ts';
import { Claims } from './claims.ts';
import { commandError } from './command-error.ts';
import { lastAttempt } from './device-queue.ts';
import { deviceToken } from './device-token.ts';
import { gatewayRequests } from './gateway-request.ts';
import { FleetLink, type LinkOptions, LONGEST_PERSISTED, linkChecks } from './link.ts';
import { type Outcome, outcomes, type Refused, refused, type Unknown, unknown } from './outcome.ts';
import { type DevicePresence, Presence } from './presence.ts';
import { QueueHeader } from './queue-header.ts';
import { type TelemetryOptions, TelemetryStream } from './telemetry-stream.ts';

/** The parts of a protocol that a fleet needs. */
export interface FleetProtocol<ClientMessage, ServerMessage> {
  readonly name: string;
  /** The messages that devices send. */
  readonly clientMessages: MessageSource<Codec<ClientMessage, never>>;
  /** The messages that devices receive. */
  readonly serverMessages: MessageSource<Codec<unknown, ServerMessage>>;
}

export interface CommandOptions {
  /** Milliseconds for the device's reply, including the wait for its turn; Infinity for no limit. Default 30,000. */
  timeout?: number | undefined;
  /** Gives up the command: it is refused if nothing was sent, and unknown otherwise. */
  signal?: AbortSignal | undefined;
  /**
   * Store the command until the device is connected: in its queue, in order, and delivered again with the same id if it may not
   * have been executed. After `until`, at most seven days from now, it is not sent any more.
   */
  persist?: { readonly until: Date } | undefined;
}

/** A persistent command in its queue. */
export interface Stored {
  readonly id: string;
  readonly sequence: number;
}

/**
 * Connect to a fleet, to command its devices and to observe them.
 *
 * @throws FleetError: `ERR_FLEET_UNREACHABLE`, `ERR_FLEET_CREDENTIALS`, `ERR_FLEET_SERVER`, `ERR_FLEET_PROTOCOL`
 * @throws TypeError or RangeError for invalid options
 *
 * @example
 * const fleet = await connectFleet(meter, { nats: { servers: 'nats.example:4222' } });
 * console.log(await fleet.request('meter 17', { type: 'read', register: 4 }, { timeout: 2_000 }));
 * await fleet.close();
 */
export async function connectFleet<ClientMessage, ServerMessage>(
  protocol: FleetProtocol<ClientMessage, ServerMessage>,
  options: LinkOptions,
): Promise<Fleet<ClientMessage, ServerMessage>> {
  checkOptions('connectFleet', options, linkChecks);
  linkChecks.nats('connectFleet: nats', options.nats);
  checkMembers('connectFleet', 'a protocol', protocol, { name: aText });
  requireMethods('connectFleet: clientMessages', 'a codec', protocol.clientMessages, 'decode');
  requireMethods('connectFleet: serverMessages', 'a codec', protocol.serverMessages, 'encode');
  return new Fleet(protocol, await FleetLink.open(protocol.name, options));
}

/**
 * Commands the devices of a fleet, whichever gateway holds them. A command has one of three outcomes:
 *
 *     replied   the device has answered
 *     refused   ERR_COMMAND_REFUSED, with a `reason`: nothing was sent, so asking again is safe
 *     unknown   ERR_COMMAND_UNKNOWN: it may have been executed, and is not sent again
 */
export class Fleet<ClientMessage, ServerMessage> {
  readonly #protocol: FleetProtocol<ClientMessage, ServerMessage>;
  readonly #link: FleetLink;
  readonly #claims: Claims;
  readonly #cache = new ClaimCache(CACHED);

  /** @internal */
  constructor(protocol: FleetProtocol<ClientMessage, ServerMessage>, link: FleetLink) {
    this.#protocol = protocol;
    this.#link = link;
    this.#claims = new Claims(link);
  }

  /** Whether NATS is connected. Without it every command is refused. */
  get isOnline(): boolean {
    return this.#link.isOnline;
  }

  /**
   * Send a command to a device, and resolve with its reply; with undefined if the protocol has no reply to that message.
   *
   * @throws FleetError: `ERR_COMMAND_REFUSED` or `ERR_COMMAND_UNKNOWN`; `ERR_FLEET_DEVICE` for an invalid device name
   * @throws MessageError if the message does not fit the protocol; nothing is sent then
   */
  async request(
    device: string,
    message: ServerMessage,
    options: CommandOptions = {},
  ): Promise<ClientMessage> {
    const token = this.#check('request', device, options);
    const bytes = this.#protocol.serverMessages.encode(message);
    const outcome =
      options.persist === undefined
        ? await this.#command('request', token, bytes, options)
        : await this.#persistent(token, bytes, options, options.persist.until);
    if (outcome.type === 'replied') return this.#decode(outcome.message, device, message);
    if (outcome.type === 'done') return undefined as ClientMessage;
    throw commandError(outcome, device, message, abortReason(options.signal));
  }

  /**
   * Send a message to a device, and resolve once it is given to the device's connection; its reply is ignored. With `persist`,
   * resolve once it is stored.
   *
   * @throws as `request`
   */
  send(
    device: string,
    message: ServerMessage,
    options: CommandOptions & { readonly persist: object },
  ): Promise<Stored>;
  send(device: string, message: ServerMessage, options?: CommandOptions): Promise<undefined>;
  async send(
    device: string,
    message: ServerMessage,
    options: CommandOptions = {},
  ): Promise<Stored | undefined> {
    const token = this.#check('send', device, options);
    const bytes = this.#protocol.serverMessages.encode(message);
    const outcome =
      options.persist === undefined
        ? await this.#command('send', token, bytes, options)
        : await this.#store(token, bytes, options, options.persist.until, '');
    if (outcome.type === 'refused' || outcome.type === 'unknown') {
      throw commandError(outcome, device, message, abortReason(options.signal));
    }
    return outcome.type === 'stored' ? { id: outcome.id, sequence: outcome.sequence } : undefined;
  }

  /**
   * Send a command to many devices, at a bounded rate. A device that fails is listed in the result, and does not end the
   * broadcast.
   *
   * @param filter - names of devices, or a function that selects connected devices
   *
   * @example
   * const { replied, refused, unknown } = await fleet.broadcast(({ state }) => state === 'idle', { type: 'update' }, { rate: 200 });
   */
  async broadcast(
    filter: readonly string[] | ((device: DevicePresence) => boolean),
    message: ServerMessage,
    options: BroadcastOptions<ClientMessage> = {},
  ): Promise<BroadcastResult> {
    checkOptions('broadcast', options, {
      rate: integer(1),
      maxInFlight: integer(1),
      timeout: delayOrNever,
      signal: anything,
      onReply: callback,
    });
    let devices: readonly string[];
    if (typeof filter === 'function') {
      const presence = await this.presence();
      devices = [...presence.devices.values()].filter((one) => one.isConnected && filter(one)).map(named);
      await presence.close();
    } else {
      devices = filter;
    }
    return broadcast(devices, (device, own) => this.request(device, message, own), options);
  }

  /** Which devices are connected: the current ones, and then each change. */
  presence(): Promise<Presence> {
    return Presence.open(this.#link);
  }

  /**
   * Messages that devices send unasked, as gateways publish them, from now on. Messages that are not read in time are dropped,
   * the oldest first, and counted.
   *
   * @example for await (const { device, message } of fleet.telemetry({ types: ['position'] })) show(device, message);
   */
  telemetry(options: TelemetryOptions = {}): TelemetryStream<ClientMessage> {
    return new TelemetryStream(this.#link, this.#protocol.clientMessages, options);
  }

  /** Leave NATS. Commands in flight fail as they would if NATS were lost. */
  close(): Promise<void> {
    return this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(where: string, device: string, options: CommandOptions): string {
    checkOptions(where, options, { timeout: delayOrNever, signal: isSignal, persist: isPersist });
    return deviceToken(device);
  }

  #decode(bytes: Uint8Array, device: string, message: ServerMessage): ClientMessage {
    try {
      return this.#protocol.clientMessages.decode(bytes as Buffer);
    } catch (cause) {
      const outcome = unknown(`the device answered with bytes that are not a message: ${showThrown(cause)}`);
      throw commandError(outcome, device, message, cause);
    }
  }

  /** Send one command, at most once. */
  async #command(
    type: 'request' | 'send',
    device: string,
    message: Uint8Array,
    { timeout = 30_000, signal }: CommandOptions,
  ): Promise<Outcome> {
    const end = performance.now() + timeout;
    let claim = this.#cache.get(device);
    for (;;) {
      if (signal?.aborted) return refused('absent', 'it was given up before it was sent');
      if (!this.#link.isOnline) return OFFLINE;
      if (claim === undefined) {
        const found = await this.#find(device);
        if ('type' in found) return found;
        claim = found;
        continue;
      }
      const left = Math.min(Math.ceil(end - performance.now()), MAX_DELAY - GRACE);
      if (left <= 0) return refused('queue', 'its time was over before it could be sent');
      const { epoch, gateway } = claim;
      const request = gatewayRequests.encode({ type, device, epoch, timeout: left, message });
      const outcome = await this.#ask(gateway!, request, left, signal);
      // Only an outcome with nothing sent leads to another try.
      if (outcome.type !== 'refused' || outcome.reason !== 'absent') return outcome;
      this.#cache.delete(device);
      const found = await this.#find(device);
      if ('type' in found) return found;
      // The claim is the same, so its gateway is gone, or about to let it go.
      if (found.epoch === epoch) return outcome;
      claim = found;
    }
  }

  /** The claim of a device, or why nothing can be sent. */
  async #find(device: string): Promise<StoredClaim | Refused> {
    let found: StoredClaim | undefined;
    try {
      found = await this.#claims.find(device);
    } catch (error) {
      return refused('offline', `nothing tells which gateway holds the device: ${showThrown(error)}`);
    }
    if (found === undefined) return refused('absent', 'no gateway has ever held the device');
    if (found.gateway === null) return refused('absent', `the device was let go: ${found.reason}`);
    this.#cache.set(device, found);
    return found;
  }

  /** Ask a gateway once. */
  async #ask(
    gateway: string,
    request: Uint8Array,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    const { nats, places } = this.#link;
    if (request.length > nats.info!.max_payload) {
      return refused('size', `${request.length} bytes are more than NATS allows: ${nats.info!.max_payload}`);
    }
    let answer: Msg;
    try {
      const asked = nats.request(places.gateway(gateway), request, { timeout: timeout + GRACE });
      answer = await (signal == null ? asked : raceAbort(asked, signal));
    } catch (error) {
      if (signal?.aborted) return unknown('it was given up');
      const { name } = error as Error;
      if ((error as { isNoResponders?(): boolean }).isNoResponders?.()) {
        return refused('absent', 'the gateway that held the device is gone');
      }
      // NATS throws these before anything is written.
      if (name === 'ClosedConnectionError' || name === 'DrainingConnectionError') return OFFLINE;
      return unknown(name === 'TimeoutError' ? 'the gateway has not answered in time' : showThrown(error));
    }
    try {
      return outcomes.decode(answer.data as Buffer);
    } catch (error) {
      return unknown(`the gateway sent an answer that is not understood: ${showThrown(error)}`);
    }
  }

  /** Store a command in the queue of its device. */
  async #store(
    device: string,
    message: Uint8Array,
    { timeout = 30_000, signal }: CommandOptions,
    until: Date,
    inbox: string,
  ): Promise<({ readonly type: 'stored' } & Stored) | Refused | Unknown> {
    const link = this.#link;
    if (signal?.aborted) return refused('absent', 'it was given up before it was stored');
    if (!link.isOnline) return OFFLINE;
    const id = randomUUID();
    const headers = QueueHeader.make(until.getTime(), Math.min(timeout, MAX_DELAY), inbox);
    let sequence: number;
    try {
      const options = { msgID: id, headers, timeout: STORE_TIMEOUT };
      sequence = (await link.streams.publish(link.places.queue(device), message, options)).seq;
    } catch (error) {
      const { name, message: text } = error as Error;
      if (text.includes('maximum messages per subject')) {
        return refused('queue', 'the maximum of persistent commands already waits for the device');
      }
      if (name === 'InvalidArgumentError') return refused('size', showThrown(error));
      // Not stored again: the command may be stored, executed and removed already, and after a restart NATS does not recognize a
      // duplicate.
      return unknown(`nothing tells whether it is stored: ${showThrown(error)}`);
    }
    // The command is stored, and a gateway that claims the device from now on finds it. Notify the gateway that already holds it.
    const found = await this.#find(device);
    if (!('type' in found) && link.isOnline) {
      link.nats.publish(
        link.places.gateway(found.gateway!),
        gatewayRequests.encode({ type: 'wake', device }),
      );
    }
    return { type: 'stored', id, sequence };
  }

  /** Store a command, and wait for its outcome. */
  async #persistent(
    device: string,
    message: Uint8Array,
    options: CommandOptions,
    until: Date,
  ): Promise<Outcome> {
    const { nats } = this.#link;
    if (!this.#link.isOnline) return OFFLINE;
    const inbox = createInbox();
    let answered!: (outcome: Outcome) => void;
    const answer = new Promise<Outcome>((resolve) => {
      answered = resolve;
    });
    const subscription: Subscription = nats.subscribe(inbox, {
      callback: (error, msg) => {
        try {
          answered(error ? unknown(error.message) : outcomes.decode(msg.data as Buffer));
        } catch (thrown) {
          answered(unknown(showThrown(thrown)));
        }
      },
    });
    let timer: NodeJS.Timeout | undefined;
    const { signal } = options;
    const givenUp = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.max(0, until.getTime() - Date.now()) + GRACE);
      signal?.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    try {
      const stored = await this.#store(device, message, options, until, inbox);
      if (stored.type === 'refused') return stored;
      // The command may be stored even if nothing says so, and the device may then answer it.
      const outcome = await Promise.race([answer, givenUp]);
      if (outcome !== undefined) return outcome;
      return stored.type === 'unknown' ? stored : await this.#giveUp(device, stored.sequence);
    } finally {
      clearTimeout(timer);
      subscription.unsubscribe();
    }
  }

  /** Remove a command from its queue; the outcome says whether it may have been sent. */
  async #giveUp(device: string, sequence: number): Promise<Outcome> {
    const { manager, places } = this.#link;
    try {
      await manager.streams.deleteMessage(places.queues, sequence, false);
      // A gateway records the attempt and then checks that the command still exists, so one of the two sees the other.
      const last = await lastAttempt(this.#link, device);
      if (last === undefined || last.sequence < sequence || last.count === 0) {
        return refused('expired', 'its time was over before it could be sent');
      }
    } catch {
      // A gateway removed it, or its state is unknown.
    }
    return unknown('its time was over, and nothing tells whether the device has executed it');
  }
}

/** The most claims kept in the cache. */
const CACHED = 100_000;
/** Milliseconds after the time limit of a command in which its gateway may still report the outcome. */
const GRACE = 1_000;
const STORE_TIMEOUT = 5_000;
const OFFLINE: Refused = refused('offline', 'there is no connection to NATS');

function named({ device }: DevicePresence): string {
  return device;
}

function abortReason(signal: AbortSignal | undefined): unknown {
  return signal?.aborted ? signal.reason : undefined;
}

/** The result of the promise, or a rejection as soon as the signal is aborted. */
function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function isSignal(name: string, value: unknown): void {
  if (typeof (value as AbortSignal).addEventListener === 'function') return;
  throw new TypeError(`${name} must be an AbortSignal, got ${show(value)}`);
}

function isPersist(name: string, value: unknown): void {
  checkOptions(name, value, { until: anything });
  const { until } = value as { until?: unknown };
  if (!(until instanceof Date) || Number.isNaN(until.getTime())) {
    throw new TypeError(`${name}: until must be a Date, got ${show(until)}`);
  }
  if (until.getTime() - Date.now() <= LONGEST_PERSISTED) return;
  throw new RangeError(`${name}: until must be at most seven days from now, got ${until.toISOString()}`);
}
