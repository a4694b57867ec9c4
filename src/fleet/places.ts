/** Where the parts of a fleet are found on NATS. */
export interface Places {
  /** The subject of one gateway. */
  gateway(id: string): string;
  /** On it each gateway says that it lives. */
  readonly beats: string;
  /** The bucket of claims and states. */
  readonly bucket: string;
  /** The key of the claim of a device, and of its session's state. */
  claim(token: string): string;
  state(token: string): string;
  /** The key under which it stands what the fleet speaks; under the same prefix as claims and states. */
  readonly about: string;
  /** All of these keys. */
  readonly live: string;
  /** The key under which it stands which queued command was sent to a device last. */
  attempt(token: string): string;
  /** The stream of the queues, and the subject of one device's. */
  readonly queues: string;
  queue(token: string): string;
  readonly allQueues: string;
  /** The subject of a type of message that a device sends unasked; or of all types, or all devices. */
  telemetry(token: string | undefined, type: string | undefined): string;
}

/**
 * The places of the fleet of that name.
 *
 *     wirepipe.NAME.gateway.ID          what a gateway is asked
 *     wirepipe.NAME.beat                signs of life
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
