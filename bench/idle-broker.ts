/** An MQTT broker that reports its memory on request: the example's, or aedes. `bench/replace.ts` runs it. */
import net from 'node:net';
import { createInterface } from 'node:readline';
import { Aedes } from 'aedes';
import { createBroker } from '../examples/mqtt/broker.ts';

const VARIANTS: Record<string, () => Promise<net.Server | ReturnType<typeof createBroker>['server']>> = {
  async wirepipe() {
    const { server } = createBroker();
    await server.listen({ port: 0, host: '127.0.0.1' });
    return server;
  },
  async aedes() {
    const server = net.createServer((await Aedes.createBroker()).handle);
    await new Promise((listening) =>
      server.listen({ port: 0, host: '127.0.0.1' }, () => listening(undefined)),
    );
    return server;
  },
};

const server = await VARIANTS[process.argv[2] ?? '']!();
console.log(`listening ${(server.address() as net.AddressInfo).port}`);
for await (const _ of createInterface(process.stdin)) {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, rss } = process.memoryUsage();
  console.log(JSON.stringify({ heap: heapUsed, resident: rss }));
}
