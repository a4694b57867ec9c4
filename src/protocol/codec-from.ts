import { showThrown } from '../bytes/show.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { MessageError } from '../errors.ts';
import type { Codec } from './codec.ts';

/** Two functions of another library: bytes to a value, and back. */
export interface CodecFunctions<Message> {
  decode(bytes: Buffer): Message;
  encode(message: Message): Uint8Array;
}

/**
 * A codec made from a library's two functions. Anything they throw becomes a `MessageError` (`ERR_MESSAGE_VALUE`, or
 * `ERR_FIELD_RANGE` on encode) with the thrown value as its `cause`.
 *
 * @example
 * // both functions are those of @msgpack/msgpack
 * const codec = codecFrom<Telemetry>({ decode: (bytes) => decode(bytes) as Telemetry, encode });
 */
export function codecFrom<Message>(functions: CodecFunctions<Message>): Codec<Message> {
  const { decode, encode } = (functions ?? {}) as CodecFunctions<Message>;
  if (typeof decode !== 'function' || typeof encode !== 'function') {
    throw new TypeError('codecFrom: expected two functions, decode and encode');
  }
  return {
    decode(bytes, start = 0, end = bytes.length) {
      try {
        return decode(bytes.subarray(start, end));
      } catch (cause) {
        if (cause instanceof MessageError) throw cause;
        throw new MessageError('ERR_MESSAGE_VALUE', `the frame cannot be decoded: ${showThrown(cause)}`, {
          cause,
        });
      }
    },
    encode(message) {
      try {
        return encode(message);
      } catch (cause) {
        if (cause instanceof MessageError) throw cause;
        const text = `the message cannot be encoded: ${showThrown(cause)}`;
        throw new MessageError('ERR_FIELD_RANGE', text, { origin: 'local', cause });
      }
    },
  };
}

/**
 * Messages as JSON in UTF-8. The caller names their type; nothing checks the values that a peer sends.
 *
 * An empty frame is `ERR_MESSAGE_EMPTY`, malformed UTF-8 `ERR_MESSAGE_UTF8`, malformed JSON `ERR_MESSAGE_VALUE`. A bare `null` is
 * `ERR_MESSAGE_VALUE` too: a stream of messages would take it for its end.
 *
 * @example const codec = json<{ type: 'move'; x: number; y: number }>();
 */
export function json<Message = unknown>(): Codec<Message> {
  return codecFrom<Message>({
    decode(bytes) {
      if (bytes.length === 0)
        throw new MessageError('ERR_MESSAGE_EMPTY', 'expected JSON, got an empty frame');
      const text = decodeUtf8(bytes, 0, bytes.length);
      if (text === undefined) throw new MessageError('ERR_MESSAGE_UTF8', 'expected JSON in UTF-8');
      const message = JSON.parse(text) as Message;
      if (message === null) throw new MessageError('ERR_MESSAGE_VALUE', 'expected a message, got null');
      return message;
    },
    encode(message) {
      const text = JSON.stringify(message) as string | undefined;
      if (text === undefined) throw new TypeError(`JSON has no ${typeof message}`);
      return Buffer.from(text);
    },
  });
}
