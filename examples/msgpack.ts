/** Messages in another library's format, here MessagePack, without a socket. `npx tsx examples/msgpack.ts` */
import { pipeline } from 'node:stream/promises';
import { decode, encode } from '@msgpack/msgpack';
import * as w from 'wirepipe';

type Reading = { type: 'reading'; sensor: number; celsius: number };
const codec = w.codecFrom<Reading>({ decode: (bytes) => decode(bytes) as Reading, encode });

// The encoder's bytes go straight into a decoder, without a socket.
const sent = new w.MessageEncoder(codec);
const received = new w.MessageDecoder(codec);
sent.write({ type: 'reading', sensor: 1, celsius: 21.5 });
sent.end({ type: 'reading', sensor: 2, celsius: -3 });
await pipeline(sent, new w.LengthPrefixDecoder(), received, async (readings) => {
  for await (const reading of readings) console.log(reading);
});
