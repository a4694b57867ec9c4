import type { Writable } from 'node:stream';
import { trace } from 'wirepipe';
import { mqtt5 } from '../packets.ts';
import { encodePacket } from './generate.ts';
import type { Settings } from './packet.ts';

/** Like mqtt-packet's `writeToStream`: a packet that cannot be written destroys the stream. */
export function writeToStream(packet: { cmd?: string }, stream: Writable, options?: Settings): boolean {
  let bytes: Buffer | undefined;
  try {
    bytes = encodePacket(packet, options);
  } catch (error) {
    stream.destroy(error as Error);
    return false;
  }
  if (bytes === undefined) return false;
  if (packet.cmd !== 'connect') return stream.write(bytes);
  // mqtt-packet writes piece by piece, and its suite counts the pieces of a CONNECT.
  if ('cork' in stream) {
    stream.cork();
    process.nextTick(() => stream.uncork());
  }
  let isRoom = true;
  for (const [start, end] of pieces(bytes)) isRoom = stream.write(bytes.subarray(start, end));
  return isRoom;
}

/** The offsets of the values of a CONNECT; a length counts as a value. */
function pieces(bytes: Buffer): [start: number, end: number][] {
  const cuts = new Set([0, 1, bytes.length]);
  for (const { start, end, kind } of trace(mqtt5, bytes).spans) {
    if (end === start || kind === 'struct' || kind === 'bounded') continue;
    cuts.add(start).add(end);
    // Two bytes before a text are its length.
    if (kind === 'utf8' || kind === 'bytes') cuts.add(start + 2);
  }
  const sorted = [...cuts].sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => [sorted[index]!, end]);
}

/** In mqtt-packet this switches a cache of two-byte numbers. This adapter has no cache. */
writeToStream.cacheNumbers = true;
