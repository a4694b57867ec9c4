import { copyBytes } from '../../bytes/copy.ts';
import { showThrown } from '../../bytes/show.ts';
import { FrameError } from '../../errors.ts';
import { Candidate, MORE, NONE, type PacketKind } from './candidate.ts';
import { FrameInParts } from './frame-in-parts.ts';
import { FRAMES_AT_ONCE, type FrameBatch, type FrameReaderOptions, type FrameWriter } from './framing.ts';
import { Intake } from './intake.ts';
import { Noise } from './noise.ts';
import { payloadLength, payloadTooLong, truncated } from './violations.ts';

/** The options that all framings with measured frames share. */
export interface Measuring {
  readonly kinds: readonly PacketKind[];
  /** Bytes that do not begin a packet are skipped and reported; otherwise they are an error that ends the stream. */
  readonly skipsNoise: boolean;
  readonly maxFrameLength: number;
  /** By byte: whether it is skipped silently before a packet. */
  readonly isIgnored?: Uint8Array | undefined;
  /** Long packets are given out in parts, if the reader's options ask for it. */
  readonly inParts?: boolean | undefined;
  /** Writes the frame of a packet to `target[at]`; returns the offset after it. Default: the packet itself. */
  unpack?(target: Buffer, at: number, bytes: Buffer, start: number, end: number): number;
}

/**
 * Finds packets that are measured; skips a byte where none begins.
 *
 *     │ noise │ packet │ packet │ no│ise │ pac…
 *                                  └ a false start costs one byte: the search continues right after it
 */
export class MeasuringReader extends Intake {
  readonly #measuring: Measuring;
  readonly #candidate: Candidate;
  readonly #noise: Noise;
  /** By byte: whether a packet may begin with it. Undefined if every byte may begin one. */
  readonly #mayBegin: Uint8Array | undefined;
  /** A longer packet is given out in parts. */
  readonly #partsAbove: number;
  /** Bytes of `held` that are taken already. */
  #taken = 0;
  /** Packets that begin before this stream offset were given up: nothing waits for them. */
  #givenUp = 0;
  /** Bytes that were examined in vain since the last pause. */
  #inVain = 0;
  #isPaused = false;
  /** At the end of the stream: the offset of the first packet that was cut off. */
  #cutAt = -1;

  constructor(measuring: Measuring, options?: FrameReaderOptions) {
    super(options);
    this.#measuring = measuring;
    this.#candidate = new Candidate(measuring.kinds);
    this.#partsAbove = measuring.inParts ? (options?.partsAbove ?? Infinity) : Infinity;
    const policy = { isSkipped: true, code: 'ERR_FRAME_NOISE' } as const;
    this.#noise = new Noise(policy, (_, makeError, count) => this.discard(makeError, count));
    this.#mayBegin = measuring.skipsNoise ? firstBytes(measuring.kinds) : undefined;
  }

  override get buffered(): number {
    return super.buffered - this.#taken;
  }

