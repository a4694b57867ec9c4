/**
 * Up to this many bytes, a loop over two views beats a call into the runtime, which costs as much whatever it copies
 * (`docs/performance.md`).
 */
export const SHORT = 256;
/** Larger memory is not kept alive for the sake of its view. */
const LARGEST_KEPT = 1_048_576;

let seen: Uint8Array | undefined;
let source: Uint8Array | undefined;
let sourceView: DataView = new DataView(new ArrayBuffer(0));
let target: Uint8Array | undefined;
let targetView: DataView = sourceView;

/** Copy `from[start, end)` to `to[at]`; answers the offset behind the copy. */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > SHORT || to.length > LARGEST_KEPT || from.length > LARGEST_KEPT) {
    to.set(from.subarray(start, end), at);
    return at + length;
  }
  // Frame after frame comes from one chunk and goes to one output: their views are made once, and not for a chunk
  // that holds but one.
  if (from !== source) {
    if (from !== seen) {
      seen = from;
      for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
      return at + length;
    }
    source = from;
    sourceView = viewOf(from);
  }
  if (to !== target) {
    target = to;
    targetView = viewOf(to);
  }
  copyShort(targetView, at, sourceView, start, length);
  return at + length;
}

/**
 * Copy that many bytes of a view to another one; for up to `SHORT` of them. 32 bits at a time: floats would be faster
 * and are not to be trusted, an engine may change the bits of a NaN.
 */
export function copyShort(to: DataView, at: number, from: DataView, start: number, length: number): void {
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

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
