/**
 * Memory in which short copies are quick. JavaScript has no instruction for them: 64 bytes take a loop three times as long
 * as a copy that is compiled, and a call into the runtime eight times (`docs/performance.md`). WebAssembly has one,
 * `memory.copy`, for copies inside a memory of its own. So the buffers that are used again and again lie in one such
 * memory, whose `copy` is that instruction.
 *
 *     allocate ──▶ ┌─────────────┬─────────────┬───────┬───────┬──
 *                  │ read buffer │ read buffer │ block │ block │ …    one memory; what is released
 *     release ──▶  └─────────────┴─────────────┴───────┴───────┴──    is allocated again
 *
 * What somebody may still have a view of is not released, ever. When all of the memory has been given away, a new one
 * takes its place; the old one is garbage once the last view of it is. Until then, and where there is no WebAssembly, buffers are
 * ordinary ones.
 */

/** 32 MiB, in WebAssembly's pages of 64 KiB; the system gives those that are written to. */
const PAGES = 512;

// biome-ignore format: a section a line
const MODULE = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, //             "\0asm" · version 1
  1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, //          types: one, (i32, i32, i32) → nothing
  2, 6, 1, 0, 0, 2, 0, 1, //                         imports: one, "" "", a memory of at least a page
  3, 2, 1, 0, //                                     functions: one, of type 0
  7, 8, 1, 4, 0x63, 0x6f, 0x70, 0x79, 0, 0, //       exports: one, "copy", function 0
  10, 14, 1, 12, 0, //                               code: one body, of 12 bytes, without locals
  0x20, 0, 0x20, 1, 0x20, 2, 0xfc, 10, 0, 0, 0x0b, //  local.get 0 · 1 · 2 · memory.copy · end
]);

/** The part of it that is used here; TypeScript declares it for browsers only. */
interface WebAssembly {
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
}

/** A memory, and its instruction. That offsets are inside the caller's own buffers is the caller's to check. */
interface Memory {
  readonly buffer: ArrayBuffer;
  readonly copy: (to: number, from: number, length: number) => void;
}

let memory: Memory | undefined;
/** The one before. */
let former: WeakRef<ArrayBuffer> | undefined;
/** Bytes given away, from the front. */
let given = 0;
/** What was released, by length. */
const released = new Map<number, Buffer[]>();
/** There is none, or not for us. */
let refused = false;

/** A buffer of that many bytes, holding anything; in the memory if possible. */
export function allocate(length: number): Buffer {
  const again = released.get(length)?.pop();
  if (again !== undefined) return again;
  if (memory === undefined || memory.buffer.byteLength - given < length) begin();
  if (memory === undefined || memory.buffer.byteLength - given < length) {
    return Buffer.allocUnsafeSlow(length);
  }
  given += length;
  return Buffer.from(memory.buffer, given - length, length);
}

/** Nobody has a view any more of what `allocate` gave. */
export function release(bytes: Buffer): void {
  if (bytes.buffer !== memory?.buffer) return;
  const others = released.get(bytes.length);
  if (others === undefined) released.set(bytes.length, [bytes]);
  else others.push(bytes);
}

/** The memory that both lie in, for quick copies from one to the other. */
export function memoryOf(a: Uint8Array, b: Uint8Array): Memory | undefined {
  return memory !== undefined && a.buffer === memory.buffer && b.buffer === memory.buffer
    ? memory
    : undefined;
}

function begin(): void {
  // One connection that idles may keep all of it: no third one beside these two.
  if (refused || former?.deref() !== undefined) return;
  try {
    const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssembly }).WebAssembly;
    const whole = new Memory({ initial: PAGES, maximum: PAGES });
    const { copy } = new Instance(new Module(MODULE), { '': { '': whole } }).exports;
    former = memory && new WeakRef(memory.buffer);
    memory = { buffer: whole.buffer, copy: copy as Memory['copy'] };
    given = 0;
    released.clear();
  } catch {
    refused = true;
  }
}

/** Bytes of a block: 64 KiB, and room for a header. */
export const BLOCK_LENGTH = 69_632;
/** Blocks that one may have handed on, at the most: what is not given back by then is needed for longer. */
const MOST_BLOCKS = 16;

/** The memory of one who hands on parts of it, and is told when nobody has a view of them any more. */
export class Blocks {
  readonly #handedOn: Buffer[] = [];

  /** A block, or undefined while too many are under way. */
  allocate(): Buffer | undefined {
    return this.#handedOn.length < MOST_BLOCKS ? allocate(BLOCK_LENGTH) : undefined;
  }

  /** Others have views of it from now on. */
  handOn(block: Buffer): void {
    if (this.#handedOn.at(-1) !== block) this.#handedOn.push(block);
  }

  /** They have let go of all that was handed on. */
  reclaim(): void {
    for (const block of this.#handedOn) release(block);
    this.#handedOn.length = 0;
  }
}
