/** examples/kafka, against the producer and the admin client of npm kafkajs. */
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connect } from 'wirepipe';
import { Broker } from '../../examples/kafka/broker.ts';
import { anyReply, replyTo } from '../../examples/kafka/replies.ts';
import { framing, requests } from '../../examples/kafka/requests.ts';

let broker: Broker;
let port: number;
beforeEach(async () => {
  broker = new Broker();
  port = await broker.listen();
});
afterEach(() => broker.close());

const kafka = (): Kafka =>
  new Kafka({
    clientId: 'test',
    brokers: [`127.0.0.1:${port}`],
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });

test('a producer finds the broker, which keeps its records: keys, values, headers, null', async () => {
  const producer = kafka().producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const sent = await producer.send({
    topic: 'orders',
    messages: [
      { key: 'k1', value: 'hällo' },
      { key: null, value: 'x'.repeat(300), headers: { h: 'v' } },
      { key: 'gone', value: null },
    ],
  });
  const second = await producer.send({ topic: 'orders', messages: [{ value: 'later' }] });
  await producer.send({ topic: 'unheard', messages: [{ value: 'nobody answers' }], acks: 0 });
  await producer.disconnect();

  expect(sent).toMatchObject([{ topicName: 'orders', partition: 0, errorCode: 0, baseOffset: '0' }]);
  expect(second).toMatchObject([{ baseOffset: '3' }]);
  const text = (bytes: Buffer | null | undefined): string | null => bytes?.toString() ?? null;
  // The last one is not acknowledged.
  await vi.waitFor(() => expect(broker.kept).toHaveLength(5), 30_000);
  expect(broker.kept.map(({ topic, offset, key, value }) => [topic, offset, text(key), text(value)])).toEqual(
    [
      ['orders', 0n, 'k1', 'hällo'],
      ['orders', 1n, null, 'x'.repeat(300)],
      ['orders', 2n, 'gone', null],
      ['orders', 3n, null, 'later'],
      ['unheard', 0n, null, 'nobody answers'],
    ],
  );
  expect(text(broker.kept[1]!.headers.get('h'))).toBe('v');
});

test('an admin client lists the topics', async () => {
  const admin = kafka().admin();
  await admin.connect();
  expect(await admin.listTopics()).toEqual([]);
  await admin.disconnect();
});

test('a client declared from the same fields: each reply is decoded by its request', async () => {
  const client = await connect(
    {
      framing,
      clientMessages: requests,
      serverMessages: anyReply,
      replies: { id: 'correlation', decode: replyTo },
    },
    { host: '127.0.0.1', port },
  );
  const api = (version: number) => ({ api: { version }, client: null });
  expect(await client.request({ type: 'apiVersions', ...api(0) })).toMatchObject({ apis: { length: 3 } });
  expect(await client.request({ type: 'apiVersions', ...api(2) })).toMatchObject({ throttle: 0 });
  expect(await client.request({ type: 'metadata', ...api(1), topics: ['a'] })).toMatchObject({
    brokers: [{ host: '127.0.0.1', port, rack: null }],
    topics: [{ name: 'a', partitions: [{ leader: 1 }] }],
  });
  client.end();
});
