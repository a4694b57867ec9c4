import { EventEmitter } from 'node:events';
import type { KvWatchEntry } from '@nats-io/kv';
import type { QueuedIterator, Subscription } from '@nats-io/transport-node';
import { asError } from '../bytes/show.ts';
import { FleetError } from '../errors.ts';
import { type Claim, readClaim, readObject, readState } from './claim.ts';
import { deviceOf } from './device-token.ts';
import { gatewayRequests } from './gateway-request.ts';
import type { FleetLink } from './link.ts';

/** The last known facts about a device that was connected at some time. */
export interface DevicePresence {
  readonly device: string;
  readonly isConnected: boolean;
  /** The gateway that holds it, or held it last. */
  readonly gateway: string;
  /** The epoch grows with each connection. */
  readonly epoch: number;
  /** The state of its session. */
  readonly state: string | undefined;
  /** When it connected, or was let go, by the clock of its gateway. */
  readonly since: Date;
  /** Why it is not connected: the reason of its gateway, or `'gateway lost'`. */
  readonly reason: string | undefined;
}

/**
 * A change: `'connected'`; `'disconnected'`, with its `reason`; `'takeover'`, when a newer connection replaces an existing one
 * (`before`); `'state'`, when the session enters another state.
 */
export interface PresenceChange extends DevicePresence {
  readonly event: 'connected' | 'disconnected' | 'takeover' | 'state';
  readonly before: DevicePresence | undefined;
}

interface PresenceEvents {
  change: [change: PresenceChange];
  failed: [error: Error];
}

/** The heartbeat of a gateway. */
interface Beat {
  readonly gateway: string;
  readonly every: number;
}

interface GatewayLife {
  /** When the last heartbeat arrived, by our own clock. */
  heard: number;
  /** Milliseconds between its heartbeats. */
  every: number;
  isLost: boolean;
  isAsked: boolean;
  readonly devices: Set<string>;
}

/** The entries in the bucket for one device. */
interface Entry {
  claim: Claim;
  epoch: number;
  /** The state under that epoch. */
  state: string | undefined;
}

/** Milliseconds between heartbeats, until one tells. */
const EVERY = 2_000;
/** Milliseconds between two looks at the heartbeats. */
const LOOK = EVERY / 4;
/** Milliseconds that gateways have to return after NATS has. Until then their silence means nothing. */
const RETURN = 3_000;
/** After this many missed heartbeats, a gateway that does not answer either is lost. */
const MISSED = 3;

/**
 * Which devices are connected: `devices` holds the current ones, and each change is an event. Both follow the order of the
 * claims. Changes while NATS was lost are reported once it is back.
 *
 * A device is connected while its claim stands and its gateway lives. A gateway whose process has ended is detected within two of
 * its heartbeats, one whose machine has vanished within four; three seconds later after NATS was lost.
 *
 * @example
 * const presence = await fleet.presence();
 * presence.on('change', ({ event, device, reason }) => console.log(event, device, reason ?? ''));
 */
