import { largestOf } from '../../bytes/integers.ts';
import { show } from '../../bytes/show.ts';
import { MAX_VARINT_LENGTH } from '../../bytes/varint.ts';
import { anything, type Check, checkOptions, integer, natural, oneOf } from '../../options.ts';
import { framingCall } from './call.ts';
import type { Framing } from './framing.ts';
import type { LengthFieldLayout } from './layout.ts';
import {
  digitsField,
  isRun,
  type LengthField,
  maskedField,
  steppedField,
  varintField,
} from './length-field.ts';
import type { LengthLayout } from './length-layout.ts';
import { LengthPrefixReader } from './length-prefix-reader.ts';
import { FixedWriter, VariableWriter } from './length-prefix-writer.ts';

/** Widths of a length field: a number of bytes or digits, or a width that depends on the length. */
export type LengthFieldLength =
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 'varint'
  | '7/16/64';

/**
 * Frames with a length field at the beginning.
 *
 *     lengthFieldOffset   lengthFieldLength
 *     ├──────────────┤├───────────────────┤
 *     │ header bytes ││   length field    ││ the bytes that follow the field             │
 *     └──────────────┘└───────────────────┘└─────────────────────────────────────────────┘
 *                                           ├── value of the field + lengthAdjustment ───┤
 *     ├── initialBytesToStrip ────────────┤├──────── the frame that is handed on ────────┤
 */
export interface LengthPrefixOptions {
  /**
   * Width of the length field in bytes, 1 to 8 (digits: 1 to 15); `'varint'` (base 128, least significant first); or
   * `'7/16/64'` (7 bits, or 126 and 16 bits, or 127 and 64 bits, big-endian, as in WebSocket). Default 4.
   */
  lengthFieldLength?: LengthFieldLength | undefined;
  /** The most bytes of a varint, 1 to 10: MQTT allows 4. Default 10. */
  maxLengthFieldLength?: number | undefined;
  /** The length is text: ASCII digits of that base, with leading zeros. Default: a binary number. */
  base?: 10 | 16 | undefined;
  /** The bits of the field that hold the length, side by side, in a field of at most 4 bytes. Default: all of them. */
  mask?: number | undefined;
  /** The byte order of the length field; a varint, 7/16/64 bits and digits have their own. Default `'little'`. */
  byteOrder?: 'little' | 'big' | undefined;
  /** Header bytes before the length field. Default 0. */
  lengthFieldOffset?: number | undefined;
  /** Added to the length in the field to give the number of bytes that follow the field; may be negative. Default 0. */
  lengthAdjustment?: number | undefined;
  /**
   * `lengthAdjustment` in plain words: the length counts the bytes after the field (`'payload'`), or also the field and the bytes
   * before it (`'header'`). Default `'payload'`.
   */
  lengthIncludes?: 'payload' | 'header' | undefined;
  /** Leading bytes of the frame that are not given out. Default: the header, field included. */
  initialBytesToStrip?: number | undefined;
  /** The most bytes that may follow the length field. Default 10,000,000. */
  maxFrameLength?: number | undefined;
  /** What to do with a longer frame: end the stream with an error, or skip exactly that frame. Default `'error'`. */
  onTooLong?: 'error' | 'discard' | undefined;
}

/**
 * Length-field framing, both directions from one object: its reader reads what its writer writes.
 *
 * The writer takes the frames that the reader gives. Header bytes that the reader strips are written as zeros; the length field
 * is always filled in.
 *
 * @throws TypeError or RangeError for options that are invalid or contradict each other.
 *
 * @example
 * lengthPrefix(); //                                                u32 little-endian, at most 10,000,000 bytes
 * lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' }); //      DNS over TCP, RFC 1035 §4.2.2
 * lengthPrefix({ lengthFieldOffset: 1, byteOrder: 'big', lengthAdjustment: -4, initialBytesToStrip: 0 }); // PostgreSQL
 * lengthPrefix({ lengthFieldLength: 4, base: 10 }); //              four decimal digits, as many ISO 8583 links have it
 */
export function lengthPrefix(options: LengthPrefixOptions = {}): Framing {
  checkOptions('lengthPrefix', options, LENGTH_PREFIX_OPTIONS);
  const layout = checkedLayout(options);
  const { field } = layout;
  const isVariable = field !== undefined && field.width === 0;
  const writer = isVariable ? new VariableWriter(layout, field) : new FixedWriter(layout);
  return {
    name: 'lengthPrefix',
    wire: layout.wire,
    maxFrameLength: layout.maxFrameLength,
    layout: dataOf(layout),
    call: framingCall('lengthPrefix', options),
    inParts: true,
    reader: (readerOptions) => new LengthPrefixReader(layout, readerOptions),
    writer: () => writer,
  };
}

/** The checks of `LengthPrefixOptions`. */
export const LENGTH_PREFIX_OPTIONS: Readonly<Record<keyof LengthPrefixOptions, Check>> = {
  lengthFieldLength: anything,
  maxLengthFieldLength: integer(1, MAX_VARINT_LENGTH),
  base: (name, value) => {
    if (value !== 10 && value !== 16) throw new RangeError(`${name} must be 10 or 16, got ${show(value)}`);
  },
  mask: integer(1, 0xffff_ffff),
  byteOrder: oneOf('little', 'big'),
  lengthFieldOffset: natural,
  lengthAdjustment: integer(Number.MIN_SAFE_INTEGER),
  lengthIncludes: oneOf('payload', 'header'),
  initialBytesToStrip: natural,
  maxFrameLength: natural,
  onTooLong: oneOf('error', 'discard'),
};

