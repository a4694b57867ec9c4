import { type FrameReader, MessageError } from 'wirepipe';
import { framing } from '../framing.ts';
import { serverMessages, serverMessagesOfBytes } from '../server-messages.ts';
import { DatabaseError } from './database-error.ts';
import { type BackendMessage, fromMessage } from './from-message.ts';

export type MessageCallback = (message: BackendMessage) => void;

/**
 * Like pg-protocol's parser: takes chunks, calls back with each message. A breach of the protocol gives an error as the
 * last message.
 */
export class Parser {
  readonly #frames: FrameReader = framing.reader();
  /** Why nothing more is read. */
  error: Error | undefined;

  constructor(options?: { mode?: 'text' | 'binary' }) {
    if (options?.mode === 'binary') throw new Error('Binary mode not supported yet');
  }

  /** The bytes held of an incomplete message, under the name that pg-protocol's own suite reads. */
  get reader(): { buffer: { byteLength: number } } {
    return { buffer: { byteLength: this.#frames.buffered } };
  }

  parse(chunk: Buffer, callback: MessageCallback): void {
    if (this.error !== undefined) return;
    const frames = this.#frames;
    frames.push(chunk);
    for (let batch = frames.take(); batch !== undefined; batch = frames.take()) {
      const { bytes, bounds, count } = batch;
      for (let i = 0; i < count; i++) {
        callback(this.#message(bytes, bounds[2 * i]!, bounds[2 * i + 1]!));
        if (this.error !== undefined) return;
      }
    }
    if (frames.error !== undefined) callback(this.#failed(frames.error, 0));
  }

  #message(bytes: Buffer, start: number, end: number): BackendMessage {
    // The type is not counted.
    const length = end - start - 1;
    try {
      return fromMessage(decode(bytes, start, end), length);
    } catch (error) {
      if (error instanceof MessageError && error.code === 'ERR_MESSAGE_UNKNOWN') {
        const text = `received invalid response: ${bytes[start]!.toString(16)}`;
        return new DatabaseError(text, length, 'error', { cause: error });
      }
      return this.#failed(error as Error, length);
    }
  }

  #failed(error: Error, length: number): DatabaseError {
    this.error = error;
    return new DatabaseError(error.message, length, 'error', { cause: error });
  }
}

/** Read a row that is not UTF-8 as pg-protocol does, with U+FFFD for invalid bytes. */
function decode(bytes: Buffer, start: number, end: number): Parameters<typeof fromMessage>[0] {
  try {
    return serverMessages.decode(bytes, start, end);
  } catch (error) {
    if (!(error instanceof MessageError) || error.code !== 'ERR_MESSAGE_UTF8') throw error;
    const message = serverMessagesOfBytes.decode(bytes, start, end);
    if (message.type !== 'dataRow') throw error;
    return { ...message, values: message.values.map((one) => one?.toString() ?? null) };
  }
}
