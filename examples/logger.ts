/**
 * Your own Transform in the middle of the pipeline: it sees one message at a time, although neighbouring stages pass
 * whole batches. `npx tsx examples/logger.ts`
 */
import net from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { connect, LengthPrefixDecoder, MessageDecoder, MessageEncoder, StateMachine } from 'wirepipe';
import { drone } from 'wirepipe/drone';

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const logger = new Transform({
    objectMode: true,
    transform(message, _, callback) {
      console.log('received', message);
      callback(null, message);
    },
  });
  pipeline(
    socket,
    new LengthPrefixDecoder(),
    new MessageDecoder(drone.clientMessages),
    logger,
    new StateMachine(drone.session),
    new MessageEncoder(drone.serverMessages),
    socket,
    () => server.close(),
  );
});
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as net.AddressInfo;
  const client = await connect(drone, { port, host: '127.0.0.1' });
  client.send({ type: 'write', text: 'HELLO' });
  client.send({ type: 'move', x: -1, y: 1 });
  client.send({ type: 'quit' });
  for await (const answer of client) console.log('answered', answer);
});
