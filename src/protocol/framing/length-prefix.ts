import type { Framing } from './framing.ts';
import { fieldMaximum, type Layout } from './length-layout.ts';
import { LengthPrefixReader } from './length-prefix-reader.ts';
import { FixedWriter, VarintWriter } from './length-prefix-writer.ts';

/**
 * Frames that say their length up front.
 *
 *     lengthFieldOffset   lengthFieldLength
 *     ├──────────────┤├───────────────────┤
 *     │ header bytes ││   length field    ││ the bytes that follow the field             │
 *     └──────────────┘└───────────────────┘└─────────────────────────────────────────────┘
 *                                           ├── value of the field + lengthAdjustment ───┤
 *     ├── initialBytesToStrip ────────────┤├──────── the frame that is handed on ────────┤
 */
export interface LengthPrefixOptions {
  /** Width of the length field in bytes, 1 to 8, or `'varint'` (base 128, least significant first). Default 4. */
  lengthFieldLength?: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 'varint' | undefined;
  /** Of the length field; a varint has its own. Default `'little'`. */
  byteOrder?: 'little' | 'big' | undefined;
  /** Header bytes before the length field. Default 0. */
  lengthFieldOffset?: number | undefined;
  /** Added to the field's value to give the number of bytes that follow the field; may be negative. Default 0. */
  lengthAdjustment?: number | undefined;
  /**
   * `lengthAdjustment` in plain words: the length counts what follows the field (`'payload'`), or also the field
   * and what stands before it (`'header'`). Default `'payload'`.
   */
  lengthIncludes?: 'payload' | 'header' | undefined;
  /** Leading bytes of the frame that are not handed on. Default: the header, field included. */
  initialBytesToStrip?: number | undefined;
  /** The most bytes that may follow the length field. Default 10,000,000. */
  maxFrameLength?: number | undefined;
  /** A frame longer than that: an error that ends the stream, or skip exactly that frame. Default `'error'`. */
  onTooLong?: 'error' | 'discard' | undefined;
}

/**
 * Length-field framing, both directions from one object: what its writer writes, its reader reads.
 *
 * The writer takes what the reader hands on. Header bytes that the reader strips are written as zeros, the length
 * field is always filled in.
 *
 * @throws TypeError or RangeError for options that are wrong or contradict each other.
 *
 * @example
 * lengthPrefix(); //                                                u32 little-endian, at most 10,000,000 bytes
 * lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' }); //      DNS over TCP, RFC 1035 §4.2.2
 * lengthPrefix({ lengthFieldOffset: 1, byteOrder: 'big', lengthAdjustment: -4, initialBytesToStrip: 0 }); // PostgreSQL
 */
export function lengthPrefix(options: LengthPrefixOptions = {}): Framing {
  const layout = checkedLayout(options);
  const writer = layout.varint ? new VarintWriter(layout) : new FixedWriter(layout);
  return {
    name: 'lengthPrefix',
    wire: layout.wire,
    maxFrameLength: layout.maxFrameLength,
    reader: (readerOptions) => new LengthPrefixReader(layout, readerOptions),
    writer: () => writer,
  };
}

const DEFAULT_MAX_FRAME_LENGTH = 10_000_000;

function checkedLayout(options: LengthPrefixOptions): Layout {
  const {
    lengthFieldLength = 4,
    byteOrder = 'little',
    lengthFieldOffset: offset = 0,
    lengthAdjustment,
    lengthIncludes,
    initialBytesToStrip,
    maxFrameLength = DEFAULT_MAX_FRAME_LENGTH,
    onTooLong = 'error',
  } = options;
  const varint = lengthFieldLength === 'varint';
  const width = varint ? 0 : lengthFieldLength;

  if (!varint && !(Number.isInteger(width) && width >= 1 && width <= 8)) {
    throw new RangeError(
      `lengthFieldLength must be 1 to 8 bytes or 'varint', got ${show(lengthFieldLength)}`,
    );
  }
  oneOf('byteOrder', byteOrder, ['little', 'big']);
  oneOf('onTooLong', onTooLong, ['error', 'discard']);
  natural('lengthFieldOffset', offset);
  natural('maxFrameLength', maxFrameLength);
  if (lengthAdjustment !== undefined && !Number.isSafeInteger(lengthAdjustment)) {
    throw new RangeError(`lengthAdjustment must be an integer, got ${show(lengthAdjustment)}`);
  }
  if (lengthIncludes !== undefined) {
    oneOf('lengthIncludes', lengthIncludes, ['payload', 'header']);
    if (lengthAdjustment !== undefined) {
      throw new TypeError('lengthIncludes and lengthAdjustment say the same thing twice: give one of them');
    }
  }

  const header = offset + width;
  const adjustment = lengthIncludes === 'header' ? -header : (lengthAdjustment ?? 0);
  const largest = varint ? Number.MAX_SAFE_INTEGER : fieldMaximum(width);
  if (largest + adjustment < 0) {
    throw new RangeError(
      `lengthAdjustment ${adjustment} makes every length negative: a ${width}-byte field holds at most ${largest}`,
    );
  }
  if (adjustment > maxFrameLength) {
    throw new RangeError(
      `lengthAdjustment ${adjustment} makes every frame longer than maxFrameLength ${maxFrameLength}`,
    );
  }
  if (initialBytesToStrip !== undefined) natural('initialBytesToStrip', initialBytesToStrip);
  if (varint && initialBytesToStrip !== undefined && initialBytesToStrip > offset) {
    throw new RangeError(
      `initialBytesToStrip ${initialBytesToStrip} reaches into a varint, whose length differs: strip at most the ` +
        `${offset} bytes before it, or leave the option out to strip the whole header`,
    );
  }
  if (!varint && initialBytesToStrip !== undefined && initialBytesToStrip > header + maxFrameLength) {
    throw new RangeError(
      `initialBytesToStrip ${initialBytesToStrip} is more than the longest frame, ${header + maxFrameLength} bytes`,
    );
  }
  const stripsAll =
    offset === 0 && (initialBytesToStrip === undefined || (!varint && initialBytesToStrip === width));
  return {
    varint,
    width,
    little: byteOrder === 'little',
    offset,
    header,
    strip: initialBytesToStrip ?? header,
    stripsVarint: varint && initialBytesToStrip === undefined,
    adjustment,
    countsVarint: varint && lengthIncludes === 'header',
    maxFrameLength: Math.min(maxFrameLength, largest + adjustment),
    discards: onTooLong === 'discard',
    // A varint may be wider than it need be, so one reader's run is not byte for byte what a writer makes.
    wire: stripsAll && !varint ? `lengthPrefix:${width}:${byteOrder}:${adjustment}` : undefined,
  };
}

function natural(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new RangeError(`${name} must be a whole number of bytes, 0 or more, got ${show(value)}`);
  }
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) {
    throw new TypeError(`${name} must be ${allowed.map((a) => `'${a}'`).join(' or ')}, got ${show(value)}`);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
