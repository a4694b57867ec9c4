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
import { handwrittenSession } from './handwritten-session.ts';
import { cut, type Load, medians, type ServerProcess, startServer, stream, table, wire } from './measure.ts';
import { commands, HELLO } from './session.ts';

const ROUNDS = 9;
const CYCLES = 12;
/** How many blocks of about 1 MiB are sent in a round, so that a busy machine does not make rounds longer. */
const ECHO_BLOCKS = 64;
const SESSION_BLOCKS = 1;

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
  const sessionServer = [
    process.execPath,
    '--import',
    'tsx',
    path.join(import.meta.dirname, 'session-server.ts'),
  ];
  const out = path.join(folder, 'capture.ndjson');
  const started: ServerProcess[] = [];
  const start = async (one: Promise<ServerProcess>): Promise<ServerProcess> => {
    started.push(await one);
    return one;
  };
  const tap = (to: number, ...options: readonly string[]): Promise<ServerProcess> =>
    start(startTap(['--listen', '0', '--to', String(to), ...options]));
  const { all, frames } = commands();
  const echoLoad: Load = { block: all, answer: all, framesPerBlock: frames };
  const session = handwrittenSession();
  const sessionLoad: Load = {
    opening: { sent: HELLO, answer: session(HELLO) },
    block: all,
    answer: Buffer.concat(cut(all).map((chunk) => session(chunk))),
    framesPerBlock: frames,
  };
  try {
    const echo = await start(startServer(pipeProxy));
    const bytes = await medians(
      {
        'two-way `pipe`': await start(startServer([...pipeProxy, String(echo.port)])),
        '`tap --quiet`': await tap(echo.port, '--quiet'),
        '`tap --quiet --out`': await tap(echo.port, '--quiet', '--out', out),
      },
      7,
      async (proxy) => ((await stream(proxy, echoLoad, { blocks: ECHO_BLOCKS })).cpu * frames) / all.length,
    );
    const server = await start(startServer([...sessionServer, 'hand']));
    const messages = await medians(
      {
        'two-way `pipe`': await start(startServer([...pipeProxy, String(server.port)])),
        '`tap`': await tap(server.port),
        '`tap --json`': await tap(server.port, '--json'),
      },
      3,
      // A command and its answer are two messages.
      async (proxy) => (await stream(proxy, sessionLoad, { blocks: SESSION_BLOCKS })).cpu / 2,
      1,
    );
    const rows = (costs: ReadonlyMap<string, number>, digits: number): string[][] => {
      const bare = costs.get('two-way `pipe`')!;
      return [...costs].map(([name, cpu]) => [name, cpu.toFixed(digits), `${(cpu / bare).toFixed(2)} ×`]);
    };
    return `### A proxy between a client and an echo, drone commands

${table(['proxy', 'CPU ns per byte, both ways', 'of `pipe`'], rows(bytes, 2))}

### A proxy between a client and a drone, decoded and printed

${table(['proxy', 'CPU ns per message', 'of `pipe`'], rows(messages, 0))}`;
  } finally {
    for (const one of started) one.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Start a tap, which prints its address to stderr. */
async function startTap(options: readonly string[]): Promise<ServerProcess> {
  const main = path.join(import.meta.dirname, '../dist/cli/main.js');
  const child = spawn(process.execPath, [main, 'tap', ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
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
