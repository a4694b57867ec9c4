import { close, constants, fstat, open, write } from 'node:fs';
import { Writable } from 'node:stream';

/** Bytes of a block, the length of a direct write. */
export const BLOCK = 4_194_304;

const ResizableBuffer = ArrayBuffer as new (
  length: number,
  options: { maxByteLength: number },
) => ArrayBuffer;

/** Memory for a block, aligned to a page, as direct writes require: V8 aligns the memory of resizable buffers so. */
export function newBlock(): Buffer {
  return Buffer.from(new ResizableBuffer(BLOCK, { maxByteLength: BLOCK }), 0, BLOCK);
}

/**
 * Writes a file from its start. Whole blocks go directly to the disk if the system and the file system support it
 * (`O_DIRECT`): new memory in the system's cache is the largest part of what recording costs. Other chunks, and all
 * chunks elsewhere, go through the cache.
 *
 * It keeps no chunk after its write callback.
 */
export class BlockFile extends Writable {
  readonly #path: string;
  #file = -1;
  /** The same file, opened for direct writes; -1 if it cannot be. */
  #direct = -1;
  /** Where the next chunk goes; null for a device or a pipe, which is written in sequence. */
  #position: number | null = null;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  override _construct(callback: (error?: Error | null) => void): void {
    open(this.#path, 'w', (error, file) => {
      if (error) return callback(error);
      this.#file = file;
      fstat(file, (statError, stats) => {
        if (statError) return callback(statError);
        if (!stats.isFile()) return callback();
        this.#position = 0;
        // Only Linux has O_DIRECT.
        const { O_DIRECT, O_WRONLY } = constants as Partial<typeof constants>;
        if (O_DIRECT === undefined) return callback();
        open(this.#path, O_WRONLY! | O_DIRECT, (directError, direct) => {
          if (!directError) this.#direct = direct;
          callback();
        });
      });
    });
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const isDirect = this.#direct >= 0 && chunk.length === BLOCK;
    const file = isDirect ? this.#direct : this.#file;
    write(file, chunk, 0, chunk.length, this.#position, (error, written) => {
      if (error && !isDirect) return callback(error);
      if (error) {
        // The file system may require another alignment. Go through the cache, which also reports an error of the disk.
        close(this.#direct, () => {});
        this.#direct = -1;
        written = 0;
      }
      if (this.#position !== null) this.#position += written;
      if (written === chunk.length) callback();
      else this._write(chunk.subarray(written), encoding, callback);
    });
  }

  /** No write is under way here: only the end, or an error of a write, destroys the stream. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#direct >= 0) close(this.#direct, () => {});
    if (this.#file < 0) callback(error);
    else close(this.#file, (closeError) => callback(error ?? closeError));
  }
}
