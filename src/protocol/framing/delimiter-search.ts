/**
 * Finds the next delimiter in a stream of chunks, examining no byte twice: the end of a chunk is remembered as a state, not as
 * bytes to read again. (One exception: if a short delimiter may turn out to begin a longer one, the bytes examined beyond it,
 * fewer than the longest delimiter, are read again.)
 *
 * Offsets are relative to the last chunk; a negative offset is in an earlier chunk.
 */
export interface DelimiterSearch {
  /** Examine `chunk` from `from` on. True: `matchStart` and `matchEnd` are set, and a new search may begin. */
  find(chunk: Buffer, from: number): boolean;
  /** There are no more chunks: whether a delimiter that might have become a longer one counts after all. */
  end(): boolean;
  /** Where the delimiter begins and ends (exclusive), after `true`. */
  readonly matchStart: number;
  readonly matchEnd: number;
  /** How many of the last bytes may yet be part of a delimiter, after `false`. */
  readonly pending: number;
  /** Forget what was seen. */
  reset(): void;
}

/**
 * Makes searches for these delimiters; each has at least one byte. What is the same for all of them, of the size of the delimiters, is
 * made once.
 */
export function delimiterSearch(delimiters: readonly Buffer[]): () => DelimiterSearch {
  if (delimiters.length === 1 && delimiters[0]!.length === 1) {
    const [byte] = delimiters[0]!;
    return () => new ByteSearch(byte!);
  }
  if (delimiters.length === 2) {
    const [short, long] = [...delimiters].sort((a, b) => a.length - b.length) as [Buffer, Buffer];
    if (short.length === 1 && long.length === 2 && long[1] === short[0] && long[0] !== long[1]) {
      return () => new ByteSearch(short[0]!, long[0]);
    }
  }
  const root = tree(delimiters);
  const only = delimiters.length === 1 ? delimiters[0] : undefined;
  return () => new TreeSearch(root, only);
}

/** The search for a byte that ends a stretch, or for one that begins the next: that one is left in the stream, an empty delimiter. */
export function markerSearch(end: number, start: number): () => DelimiterSearch {
  const [ends, starts] = [Buffer.of(end), Buffer.of(start)];
  return () => new MarkerSearch(ends, starts);
}

/** Below this many bytes a loop beats a call into the runtime. */
const SHORT = 32;

/** The offset of `byte` in `bytes` from `from` on; -1 if it is not there. */
export function indexOfByte(bytes: Buffer, byte: number, from: number): number {
  const near = Math.min(bytes.length, from + SHORT);
  for (let i = from; i < near; i++) if (bytes[i] === byte) return i;
  return near === bytes.length ? -1 : bytes.indexOf(byte, near);
}

/** The offset of `mark` in `bytes[from, to)`; -1 if it is not there. */
export function indexOfBytes(bytes: Buffer, mark: Buffer, from: number, to: number): number {
  if (to - from > SHORT) {
    const found = bytes.subarray(from, to).indexOf(mark);
    return found < 0 ? -1 : from + found;
  }
  const { length } = mark;
  for (let at = from; at + length <= to; at++) {
    let same = 0;
    while (same < length && bytes[at + same] === mark[same]) same++;
    if (same === length) return at;
  }
  return -1;
}

/** One byte, with an optional second one before it: LF, or CR LF. */
class ByteSearch implements DelimiterSearch {
  matchStart = 0;
  matchEnd = 0;
  pending = 0;
  readonly #byte: number;
  /** The optional byte before; -1 if there is none. */
  readonly #before: number;

  constructor(byte: number, before = -1) {
    this.#byte = byte;
    this.#before = before;
  }

  find(chunk: Buffer, from: number): boolean {
    const at = indexOfByte(chunk, this.#byte, from);
    if (at === -1) {
      if (chunk.length > from) this.pending = chunk[chunk.length - 1] === this.#before ? 1 : 0;
      return false;
    }
    const prefixed = at > from ? chunk[at - 1] === this.#before : this.pending === 1;
    this.matchStart = prefixed ? at - 1 : at;
    this.matchEnd = at + 1;
    this.pending = 0;
    return true;
  }

  end(): boolean {
    return false;
  }

  reset(): void {
    this.pending = 0;
  }
}

class MarkerSearch implements DelimiterSearch {
  matchStart = 0;
  matchEnd = 0;
  readonly pending = 0;
  readonly #end: Buffer;
  readonly #start: Buffer;

  constructor(end: Buffer, start: Buffer) {
    this.#end = end;
    this.#start = start;
  }

