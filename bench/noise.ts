/**
 * Packets in noise: the cost of a megabyte of which 1 % is packets, beside other packages. In memory, in one process,
 * in wall-clock time.
 */
import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { PacketLengthParser } from '@serialport/parser-packet-length';
import { MavLinkPacketSplitter } from 'node-mavlink';
import { checksumByName, FrameDecoder, packets } from 'wirepipe';
import { median, table } from './measure.ts';

const ROUNDS = 3;
/** Bytes of a line. */
const LENGTH = 50_000_000;
const CHUNK = 65_536;

/** The distance from the start of a packet to the start of the next. */
const GAP = 2_100;
/** The bytes that measure the speed of a splitter, and the milliseconds it may take. */
const TRIAL = 20 * CHUNK;
const LONGEST = 5_000;

/** MAVLink's checksum covers everything except the mark, then a byte that depends on the message's id. */
const x25 = checksumByName('CRC-16/MCRF4XX');
const HEARTBEAT_EXTRA = Buffer.of(50);

/** A MAVLink 2 heartbeat: FD, length 9, flags, sequence, system, component, id 0, payload, checksum. */
function heartbeat(sequence: number): Buffer {
  const packet = Buffer.alloc(21);
  packet.set([0xfd, 9, 0, 0, sequence & 0xff, 1, 1, 0, 0, 0]);
  packet.writeUInt32LE(sequence, 10);
  packet.set([2, 3, 0x51, 4, 3], 14);
  packet.writeUInt16LE(x25.compute(packet, 1, 19, HEARTBEAT_EXTRA), 19);
  return packet;
}

/** A line with a packet every `GAP` bytes, and random bytes between. */
function noise(): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH);
  let state = 1;
  for (let at = 0; at + 4 <= LENGTH; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE((state ^ (state >>> 15)) >>> 0, at);
  }
  for (let at = GAP, count = 0; at + 21 <= LENGTH; at += GAP) bytes.set(heartbeat(count++), at);
  return bytes;
}

interface Splitter {
  make(): Transform;
  /** True if the output is one of the heartbeats. */
  isPacket(item: unknown): boolean;
}

const isHeartbeat = (bytes: Uint8Array): boolean =>
  bytes.length === 21 && bytes[0] === 0xfd && bytes[18] === 3;

const SPLITTERS: Record<string, Splitter> = {
  'wirepipe, packets': {
    make: () =>
      new FrameDecoder(
        packets({
          kinds: [
            {
              start: [0xfd],
              length: { offset: 1, add: 12 },
              // The checksum of an unknown id cannot be checked.
              valid: (packet) =>
                packet.readUIntLE(7, 3) === 0 &&
                x25.compute(packet, 1, packet.length - 2, HEARTBEAT_EXTRA) ===
                  packet.readUInt16LE(packet.length - 2),
            },
          ],
          maxFrameLength: 280,
        }),
      ),
    isPacket: (item) => isHeartbeat(item as Buffer),
  },
  'node-mavlink 2.3.0, MavLinkPacketSplitter': {
    make: () => new MavLinkPacketSplitter(),
    isPacket: (item) => isHeartbeat((item as { buffer: Buffer }).buffer),
  },
  '@serialport/parser-packet-length 13.0.0, no checksum': {
    make: () =>
      new PacketLengthParser({
        delimiter: 0xfd,
        packetOverhead: 12,
        lengthBytes: 1,
        lengthOffset: 1,
        maxLen: 280,
      }),
    isPacket: (item) => isHeartbeat(item as Buffer),
  },
};

/** The output of a splitter for the first bytes of the line. */
interface Pass {
  readonly milliseconds: number;
  readonly found: number;
  readonly others: number;
  /** The peak of memory beyond the line itself, in bytes. */
  readonly grown: number;
}

async function pass(splitter: Splitter, bytes: Buffer): Promise<Pass> {
  let found = 0;
  let others = 0;
  let most = 0;
  const stage = splitter.make();
  stage.on('data', (item) => (splitter.isPacket(item) ? found++ : others++));
  const ended = new Promise((resolve) => stage.once('end', resolve).once('error', resolve));
  globalThis.gc?.();
  const before = memory();
  const start = performance.now();
  for (let at = 0; at < bytes.length; at += CHUNK) {
    if (!stage.write(bytes.subarray(at, at + CHUNK))) await once(stage, 'drain');
    if ((at / CHUNK) % 32 === 0) most = Math.max(most, memory());
  }
  stage.end();
  await ended;
  return { milliseconds: performance.now() - start, found, others, grown: Math.max(0, most - before) };
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The cost and the packets found of each splitter: for 50 MB, or as much as it processes in a few seconds. */
export async function benchNoise(): Promise<string> {
  const line = noise();
  const runs = Object.entries(SPLITTERS).map(([name, splitter]) => ({
    name,
    splitter,
    share: line,
    passes: [] as Pass[],
  }));
  for (const run of runs) {
    const { milliseconds } = await pass(run.splitter, line.subarray(0, TRIAL));
    const bytes = Math.floor((TRIAL * LONGEST) / milliseconds / CHUNK) * CHUNK;
    run.share = line.subarray(0, Math.min(LENGTH, Math.max(TRIAL, bytes)));
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { splitter, share, passes } of runs) passes.push(await pass(splitter, share));
  }
  const rows = runs.map(({ name, share, passes }) => {
    const perMegabyte = (median(passes.map(({ milliseconds }) => milliseconds)) * 1e6) / share.length;
    const { found, others } = passes[0]!;
    const packets = Math.floor((share.length - 21) / GAP);
    const grown = Math.max(...passes.map(({ grown }) => grown)) / 1e6;
    return [
      name,
      (share.length / 1e6).toFixed(0),
      perMegabyte,
      `${found} of ${packets}`,
      String(others),
      grown,
    ] as const;
  });
  const ours = rows[0]![2];
  return `### Framing: a line of which 1 % are packets (MAVLink heartbeats), the rest noise\n\n${table(
    [
      'splitter',
      'MB',
      'ms per MB',
      '× ours',
      'packets found',
      'others taken for packets',
      'memory grown by, MB',
    ],
    rows.map(([name, size, ms, found, others, grown]) => [
      name,
      size,
      ms.toFixed(2),
      (ms / ours).toFixed(2),
      found,
      others,
      grown.toFixed(0),
    ]),
  )}`;
}
