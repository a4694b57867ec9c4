/** The most elements of one list that are weighed; the other elements count as the average of these. */
const SAMPLE = 64;
/** The most values that are weighed in a peer's message: a message may have that many elements by default. */
const MOST = 1_048_576;
/** The most bytes of one chunk of a socket; longer memory holds a frame that arrived in several chunks. */
const CHUNK = 65_536;

/**
 * About how many bytes of memory one of our own messages holds, for bounds on waiting messages. Never throws; visits at most 64 elements
 * of each list, and eight levels. A peer could hide bytes in the elements that are not visited: use `weighAll` for its messages.
 *
 * @example weigh({ type: 'data', bytes: Buffer.alloc(1_000) }); // about 1,060
 */
export function weigh(value: unknown): number {
  try {
    return weightOf(value, 8);
  } catch {
    return 16;
  }
}

function weightOf(value: unknown, levels: number): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value)) return 16 + value.byteLength;
  if (levels === 0) return 16;
  let sum = 16;
  if (Array.isArray(value)) {
    const { length } = value;
    const count = Math.min(length, SAMPLE);
    for (let i = 0; i < count; i++) sum += weightOf(value[i], levels - 1);
    return count === 0 ? sum : (sum * length) / count;
  }
  let left = SAMPLE;
  for (const name in value) {
    sum += weightOf((value as Record<string, unknown>)[name], levels - 1);
    if (--left === 0) break;
  }
  return sum;
}

/**
 * About how many bytes of memory a peer's message holds, with all elements at all levels, for bounds on waiting messages. Never throws. A
 * view of memory longer than a chunk of a socket counts as that whole memory, because the view keeps the whole frame.
 *
 * @param known - memory that has been counted and does not count again; the memory of this message is added
 *
 * @example weighAll({ type: 'data', list: ['', '', 'x'.repeat(1_000)] }); // about 1,100
 */
export function weighAll(value: unknown, known?: WeakSet<ArrayBufferLike>): number {
  const open: unknown[] = [value];
  let sum = 0;
  let counted = known;
  try {
    for (let left = MOST; left > 0 && open.length > 0; left--) {
      const one = open.pop();
      if (typeof one === 'string') {
        sum += 16 + one.length;
      } else if (typeof one !== 'object' || one === null) {
        sum += 8;
      } else if (ArrayBuffer.isView(one)) {
        const { buffer, byteLength } = one;
        const isWhole = buffer.byteLength > CHUNK && counted?.has(buffer) !== true;
        sum += 16 + (isWhole ? buffer.byteLength : byteLength);
        if (isWhole) {
          counted ??= new WeakSet();
          counted.add(buffer);
        }
      } else {
        sum += 16;
        if (Array.isArray(one)) {
          // Read once: the length of a Proxy may grow each time it is read.
          const length = Math.min(one.length, MOST);
          for (let i = 0; i < length; i++) {
            const element: unknown = one[i];
            // Long lists mostly hold numbers.
            if (typeof element === 'number') sum += 8;
            else open.push(element);
          }
        } else for (const name in one) open.push((one as Record<string, unknown>)[name]);
      }
    }
  } catch {
    // A getter threw: the values visited so far count.
  }
  return sum;
}
