import { safeText } from './bytes/show.ts';

/**
 * All errors that this library creates about bytes, messages, states and time.
 *
 * There are few classes and many codes: match on `code`, which is API. `docs/errors.md` has a heading for each code.
 * System errors (`ECONNRESET` …) pass through the stages unchanged. A wrong *declaration* throws a plain `TypeError` or
 * `RangeError` where it is written.
 */

/** The side at fault: the peer, or this program. */
export type Origin = 'peer' | 'local';

export type FrameErrorCode =
  | 'ERR_FRAME_TOO_LONG'
  | 'ERR_FRAME_LENGTH'
  | 'ERR_FRAME_TRUNCATED'
  | 'ERR_FRAME_CHECKSUM'
  | 'ERR_FRAME_NOISE'
  | 'ERR_FRAME_STREAM'
  | 'ERR_FRAME_STUFFING'
  | 'ERR_FRAME_TIMEOUT'
  | 'ERR_FRAME_PREFACE'
  | 'ERR_PROXY_HEADER';

export type MessageErrorCode =
  | 'ERR_MESSAGE_EMPTY'
  | 'ERR_MESSAGE_SHORT'
  | 'ERR_MESSAGE_UNKNOWN'
  | 'ERR_MESSAGE_UTF8'
  | 'ERR_MESSAGE_TRAILING'
  | 'ERR_MESSAGE_VALUE'
  | 'ERR_MESSAGE_LIMIT'
  | 'ERR_FIELD_RANGE'
  | 'ERR_FIELD_TOO_LONG';

export type StateErrorCode =
  | 'ERR_STATE_UNEXPECTED'
  | 'ERR_STATE_CLOSED'
  | 'ERR_STATE_SHUTDOWN'
  | 'ERR_STATE_FRAMING'
  | 'ERR_STATE_UPGRADE'
  | 'ERR_STATE_UNREAD'
  | 'ERR_STATE_TAKEOVER'
  | 'ERR_REQUEST_NUMBERS'
  | 'ERR_REQUEST_LOST'
  | 'ERR_REQUEST_UNSENT';

export type TimeoutErrorCode =
  | 'ERR_TIMEOUT_STATE'
  | 'ERR_TIMEOUT_IDLE'
  | 'ERR_TIMEOUT_REQUEST'
  | 'ERR_TIMEOUT_HANDSHAKE';

export type LimitErrorCode = 'ERR_LIMIT_CONNECTIONS' | 'ERR_LIMIT_BYTES';

export type HandlerErrorCode = 'ERR_HANDLER';

export type CaptureErrorCode =
  | 'ERR_CAPTURE_DAMAGED'
  | 'ERR_CAPTURE_FORMAT'
  | 'ERR_CAPTURE_TRUNCATED'
  | 'ERR_CAPTURE_VERSION';

export type FleetErrorCode =
  | 'ERR_COMMAND_REFUSED'
  | 'ERR_COMMAND_UNKNOWN'
  | 'ERR_FLEET_CREDENTIALS'
  | 'ERR_FLEET_DEVICE'
  | 'ERR_FLEET_PROTOCOL'
  | 'ERR_FLEET_SERVER'
  | 'ERR_FLEET_UNREACHABLE';

/** All codes. */
export type ErrorCode =
  | FrameErrorCode
  | MessageErrorCode
  | StateErrorCode
  | TimeoutErrorCode
  | LimitErrorCode
  | HandlerErrorCode
  | CaptureErrorCode
  | FleetErrorCode;

/**
 * Why a command was refused before any of it was sent to its device:
 *
 * - `'absent'`: no gateway holds a connection of the device;
 * - `'state'`: the session's state does not allow the message;
 * - `'queue'`: the device's queue is full, or the command's time ran out while it waited;
 * - `'invalid'`: the command is not a message that the gateway can send to the device;
 * - `'size'`: the command is longer than the maximum payload of NATS;
 * - `'expired'`: the command's `until` has passed;
 * - `'offline'`: there is no connection to NATS.
 */
export type RefusalReason = 'absent' | 'state' | 'queue' | 'invalid' | 'size' | 'expired' | 'offline';

/** The details of an error beside its text. An error has only the details that apply. */
export interface ErrorDetails {
  /** The side at fault. Default `'peer'`; for a `HandlerError` `'local'`. */
  origin?: Origin | undefined;
  /** The largest (or smallest) allowed value, in the unit that the text names. */
  limit?: number | undefined;
  /** The value found. */
  actual?: unknown;
  /** The value expected. */
  expected?: unknown;
  /**
   * The place, in bytes: for a `FrameError`, in the stream of bytes received; for a `MessageError`, in the frame; for a
   * `CaptureError`, in the file (after decompression, if it is a gzip file).
   */
  offset?: number | undefined;
  /** For a `CaptureError` about a text file: the line, counted from 1. */
  line?: number | undefined;
  /** For a `MessageError`: the place in the stream of bytes received, if the frame's place in it is known. */
  streamOffset?: number | undefined;
  /** The field, with indices: `items[3].key`. */
  path?: string | undefined;
  /** The type of the message that was being read or written, if known. */
  messageType?: string | undefined;
  /** The session state. */
  state?: string | undefined;
  /** For a `FleetError`: the device that the command is for. */
  device?: string | undefined;
  /** For `ERR_COMMAND_REFUSED`: why nothing was sent. */
  reason?: RefusalReason | undefined;
  /** The bytes around `offset`, in hex, with a caret under the byte. */
  excerpt?: string | undefined;
  cause?: unknown;
}

