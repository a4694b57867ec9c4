/** A server in a process of its own, for the long tests: it serves the echo protocol, and tells its parent what it holds. */
import diagnostics from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from '../../src/index.ts';
import { echoing } from '../support/echo.ts';
import type { Held, ServerSettings } from './served.ts';

const { port, host, ledger, options }: ServerSettings = JSON.parse(process.argv[2]!);
const server = createServer(echoing(), { maxConnections: 100_000, ...options });
server.on('error', (error) => console.error(error));

if (ledger !== undefined) {
  // What is executed is written down before it is answered, and outlives the process.
  diagnostics.subscribe('wirepipe:connection:message', (event) => {
    const { message } = event as { message: { type: string; body?: Buffer } };
    if (message.type === 'echo') appendFileSync(ledger, `${message.body}\n`);
  });
}

/** What the process holds once all garbage is collected. */
function held(): Held {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { connections, heldBytes, waitingBytes, limits } = server.stats();
  const handles = process.getActiveResourcesInfo().length;
  return { rss, heap: heapUsed + external, handles, connections, heldBytes, waitingBytes, limits };
}

process.on('message', () => process.send!(held()));
process.on('disconnect', () => process.exit());
await server.listen({ port, host, backlog: 4_096 });
process.send!((server.address() as AddressInfo).port);
