import type { Transform } from 'node:stream';
import { FrameError, type FrameErrorCode } from '../errors.ts';
import {
  aBuffer,
  aText,
  callback,
  checkMembers,
  checkOptions,
  flag,
  listOf,
  natural,
  oneOf,
  requireMethods,
} from '../options.ts';
import type { FrameReader, FrameWriter, Framing } from '../protocol/framing/framing.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { FrameEncoder } from '../streams/frame-encoder.ts';
import { chunkings } from './chunkings.ts';
import { type Consumed, type Consumer, consumers } from './consumers.ts';

/** Bytes, and the frames and errors that a framing must make of them. */
export interface FramingVector {
  /** The name in error texts. Default: the vector's index in the list. */
  name?: string | undefined;
  /** All bytes received, up to the end of the stream. */
  bytes: Uint8Array;
  /** The frames, in order. */
  frames: readonly Uint8Array[];
  /** The code of the error after those frames; if left out, the stream ends cleanly. */
  error?: FrameErrorCode | (string & {}) | undefined;
  /** The codes of the errors passed to `onDiscard`, in order. Default none. */
  discarded?: readonly FrameErrorCode[] | undefined;
  /** The last frame is complete only because the stream ends after it: nothing may follow. Default false. */
  unterminated?: boolean | undefined;
  /** The writer turns `frames` into exactly `bytes`. Default false: its output must only read back as `frames`. */
  canonical?: boolean | undefined;
  /** The writer refuses these frames, so it is not tested. Default false. */
  decodeOnly?: boolean | undefined;
}

export interface VerifyOptions {
  /** The seed of the random cuts. Default 1. */
  seed?: number | undefined;
  /**
   * The expected result of a stream that ends inside a frame: `ERR_FRAME_TRUNCATED` (`'error'`), or anything (`'any'`),
   * since some framings drop or deliver an unterminated rest. Default `'error'`.
   */
  truncation?: 'error' | 'any' | undefined;
}

/**
 * Check that a framing keeps its contract on these vectors: whole, byte by byte, split at every offset, in random
 * pieces, with another vector after it, and truncated at every offset; by `next`, by `take`, by a reader that pauses,
 * in parts, and through `detach` and `reset`; from its writer back to its reader, the same bytes by `write`, `seal`, `begin`
 * and `writeAll`; and through `FrameDecoder` under every kind of consumer.
 *
 * Works under any test runner.
 *
 * @throws Error that names the vector, how it was cut, and the first difference
 *
 * @example
 * test('my framing', () =>
 *   verifyFraming(mine(), [
 *     { name: 'two', bytes: Buffer.from('\x01a\x02bc'), frames: [Buffer.from('a'), Buffer.from('bc')] },
 *     { name: 'too long', bytes: Buffer.from('\xff', 'latin1'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
 *   ]));
 */
export async function verifyFraming(
  framing: Framing,
  vectors: readonly FramingVector[],
  options: VerifyOptions = {},
): Promise<void> {
  verifyReader(framing, vectors, options);
  verifyWriter(framing, vectors);
  await verifyDecoder(() => new FrameDecoder(framing), vectors, options);
  for (const [index, vector] of vectors.entries()) {
    if (vector.error !== undefined || vector.decodeOnly) continue;
    const where = `${title(vector, index)}, through FrameDecoder, FrameEncoder and FrameDecoder`;
    await verifyRelay(framing, vector, where);
  }
}

/** The part of `verifyFraming` that drives the reader, without streams. */
export function verifyReader(
  framing: Framing,
  vectors: readonly FramingVector[],
  options: VerifyOptions = {},
): void {
  requireMethods('verifyReader', 'a framing, such as lengthPrefix()', framing, 'reader', 'writer');
  checkVectors('verifyReader', vectors, options);
  for (const [index, vector] of vectors.entries()) {
    for (const mode of MODES) {
      if (mode === 'part' && framing.inParts !== true) continue;
      const where = `${title(vector, index)}, by ${mode}()`;
      verifyChunkings(framing, vector, mode, where, options);
      if (options.truncation !== 'any') verifyTruncations(framing, vector, mode, where);
      // `detach` does not return parts already delivered.
      if (mode !== 'part') verifyHandover(framing, vector, mode, where);
    }
  }
}

