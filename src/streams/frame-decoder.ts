// Not the global one, which tests may fake: this one asks for a turn of the event loop, not for time.
import { setImmediate } from 'node:timers';
import { EMPTY } from '../bytes/buffer.ts';
import { isTrusted, READING, trust } from '../bytes/trust.ts';
import { FrameError } from '../errors.ts';
import { anything, type Check, checkOptions, natural } from '../options.ts';
import { framed } from '../protocol/framing/framed.ts';
import {
  FRAMES_AT_ONCE,
  type FrameBatch,
  type FrameReader,
  type Framing,
  VAIN_BYTES_A_TURN,
} from '../protocol/framing/framing.ts';
import { type Bytes, toBytes } from '../protocol/framing/mark.ts';
import { prefaced } from '../protocol/framing/preface.ts';
import {
  FRAME_TIMES,
  FrameTimer,
  type FrameTimes,
  type FrameWatch,
  lateFrame,
  NO_WATCH,
  silentFrame,
} from './deadlines.ts';
import { IncomingFrame } from './incoming-frame.ts';
import { isLent, keep } from './lease.ts';
import { batchOf, STAGE_OPTIONS, Stage, type StageOptions } from './stage.ts';
import type { Steering } from './steering.ts';
import { Timer } from './timer.ts';

export interface FrameDecoderOptions extends StageOptions, FrameTimes {
  /**
   * A frame of more bytes than this, without stripped ones, is not held: it is given as a `FrameStream`, once its header has
   * arrived. Read it to its end, or destroy it, which skips the rest of the frame: the next frame follows. For `lengthPrefix` and
   * `headed`. Default: every frame is held, and given whole.
   */
  stream?: number | undefined;
  /** Bytes that come once, before the first frame. Other bytes are an error. */
  preface?: Bytes | undefined;
}

const CHECKS: Readonly<Record<keyof FrameDecoderOptions, Check>> = {
  ...STAGE_OPTIONS,
  ...FRAME_TIMES,
  stream: natural,
  preface: anything,
};

/**
 * Bytes in, frames out (object mode): cuts a stream into the frames of a framing.
 *
 *     …│len│payload│len│pay…  …load│len│…   ──▶   payload   payload   …
 *
 * A frame is a view of the received chunk: copy it to keep it. A violation is a `FrameError`, after the frames before it; so is
 * an end inside a frame. With the option `stream`, a long frame is a `FrameStream`.
 *
 * Events: `'discard'` (FrameError), for each skipped or dropped frame, and for each run of noise.
 *
 * @example
 * for await (const line of socket.pipe(new FrameDecoder(line()))) console.log(String(line));
 */
export class FrameDecoder extends Stage<Buffer, FrameBatch> {
  static {
    trust(FrameDecoder.prototype);
  }

  readonly framing: Framing;
  #reader: FrameReader;
  /** The framing in use. */
  #current: Framing;
  #steering: Steering | undefined;
  readonly #preface: Buffer | undefined;
  readonly #partsAbove: number | undefined;
  /** Bytes pushed into all readers. */
  #pushed = 0;
  /** Bytes of the last chunk accepted. */
  #writing = 0;
  /** That chunk, until all of it is read: what follows in it may be read by another framing. */
  #chunk: Buffer = EMPTY;
  /** The last frame, while the session has not asked for the next. */
  #last: Buffer | undefined;
  /** Created when a deadline first needs it. */
  #timer: FrameTimer | undefined;
  /** True if frames were taken since the timer last checked. */
  #taken = false;
  /** The timer of `frameTimeout`. */
  #ownTimer: FrameTimer | undefined;
  readonly #gap: number | undefined;
  /** The timer of `idleGap`; runs while a frame of unknown length is unfinished. */
  #silence: Timer | undefined;
  #hasEnded = false;
  /** Set when a frame was late with `onTimeout: 'error'`. */
  #tooLate: FrameError | undefined;
  /** The frame that is given as a stream, until its last byte has come. */
  #incoming: IncomingFrame | undefined;

