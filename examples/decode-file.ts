/** Decode a recorded file with the same stages that serve a socket. `npx tsx examples/decode-file.ts [FILE]` */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LengthPrefixDecoder, MessageDecoder } from 'wirepipe';
import { type ClientMessage, drone } from 'wirepipe/drone';

// Without a file: write "HELLO", then move to (10, 20).
const recorded = Buffer.from(
  '07000000 02 05 48454c4c4f 09000000 01 0a000000 14000000'.replaceAll(' ', ''),
  'hex',
);
const file = process.argv[2];
await pipeline(
  file === undefined ? Readable.from([recorded]) : createReadStream(file),
  new LengthPrefixDecoder(),
  new MessageDecoder(drone.clientMessages),
  async (messages: AsyncIterable<ClientMessage>) => {
    for await (const message of messages) console.log(message);
  },
);
