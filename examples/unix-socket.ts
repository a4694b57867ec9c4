/** A server and a client over a Unix socket. `npx tsx examples/unix-socket.ts` */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connect, createServer } from 'wirepipe';
import { drone } from 'wirepipe/drone';

const folder = await mkdtemp(path.join(os.tmpdir(), 'wirepipe-'));
const socket = path.join(folder, 'drone.sock');
const server = createServer(drone);
await server.listen({ path: socket });

const client = await connect(drone, { path: socket });
client.send({ type: 'write', text: 'HELLO' });
client.send({ type: 'quit' });
for await (const answer of client) console.log(answer.type, answer.text);
await client.closed;

await server.close();
await rm(folder, { recursive: true });