  override detach(): Buffer {
    const rest = Buffer.concat([
      this.held.bytes.subarray(this.#taken, this.held.length),
      this.chunk.subarray(this.at),
    ]);
    this.reset();
    return rest;
  }

  override get isMeasured(): boolean {
    return this.#candidate.measured > 0;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Packets after a false start are not dropped with it. */
  override giveUp(): void {
    this.awaited = 0;
    if (this.#measuring.skipsNoise) this.#givenUp = this.position + this.buffered;
    else this.forget();
  }

  next(): Buffer | undefined {
    const batch = this.take(1);
    return batch?.bytes.subarray(batch.bounds[0], batch.bounds[1]);
  }

  take(limit: number = FRAMES_AT_ONCE): FrameBatch | undefined {
    if (this.partial !== undefined && this.isInParts()) return undefined;
    if (this.error !== undefined || this.waitsOn()) return undefined;
    this.awaited = 0;
    this.#isPaused = false;
    const bytes = this.#window();
    const { unpack } = this.#measuring;
    const streamOffset = this.position - this.#start;
    let target = bytes;
    let to = 0;
    const bounds: number[] = [];
    while (bounds.length < 2 * limit) {
      const length = this.#find(bytes);
      if (length === 0) break;
      const start = this.#start;
      this.#advance(length);
      if (unpack === undefined) {
        bounds.push(start, start + length);
        continue;
      }
      if (to === 0) target = Buffer.allocUnsafe(bytes.length - start);
      const end = unpack(target, to, bytes, start, start + length);
      bounds.push(to, end);
      to = end;
    }
    if (bounds.length === 0) {
      if (this.error !== undefined) return undefined;
      if (this.#candidate.measured > this.#partsAbove) {
        this.#beginParts();
        return undefined;
      }
      this.#keep();
      if (this.#inVain >= this.pauseAfter) {
        this.#inVain = 0;
        this.#isPaused = true;
      } else if (!this.ended) this.awaited = this.#taken + this.#candidate.needs;
      return undefined;
    }
    const runStart = bounds[0]!;
    const runEnd = bounds.at(-1)!;
    const batch = { bytes: target, bounds, count: bounds.length >> 1, runStart, runEnd };
    return unpack === undefined ? { ...batch, streamOffset } : batch;
  }

  protected override get position(): number {
    return super.position + this.#taken;
  }

  protected override forget(): void {
    super.forget();
    this.#taken = 0;
    this.#cutAt = -1;
    this.#givenUp = 0;
    this.#inVain = 0;
    this.#isPaused = false;
    this.#candidate.reset();
    this.#noise.clear();
  }

  /** The offset of the first byte in the window that is not taken. */
  get #start(): number {
    return this.held.length > 0 ? this.#taken : this.at;
  }

  /** All bytes there are, in one buffer. */
  #window(): Buffer {
    const { held } = this;
    this.#release();
    if (held.length === 0) return this.chunk;
    if (this.at < this.chunk.length) {
      // Taken bytes are dropped once they are the larger part, so a byte is moved only a few times.
      if (2 * this.#taken > held.length) {
        const all = held.take();
        held.append(all, this.#taken, all.length);
        this.#taken = 0;
      }
      this.hold();
    }
    return held.bytes.subarray(0, held.length);
  }

  #advance(length: number): void {
    this.#inVain += Math.max(0, this.#candidate.examined - length);
    this.#candidate.reset();
    if (this.held.length === 0) {
      this.at += length;
      return;
    }
    this.#taken += length;
  }

  /** Give out the packet just measured in parts, from the chunk. */
  #beginParts(): void {
    const { held, position } = this;
    if (held.length > 0) {
      // All bytes of the chunk were added to it.
      this.chunk = held.take().subarray(this.#taken);
      this.base = position;
      this.#taken = 0;
    }
    const { measured, header } = this.#candidate;
    this.partial = new FrameInParts(measured, 0, header, position);
    this.#candidate.reset();
  }

  /** Copy the possible beginning of a packet, so that the chunk can be freed. */
  #keep(): void {
    this.#release();
    if (this.at < this.chunk.length) this.hold();
    else this.pass();
  }

  /** Release memory whose bytes are all taken. */
  #release(): void {
    if (this.#taken === 0 || this.#taken < this.held.length) return;
    this.held.clear();
    this.#taken = 0;
  }

