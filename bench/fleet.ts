/**
 * Commands through a fleet, beside plain NATS and a local connection; and the cost of devices, claims and telemetry.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { connectFleet } from 'wirepipe/fleet';
import { charger } from '../examples/fleet/charger.ts';
import { NatsServer, noNats } from '../test/support/nats-server.ts';
import { type Loaded, load } from './fleet-load.ts';
import { cpuTime, table } from './measure.ts';

/** Devices of the run with commands, of that with memory, and entries of the simulated fleet. */
const DEVICES = 200;
const IDLE = 4_000;
const SIMULATED = 100_000;
const MILLION = 1_000_000;

export async function benchFleet(): Promise<string> {
  const title = '### A fleet over NATS';
  if (noNats !== undefined) return `${title}\n\nNot measured: ${noNats}.`;
  const sections = [await commands(), await costs(), await simulation()];
  return [title, ...sections].join('\n\n');
}

class Role {
  readonly child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  static async start(...args: string[]): Promise<Role> {
    const execArgv = ['--expose-gc', '--import', 'tsx'];
    const child = fork(path.join(import.meta.dirname, 'fleet-role.ts'), args, { execArgv });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Role(child, port);
  }

  async ask<Answer>(what: string, argument = 0): Promise<Answer> {
    this.child.send([what, argument]);
    const [{ answer }] = (await once(this.child, 'message')) as [{ answer: Answer }];
    return answer;
  }

