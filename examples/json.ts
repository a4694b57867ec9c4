/** JSON messages over TCP, each after its length. `npx tsx examples/json.ts` */
import net from 'node:net';
import { PassThrough, pipeline, Transform } from 'node:stream';
import * as w from 'wirepipe';

type Reading = { type: 'reading'; sensor: number; celsius: number };
const codec = w.json<Reading>();

// The server answers each reading with a reading that is one degree warmer.
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const warmer = new Transform({
    objectMode: true,
    transform: (reading: Reading, _, done) => done(null, { ...reading, celsius: reading.celsius + 1 }),
  });
  const received = [new w.LengthPrefixDecoder(), new w.MessageDecoder(codec)] as const;
  pipeline(
    socket,
    ...received,
    warmer,
    new w.MessageEncoder(codec),
    socket,
    (error) => error && console.error(error),
  );
});

server.listen(0, '127.0.0.1', () => {
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const sent = new PassThrough({ objectMode: true });
  const answers = new w.MessageDecoder(codec);
  pipeline(
    sent,
    new w.MessageEncoder(codec),
    socket,
    new w.LengthPrefixDecoder(),
    answers,
    async (messages) => {
      for await (const message of messages) console.log(message);
    },
    (error) => {
      if (error) console.error(error);
      server.close();
    },
  );
  sent.write({ type: 'reading', sensor: 1, celsius: 20.5 });
  sent.end({ type: 'reading', sensor: 2, celsius: -4 });
});
