import { excerpt } from '../../../bytes/hex.ts';
import { show } from '../../../bytes/show.ts';
import { FrameError, MessageError, type MessageErrorCode } from '../../../errors.ts';

/** A checksum is the frame's, whichever message it stands in: bytes were damaged, not misspoken. */
type FaultCode = MessageErrorCode | 'ERR_FRAME_CHECKSUM';

/** What the walks throw; the root of the walk, which knows the frame and the path, makes it a `MessageError`. */
export class Fault {
  readonly code: FaultCode;
  /** In words. */
  readonly expected: string;
  readonly actual: unknown;
  /** `actual` in words, where showing the value would not do. */
  readonly got: string | undefined;
  /** Where, in the chunk; the walk's own place unless told. */
  readonly at: number | undefined;
  readonly limit: number | undefined;
  readonly cause: unknown;

  constructor(
    code: FaultCode,
    expected: string,
    actual: unknown,
    more: { got?: string; at?: number; limit?: number; cause?: unknown } = {},
  ) {
    this.code = code;
    this.expected = expected;
    this.actual = actual;
    this.got = more.got;
    this.at = more.at;
    this.limit = more.limit;
    this.cause = more.cause;
  }
}

/** Where a walk stands: names and indices, from the message inward. */
export type Path = (string | number)[];

/** `items[3].key` */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  }
  return text;
}

/** The error of a frame `bytes[start, end)` that could not be read; `at` is where, in the chunk. */
export function readingError(
  fault: Fault,
  path: Path,
  messageType: string | undefined,
  frame: { bytes: Uint8Array; start: number; end: number },
  at: number,
): MessageError | FrameError {
  const offset = at - frame.start;
  const text = `${subject(messageType, path)}: expected ${fault.expected}, got ${fault.got ?? show(fault.actual)}, at byte ${offset}`;
  const all = {
    ...details(fault, path, messageType),
    offset,
    excerpt: excerpt(frame.bytes.subarray(frame.start, frame.end), offset),
  };
  return fault.code === 'ERR_FRAME_CHECKSUM'
    ? new FrameError(fault.code, text, all)
    : new MessageError(fault.code, text, all);
}

/** The error of a message that could not be written. */
export function writingError(fault: Fault, path: Path, messageType: string | undefined): MessageError {
  const text = `${subject(messageType, path)}: expected ${fault.expected}, got ${fault.got ?? show(fault.actual)}`;
  const code = fault.code as MessageErrorCode;
  return new MessageError(code, text, { ...details(fault, path, messageType), origin: 'local' });
}

function details(fault: Fault, path: Path, messageType: string | undefined) {
  return {
    expected: fault.expected,
    // An error may be kept for long, the memory of a chunk may not.
    actual: fault.actual instanceof Uint8Array ? Buffer.from(fault.actual) : fault.actual,
    limit: fault.limit,
    path: path.length === 0 ? undefined : pathText(path),
    messageType,
    cause: fault.cause,
  };
}

function subject(messageType: string | undefined, path: Path): string {
  const where = pathText(path);
  if (messageType === undefined) return where === '' ? 'message' : where;
  return where === '' ? messageType : `${messageType}.${where}`;
}
