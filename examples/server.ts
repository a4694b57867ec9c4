/**
 * A drone server without `createServer`: four stages between a socket and itself. `npx tsx examples/server.ts [PORT]`
 */
import net from 'node:net';
import { pipeline } from 'node:stream';
import { LengthPrefixDecoder, MessageDecoder, MessageEncoder, StateMachine } from 'wirepipe';
import { drone } from 'wirepipe/drone';

// `allowHalfOpen` lets a client that ends its side at once still get every answer.
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  pipeline(
    socket,
    new LengthPrefixDecoder({ maxFrameLength: 10_000_000 }),
    new MessageDecoder(drone.clientMessages),
    new StateMachine(drone.session),
    new MessageEncoder(drone.serverMessages),
    socket,
    (error) => console.log(error ? `connection failed: ${error.message}` : 'connection over'),
  );
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as net.AddressInfo).port}`);
});