/** The part of `verifyFraming` that drives the writer, and reads its output back. */
export function verifyWriter(framing: Framing, vectors: readonly FramingVector[]): void {
  requireMethods('verifyWriter', 'a framing, such as lengthPrefix()', framing, 'reader', 'writer');
  checkVectors('verifyWriter', vectors, {});
  const writer = framing.writer();
  requireMethods("the framing's writer()", 'a writer', writer, 'bound', 'write');
  for (const [index, vector] of vectors.entries()) {
    if (vector.error !== undefined || vector.decodeOnly) continue;
    const where = `${title(vector, index)}, by its writer`;
    const pieces = vector.frames.map((frame) => {
      const bound = writer.bound(frame.length);
      const target = Buffer.alloc(1 + bound + SLACK, GUARD);
      const end = writer.write(target, 1, frame, 0, frame.length);
      if (end > bound + 1) fail(where, `wrote ${end - 1} bytes, but bound() gave ${bound}`);
      if (target[0] !== GUARD) fail(where, 'wrote before its offset');
      const piece = target.subarray(1, end);
      verifySeal(writer, frame, piece, where);
      verifyBegin(writer, frame, piece, where);
      return piece;
    });
    verifyWriteAll(writer, vector.frames, pieces, where);
    const bytes = Buffer.concat(pieces);
    if (vector.canonical) same(where, 'the bytes', bytes, vector.bytes);
    compare(read(framing, [bytes], 'take'), { frames: vector.frames }, `${where} and its reader`);
  }
}

/** A payload that stands in its place already. */
function verifySeal(writer: FrameWriter, frame: Uint8Array, piece: Buffer, where: string): void {
  const { headerLength } = writer;
  if (writer.seal === undefined || headerLength === undefined) return;
  const target = Buffer.alloc(1 + writer.bound(frame.length) + SLACK, GUARD);
  target.set(frame, 1 + headerLength);
  const end = writer.seal(target, 1, 1 + headerLength + frame.length);
  same(where, 'the output of seal()', target.subarray(1, end), piece);
}

/** A payload that comes in parts: the first is each of its short beginnings, which may be refused, and the whole. */
function verifyBegin(writer: FrameWriter, frame: Uint8Array, piece: Buffer, where: string): void {
  if (writer.begin === undefined) return;
  for (const count of [...new Array(Math.min(frame.length, 16)).keys(), frame.length]) {
    const begun = begin(writer, frame, count);
    if (begun === undefined && count < frame.length) continue;
    const expected = piece.subarray(0, piece.length - (frame.length - count));
    same(where, `the output of begin() with ${count} of ${frame.length} bytes`, begun, expected);
  }
}

/** What `begin` writes, or undefined where it wants more of the payload, or refuses one that only its end delimits. */
function begin(writer: FrameWriter, frame: Uint8Array, count: number): Buffer | undefined {
  try {
    return writer.begin!(frame.subarray(0, count), frame.length);
  } catch (error) {
    if (count < frame.length && error instanceof FrameError && error.origin === 'local') return undefined;
    throw error;
  }
}

/** All payloads of a vector side by side, and all but the first. */
function verifyWriteAll(
  writer: FrameWriter,
  frames: readonly Uint8Array[],
  pieces: readonly Buffer[],
  where: string,
): void {
  if (writer.writeAll === undefined) return;
  const source = Buffer.concat([Buffer.of(GUARD), ...frames]);
  const bounds: number[] = [];
  let at = 1;
  for (const { length } of frames) {
    bounds.push(at, at + length);
    at += length;
  }
  for (const from of [0, 1]) {
    const expected = Buffer.concat(pieces.slice(from));
    const target = Buffer.alloc(1 + expected.length + SLACK, GUARD);
    const end = writer.writeAll(target, 1, source, bounds, from, Math.max(from, frames.length));
    same(where, `the output of writeAll() from frame ${from}`, target.subarray(1, end), expected);
  }
}

