import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import { connectFleet, type Fleet, type GatewayStatistics } from '../../src/fleet/index.ts';
import { connect, type FleetError } from '../../src/index.ts';
import { freePort } from '../support/free-port.ts';
import { meter, type Said, type Told } from '../support/meter.ts';
import { NatsServer } from '../support/nats-server.ts';
import { root } from '../support/run.ts';
import { told } from './served.ts';

export interface FleetSettings {
  readonly gateways: number;
  readonly devices: number;
  readonly commanders: number;
  /** How many gateways are killed with SIGKILL, one each `every` milliseconds. */
  readonly kills: number;
  readonly every: number;
  /** How often NATS is killed and started again, between them. */
  readonly restarts: number;
}

export interface FleetResult {
  readonly commands: number;
  readonly persistent: number;
  /** What became of them. */
  readonly replied: number;
  readonly refused: Record<string, number>;
  readonly unknown: number;
  readonly unknownAndExecuted: number;
  /** Commands whose end does not fit what the devices have executed. There may be none. */
  readonly wrong: readonly string[];
  readonly kills: number;
  readonly restarts: number;
  /** Gateways that were drained and replaced under load. */
  readonly replaced: number;
  /** Connections that devices have made, and those that a newer one has taken over. */
  readonly connections: number;
  readonly takenOver: number;
  /** Milliseconds from the end of all disturbance until presence was right, all devices answered, and each had one connection. */
  readonly convergence: number;
  /** Connections that gateways hold once it is quiet: one for each device. */
  readonly held: number;
  /** Milliseconds that a reply took, of those that came. */
  readonly median: number;
  readonly percentile99: number;
}

/**
 * Gateways in processes of their own that are killed, drained and replaced, NATS that is killed, devices that connect again and again,
 * and sometimes twice; commanders that ask all the while. What the devices have executed is compared with what the commanders were told.
 */
export async function fleetUnderFire(settings: FleetSettings): Promise<FleetResult> {
  const nats = await NatsServer.start();
  const program = await bundle();
  const gateways = await Promise.all(
    Array.from({ length: settings.gateways }, async () => GatewayProcess.start(program, nats.nats.servers)),
  );
  const executed = new Map<number, number>();
  const fleet = new Devices(settings.devices, gateways, executed);
  const connections = Math.min(4, settings.commanders);
  const clients = await Promise.all(
    Array.from({ length: connections }, () => connectFleet(meter, { nats: nats.nats })),
  );
  const ledger = new Ledger();
  try {
    let isOver = false;
    const commanding = Array.from({ length: settings.commanders }, async (_, index) => {
      const client = clients[index % clients.length]!;
      // One in ten stores its commands.
      while (!isOver) await ledger.command(client, fleet.any(), index % 10 === 0);
    });
    await fleet.connected();
    let restarts = 0;
    for (let kills = 1; kills <= settings.kills; kills++) {
      await setTimeout(settings.every);
      await gateways[kills % gateways.length]!.kill();
      if (restarts < (kills * settings.restarts) / settings.kills) {
        restarts++;
        await nats.kill();
        await setTimeout(settings.every / 4);
        await nats.start();
      }
      await gateways[kills % gateways.length]!.start();
    }
    for (const gateway of gateways) await gateway.replace();
    fleet.settle();
    const from = performance.now();
    const presence = await clients[0]!.presence();
    const isRight = (): boolean =>
      fleet.names.every((name) => presence.devices.get(name)?.isConnected) && fleet.isQuiet;
    while (!isRight() && performance.now() - from < 60_000) await setTimeout(10);
    for (let answered = 0; answered < settings.devices && performance.now() - from < 60_000; ) {
      answered = (await ledger.broadcast(clients[0]!, fleet.names)).replied;
    }
    // A connection that was taken over ends once its farewell is taken.
    let held = 0;
    do {
      await setTimeout(20);
      const statistics = await Promise.all(gateways.map((gateway) => gateway.stats()));
      held = statistics.reduce((sum, { devices }) => sum + devices, 0);
    } while (!(held === settings.devices && isRight()) && performance.now() - from < 90_000);
    const convergence = performance.now() - from;
    isOver = true;
    await Promise.all(commanding);
    await presence.close();
    return {
      ...ledger.judge(executed),
      kills: settings.kills,
      restarts,
      replaced: gateways.length,
      connections: fleet.connections,
      takenOver: fleet.takenOver,
      convergence: Math.round(convergence),
      held,
    };
  } finally {
    fleet.end();
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    await nats.stop();
    rmSync(program);
  }
}

