/** Ways to copy a payload of a few bytes from a chunk to an output: the reason for `src/bytes/copy.ts`. */
import { median, table } from './measure.ts';

const ROUNDS = 5;
const REPEATS = 300;
const CHUNK = 65_536;

type Copy = (to: Buffer, at: number, from: Buffer, start: number, end: number) => void;

function byByte(to: Buffer, at: number, from: Buffer, start: number, end: number): void {
  for (let i = start; i < end; i++) to[at++] = from[i]!;
}

/** Copies four bytes at a time through views that are made once. */
function byFour(target: Buffer, source: Buffer): Copy {
  const write = new DataView(target.buffer, target.byteOffset, target.length);
  const read = new DataView(source.buffer, source.byteOffset, source.length);
  return (_to, at, _from, start, end) => {
    let i = start;
    for (; i + 4 <= end; i += 4, at += 4) write.setInt32(at, read.getInt32(i));
    for (; i < end; i++) write.setUint8(at++, read.getUint8(i));
  };
}

const WAYS: Record<string, (target: Buffer, source: Buffer) => Copy> = {
  'a loop, byte by byte': () => byByte,
  'a loop, four at a time, over views': byFour,
  '`set(subarray())`': () => (to, at, from, start, end) => to.set(from.subarray(start, end), at),
  '`Buffer.copy`': () => (to, at, from, start, end) => from.copy(to, at, start, end),
};

export async function benchCopy(lengths: readonly number[] = [9, 64, 256, 1024]): Promise<string> {
  const source = Buffer.alloc(CHUNK, 7);
  const target = Buffer.alloc(CHUNK);
  const ways = Object.entries(WAYS).map(([name, make]) => ({ name, copy: make(target, source) }));
  const cells = new Map<string, string[]>(ways.map(({ name }) => [name, []]));
  for (const length of lengths) {
    const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
    const count = Math.floor(CHUNK / (length + 4));
    for (let round = -2; round < ROUNDS; round++) {
      for (const { name, copy } of ways) {
        const start = performance.now();
        for (let repeat = 0; repeat < REPEATS; repeat++) {
          for (let i = 0, at = 0; i < count; i++, at += length + 4)
            copy(target, at, source, at + 4, at + 4 + length);
        }
        if (round >= 0) times.get(name)!.push(((performance.now() - start) * 1e6) / (REPEATS * count));
      }
    }
    for (const { name } of ways) cells.get(name)!.push(median(times.get(name)!).toFixed(1));
  }
  return `### Copying a payload, ns each\n\n${table(
    ['way', ...lengths.map((length) => `${length} B`)],
    ways.map(({ name }) => [name, ...cells.get(name)!]),
  )}`;
}
