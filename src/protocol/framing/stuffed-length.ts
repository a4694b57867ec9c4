import { framingCall } from './call.ts';
import { MORE, NONE, type PacketKind } from './candidate.ts';
import { ESCAPE, type EscapeTable, IGNORED } from './escapes.ts';
import type { FrameWriter, Framing } from './framing.ts';
import type { FramingLayout, StuffedLayout } from './layout.ts';
import { Mark } from './mark.ts';
import { type Measuring, MeasuringReader } from './measuring-reader.ts';
import { LengthInPacket, type PacketLength } from './packet-length.ts';
import type { StuffedOptions } from './stuffing.ts';
import { requireValid, type Validity, validity } from './validity.ts';
import { payloadLength, payloadTooLong } from './violations.ts';

/** The state of the measure: the received bytes of the payload, unstuffed, and the first of them, which contain its length. */
interface Progress {
  count: number;
  readonly head: Buffer;
  length: number;
}

/**
 * Frames that begin with a flag and contain their length, their bytes escaped:
 *
 *     wire      7E   00 02   23 7D31   CB
 *     payload        00 02   23 11     CB
 *                    └ length field
 */
export function stuffedLength(
  options: StuffedOptions,
  length: PacketLength,
  flag: number,
  table: EscapeTable,
  common: StuffedLayout,
): Framing {
  const { maxFrameLength = 65_536, onInvalid } = options;
  const field = new LengthInPacket('stuffed: length', length);
  const judge = validity('stuffed: valid', options.valid);
  const unpack: Measuring['unpack'] = (target, at, bytes, start, end) =>
    table.unstuff(target, at, bytes, start + 1, end);
  const kind: PacketKind = {
    name: 'stuffed',
    mark: new Mark(Buffer.of(flag)),
    header: 1,
    maximum: 1 + 2 * maxFrameLength,
    validity: judge && {
      layout: judge.layout,
      problem(bytes, start, end) {
        const payload = Buffer.allocUnsafe(end - start);
        return judge.problem(payload, 0, table.unstuff(payload, 0, bytes, start + 1, end));
      },
    },
    measure(bytes, start, end, cursor) {
      cursor.state ??= { count: 0, head: Buffer.alloc(field.end), length: 0 } satisfies Progress;
      const progress = cursor.state as Progress;
      let at = start + Math.max(cursor.at, 1);
      while (at < end) {
        const first = at;
        let byte = bytes[at]!;
        const kind = table.received[byte]!;
        at++;
        if (kind === IGNORED) continue;
        if (kind < 0 || byte === flag) {
          while (kind === ESCAPE && at < end && table.received[bytes[at]!] === IGNORED) at++;
          if (kind === ESCAPE && at === end) {
            at = first;
            break;
          }
          const isFlag = byte === flag;
          byte = kind === ESCAPE && bytes[at] !== flag ? table.unescaped[bytes[at++]!]! : -1;
          if (byte < 0) {
            cursor.problem = isFlag ? 'a flag before the end that its length says' : 'invalid stuffing';
            cursor.at = at - start;
            return NONE;
          }
        }
        if (progress.count < field.end) progress.head[progress.count] = byte;
        progress.count++;
        if (progress.count === field.end) {
          progress.length = field.read(progress.head, 0);
          if (!(progress.length >= field.end && progress.length <= maxFrameLength)) {
            cursor.problem = field.problem(progress.head, 0);
            return NONE;
          }
        }
        if (progress.count === progress.length) return at - start;
      }
      cursor.at = at - start;
      return MORE;
    },
  };
  const layout: FramingLayout = {
    ...common,
    length: { field: field.data, add: field.add },
    ...(judge && { valid: judge.layout }),
  };
  const measuring: Measuring = { kinds: [kind], skipsNoise: onInvalid === 'discard', maxFrameLength, unpack };
  const writer = new StuffedLengthWriter(table, flag, field, maxFrameLength, judge);
  return {
    name: 'stuffed',
    maxFrameLength,
    layout,
    call: framingCall('stuffed', options),
    reader: (readerOptions) => new MeasuringReader(measuring, readerOptions),
    writer: () => writer,
  };
}

class StuffedLengthWriter implements FrameWriter {
  readonly #table: EscapeTable;
  readonly #flag: number;
  readonly #field: LengthInPacket;
  readonly #limit: number;
  readonly #validity: Validity | undefined;

  constructor(
    table: EscapeTable,
    flag: number,
    field: LengthInPacket,
    limit: number,
    judge: Validity | undefined,
  ) {
    this.#table = table;
    this.#flag = flag;
    this.#field = field;
    this.#limit = limit;
    this.#validity = judge;
  }

  bound(length: number): number {
    return 1 + 2 * length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const actual = end - start;
    if (actual > this.#limit) throw payloadTooLong(actual, this.#limit);
    const said = actual < this.#field.end ? undefined : this.#field.read(source, start);
    if (said !== actual) {
      throw payloadLength(`payload of ${actual} bytes that says it has ${said ?? 'none'}`, { actual });
    }
    requireValid(this.#validity, source, start, end);
    target[at] = this.#flag;
    return this.#table.stuff(target, at + 1, source, start, end);
  }
}
