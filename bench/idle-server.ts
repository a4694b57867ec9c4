/**
 * A server in its own process, for idle connections: `idle-server.ts VARIANT`. Prints `listening PORT`; for each line
 * on its standard input it collects garbage and prints its memory, and how many connections it has served:
 * `{"heap": bytes, "resident": bytes, "served": count}`.
 */
import net from 'node:net';
import { createInterface } from 'node:readline';
import { pipeline, Transform } from 'node:stream';
import { createServer } from 'wirepipe';
import { drone } from 'wirepipe/drone';
import { droneStages } from './drone-stages.ts';

const gone = (): void => {};
let served = 0;
const object = (): Transform =>
  new Transform({ objectMode: true, transform: (chunk, _, callback) => callback(null, chunk) });

const VARIANTS: Record<string, () => Promise<number>> = {
  raw: () => listen((socket) => socket.on('data', gone)),
  plain: () => listen((socket) => pipeline(socket, object(), object(), object(), object(), socket, gone)),
  pipeline: () => listen((socket) => pipeline([socket, ...droneStages(), socket] as never, gone)),
  async server() {
    const server = createServer(drone).on('connection', () => served++);
    await server.listen({ port: 0, host: '127.0.0.1' });
    return (server.address() as net.AddressInfo).port;
  },
};

function listen(serve: (socket: net.Socket) => void): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      serve(socket);
      served++;
    });
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
      resolve((server.address() as net.AddressInfo).port);
    });
  });
}

const start = VARIANTS[process.argv[2] ?? ''];
if (start === undefined) throw new Error(`no such variant (${Object.keys(VARIANTS).join(', ')})`);
console.log(`listening ${await start()}`);
for await (const _ of createInterface(process.stdin)) {
  // Collect more than once, with turns between: finalizers release some objects.
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed: heap, rss: resident } = process.memoryUsage();
  console.log(JSON.stringify({ heap, resident, served }));
}
