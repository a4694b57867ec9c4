/** `tsx bench/capture-reader.ts HOW FILE`: reads a capture, and prints `SECONDS OF CPU, BYTES, KIB RESIDENT`; loading is not counted. */
import { openSync, readSync } from 'node:fs';
import type * as Captures from '../src/captures/index.ts';
import type { TcpSink } from '../src/captures/index.ts';
import type * as Drone from '../src/drone/index.ts';
import type * as Wirepipe from '../src/index.ts';

const [how = '', file = ''] = process.argv.slice(2);
// As built: what users run.
const { Flows, gathered, packetReader, readChunksSync } = (await import(
  new URL('../dist/captures/index.js', import.meta.url).href
)) as typeof Captures;
const { MessageReader } = (await import(
  new URL('../dist/index.js', import.meta.url).href
)) as typeof Wirepipe;
const { drone } = (await import(new URL('../dist/drone/index.js', import.meta.url).href)) as typeof Drone;

let bytes = 0;
let messages = 0;

function reassemble(decode: boolean): void {
  const sink = (): TcpSink => {
    const gap = (length: number): never => {
      throw new Error(`a gap of ${length}`);
    };
    if (!decode) {
      return {
        data(_chunk, start, end) {
          bytes += end - start;
        },
        gap,
      };
    }
    const reader = new MessageReader(drone.framing, drone.clientMessages);
    return gathered({
      data(chunk, start, end) {
        bytes += end - start;
        reader.push(chunk.subarray(start, end));
        for (let some = reader.take(); some !== undefined; some = reader.take()) messages += some.length;
      },
      gap,
    });
  };
  const flows = new Flows({ stream: sink });
  const reader = packetReader();
  readChunksSync(file, (chunk) => {
    reader.push(chunk);
    while (reader.next()) flows.packet(reader.packet);
  });
  reader.end();
  flows.finish();
  if (reader.error !== undefined) throw reader.error;
}

/** A hand-written loop that ignores losses: records, headers, a table of connections, and the payload in a callback. */
function bare(): void {
  const fd = openSync(file, 'r');
  const memory = Buffer.allocUnsafeSlow(1_048_576);
  const lengths = new Map<number, number>();
  let held = 0;
  let at = 24;
  for (;;) {
    const read = readSync(fd, memory, held, memory.length - held, null);
    if (read === 0) break;
    const end = held + read;
    while (at + 16 <= end) {
      const captured = memory.readUInt32LE(at + 8);
      if (at + 16 + captured > end) break;
      const ip = at + 16 + 14;
      const tcp = ip + (memory[ip]! & 15) * 4;
      const start = tcp + (memory[tcp + 12]! >> 4) * 4;
      const stop = ip + memory.readUInt16BE(ip + 2);
      const key = memory.readUInt32BE(tcp);
      lengths.set(key, (lengths.get(key) ?? 0) + stop - start);
      bytes += stop - start;
      at += 16 + captured;
    }
    memory.copyWithin(0, at, end);
    held = end - at;
    at = 0;
  }
}

const before = process.cpuUsage();
if (how === 'bare') bare();
else reassemble(how === 'decode');
const { user, system } = process.cpuUsage(before);
if (how === 'decode' && messages === 0) throw new Error('no message was decoded');
console.log(`${(user + system) / 1e6} ${bytes} ${process.resourceUsage().maxRSS}`);
