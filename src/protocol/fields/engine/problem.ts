import { excerpt } from '../../../bytes/hex.ts';
import { show, showThrown } from '../../../bytes/show.ts';
import { FrameError, MessageError, type MessageErrorCode } from '../../../errors.ts';
import type { ProblemDetails } from '../kind.ts';

/** A checksum is the frame's, whichever message it stands in: bytes were damaged, not misspoken. */
type ProblemCode = MessageErrorCode | 'ERR_FRAME_CHECKSUM';

/** The most bytes of a value that an error keeps: it may be kept for long, the memory of a chunk may not. */
const KEPT = 256;

/** What a walk throws; the root of the walk, which knows the frame and the path, makes a `MessageError` of it. */
export class Problem {
  readonly code: ProblemCode;
  /** In words. */
  readonly expected: string;
  readonly actual: unknown;
  readonly details: ProblemDetails;
  /** The field below the one that was walked to, where another codec was asked. */
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

/** Where a byte lies that an error is about: the errors of codecs that are used inside fields of one's own say it to us. */
const places: WeakMap<Error, { memory: ArrayBufferLike; at: number }> = new WeakMap();

/**
 * What user code threw that was asked to read or write a field: an error of another codec keeps its code, its path and its
 * place; whatever else it is becomes the cause.
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
    const place = places.get(thrown);
    const known = bytes !== undefined && place?.memory === bytes.buffer ? place.at - bytes.byteOffset : at;
    const { limit } = thrown;
    return new Problem(
      thrown.code,
      String(thrown.expected),
      thrown.actual,
      {
        cause: thrown,
        ...(known !== undefined && { at: known }),
        ...(limit !== undefined && { limit }),
      },
      thrown.path,
    );
  }
  return new Problem(code, expected, undefined, {
    got: `an error (${showThrown(thrown)})`,
    cause: thrown,
    ...(at !== undefined && { at }),
  });
}

/** Where a walk stands: names and indices, from the message inward. */
export type Path = readonly (string | number)[];

/** `items[3].key` */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) text += pathStep(text, part);
  return text;
}

/** What one more name or index adds to a path. */
export function pathStep(before: string, part: string | number): string {
  return typeof part === 'number' ? `[${part}]` : before === '' ? part : `.${part}`;
}

/** The error of a frame `bytes[start, end)` that could not be read; `at` is where, in the chunk. */
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
  const error = new MessageError(problem.code, text, all);
  places.set(error, { memory: frame.bytes.buffer, at: frame.bytes.byteOffset + at });
  return error;
}

/** The error of a message that could not be written. */
export function writingError(problem: Problem, path: Path, messageType: string | undefined): MessageError {
  const where = fullPath(path, problem);
  const text = `${subject(messageType, where)}: expected ${problem.expected}, got ${gotText(problem)}`;
  const code = problem.code as MessageErrorCode;
  return new MessageError(code, text, { ...details(problem, where, messageType), origin: 'local' });
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

/** A value as an error keeps it: of bytes, a copy of the first few. Asks nothing of a Proxy, which may throw. */
function kept(actual: unknown): unknown {
  if (!ArrayBuffer.isView(actual) || !(actual instanceof Uint8Array)) return actual;
  return actual.length === 0 ? Buffer.alloc(0) : Buffer.from(actual.subarray(0, KEPT));
}

function subject(messageType: string | undefined, where: string): string {
  if (messageType === undefined) return where === '' ? 'message' : where;
  return where === '' ? messageType : `${messageType}.${where}`;
}
