/** The most elements of one list that are weighed; the others count as their average. */
const SAMPLE = 64;
/** The most values of a message of a peer that are weighed: as many elements as a message may have, unless told otherwise. */
const MOST = 1_048_576;
/** A chunk of a socket has at most so many bytes; longer memory holds a frame that came in several. */
const CHUNK = 65_536;

/**
 * About how many bytes of memory a message of our own holds: for bounds on what is kept. Never throws; walks at most 64
 * elements of each list, and eight levels. A peer could choose what is looked at: for its messages there is `weighAll`.
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
 * About how many bytes of memory a message of a peer holds, in all its elements and levels: for bounds on what is kept. Never throws. A
 * view counts as what it is a view of where that is longer than a chunk of a socket: a frame is kept as a whole.
 *
 * @param known - such memory that counts no more; that of the message is added
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
          // Read once: the length of a Proxy may grow with each look.
          const length = Math.min(one.length, MOST);
          for (let i = 0; i < length; i++) {
            const element: unknown = one[i];
            // Long lists are mostly of numbers.
            if (typeof element === 'number') sum += 8;
            else open.push(element);
          }
        } else for (const name in one) open.push((one as Record<string, unknown>)[name]);
      }
    }
  } catch {
    // A getter of the user's own that throws: what was seen so far counts.
  }
  return sum;
}