  get pid(): number {
    return this.child.pid!;
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

/** CPU time of each process per operation, in microseconds. */
async function spent(
  pids: Readonly<Record<string, readonly number[]>>,
  work: () => Promise<number>,
): Promise<Record<string, string>> {
  const sum = (all: readonly number[]): number => all.reduce((time, pid) => time + cpuTime(pid), 0);
  const before = Object.entries(pids).map(([name, all]) => [name, sum(all)] as const);
  const count = await work();
  return Object.fromEntries(
    before.map(([name, time]) => [name, ((sum(pids[name]!) - time) / 1_000 / count).toFixed(0)]),
  );
}

async function commands(): Promise<string> {
  const rows: string[][] = [];
  const add = (name: string, alone: Loaded, many: Loaded, cpu: Record<string, string>): void => {
    rows.push([
      name,
      alone.median.toFixed(0),
      alone.percentile99.toFixed(0),
      many.rate.toFixed(0),
      ...['nats', 'gateways', 'asking'].map((who) => cpu[who] ?? '–'),
    ]);
  };
  /** One in flight, then 64, with the CPU time of the processes for the 64. */
  const measure = async (
    name: string,
    pids: Readonly<Record<string, readonly number[]>>,
    ask: (index: number) => Promise<unknown>,
  ): Promise<void> => {
    const alone = await load(1, ask);
    let many!: Loaded;
    const cpu = await spent(pids, async () => {
      many = await load(64, ask);
      return many.count;
    });
    add(name, alone, many, cpu);
  };

  const nats = await NatsServer.start();
  const { servers } = nats.nats;
  const asking = [process.pid];
  const echo = await Role.start('echo', servers);
  const bare = await connect({ servers, noAsyncTraces: true });
  const payload = Buffer.from([2, 0, 0, 1]); // start · seq · connector
  await measure('NATS, bare request and reply', { nats: [nats.pid], gateways: [echo.pid], asking }, () =>
    bare.request('echo', payload, { timeout: 10_000 }),
  );
  await bare.close();
  await echo.stop();
  for (const count of [1, 2, 4]) {
    const gateways = await Promise.all(Array.from({ length: count }, () => Role.start('gateway', servers)));
    const ports = gateways.map(({ port }) => port).join(',');
    const devices = await Role.start('devices', servers, ports, String(DEVICES));
    const fleet = await connectFleet(charger, { nats: { servers } });
    const presence = await fleet.presence();
    while ([...presence.devices.values()].filter(({ isConnected }) => isConnected).length < DEVICES) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await presence.close();
    if (count === 1) {
      const [gateway] = gateways;
      const alone = await gateway!.ask<Loaded>('local', 1);
      let many!: Loaded;
      const cpu = await spent({ gateways: [gateway!.pid] }, async () => {
        many = await gateway!.ask<Loaded>('local', 64);
        return many.count;
      });
      add('a local connection, `gateway.request`', alone, many, cpu);
    }
    const pids = { nats: [nats.pid], gateways: gateways.map(({ pid }) => pid), asking };
    await measure(`\`fleet.request\`, ${count} gateway${count > 1 ? 's' : ''}`, pids, (index) =>
      fleet.request(`d${index % DEVICES}`, { type: 'start', seq: 0, connector: 1 }, { timeout: 10_000 }),
    );
    await fleet.close();
    await devices.stop();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  }
  await nats.stop();
  const head = ['command', 'median µs', '99 % µs', 'a second, 64 at once'];
  const text = table([...head, 'µs of NATS', 'of gateways', 'of the commander'], rows);
  return `Commands of four bytes to ${DEVICES} devices, and their replies. All processes share the processors of one machine: the columns of processor time say
what one command costs each, and so what more machines would do.\n\n${text}`;
}

interface Memory {
  readonly heap: number;
  readonly resident: number;
  readonly claimed: number;
}

async function costs(): Promise<string> {
  const nats = await NatsServer.start();
  const { servers } = nats.nats;
  const perDevice: Record<string, Memory> = {};
  let rows: string[][] = [];
  for (const role of ['plain', 'gateway']) {
    const gateway = await Role.start(role, servers);
    const first = await Role.start('devices', servers, String(gateway.port), '200', 'first');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = await gateway.ask<Memory>('memory');
    const natsBefore = residentOf(nats.pid);
    let devices!: Role;
    const from = performance.now();
    const cpu = await spent({ nats: [nats.pid], gateways: [gateway.pid] }, async () => {
      devices = await Role.start('devices', servers, String(gateway.port), String(IDLE));
      while (role === 'gateway' && (await gateway.ask<Memory>('stats')).claimed < IDLE) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return IDLE;
    });
    const took = performance.now() - from;
    const after = await gateway.ask<Memory>('memory');
    perDevice[role] = {
      heap: (after.heap - before.heap) / IDLE,
      resident: (after.resident - before.resident) / IDLE,
      claimed: after.claimed,
    };
    if (role === 'gateway') {
      const { plain, gateway: own } = perDevice as { plain: Memory; gateway: Memory };
      rows = [
        ['a connection, without a fleet', '–', `${kib(plain.heap)} heap`, '–'],
        [
          'a connection and its claim',
          '–',
          `${kib(own.heap)} heap`,
          kib((residentOf(nats.pid) - natsBefore) / IDLE),
        ],
        [
          `to connect and be claimed (${((IDLE / took) * 1_000).toFixed(0)} a second)`,
          `${cpu.gateways} + ${cpu.nats}`,
          '–',
          '–',
        ],
      ];
      let published = 0;
      const telemetry = await spent({ nats: [nats.pid], gateways: [gateway.pid] }, async () => {
        await devices.ask<number>('telemetry', 10_000);
        published = (await gateway.ask<{ telemetryPublished: number }>('stats')).telemetryPublished;
        return published;
      });
      rows.push([
        `an event (${(published / 3).toFixed(0)} a second)`,
        `${telemetry.gateways} + ${telemetry.nats}`,
        '–',
        '–',
      ]);
    }
    await first.stop();
    await devices.stop();
    await gateway.stop();
  }
  await nats.stop();
  return `What one costs, of ${IDLE.toLocaleString('en')} devices on one gateway.\n\n${table(
    ['', 'µs of gateway + NATS', 'memory of the gateway', 'resident in NATS'],
    rows,
  )}`;
}

/** A bucket like that of a fleet with many devices: its size, and the time to read it. */
async function simulation(): Promise<string> {
  const nats = await NatsServer.start();
  const { servers } = nats.nats;
  // What a fleet makes there.
  const fleet = await connectFleet(charger, { nats: { servers } });
  const connection = await connect({ servers, noAsyncTraces: true });
  const bucket = await new Kvm(jetstream(connection)).create('wirepipe_charger', { history: 1 });
  const before = residentOf(nats.pid);
  const claim = JSON.stringify({ gateway: 'f'.repeat(24), at: Date.now(), state: 'ready' });
  const numbers = Array.from({ length: SIMULATED }, (_, index) => index).values();
  const from = performance.now();
  const worker = async (): Promise<void> => {
    for (const index of numbers) {
      const token = Buffer.from(`device ${index}`).toString('base64url');
      await bucket.put(`live.${token}.claim`, claim);
    }
  };
  await Promise.all(Array.from({ length: 256 }, worker));
  const wrote = performance.now() - from;
  const perEntry = (residentOf(nats.pid) - before) / SIMULATED;
  const disk = (await bucket.status()).size / SIMULATED;
  const heapBefore = heapUsed();
  const read = performance.now();
  const presence = await fleet.presence();
  const took = performance.now() - read;
  const perPresence = (heapUsed() - heapBefore) / presence.devices.size;
  const isWhole = presence.devices.size === SIMULATED;
  await presence.close();
  await connection.close();
  await fleet.close();
  await nats.stop();
  if (!isWhole) throw new Error('presence has not read all entries');
  const times = MILLION / SIMULATED;
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  const rows = [
    ['to write all claims', `${(wrote / 1_000).toFixed(1)} s`, `${((wrote / 1_000) * times).toFixed(0)} s`],
    ['resident in NATS', gib(perEntry * SIMULATED), gib(perEntry * MILLION)],
    ['on its disk', gib(disk * SIMULATED), gib(disk * MILLION)],
    ['to read all presence', `${(took / 1_000).toFixed(1)} s`, `${((took / 1_000) * times).toFixed(0)} s`],
    ['heap of a presence watcher', gib(perPresence * SIMULATED), gib(perPresence * MILLION)],
  ];
  return `A bucket of ${SIMULATED.toLocaleString('en')} claims without their devices, and ten times as many, reckoned from it.\n\n${table(
    ['', `${SIMULATED.toLocaleString('en')}`, `${MILLION.toLocaleString('en')}`],
    rows,
  )}`;
}

/** Bytes of heap after a collection. */
function heapUsed(): number {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  return process.memoryUsage().heapUsed;
}

function residentOf(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}

function kib(bytes: number): string {
  return `${(bytes / 1_024).toFixed(1)} KiB`;
}