/**
 * The part of `verifyFraming` that runs a decoding stage under every kind of consumer. The stage may be any Transform
 * whose items are Uint8Arrays.
 *
 * @param decoder - makes a new stage; called once per run
 */
export async function verifyDecoder(
  decoder: () => Transform,
  vectors: readonly FramingVector[],
  options: Pick<VerifyOptions, 'seed'> = {},
): Promise<void> {
  callback('verifyDecoder: decoder', decoder);
  checkVectors('verifyDecoder', vectors, options);
  const { seed = 1 } = options;
  for (const [index, vector] of vectors.entries()) {
    const cuts = [...chunkings(vector.bytes, { random: 2, seed })];
    const some = cuts.length <= 6 ? cuts : [...cuts.slice(0, 3), cuts[cuts.length >> 1]!, ...cuts.slice(-2)];
    for (const [kind, consumer] of Object.entries(consumers)) {
      for (const { name, chunks } of some) {
        const where = `${title(vector, index)}, ${name}, under ${kind}`;
        const { items, error } = await inTime(consumer, chunks, decoder(), where);
        const frames = items.map((item, i) => {
          if (!(item instanceof Uint8Array))
            fail(where, `item ${i} is not a Uint8Array but a ${typeof item}`);
          return Buffer.from(item as Uint8Array);
        });
        compare({ frames, error: error as CodedError | undefined }, seen(vector), where);
      }
    }
  }
}

function checkVectors(where: string, vectors: readonly FramingVector[], options: VerifyOptions): void {
  checkOptions(where, options, { seed: natural, truncation: oneOf('error', 'any') });
  listOf((name, vector) => {
    const optional = {
      name: aText,
      error: aText,
      discarded: listOf(aText),
      unterminated: flag,
      canonical: flag,
    };
    const required = { bytes: aBuffer, frames: listOf(aBuffer) };
    checkMembers(name, 'a vector', vector, required, { ...optional, decodeOnly: flag });
  })(`${where}: vectors`, vectors);
}

/** `'pausing'`: `take` on a reader that pauses as often as it can. `'part'`: every non-empty frame in parts. */
const MODES = ['next', 'take', 'pausing', 'part'] as const;
type Mode = (typeof MODES)[number];

/** Fills the memory around the writer's output. */
const GUARD = 0xa5;
/** Room beyond `bound`, so that an error can say how far a writer exceeded it. */
const SLACK = 64;

/** Milliseconds; far more than a stage needs for a vector. */
const DEADLINE = 10_000;

type CodedError = Error & { code?: string; offset?: number };

interface Outcome {
  readonly frames: readonly Uint8Array[];
  readonly error?: CodedError | undefined;
  readonly discarded?: readonly string[] | undefined;
}

/** Reads chunk by chunk, and checks after each chunk that the reader keeps its contract. */
class Reading {
  readonly frames: Buffer[] = [];
  readonly discarded: string[] = [];
  readonly reader: FrameReader;
  readonly #mode: Mode;
  /** The parts of the current frame so far. */
  readonly #parts: Buffer[] = [];
  #steps = 0;
  #bytes = 0;

  constructor(framing: Framing, mode: Mode) {
    this.reader = framing.reader({
      onDiscard: (error) => this.discarded.push(error.code),
      ...(mode === 'pausing' && { pauseAfter: 1 }),
      ...(mode === 'part' && { partsAbove: 0 }),
    });
    requireMethods("the framing's reader()", 'a reader', this.reader, 'push', 'next', 'take', 'end');
    this.#mode = mode;
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    this.reader.push(chunk);
    this.drain();
  }

  end(): void {
    this.reader.end();
    this.drain();
  }