  /** The length of the next packet, after skipping the bytes before it; 0 if there is none. */
  #find(bytes: Buffer): number {
    const candidate = this.#candidate;
    for (;;) {
      if (this.#inVain >= this.pauseAfter) return 0;
      if (!this.#passOver(bytes)) {
        if (this.position === this.#givenUp) this.#noise.over(this.#givenUp);
        return this.ended ? this.#close() : 0;
      }
      const start = this.#start;
      let length: number;
      try {
        length = candidate.judge(bytes, start, bytes.length);
        if (candidate.measured > this.#partsAbove) return 0;
        while (length === MORE && (this.ended || this.position < this.#givenUp)) {
          // If noise is skipped, the rest may still hold packets; only if it does not is the stream cut off here.
          if (this.ended && this.#cutAt < 0) this.#cutAt = this.position;
          candidate.passOver();
          length = candidate.judge(bytes, start, bytes.length);
        }
      } catch (cause) {
        this.fail(measureFailed(cause, this.position));
        return 0;
      }
      if (length === MORE) return 0;
      if (length > 0) {
        this.#endNoise();
        return length;
      }
      if (this.#cutAt >= 0 && !this.#measuring.skipsNoise) return this.#close();
      if (!this.#skip(1)) return 0;
    }
  }

  /** Move to the next byte that may begin a packet; false if there is none. */
  #passOver(bytes: Buffer): boolean {
    const { isIgnored } = this.#measuring;
    const mayBegin = this.#mayBegin;
    const from = this.#start;
    let at = from;
    if (isIgnored !== undefined) while (at < bytes.length && isIgnored[bytes[at]!] === 1) at++;
    if (at > from) this.#advance(at - from);
    if (mayBegin !== undefined) {
      const noiseFrom = at;
      while (at < bytes.length && mayBegin[bytes[at]!] === 0) at++;
      if (at > noiseFrom) this.#skip(at - noiseFrom);
    }
    return at < bytes.length;
  }

  /** Skip noise; false if it is an error. */
  #skip(count: number): boolean {
    if (!this.#measuring.skipsNoise) {
      this.fail(this.#candidate.error(this.position));
      return false;
    }
    this.#advance(count);
    if (this.#cutAt < 0) this.#noise.pass(count, this.position);
    return true;
  }

  #endNoise(): void {
    const { position } = this;
    if (this.#cutAt >= 0) {
      this.#noise.pass(position - this.#cutAt, position);
      this.#cutAt = -1;
    }
    this.#noise.over(position);
  }

  /** The stream is over, and everything was looked at. */
  #close(): 0 {
    const end = this.position + this.buffered;
    const offset = this.#cutAt;
    this.#noise.over(offset < 0 ? end : offset);
    if (offset >= 0) {
      const actual = end - offset;
      this.fail(truncated(`inside a frame, after ${actual} bytes of it`, end, { actual, offset }));
    }
    return 0;
  }
}

/** By byte: whether a packet of these kinds may begin with it; undefined if every byte may. */
function firstBytes(kinds: readonly PacketKind[]): Uint8Array | undefined {
  if (kinds.some(({ mark }) => mark === undefined)) return undefined;
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    kinds.some(({ mark }) => mark!.beginsWith(byte)) ? 1 : 0,
  );
}

/** Writes packets unchanged, after checking that they are whole. */
export class MeasuringWriter implements FrameWriter {
  readonly headerLength = 0;
  readonly #measuring: Measuring;
  readonly #candidate: Candidate;

  constructor(measuring: Measuring) {
    this.#measuring = measuring;
    this.#candidate = new Candidate(measuring.kinds);
  }

  bound(length: number): number {
    return length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    this.#check(Buffer.from(source.buffer, source.byteOffset + start, end - start));
    return copyBytes(target, at, source, start, end);
  }

  seal(target: Buffer, at: number, payloadEnd: number): number {
    this.#check(target.subarray(at, payloadEnd));
    return payloadEnd;
  }

  begin(first: Uint8Array, length: number): Buffer | undefined {
    const bytes = Buffer.from(first);
    if (bytes.length >= length) {
      this.#check(bytes);
      return bytes;
    }
    const judged = this.#judge(bytes, length);
    const { measured, header } = this.#candidate;
    if (measured === length) return bytes;
    if (judged === NONE) throw this.#notOne();
    if (measured > 0) throw wrongLength(length, `measures ${measured} of its ${length} bytes`);
    if (header > 0) throw wrongLength(length, 'does not say its length at its beginning');
    return undefined;
  }

  /** Throws if the reader would not read exactly this one frame. */
  #check(payload: Buffer): void {
    const actual = payload.length;
    const length = this.#judge(payload, actual);
    if (length === actual) return;
    if (length === NONE) throw this.#notOne();
    const measured =
      length === MORE ? `needs more than its ${actual} bytes` : `measures ${length} of its ${actual} bytes`;
    throw wrongLength(actual, measured);
  }

  /** What the reader finds in a payload of `length` bytes that begins with these bytes. */
  #judge(payload: Buffer, length: number): number {
    const { maxFrameLength } = this.#measuring;
    if (length > maxFrameLength) throw payloadTooLong(length, maxFrameLength);
    this.#candidate.reset();
    try {
      return this.#candidate.judge(payload, 0, payload.length);
    } catch (cause) {
      throw measureFailed(cause, 0);
    }
  }

  #notOne(): FrameError {
    const { code, message } = this.#candidate.error(0);
    return new FrameError(code, `payload that is not a frame: ${message}`, { origin: 'local' });
  }
}

function wrongLength(actual: number, what: string): FrameError {
  return payloadLength(`payload that is not one frame: it ${what}`, { actual });
}

/** A function of the declaration threw. */
function measureFailed(cause: unknown, offset: number): FrameError {
  const message = `the framing's own function failed: ${showThrown(cause)}, at stream offset ${offset}`;
  return new FrameError('ERR_FRAME_LENGTH', message, { origin: 'local', offset, cause });
}
