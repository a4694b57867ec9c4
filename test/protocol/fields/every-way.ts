import { expect } from 'vitest';
import { hex as hexOf } from '../../../src/bytes/hex.ts';
import { show } from '../../../src/bytes/show.ts';
import { FrameError, MessageError, ProtocolError } from '../../../src/errors.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { measureByWalking } from '../../../src/protocol/fields/engine/measure.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';

// biome-ignore lint/suspicious/noExplicitAny: any codec
type AnyCodec = DeclaredCodec<any>;

/** Bytes before and after a frame, which no engine may read or write. */
const [BEFORE, AFTER] = [Buffer.of(0xee, 0xee, 0xee), Buffer.from('01ff'.repeat(20), 'hex')];
/** Each frame of a run has two bytes for its length. */
const HEADER = 2;
const writer = {
  headerLength: HEADER,
  bound: (length: number) => HEADER + length,
  seal(target: Buffer, at: number, end: number) {
    target.writeUInt16BE(end - at - HEADER, at);
    return end;
  },
};
const header = { header: HEADER, offset: 0, width: 2, little: false, adjustment: 0, strip: HEADER };
/** So many messages of a run: texts are gathered. */
const MANY = 5;

/** Expects that both engines write this value as these bytes: alone, and as a run of frames. */
export function expectWritten(codec: AnyCodec, value: () => unknown, bytes: Buffer): void {
  const { encode, bound } = compile(codec.declaration)!;
  const room = bound(value());
  const target = Buffer.alloc(3 + room + AFTER.length, 0xee);
  const end = encode(value(), target, 3);
  expect(target.subarray(3, end)).toEqual(bytes);
  expect(target.subarray(0, 3)).toEqual(BEFORE);
  expect(target.subarray(3 + room)).toEqual(Buffer.alloc(AFTER.length, 0xee));
  expect(codec.encode(value())).toEqual(bytes);
  expect(encodeByWalking(codec.declaration, value())).toEqual(bytes);
  expect(codec.maxLength).toBeGreaterThanOrEqual(bytes.length);

  const messages = Array.from({ length: MANY }, value);
  const run = Buffer.alloc(MANY * (HEADER + room) + 2_000);
  const done = codec.encodeRun({ messages, from: 0, target: run, at: 0, writer });
  expect(done.index).toBe(MANY);
  expect(run.subarray(0, done.at)).toEqual(framesOf(bytes));
}

/** Expects that both engines read the same out of these bytes: amid others, in a run of frames, cut short, and as they come. */
export function expectRead(codec: AnyCodec, bytes: Buffer, due: unknown): void {
  const { declaration } = codec;
  const { decode } = compile(declaration)!;
  const [start, end] = [BEFORE.length, BEFORE.length + bytes.length];
  const chunk = Buffer.concat([BEFORE, bytes, AFTER]);
  expect(decode(chunk, start, end)).toStrictEqual(due);
  expect(decodeByWalking(declaration, chunk, start, end)).toStrictEqual(due);
  expect(codec.decode(chunk, start, end)).toStrictEqual(due);

  const frames = framesOf(bytes);
  const run = {
    bytes: frames,
    at: 0,
    end: frames.length,
    header: { ...header, shortest: 0, longest: 65_535 },
  };
  const { messages, at } = codec.decodeRun(run, MANY);
  // A run stops at a message that is nothing.
  const isNothing = due === undefined || due === null;
  expect(messages).toStrictEqual(isNothing ? [] : Array(MANY).fill(due));
  expect(at).toBe(isNothing ? 0 : frames.length);

  const { measure } = codec;
  const state = { state: undefined };
  // The end of the frame does not check again what each field has checked.
  const open = { ...declaration, trailing: 'ignore' as const };
  const openDecode = compile(open)!.decode;
  const withRest = read(() => decodeByWalking(open, chunk, start, chunk.length));
  expect(openDecode(chunk, start, chunk.length)).toStrictEqual(withRest);
  for (const length of lengths(bytes.length)) {
    const short = start + length;
    expect(openDecode(chunk, start, short)).toStrictEqual(
      read(() => decodeByWalking(open, chunk, start, short)),
    );
    expect(decode(chunk, start, short) === FAILED).toBe(
      read(() => decodeByWalking(declaration, chunk, start, short)) === FAILED,
    );
    if (measure === undefined) continue;
    const measured = measure(chunk, start, start + length, state);
    expect(measureByWalking(declaration, chunk, start, start + length, { state: undefined })).toBe(measured);
    if (length === bytes.length) expect(measured).toBe(length);
    else expect([length, measured < 0 && length - measured <= bytes.length]).toEqual([length, true]);
  }
  if (measure !== undefined)
    expect(measure(chunk, start, chunk.length, { state: undefined })).toBe(bytes.length);
}

function framesOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(HEADER);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat(Array(MANY).fill([length, bytes]).flat());
}

/** The lengths that are tried of so many bytes: all of a few, and those at both ends of many. */
function lengths(all: number): number[] {
  return Array.from({ length: all + 1 }, (_, length) => length).filter((one) => one < 12 || one > all - 6);
}

function read(run: () => unknown): unknown {
  try {
    return run();
  } catch {
    return FAILED;
  }
}

/** Expects that both engines refuse these bytes with this code and text: at the start of a chunk and amid others. */
export function expectRefused(codec: AnyCodec, bytes: Buffer, due: string): void {
  const { declaration } = codec;
  const chunk = Buffer.concat([BEFORE, bytes, AFTER]);
  const start = BEFORE.length;
  const end = start + bytes.length;
  const { decode } = compile(declaration)!;
  expect(decode(chunk, start, end)).toBe(FAILED);
  expect(decode(bytes, 0, bytes.length)).toBe(FAILED);
  expect(refusal(() => codec.decode(chunk, start, end))).toBe(due);
  expect(refusal(() => decodeByWalking(declaration, chunk, start, end))).toBe(due);
  expect(refusal(() => decodeByWalking(declaration, bytes, 0, bytes.length))).toBe(due);
  const { error } = trace(codec, chunk, start, end);
  expect(`${error?.code} ${error?.message}`).toBe(due);
  if (due.startsWith('ERR_MESSAGE_TRAILING message')) return;
  const open = { ...declaration, trailing: 'ignore' as const };
  expect(compile(open)!.decode(chunk, start, end)).toBe(FAILED);
  expect(refusal(() => decodeByWalking(open, chunk, start, end))).toBe(due);
}

/** The code and the text of the error, whose members say the same. */
export function refusal(run: () => unknown): string {
  try {
    return `nothing was refused: ${String(run())}`;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { code, message, expected, actual, limit } = error;
    expect(error).toBeInstanceOf(code.startsWith('ERR_FRAME') ? FrameError : MessageError);
    const [, got = ''] = message.replace(/, at byte \d+$/, '').split(`: expected ${expected}, got `);
    expect(got).not.toBe('');
    expect(limit !== undefined).toBe(/^ERR_(FIELD_TOO_LONG|MESSAGE_LIMIT)$/.test(code));
    if (limit !== undefined) expect(expected).toContain(String(limit));
    // In words, in another notation, or what user code threw.
    const isSaid =
      got === show(actual) ||
      (actual instanceof Uint8Array && got.startsWith(hexOf(actual.subarray(0, 16)))) ||
      (String(actual) !== '' && got.includes(String(actual))) ||
      Number(got) === Number(actual) ||
      (actual === undefined && got.startsWith('an error ('));
    expect([isSaid, got, actual]).toEqual([true, got, actual]);
    return `${code} ${message}`;
  }
}
