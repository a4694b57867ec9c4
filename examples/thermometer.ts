/** A thermometer, and a client that reads it. `npx tsx examples/thermometer.ts [PORT]` */
import net from 'node:net';
import { pipeline } from 'node:stream';
import * as wire from 'wirepipe';

const requests = wire.messages(wire.u8, { read: wire.message(1, { sensor: wire.u8 }) });
const replies = wire.messages(wire.u8, { value: wire.message(1, { sensor: wire.u8, celsius: wire.f32be }) });
const session = wire.defineSession({
  receives: requests,
  sends: replies,
  initial: 'ready',
  states: { ready: { on: { read: ({ sensor }) => ({ send: { type: 'value', sensor, celsius: 20.5 } }) } } },
});
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const received = [new wire.LengthPrefixDecoder(), new wire.MessageDecoder(requests)] as const;
  const answered = [new wire.StateMachine(session), new wire.MessageEncoder(replies)] as const;
  pipeline(socket, ...received, ...answered, socket, (error) => error && console.error(error.message));
});
server.listen(Number(process.argv[2] ?? 0), async () => {
  const { port } = server.address() as net.AddressInfo;
  console.log('listening on port', port);
  const protocol = { framing: wire.lengthPrefix(), clientMessages: requests, serverMessages: replies };
  const client = await wire.connect(protocol, { port });
  console.log(await client.request({ type: 'read', sensor: 7 }));
  client.end();
});
