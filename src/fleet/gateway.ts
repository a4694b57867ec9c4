import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { asError } from '../bytes/show.ts';
import type { FollowedConnection, ServerFleet } from '../net/server-fleet.ts';
import { anything, callback, checkOptions, delay, delayOrNever, integer, natural } from '../options.ts';
import type { ServerProtocol } from '../protocol/protocol.ts';
import { knownOf, type ReplyRules } from '../protocol/reply-rules.ts';
import { Claims } from './claims.ts';
import { commandError } from './command-error.ts';
import type { CommandSettings } from './device-commands.ts';
import type { CommandId } from './device-queue.ts';
import { type CommandRequest, type GatewayRequest, gatewayRequests } from './gateway-request.ts';
import { HeldDevice, type Holder } from './held-device.ts';
import { FleetLink, type LinkOptions, linkChecks } from './link.ts';
import { DONE, type Outcome, outcomes, refused, unknown } from './outcome.ts';
import { TelemetryPublisher } from './telemetry-publisher.ts';

// biome-ignore lint/suspicious/noExplicitAny: whatever is spoken
type AnyMessage = any;

/** How a server takes part in a fleet. */
export interface FleetOptions<Context = unknown> extends LinkOptions {
  /**
   * The name of the device at the other end of a connection; undefined while it is unknown. Called with each received message
   * before it is answered, and without a message after each change of state, until it returns a name.
   *
   * @example identify: ({ machine }) => machine.context.serial
   */
  identify(connection: FollowedConnection<Context>, message: AnyMessage): string | undefined;
  /**
   * How the replies of devices find their commands: as `replies` of `defineProtocol`, seen from the server. Default: the
   * protocol's own rules.
   */
  replies?: ReplyRules<AnyMessage, AnyMessage> | undefined;
  /** The most commands that wait for one device, not counting those in flight. Default 64. */
  maxQueued?: number | undefined;
  /**
   * Writes the id of a persistent command into its message. Without it, a command that may have been executed is not delivered
   * again, and its outcome is unknown.
   *
   * @example commandId: (message, { sequence }) => ({ ...message, command: sequence })
   */
  commandId?: ((message: AnyMessage, command: CommandId) => object) | undefined;
  /** The messages that devices send unasked and that are published: their types, or a function. Default: none. */
  telemetry?: readonly string[] | ((message: AnyMessage) => boolean) | undefined;
  /** The most bytes of telemetry that NATS has not confirmed. Beyond this, the connections that publish are not read. Default 4 MiB. */
  maxTelemetryBytes?: number | undefined;
  /** Milliseconds between two heartbeats of the gateway. Default 2,000. */
  heartbeat?: number | undefined;
  /** Milliseconds for one pass that compares all claims with NATS. Passes repeat. Default 300,000. */
  verify?: number | undefined;
  /** Milliseconds after which a late reply is not expected any more. Default 60,000. */
  quarantine?: number | undefined;
}

/** The counts of a gateway since it was created, and its current numbers. */
export interface GatewayStatistics {
  /** The devices held now, and those of them that are claimed. */
  readonly devices: number;
  readonly claimed: number;
  /** The commands, by their outcome here. */
  readonly replied: number;
  readonly sent: number;
  readonly refused: number;
  readonly unknown: number;
  /** Connections that a newer claim has ended. */
  readonly takenOver: number;
  readonly telemetryPublished: number;
  readonly telemetryDropped: number;
}

interface GatewayEvents {
  /** NATS is connected again. */
  online: [];
  /** NATS is lost: connections are still served, and no commands arrive from other processes. */
  offline: [];
  /** A device is claimed. */
  claimed: [device: string, epoch: number];
  /** A newer claim has taken over a device; the device's connection here ends. */
  takenOver: [device: string];
  /** Something failed that is tried again, or that concerns one device only. */
  failed: [error: Error];
}

