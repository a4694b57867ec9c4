import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import {
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import {
  type ConnectionOptions,
  connect,
  errors,
  type NatsConnection,
  nanos,
  type Subscription,
} from '@nats-io/transport-node';
import { show, showThrown } from '../bytes/show.ts';
import { FleetError } from '../errors.ts';
import { type Check, integer } from '../options.ts';
import { type Places, placesOf } from './places.ts';

/** How a process reaches its fleet. */
export interface LinkOptions {
  /** How to connect to NATS: the options of `connect` from `@nats-io/transport-node`, or a connection, which is not closed at the end. */
  nats: NatsConnection | ConnectionOptions;
  /**
   * The name of the fleet: letters, digits, `-` and `_`, at most 64. Fleets with different names share nothing on the same NATS.
   * Default: the name of the protocol.
   */
  name?: string | undefined;
  /** The number of servers in a NATS cluster that keep claims and queues; used when they are created. Default 1. */
  replicas?: number | undefined;
}

export const linkChecks: Readonly<Record<keyof LinkOptions, Check>> = {
  nats: connectionOrOptions,
  name: fleetName,
  replicas: integer(1, 5),
};

/** The longest time that a queued command is kept, in milliseconds: seven days. */
export const LONGEST_PERSISTED: number = 7 * 24 * 60 * 60 * 1_000;
/** The most commands in the queue of one device. */
const MOST_PERSISTED = 1_000;
/** Older versions cannot limit the number of messages for one device in a stream. */
const OLDEST_SERVER = [2, 9] as const;
/** Milliseconds until the data in NATS are checked again after a failure. */
const RETRY_AFTER = 200;
/** Milliseconds that NATS has to exchange the last messages before it is left. */
const LAST_WORDS = 5_000;

interface LinkEvents {
  /** NATS is connected again and its data are there; `isNew` if the data were lost. */
  online: [isNew: boolean];
  offline: [];
  /** What went wrong meanwhile. */
  failed: [error: Error];
}

/** The entry that describes a fleet: which protocol it speaks, and when it was created. */
interface About {
  readonly protocol: string;
  readonly id: string;
}

/** A connection to the NATS of a fleet, and the data that the fleet keeps there. */
export class FleetLink extends EventEmitter<LinkEvents> {
  readonly nats: NatsConnection;
  readonly places: Places;
  readonly streams: JetStreamClient;
  #isOnline = true;
  #isOver = false;
  /** How often the connection was lost. */
  #losses = 0;
  readonly #isOwn: boolean;
  readonly #protocol: string;
  readonly #replicas: number;
  #manager!: JetStreamManager;
  #bucket!: KV;
  /** The id of the data in NATS. A different id means that the data were lost. */
  #id = '';

  private constructor(nats: NatsConnection, isOwn: boolean, protocol: string, options: LinkOptions) {
    super();
    // Each device, presence and gateway may listen.
    this.setMaxListeners(0);
    this.nats = nats;
    this.#isOwn = isOwn;
    this.#protocol = protocol;
    this.#replicas = options.replicas ?? 1;
    this.places = placesOf(options.name ?? protocol);
    this.streams = jetstream(nats);
  }

  /**
   * Connect, and create in NATS what a fleet needs.
   *
   * @param protocol - the name of the protocol that the fleet speaks
   * @throws FleetError: `ERR_FLEET_UNREACHABLE`, `ERR_FLEET_CREDENTIALS`, `ERR_FLEET_SERVER`, `ERR_FLEET_PROTOCOL`
   * @throws TypeError if the protocol's name cannot be the name of a fleet
   */
  static async open(protocol: string, options: LinkOptions): Promise<FleetLink> {
    fleetName('fleet: name', options.name ?? protocol);
    const { nats } = options;
    const isOwn = !isConnection(nats);
    let connection: NatsConnection;
    try {
      connection = isConnection(nats) ? nats : await connect(connectionOptions(nats));
    } catch (error) {
      throw coded(error);
    }
    const link = new FleetLink(connection, isOwn, protocol, options);
    try {
      link.#checkVersion();
      await link.#prepare();
    } catch (error) {
      if (isOwn) await connection.close();
      throw coded(error);
    }
    void link.#watch();
    return link;
  }

  /** Whether NATS is connected and its data are there. */
  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** The bucket of claims, states, and the last command sent from each queue. */
  get bucket(): KV {
    return this.#bucket;
  }

  get manager(): JetStreamManager {
    return this.#manager;
  }

  /**
   * Leave NATS.
   *
   * @param requests - a subscription whose requests are answered to the last one: after it has ended, NATS itself answers that
   * nobody listens
   */
  async close(requests?: Subscription): Promise<void> {
    const { nats } = this;
    const wasOnline = this.#isOnline;
    this.#isOver = true;
    this.#isOnline = false;
    if (nats.isClosed()) return;
    // Messages already sent should still arrive, if NATS takes them in time.
    if (wasOnline) await within(lastWords(nats, requests), LAST_WORDS);
    else requests?.unsubscribe();
    if (this.#isOwn) await nats.close();
  }

  /**
   * Put a value under a key of the bucket, if the key still has that revision; 0 means that it does not exist.
   *
   * @returns the new revision; undefined if the key has a different one
   */
  async update(key: string, value: object, revision: number): Promise<number | undefined> {
    try {
      return await this.#bucket.put(key, JSON.stringify(value), { previousSeq: revision });
    } catch (error) {
      if ((error as { code?: unknown }).code === WRONG_REVISION) return undefined;
      throw error;
    }
  }

  #checkVersion(): void {
    const { version } = this.nats.info!;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [oldestMajor, oldestMinor] = OLDEST_SERVER;
    if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
    const oldest = OLDEST_SERVER.join('.');
    throw new FleetError(
      'ERR_FLEET_SERVER',
      `expected nats-server ${oldest} or later, got ${show(version)}`,
      {
        expected: oldest,
        actual: version,
      },
    );
  }

  /** Create the data in NATS if they are missing. Returns whether they are new. */
  async #prepare(): Promise<boolean> {
    const { places } = this;
    this.#manager = await jetstreamManager(this.nats);
    this.#bucket = await new Kvm(this.streams).create(places.bucket, {
      history: 1,
      replicas: this.#replicas,
      storage: StorageType.File,
    });
    const names = [];
    for await (const name of this.#manager.streams.names(places.allQueues)) names.push(name);
    if (!names.includes(places.queues)) {
      await this.#manager.streams.add({
        name: places.queues,
        subjects: [places.allQueues],
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        num_replicas: this.#replicas,
        max_msgs_per_subject: MOST_PERSISTED,
        discard: DiscardPolicy.New,
        discard_new_per_subject: true,
        max_age: nanos(LONGEST_PERSISTED),
      });
    }
    const { protocol, id } = await this.#about();
    if (protocol !== this.#protocol) {
      const text = `the fleet '${places.bucket}' speaks ${show(protocol)}, not ${show(this.#protocol)}: give one of them another name`;
      const details = { origin: 'local', expected: this.#protocol, actual: protocol } as const;
      throw new FleetError('ERR_FLEET_PROTOCOL', text, details);
    }
    const isNew = this.#id !== id;
    this.#id = id;
    return isNew;
  }

  async #about(): Promise<About> {
    const key = this.places.about;
    const found = await this.#bucket.get(key);
    if (found !== null) return found.json();
    const about: About = { protocol: this.#protocol, id: randomUUID() };
    try {
      await this.#bucket.create(key, JSON.stringify(about));
      return about;
    } catch (error) {
      // Another process created it first.
      const other = await this.#bucket.get(key);
      if (other === null) throw error;
      return other.json();
    }
  }

  async #watch(): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === 'disconnect' || status.type === 'close') this.#lose();
      else if (status.type === 'reconnect') void this.#back();
      else if (status.type === 'error') this.emit('failed', coded(status.error));
    }
    this.#lose();
  }

  #lose(): void {
    this.#losses++;
    if (!this.#isOnline) return;
    this.#isOnline = false;
    this.emit('offline');
  }

  /** NATS is connected again. Its data may take a moment to return, or be lost. */
  async #back(): Promise<void> {
    const losses = this.#losses;
    for (;;) {
      try {
        const isNew = await this.#prepare();
        if (this.#isOver || this.#losses !== losses) return;
        this.#isOnline = true;
        this.emit('online', isNew);
        return;
      } catch (error) {
        // NATS is lost again.
        if (this.#isOver || this.#losses !== losses) return;
        this.emit('failed', coded(error));
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
    }
  }
}

/** Receive what NATS has passed on to the subscription, and have the answers arrive. */
async function lastWords(nats: NatsConnection, requests: Subscription | undefined): Promise<void> {
  await requests?.drain();
  await nats.flush();
}

/** Fulfilled when the promise is settled, or after this many milliseconds. */
function within(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(done, done);
  });
}

