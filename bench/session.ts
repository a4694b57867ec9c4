/**
 * The drone session: pipelined commands in 64 KiB chunks, decoded to objects, answered by the state machine and encoded,
 * beside one hand-written function that does the same without streams, and the plain one-object-at-a-time stages.
 * In memory, in one process; and over TCP, each server in its own. CPU time.
 */
import { pipeline, type Transform } from 'node:stream';
import { droneStages } from './drone-stages.ts';
import { measureEchoes } from './echo.ts';
import { handwrittenSession } from './handwritten-session.ts';
import { cut, type Load, medians, table, wire } from './measure.ts';
import { plainStages } from './plain-stages.ts';

const ROUNDS = 9;
export const BY_HAND = 'one hand-written function, no streams';
export const PLAIN = 'four plain Transforms, one object at a time';
/** How often the commands are sent. */
const CYCLES = 12;

export const HELLO: Buffer = Buffer.from([7, 0, 0, 0, 0x02, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f]); // length 7 · write · 5 bytes · HELLO

/** Moves and colours, some 1 MiB of them. */
export function commands(): { all: Buffer; frames: number } {
  const parts: Buffer[] = [];
  let length = 0;
  while (length < 16 * 65_536) {
    const i = parts.length;
    const bytes = i % 4 === 3 ? Buffer.from([4, 0, 0, 0, 3, i % 256, 7, 255]) : Buffer.alloc(13);
    if (i % 4 !== 3) {
      bytes[0] = 9;
      bytes[4] = 1;
      bytes.writeInt32LE((i * 7919) % 100_000, 5);
      bytes.writeInt32LE(-i, 9);
    }
    parts.push(bytes);
    length += bytes.length;
  }
  return { all: Buffer.concat(parts), frames: parts.length };
}

export async function benchSession(): Promise<string> {
  return `${await inMemory()}\n\n${await overTcp()}`;
}

async function overTcp(): Promise<string> {
  const { all, frames } = commands();
  const session = handwrittenSession();
  const load: Load = {
    opening: { sent: HELLO, answer: session(HELLO) },
    block: all,
    answer: Buffer.concat(cut(all).map((chunk) => session(chunk))),
    framesPerBlock: frames,
  };
  const server = (variant: string) => [
    process.execPath,
    '--import',
    'tsx',
    'bench/session-server.ts',
    variant,
  ];
  const rows = await measureEchoes(
    {
      'wirepipe, `createServer(drone)`': server('server'),
      'wirepipe, `pipeline` over four stages, the socket as it is': server('pipeline'),
      "Node, one hand-written function on `'data'`": server('hand'),
      'Node, `pipeline` over four plain Transforms': server('plain'),
    },
    () => load,
    // What runs once for a chunk is optimized late; and two of the rows are close to each other.
    { rounds: 21, warmUp: 8_000 },
  );
  const head = ['server', 'CPU ns per command', 'the first ÷ this', 'commands per second'];
  return `### The drone session, pipelined commands, over TCP\n\n${table(head, rows)}`;
}

/** CPU time per command in nanoseconds, by name: ours, by hand, plain. */
export async function sessionCosts(): Promise<Map<string, number>> {
  const { all, frames } = commands();
  const chunks = cut(all);
  const run = async (
    stages: () => Transform[],
    cycles: number,
  ): Promise<{ cpu: number; received: number }> => {
    const duplex = wire([HELLO], chunks, cycles * chunks.length);
    const before = process.cpuUsage();
    await new Promise<void>((resolve, reject) => {
      pipeline([duplex, ...stages(), duplex] as never, (error?: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
    const { user, system } = process.cpuUsage(before);
    return { cpu: ((user + system) * 1000) / (frames * cycles), received: duplex.received };
  };
  const variants: Record<string, () => Promise<{ cpu: number; received: number }>> = {
    wirepipe: () => run(droneStages, CYCLES),
    [BY_HAND]: async () => {
      const session = handwrittenSession();
      let received = session(HELLO).length;
      const before = process.cpuUsage();
      for (let i = 0; i < CYCLES; i++) for (const chunk of chunks) received += session(chunk).length;
      const { user, system } = process.cpuUsage(before);
      return { cpu: ((user + system) * 1000) / (frames * CYCLES), received };
    },
    // A twelfth of the work, since it takes that much longer.
    [PLAIN]: async () => {
      const { cpu, received } = await run(plainStages, 1);
      return { cpu, received };
    },
  };
  const sizes = new Set<number>();
  const costs = await medians(variants, ROUNDS, async (variant, name) => {
    const { cpu, received } = await variant();
    if (name !== PLAIN) sizes.add(received);
    return cpu;
  });
  if (sizes.size !== 1) throw new Error(`the answers differ in length: ${[...sizes].join(', ')}`);
  return costs;
}

async function inMemory(): Promise<string> {
  const costs = await sessionCosts();
  const ours = costs.get('wirepipe')!;
  return `### The drone session, pipelined commands in 64 KiB chunks, in memory\n\n${table(
    ['who', 'CPU ns per command', 'speed of wirepipe in its'],
    [...costs].map(([name, cpu]) => [name, cpu.toFixed(0), `${(cpu / ours).toFixed(2)} ×`]),
  )}`;
}
