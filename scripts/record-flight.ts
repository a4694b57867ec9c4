/**
 * Record a real flight over TCP, as the fixtures of the tests: `npx tsx scripts/record-flight.ts`.
 *
 *     flight.jsonl        a line per chunk as it was received: {"at": ms, "from": "client" | "server", "bytes": hex}
 *     flight.client.bin   what the client sent, flight.server.bin what the server sent: the bytes alone
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'wirepipe';
import { type ClientMessage, drone } from 'wirepipe/drone';

const COMMANDS: ClientMessage[] = [
  { type: 'write', text: 'HELLO' },
  { type: 'move', x: 10, y: 20 },
  { type: 'move', x: -1, y: 2_147_483_647 },
  { type: 'write', text: 'Grüße ✈' },
  { type: 'changeColor', r: 255, g: 128, b: 0 },
  { type: 'quit' },
];
/** The byte offsets at which the client cuts its stream: inside a header, inside a body, two messages at once. */
const CUTS = [2, 11, 18, 40, 47];

const server = createServer(drone);
await server.listen({ port: 0, host: '127.0.0.1' });

const chunks: { at: number; from: 'client' | 'server'; bytes: string }[] = [];
const start = performance.now();
const note = (from: 'client' | 'server', chunk: Buffer): void => {
  chunks.push({ at: Math.round(performance.now() - start), from, bytes: chunk.toString('hex') });
};
const recorder = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const up = net.connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  client.on('data', (chunk) => note('client', chunk)).pipe(up);
  up.on('data', (chunk) => note('server', chunk)).pipe(client);
});
recorder.listen(0, '127.0.0.1');
await once(recorder, 'listening');

const writer = drone.framing.writer();
const frames = COMMANDS.map((command) => {
  const payload = drone.clientMessages.encode(command);
  const frame = Buffer.alloc(writer.bound(payload.length));
  return frame.subarray(0, writer.write(frame, 0, payload, 0, payload.length));
});
const flight = Buffer.concat(frames);
const socket = net.connect({
  port: (recorder.address() as AddressInfo).port,
  host: '127.0.0.1',
  noDelay: true,
});
socket.resume();
const closed = once(socket, 'close');
for (const [i, cut] of [...CUTS, flight.length].entries()) {
  socket.write(flight.subarray(CUTS[i - 1] ?? 0, cut));
  await sleep(20);
}
socket.end();
await closed;
recorder.close();
await server.close();

const folder = path.join(import.meta.dirname, '../test/fixtures');
writeFileSync(
  path.join(folder, 'flight.jsonl'),
  `${chunks.map((chunk) => JSON.stringify(chunk)).join('\n')}\n`,
);
for (const from of ['client', 'server'] as const) {
  const bytes = chunks.filter((chunk) => chunk.from === from).map((chunk) => Buffer.from(chunk.bytes, 'hex'));
  writeFileSync(path.join(folder, `flight.${from}.bin`), Buffer.concat(bytes));
}
