/**
 * The interface of pg-protocol 1.16 (which pg uses) over the declarations: `parse`, `serialize`, `DatabaseError`. Its own suite
 * passes on it unmodified: test/stand-ins/pg-protocol.test.ts.
 */
import type { Readable } from 'node:stream';
import { DatabaseError } from './database-error.ts';
import { type MessageCallback, Parser } from './parser.ts';
import { serialize } from './serializer.ts';

export { DatabaseError, serialize };

/** Call back with each message; a breach of the protocol destroys the stream. Resolves when the stream has ended. */
export function parse(stream: Readable, callback: MessageCallback): Promise<void> {
  const parser = new Parser();
  stream.on('data', (chunk: Buffer) => {
    parser.parse(chunk, callback);
    if (parser.error !== undefined) stream.destroy(parser.error);
  });
  return new Promise((resolve) => stream.once('end', () => resolve()));
}
