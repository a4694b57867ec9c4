import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import type { FrameWriter, Framing } from './framing.ts';
import { checkLength, type StuffedOptions, type Stuffing, stuffed } from './stuffing.ts';

export interface SlipOptions extends StuffedOptions {
  /**
   * What opens a frame: nothing; END, which flushes line noise (`'end'`, as RFC 1055 advises); or a byte of its own,
   * a start marker, and what stands before it belongs to no frame. Default: nothing.
   */
  start?: 'end' | number | undefined;
  /** What stands behind ESC for the start marker inside a payload. Default 0xDE. */
  escapedStart?: number | undefined;
  /**
   * Whether END right behind END (right behind the start marker, where there is one) is a frame of no bytes. Default:
   * only with a start marker; without one RFC 1055 has receivers pass over them, and the writer refuses such a payload.
   */
  emptyFrames?: boolean | undefined;
}

const END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

/**
 * SLIP, RFC 1055: frames for serial lines that end with END, which never stands inside.
 *
 *     payload   01 C0       02 DB       03
 *     wire      01 DB DC    02 DB DD    03 C0
 *                  ESC ESC_END ESC ESC_ESC  END
 *
 * Any other byte behind ESC is `ERR_FRAME_STUFFING`. Frames are copies, not views: unstuffing changes them.
 *
 * @throws TypeError or RangeError for options that are wrong or contradict each other.
 *
 * @example
 * serialPort.pipe(new FrameDecoder(slip({ onInvalid: 'discard' })));
 */
export function slip(options: SlipOptions = {}): Framing {
  const { start, escapedStart = 0xde } = options;
  const marker = start === 'end' ? undefined : start;
  if (marker !== undefined) {
    checkByte('start', marker, [END, ESC]);
    checkByte('escapedStart', escapedStart, [END, ESC, ESC_END, ESC_ESC, marker]);
    if (marker === ESC_END || marker === ESC_ESC) {
      throw new RangeError(`start must not be a byte that stands behind ESC, got ${marker}`);
    }
  } else if (options.escapedStart !== undefined) {
    throw new TypeError('escapedStart is for a start marker: give start a byte');
  }
  const { emptyFrames = marker !== undefined } = options;
  if (typeof emptyFrames !== 'boolean') {
    throw new TypeError(`emptyFrames must be true or false, got ${String(emptyFrames)}`);
  }
  if (emptyFrames && start === 'end') {
    throw new TypeError(
      "emptyFrames and start: 'end' contradict: the END that opens a frame would end an empty one",
    );
  }
  if (!emptyFrames && marker !== undefined) {
    throw new TypeError(
      'emptyFrames: false is of no use with a start marker: such frames cannot come by chance',
    );
  }

  /** What stands behind ESC, by the byte it stands for, and back. */
  const escapes = new Map([
    [END, ESC_END],
    [ESC, ESC_ESC],
  ]);
  if (marker !== undefined) escapes.set(marker, escapedStart);
  const escaped = new Int16Array(256).fill(-1);
  const unescaped = new Int16Array(256).fill(-1);
  for (const [byte, code] of escapes) {
    escaped[byte] = code;
    unescaped[code] = byte;
  }

  const stuffing = new SlipStuffing(marker, emptyFrames, unescaped);
  const { maxFrameLength, reader } = stuffed(stuffing, options);
  const opening = start === 'end' ? END : marker;
  const writer = new SlipWriter(opening, emptyFrames, escaped, maxFrameLength);
  return { name: 'slip', maxFrameLength, reader, writer: () => writer };
}

function checkByte(name: string, value: number, taken: readonly number[]): void {
  if (!Number.isInteger(value) || value < 0 || value > 255 || taken.includes(value)) {
    const others = taken.map((byte) => `0x${byte.toString(16)}`).join(', ');
    throw new RangeError(`${name} must be a byte other than ${others}, got ${String(value)}`);
  }
}

class SlipStuffing implements Stuffing {
  readonly delimiter: number = END;
  readonly startMarker: number | undefined;
  readonly emptyFrames: boolean;
  /** The byte that a code behind ESC stands for; -1 for none. */
  readonly #unescaped: Int16Array;

  constructor(startMarker: number | undefined, emptyFrames: boolean, unescaped: Int16Array) {
    this.startMarker = startMarker;
    this.emptyFrames = emptyFrames;
    this.#unescaped = unescaped;
  }

  bound(length: number): number {
    return 2 * length;
  }

  unstuff(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
    let to = at;
    for (let i = start; i < end; i++) {
      let byte = source[i]!;
      if (byte === ESC) {
        // END behind ESC ends the frame: ESC is what is wrong.
        byte = i + 1 < end ? this.#unescaped[source[i + 1]!]! : -1;
        if (byte === -1) return -1 - i;
        i++;
      }
      target[to++] = byte;
    }
    return to;
  }
}

class SlipWriter implements FrameWriter {
  static {
    trust(SlipWriter.prototype);
  }

  readonly #opening: number | undefined;
  readonly #emptyFrames: boolean;
  /** What stands behind ESC for a byte; -1 for one that is written as it is. */
  readonly #escaped: Int16Array;
  readonly #limit: number;

  constructor(opening: number | undefined, emptyFrames: boolean, escaped: Int16Array, limit: number) {
    this.#opening = opening;
    this.#emptyFrames = emptyFrames;
    this.#escaped = escaped;
    this.#limit = limit;
  }

  bound(length: number): number {
    return 2 * length + 2;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    checkLength(end - start, this.#limit);
    if (start === end && !this.#emptyFrames) {
      throw new FrameError('ERR_FRAME_LENGTH', 'payload of 0 bytes: SLIP receivers pass over empty frames', {
        origin: 'local',
        limit: 1,
        actual: 0,
      });
    }
    let to = at;
    if (this.#opening !== undefined) target[to++] = this.#opening;
    for (let i = start; i < end; i++) {
      const byte = source[i]!;
      const code = this.#escaped[byte]!;
      if (code === -1) {
        target[to++] = byte;
      } else {
        target[to++] = ESC;
        target[to++] = code;
      }
    }
    target[to++] = END;
    return to;
  }
}