  constructor(framing: Framing, options: FrameDecoderOptions = {}) {
    if (typeof framing?.reader !== 'function')
      throw new TypeError('expected a framing, such as lengthPrefix()');
    checkOptions(new.target.name, options, CHECKS);
    super('bytes', 'frames', options);
    const { idleGap, frameTimeout, onTimeout = 'error', stream: partsAbove, preface } = options;
    if (partsAbove !== undefined && framing.inParts !== true) throw notInParts(framing);
    this.#gap = idleGap;
    if (frameTimeout !== undefined) {
      this.#ownTimer = new FrameTimer({
        limit: frameTimeout,
        late: () =>
          this.#late(
            (actual) => lateFrame(`a frame took longer than ${frameTimeout} ms`, frameTimeout, actual),
            onTimeout === 'error',
          ),
      });
    }
    this.framing = this.#current = framing;
    this.#preface = preface === undefined ? undefined : toBytes('preface', preface);
    this.#partsAbove = partsAbove;
    this.#reader = this.#makeReader(framing, 0);
  }

  /** Received bytes that belong to no frame taken yet. */
  get buffered(): number {
    return this.#reader.buffered;
  }

  /** Received bytes that were given in no frame, including those in the stage's own queue. @internal */
  get unread(): number {
    return this.#reader.buffered + Math.max(0, this.writableLength - this.#writing);
  }

  /** The last frame that a session asked for, as our side would write it: the session has not taken it after all. @internal */
  get last(): Buffer {
    return this.#last === undefined ? EMPTY : framed(this.#current.writer(), this.#last);
  }

  /** Forget the bytes of an unfinished frame. */
  reset(): void {
    this.#reader.reset();
    this.#cutOff();
  }

  /**
   * Return the received bytes that belong to no frame yet, for a protocol upgrade; then as after `reset`. Chunks in the stage's
   * own queue (`writableLength`), which wait because the consumer holds it back, are not included.
   */
  detach(): Buffer {
    const rest = this.#reader.detach();
    this.#cutOff();
    return rest;
  }

  protected override accept(chunk: Buffer): void {
    if (isLent() && !isTrusted(this.#reader, READING)) keep();
    this.#pushed += chunk.length;
    this.#writing = chunk.length;
    if (this.#steering !== undefined) this.#chunk = chunk;
    this.#reader.push(chunk);
    // Even while the consumer holds us back, since it may be waiting for this frame.
    this.#pour();
  }

  /** @internal */
  override steer(steering: Steering): void {
    this.#steering = steering;
    steering.isComplete = true;
  }

  protected override ended(): void {
    this.#hasEnded = true;
    this.#reader.end();
    this.#pour();
    this.watchFrames(NO_WATCH);
    this.#stopTimers();
  }

  protected override produce(): Buffer | undefined {
    return this.#isLed ? this.#next() : undefined;
  }

  #next(): Buffer | undefined {
    const frame = this.#reader.next() ?? this.#open();
    if (frame === undefined) return this.#stopped();
    this.#taken = true;
    return frame;
  }

  protected override produceBatch(): FrameBatch | undefined {
    if (!this.#isLed) return undefined;
    if (this.#steering?.isSettled === false) {
      const frame = this.#next();
      this.#last = frame;
      return frame && batchOf(frame);
    }
    // Frames that are forwarded unchanged need not be located.
    const batch =
      this.#reader.take(this.passesOn(this.framing.wire) ? Infinity : FRAMES_AT_ONCE) ?? this.#open();
    if (batch === undefined) return this.#stopped();
    this.#taken = true;
    return batch;
  }

  protected override get isFilling(): boolean {
    return this.#incoming !== undefined && !this.#incoming.isFull;
  }

  /** @internal */
  override watchFrames(watch: FrameWatch): void {
    this.#timer?.stop();
    const late = (): boolean => {
      if (this.#reader.isPaused) return false;
      const isGivenUp = watch.late();
      if (isGivenUp) this.#giveUp();
      return isGivenUp;
    };
    this.#timer = watch.limit === Infinity ? undefined : new FrameTimer({ limit: watch.limit, late });
    this.#time();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#timer?.stop();
    this.#stopTimers();
    this.#cutOff(error);
    super._destroy(error, callback);
  }

  /**
   * A frame that is given as a stream begins. Its type is that of other frames: a subclass without the option `stream` gets no
   * others.
   */
  #open(): (Buffer & FrameBatch) | undefined {
    const { partial } = this.#reader;
    if (partial === undefined || this.#incoming !== undefined) return undefined;
    const frame = new IncomingFrame(this.#reader, partial, () => {
      if (this.#incoming !== frame) return;
      this.#pour();
      this.proceed();
    });
    this.#incoming = frame;
    this.#pour();
    return frame as unknown as Buffer & FrameBatch;
  }

  /** Give the current frame its received bytes. */
  #pour(): void {
    if (this.#incoming?.pour()) this.#incoming = undefined;
  }

  /** The rest of the streamed frame will not come. */
  #cutOff(cause?: Error | null): void {
    const frame = this.#incoming;
    if (frame === undefined) return;
    this.#incoming = undefined;
    const message = `frame of ${frame.length} bytes was given up before its end`;
    frame.fail(
      cause ?? new FrameError('ERR_FRAME_TRUNCATED', message, { origin: 'local', expected: frame.length }),
    );
  }

  /** Follow the session that steers us, if any, to the framing of its state; false if nothing may be read now. */
  get #isLed(): boolean {
    const steering = this.#steering;
    if (steering === undefined) return true;
    if (steering.isOver) {
      this.watchFrames(NO_WATCH);
      this.#stopTimers();
      return false;
    }
    const framing = steering.framing ?? this.framing;
    if (steering.isSettled && framing === this.#current) return true;
    if (!steering.isIdle) {
      this.suspend();
      steering.wait(() => this.proceed());
      return false;
    }
    if (framing === this.#current || this.#reader.error !== undefined) return true;
    this.#current = framing;
    const before = this.#reader;
    const { buffered } = before;
    this.#reader = this.#makeReader(framing, this.#pushed - buffered);
    // A copy each time would be one of the whole chunk for each of its frames.
    const isView = buffered <= this.#chunk.length && isTrusted(this.#reader, READING);
    if (!isView) this.#chunk = before.detach();
    this.#reader.push(this.#chunk.subarray(this.#chunk.length - buffered));
    if (this.#hasEnded) this.#reader.end();
    return true;
  }

  #makeReader(framing: Framing, streamOffset: number): FrameReader {
    const stage = this;
    const tell = (error: FrameError): void => void stage.emit('discard', error);
    const preface = this.#pushed < (this.#preface?.length ?? 0) ? this.#preface : undefined;
    return (preface === undefined ? framing : prefaced(framing, preface)).reader({
      // Without a listener the reader makes no errors.
      get onDiscard() {
        return stage.listenerCount('discard') > 0 ? tell : undefined;
      },
      pauseAfter: VAIN_BYTES_A_TURN,
      partsAbove: this.#partsAbove,
      streamOffset,
    });
  }

  #stopped(): undefined {
    if (this.#reader.isPaused) {
      // Let other connections have their turn.
      this.suspend();
      setImmediate(() => this.proceed());
      return;
    }
    // Until it is read: otherwise the reader would hold further input.
    if (this.#incoming?.isFull) this.suspend();
    this.#chunk = EMPTY;
    this.#time();
    if (this.#tooLate !== undefined) this.fail(this.#tooLate);
    if (this.#reader.error !== undefined) this.fail(this.#reader.error);
  }

  /** All complete frames have been taken. */
  #time(): void {
    // For the timer, a streamed frame has arrived.
    const buffered = this.#incoming === undefined ? this.#reader.buffered : 0;
    this.#timer?.follow(buffered > 0, this.#taken);
    this.#ownTimer?.follow(buffered > 0, this.#taken);
    this.#taken = false;
    const gap = this.#gap;
    if (gap === undefined) return;
    if (buffered === 0 || this.#reader.isMeasured === true) this.#stopSilence();
    else if (this.#silence !== undefined) this.#silence.refresh();
    else this.#silence = new Timer(gap, () => this.#silent(gap)).unref();
  }

  #stopSilence(): void {
    this.#silence?.stop();
    this.#silence = undefined;
  }

  #stopTimers(): void {
    this.#ownTimer?.stop();
    this.#ownTimer = undefined;
    this.#stopSilence();
  }

  #silent(gap: number): void {
    if (this.#mayHoldFrames) this.#silence?.refresh();
    else this.#late((actual) => silentFrame(gap, actual), false);
  }

  /** True if the consumer holds us back, or the reader has paused: held bytes may be complete frames. */
  get #mayHoldFrames(): boolean {
    return this.blocked || this.#reader.isPaused === true || this.#steering?.isIdle === false;
  }

  /** The unfinished frame is late. */
  #late(makeError: (actual: number) => FrameError, isError: boolean): boolean {
    if (this.#mayHoldFrames || this.destroyed) return false;
    const actual = this.#reader.buffered;
    if (isError) this.#tooLate = makeError(actual);
    else if (this.listenerCount('discard') > 0) this.emit('discard', makeError(actual));
    this.#giveUp();
    return true;
  }

  /** Drop the unfinished frame, and read on. */
  #giveUp(): void {
    if (this.#mayHoldFrames || this.destroyed) return;
    const reader = this.#reader;
    if (reader.giveUp === undefined) reader.reset();
    else reader.giveUp();
    this.proceed();
  }
}

function notInParts({ name }: Framing): FrameError {
  const message = `FrameDecoder: ${name} gives no frame as a stream: lengthPrefix and headed do`;
  return new FrameError('ERR_FRAME_STREAM', message, { origin: 'local' });
}
