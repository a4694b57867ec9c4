import { show } from '../../bytes/show.ts';
import { anything, flag as boolean, type Check, checkOptions } from '../../options.ts';
import { framingCall } from './call.ts';
import { EscapeTable, EscapingWriter, stuffingOf } from './escapes.ts';
import type { Framing } from './framing.ts';
import type { FramingLayout, StuffedLayout } from './layout.ts';
import type { PacketLength } from './packet-length.ts';
import { stuffedLength } from './stuffed-length.ts';
import { STUFFED_OPTIONS, type StuffedOptions, stuffed as stuffedFraming } from './stuffing.ts';

export interface StuffedFlagOptions extends StuffedOptions {
  /** The byte between frames, which never appears inside. Neighbouring frames may share one. */
  flag: number;
  /** The escape byte: the next byte stands for another. */
  escape: number;
  /** The value that the byte after an escape is XORed with. Give either this or `escapes`. */
  xor?: number | undefined;
  /** By byte: its code after an escape. Flag and escape must be included. */
  escapes?: Readonly<Record<number, number>> | undefined;
  /** More bytes that the writer escapes, by `xor`; the reader also accepts them unescaped. */
  alsoEscaped?: readonly number[] | undefined;
  /** Bytes that the reader drops everywhere, such as XON and XOFF. The writer escapes them. */
  ignored?: readonly number[] | undefined;
  /** Bytes that make a frame invalid. The writer escapes them. */
  forbidden?: readonly number[] | undefined;
  /** A byte that drops the bytes of the frame so far, without a report. The writer escapes it. */
  cancel?: number | undefined;
  /** Whether the writer opens each frame with a flag; with a `length` it always does. Default true. */
  opens?: boolean | undefined;
  /**
   * Set if the payload contains its own length: the frame ends there, without a flag after it (XBee API 2). Bytes between such
   * frames are noise, and so are frames that are invalid or too long: `onInvalid` decides whether they are an error or skipped.
   * It excludes `onTooLong`.
   */
  length?: PacketLength | undefined;
}

/**
 * Frames between flags. A byte that must not appear inside is replaced by an escape and another byte.
 *
 *     payload         01 7E    7D    11 22
 *     wire       7E   01 7D5E  7D5D  11 22   7E        flag 7E, escape 7D, xor 20
 *
 * Two flags with nothing between them make no frame, so neighbouring frames may share a flag and idle lines may repeat it. Frames
 * are copies, not views. An escape right before a flag makes the frame invalid, as an abort does (`ERR_FRAME_STUFFING`).
 *
 * @throws TypeError or RangeError for options that are invalid or contradict each other.
 *
 * @example
 * stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20, onInvalid: 'discard' }); //  PPP, RFC 1662; GSM 07.10 advanced
 */
export function stuffed(options: StuffedFlagOptions): Framing {
  checkOptions('stuffed', options, OPTIONS);
  const { flag, escape: esc, xor, escapes, alsoEscaped = [], ignored = [], forbidden = [], cancel } = options;
  for (const [name, value] of Object.entries({ flag, escape: esc })) byte(`stuffed: ${name}`, value);
  if ((xor === undefined) === (escapes === undefined)) {
    throw new TypeError('stuffed: give xor or escapes, one of them');
  }
  const reserved = [flag, esc, ...ignored, ...forbidden, ...(cancel === undefined ? [] : [cancel])];
  if (new Set(reserved).size !== reserved.length) {
    throw new RangeError('stuffed: flag, escape, ignored, forbidden and cancel must be different bytes');
  }
  const codes =
    xor === undefined
      ? tableOf(escapes!)
      : new Map([...reserved, ...alsoEscaped].map((value) => [value, value ^ xor]));
  for (const value of reserved) {
    if (!codes.has(value))
      throw new RangeError(`stuffed: escapes has nothing for the byte 0x${value.toString(16)}`);
  }
  if (options.length !== undefined && options.onTooLong !== undefined) {
    throw new TypeError(
      'stuffed: with a length, onInvalid says what becomes of frames that are too long: leave onTooLong out',
    );
  }
  const values = [...codes.values()];
  if (new Set(values).size !== values.length) throw new RangeError('stuffed: two bytes have the same escape');
  for (const code of values) {
    if (code !== esc && reserved.includes(code)) {
      throw new RangeError(`stuffed: 0x${code.toString(16)} cannot stand behind an escape`);
    }
  }
  const back = new Map([...codes].map(([value, code]) => [code, value]));
  const decode = xor === undefined ? (code: number) => back.get(code) : (code: number) => code ^ xor;
  const table = new EscapeTable({ escape: esc, codes, decode, ignored, forbidden });
  const stuffing = stuffingOf(table, { delimiter: flag, startMarker: undefined, emptyFrames: false });
  const opens = options.length !== undefined || (options.opens ?? true);
  const common: StuffedLayout = {
    kind: 'stuffed',
    delimiter: flag,
    ...(opens && { opensWith: flag }),
    escape: esc,
    escapes: [...codes],
    ...(xor !== undefined && { xor }),
    ignored,
    forbidden,
    ...(cancel !== undefined && { cancel }),
    emptyFrames: false,
    maximum: options.maxFrameLength ?? 65_536,
  };
  if (options.length !== undefined) return stuffedLength(options, options.length, flag, table, common);
  const { maxFrameLength, validity, reader } = stuffedFraming('stuffed', { ...stuffing, cancel }, options);
  const layout: FramingLayout = { ...common, ...(validity && { valid: validity.layout }) };
  const writer = new EscapingWriter(table, opens ? flag : undefined, flag, false, maxFrameLength, validity);
  return {
    name: 'stuffed',
    maxFrameLength,
    layout,
    call: framingCall('stuffed', options),
    reader,
    writer: () => writer,
  };
}

const byte: Check = (name, value) => {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) return;
  throw new RangeError(`${name} must be an integer from 0 to 255, got ${show(value)}`);
};

const bytes: Check = (name, value) => {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be an array of bytes, got ${show(value)}`);
  for (const one of value) byte(name, one);
};

const OPTIONS: Readonly<Record<keyof StuffedFlagOptions, Check>> = {
  ...STUFFED_OPTIONS,
  flag: byte,
  escape: byte,
  xor: byte,
  escapes: anything,
  alsoEscaped: bytes,
  ignored: bytes,
  forbidden: bytes,
  cancel: byte,
  opens: boolean,
  length: anything,
};

function tableOf(escapes: unknown): Map<number, number> {
  if (typeof escapes !== 'object' || escapes === null) {
    throw new TypeError(`stuffed: escapes must be an object of bytes, got ${show(escapes)}`);
  }
  const table = new Map(Object.entries(escapes).map(([value, code]) => [Number(value), code as number]));
  for (const [value, code] of table) {
    byte('stuffed: escapes', value);
    byte('stuffed: escapes', code);
  }
  return table;
}
