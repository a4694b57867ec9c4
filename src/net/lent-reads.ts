import net from 'node:net';
import { GIVING, isTrusted, TAKING, trust } from '../bytes/trust.ts';
import { requireObjectOf } from '../options.ts';
import type { FrameDecoder } from '../streams/frame-decoder.ts';
import { lend } from '../streams/lease.ts';
import { give, READ_LENGTH, type ReadHandle, readHandle } from './read-handle.ts';

// A plain socket has handed everything it has taken to the system.
trust(net.Socket.prototype);

/** The most sockets that have a buffer of their own at a time. */
const MOST_BUSY = 64;
/** After this many reads in a row of which a view was kept, lending stops. */
const MOST_KEPT = 4;
/** Sockets that have a buffer of their own now. */
let busy = 0;

/**
 * Let a busy socket read into the same buffer again and again, if nothing keeps a view of it: for a proxy that rewrites frames
 * without looking at them. It saves the allocation of each read. Node offers this (`onread`) only to sockets that it connects,
 * and only in place of streams; this works for any socket that is piped to a decoder of frames.
 *
 *     socket ──▶ decoder ──▶ encoder ──▶ socket                                      lent
 *     socket ──▶ decoder ──▶ decoder of messages without views (`Codec.detached`)    lent
 *     any other consumer after the decoder, or in its place                          a copy
 *
 * If the memory is still referenced after the read (by a consumer that asked to wait, by a socket that did not take all),
 * that buffer is given up and a new one allocated. Only stages, framings and sockets of this library's and Node's own
 * classes are lent to. Lending starts with the first read of 64 KiB, for at most 64 sockets at a time, and only where
 * Node's socket handle supports it.
 *
 * @example
 * const decoder = new LengthPrefixDecoder();
 * lendReads(socket, decoder);
 * pipeline(socket, decoder, new LengthPrefixEncoder(), socket, callback);
 */
export function lendReads(socket: net.Socket, decoder: FrameDecoder): void {
  requireObjectOf('lendReads', 'a socket', socket);
  const handle = readHandle(socket);
  if (handle === undefined) return;
  const lending = lent.get(handle);
  if (lending === undefined) lent.set(handle, new LentReads(socket, handle, decoder));
  else lending.decoder = decoder;
}

/** The object that lends the reads of a handle, for a socket that moves on to another decoder. */
const lent = new WeakMap<object, LentReads>();

class LentReads {
  readonly #socket: net.Socket;
  #decoder: FrameDecoder;
  /** Node's own function for a read. */
  readonly #onread: ReadHandle['onread'];
  #bytesRead: number;
  /** The buffer to read into; undefined until the connection is busy. */
  #buffer: Buffer | undefined;
  /** Reads in a row of which a view was kept. */
  #kept = 0;

  constructor(socket: net.Socket, handle: ReadHandle, decoder: FrameDecoder) {
    this.#socket = socket;
    this.#decoder = decoder;
    this.#onread = handle.onread;
    this.#bytesRead = handle.bytesRead;
    handle.onread = (bytes) => this.#read(handle, bytes);
  }

  /** Another decoder replaces the previous one. */
  set decoder(decoder: FrameDecoder) {
    this.#decoder = decoder;
    this.#kept = 0;
  }

  #read(handle: ReadHandle, bytes: ArrayBuffer | undefined): Uint8Array | undefined {
    const length = handle.bytesRead - this.#bytesRead;
    this.#bytesRead += length;
    const buffer = this.#buffer;
    if (buffer !== undefined && length > 0) return this.#give(handle, buffer, length);
    // Node's own buffer; or an end, or an error.
    const answer = this.#onread.call(handle, bytes);
    if (length >= READ_LENGTH && busy < MOST_BUSY && !this.#socket.destroyed) this.#begin(handle);
    return answer;
  }

  #begin(handle: ReadHandle): void {
    busy++;
    this.#buffer = Buffer.alloc(READ_LENGTH);
    handle.useUserBuffer(this.#buffer);
    this.#socket.once('close', () => busy--);
  }

  /** Give out the bytes that were read, as Node does; returns other memory if a view of this one was kept. */
  #give(handle: ReadHandle, buffer: Buffer, length: number): Buffer | undefined {
    const socket = this.#socket;
    if (socket.destroyed) return undefined;
    const chunk = buffer.subarray(0, length);
    const push = (bytes: Buffer): void => give(socket, handle, bytes);
    const decoder = this.#decoder;
    if (this.#kept === MOST_KEPT || !this.#mayLend(decoder)) {
      const copy = Buffer.allocUnsafeSlow(length);
      chunk.copy(copy);
      push(copy);
      return undefined;
    }
    const isFree = lend(() => push(chunk)) && socket.readableLength + decoder.writableLength === 0;
    if (isFree && decoder === this.#decoder) {
      this.#kept = 0;
      return undefined;
    }
    this.#kept++;
    this.#buffer = Buffer.alloc(READ_LENGTH);
    return this.#buffer;
  }

  /** Whether reads go straight to the decoder, and to no other consumer. */
  #mayLend(decoder: FrameDecoder): boolean {
    const socket = this.#socket;
    return (
      isPipedTo(socket, decoder) &&
      socket.listenerCount('data') === 1 &&
      socket.listenerCount('readable') === 0 &&
      socket.readableFlowing === true &&
      socket.readableLength + decoder.writableLength === 0 &&
      isTrusted(socket, GIVING) &&
      isTrusted(decoder, TAKING)
    );
  }
}

/** The `'pipe'` event fires only once, so the list of pipes is read from `_readableState`. */
function isPipedTo(socket: net.Socket, decoder: FrameDecoder): boolean {
  const { pipes } = (socket as unknown as { _readableState: { pipes?: unknown } })._readableState;
  return Array.isArray(pipes) && pipes.length === 1 && pipes[0] === decoder;
}
