import { createReadStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BufferReadableMock, ObjectWritableMock } from 'stream-mock';
import { describe, expect, test } from 'vitest';
import { type ClientMessage, drone, type ServerMessage } from '../../src/drone/index.ts';
import { LengthPrefixDecoder, MessageDecoder, MessageEncoder, StateMachine } from '../../src/index.ts';

const folder = path.join(import.meta.dirname, '../fixtures');

/** What a client and a drone said in a real flight over TCP; `scripts/record-flight.ts` recorded it. */
const SAID: { client: ClientMessage[]; server: ServerMessage[] } = {
  client: [
    { type: 'write', text: 'HELLO' },
    { type: 'move', x: 10, y: 20 },
    { type: 'move', x: -1, y: 2_147_483_647 },
    { type: 'write', text: 'Grüße ✈' },
    { type: 'changeColor', r: 255, g: 128, b: 0 },
    { type: 'quit' },
  ],
  server: [
    { type: 'ok', text: 'AUTH_OK' },
    { type: 'ok', text: 'MOVING_TO(10, 20)' },
    { type: 'ok', text: 'MOVING_TO(-1, 2147483647)' },
    { type: 'error', text: 'WRONG_STATE' },
    { type: 'ok', text: 'COLOR_SET(255, 128, 0)' },
    { type: 'ok', text: 'BYE' },
  ],
};

/** The chunks of one direction, as they were received. */
function chunksOf(from: 'client' | 'server'): Buffer[] {
  return readFileSync(path.join(folder, 'flight.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { from: string; bytes: string })
    .filter((chunk) => chunk.from === from)
    .map((chunk) => Buffer.from(chunk.bytes, 'hex'));
}

async function messagesOf(source: Readable, from: 'client' | 'server'): Promise<unknown[]> {
  const messages: unknown[] = [];
  await pipeline(
    source,
    new LengthPrefixDecoder(),
    new MessageDecoder<ClientMessage | ServerMessage>(
      from === 'client' ? drone.clientMessages : drone.serverMessages,
    ),
    async (stream: AsyncIterable<unknown>) => {
      for await (const message of stream) messages.push(message);
    },
  );
  return messages;
}

for (const from of ['client', 'server'] as const) {
  describe(`what the ${from} said`, () => {
    test.each([1, 7, 64 * 1024])('read from a file, %i bytes at a time', async (highWaterMark) => {
      const file = createReadStream(path.join(folder, `flight.${from}.bin`), { highWaterMark });
      expect(await messagesOf(file, from)).toEqual(SAID[from]);
    });

    test('with the boundaries of the received chunks', async () => {
      const chunks = chunksOf(from);
      expect(chunks.length).toBeGreaterThan(1);
      expect(Buffer.concat(chunks)).toEqual(readFileSync(path.join(folder, `flight.${from}.bin`)));
      expect(await messagesOf(Readable.from(chunks, { objectMode: false }), from)).toEqual(SAID[from]);
    });

    test("from stream-mock's source into its sink", async () => {
      const sink = new ObjectWritableMock();
      await pipeline(
        new BufferReadableMock(chunksOf(from)),
        new LengthPrefixDecoder(),
        new MessageDecoder<ClientMessage | ServerMessage>(
          from === 'client' ? drone.clientMessages : drone.serverMessages,
        ),
        sink,
      );
      expect(sink.data).toEqual(SAID[from]);
    });
  });
}

test("a drone that receives the recorded client's bytes sends the recorded server's bytes", async () => {
  const out = new PassThrough();
  const [written] = await Promise.all([
    out.toArray(),
    pipeline(
      Readable.from(chunksOf('client'), { objectMode: false }),
      new LengthPrefixDecoder(),
      new MessageDecoder(drone.clientMessages),
      new StateMachine(drone.session),
      new MessageEncoder(drone.serverMessages),
      out,
    ),
  ]);
  expect(Buffer.concat(written as Buffer[])).toEqual(readFileSync(path.join(folder, 'flight.server.bin')));
});