function dataOf(layout: LengthLayout): LengthFieldLayout {
  const { field, width, little, offset, adjustment, strip, stripsField, countsField } = layout;
  const form = field?.form ?? 'binary';
  return {
    kind: 'lengthPrefix',
    field: {
      offset,
      width,
      form,
      ...(form === 'varint' && { maxWidth: field!.maxWidth }),
      ...(form === 'binary' && { order: little ? 'little' : 'big' }),
      ...(field?.mask !== undefined && { mask: field.mask }),
    },
    adjustment,
    countsItself: countsField,
    strips: stripsField ? 'header' : strip,
    maximum: layout.maxFrameLength,
  };
}

const DEFAULT_MAX_FRAME_LENGTH = 10_000_000;

function checkedLayout(options: LengthPrefixOptions): LengthLayout {
  const {
    byteOrder = 'little',
    lengthFieldOffset: offset = 0,
    lengthAdjustment,
    lengthIncludes,
    initialBytesToStrip,
    maxFrameLength = DEFAULT_MAX_FRAME_LENGTH,
    onTooLong,
  } = options;
  const [width, field] = lengthField(options);
  const isVariable = width === 0;
  if (lengthIncludes !== undefined && lengthAdjustment !== undefined) {
    throw new TypeError('lengthIncludes and lengthAdjustment say the same thing twice: give one of them');
  }

  const header = offset + width;
  const adjustment = lengthIncludes === 'header' ? 0 - header : (lengthAdjustment ?? 0);
  const countsField = isVariable && lengthIncludes === 'header';
  const largest = field === undefined ? largestOf(width) : field.maximum;
  // The longest frame has the widest field.
  const longest = largest + adjustment - (countsField ? field!.maxWidth : 0);
  if (longest < 0) {
    throw new RangeError(
      `lengthAdjustment ${adjustment} makes every length negative: the length field holds at most ${largest}`,
    );
  }
  if (adjustment > maxFrameLength) {
    throw new RangeError(
      `lengthAdjustment ${adjustment} makes every frame longer than maxFrameLength ${maxFrameLength}`,
    );
  }
  if (isVariable && initialBytesToStrip !== undefined && initialBytesToStrip > offset) {
    throw new RangeError(
      `initialBytesToStrip ${initialBytesToStrip} reaches into a length field whose width differs: strip at most the ` +
        `${offset} bytes before it, or leave the option out to strip the whole header`,
    );
  }
  if (!isVariable && initialBytesToStrip !== undefined && initialBytesToStrip > header + maxFrameLength) {
    throw new RangeError(
      `initialBytesToStrip ${initialBytesToStrip} is more than the longest frame, ${header + maxFrameLength} bytes`,
    );
  }
  const stripsAll = offset === 0 && (initialBytesToStrip === undefined || initialBytesToStrip === width);
  return {
    field,
    width,
    little: byteOrder === 'little',
    offset,
    header,
    strip: initialBytesToStrip ?? header,
    stripsField: isVariable && initialBytesToStrip === undefined,
    adjustment,
    countsField,
    maxFrameLength: Math.min(maxFrameLength, longest),
    discards: onTooLong === 'discard',
    // Any other field can be written in several ways, so a reader's run may differ from a writer's bytes.
    wire: stripsAll && field === undefined ? `lengthPrefix:${width}:${byteOrder}:${adjustment}` : undefined,
  };
}

/** The width of the length field, 0 if it varies, and the field if it is not a plain integer. */
function lengthField(options: LengthPrefixOptions): [width: number, field: LengthField | undefined] {
  const { lengthFieldLength: width = 4, maxLengthFieldLength, base, mask, byteOrder } = options;
  if (maxLengthFieldLength !== undefined && width !== 'varint') {
    throw new TypeError("lengthPrefix: maxLengthFieldLength goes with lengthFieldLength: 'varint'");
  }
  if (base !== undefined && mask !== undefined) {
    throw new TypeError('lengthPrefix: base is for digits, and mask for a binary number: give one of them');
  }
  if (width === 'varint' || width === '7/16/64') {
    if (base !== undefined || mask !== undefined) {
      throw new TypeError(`lengthPrefix: base and mask do not go with lengthFieldLength: '${width}'`);
    }
    return [0, width === 'varint' ? varintField(maxLengthFieldLength ?? MAX_VARINT_LENGTH) : steppedField];
  }
  const most = base === undefined ? (mask === undefined ? 8 : 4) : 15;
  if (!(Number.isInteger(width) && width >= 1 && width <= most)) {
    const what =
      base !== undefined
        ? 'digits'
        : mask !== undefined
          ? 'bytes with a mask'
          : "bytes, 'varint' or '7/16/64'";
    throw new RangeError(`lengthPrefix: lengthFieldLength must be 1 to ${most} ${what}, got ${show(width)}`);
  }
  if (base !== undefined) return [width, digitsField(width, base)];
  if (mask === undefined) return [width, undefined];
  if (mask > largestOf(width) || !isRun(mask)) {
    const shown = `0x${mask.toString(16)}`;
    throw new RangeError(`lengthPrefix: mask must be bits side by side in ${width} bytes, got ${shown}`);
  }
  return [width, maskedField(width, byteOrder !== 'big', mask)];
}
