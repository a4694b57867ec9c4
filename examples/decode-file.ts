/** Decode what was recorded in a file, with the stages that serve a socket. `npx tsx examples/decode-file.ts FILE` */
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LengthPrefixDecoder, MessageDecoder } from 'wirepipe';
import { type ClientMessage, drone } from 'wirepipe/drone';

const recorded = path.join(import.meta.dirname, '../test/fixtures/flight.client.bin');
const file = process.argv[2] ?? recorded;
await pipeline(
  createReadStream(file),
  new LengthPrefixDecoder(),
  new MessageDecoder(drone.clientMessages),
  async (messages: AsyncIterable<ClientMessage>) => {
    for await (const message of messages) console.log(message);
  },
);
