import { memoryOf } from './memory.ts';

/**
 * Up to this many bytes, a loop over two views beats a call into the runtime, which costs as much whatever it copies
 * (`docs/performance.md`).
 */
const SHORT = 256;
/** Larger memory is not kept alive for the sake of its view. */
const LARGEST_KEPT = 1_048_576;

/** Copies from one buffer to another, piece after piece: how that is done best is found out once. */
export class Copier {
  readonly to: Uint8Array;
  readonly from: Uint8Array;
  readonly #memory: ReturnType<typeof memoryOf>;
  readonly #toOffset: number;
  readonly #toLength: number;
  readonly #fromOffset: number;
  readonly #fromLength: number;
  readonly #toView: DataView;
  readonly #fromView: DataView;

  constructor(to: Uint8Array, from: Uint8Array) {
    this.to = to;
    this.from = from;
    this.#memory = memoryOf(to, from);
    this.#toOffset = to.byteOffset;
    this.#toLength = to.length;
    this.#fromOffset = from.byteOffset;
    this.#fromLength = from.length;
    this.#toView = viewOf(to);
    this.#fromView = viewOf(from);
  }

  /** Copy `from[start, start + length)` to `to[at]`. Throws a RangeError where one of them does not hold that. */
  copy(at: number, start: number, length: number): void {
    // What stands behind the end of a buffer is somebody else's.
    const isThere = start >= 0 && length >= 0 && start + length <= this.#fromLength;
    if (!(isThere && at >= 0 && at + length <= this.#toLength)) throw this.#beyond(at, start, length);
    const memory = this.#memory;
    if (memory !== undefined) memory.copy(this.#toOffset + at, this.#fromOffset + start, length);
    else if (length <= SHORT) copyShort(this.#toView, at, this.#fromView, start, length);
    else this.to.set(this.from.subarray(start, start + length), at);
  }

  #beyond(at: number, start: number, length: number): RangeError {
    const [to, from] = [this.#toLength, this.#fromLength];
    return new RangeError(`no ${length} bytes at ${start} of ${from}, or no room for them at ${at} of ${to}`);
  }
}

let seen: Uint8Array | undefined;
let copier: Copier | undefined;

/** Copy `from[start, end)` to `to[at]`; answers the offset behind the copy. */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start;
  // Frame after frame comes from one chunk and goes to one output: what is to be known of them is found out once, and not
  // for a chunk that holds but one.
  if (copier !== undefined && copier.to === to && copier.from === from) {
    copier.copy(at, start, length);
  } else if (from === seen && to.length <= LARGEST_KEPT && from.length <= LARGEST_KEPT) {
    copier = new Copier(to, from);
    copier.copy(at, start, length);
  } else {
    seen = from;
    if (length > SHORT) to.set(from.subarray(start, end), at);
    else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
  }
  return at + length;
}

/**
 * Copy that many bytes of a view to another one, 32 bits at a time: floats would be faster and are not to be trusted,
 * an engine may change the bits of a NaN.
 */
function copyShort(to: DataView, at: number, from: DataView, start: number, length: number): void {
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    to.setInt32(at + i, from.getInt32(start + i, true), true);
    to.setInt32(at + i + 4, from.getInt32(start + i + 4, true), true);
    to.setInt32(at + i + 8, from.getInt32(start + i + 8, true), true);
    to.setInt32(at + i + 12, from.getInt32(start + i + 12, true), true);
  }
  for (; i + 4 <= length; i += 4) to.setInt32(at + i, from.getInt32(start + i, true), true);
  for (; i < length; i++) to.setUint8(at + i, from.getUint8(start + i));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
