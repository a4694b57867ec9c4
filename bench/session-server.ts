/** A server of the drone session in its own process: `session-server.ts VARIANT`, prints `listening PORT`. */
import net from 'node:net';
import { pipeline } from 'node:stream';
import { createServer } from 'wirepipe';
import { drone } from 'wirepipe/drone';
import { droneStages } from './drone-stages.ts';
import { handwrittenSession } from './handwritten-session.ts';
import { plainStages } from './plain-stages.ts';
import './ballast.ts';

/** Errors of peers that disconnect are ignored. */
const gone = (): void => {};

const VARIANTS: Record<string, (socket: net.Socket) => void> = {
  pipeline: (socket) => {
    pipeline([socket, ...droneStages(), socket] as never, gone);
  },

  hand: (socket) => {
    const answers = handwrittenSession();
    socket.on('data', (chunk: Buffer) => {
      if (socket.write(answers(chunk))) return;
      socket.pause();
      socket.once('drain', () => socket.resume());
    });
    socket.on('end', () => socket.end());
  },

  plain: (socket) => {
    pipeline([socket, ...plainStages(), socket] as never, gone);
  },
};

const variant = process.argv[2] ?? '';
if (variant === 'server') {
  const server = createServer(drone, { noDelay: true });
  await server.listen({ port: 0, host: '127.0.0.1' });
  console.log(`listening ${(server.address() as net.AddressInfo).port}`);
} else {
  const serve = VARIANTS[variant];
  if (serve === undefined) throw new Error(`no such variant: ${variant}`);
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', gone);
    serve(socket);
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`listening ${(server.address() as net.AddressInfo).port}`);
  });
}
