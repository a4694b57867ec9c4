/** Heap and resident memory per idle loopback connection, with the full drone pipeline, beside raw sockets. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { table } from './measure.ts';

const CONNECTIONS = 10_000;

const VARIANTS: Record<string, string> = {
  server: 'wirepipe, `createServer(drone)`',
  pipeline: 'wirepipe, `stream.pipeline` over four stages',
  plain: 'Node, `stream.pipeline` over four plain Transforms',
  raw: 'Node, the socket alone',
};

interface Memory {
  heap: number;
  resident: number;
}

export async function benchMemory(): Promise<string> {
  const rows: string[][] = [];
  for (const [variant, name] of Object.entries(VARIANTS)) {
    const { heap, resident } = await perConnection(variant);
    rows.push([name, (heap / 1024).toFixed(1), (resident / 1024).toFixed(1)]);
  }
  return `### Memory per idle connection, ${CONNECTIONS.toLocaleString('en')} of them over loopback\n\n${table(
    ['server', 'KiB of heap', 'KiB resident'],
    rows,
  )}`;
}

async function perConnection(variant: string): Promise<Memory> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', 'bench/idle-server.ts', variant]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface(child.stdout);
  const [first] = (await once(lines, 'line')) as [string];
  const port = Number(first.split(' ')[1]);
  const sockets: net.Socket[] = [];
  try {
    // A few first, so that everything allocated only once exists.
    for (let i = 0; i < 10; i++) sockets.push(...(await connectMany(port, 50)));
    await memoryOf(child, lines, sockets.length);
    const before = await memoryOf(child, lines, sockets.length);
    for (let i = 0; i < CONNECTIONS / 50; i++) sockets.push(...(await connectMany(port, 50)));
    const after = await memoryOf(child, lines, sockets.length);
    return {
      heap: (after.heap - before.heap) / CONNECTIONS,
      resident: (after.resident - before.resident) / CONNECTIONS,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill();
  }
}

function connectMany(port: number, count: number): Promise<net.Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = net.connect({ port, host: '127.0.0.1' });
      await once(socket, 'connect');
      return socket;
    }),
  );
}

/** The memory of the server once it serves that many connections: on a busy machine it accepts the last ones later. */
async function memoryOf(
  child: ChildProcessWithoutNullStreams,
  lines: Interface,
  connections: number,
): Promise<Memory> {
  for (;;) {
    child.stdin.write('\n');
    const [line] = (await once(lines, 'line')) as [string];
    const { served, ...memory } = JSON.parse(line) as Memory & { readonly served: number };
    if (served === connections) return memory;
  }
}
