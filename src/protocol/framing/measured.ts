import { callback, checkOptions, integer, oneOf } from '../../options.ts';
import { framingCall } from './call.ts';
import { type InnerCursor, type MeasureCursor, MORE, type PacketKind } from './candidate.ts';
import type { Framing } from './framing.ts';
import { type Measuring, MeasuringReader, MeasuringWriter } from './measuring-reader.ts';
import { type Valid, validity } from './validity.ts';

export interface MeasuredOptions {
  /**
   * Find the length of the packet that begins at `bytes[start]`. Only `bytes[start, end)` is there. Returns
   *
   *     n > 0       its length in bytes, however much of it is there
   *     undefined   more bytes are needed to tell; -n: at least n more
   *     0           no packet begins there
   *
   * When more bytes have come, it is called again with the same `cursor`: `cursor.at` and `cursor.state` are its own, to continue
   * where it stopped. A measure that does so examines no byte twice, and the framing is linear in the input.
   */
  measure(bytes: Buffer, start: number, end: number, cursor: MeasureCursor): number | undefined;
  /** The most bytes of a whole packet. Default 65,536. */
  maxFrameLength?: number | undefined;
  /** What makes a packet valid: its checksum, or a function. Default: every packet is valid. */
  valid?: Valid | undefined;
  /** What to do with bytes that do not begin a valid packet: end the stream with an error, or skip and report them. Default `'error'`. */
  onNoise?: 'error' | 'discard' | undefined;
}

/**
 * Frames whose length a function finds. A frame is the whole packet; the writer checks the length of a payload, and writes the
 * payload unchanged.
 *
 * @throws TypeError or RangeError for invalid options.
 *
 * @example
 * // SOCKS 5 greetings, RFC 1928: version, number of methods, the methods
 * measured({ measure: (bytes, start, end) => (end - start < 2 ? undefined : 2 + bytes[start + 1]!), maxFrameLength: 257 });
 */
export function measured(options: MeasuredOptions): Framing {
  checkOptions('measured', options, {
    measure: callback,
    maxFrameLength: integer(1),
    valid: () => {},
    onNoise: oneOf('error', 'discard'),
  });
  callback('measured: measure', options.measure);
  const { measure, maxFrameLength = 65_536, onNoise } = options;
  const kind: PacketKind = {
    name: 'measured',
    mark: undefined,
    header: 1,
    maximum: maxFrameLength,
    validity: validity('measured: valid', options.valid),
    measure(bytes, start, end, cursor) {
      return answer(measure(bytes, start, end, cursor), end - start, cursor);
    },
  };
  const measuring: Measuring = { kinds: [kind], skipsNoise: onNoise === 'discard', maxFrameLength };
  const writer = new MeasuringWriter(measuring);
  return {
    name: 'measured',
    maxFrameLength,
    layout: {
      kind: 'measured',
      by: 'function',
      maximum: maxFrameLength,
      skipsNoise: measuring.skipsNoise,
      ...(kind.validity && { valid: kind.validity.layout }),
    },
    call: framingCall('measured', options),
    reader: (readerOptions) => new MeasuringReader(measuring, readerOptions),
    writer: () => writer,
  };
}

/** The result of a user's measure, as a length, `MORE`, or `NONE`, which is 0 there as well. */
function answer(length: unknown, there: number, cursor: InnerCursor): number {
  if (length === undefined) return MORE;
  if (!Number.isSafeInteger(length)) {
    throw new TypeError(`measure must answer an integer or undefined, got ${typeof length}`);
  }
  const number = length as number;
  if (number >= 0) return number;
  cursor.needs = there - number;
  return MORE;
}
