/**
 * Your own stage in the middle of the pipeline: it counts the commands, and drops a command equal to the one before.
 * Unlike a Transform, it takes and gives whole batches. `npx tsx examples/filter.ts`
 */
import net from 'node:net';
import { pipeline } from 'node:stream';
import {
  connect,
  type Decoded,
  LengthPrefixDecoder,
  MessageDecoder,
  MessageEncoder,
  Stage,
  StateMachine,
} from 'wirepipe';
import { drone } from 'wirepipe/drone';

type Command = Decoded<typeof drone.clientMessages>;

class WithoutRepeats extends Stage<Command> {
  seen = 0;
  dropped = 0;
  #last = '';
  #command: Command | undefined;

  constructor() {
    super('messages', 'messages');
  }

  protected override accept(command: Command): void {
    this.seen++;
    const text = JSON.stringify(command);
    if (text === this.#last) this.dropped++;
    else this.#command = command;
    this.#last = text;
  }

  protected override produce(): Command | undefined {
    const command = this.#command;
    this.#command = undefined;
    return command;
  }
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const filter = new WithoutRepeats();
  pipeline(
    socket,
    new LengthPrefixDecoder(),
    new MessageDecoder(drone.clientMessages),
    filter,
    new StateMachine(drone.session),
    new MessageEncoder(drone.serverMessages),
    socket,
    () => {
      console.log(`${filter.seen} commands, ${filter.dropped} dropped`);
      server.close();
    },
  );
});
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as net.AddressInfo;
  const client = await connect(drone, { port, host: '127.0.0.1' });
  client.send({ type: 'write', text: 'HELLO' });
  for (let i = 0; i < 10; i++) client.send({ type: 'move', x: 7, y: -7 });
  client.send({ type: 'quit' });
  for await (const answer of client) console.log('answered', answer.text);
});
