/**
 * Up to this many bytes, a loop over two views beats a call into the runtime, which costs as much whatever it copies
 * (`docs/performance.md`).
 */
const SHORT = 256;
/** The views of larger memory are not cached: the cache would keep the memory alive. */
const LARGEST_CACHED = 131_072;

/** Copies from one buffer to another, piece after piece, through views that are made once. */
export class Copier {
  readonly to: Uint8Array;
  readonly from: Uint8Array;
  readonly #toView: DataView;
  readonly #fromView: DataView;

  constructor(to: Uint8Array, from: Uint8Array) {
    this.to = to;
    this.from = from;
    this.#toView = viewOf(to);
    this.#fromView = viewOf(from);
  }

  /** Copy `from[start, start + length)` to `to[at]`. Throws a RangeError where one of them does not hold that. */
  copy(at: number, start: number, length: number): void {
    const isThere = start >= 0 && length >= 0 && start + length <= this.from.length;
    if (!(isThere && at >= 0 && at + length <= this.to.length)) throw this.#beyond(at, start, length);
    if (length <= SHORT) copyShort(this.#toView, at, this.#fromView, start, length);
    else this.to.set(this.from.subarray(start, start + length), at);
  }

  #beyond(at: number, start: number, length: number): RangeError {
    const [to, from] = [this.to.length, this.from.length];
    return new RangeError(`no ${length} bytes at ${start} of ${from}, or no room for them at ${at} of ${to}`);
  }
}

/** The source of the last copy, and the views of the last two buffers between which there was more than one copy. */
let seen: Uint8Array | undefined;
let copier: Copier | undefined;

/** Copy `from[start, end)` to `to[at]`; returns the offset after the copy. */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start;
  // Consecutive copies usually share source and target, so their views are cached from the second copy on.
  if (copier !== undefined && copier.to === to && copier.from === from) {
    copier.copy(at, start, length);
  } else if (from === seen && isSmall(to)) {
    copier = new Copier(to, from);
    copier.copy(at, start, length);
  } else {
    seen = isSmall(from) ? from : undefined;
    if (length > SHORT) to.set(from.subarray(start, end), at);
    else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
  }
  return at + length;
}

function isSmall(bytes: Uint8Array): boolean {
  return bytes.buffer.byteLength <= LARGEST_CACHED;
}

/**
 * Copy that many bytes of a view to another one, 32 bits at a time. 64-bit floats would be faster, but an engine may
 * change the bits of a NaN.
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
