/** The errors that several framings make, so that each has one text. */
import { FrameError } from '../../errors.ts';

/** A payload that the writer refuses: it is too long. */
export function payloadTooLong(actual: number, limit: number): FrameError {
  const message = `payload of ${actual} bytes exceeds maxFrameLength ${limit}`;
  return new FrameError('ERR_FRAME_TOO_LONG', message, { origin: 'local', limit, actual });
}

/** A payload that the writer refuses: the framing does not allow its length. */
export function payloadLength(
  message: string,
  details: { limit?: number; actual: number; expected?: number },
): FrameError {
  return new FrameError('ERR_FRAME_LENGTH', message, { origin: 'local', ...details });
}

/** A received frame that announces more bytes than allowed. `offset`: where it begins in the stream. */
export function frameTooLong(actual: number, limit: number, offset: number): FrameError {
  const message = `frame of ${actual} bytes exceeds maxFrameLength ${limit}, at stream offset ${offset}`;
  return new FrameError('ERR_FRAME_TOO_LONG', message, { limit, actual, offset });
}

/**
 * The stream ended inside a frame. `where`: `'inside a frame, after 3 of its 9 bytes'`; `end`: how many bytes the stream
 * had.
 */
export function truncated(
  where: string,
  end: number,
  details: { expected?: number | undefined; actual: number; offset: number },
): FrameError {
  const message = `stream ended ${where}, at stream offset ${end}`;
  return new FrameError('ERR_FRAME_TRUNCATED', message, details);
}
