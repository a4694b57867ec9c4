/**
 * NATS, two gateways and four chargers on this machine: `npx tsx examples/fleet/start.ts [PORT OF NATS]`. Then, in another terminal,
 * `npx tsx examples/fleet/command.ts`. It needs nats-server (Debian: `apt install nats-server`).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect } from 'wirepipe';
import { charger } from './charger.ts';

const [port = '4222'] = process.argv.slice(2);
const nats = `127.0.0.1:${port}`;
const folder = mkdtempSync(path.join(os.tmpdir(), 'fleet-'));
const store = ['--jetstream', '--store_dir', folder];
const children = [
  spawn('nats-server', ['--addr', '127.0.0.1', '--port', port, ...store], { stdio: 'ignore' }),
];
children[0]!.on('error', ({ message }) => {
  console.error(`nats-server does not start: ${message}`);
  process.exit(1);
});
process.on('exit', () => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit());

const ports = [Number(port) + 1, Number(port) + 2];
/** Resolves once a server listens on the port. */
async function listening(): Promise<void> {
  for (;;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = net.connect(Number(port), '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isThere) return;
    await setTimeout(100);
  }
}
await listening();
for (const own of ports) {
  const args = ['--import', 'tsx', path.join(import.meta.dirname, 'gateway.ts'), String(own), nats];
  children.push(spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
}

/** A charger: it connects to any gateway, and to another gateway if the first is gone. */
async function live(serial: string): Promise<void> {
  let power = 0;
  for (;;) {
    try {
      const gateway = ports[Math.floor(Math.random() * ports.length)]!;
      const client = await connect(charger, { port: gateway, host: '127.0.0.1' });
      client.send({ type: 'hello', serial });
      const telling = setInterval(() => client.send({ type: 'power', watts: power }), 1_000);
      void client.closed.catch(() => {}).finally(() => clearInterval(telling));
      for await (const message of client) {
        if (message.type === 'start') {
          power = 11_000;
          client.send({ type: 'ok', seq: message.seq, text: `${serial} charges at ${message.connector}` });
        } else if (message.type === 'stop') {
          power = 0;
          client.send({ type: 'ok', seq: message.seq, text: `${serial} has stopped` });
        }
      }
    } catch {
      // The gateway is gone, or not started yet.
    }
    await setTimeout(500);
  }
}
for (let i = 1; i <= 4; i++) void live(`charger ${i}`);
