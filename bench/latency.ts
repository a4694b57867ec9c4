/**
 * The round trip of a 64-byte frame with one request in flight, client and server on the same processor. On two
 * processors the figure would mostly measure how fast the machine wakes an idle one. `latency.ts PORT` is the client,
 * in a process of its own, and prints the median in nanoseconds.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { promisify } from 'node:util';
import { echoServers } from './echo.ts';
import { frameLoad, median, type ServerProcess, startServer, table } from './measure.ts';

const PAYLOAD = 64;
const WARM_UP = 20_000;
const REQUESTS = 20_000;
const ROUNDS = 5;
/** Asks for one processor, for client and server alike (util-linux). */
const PIN = ['/usr/bin/taskset', '-c', '0'];

export async function benchLatency(): Promise<string> {
  const title = '### Latency, one 64-byte request in flight, client and server on one processor';
  if (!existsSync(PIN[0]!)) return `${title}\n\nNot measured: there is no ${PIN[0]} here.`;
  const rows: string[][] = [];
  const servers: { name: string; server: ServerProcess; times: number[] }[] = [];
  try {
    for (const [name, command] of Object.entries(echoServers('forwarded'))) {
      servers.push({ name, server: await startServer([...PIN, ...command]), times: [] });
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const { server, times } of servers) times.push(await roundTrip(server.port));
    }
  } finally {
    for (const { server } of servers) server.process.kill();
  }
  const raw = median(servers.find(({ name }) => name.includes('no framing'))!.times);
  for (const { name, times } of servers) {
    const time = median(times);
    rows.push([name, (time / 1_000).toFixed(1), (time / raw).toFixed(2)]);
  }
  return `${title}\n\n${table(['server', 'median µs', 'this ÷ raw Node'], rows)}`;
}

async function roundTrip(port: number): Promise<number> {
  const [file, ...args] = [...PIN, process.execPath, '--import', 'tsx', import.meta.filename, String(port)];
  const { stdout } = await promisify(execFile)(file!, args);
  return Number(stdout);
}

/** The median of many round trips, in nanoseconds; every byte that comes back is compared. */
function client(port: number): void {
  const frame = frameLoad(PAYLOAD, 'forwarded').block.subarray(0, 4 + PAYLOAD);
  const times: number[] = [];
  let sent = process.hrtime.bigint();
  let received = 0;
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(frame));
  socket.on('data', (chunk: Buffer) => {
    if (chunk.compare(frame, received, received + chunk.length) !== 0)
      throw new Error('wrong bytes came back');
    received += chunk.length;
    if (received < frame.length) return;
    received = 0;
    const now = process.hrtime.bigint();
    times.push(Number(now - sent));
    if (times.length === WARM_UP + REQUESTS) {
      console.log(median(times.slice(WARM_UP)));
      socket.destroy();
      return;
    }
    sent = process.hrtime.bigint();
    socket.write(frame);
  });
}

if (process.argv[1] === import.meta.filename) client(Number(process.argv[2]));