  find(chunk: Buffer, from: number): boolean {
    // In stretches that double: the far one of the two bytes is not looked for again and again.
    for (let at = from, width = SHORT; at < chunk.length; at += width, width *= 2) {
      const to = Math.min(chunk.length, at + width);
      const end = indexOfBytes(chunk, this.#end, at, to);
      const start = indexOfBytes(chunk, this.#start, at, end < 0 ? to : end);
      if (end < 0 && start < 0) continue;
      this.matchStart = start < 0 ? end : start;
      this.matchEnd = start < 0 ? end + 1 : start;
      return true;
    }
    return false;
  }

  end(): boolean {
    return false;
  }

  reset(): void {}
}

interface Node {
  /** How many bytes led here. */
  readonly depth: number;
  readonly next: Map<number, Node>;
  /** The node of the longest proper suffix of these bytes that begins a delimiter (Aho and Corasick 1975). */
  fallback: Node | undefined;
  /** The length of the longest delimiter that ends here; 0 for none. */
  match: number;
}

/**
 * Any delimiters: a tree of their bytes with fallbacks, which is Knuth, Morris and Pratt's search for one delimiter and Aho and
 * Corasick's for several. A match counts once nothing that begins as early can be longer.
 *
 *     '\n', '\n.\n'        '\n' ─▶ match, wait ─ '.' ─▶ ─ '\n' ─▶ match, the longest: it counts
 *                                        └ anything else ─▶ '\n' counts, and the rest comes again
 */
class TreeSearch implements DelimiterSearch {
  matchStart = 0;
  matchEnd = 0;
  readonly #root: Node;
  /** The one delimiter, for the native search. */
  readonly #only: Buffer | undefined;
  #node: Node;
  /** The best match so far, in bytes back from the current place; 0 for none. */
  #startBack = 0;
  #endBack = 0;

  constructor(root: Node, only: Buffer | undefined) {
    this.#root = this.#node = root;
    this.#only = only;
  }

  get pending(): number {
    return Math.max(this.#node.depth, this.#startBack);
  }

  find(chunk: Buffer, from: number): boolean {
    const root = this.#root;
    const only = this.#only;
    let node = this.#node;
    let at = from;
    while (at < chunk.length) {
      if (node === root && only !== undefined && chunk.length - at >= only.length) {
        const found = chunk.indexOf(only, at);
        if (found !== -1) return this.#found(found, found + only.length);
        // Only a beginning of the delimiter can be left, in the last bytes.
        at = chunk.length - only.length + 1;
        if (at === chunk.length) break;
      }
      const byte = chunk[at++]!;
      let next = node.next.get(byte);
      while (next === undefined && node !== root) {
        node = node.fallback!;
        next = node.next.get(byte);
      }
      node = next ?? root;
      if (this.#startBack > 0) {
        this.#startBack++;
        this.#endBack++;
      }
      if (node.match > 0 && node.match >= this.#startBack) {
        this.#startBack = node.match;
        this.#endBack = 0;
      }
      if (this.#startBack > 0 && (node.depth < this.#startBack || node.next.size === 0)) {
        return this.#found(at - this.#startBack, at - this.#endBack);
      }
    }
    this.#node = node;
    return false;
  }

  end(): boolean {
    return this.#startBack > 0 && this.#found(-this.#startBack, -this.#endBack);
  }

  reset(): void {
    this.#node = this.#root;
    this.#startBack = this.#endBack = 0;
  }

  #found(start: number, end: number): true {
    this.reset();
    this.matchStart = start;
    this.matchEnd = end;
    return true;
  }
}

function tree(delimiters: readonly Buffer[]): Node {
  const node = (depth: number): Node => ({ depth, next: new Map(), fallback: undefined, match: 0 });
  const root = node(0);
  for (const delimiter of delimiters) {
    let at = root;
    for (const byte of delimiter) {
      const next = at.next.get(byte) ?? node(at.depth + 1);
      at.next.set(byte, next);
      at = next;
    }
    at.match = delimiter.length;
  }
  // By depth, so that a node's fallback, which is shallower, is ready before it.
  for (const at of walk(root)) {
    for (const [byte, child] of at.next) {
      let fallback = at.fallback;
      while (fallback !== undefined && !fallback.next.has(byte)) fallback = fallback.fallback;
      child.fallback = fallback?.next.get(byte) ?? root;
      if (child.match === 0) child.match = child.fallback.match;
    }
  }
  return root;
}

/** The nodes by depth. */
function* walk(root: Node): Generator<Node> {
  const nodes = [root];
  for (const node of nodes) {
    yield node;
    nodes.push(...node.next.values());
  }
}