/** The most characters that an error keeps of its message, and of each detail that is a text. */
const LONGEST_TEXT = 1000;

/**
 * The base class of all errors. Whatever a peer sent, the message is one line of at most a thousand characters, and so
 * is each detail that is a text: a control character shows as `\u001b`.
 *
 * @example
 * pipeline(socket, …, (error) => {
 *   if (error instanceof ProtocolError && error.origin === 'peer') log(error.code, error.message);
 * });
 */
export abstract class ProtocolError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly origin: Origin;
  declare readonly limit?: number;
  declare readonly actual?: unknown;
  declare readonly expected?: unknown;
  declare readonly offset?: number;
  declare readonly line?: number;
  declare readonly streamOffset?: number;
  declare readonly path?: string;
  declare readonly messageType?: string;
  declare readonly state?: string;
  declare readonly device?: string;
  declare readonly reason?: RefusalReason;
  declare readonly excerpt?: string;

  /** @param details - `origin` defaults to `'peer'`, for `ERR_HANDLER` to `'local'` */
  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(plain(message), 'cause' in details ? { cause: details.cause } : undefined);
    const { origin = code === 'ERR_HANDLER' ? 'local' : 'peer', cause: _, ...rest } = details;
    this.code = code;
    this.origin = origin;
    for (const [key, given] of Object.entries(rest)) {
      // Only the excerpt may have several lines: it is this library's own text.
      const value = typeof given === 'string' && key !== 'excerpt' ? plain(given) : given;
      if (value === undefined) continue;
      // Writable: test runners replace `expected` and `actual` by text when they report an error.
      Object.defineProperty(this, key, { value, enumerable: true, writable: true, configurable: true });
    }
  }
}

/**
 * True for a `ProtocolError`, including one made by another copy of the package: a protocol may load its own copy.
 * @internal
 */
export function isProtocolError(error: unknown): error is ProtocolError {
  if (error instanceof ProtocolError) return true;
  const { code, origin } = (error ?? {}) as Partial<ProtocolError>;
  return error instanceof Error && typeof code === 'string' && (origin === 'peer' || origin === 'local');
}

/** The stream of bytes could not be cut into frames, or a payload could not be framed. */
export class FrameError extends ProtocolError<FrameErrorCode> {
  override readonly name = 'FrameError';
}

/** A frame could not be read as a message, or a message could not be written. */
export class MessageError extends ProtocolError<MessageErrorCode> {
  override readonly name = 'MessageError';

  /** The name and the text, with the excerpt on the lines after them. */
  override toString(): string {
    return this.excerpt === undefined ? super.toString() : `${super.toString()}\n${this.excerpt}`;
  }
}

// `console.log` and uncaught errors print the excerpt on its own lines, then the other details.
Object.defineProperty(MessageError.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(
    this: MessageError,
    _: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ) {
    const { excerpt, name: __, ...details } = this;
    return [this.stack, ...(excerpt === undefined ? [] : [excerpt]), inspect(details, options)].join('\n');
  },
});

/** A message that the current state does not allow: a received one if `origin` is `'peer'`, else one to be sent. */
export class StateError extends ProtocolError<StateErrorCode> {
  override readonly name = 'StateError';
}

/** A deadline passed; `limit` is its length in milliseconds. */
export class TimeoutError extends ProtocolError<TimeoutErrorCode> {
  override readonly name = 'TimeoutError';
}

/** One peer, or all peers together, reached a limit of the server; `limit` is its value. */
export class LimitError extends ProtocolError<LimitErrorCode> {
  override readonly name = 'LimitError';
}

/** A handler threw or rejected; `cause` is what it threw. */
export class HandlerError extends ProtocolError<HandlerErrorCode> {
  override readonly name = 'HandlerError';
}

/** A file of recorded traffic could not be read to its end; everything before the fault was delivered. */
export class CaptureError extends ProtocolError<CaptureErrorCode> {
  override readonly name = 'CaptureError';
}

/** A command got no reply, or the fleet cannot be reached. */
export class FleetError extends ProtocolError<FleetErrorCode> {
  override readonly name = 'FleetError';
}

/** The text on one line, cut at `LONGEST_TEXT` characters. */
function plain(text: string): string {
  return safeText(text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);
}
