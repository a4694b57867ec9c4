import { trust } from '../../bytes/trust.ts';
import { checkOptions } from '../../options.ts';
import { framingCall } from './call.ts';
import type { FrameWriter, Framing } from './framing.ts';
import type { FramingLayout } from './layout.ts';
import { STUFFED_OPTIONS, type StuffedOptions, type Stuffing, stuffed } from './stuffing.ts';
import { requireValid, type Validity } from './validity.ts';
import { payloadTooLong } from './violations.ts';

/** The options of `cobs`. */
export interface CobsOptions extends StuffedOptions {}

/** Data bytes in a block without a zero after it. */
const FULL = 254;

/**
 * COBS, consistent overhead byte stuffing (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999), with a zero byte
 * after each frame.
 *
 *     payload      11 22 00 33            (none)
 *     wire      03 11 22 02 33 00         01 00
 *               │        │     └ end of frame
 *               │        └ 1 byte, then the end
 *               └ 2 bytes, then a zero; FF: 254 bytes, then no zero
 *
 * At most one byte in 254 is added. A count that reaches beyond its frame is `ERR_FRAME_STUFFING`. A zero right after a zero is
 * skipped, since no payload gives it. Frames are copies, not views: unstuffing changes them.
 *
 * @throws TypeError or RangeError for invalid options.
 *
 * @example
 * serialPort.pipe(new FrameDecoder(cobs({ maxFrameLength: 256, onInvalid: 'discard' })));
 */
export function cobs(options: CobsOptions = {}): Framing {
  checkOptions('cobs', options, STUFFED_OPTIONS);
  const { maxFrameLength, validity, reader } = stuffed('cobs', STUFFING, options);
  const writer = new CobsWriter(maxFrameLength, validity);
  const layout: FramingLayout = {
    kind: 'cobs',
    delimiter: 0,
    maximum: maxFrameLength,
    ...(validity && { valid: validity.layout }),
  };
  return {
    name: 'cobs',
    maxFrameLength,
    layout,
    call: framingCall('cobs', options),
    reader,
    writer: () => writer,
  };
}

function stuffedLength(length: number): number {
  return length + Math.floor(length / FULL) + 1;
}

const STUFFING: Stuffing = {
  delimiter: 0,
  emptyFrames: false,
  bound: stuffedLength,
  unstuff(target, at, source, start, end) {
    let to = at;
    for (let i = start; i < end; ) {
      const code = source[i]!;
      const next = i + code;
      if (next > end) return -1 - i;
      for (i++; i < next; i++) target[to++] = source[i]!;
      if (code <= FULL && next < end) target[to++] = 0;
    }
    return to;
  },
};

class CobsWriter implements FrameWriter {
  static {
    trust(CobsWriter.prototype);
  }

  readonly #limit: number;

  readonly #validity: Validity | undefined;

  constructor(limit: number, validity: Validity | undefined) {
    this.#limit = limit;
    this.#validity = validity;
  }

  bound(length: number): number {
    return stuffedLength(length) + 1;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    if (end - start > this.#limit) throw payloadTooLong(end - start, this.#limit);
    requireValid(this.#validity, source, start, end);
    /** The place of the current block's count. */
    let codeAt = at;
    let to = at + 1;
    for (let i = start; i < end; i++) {
      const byte = source[i]!;
      if (byte !== 0) target[to++] = byte;
      const length = to - codeAt - 1;
      // A full block at the very end needs no other block after it.
      if (byte === 0 || (length === FULL && i + 1 < end)) {
        target[codeAt] = length + 1;
        codeAt = to++;
      }
    }
    target[codeAt] = to - codeAt;
    target[to++] = 0;
    return to;
  }
}