  /** Take all frames there are. Frames are copied at once, since the reader may reuse their memory. */
  drain(): void {
    for (;;) {
      // An empty frame takes at least one byte, so more steps than bytes mean frames made of nothing.
      if (this.#steps++ > 4 * this.#bytes + 1_000) throw new Error('frames without end: no progress');
      if (this.#mode === 'next' || this.#mode === 'part') {
        const frame = this.reader.next() ?? this.#joined();
        if (frame === undefined) return;
        this.frames.push(Buffer.from(frame));
      } else {
        const batch = this.reader.take();
        if (batch === undefined) {
          if (this.reader.isPaused) continue;
          return;
        }
        if (batch.count < 1) throw new Error(`a batch of ${batch.count} frames`);
        for (let i = 0; i < batch.count; i++) {
          const start = batch.bounds[2 * i]!;
          const end = batch.bounds[2 * i + 1]!;
          if (!(start >= 0 && start <= end && end <= batch.bytes.length)) {
            throw new Error(`frame ${i} of a batch at [${start}, ${end}) of ${batch.bytes.length} bytes`);
          }
          this.frames.push(Buffer.from(batch.bytes.subarray(start, end)));
        }
      }
    }
  }

  /** The frame that comes in parts, once its last part has come. */
  #joined(): Buffer | undefined {
    const { partial } = this.reader;
    if (partial === undefined) return undefined;
    for (let part = this.reader.part!(); part !== undefined; part = this.reader.part!()) {
      if (part.length === 0) throw new Error('an empty part');
      this.#parts.push(Buffer.from(part));
    }
    if (this.reader.partial !== undefined || this.reader.error !== undefined) return undefined;
    const frame = Buffer.concat(this.#parts.splice(0));
    if (frame.length !== partial.length) {
      throw new Error(`parts of ${frame.length} bytes, of a frame of ${partial.length}`);
    }
    return frame;
  }

  get outcome(): Outcome {
    return { frames: this.frames, error: this.reader.error, discarded: this.discarded };
  }
}

function read(framing: Framing, chunks: readonly Uint8Array[], mode: Mode, ends = true): Outcome {
  const reading = new Reading(framing, mode);
  for (const chunk of chunks) reading.push(chunk);
  if (ends) reading.end();
  return reading.outcome;
}

/** As `read`, but each chunk's memory is overwritten once the reader needs more. */
function readLent(framing: Framing, chunks: readonly Uint8Array[], mode: Mode): Outcome {
  const reading = new Reading(framing, mode);
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk);
    reading.push(lent);
    lent.fill(GUARD);
  }
  reading.end();
  return reading.outcome;
}

function verifyChunkings(
  framing: Framing,
  vector: FramingVector,
  mode: Mode,
  where: string,
  { seed = 1 }: VerifyOptions,
): void {
  let whole: CodedError | undefined;
  for (const { name, chunks } of chunkings(vector.bytes, { seed })) {
    const place = `${where}, ${name}`;
    const outcome = guarded(place, () => read(framing, chunks, mode));
    compare(outcome, { discarded: [], ...vector }, place);
    whole ??= outcome.error;
    if (outcome.error?.offset !== whole?.offset) {
      fail(place, `the error's offset is ${outcome.error?.offset}, but the whole gave ${whole?.offset}`);
    }
    if (vector.unterminated || vector.error === 'ERR_FRAME_TRUNCATED') continue;

    // The result is known before the stream ends, so bytes after the vector change nothing.
    const before = guarded(place, () => read(framing, chunks, mode, false));
    compare(before, { discarded: [], ...vector }, `${place}, before the end of the stream`);
    const lent = guarded(place, () => readLent(framing, chunks, mode));
    compare(lent, { discarded: [], ...vector }, `${place}, its memory reused`);
    const twice = guarded(place, () => read(framing, [...chunks, ...chunks], mode));
    const joined = guarded(place, () => read(framing, [Buffer.concat([vector.bytes, vector.bytes])], mode));
    const again = vector.error === undefined ? 2 : 1;
    const expected: Outcome = {
      frames: Array<typeof vector.frames>(again).fill(vector.frames).flat(),
      error: vector.error === undefined ? undefined : ({ code: vector.error } as CodedError),
      discarded: Array<readonly string[]>(again)
        .fill(vector.discarded ?? [])
        .flat(),
    };
    compare(twice, { ...expected, error: expected.error?.code }, `${place}, with a second copy after it`);
    compare(
      joined,
      { ...expected, error: expected.error?.code },
      `${where}, with a second copy in the same chunk`,
    );
  }
}