/** Reconnect forever, soon, and with jitter so that processes do not all reconnect at once. */
function connectionOptions(given: ConnectionOptions): ConnectionOptions {
  return {
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    timeout: 5_000,
    ...given,
  };
}

/** An error of NATS or its client, as an error of a fleet. */
function coded(error: unknown): Error {
  if (error instanceof FleetError) return error;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const said = showThrown(error);
  if (
    cause instanceof errors.AuthorizationError ||
    cause instanceof errors.UserAuthenticationExpiredError ||
    cause instanceof errors.PermissionViolationError
  ) {
    const text = `NATS does not allow it: ${said}`;
    return new FleetError('ERR_FLEET_CREDENTIALS', text, { origin: 'local', cause: error });
  }
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === 'JetStreamNotEnabled' || code === NO_JETSTREAM_OF_ACCOUNT || code === NO_JETSTREAM) {
    const text = 'NATS runs without JetStream, which a fleet needs: nats-server --jetstream';
    return new FleetError('ERR_FLEET_SERVER', text, { expected: 'JetStream', cause: error });
  }
  return new FleetError('ERR_FLEET_UNREACHABLE', `NATS cannot be reached: ${said}`, { cause: error });
}

const WRONG_REVISION = 10_071;
const NO_JETSTREAM = 10_076;
const NO_JETSTREAM_OF_ACCOUNT = 10_039;

function isConnection(nats: NatsConnection | ConnectionOptions): nats is NatsConnection {
  return typeof (nats as Partial<NatsConnection>).publish === 'function';
}

function connectionOrOptions(name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null) return;
  throw new TypeError(`${name} must be a connection to NATS, or the options of one, got ${show(value)}`);
}

function fleetName(name: string, value: unknown): void {
  if (typeof value === 'string' && /^[\w-]{1,64}$/.test(value)) return;
  throw new TypeError(`${name} must be 1 to 64 letters, digits, '-' and '_', got ${show(value)}`);
}