/**
 * Makes a server part of a fleet: claims the devices that connect to the server, and sends them the commands of any process in
 * the fleet.
 *
 * @throws TypeError or RangeError for invalid options
 *
 * @example
 * const gateway = fleet({ nats: { servers: 'nats.example:4222' }, identify: ({ machine }) => machine.context.serial });
 * gateway.on('offline', () => log('NATS is lost'));
 * const server = createServer(meter, { fleet: gateway });
 * await server.listen({ port: 4000 });
 */
// biome-ignore lint/suspicious/noExplicitAny: a fleet that is made alone need not name what the handlers keep
export function fleet<Context = any>(options: FleetOptions<Context>): Gateway<Context> {
  return new Gateway(options);
}

export class Gateway<Context = unknown> extends EventEmitter<GatewayEvents> implements ServerFleet<Context> {
  /** A new id for each gateway that is created. */
  readonly id: string = randomBytes(12).toString('hex');
  readonly #options: FleetOptions<Context>;
  readonly #holder: Holder;
  /** By device name: the newest connection of each. */
  readonly #held = new Map<string, HeldDevice>();
  readonly #byToken = new Map<string, HeldDevice>();
  /** Claims to let go once NATS is connected. */
  readonly #owed = new Map<string, { readonly epoch: number; readonly reason: string }>();
  /** Claims being made or let go: the gateway finishes them before it leaves NATS. */
  readonly #pending = new Set<Promise<void>>();
  readonly #isTelemetry: (message: { type: string }) => boolean;
  readonly #counts = { replied: 0, sent: 0, refused: 0, unknown: 0, takenOver: 0 };
  /** How many servers use this gateway. */
  #servers = 0;
  #opening: Promise<void> | undefined;
  #protocol: ServerProtocol<AnyMessage, AnyMessage> | undefined;
  #settings: CommandSettings | undefined;
  #link: FleetLink | undefined;
  #claims: Claims | undefined;
  #publisher: TelemetryPublisher | undefined;
  #requests: Subscription | undefined;
  #beat: NodeJS.Timeout | undefined;
  #verifying: NodeJS.Timeout | undefined;

