import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import type { ClientMessage, ServerMessage } from '../drone/messages.ts';
import { droneProtocol } from '../drone/protocol.ts';
import { SimulatedDrone } from '../drone/simulation.ts';
import { createServer } from '../net/server.ts';
import { fromClient } from '../protocol/direction.ts';
import { framed } from '../protocol/framing/framed.ts';
import { LengthPrefixDecoder } from '../streams/length-prefix-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { MessageLog } from './message-log.ts';
import type { Verb } from './verb.ts';

/** The controller's messages, each with the expected answer. */
const FLIGHT: readonly [ClientMessage, ServerMessage][] = [
  [
    { type: 'move', x: 1, y: 1 },
    { type: 'error', text: 'EXPECTED_HANDSHAKE' },
  ],
  [
    { type: 'write', text: 'HELLO' },
    { type: 'ok', text: 'AUTH_OK' },
  ],
  [
    { type: 'move', x: 10, y: 20 },
    { type: 'ok', text: 'MOVING_TO(10, 20)' },
  ],
  [
    { type: 'move', x: -7, y: -300 },
    { type: 'ok', text: 'MOVING_TO(-7, -300)' },
  ],
  [
    { type: 'move', x: 2_147_483_647, y: -2_147_483_648 },
    { type: 'ok', text: 'MOVING_TO(2147483647, -2147483648)' },
  ],
  [
    { type: 'changeColor', r: 255, g: 128, b: 0 },
    { type: 'ok', text: 'COLOR_SET(255, 128, 0)' },
  ],
  [
    { type: 'write', text: 'land?' },
    { type: 'error', text: 'WRONG_STATE' },
  ],
  [{ type: 'quit' }, { type: 'ok', text: 'BYE' }],
];

/** `fly`, the demonstration: a drone and its controller over TCP, with every message shown. */
export const fly: Verb = (program) => {
  program
    .command('fly')
    .description('run the demonstration: a drone and its controller over TCP, with every message shown')
    .action(run);
};

async function run(): Promise<void> {
  const drone = new SimulatedDrone();
  const protocol = droneProtocol({ onCommand: (command) => drone.obey(command) });
  const server = createServer(protocol);
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.address() as AddressInfo;
  console.log(`drone listening on 127.0.0.1:${port}`);

  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[connection]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
  // Keeps the bytes on the wire, header included: an ordinary Transform between two stages.
  let frame: Buffer = Buffer.alloc(0);
  const tap = new Transform({
    objectMode: true,
    transform(received: Buffer, _, callback) {
      frame = received;
      callback(null, received.subarray(4));
    },
  });
  const messages = new MessageDecoder(protocol.serverMessages);
  pipeline(socket, new LengthPrefixDecoder({ initialBytesToStrip: 0 }), tap, messages, () => socket.end());
  const answers = messages[Symbol.asyncIterator]();

  const log = new MessageLog();
  const writer = fromClient(protocol).framing.writer();
  let frames = 0;
  let asExpected = true;
  for (const [command, expected] of FLIGHT) {
    const sent = framed(writer, protocol.clientMessages.encode(command));
    log.line('→', connection.machine.state, sent, command);
    socket.write(sent);
    const { value: answer } = (await answers.next()) as IteratorResult<ServerMessage, undefined>;
    if (answer === undefined) throw new Error(`the drone did not answer '${command.type}'`);
    log.line('←', connection.machine.state, frame, answer);
    frames++;
    if (answer.type !== expected.type || answer.text !== expected.text) {
      asExpected = false;
      console.error(`expected ${expected.type} '${expected.text}'`);
    }
  }
  const { done } = await answers.next();
  socket.end();
  await server.close();

  console.log(`drone at rest: ${drone}`);
  console.log(
    `${frames} frames, ${socket.bytesWritten} bytes →   ${frames} frames, ${socket.bytesRead} bytes ←`,
  );
  const { x, y, color } = drone;
  const landed =
    x === 2_147_483_647 && y === -2_147_483_648 && color.r === 255 && color.g === 128 && color.b === 0;
  if (!(asExpected && done === true && landed)) throw new Error('the flight did not go as expected');
}
