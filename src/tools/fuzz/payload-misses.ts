import type { Declaration } from '../../protocol/fields/engine/declaration.ts';
import { trace } from '../../protocol/fields/engine/trace.ts';
import { type NearMiss, NearMisses } from './near-miss.ts';

/** The place of a field in a payload. */
interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** A payload up to this length is cut at each place; a longer one at this many places. */
const MOST_CUTS = 48;
const LONG = 1_024;

/**
 * Payloads close to a good one: each field at the boundaries of its kind, its length or tag off by one or at the maximum, invalid
 * text, the payload cut short at each place, and lengthened. Some of them are valid messages. Edits work on the bytes of a field
 * on the wire, with its length prefix, so every kind of field is covered.
 *
 * @example
 * payloadMisses(drone.clientMessages, Buffer.from([2, 2, 72, 73])); // 'text: first byte + 1' 02 03 48 49, …
 */
export function payloadMisses(codec: object, payload: Buffer): readonly NearMiss[] {
  const misses = new NearMisses(payload);
  misses.add('empty', Buffer.alloc(0));
  for (const place of placesOf(codec, payload)) editField(misses, payload, place);
  const step = Math.max(1, Math.floor(payload.length / MOST_CUTS));
  for (let at = payload.length - 1; at > 0; at -= step) {
    misses.add(`cut after ${at} of ${payload.length} bytes`, payload.subarray(0, at));
  }
  misses.add('a byte 00 behind', Buffer.concat([payload, Buffer.from([0x00])]));
  misses.add('a byte ff behind', Buffer.concat([payload, Buffer.from([0xff])]));
  misses.add('twice in one frame', Buffer.concat([payload, payload]));
  misses.add(`${LONG} bytes behind`, Buffer.concat([payload, Buffer.alloc(LONG, 0x41)]));
  return misses.found;
}

/** The fields without children; for a codec that is not declared, each byte. */
function placesOf(codec: object, payload: Buffer): Place[] {
  const { declaration } = codec as { readonly declaration?: Declaration };
  if (declaration === undefined) {
    return Array.from({ length: Math.min(payload.length, 64) }, (_, start) => ({
      path: `byte ${start}`,
      start,
      end: start + 1,
    }));
  }
  const { spans } = trace({ declaration, decode: () => undefined }, payload);
  return spans
    .filter(({ start, end, path }, index) => {
      const next = spans[index + 1];
      const isAround = next !== undefined && next.start >= start && next.end <= end && next.path !== path;
      return path !== '' && !(isAround && /^[.[]/.test(next.path.slice(path.length)));
    })
    .filter(({ start, end }) => end <= payload.length && start <= end)
    .map(({ path, start, end }) => ({ path, start, end }));
}

function editField(misses: NearMisses, payload: Buffer, { path, start, end }: Place): void {
  const length = end - start;
  const set = (what: string, at: number, bytes: readonly number[]): void =>
    misses.put(`${path}: ${what}`, at, Math.min(at + bytes.length, end), bytes);
  if (length === 0) {
    misses.put(`${path}: a byte where it is empty`, start, end, [0xff]);
    return;
  }
  const first = payload[start]!;
  const last = payload[end - 1]!;
  const rest = Math.min(length, 64) - 1;
  const filled = (byte: number): number[] => Array.from({ length: rest }, () => byte);
  if (length <= 8) {
    // Whole numbers at their boundaries, in both byte orders.
    set('the least, big-endian', start, [0x80, ...filled(0x00)]);
    set('the least, little-endian', start, [...filled(0x00), 0x80]);
    set('the greatest, big-endian', start, [0x7f, ...filled(0xff)]);
    set('the greatest, little-endian', start, [...filled(0xff), 0x7f]);
    set('−1', start, [...filled(0xff), 0xff]);
    set('0', start, [...filled(0x00), 0x00]);
    set('1, big-endian', start, [...filled(0x00), 0x01]);
    set('1, little-endian', start, [0x01, ...filled(0x00)]);
  }
  // The first byte may be a length or a tag; the last one a delimiter, a checksum or text.
  set('first byte + 1', start, [(first + 1) & 0xff]);
  set('first byte − 1', start, [(first - 1) & 0xff]);
  set('first byte 00', start, [0x00]);
  set('first byte ff', start, [0xff]);
  set('first byte 7f', start, [0x7f]);
  set('first byte 80', start, [0x80]);
  set('last byte + 1', end - 1, [(last + 1) & 0xff]);
  set('last byte ff', end - 1, [0xff]);
  set('last byte 00', end - 1, [0x00]);
  if (length > 2) {
    set('overlong UTF-8', end - 2, [0xc0, 0x80]);
    set('first two bytes ff', start, [0xff, 0xff]);
  }
  if (length > 3) set('half a surrogate pair', end - 3, [0xed, 0xa0, 0x80]);
  misses.put(`${path}: a byte less`, end - 1, end, []);
  misses.put(`${path}: a byte more`, end, end, [last]);
  misses.put(`${path}: left out`, start, end, []);
}