  constructor(options: FleetOptions<Context>) {
    super();
    checkOptions('fleet', options, {
      ...linkChecks,
      identify: callback,
      replies: anything,
      maxQueued: natural,
      commandId: callback,
      telemetry: typesOrCallback,
      maxTelemetryBytes: integer(1),
      heartbeat: delay,
      verify: delay,
      quarantine: delay,
    });
    linkChecks.nats('fleet: nats', options.nats);
    callback('fleet: identify', options.identify);
    this.#options = options;
    const { telemetry = [] } = options;
    const types = typeof telemetry === 'function' ? undefined : new Set(telemetry);
    this.#isTelemetry = types === undefined ? (telemetry as () => boolean) : ({ type }) => types.has(type);
    const gateway = this;
    this.#holder = {
      get settings() {
        return gateway.#settings!;
      },
      get link() {
        return gateway.#link;
      },
      commandId: options.commandId,
      identify: (connection, message) => options.identify(connection as FollowedConnection<Context>, message),
      known: (held) => this.#know(held),
      changed: (held) => void this.#publishState(held),
      unasked: (held, message) => this.#publish(held, message as { type: string }),
      ended: (held, reason) => this.#ended(held, reason),
      failed: (error) => void this.emit('failed', asError(error)),
    };
  }

  /** Whether NATS is connected. */
  get isOnline(): boolean {
    return this.#link?.isOnline === true;
  }

  /** The counts since the gateway was created, and its current numbers. */
  stats(): GatewayStatistics {
    let claimed = 0;
    for (const { epoch } of this.#held.values()) if (epoch !== undefined) claimed++;
    const { published = 0, dropped = 0 } = this.#publisher ?? {};
    return {
      devices: this.#held.size,
      claimed,
      ...this.#counts,
      telemetryPublished: published,
      telemetryDropped: dropped,
    };
  }

  /**
   * As `request` of a `Fleet`, for a device connected here; it does not use NATS.
   *
   * @throws FleetError: `ERR_COMMAND_REFUSED` or `ERR_COMMAND_UNKNOWN`
   */
  async request(
    device: string,
    message: AnyMessage,
    options: { readonly timeout?: number } = {},
  ): Promise<AnyMessage> {
    checkOptions('request', options, { timeout: delayOrNever });
    const { timeout = 30_000 } = options;
    const outcome = await new Promise<Outcome>((resolve) => {
      const held = this.#held.get(device);
      if (held?.isHeld) held.commands.add(message, false, timeout, resolve);
      else resolve(refused('absent', 'this gateway does not hold the device'));
    });
    this.#count(outcome);
    if (outcome.type === 'replied') return this.#protocol!.clientMessages.decode(outcome.message as Buffer);
    if (outcome.type !== 'done') throw commandError(outcome, device, message);
  }

  /** Part of `ServerFleet`. */
  async open(protocol: ServerProtocol<AnyMessage, AnyMessage>): Promise<void> {
    if (this.#protocol !== undefined && this.#protocol.name !== protocol.name) {
      throw new TypeError(
        `fleet: one for '${this.#protocol.name}' cannot be of a server of '${protocol.name}'`,
      );
    }
    this.#opening ??= this.#open(protocol);
    try {
      await this.#opening;
      this.#servers++;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Part of `ServerFleet`. */
  follow(connection: FollowedConnection<Context>): HeldDevice {
    return new HeldDevice(connection as FollowedConnection, this.#holder);
  }

  /** Part of `ServerFleet`: lets go all devices, answers the last commands, and leaves NATS. */
  async close(): Promise<void> {
    if (--this.#servers > 0) return;
    clearInterval(this.#beat);
    clearInterval(this.#verifying);
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    await this.#link?.close(this.#requests);
    this.#opening = this.#protocol = this.#link = undefined;
  }

  async #open(protocol: ServerProtocol<AnyMessage, AnyMessage>): Promise<void> {
    const { replies = protocol.replies ?? {}, maxQueued = 64, quarantine = 60_000 } = this.#options;
    const { decode: _, ...rules } = replies;
    // Seen from the server: the server requests, and devices reply.
    const parts = { clientMessages: protocol.serverMessages, serverMessages: protocol.clientMessages };
    this.#settings = {
      replies: protocol.clientMessages,
      commands: protocol.serverMessages,
      rules,
      known: { ...knownOf(parts, rules), isShared: true },
      maxQueued,
      quarantine,
    };
    const { nats, name, replicas } = this.#options;
    const link = await FleetLink.open(protocol.name, { nats, name, replicas });
    this.#protocol = protocol;
    this.#link = link;
    this.#claims = new Claims(link);
    this.#publisher = new TelemetryPublisher(link, this.#options.maxTelemetryBytes ?? 4 * 1024 * 1024);
    this.#requests = link.nats.subscribe(link.places.gateway(this.id), {
      callback: (error, msg) => {
        if (error) this.#holder.failed(error);
        else this.#serve(msg);
      },
    });
    link.on('offline', () => void this.emit('offline'));
    link.on('online', (isNew) => void this.#online(isNew));
    link.on('failed', (error) => this.#holder.failed(error));
    const { heartbeat = 2_000, verify = 300_000 } = this.#options;
    const sign = JSON.stringify({ gateway: this.id, every: heartbeat });
    const beat = (): void => {
      if (link.isOnline) link.nats.publish(link.places.beats, sign);
    };
    beat();
    this.#beat = setInterval(beat, heartbeat);
    this.#verifying = setInterval(() => void this.#verifyAll(), verify);
    // Devices that connected while the gateway was opening.
    for (const held of this.#held.values()) void this.#beginClaim(held);
    await link.nats.flush();
  }

  /** A device was identified. */
  #know(held: HeldDevice): void {
    const device = held.device!;
    const before = this.#held.get(device);
    this.#held.set(device, held);
    this.#byToken.set(held.token, held);
    if (before !== undefined) this.#takeOver(before, 'the device has connected again');
    void this.#beginClaim(held);
  }

  #beginClaim(held: HeldDevice): Promise<void> {
    const claiming = this.#claim(held).finally(() => {
      held.claiming = undefined;
    });
    held.claiming = claiming;
    this.#finish(claiming);
    return claiming;
  }

  async #claim(held: HeldDevice): Promise<void> {
    const isWanted = (): boolean => held.isWanted && this.#held.get(held.device!) === held;
    while (isWanted() && this.#link?.isOnline) {
      const state = held.state;
      try {
        const claimed = await this.#claims!.claim(held.token, this.id, held.since, state, isWanted);
        if (claimed === undefined) return;
        const { epoch, previous } = claimed;
        if (previous !== undefined && previous.gateway !== this.id) {
          void this.#tellTakeover(previous.gateway!, held.token, previous.epoch);
        }
        if (!isWanted()) {
          this.#release(held.token, epoch, 'ended');
          return;
        }
        held.epoch = epoch;
        held.published = state;
        this.emit('claimed', held.device!, epoch);
        void this.#publishState(held);
        held.callQueue();
        return;
      } catch (error) {
        this.#holder.failed(error);
        await pause(RETRY_AFTER);
      }
    }
  }

  /** Tell a gateway that it has lost a device. If that fails, the gateway finds out when it verifies its claims. */
  async #tellTakeover(gateway: string, device: string, epoch: number): Promise<void> {
    const { nats, places } = this.#link!;
    const notice = gatewayRequests.encode({ type: 'takeover', device, epoch });
    for (let tries = 0; tries < 5 && this.#link?.isOnline; tries++) {
      try {
        await nats.request(places.gateway(gateway), notice, { timeout: 1_000 });
        return;
      } catch (error) {
        // The gateway is gone, and so is the connection.
        if ((error as { isNoResponders?(): boolean }).isNoResponders?.()) return;
      }
    }
  }

  #takeOver(held: HeldDevice, by: string): void {
    if (!held.isWanted) return;
    this.#counts.takenOver++;
    held.takeOver(by);
    this.emit('takenOver', held.device!);
  }

  #ended(held: HeldDevice, reason: string): void {
    this.#publisher?.forget(held.connection);
    const device = held.device!;
    if (this.#held.get(device) === held) {
      this.#held.delete(device);
      this.#byToken.delete(held.token);
    }
    if (held.epoch !== undefined && reason !== 'ERR_STATE_TAKEOVER') {
      this.#release(held.token, held.epoch, reason);
    }
  }

  #release(token: string, epoch: number, reason: string): void {
    if (!this.#link?.isOnline) {
      this.#owed.set(token, { epoch, reason });
      return;
    }
    const released = (async () => {
      for (let tries = 0; tries < 3; tries++) {
        try {
          await this.#claims!.release(token, epoch, reason);
          return;
        } catch (error) {
          this.#holder.failed(error);
          if (!this.#link?.isOnline) break;
          await pause(RETRY_AFTER);
        }
      }
      this.#owed.set(token, { epoch, reason });
    })();
    this.#finish(released);
  }

  #finish(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  /** NATS is connected again; with `isNew`, it has lost its data. */
  async #online(isNew: boolean): Promise<void> {
    const owed = [...this.#owed];
    this.#owed.clear();
    if (isNew) for (const held of this.#held.values()) held.epoch = undefined;
    else for (const [token, { epoch, reason }] of owed) this.#release(token, epoch, reason);
    await this.#verifyAll();
    this.emit('online');
  }

  /** Compare the claims with NATS, some at a time. */
  async #verifyAll(): Promise<void> {
    const all = this.#held.values();
    const verifier = async (): Promise<void> => {
      for (const held of all) {
        if (!this.#link?.isOnline) return;
        await this.#verify(held).catch((error) => this.#holder.failed(error));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, verifier));
  }

  async #verify(held: HeldDevice): Promise<void> {
    const known = held.epoch;
    const found = await this.#claims!.find(held.token);
    // It may have been claimed meanwhile.
    if (!held.isWanted || held.epoch !== known) return;
    if (found !== undefined && found.epoch === known) {
      void this.#publishState(held);
      held.callQueue();
      return;
    }
    const other =
      found !== undefined && found.gateway !== null && found.gateway !== this.id ? found : undefined;
    // The epoch tells which claim is newer; without an epoch, the time of the connection does.
    if (other !== undefined && (known === undefined ? other.at > held.since : other.epoch > known)) {
      this.#takeOver(held, 'another gateway has claimed the device meanwhile');
      return;
    }
    held.epoch = undefined;
    await this.#beginClaim(held);
  }

  /** Publish the state of the session; only the latest state is sent. */
  async #publishState(held: HeldDevice): Promise<void> {
    const link = this.#link;
    while (link?.isOnline && held.isHeld && !held.isPublishing && held.published !== held.state) {
      const { state, epoch } = held;
      held.isPublishing = true;
      try {
        await link.bucket.put(link.places.state(held.token), JSON.stringify({ epoch, state }));
        held.published = state;
      } catch (error) {
        this.#holder.failed(error);
        await pause(RETRY_AFTER);
      } finally {
        held.isPublishing = false;
      }
    }
  }

  #publish(held: HeldDevice, message: { type: string }): void {
    const publisher = this.#publisher;
    if (publisher === undefined || !held.isWanted) return;
    try {
      if (!this.#isTelemetry(message)) return;
      const bytes = this.#protocol!.clientMessages.encode(message as never);
      publisher.publish(held.connection, held.token, message.type, bytes);
    } catch (error) {
      publisher.dropped++;
      this.#holder.failed(error);
    }
  }

  /** Handle a request from another process. */
  #serve(msg: Msg): void {
    let request: GatewayRequest;
    try {
      request = gatewayRequests.decode(Buffer.from(msg.data));
    } catch (error) {
      this.#answer(msg, refused('invalid', asError(error).message));
      return;
    }
    const held = 'device' in request ? this.#byToken.get(request.device) : undefined;
    switch (request.type) {
      case 'ping':
        this.#answer(msg, DONE);
        break;
      case 'wake':
        held?.callQueue();
        break;
      case 'takeover':
        void this.#lose(held, request.epoch).then(() => this.#answer(msg, DONE));
        break;
      default: {
        const command = request;
        // Other processes may read the claim before we hear that it succeeded.
        if (held?.claiming === undefined) this.#command(msg, command, held);
        else {
          const from = performance.now();
          void held.claiming.then(() => this.#command(msg, command, held, performance.now() - from));
        }
      }
    }
  }

  /** Another gateway has taken over a device whose claim here had that epoch. */
  async #lose(held: HeldDevice | undefined, epoch: number): Promise<void> {
    // The other gateway may hear of our claim before we do.
    await held?.claiming;
    if (held?.epoch === epoch) this.#takeOver(held, 'another gateway has claimed the device');
  }

  /** @param waited - milliseconds since the command arrived */
  #command(msg: Msg, request: CommandRequest, held: HeldDevice | undefined, waited = 0): void {
    const settle = (outcome: Outcome): void => {
      this.#count(outcome);
      this.#answer(msg, outcome);
    };
    const left = request.timeout - waited;
    if (!held?.isHeld || held.epoch !== request.epoch || left <= 0) {
      settle(refused('absent', 'the gateway does not hold the device'));
      return;
    }
    let message: object;
    try {
      message = held.decode(request.message);
    } catch (error) {
      settle(refused('invalid', asError(error).message));
      return;
    }
    held.commands.add(message, request.type === 'send', left, settle);
  }

  #answer(msg: Msg, outcome: Outcome): void {
    try {
      msg.respond(outcomes.encode(outcome));
    } catch {
      // The reply is longer than NATS allows. If NATS is gone, nothing can be sent.
      if (outcome.type === 'replied') {
        this.#answer(msg, unknown('the device answered with more bytes than NATS allows'));
      }
    }
  }

  #count({ type }: Outcome): void {
    this.#counts[type === 'done' ? 'sent' : type]++;
  }
}

/** Milliseconds until something is tried again. */
const RETRY_AFTER = 200;
/** The number of claims verified at a time. */
const AT_ONCE = 32;

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function typesOrCallback(name: string, value: unknown): void {
  if (!Array.isArray(value)) callback(name, value);
}
