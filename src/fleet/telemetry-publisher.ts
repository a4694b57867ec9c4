import type { FollowedConnection } from '../net/server-fleet.ts';
import type { FleetLink } from './link.ts';
import { isPublishable } from './places.ts';

/**
 * Publishes messages that devices send unasked. NATS confirms received messages from time to time; while more than `maxWaiting`
 * bytes are not confirmed, the connections that publish are not read. Without NATS all messages are dropped, and counted.
 */
export class TelemetryPublisher {
  published = 0;
  dropped = 0;
  readonly #link: FleetLink;
  readonly #maxWaiting: number;
  /** Bytes that NATS has not confirmed. */
  #waiting = 0;
  #isFlushing = false;
  readonly #held = new Set<FollowedConnection>();

  constructor(link: FleetLink, maxWaiting: number) {
    this.#link = link;
    this.#maxWaiting = maxWaiting;
    link.on('offline', () => this.#free(this.#waiting));
  }

  publish(connection: FollowedConnection, token: string, type: string, bytes: Uint8Array): void {
    const { nats, places, isOnline } = this.#link;
    if (!isOnline || !isPublishable(type)) {
      this.dropped++;
      return;
    }
    try {
      nats.publish(places.telemetry(token, type), bytes);
    } catch {
      // The message is longer than NATS allows, or NATS is just closing.
      this.dropped++;
      return;
    }
    this.published++;
    this.#waiting += bytes.length + OVERHEAD;
    if (this.#waiting >= this.#maxWaiting / 2) this.#flush();
    if (this.#waiting < this.#maxWaiting || this.#held.has(connection)) return;
    this.#held.add(connection);
    connection.hold(true);
  }

  /** The connection is over. */
  forget(connection: FollowedConnection): void {
    this.#held.delete(connection);
  }

  #flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const sent = this.#waiting;
    const done = (): void => {
      this.#isFlushing = false;
      this.#free(sent);
    };
    this.#link.nats.flush().then(done, done);
  }

  #free(bytes: number): void {
    this.#waiting = Math.max(0, this.#waiting - bytes);
    if (this.#waiting >= this.#maxWaiting) return;
    for (const connection of this.#held) {
      this.#held.delete(connection);
      connection.hold(false);
    }
  }
}

/** About how many bytes of subject and headers precede a message. */
const OVERHEAD = 96;
