import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { give, READ_LENGTH, readHandle } from '../net/read-handle.ts';

/**
 * Memory that the chunks of sockets are read into, and that is used again once a chunk was written elsewhere. Node takes new memory for
 * each read; to search for what is gone of it costs a process in proportion to all that it holds, which is half of what a proxy costs.
 *
 *     free ──▶ read ──▶ chunk ──▶ write ──▶ release ──▶ free
 *
 * A chunk that is never released is no loss: it goes as any other memory does.
 */
export class ReadMemory {
  readonly #free: Buffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** Read a plain socket into this memory, from its first read of 64 KiB on; any other stream is left as it is. */
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
        // Node's own memory; or an end, or an error.
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

  /** Nothing looks at a chunk any more: its memory may be read into. */
  release(chunk: Buffer): void {
    if (this.#lent.delete(chunk.buffer)) this.#free.push(Buffer.from(chunk.buffer));
  }

  #take(): Buffer {
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_LENGTH);
    this.#lent.add(memory.buffer);
    return memory;
  }
}
