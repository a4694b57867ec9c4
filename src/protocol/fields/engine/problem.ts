import { excerpt } from '../../../bytes/hex.ts';
import { show, showThrown } from '../../../bytes/show.ts';
import { FrameError, MessageError, type MessageErrorCode } from '../../../errors.ts';
import type { ProblemDetails } from '../kind.ts';

/** A wrong checksum is an error of the frame, in whichever message it is: the bytes were damaged. */
type ProblemCode = MessageErrorCode | 'ERR_FRAME_CHECKSUM';

/** The most bytes of a value that an error keeps. An error may live long and must not hold on to the memory of a chunk. */
const KEPT = 256;

/** Thrown by a walk. The root of the walk, which knows the frame and the path, makes a `MessageError` from it. */
export class Problem {
  readonly code: ProblemCode;
  /** In words. */
  readonly expected: string;
  readonly actual: unknown;
  readonly details: ProblemDetails;
  /** The path inside a field that another codec read or wrote. */
  readonly path: string | undefined;

  constructor(
    code: ProblemCode,
    expected: string,
    actual: unknown,
    details: ProblemDetails = {},
    path?: string,
  ) {
    this.code = code;
    this.expected = expected;
    this.actual = actual;
    this.details = details;
    this.path = path;
  }
}

export function tooLong(limit: number, actual: unknown, unit: string, details?: ProblemDetails): Problem {
  return new Problem('ERR_FIELD_TOO_LONG', `at most ${limit} ${unit}`, actual, { limit, ...details });
}

/** What an error says that it got, where that is not its `actual`. Fields that use another codec inside look up its errors here. */
const gotTexts: WeakMap<Error, string> = new WeakMap();
/** The byte that an error is about, in memory, for the same fields. */
const places: WeakMap<Error, { memory: ArrayBufferLike; at: number }> = new WeakMap();

/**
 * A problem made from what user code threw while reading or writing a field. An error of another codec keeps its code, path and
 * place; any other value becomes the cause.
 */
export function foreignProblem(
  thrown: unknown,
  code: 'ERR_MESSAGE_VALUE' | 'ERR_FIELD_RANGE',
  expected: string,
  bytes?: Uint8Array,
  at?: number,
): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof MessageError) {
    const known = placeIn(bytes, thrown) ?? at;
    const { limit } = thrown;
    const got = gotTexts.get(thrown);
    return new Problem(
      thrown.code,
      String(thrown.expected),
      thrown.actual,
      { cause: thrown, at: known, limit, got },
      thrown.path,
    );
  }
  return new Problem(code, expected, undefined, {
    got: `an error (${showThrown(thrown)})`,
    cause: thrown,
    at,
  });
}

/** The offset in the bytes that an error is about; undefined if it is about others. Small buffers share their memory. */
function placeIn(bytes: Uint8Array | undefined, error: Error): number | undefined {
  const place = places.get(error);
  if (bytes === undefined || place?.memory !== bytes.buffer) return undefined;
  const at = place.at - bytes.byteOffset;
  return at >= 0 && at <= bytes.length ? at : undefined;
}

/** The position of a walk: names and indices, from the message inward. */
export type Path = readonly (string | number)[];

/** `items[3].key` */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) text += pathStep(text, part);
  return text;
}

/** The text that one more name or index adds to a path. */
export function pathStep(before: string, part: string | number): string {
  return typeof part === 'number' ? `[${part}]` : before === '' ? part : `.${part}`;
}

/** The error for a frame `bytes[start, end)` that could not be read; `at` is the offset in the chunk. */
export function readingError(
  problem: Problem,
  path: Path,
  messageType: string | undefined,
  frame: { bytes: Uint8Array; start: number; end: number },
  at: number,
): MessageError | FrameError {
  const offset = at - frame.start;
  const where = fullPath(path, problem);
  const text = `${subject(messageType, where)}: expected ${problem.expected}, got ${gotText(problem)}, at byte ${offset}`;
  const all = {
    ...details(problem, where, messageType),
    offset,
    excerpt: excerpt(frame.bytes.subarray(frame.start, frame.end), offset),
  };
  if (problem.code === 'ERR_FRAME_CHECKSUM') return new FrameError(problem.code, text, all);
  const error = noteGot(new MessageError(problem.code, text, all), problem);
  places.set(error, { memory: frame.bytes.buffer, at: frame.bytes.byteOffset + at });
  return error;
}

/** The error for a message that could not be written. */
export function writingError(problem: Problem, path: Path, messageType: string | undefined): MessageError {
  const where = fullPath(path, problem);
  const text = `${subject(messageType, where)}: expected ${problem.expected}, got ${gotText(problem)}`;
  const code = problem.code as MessageErrorCode;
  const all = { ...details(problem, where, messageType), origin: 'local' } as const;
  return noteGot(new MessageError(code, text, all), problem);
}

function noteGot(error: MessageError, { details: { got } }: Problem): MessageError {
  if (got !== undefined) gotTexts.set(error, got);
  return error;
}

function fullPath(path: Path, problem: Problem): string {
  const outer = pathText(path);
  if (problem.path === undefined) return outer;
  return outer + (problem.path.startsWith('[') ? problem.path : pathStep(outer, problem.path));
}

function gotText(problem: Problem): string {
  return problem.details.got ?? show(problem.actual);
}

function details(problem: Problem, path: string, messageType: string | undefined) {
  const { actual } = problem;
  return {
    expected: problem.expected,
    actual: kept(actual),
    limit: problem.details.limit,
    path: path === '' ? undefined : path,
    messageType,
    cause: problem.details.cause,
  };
}

/** The value that an error keeps; for bytes, a copy of the first few. Reads nothing from a Proxy, which may throw. */
function kept(actual: unknown): unknown {
  if (!ArrayBuffer.isView(actual) || !(actual instanceof Uint8Array)) return actual;
  return actual.length === 0 ? Buffer.alloc(0) : Buffer.from(actual.subarray(0, KEPT));
}

function subject(messageType: string | undefined, where: string): string {
  if (messageType === undefined) return where === '' ? 'message' : where;
  return where === '' ? messageType : `${messageType}.${where}`;
}
