/** The subjects, streams and keys of a fleet in NATS. */
export interface Places {
  /** The subject of one gateway. */
  gateway(id: string): string;
  /** The subject of the gateways' heartbeats. */
  readonly beats: string;
  /** The bucket of claims and states. */
  readonly bucket: string;
  /** The key of a device's claim, and the key of its session's state. */
  claim(token: string): string;
  state(token: string): string;
  /** The key of the entry that describes the fleet; it has the same prefix as claims and states. */
  readonly about: string;
  /** A pattern for all of these keys. */
  readonly live: string;
  /** The key of the last queued command that was sent to a device. */
  attempt(token: string): string;
  /** The stream of the queues, and the subject of one device's queue. */
  readonly queues: string;
  queue(token: string): string;
  readonly allQueues: string;
  /** The subject of one type of message that a device sends unasked; undefined stands for all devices, or all types. */
  telemetry(token: string | undefined, type: string | undefined): string;
}

/** The most bytes of the name of a published type. NATS ends a connection whose subject takes kilobytes. */
const LONGEST_TYPE = 512;

/**
 * Whether messages of this type can be published. A codec of the user's own may take the type from the bytes of a device. Every
 * character is allowed, since the subject holds the name as base64url.
 */
export function isPublishable(type: unknown): type is string {
  return typeof type === 'string' && type !== '' && Buffer.byteLength(type) <= LONGEST_TYPE;
}

/**
 * The places of the fleet with that name.
 *
 *     wirepipe.NAME.gateway.ID          requests to a gateway
 *     wirepipe.NAME.beat                heartbeats
 *     wirepipe.NAME.queue.DEVICE        persistent commands (stream wirepipe_NAME)
 *     wirepipe.NAME.telemetry.DEVICE.TYPE
 *     bucket wirepipe_NAME:  live.about, live.DEVICE.claim, live.DEVICE.state, attempt.DEVICE
 *
 * @param name - letters, digits, `-` and `_`, at most 64
 */
export function placesOf(name: string): Places {
  const root = `wirepipe.${name}`;
  return {
    gateway: (id) => `${root}.gateway.${id}`,
    beats: `${root}.beat`,
    bucket: `wirepipe_${name}`,
    claim: (token) => `live.${token}.claim`,
    state: (token) => `live.${token}.state`,
    about: 'live.about',
    live: 'live.>',
    attempt: (token) => `attempt.${token}`,
    queues: `wirepipe_${name}`,
    queue: (token) => `${root}.queue.${token}`,
    allQueues: `${root}.queue.*`,
    telemetry: (token = '*', type) =>
      `${root}.telemetry.${token}.${type === undefined ? '*' : Buffer.from(type).toString('base64url')}`,
  };
}
