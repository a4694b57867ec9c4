/**
 * Up to this many bytes, a loop of four at a time beats a call into the runtime, which costs as much as fifty bytes of
 * it (`docs/performance.md`).
 */
const SHORT = 128;
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
    sourceView = new DataView(from.buffer, from.byteOffset, from.length);
  }
  if (to !== target) {
    target = to;
    targetView = new DataView(to.buffer, to.byteOffset, to.length);
  }
  const read = sourceView;
  const write = targetView;
  let i = 0;
  for (; i + 4 <= length; i += 4) write.setInt32(at + i, read.getInt32(start + i));
  for (; i < length; i++) write.setUint8(at + i, read.getUint8(start + i));
  return at + length;
}
