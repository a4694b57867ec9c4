/** Captures to streams: CPU time beside tcpflow, on files that `make-capture.ts` writes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCapture } from './make-capture.ts';
import { median, table } from './measure.ts';

const ROUNDS = 3;
const SIZES: Record<string, number> = { '50 MB': 50_000_000, '1 GB': 1_000_000_000 };

interface Ran {
  readonly cpu: number;
  readonly resident: number;
}

export async function benchCaptures(): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-captures-'));
  const rows: string[][] = [];
  try {
    for (const [size, bytes] of Object.entries(SIZES)) {
      for (const segment of [64, 1_460]) {
        for (const connections of [1, 200]) {
          const file = path.join(folder, 'capture.pcap');
          makeCapture(file, bytes, segment, connections);
          const name = `${size}, ${segment}-byte segments, ${connections === 1 ? 'one connection' : `${connections} connections`}`;
          rows.push([name, ...measure(file, folder)]);
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const head = [
    'file',
    'tcpflow, s',
    'bare Node',
    'streams',
    'streams and messages',
    'the command',
    'MiB resident',
  ];
  return `### Captures to streams: CPU time as a multiple of tcpflow's

tcpflow writes each stream into a file. *Bare Node* is a loop by hand over headers that knows of no loss. *Streams* and *messages* (of
the drone protocol) are measured inside their process without its start; *the command* is \`wirepipe streams --json\`, with its start and
SHA-256 digests.

${table(head, rows)}`;
}

function measure(file: string, folder: string): string[] {
  const reader = [process.execPath, '--import', 'tsx', path.join(import.meta.dirname, 'capture-reader.ts')];
  const runs: Record<string, () => Ran> = {
    tcpflow: () => {
      const out = path.join(folder, 'out');
      rmSync(out, { recursive: true, force: true });
      return timed(['tcpflow', '-r', file, '-o', out]);
    },
    bare: () => inside([...reader, 'bare', file]),
    streams: () => inside([...reader, 'reassemble', file]),
    messages: () => inside([...reader, 'decode', file]),
    command: () =>
      timed([
        process.execPath,
        path.join(import.meta.dirname, '../dist/cli/main.js'),
        'streams',
        '--json',
        file,
      ]),
  };
  const results = new Map<string, Ran[]>(Object.keys(runs).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(runs)) results.get(name)!.push(run());
  }
  const cpu = (name: string): number => median(results.get(name)!.map((ran) => ran.cpu));
  const times = (name: string): string => `${(cpu(name) / cpu('tcpflow')).toFixed(2)} ×`;
  const resident = median(results.get('streams')!.map((ran) => ran.resident));
  return [
    cpu('tcpflow').toFixed(2),
    times('bare'),
    times('streams'),
    times('messages'),
    times('command'),
    (resident / 1024).toFixed(0),
  ];
}

/** CPU time as reported by the program. */
function inside([command = '', ...args]: readonly string[]): Ran {
  const [cpu, , resident] = execFileSync(command, args, { encoding: 'utf8' }).split(' ').map(Number);
  return { cpu: cpu!, resident: resident! };
}

/** CPU time of the whole process: `time` of bash writes to the standard error of the shell. */
function timed(command: readonly string[]): Ran {
  const script = '{ TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1; } 2>&1';
  const text = execFileSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
  const [user, system] = text.trim().split(' ').map(Number);
  return { cpu: user! + system!, resident: 0 };
}
