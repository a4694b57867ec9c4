import type net from 'node:net';
import { ByteAccumulator } from '../../bytes/accumulator.ts';
import { FrameError } from '../../errors.ts';
import type { ProxyHeader } from './header.ts';
import { readProxyHeader } from './read-header.ts';

/**
 * Take the PROXY header off the start of a connection; what follows it stays to be read from the socket. Nothing else may
 * read from the socket meanwhile.
 *
 * @param done - called once: with the header; with an error, for bytes that are not a header or a connection that ended inside it;
 *   with neither, for a connection that ended without a byte. Not called for a socket that is destroyed.
 */
export function takeProxyHeader(
  socket: net.Socket,
  done: (error: Error | undefined, header?: ProxyHeader) => void,
): void {
  const received = new ByteAccumulator();
  const settle = (error: Error | undefined, header?: ProxyHeader): void => {
    socket.off('readable', onReadable).off('end', onEnd);
    done(error, header);
  };
  const onReadable = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    // Most headers come in one piece.
    const isFirst = received.length === 0;
    if (!isFirst) received.append(chunk, 0, chunk.length);
    const bytes = isFirst ? chunk : received.bytes.subarray(0, received.length);
    let read: ReturnType<typeof readProxyHeader>;
    try {
      read = readProxyHeader(bytes);
    } catch (error) {
      settle(error as Error);
      return;
    }
    if (read === undefined) {
      if (isFirst) received.append(chunk, 0, chunk.length);
      return;
    }
    if (read.length < bytes.length) socket.unshift(bytes.subarray(read.length));
    settle(undefined, read.header);
  };
  const onEnd = (): void => {
    const actual = received.length;
    if (actual === 0) settle(undefined);
    else
      settle(
        new FrameError(
          'ERR_FRAME_TRUNCATED',
          `the connection ended inside its PROXY header, after ${actual} bytes`,
          { actual },
        ),
      );
  };
  socket.on('readable', onReadable).on('end', onEnd);
}
