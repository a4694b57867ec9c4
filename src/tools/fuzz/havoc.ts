/** Bytes at a boundary of some range. */
const BOUNDARIES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x0a, 0x0d, 0x20, 0x30];

/**
 * Bytes close to the given ones: one to eight random edits, with pieces of another input.
 *
 * @param random - numbers from 0 to 1
 */
export function havoc(bytes: Buffer, other: Buffer, maxLength: number, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  let edited = Buffer.from(bytes);
  for (let left = 1 + below(8); left > 0; left--) {
    const at = below(edited.length + 1);
    const length = 1 + below(Math.min(8, Math.max(1, edited.length - at)));
    const before = edited.subarray(0, at);
    const put = (some: readonly number[] | Buffer, over: number): void => {
      edited = Buffer.concat([before, Buffer.from(some as Buffer), edited.subarray(at + over)]);
    };
    switch (below(8)) {
      case 0:
        put([(edited[at] ?? 0) ^ (1 << below(8))], 1);
        break;
      case 1:
        put([below(256)], 1);
        break;
      case 2:
        put([BOUNDARIES[below(BOUNDARIES.length)]!], below(2));
        break;
      case 3:
        put([((edited[at] ?? 0) + (random() < 0.5 ? 1 : 255)) & 0xff], 1);
        break;
      case 4:
        put([], length);
        break;
      case 5:
        put(edited.subarray(at, at + length), 0);
        break;
      case 6: {
        const from = below(other.length + 1);
        put(other.subarray(from, from + 1 + below(16)), below(2) * length);
        break;
      }
      default:
        put(
          Array.from({ length }, () => 0xff),
          length,
        );
    }
  }
  return edited.subarray(0, maxLength);
}
