import type net from 'node:net';

/** The most bytes of a read, as in Node. A full read shows that a connection is worth its own buffer. */
export const READ_LENGTH = 65_536;

/** The handle that a socket reads from: the part of Node's handles behind the option `onread`. */
export interface ReadHandle {
  /** Bytes read so far. */
  readonly bytesRead: number;
  reading: boolean;
  /** Called after each read; returns the buffer to read into next, or undefined for the same one. */
  onread(this: ReadHandle, bytes: ArrayBuffer | undefined): Uint8Array | undefined;
  useUserBuffer(buffer: Uint8Array): void;
  readStop(): number;
}

/** The handle of a socket, if Node has one that reads into given memory. */
export function readHandle(socket: net.Socket): ReadHandle | undefined {
  const handle = (socket as { _handle?: unknown })._handle;
  return isReadHandle(handle) ? handle : undefined;
}

/** Give a socket the bytes that were read for it, as Node does. */
export function give(socket: net.Socket, handle: ReadHandle, bytes: Buffer): void {
  (socket as { _unrefTimer?: () => void })._unrefTimer?.();
  if (socket.push(bytes)) return;
  handle.reading = false;
  if (!socket.destroyed) handle.readStop();
}

function isReadHandle(handle: unknown): handle is ReadHandle {
  const { bytesRead, onread, useUserBuffer, readStop } = (handle ?? {}) as Partial<ReadHandle>;
  return (
    typeof bytesRead === 'number' &&
    [onread, useUserBuffer, readStop].every((part) => typeof part === 'function')
  );
}
