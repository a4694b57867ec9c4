import { show } from '../../bytes/show.ts';
import { anything, checkOptions, flag } from '../../options.ts';
import { framingCall } from './call.ts';
import { EscapeTable, EscapingWriter, stuffingOf } from './escapes.ts';
import type { Framing } from './framing.ts';
import type { FramingLayout } from './layout.ts';
import { STUFFED_OPTIONS, type StuffedOptions, stuffed } from './stuffing.ts';

/** The options of `slip`. The bytes default to those of RFC 1055. */
export interface SlipOptions extends StuffedOptions {
  /** The byte that ends a frame. Default 0xC0, END. */
  end?: number | undefined;
  /** The escape byte: the next byte stands for another. Default 0xDB, ESC. */
  escape?: number | undefined;
  /** What follows `escape` for `end` inside a payload. Default 0xDC, ESC_END. */
  escapedEnd?: number | undefined;
  /** What follows `escape` for `escape` inside a payload. Default 0xDD, ESC_ESC. */
  escapedEscape?: number | undefined;
  /**
   * What opens a frame: nothing; END, which flushes line noise (`'end'`, as RFC 1055 advises); or a start marker, a byte of its
   * own, before which bytes belong to no frame. Default: nothing.
   */
  start?: 'end' | number | undefined;
  /** What follows `escape` for the start marker inside a payload. Default 0xDE. */
  escapedStart?: number | undefined;
  /**
   * Whether END right after END (or right after the start marker) is an empty frame. Default: only with a start marker. Without
   * one, RFC 1055 lets receivers skip empty frames, and the writer refuses an empty payload.
   */
  emptyFrames?: boolean | undefined;
}

/**
 * SLIP, RFC 1055: frames for serial lines that end with END, which never appears inside.
 *
 *     payload   01 C0       02 DB       03
 *     wire      01 DB DC    02 DB DD    03 C0
 *                  ESC ESC_END ESC ESC_ESC  END
 *
 * Any other byte after ESC is `ERR_FRAME_STUFFING`. Frames are copies, not views: unstuffing changes them. For escapes that flip
 * a bit (PPP, HDLC) see `stuffed`.
 *
 * @throws TypeError or RangeError for options that are invalid or contradict each other.
 *
 * @example
 * serialPort.pipe(new FrameDecoder(slip({ onInvalid: 'discard' })));
 */
export function slip(options: SlipOptions = {}): Framing {
  checkOptions('slip', options, {
    ...STUFFED_OPTIONS,
    end: anything,
    escape: anything,
    escapedEnd: anything,
    escapedEscape: anything,
    start: anything,
    escapedStart: anything,
    emptyFrames: flag,
  });
  const { end = 0xc0, escape: esc = 0xdb, escapedEnd = 0xdc, escapedEscape = 0xdd } = options;
  const { start, escapedStart = 0xde } = options;
  checkByte('end', end, []);
  checkByte('escape', esc, [end]);
  checkByte('escapedEnd', escapedEnd, [end]);
  checkByte('escapedEscape', escapedEscape, [end, escapedEnd]);
  const marker = start === 'end' ? undefined : start;
  if (marker !== undefined) {
    checkByte('start', marker, [end, esc, escapedEnd, escapedEscape]);
    checkByte('escapedStart', escapedStart, [end, esc, escapedEnd, escapedEscape, marker]);
  } else if (options.escapedStart !== undefined) {
    throw new TypeError('slip: escapedStart is for a start marker: give start a byte');
  }
  const { emptyFrames = marker !== undefined } = options;
  if (emptyFrames && start === 'end') {
    throw new TypeError(
      "slip: emptyFrames and start: 'end' contradict: the END that opens a frame would end an empty one",
    );
  }
  if (!emptyFrames && marker !== undefined) {
    throw new TypeError(
      'slip: emptyFrames: false is of no use with a start marker: such frames cannot come by chance',
    );
  }

  const codes = new Map([
    [end, escapedEnd],
    [esc, escapedEscape],
  ]);
  if (marker !== undefined) codes.set(marker, escapedStart);
  const bytes = new Map([...codes].map(([byte, code]) => [code, byte]));
  const table = new EscapeTable({ escape: esc, codes, decode: (code) => bytes.get(code) });
  const { maxFrameLength, validity, reader } = stuffed(
    'slip',
    stuffingOf(table, { delimiter: end, startMarker: marker, emptyFrames }),
    options,
  );
  const opening = start === 'end' ? end : marker;
  const writer = new EscapingWriter(table, opening, end, emptyFrames, maxFrameLength, validity);
  const layout: FramingLayout = {
    kind: 'stuffed',
    delimiter: end,
    ...(marker !== undefined && { start: marker }),
    ...(opening !== undefined && { opensWith: opening }),
    escape: esc,
    escapes: [...codes],
    ignored: [],
    forbidden: [],
    emptyFrames,
    maximum: maxFrameLength,
    ...(validity && { valid: validity.layout }),
  };
  return {
    name: 'slip',
    maxFrameLength,
    layout,
    call: framingCall('slip', options),
    reader,
    writer: () => writer,
  };
}

function checkByte(name: string, value: number, taken: readonly number[]): void {
  if (Number.isInteger(value) && value >= 0 && value <= 255 && !taken.includes(value)) return;
  const others = taken.map((byte) => `0x${byte.toString(16)}`).join(', ');
  const range = others === '' ? 'a byte' : `a byte other than ${others}`;
  throw new RangeError(`slip: ${name} must be ${range}, got ${show(value)}`);
}
