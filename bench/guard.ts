/**
 * `npm run bench:guard` detects lost speed. It checks only ratios within one run, with margins wide enough for a noisy
 * machine. The exit status is 1 if a ratio is missed.
 */
import { pipeline, type Transform } from 'node:stream';
import { FrameDecoder, LengthPrefixDecoder, LengthPrefixEncoder, lengthPrefix } from 'wirepipe';
import { cut, frameLoad, medians, wire } from './measure.ts';
import { plainEncoder, plainFrames } from './plain-stages.ts';
import { BY_HAND, PLAIN, sessionCosts } from './session.ts';

const ROUNDS = 5;

interface Check {
  readonly what: string;
  readonly ratio: number;
  readonly least: number;
}

/** CPU time of a 64-byte frame through two stages, in memory. */
async function echo(stages: readonly Transform[], blocks: number): Promise<number> {
  const { block, framesPerBlock } = frameLoad(64, 'forwarded');
  const chunks = cut(block);
  const duplex = wire([], chunks, blocks * chunks.length);
  const before = process.cpuUsage();
  await new Promise<void>((resolve, reject) => {
    pipeline([duplex, ...stages, duplex] as never, (error?: Error | null) =>
      error ? reject(error) : resolve(),
    );
  });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (blocks * framesPerBlock);
}

/** CPU time of a byte of one frame that comes in chunks of 1,400 bytes. */
async function largeFrame(length: number, count: number): Promise<number> {
  const frame = Buffer.alloc(4 + length, 'x');
  frame.writeUInt32LE(length);
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const stage = new FrameDecoder(lengthPrefix()).resume();
    for (let at = 0; at < frame.length; at += 1_400) {
      if (!stage.write(frame.subarray(at, at + 1_400)))
        await new Promise((resolve) => stage.once('drain', resolve));
    }
    stage.end();
    await new Promise((resolve) => stage.once('end', resolve));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (length * count);
}

const echoes = await medians<() => Promise<number>>(
  {
    forwarded: () => echo([new LengthPrefixDecoder(), new LengthPrefixEncoder()], 400),
    rewritten: () => echo([new LengthPrefixDecoder(), new LengthPrefixEncoder({ byteOrder: 'big' })], 150),
    plain: () => echo([plainFrames(), plainEncoder(false)], 10),
  },
  ROUNDS,
  (run) => run(),
);
const frames = await medians<() => Promise<number>>(
  { long: () => largeFrame(8_000_000, 2), short: () => largeFrame(64_000, 250) },
  ROUNDS,
  (run) => run(),
);
const session = await sessionCosts();

const ratio = (costs: Map<string, number>, than: string, one: string): number =>
  costs.get(than)! / costs.get(one)!;
const checks: readonly Check[] = [
  { what: 'echo, forwarded, to plain Transforms', ratio: ratio(echoes, 'plain', 'forwarded'), least: 30 },
  // No socket takes the bytes here, so they are copied into their own memory: half of the cost.
  { what: 'echo, rewritten, to plain Transforms', ratio: ratio(echoes, 'plain', 'rewritten'), least: 4 },
  { what: 'session, to a hand-written function', ratio: ratio(session, BY_HAND, 'wirepipe'), least: 0.5 },
  { what: 'session, to plain Transforms', ratio: ratio(session, PLAIN, 'wirepipe'), least: 1.5 },
  {
    what: 'a byte of an 8 MB frame, to one of a 64 kB frame',
    ratio: ratio(frames, 'short', 'long'),
    least: 0.3,
  },
];
for (const { what, ratio, least } of checks) {
  console.log(`${ratio >= least ? 'kept' : 'LOST'}  ${what}: speed ${ratio.toFixed(2)} ×, at least ${least}`);
}
if (checks.some(({ ratio, least }) => !(ratio >= least))) process.exitCode = 1;
