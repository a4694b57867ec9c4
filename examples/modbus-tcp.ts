/**
 * Modbus over TCP:
 *
 *     npx tsx examples/modbus-tcp.ts serve            holding registers, on a free port
 *     npx tsx examples/modbus-tcp.ts read PORT        reads ten of them, ten times at once, and writes one
 */
import type { AddressInfo } from 'node:net';
import { connect } from 'wirepipe';
import { holdingServer } from './modbus/server.ts';
import { protocol } from './modbus/tcp.ts';

const UNIT = 1;

async function serve(): Promise<void> {
  const server = holdingServer(Array.from({ length: 1_000 }, (_, i) => i));
  await server.listen({ port: 0, host: '127.0.0.1' });
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
}

async function read(port: number): Promise<void> {
  const client = await connect(protocol, { port, host: '127.0.0.1', replies: { id: 'transaction' } });
  const replies = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      client.request({ type: 'readHolding', unit: UNIT, address: 10 * i, count: 10 }),
    ),
  );
  for (const reply of replies) console.log(reply.type === 'holding' ? reply.registers.join(' ') : reply.type);
  const written = await client.request({ type: 'writeRegister', unit: UNIT, address: 2, value: 0xbeef });
  console.log(written.type);
  const refused = await client.request({ type: 'readHolding', unit: UNIT, address: 60_000, count: 1 });
  console.log(refused.type === 'failed' ? refused.reason : refused.type);
  client.end();
}

const [what, port] = process.argv.slice(2);
if (what === 'serve') await serve();
else await read(Number(port));
