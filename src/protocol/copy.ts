/**
 * Up to this many bytes, a loop over two views beats a call into the runtime, which costs as much whatever it copies
 * (`docs/performance.md`).
 */
const SHORT = 256;
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
  if (length < 4) {
    for (let i = 0; i < length; i++) write.setUint8(at + i, read.getUint8(start + i));
    return at + length;
  }
  // 32 bits at a time, the last ones once more where the length is no multiple of four. Floats would be faster and
  // are not to be trusted: an engine may change the bits of a NaN.
  const last = length - 4;
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    write.setInt32(at + i, read.getInt32(start + i, true), true);
    write.setInt32(at + i + 4, read.getInt32(start + i + 4, true), true);
    write.setInt32(at + i + 8, read.getInt32(start + i + 8, true), true);
    write.setInt32(at + i + 12, read.getInt32(start + i + 12, true), true);
  }
  for (; i < last; i += 4) write.setInt32(at + i, read.getInt32(start + i, true), true);
  write.setInt32(at + last, read.getInt32(start + last, true), true);
  return at + length;
}