function verifyTruncations(framing: Framing, vector: FramingVector, mode: Mode, where: string): void {
  const { bytes, frames } = vector;
  for (let at = 0; at < bytes.length; at++) {
    const place = `${where}, cut off at ${at}`;
    const ahead = bytes.subarray(0, at);
    const outcome = guarded(place, () => read(framing, [ahead], mode));
    const pieces = Array.from(ahead, (_, i) => ahead.subarray(i, i + 1));
    const { error } = outcome;
    compare(
      guarded(place, () => read(framing, pieces, mode)),
      { ...outcome, error: error?.code },
      `${place}, byte by byte`,
    );
    outcome.frames.forEach((frame, i) => {
      same(place, `frame ${i}`, frame, frames[i]);
    });
    if (error !== undefined) {
      if (error.code === vector.error) continue;
      if (error.code !== 'ERR_FRAME_TRUNCATED') fail(place, `got ${describe(error)} for a legal beginning`);
      // If all bytes belong to whole frames, nothing is truncated.
      const taken = guarded(place, () => read(framing, [ahead], mode, false));
      const one = guarded(place, () => read(framing, [ahead.subarray(0, -1)], mode, false));
      if (taken.frames.length > one.frames.length && at > 0 && isWhole(framing, vector, at, taken, mode)) {
        fail(place, 'got ERR_FRAME_TRUNCATED right after a frame');
      }
    } else if (!isWhole(framing, vector, at, outcome, mode)) {
      fail(place, 'the stream ended inside a frame without an error: expected ERR_FRAME_TRUNCATED');
    }
  }
}

/** True if a frame ends at that offset: then the rest, read alone, gives the remaining frames. */
function isWhole(framing: Framing, vector: FramingVector, at: number, taken: Outcome, mode: Mode): boolean {
  const rest = read(framing, [vector.bytes.subarray(at)], mode);
  const left = vector.frames.slice(taken.frames.length);
  return (
    rest.error?.code === vector.error &&
    rest.frames.length === left.length &&
    rest.frames.every((frame, i) => Buffer.compare(frame, left[i]!) === 0)
  );
}

/** Check at every offset that another reader can continue with the bytes from `detach`, and that `reset` drops them. */
function verifyHandover(framing: Framing, vector: FramingVector, mode: Mode, where: string): void {
  const { bytes } = vector;
  for (let at = 0; at <= bytes.length; at++) {
    const reading = new Reading(framing, mode);
    reading.push(bytes.subarray(0, at));
    // The bytes of a discarded frame are gone, and a reader with an error holds nothing.
    if (reading.discarded.length > 0 || reading.reader.error !== undefined) break;
    const { buffered } = reading.reader;
    const rest = reading.reader.detach();
    const place = `${where}, detached at ${at}`;
    if (rest.length !== buffered) fail(place, `gave ${rest.length} bytes, but buffered said ${buffered}`);
    const frames = [...reading.frames];
    const outcome = guarded(place, () => read(framing, [rest, bytes.subarray(at)], mode));
    compare({ ...outcome, frames: [...frames, ...outcome.frames] }, seen(vector), place);

    reading.push(bytes.subarray(0, at));
    reading.reader.reset();
    reading.frames.length = reading.discarded.length = 0;
    reading.push(bytes);
    reading.end();
    compare(reading.outcome, { discarded: [], ...vector }, `${where}, reset at ${at}`);
  }
}

