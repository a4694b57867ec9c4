import type { Framing } from '../../protocol/framing/framing.ts';
import type { FramingLayout, LengthFieldData } from '../../protocol/framing/layout.ts';
import { type NearMiss, NearMisses } from './near-miss.ts';

/** One entry for each layout: a kind of framing that is missing here does not compile. */
type Table = {
  readonly [K in FramingLayout['kind']]: (
    misses: NearMisses,
    frame: Buffer,
    layout: Extract<FramingLayout, { kind: K }>,
  ) => void;
};

/**
 * Frames close to a good one: a length off by one, at its maximum, or beyond the limit; without the delimiter, or with another
 * one; cut short, with an extra byte, with flipped bits. Some of them are valid frames with another payload.
 *
 * @example
 * frameMisses(lengthPrefix(), Buffer.from([1, 0, 0, 0, 0x41])); // 'length 2' 02 00 00 00 41, …
 */
export function frameMisses({ layout }: Pick<Framing, 'layout'>, frame: Buffer): readonly NearMiss[] {
  const misses = new NearMisses(frame);
  if (layout !== undefined) {
    (BY_LAYOUT[layout.kind] as (misses: NearMisses, frame: Buffer, layout: FramingLayout) => void)(
      misses,
      frame,
      layout,
    );
  }
  anyFrame(misses, frame);
  return misses.found;
}

const BY_LAYOUT: Table = {
  lengthPrefix: (misses, frame, { field, maximum }) => lengths(misses, frame, field, maximum),
  delimiter(misses, frame, { delimiters, start, maximum }) {
    const [end = []] = delimiters;
    misses.add('no delimiter', frame.subarray(0, frame.length - end.length));
    misses.add('the delimiter twice', Buffer.concat([frame, Buffer.from(end)]));
    misses.add('a delimiter alone', Buffer.from(end));
    if (end.length > 1) misses.add('half a delimiter', frame.subarray(0, frame.length - 1));
    if (start !== undefined) misses.add('no start', frame.subarray(start.length));
    tooLong(misses, frame, maximum);
  },
  stuffed(misses, frame, { delimiter, escape: mark, length, maximum }) {
    misses.add(
      'an escape before the delimiter',
      Buffer.concat([frame.subarray(0, -1), Buffer.from([mark, delimiter])]),
    );
    misses.add('an escape of nothing', Buffer.from([mark, mark, delimiter]));
    misses.add('no delimiter', frame.subarray(0, -1));
    if (length !== undefined) lengths(misses, frame, length.field, maximum);
    tooLong(misses, frame, maximum);
  },
  cobs(misses, frame, { maximum }) {
    misses.put('the first count + 1', 0, 1, [((frame[0] ?? 0) + 1) & 0xff]);
    misses.put('the first count ff', 0, 1, [0xff]);
    misses.put('a zero in front', 0, 0, [0]);
    misses.add('no delimiter', frame.subarray(0, -1));
    tooLong(misses, frame, maximum);
  },
  fixedLength: () => {},
  packets(misses, frame, { kinds, maximum }) {
    for (const { length } of kinds) {
      if (length.by === 'field') lengths(misses, frame, length.field, maximum);
    }
  },
  headed(misses, frame, { end, maximum }) {
    const at = frame.indexOf(Buffer.from(end));
    if (at >= 0) misses.put('the header does not end', at, at + end.length, []);
    const digit = frame.findIndex((byte) => byte >= 0x30 && byte <= 0x39);
    if (digit >= 0) {
      for (const text of ['-1', '+1', '0x1', '00', '99999999999999999999', ' 1', String(maximum + 1)]) {
        misses.put(`a number ${text}`, digit, digit + 1, Buffer.from(text));
      }
    }
  },
  measured: () => {},
};

/** Other numbers in a length field. */
function lengths(misses: NearMisses, frame: Buffer, field: LengthFieldData, maximum: number): void {
  const { offset, width, form, order = 'big' } = field;
  if (form === 'varint' || form === '7/16/64') {
    misses.put('a length of ten bytes ff', offset, offset + 1, Buffer.alloc(10, 0xff));
    misses.put('a length longer than it need be', offset, offset, [0x80]);
    misses.put(`a length beyond ${maximum}`, offset, offset + 1, [0xff, 0xff, 0xff, 0xff, 0x07]);
    return;
  }
  if (form === 'decimal' || form === 'hexadecimal') {
    for (const digit of [0x2d, 0x20, 0x39, 0x66, 0x00]) {
      misses.put(`the length begins with byte ${digit}`, offset, offset + 1, [digit]);
    }
    return;
  }
  if (frame.length < offset + width) return;
  const bytes = frame.subarray(offset, offset + width);
  const said = numberOf(bytes, order);
  const most = 2n ** BigInt(8 * width) - 1n;
  const numbers = new Map<string, bigint>([
    ['+ 1', said + 1n],
    ['− 1', said - 1n],
    ['beyond the greatest', BigInt(maximum) + 1n],
    ['far beyond the greatest', most],
    ['that is negative where it has a sign', most / 2n + 1n],
    ['that is the greatest where it has a sign', most / 2n],
    ['0', 0n],
    ['1', 1n],
    ['twice', said * 2n],
    ['half', said / 2n],
    ['in the other order of bytes', numberOf(bytes, order === 'big' ? 'little' : 'big')],
  ]);
  for (const [what, number] of numbers) {
    if (number < 0n || number > most) continue;
    misses.put(`length ${what}: ${number}`, offset, offset + width, bytesOf(number, width, order));
  }
}

function tooLong(misses: NearMisses, frame: Buffer, maximum: number): void {
  if (maximum > 1_048_576) return;
  misses.put(`longer than ${maximum} bytes`, 0, 0, Buffer.alloc(maximum + 1, 0x41));
  misses.add(`${maximum + 2} bytes without an end`, Buffer.concat([Buffer.alloc(maximum + 2, 0x41), frame]));
}

/** Faults that any frame can have. */
function anyFrame(misses: NearMisses, frame: Buffer): void {
  const { length } = frame;
  for (const at of new Set([0, 1, 2, 3, 4, 5, 6, 7, length - 2, length - 1])) {
    if (at < 0 || at >= length) continue;
    misses.put(`byte ${at} turned over`, at, at + 1, [frame[at]! ^ 0xff]);
    misses.put(`byte ${at} twice`, at, at, [frame[at]!]);
    misses.put(`byte ${at} left out`, at, at + 1, []);
  }
  misses.put('a line of another protocol in front', 0, 0, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
}

function numberOf(bytes: Buffer, order: 'little' | 'big'): bigint {
  const digits = order === 'big' ? bytes : Buffer.from(bytes).reverse();
  return BigInt(`0x${digits.toString('hex') || '0'}`);
}

function bytesOf(number: bigint, width: number, order: 'little' | 'big'): Buffer {
  const bytes = Buffer.from(number.toString(16).padStart(2 * width, '0'), 'hex');
  return order === 'big' ? bytes : bytes.reverse();
}
