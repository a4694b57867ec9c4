import { asError } from '../bytes/show.ts';
import { MessageError, ProtocolError } from '../errors.ts';
import type { Codec } from './codec.ts';
import type { FrameBatch } from './framing/framing.ts';

/**
 * Read frame `index` of a batch as a message. Throws an Error, whatever the codec throws. A `MessageError` gets its place in the
 * stream (`streamOffset`), if the batch's place is known.
 */
export function decodeFrame<Message>(
  codec: Codec<Message, never>,
  batch: FrameBatch,
  index: number,
): Message {
  const { bytes, bounds } = batch;
  try {
    const message = codec.decode(bytes, bounds[2 * index]!, bounds[2 * index + 1]!);
    if (message == null) {
      const text = `the codec decoded ${message}, which no stream can carry`;
      throw new MessageError('ERR_MESSAGE_VALUE', text);
    }
    return message;
  } catch (thrown) {
    throw placed(thrown, batch, index);
  }
}

/** What a codec has thrown for frame `index` of a batch, as an Error with its place in the stream. */
export function placed(thrown: unknown, { bounds, streamOffset }: FrameBatch, index: number): Error {
  const error = asError(thrown);
  if (streamOffset !== undefined && error instanceof ProtocolError && error.offset !== undefined) {
    Object.assign(error, { streamOffset: streamOffset + bounds[2 * index]! + error.offset });
  }
  return error;
}