/** Check that neighbouring stages, which pass whole batches, give the same as one stage. */
async function verifyRelay(framing: Framing, vector: FramingVector, where: string): Promise<void> {
  for (const { name, chunks } of chunkings(vector.bytes, { random: 1 })) {
    if (!(name === 'whole' || name === 'byte by byte' || name.includes('seed'))) continue;
    const first = new FrameDecoder(framing);
    const encoder = new FrameEncoder(framing);
    const second = new FrameDecoder(framing);
    for (const stage of [first, encoder]) stage.on('error', (error) => second.destroy(error));
    const { items, error } = await inTime(
      async (input) => {
        const items: unknown[] = [];
        first.pipe(encoder).pipe(second);
        second.on('data', (item) => items.push(item));
        const done = new Promise<Consumed>((resolve) => {
          second.once('end', () => resolve({ items, error: undefined }));
          second.once('error', (error) => resolve({ items, error }));
        });
        for (const chunk of input) first.write(chunk);
        first.end();
        return done;
      },
      chunks,
      second,
      where,
    );
    compare(
      { frames: items as Buffer[], error: error as CodedError | undefined },
      seen(vector),
      `${where}, ${name}`,
    );
  }
}

async function inTime(
  consumer: Consumer,
  chunks: readonly Buffer[],
  stage: Transform,
  where: string,
): Promise<Consumed> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${where}: no end within ${DEADLINE} ms`)), DEADLINE);
  });
  try {
    return await Promise.race([consumer(chunks, stage), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The part of a vector that shows in the output of a stage. */
function seen({ frames, error }: FramingVector): Pick<FramingVector, 'frames' | 'error'> {
  return { frames, error };
}

/** A reader returns its errors; an exception breaks its contract. */
function guarded<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`${where}: the reader threw ${describe(error)}`, { cause: error });
  }
}

function compare(
  actual: Outcome,
  expected: Pick<FramingVector, 'frames' | 'error'> & { discarded?: readonly string[] | undefined },
  where: string,
): void {
  const { frames } = expected;
  for (let i = 0; i < Math.max(frames.length, actual.frames.length); i++) {
    same(where, `frame ${i}`, actual.frames[i], frames[i]);
  }
  const { error } = actual;
  if (error?.code !== expected.error || (error === undefined) !== (expected.error === undefined)) {
    fail(
      where,
      `expected ${expected.error ?? 'a clean end'}, got ${error === undefined ? 'a clean end' : describe(error)}`,
    );
  }
  if (expected.error !== undefined && isFrameCode(expected.error) && !(error instanceof FrameError)) {
    fail(where, `expected a FrameError, got ${describe(error)}`);
  }
  if (expected.discarded === undefined) return;
  const called = (actual.discarded ?? []).join(', ');
  const wanted = expected.discarded.join(', ');
  if (called !== wanted) fail(where, `expected onDiscard calls [${wanted}], got [${called}]`);
}

function isFrameCode(code: string): boolean {
  return code.startsWith('ERR_FRAME_');
}

function same(
  where: string,
  what: string,
  actual: Uint8Array | undefined,
  expected: Uint8Array | undefined,
): void {
  if (actual !== undefined && expected !== undefined && Buffer.compare(actual, expected) === 0) return;
  fail(where, `${what}: expected ${hex(expected)}, got ${hex(actual)}`);
}

function fail(where: string, what: string): never {
  throw new Error(`${where}: ${what}`);
}

function title(vector: FramingVector, index: number): string {
  return `vector ${vector.name === undefined ? index : JSON.stringify(vector.name)}`;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as CodedError;
  return `${code === undefined ? error.name : code} (${error.message})`;
}

/** At most this many bytes of a frame are shown. */
const SHOWN = 24;

function hex(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return 'none';
  const shown = Array.from(bytes.subarray(0, SHOWN), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `<${shown}${bytes.length > SHOWN ? ` … ${bytes.length} bytes` : ''}>`;
}
