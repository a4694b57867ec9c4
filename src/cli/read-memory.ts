import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { give, READ_LENGTH, readHandle } from '../net/read-handle.ts';

/** Bytes of a read at the most: four times as many as Node reads, so that a busy connection is read in fewer calls. */
const LENGTH = 4 * READ_LENGTH;

/**
 * Memory for reading from sockets, reused once a chunk has been written elsewhere. Node allocates new memory for each
 * read, and collecting it costs in proportion to everything the process holds: half of the cost of a proxy.
 *
 *     free ──▶ read ──▶ chunk ──▶ write ──▶ release ──▶ free
 *
 * A chunk that is never released is collected as usual.
 */
export class ReadMemory {
  readonly #free: Buffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** Make a plain socket read into this memory, from its first read of 64 KiB on. Other streams are left unchanged. */
  serve(stream: Duplex): void {
    if (!(stream instanceof net.Socket) || stream instanceof tls.TLSSocket) return;
    const handle = readHandle(stream);
    if (handle === undefined) return;
    const { onread } = handle;
    let { bytesRead } = handle;
    let memory: Buffer | undefined;
    handle.onread = (bytes) => {
      const length = handle.bytesRead - bytesRead;
      bytesRead += length;
      if (memory === undefined || length <= 0) {
        // The bytes are in Node's own memory, or this is the end or an error.
        const answer = onread.call(handle, bytes);
        if (length < READ_LENGTH || stream.destroyed) return answer;
        memory = this.#take();
        handle.useUserBuffer(memory);
        return answer;
      }
      if (stream.destroyed) return undefined;
      const chunk = memory.subarray(0, length);
      memory = this.#take();
      give(stream, handle, chunk);
      return memory;
    };
  }

  /** Give back a chunk that nothing refers to any more. */
  release(chunk: Buffer): void {
    if (this.#lent.delete(chunk.buffer)) this.#free.push(Buffer.from(chunk.buffer));
  }

  #take(): Buffer {
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(LENGTH);
    this.#lent.add(memory.buffer);
    return memory;
  }
}
