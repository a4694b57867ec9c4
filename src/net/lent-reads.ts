import net from 'node:net';
import { allocate, release } from '../bytes/memory.ts';
import type { FrameDecoder } from '../streams/frame-decoder.ts';
import { type Destination, hasLetGo, mayBorrow } from '../streams/stage.ts';

/** A read of that many bytes shows that a connection is worth memory of its own: what Node reads at a time. */
const BUSY = 65_536;
/** Bytes that are read at a time from then on. */
const READ_LENGTH = 262_144;
/** Sockets that have a buffer of their own at a time, at the most, whoever connects and however many. */
const MOST_BUSY = 64;
let busy = 0;

/**
 * Let a busy socket read into one and the same memory, over and over, where nothing keeps a view of it: no allocation
 * per read, and no page of it that the system has to find anew. Node offers that (`onread`) only to sockets that it
 * connects, and only to those who give up streams for it; this is for any socket that is piped to a decoder of frames.
 *
 *     socket ──▶ decoder ──▶ …      what is behind the decoder is asked at each read
 *        encoders → this or another socket · a decoder of messages that hold no view (`Codec.detached`)   lent
 *        anyone else                                                                                      a copy
 *
 * Memory that somebody still needs when the read is over — a consumer that was told to wait, a socket that did not take
 * all — is left to them, and replaced. Until a read first brings 64 KiB, all is as Node does it; so it stays while 64 other
 * sockets are busy, and on a runtime that does not offer what it takes.
 *
 * @example
 * const decoder = new LengthPrefixDecoder();
 * lendReads(socket, decoder);
 * pipeline(socket, decoder, new LengthPrefixEncoder(), socket, callback);
 */
export function lendReads(socket: net.Socket, decoder: FrameDecoder): void {
  const handle = (socket as { _handle?: unknown })._handle;
  if (!isReadHandle(handle)) return;
  const lending = lent.get(handle);
  if (lending === undefined) lent.set(handle, new LentReads(socket, handle, decoder));
  else lending.decoder = decoder;
}

/** Who reads from a handle, for a socket that goes on to another decoder. */
const lent = new WeakMap<object, LentReads>();

/** What a socket reads from: the part of Node's own handles that its `onread` option is made of. */
interface ReadHandle {
  /** So far. */
  readonly bytesRead: number;
  reading: boolean;
  /** Called after each read; a buffer that it answers is the one to read into next. */
  onread(this: ReadHandle, bytes: ArrayBuffer | undefined): Uint8Array | undefined;
  useUserBuffer(buffer: Uint8Array): void;
  readStop(): number;
}

function isReadHandle(handle: unknown): handle is ReadHandle {
  const { bytesRead, onread, useUserBuffer, readStop } = (handle ?? {}) as Partial<ReadHandle>;
  return (
    typeof bytesRead === 'number' &&
    [onread, useUserBuffer, readStop].every((part) => typeof part === 'function')
  );
}

class LentReads {
  readonly #socket: net.Socket;
  #decoder: FrameDecoder;
  /** What Node does after a read. */
  readonly #onread: ReadHandle['onread'];
  #bytesRead: number;
  /** What is read into; undefined until the connection is busy. */
  #buffer: Buffer | undefined;
  /** Buffers that somebody needed on. */
  #left: Buffer[] | undefined;

  constructor(socket: net.Socket, handle: ReadHandle, decoder: FrameDecoder) {
    this.#socket = socket;
    this.#decoder = decoder;
    this.#onread = handle.onread;
    this.#bytesRead = handle.bytesRead;
    handle.onread = (bytes) => this.#read(handle, bytes);
  }

  /** Another one takes the place of the decoder; what the former one may still hold is left to it. */
  set decoder(decoder: FrameDecoder) {
    if (decoder === this.#decoder) return;
    if (!hasLetGo(this.#decoder, isSink)) this.#left = undefined;
    this.#decoder = decoder;
  }

  #read(handle: ReadHandle, bytes: ArrayBuffer | undefined): Uint8Array | undefined {
    const length = handle.bytesRead - this.#bytesRead;
    this.#bytesRead += length;
    const buffer = this.#buffer;
    if (buffer !== undefined && length > 0) return this.#give(handle, buffer, length);
    // Not ours yet; or an end, or an error.
    const answer = this.#onread.call(handle, bytes);
    if (length >= BUSY && busy < MOST_BUSY && !this.#socket.destroyed) this.#begin(handle);
    return answer;
  }

  #begin(handle: ReadHandle): void {
    busy++;
    this.#buffer = allocate(READ_LENGTH);
    handle.useUserBuffer(this.#buffer);
    this.#socket.once('close', () => {
      busy--;
      if (this.#buffer !== undefined) release(this.#buffer);
    });
  }

  /** Give what was read, as Node does; answers other memory where this is needed on. */
  #give(handle: ReadHandle, buffer: Buffer, length: number): Buffer | undefined {
    const socket = this.#socket;
    if (socket.destroyed) return undefined;
    (socket as { _unrefTimer?: () => void })._unrefTimer?.();
    if (this.#left !== undefined && hasLetGo(this.#decoder, isSink)) {
      for (const left of this.#left) release(left);
      this.#left = undefined;
    }
    const chunk = buffer.subarray(0, length);
    const decoder = this.#decoder;
    const lends = this.#mayLend();
    if (!socket.push(lends ? chunk : Buffer.from(chunk))) {
      handle.reading = false;
      if (!socket.destroyed) handle.readStop();
    }
    if (!lends) return undefined;
    // In the middle of it another decoder may have come: then nobody can be asked any more.
    if (decoder === this.#decoder) {
      if (socket.readableLength === 0 && hasLetGo(decoder, isSink)) return undefined;
      this.#left ??= [];
      this.#left.push(buffer);
    }
    this.#buffer = allocate(READ_LENGTH);
    return this.#buffer;
  }

  /** Whether what is read goes straight to the decoder, to nobody else, and is kept by nobody behind it. */
  #mayLend(): boolean {
    const socket = this.#socket;
    return (
      isPipedTo(socket, this.#decoder) &&
      socket.listenerCount('data') === 1 &&
      socket.listenerCount('readable') === 0 &&
      socket.readableFlowing === true &&
      socket.readableLength === 0 &&
      this.#decoder.writableLength === 0 &&
      mayBorrow(this.#decoder, isSink)
    );
  }
}

/** Node tells a destination who is piped to it, but only at that moment, and nobody later. */
function isPipedTo(socket: net.Socket, decoder: FrameDecoder): boolean {
  const { pipes } = (socket as unknown as { _readableState: { pipes?: unknown } })._readableState;
  return Array.isArray(pipes) && pipes.length === 1 && pipes[0] === decoder;
}

/** A plain socket has handed to the system what it has taken; one with a method of somebody's own may keep it. */
function isSink(destination: Destination): boolean {
  return (
    Object.getPrototypeOf(destination) === net.Socket.prototype &&
    !['write', '_write', '_writev'].some((method) => Object.hasOwn(destination, method))
  );
}
