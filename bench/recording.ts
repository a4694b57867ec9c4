/**
 * The cost of observing and recording: taps between the stages of the drone session, and capture files of a gigabyte.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline, type Transform } from 'node:stream';
import { Tap } from 'wirepipe/captures';
import { droneStages } from './drone-stages.ts';
import { cut, type Load, medians, type ServerProcess, startServer, stream, table, wire } from './measure.ts';
import { commands, HELLO } from './session.ts';

const ROUNDS = 9;
const CYCLES = 12;

export async function benchRecording(): Promise<string> {
  return `${await taps()}\n\n${await proxies()}\n\n${files()}`;
}

async function taps(): Promise<string> {
  const { all, frames } = commands();
  const chunks = cut(all);
  let seen = 0;
  const count = (_: Buffer, start: number, end: number): void => {
    seen += end - start;
  };
  const variants: Record<string, () => Transform[]> = {
    'no tap': droneStages,
    'the bytes that come': () => [new Tap('bytes', count), ...droneStages()],
    'the frames': () => droneStages().toSpliced(1, 0, new Tap('frames', count)),
    'the messages': () => droneStages().toSpliced(2, 0, new Tap('messages', () => void seen++)),
    'the answers': () => droneStages().toSpliced(3, 0, new Tap('messages', () => void seen++)),
  };
  const costs = await medians(variants, ROUNDS, async (stages, name) => {
    const duplex = wire([HELLO], chunks, CYCLES * chunks.length);
    seen = 0;
    const before = process.cpuUsage();
    await new Promise<void>((resolve, reject) => {
      pipeline([duplex, ...stages(), duplex] as never, (error?: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
    const { user, system } = process.cpuUsage(before);
    if (name !== 'no tap' && seen === 0) throw new Error(`the tap of ${name} has seen nothing`);
    return ((user + system) * 1_000) / (frames * CYCLES);
  });
  const bare = costs.get('no tap')!;
  return `### A tap in the drone session, in memory

${table(
  ['a tap that sees', 'CPU ns per command', 'of the session without'],
  [...costs].map(([name, cpu]) => [name, cpu.toFixed(0), `${(cpu / bare).toFixed(2)} ×`]),
)}`;
}

/** `wirepipe tap` beside a proxy of two `pipe` calls. CPU time of the proxy alone. */
async function proxies(): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-tap-'));
  const pipeProxy = [process.execPath, '--import', 'tsx', path.join(import.meta.dirname, 'pipe-proxy.ts')];
  const echo = await startServer(pipeProxy);
  const out = path.join(folder, 'capture.ndjson');
  const tap = [
    process.execPath,
    path.join(import.meta.dirname, '../dist/cli/main.js'),
    'tap',
    '--listen',
    '0',
  ];
  const quiet = [...tap, '--to', String(echo.port), '--quiet'];
  const started: ServerProcess[] = [echo];
  const start = async (proxy: Promise<ServerProcess>): Promise<ServerProcess> => {
    started.push(await proxy);
    return proxy;
  };
  const { all, frames } = commands();
  const load: Load = { block: all, answer: all, framesPerBlock: frames };
  try {
    const variants = {
      'two-way `pipe`': await start(startServer([...pipeProxy, String(echo.port)])),
      '`tap --quiet`': await start(startTap(quiet)),
      '`tap --quiet --out`': await start(startTap([...quiet, '--out', out])),
      '`tap`, decoded and printed': await start(startTap([...tap, '--to', String(echo.port)])),
    };
    const costs = await medians(variants, 5, async (proxy, name) => {
      const result = await stream(proxy, load, name.includes('decoded') ? 200 : 400);
      return (result.cpu * frames) / all.length;
    });
    const bare = costs.get('two-way `pipe`')!;
    const rows = [...costs].map(([name, cpu]) => [name, cpu.toFixed(2), `${(cpu / bare).toFixed(2)} ×`]);
    return `### A proxy between a client and an echo, drone commands\n\n${table(['proxy', 'CPU ns per byte, both ways', 'of `pipe`'], rows)}`;
  } finally {
    for (const one of started) one.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Start a tap, which prints its address to stderr. */
async function startTap([file = '', ...args]: readonly string[]): Promise<ServerProcess> {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface(child.stderr)) {
    const port = /:(\d+) →/.exec(line)?.[1];
    if (port !== undefined) return { port: Number(port), process: child };
  }
  throw new Error('tap ended without listening');
}

/** Memory must stay constant from 50 MB to 1 GB. */
function files(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-recording-'));
  const script = path.join(import.meta.dirname, 'capture-writer.ts');
  try {
    const rows = [50_000_000, 1_000_000_000].flatMap((bytes) => {
      const file = path.join(folder, 'capture.ndjson');
      return ['write', 'read'].map((how) => {
        const command = ['--import', 'tsx', script, how, file, String(bytes)];
        const text = execFileSync(process.execPath, command, { encoding: 'utf8' });
        const [cpu = 0, resident = 0] = text.split(' ').map(Number);
        const size = statSync(file).size / 1e6;
        return [`${how} ${size.toFixed(0)} MB`, (size / cpu).toFixed(0), (resident / 1_024).toFixed(0)];
      });
    });
    return `### Capture files\n\n${table(['lines of 1,460 bytes each', 'MB per second of CPU', 'MiB resident'], rows)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
