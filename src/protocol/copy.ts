/** Below this many bytes a loop beats a call into the runtime (measured, see `docs/performance.md`). */
const SHORT = 48;

/** Copy `source[start, end)` to `target[at]`; answers the offset behind the copy. */
export function copyBytes(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start;
  if (length <= SHORT) {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i]!;
  } else {
    target.set(source.subarray(start, end), at);
  }
  return at + length;
}