export class Presence extends EventEmitter<PresenceEvents> {
  /** All known devices by name, including those that are not connected. */
  readonly devices: ReadonlyMap<string, DevicePresence>;
  readonly #devices = new Map<string, DevicePresence>();
  readonly #entries = new Map<string, Entry>();
  readonly #gateways = new Map<string, GatewayLife>();
  readonly #link: FleetLink;
  readonly #online = (): void => {
    this.#backSince = performance.now();
    void this.#resync();
  };
  #watch: QueuedIterator<KvWatchEntry> | undefined;
  #beats: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** When the gateways were looked at last. */
  #lookedAt = performance.now();
  /** When NATS came back last. */
  #backSince = -RETURN;
  /** True while the first snapshot is taken. */
  #isSilent = true;

  private constructor(link: FleetLink) {
    super();
    this.devices = this.#devices;
    this.#link = link;
  }

  /** @internal */
  static async open(link: FleetLink): Promise<Presence> {
    const presence = new Presence(link);
    presence.#beats = link.nats.subscribe(link.places.beats, {
      callback: (error, msg) => {
        if (error === null) presence.#heard(readObject(msg.data));
      },
    });
    link.on('online', presence.#online);
    try {
      await presence.#snapshot();
    } catch (error) {
      await presence.close();
      throw error;
    }
    presence.#isSilent = false;
    presence.#lookedAt = performance.now();
    presence.#timer = setInterval(() => presence.#look(), LOOK).unref();
    return presence;
  }

  /** The gateways, and whether each lives as far as is known. */
  get gateways(): ReadonlyMap<string, { readonly isLost: boolean; readonly devices: number }> {
    return new Map(
      [...this.#gateways].map(([id, { isLost, devices }]) => [id, { isLost, devices: devices.size }]),
    );
  }

  async close(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#link.off('online', this.#online);
    this.#beats?.unsubscribe();
    this.#watch?.stop();
  }

  /** NATS was lost: report the changes meanwhile as events. */
  async #resync(): Promise<void> {
    try {
      await this.#snapshot();
    } catch (error) {
      this.emit('failed', asError(error));
      if (!this.#isOver && this.#link.isOnline) setTimeout(() => void this.#resync(), LOOK).unref();
    }
  }

  /** Read the whole bucket, and follow its changes. */
  async #snapshot(): Promise<void> {
    const before = this.#watch;
    this.#watch = undefined;
    before?.stop();
    const { bucket, places } = this.#link;
    const watch = await bucket.watch({ key: places.live });
    this.#watch = watch;
    // No change is reported during the snapshot: devices that it has not reached yet may have been let go.
    const entries = new Map<string, Entry>();
    await new Promise<void>((resolve, reject) => {
      let isRead = false;
      void (async () => {
        for await (const entry of watch) {
          const token = this.#apply(isRead ? this.#entries : entries, entry);
          if (isRead) {
            if (token !== undefined) this.#tell(token);
          } else if (entry.isUpdate || entry.delta === 0) {
            // The key `about` always exists, so the end is always reached.
            isRead = true;
            await this.#replace(entries);
            resolve();
          }
        }
        if (!isRead) {
          const text = 'the data in NATS could not be read to their end';
          reject(new FleetError('ERR_FLEET_UNREACHABLE', text));
        } else if (this.#watch === watch && !this.#isOver && this.#link.isOnline) {
          // NATS has ended the watch, for example because this process was stopped for a while.
          void this.#resync();
        }
      })().catch(reject);
    });
  }

  /** Replace the known entries with those that were read. */
  async #replace(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const before = new Set(this.#entries.keys());
    this.#entries.clear();
    for (const [token, entry] of entries) this.#entries.set(token, entry);
    const named = new Set([...entries.values()].map(({ claim }) => claim.gateway));
    named.delete(null);
    await Promise.all(
      [...named].map(async (id) => {
        const life = this.#lifeOf(id!);
        life.heard = performance.now();
        // After NATS is back, gateways may need a moment longer than we did.
        if (!this.#isReturning && (await this.#hasEnded(id!))) life.isLost = true;
      }),
    );
    for (const token of new Set([...before, ...entries.keys()])) this.#tell(token);
  }

  /** Apply an entry of the bucket; returns the device that it concerns. */
  #apply(entries: Map<string, Entry>, { key, operation, value, revision }: KvWatchEntry): string | undefined {
    const [, token, kind] = key.split('.');
    if (kind === undefined) return undefined;
    const known = entries.get(token!);
    if (operation !== 'PUT') {
      if (kind === 'claim') entries.delete(token!);
      return token;
    }
    if (kind === 'state') {
      const { epoch, state } = readState(value) ?? {};
      if (state !== undefined && known?.epoch === epoch) known!.state = state;
      return token;
    }
    const claim = readClaim(value);
    if (claim === undefined) return undefined;
    const { gateway, state } = claim;
    // The entry of a device that was let go keeps the epoch of its claim and the gateway that held it.
    if (gateway !== null || known === undefined) {
      entries.set(token!, { claim, epoch: revision, state });
    } else {
      known.claim = claim;
    }
    return token;
  }

  /** Compare the current state with the reported one, and report the difference. */
  #tell(token: string): void {
    const device = deviceOf(token);
    const before = this.#devices.get(device);
    const entry = this.#entries.get(token);
    if (before?.gateway !== undefined && before.gateway !== entry?.claim.gateway) {
      this.#gateways.get(before.gateway)?.devices.delete(token);
    }
    if (entry === undefined) {
      if (before?.isConnected)
        this.#change('disconnected', { ...before, isConnected: false, reason: 'forgotten' }, before);
      this.#devices.delete(device);
      return;
    }
    const { claim, epoch, state } = entry;
    const life = claim.gateway === null ? undefined : this.#lifeOf(claim.gateway);
    life?.devices.add(token);
    const isConnected = life !== undefined && !life.isLost;
    const now: DevicePresence = {
      device,
      isConnected,
      gateway: claim.gateway ?? before?.gateway ?? '',
      epoch,
      state,
      since: new Date(claim.at),
      reason: isConnected ? undefined : (claim.reason ?? 'gateway lost'),
    };
    this.#devices.set(device, now);
    if (before?.isConnected && isConnected) {
      if (before.epoch !== epoch) this.#change('takeover', now, before);
      else if (before.state !== state) this.#change('state', now, before);
    } else if (isConnected) {
      this.#change('connected', now, before);
    } else if (before?.isConnected) {
      this.#change('disconnected', now, before);
    }
  }

  #change(event: PresenceChange['event'], now: DevicePresence, before: DevicePresence | undefined): void {
    if (!this.#isSilent) this.emit('change', { event, ...now, before });
  }

  #lifeOf(gateway: string): GatewayLife {
    let life = this.#gateways.get(gateway);
    if (life === undefined) {
      life = { heard: performance.now(), every: EVERY, isLost: false, isAsked: false, devices: new Set() };
      this.#gateways.set(gateway, life);
    }
    return life;
  }

  #heard(beat: Partial<Beat> | undefined): void {
    const { gateway, every } = beat ?? {};
    if (typeof gateway !== 'string' || typeof every !== 'number') return;
    const life = this.#lifeOf(gateway);
    life.heard = performance.now();
    life.every = every;
    if (!life.isLost) return;
    life.isLost = false;
    for (const token of life.devices) this.#tell(token);
  }

  /** Ask gateways whose heartbeats are missing, and detect those that are lost. */
  #look(): void {
    const now = performance.now();
    // While this process did not run, it read no heartbeats: that time is no silence of theirs.
    const stopped = now - this.#lookedAt - LOOK;
    this.#lookedAt = now;
    if (stopped > 0) for (const life of this.#gateways.values()) life.heard += stopped;
    // Without NATS no heartbeat arrives.
    if (!this.#link.isOnline || this.#isReturning) {
      for (const life of this.#gateways.values()) life.heard = performance.now();
      return;
    }
    for (const [id, life] of this.#gateways) {
      const silence = performance.now() - life.heard;
      if (life.isLost) {
        if (life.devices.size === 0) this.#gateways.delete(id);
      } else if (silence > MISSED * life.every) {
        this.#lose(life);
      } else if (silence > 1.25 * life.every && !life.isAsked) {
        life.isAsked = true;
        void this.#hasEnded(id).then((hasEnded) => {
          life.isAsked = false;
          if (hasEnded) this.#lose(life);
        });
      }
    }
  }

  get #isReturning(): boolean {
    return performance.now() - this.#backSince < RETURN;
  }

  #lose(life: GatewayLife): void {
    if (life.isLost || this.#isOver) return;
    life.isLost = true;
    for (const token of life.devices) this.#tell(token);
  }

  /** Whether the subject of a gateway has no listener. A gateway that does not answer may still be alive. */
  async #hasEnded(gateway: string): Promise<boolean> {
    const { nats, places } = this.#link;
    try {
      await nats.request(places.gateway(gateway), gatewayRequests.encode({ type: 'ping' }), {
        timeout: 1_000,
      });
      return false;
    } catch (error) {
      return (error as { isNoResponders?(): boolean }).isNoResponders?.() === true && this.#link.isOnline;
    }
  }
}
