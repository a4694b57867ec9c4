import type { Subscription } from '@nats-io/transport-node';
import { checkOptions, integer } from '../options.ts';
import type { Codec } from '../protocol/codec.ts';
import { deviceOf, deviceToken } from './device-token.ts';
import type { FleetLink } from './link.ts';
import { isPublishable } from './places.ts';

export interface TelemetryOptions {
  /** Only messages of this device. */
  device?: string | undefined;
  /** Only messages of these types. */
  types?: readonly string[] | undefined;
  /** The most messages that wait to be read; beyond this the oldest are dropped. Default 10,000. */
  maxUnread?: number | undefined;
}

/** A message that a device sent unasked. */
export interface Telemetry<Message> {
  readonly device: string;
  readonly message: Message;
}

/** Messages that devices send unasked, for `for await`. Leaving the loop ends the stream; so does the end of the connection to NATS. */
export class TelemetryStream<Message> implements AsyncIterableIterator<Telemetry<Message>, undefined> {
  /** Messages that were dropped unread. */
  dropped = 0;
  /** Received messages that are not messages of the protocol. */
  invalid = 0;
  readonly #codec: Codec<Message, never>;
  readonly #subscriptions: Subscription[];
  readonly #at: number;
  readonly #maxUnread: number;
  readonly #unread: Telemetry<Message>[] = [];
  #isOver = false;
  #waiting: ((result: IteratorResult<Telemetry<Message>, undefined>) => void)[] = [];

  /** @internal */
  constructor(link: FleetLink, codec: Codec<Message, never>, options: TelemetryOptions) {
    checkOptions('telemetry', options, { device: isDevice, types: isTypes, maxUnread: integer(1) });
    const { device, types, maxUnread = 10_000 } = options;
    this.#codec = codec;
    this.#maxUnread = maxUnread;
    const token = device === undefined ? undefined : deviceToken(device);
    const subjects = (types ?? [undefined]).map((type) => link.places.telemetry(token, type));
    this.#at = link.places.telemetry(token, undefined).split('.').length - 2;
    this.#subscriptions = subjects.map((subject) =>
      link.nats.subscribe(subject, {
        callback: (error, msg) => {
          if (error === null) this.#take(msg.subject, msg.data);
        },
      }),
    );
    for (const { closed } of this.#subscriptions) void closed.then(() => this.#end());
  }

  next(): Promise<IteratorResult<Telemetry<Message>, undefined>> {
    const value = this.#unread.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#isOver) return Promise.resolve(DONE);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Telemetry<Message>, undefined>> {
    this.#unread.length = 0;
    this.#end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(subject: string, data: Uint8Array): void {
    let message: Message;
    try {
      message = this.#codec.decode(Buffer.from(data));
    } catch {
      this.invalid++;
      return;
    }
    const value = { device: deviceOf(subject.split('.')[this.#at]!), message };
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value });
      return;
    }
    this.#unread.push(value);
    if (this.#unread.length <= this.#maxUnread) return;
    this.#unread.shift();
    this.dropped++;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const resolve of this.#waiting.splice(0)) resolve(DONE);
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

function isDevice(_: string, value: unknown): void {
  deviceToken(value as string);
}

function isTypes(name: string, value: unknown): void {
  if (Array.isArray(value) && value.every(isPublishable)) return;
  throw new TypeError(`${name} must be a list of types of messages, each of 1 to 512 bytes`);
}
