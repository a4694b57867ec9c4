/**
 * A broker in one process for producers: it keeps the records in memory.
 *
 *     npx tsx examples/kafka/broker.ts        and, with kafkajs: new Kafka({ brokers: ['127.0.0.1:PORT'] }).producer()
 */
import { pathToFileURL } from 'node:url';
import { createServer, defineProtocol, defineSession } from 'wirepipe';
import type { Batches } from './record-batch.ts';
import { replies } from './replies.ts';
import { APIS, framing, requests } from './requests.ts';

/** A record that was produced. */
export interface Kept {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, Buffer | null>;
}

/** No error. */
const NONE = 0;
/** The only broker, and the only partition of each topic. */
const BROKER = 1;
const PARTITION = 0;

export class Broker {
  readonly kept: Kept[] = [];
  readonly #ends = new Map<string, bigint>();
  readonly #session = defineSession({
    receives: requests,
    sends: replies,
    initial: 'ready',
    states: {
      ready: {
        on: {
          apiVersions: ({ correlation, api }) => {
            const message = { correlation, error: NONE, apis: APIS };
            if (api.version === 0) return { send: { type: 'apiVersions', message } };
            return { send: { type: 'apiVersionsSince1', message: { ...message, throttle: 0 } } };
          },
          metadata: ({ correlation, topics }) => ({
            send: { type: 'metadata', message: this.#metadata(correlation, topics) },
          }),
          produce: ({ correlation, topics, acks }) => {
            const results = topics.map(({ name, partitions }) => ({
              name,
              partitions: partitions.map(({ partition, records }) => ({
                partition,
                error: NONE,
                offset: this.#keep(name, partition, records),
                timestamp: -1n,
              })),
            }));
            // A producer that requests no acknowledgement gets none.
            if (acks === 0) return undefined;
            return {
              send: { type: 'produce', message: { correlation, topics: results, throttle: 0 } },
            };
          },
        },
      },
    },
  });
  readonly #server = createServer(
    defineProtocol({
      name: 'kafka',
      framing,
      clientMessages: requests,
      serverMessages: replies,
      session: this.#session,
    }),
  );
  #port = 0;

  /** Listen on a free port, and resolve to its number. */
  async listen(): Promise<number> {
    await this.#server.listen({ port: 0, host: '127.0.0.1' });
    this.#port = (this.#server.address() as { port: number }).port;
    return this.#port;
  }

  close(): Promise<unknown> {
    return this.#server.close();
  }

  /** Keep the records of batches. Returns the offset of the first record. */
  #keep(topic: string, partition: number, batches: Batches): bigint {
    const base = this.#ends.get(topic) ?? 0n;
    let offset = base;
    for (const { batch } of batches) {
      for (const { key, value, headers } of batch.records) {
        const copies = new Map(headers.map((header) => [header.key, copyOf(header.value)]));
        this.kept.push({ topic, partition, offset, key: copyOf(key), value: copyOf(value), headers: copies });
        offset++;
      }
    }
    this.#ends.set(topic, offset);
    return base;
  }

  #metadata(correlation: number, topics: readonly string[] | null) {
    return {
      correlation,
      brokers: [{ id: BROKER, host: '127.0.0.1', port: this.#port, rack: null }],
      controller: BROKER,
      topics: (topics ?? [...this.#ends.keys()]).map((name) => ({
        error: NONE,
        name,
        isInternal: false,
        partitions: [
          { error: NONE, partition: PARTITION, leader: BROKER, replicas: [BROKER], inSync: [BROKER] },
        ],
      })),
    };
  }
}

/** Decoded values are views of received memory, so keep copies. */
const copyOf = (view: Buffer | null): Buffer | null => view && Buffer.from(view);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(`listening on port ${await new Broker().listen()}`);
}