/** The gateway's program in one file, which starts in no time. */
async function bundle(): Promise<string> {
  const folder = path.join(root, 'node_modules/.cache/wirepipe');
  mkdirSync(folder, { recursive: true });
  const outfile = path.join(folder, `fleet-gateway-${process.pid}-${Date.now()}.mjs`);
  const entry = path.join(import.meta.dirname, 'fleet-gateway.ts');
  const options = { bundle: true, platform: 'node', format: 'esm', packages: 'external' } as const;
  await build({ ...options, entryPoints: [entry], outfile, logLevel: 'error' });
  return outfile;
}

/** A gateway in a process of its own, always on the same port. */
class GatewayProcess {
  readonly port: number;
  readonly #program: string;
  readonly #nats: string;
  #child!: ChildProcess;

  private constructor(port: number, program: string, nats: string) {
    this.port = port;
    this.#program = program;
    this.#nats = nats;
  }

  static async start(program: string, nats: string): Promise<GatewayProcess> {
    const made = new GatewayProcess(await freePort(), program, nats);
    await made.start();
    return made;
  }

  async start(): Promise<void> {
    this.#child = fork(this.#program, [String(this.port), this.#nats], { execArgv: [] });
    await told(this.#child);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  /** Let it drain, and start another one. */
  async replace(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.send('drain');
    await exit;
    await this.start();
  }

  async stats(): Promise<GatewayStatistics> {
    this.#child.send('stats');
    return (await told(this.#child)) as GatewayStatistics;
  }
}

/** Devices that connect to one gateway and another, and execute what they are told. */
class Devices {
  readonly names: readonly string[];
  connections = 0;
  takenOver = 0;
  readonly #gateways: readonly GatewayProcess[];
  readonly #executed: Map<number, number>;
  readonly #open = new Map<string, Set<{ destroy(): void }>>();
  #isSettled = false;
  #isOver = false;

  constructor(count: number, gateways: readonly GatewayProcess[], executed: Map<number, number>) {
    this.names = Array.from({ length: count }, (_, index) => `device *.${index}`);
    this.#gateways = gateways;
    this.#executed = executed;
    for (const name of this.names) {
      this.#open.set(name, new Set());
      void this.#live(name);
    }
  }

  any(): string {
    return this.names[Math.floor(Math.random() * this.names.length)]!;
  }

  async connected(): Promise<void> {
    while (![...this.#open.values()].every(({ size }) => size > 0)) await setTimeout(10);
  }

  /** From now on they stay where they are. */
  settle(): void {
    this.#isSettled = true;
  }

  /** Whether each of them has one connection. */
  get isQuiet(): boolean {
    return [...this.#open.values()].every(({ size }) => size === 1);
  }

  end(): void {
    this.#isOver = true;
    for (const all of this.#open.values()) for (const client of all) client.destroy();
  }

  async #live(name: string): Promise<void> {
    const known = new Set<number>();
    while (!this.#isOver) {
      const over = this.#connect(name, known);
      // Sometimes it connects again while the connection before is still there.
      const isHasty = !this.#isSettled && Math.random() < 0.1;
      if (isHasty) await Promise.race([over, setTimeout(300 + Math.random() * 1_000)]);
      else await over;
      await setTimeout(10 + Math.random() * 40);
    }
  }

  async #connect(name: string, known: Set<number>): Promise<void> {
    const gateway = this.#gateways[Math.floor(Math.random() * this.#gateways.length)]!;
    try {
      const client = await connect(meter, { port: gateway.port, host: '127.0.0.1', connectTimeout: 3_000 });
      this.connections++;
      const open = this.#open.get(name)!;
      open.add(client);
      const life = 1_000 + Math.random() * 6_000;
      const ended = client.closed.catch(() => {}).then(() => open.delete(client));
      void Promise.race([ended, setTimeout(life, undefined, { ref: false })]).then(() => {
        if (this.#isSettled) return;
        if (Math.random() < 0.5) client.destroy();
        else client.end();
      });
      client.send({ type: 'hello', id: name });
      for await (const message of client) {
        if (message.type === 'bye' && message.why === 'ERR_STATE_TAKEOVER') this.takenOver++;
        if (message.type !== 'add') continue;
        const { seq, command, value } = message;
        // What it has executed already, it only answers.
        if (!known.has(command)) {
          this.#executed.set(value, (this.#executed.get(value) ?? 0) + 1);
          if (command > 0) known.add(command);
        }
        client.send({ type: 'done', seq, value });
      }
      await ended;
    } catch {
      // The gateway is gone: another one is tried.
    }
  }
}

/** What the commanders were told of each command. */
class Ledger {
  readonly #ends = new Map<number, string>();
  readonly #times: number[] = [];
  #next = 1;
  #persistent = 0;

  async command(client: Fleet<Said, Told>, device: string, isPersistent: boolean): Promise<void> {
    const value = this.#next++;
    const message: Told = { type: 'add', seq: 0, command: 0, value };
    const from = performance.now();
    const persist = { until: new Date(Date.now() + 5_000) };
    if (isPersistent) this.#persistent++;
    const end = await client
      .request(device, message, { timeout: 2_000, ...(isPersistent && { persist }) })
      .then(
        (reply) => (reply.type === 'done' && reply.value === value ? 'replied' : 'the reply of another'),
        ({ code, reason }: FleetError) => reason ?? code,
      );
    this.#ends.set(value, end);
    if (end === 'replied') this.#times.push(performance.now() - from);
    await setTimeout(end === 'offline' ? 100 : 20);
  }

  async broadcast(client: Fleet<Said, Told>, devices: readonly string[]): Promise<{ replied: number }> {
    let replied = 0;
    await Promise.all(
      devices.map(async (device) => {
        const value = this.#next;
        await this.command(client, device, false);
        if (this.#ends.get(value) === 'replied') replied++;
      }),
    );
    return { replied };
  }

  judge(
    executed: ReadonlyMap<number, number>,
  ): Omit<
    FleetResult,
    'kills' | 'restarts' | 'replaced' | 'connections' | 'takenOver' | 'convergence' | 'held'
  > {
    const wrong: string[] = [];
    const counts = { replied: 0, unknown: 0, unknownAndExecuted: 0 };
    const refused: Record<string, number> = {};
    for (const [value, end] of this.#ends) {
      const times = executed.get(value) ?? 0;
      if (end === 'replied' && times === 1) counts.replied++;
      else if (end === 'ERR_COMMAND_UNKNOWN' && times <= 1) {
        counts.unknown++;
        counts.unknownAndExecuted += times;
      } else if (REASONS.has(end) && times === 0) refused[end] = (refused[end] ?? 0) + 1;
      else wrong.push(`${value}: ${end}, executed ${times} times`);
    }
    const sorted = this.#times.sort((a, b) => a - b);
    const at = (part: number): number => Number((sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2));
    return {
      commands: this.#ends.size,
      persistent: this.#persistent,
      ...counts,
      refused,
      wrong,
      median: at(0.5),
      percentile99: at(0.99),
    };
  }
}

const REASONS = new Set(['absent', 'state', 'queue', 'offline', 'expired']);
