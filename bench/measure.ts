/** Helpers of the benchmarks: servers in their own processes, a load that compares every byte, and medians. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';

export interface ServerProcess {
  readonly port: number;
  readonly process: ChildProcess;
}

/** Start a server that prints `listening PORT`. */
export async function startServer(command: readonly string[]): Promise<ServerProcess> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) {
    const port = /^listening (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { port: Number(port), process: child };
  }
  throw new Error(`${command.join(' ')} ended without listening`);
}

/** CPU time of all threads of a process, in nanoseconds. */
export function cpuTime(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return sum;
}

export interface Load {
  /** Whole frames, sent over and over. */
  readonly block: Buffer;
  /** What must come back for one block. */
  readonly answer: Buffer;
  readonly framesPerBlock: number;
  /** The bytes sent before the first block, and their answer. */
  readonly opening?: { readonly sent: Buffer; readonly answer: Buffer };
}

/** About 256 KiB of frames of that payload length, no two neighbours alike, and the expected answer. */
export function frameLoad(payloadLength: number, mode: 'forwarded' | 'rewritten' | 'raw'): Load {
  const framesPerBlock = Math.max(1, Math.ceil(262_144 / (payloadLength + 4)));
  const block: Buffer[] = [];
  const answer: Buffer[] = [];
  for (let i = 0; i < framesPerBlock; i++) {
    const payload = Buffer.alloc(payloadLength, i % 251);
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(payloadLength);
    block.push(prefix, payload);
    if (mode === 'rewritten') {
      const short = Buffer.alloc(2);
      short.writeUInt16BE(payloadLength);
      answer.push(short, payload);
    } else {
      answer.push(prefix, payload);
    }
  }
  return { block: Buffer.concat(block), answer: Buffer.concat(answer), framesPerBlock };
}

export interface Result {
  /** CPU time of the server per frame, in nanoseconds. */
  readonly cpu: number;
  /** Frames per second, by the clock. */
  readonly rate: number;
}

/**
 * Stream blocks over one connection, for a number of milliseconds or a number of blocks, and compare every byte of the answers.
 */
export async function stream(
  server: ServerProcess,
  load: Load,
  until: { readonly milliseconds: number } | { readonly blocks: number },
): Promise<Result> {
  const socket = net.connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const { block, answer, framesPerBlock, opening } = load;
  if (opening !== undefined) await exchange(socket, opening.sent, opening.answer);
  let at = 0;
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    for (let read = 0; read < chunk.length; ) {
      const step = Math.min(chunk.length - read, answer.length - at);
      if (chunk.compare(answer, at, at + step, read, read + step) !== 0) {
        socket.destroy(new Error(`wrong bytes came back, near byte ${received + read}`));
        return;
      }
      read += step;
      at = (at + step) % answer.length;
    }
    received += chunk.length;
  });
  const cpuBefore = cpuTime(server.process.pid!);
  const start = performance.now();
  let blocks = 0;
  const isOver = (): boolean =>
    'blocks' in until ? blocks >= until.blocks : performance.now() - start >= until.milliseconds;
  while (!isOver()) {
    blocks++;
    if (!socket.write(block)) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'end');
  const elapsed = performance.now() - start;
  const cpu = cpuTime(server.process.pid!) - cpuBefore;
  if (received !== blocks * answer.length) {
    throw new Error(`${received} bytes came back of ${blocks * answer.length}`);
  }
  const frames = blocks * framesPerBlock;
  return { cpu: cpu / frames, rate: (frames / elapsed) * 1000 };
}

/** Send bytes, and wait for exactly the expected answer. */
async function exchange(socket: net.Socket, sent: Buffer, answer: Buffer): Promise<void> {
  socket.write(sent);
  let received: Buffer = Buffer.alloc(0);
  while (received.length < answer.length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  if (!received.equals(answer)) throw new Error(`wrong answer: ${received.toString('hex')}`);
}

/** Chunks of 64 KiB, as from a socket: cut anywhere. */
export function cut(all: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < all.length; at += 65_536) chunks.push(all.subarray(at, at + 65_536));
  return chunks;
}

/**
 * A duplex with minimal cost: it delivers `first`, then `total` chunks, the same ones again and again, and counts the
 * bytes written to it.
 */
export function wire(
  first: readonly Buffer[],
  chunks: readonly Buffer[],
  total: number,
): Duplex & { received: number } {
  let given = -first.length;
  const duplex = new Duplex({
    read() {
      // One chunk per turn, as from a socket.
      setImmediate(() => {
        if (given < 0) this.push(first[first.length + given]!);
        else this.push(given < total ? chunks[given % chunks.length]! : null);
        given++;
      });
    },
    write(chunk: Buffer, _, callback) {
      wired.received += chunk.length;
      callback();
    },
  });
  const wired = Object.assign(duplex, { received: 0 });
  return wired;
}

/** Medians over interleaved rounds, by name; a few rounds before them warm up. */
export async function medians<Variant>(
  variants: Readonly<Record<string, Variant>>,
  rounds: number,
  measure: (variant: Variant, name: string) => number | Promise<number>,
  warmUp = 2,
): Promise<Map<string, number>> {
  const results = new Map<string, number[]>(Object.keys(variants).map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const [name, variant] of Object.entries(variants)) {
      const result = await measure(variant, name);
      if (round >= 0) results.get(name)!.push(result);
    }
  }
  return new Map([...results].map(([name, values]) => [name, median(values)]));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
