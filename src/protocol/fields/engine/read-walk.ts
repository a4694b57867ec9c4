import { asBuffer } from '../../../bytes/buffer.ts';
import { show } from '../../../bytes/show.ts';
import { decodeUtf8, utf8FaultAt } from '../../../bytes/utf8.ts';
import { type FrameError, MessageError } from '../../../errors.ts';
import type {
  AnyNode,
  Counted,
  Counting,
  Foreseen,
  Group,
  Limits,
  Place,
  Reading,
  Source,
  Steps,
  Visit,
} from '../kind.ts';
import { namesIn } from '../node.ts';
import { COUNTED, DEFAULT_DEPTH, type Declaration, mostSummed } from './declaration.ts';
import { foreignProblem, Problem, pathStep, readingError, tooLong } from './problem.ts';
import type { Progress } from './progress.ts';

/** One field of a frame: its path, its bytes and its value. */
export interface Span {
  /** `items[3].key`; empty for the message itself, `type` for its tag. */
  readonly path: string;
  /** The name of its kind: `'int'`, `'struct'`. */
  readonly kind: string;
  /** The first byte, counted from the start of the frame. */
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
  readonly value: unknown;
}

/** How far the fast engine had read a list: the list's first byte, and the elements and bytes that were read. */
export interface ReadMark {
  readonly start: number;
  readonly index: number;
  readonly at: number;
  /** The counts up to that element. */
  readonly counted: Readonly<Record<Counted, number>>;
}

/** Decode by walking; throws a `MessageError`, or a `FrameError` for a wrong checksum. */
export function decodeByWalking(
  declaration: Declaration,
  bytes: Buffer,
  start: number,
  end: number,
  marks?: ReadonlyMap<AnyNode, ReadMark>,
): unknown {
  const walk = new ReadWalk(declaration, bytes, start, end, undefined, marks);
  try {
    const value = walk.message();
    if (!walk.skipped) return value;
  } catch (error) {
    throw walk.error(error);
  }
  // The bytes are well-formed: the fast engine gave up for another reason (the stack).
  return decodeByWalking(declaration, bytes, start, end);
}

/** Whether `bytes[start, end)` exists. */
export function areBounds(bytes: Uint8Array, start: number, end: number): boolean {
  const isInside = 0 <= start && start <= end && end <= bytes.length;
  return isInside && Number.isInteger(start) && Number.isInteger(end);
}

/** The error for bounds outside the bytes. */
export function boundsError(bytes: Uint8Array, start: number, end: number): MessageError {
  const expected = `0 <= start <= end <= ${bytes.length}, the number of bytes`;
  const text = `message: expected ${expected}, got start ${show(start)} and end ${show(end)}`;
  return new MessageError('ERR_FIELD_RANGE', text, { origin: 'local', expected, actual: [start, end] });
}

/** The fields of one group that have been read, and the enclosing groups. */
class Scope {
  readonly group: Group;
  /** By the fields' places in the group. */
  readonly values: unknown[] = [];
  readonly places: Map<string, Place<number> | undefined> | undefined;
  readonly start: number;
  readonly outer: Scope | undefined;

  constructor(group: Group, start: number, outer: Scope | undefined) {
    this.group = group;
    this.places = group.placed.size > 0 ? new Map() : undefined;
    this.start = start;
    this.outer = outer;
  }
}

/** A field under way that has children. */
interface Frame {
  readonly node: AnyNode;
  readonly steps: Steps;
  readonly name: string | number | undefined;
  readonly start: number;
  /** Of its span. */
  readonly index: number;
  /** The path of the enclosing field. */
  readonly outerPath: string;
}

/**
 * Reads a frame slowly and exactly, field by field. The fields under way are kept in a list and not on the call stack, so a frame
 * may be nested as deep as its declaration allows.
 */
export class ReadWalk implements Reading {
  readonly bytes: Buffer;
  readonly start: number;
  at: number;
  end: number;
  messageType: string | undefined;
  /** True if elements were skipped that the fast engine had read. */
  skipped = false;
  readonly #declaration: Declaration;
  readonly #limits: Limits;
  readonly #frameEnd: number;
  readonly #path: (string | number)[] = [];
  #pathText = '';
  #scope: Scope | undefined;
  #depth = 0;
  #summed = 0;
  /** Set for a message that may be incomplete. */
  #progress: Progress | undefined;
  /** How many bytes beyond the end are needed by the field that did not fit. */
  #missing = 1;
  readonly #counted: Record<Counted, number> = { elements: 0, empty: 0, text: 0 };
  /** Where the members of the field read last lie, as far as the enclosing structure needs them. */
  readonly #shown: Map<string, Place<number> | undefined> = new Map();
  /** The elements of the list read last. */
  #count: number | undefined;
  readonly #spans: Span[] | undefined;
  readonly #marks: ReadonlyMap<AnyNode, ReadMark> | undefined;

  constructor(
    declaration: Declaration,
    bytes: Uint8Array,
    start: number,
    end: number,
    spans?: Span[],
    marks?: ReadonlyMap<AnyNode, ReadMark>,
  ) {
    this.#declaration = declaration;
    this.#limits = declaration.limits;
    this.bytes = asBuffer(bytes);
    this.start = start;
    this.at = start;
    this.end = end;
    this.#frameEnd = end;
    this.#spans = spans;
    this.#marks = marks;
  }

  /** The error for a thrown value. */
  error(thrown: unknown): MessageError | FrameError {
    const problem = foreignProblem(thrown, 'ERR_MESSAGE_VALUE', 'a message that can be read');
    const frame = { bytes: this.bytes, start: this.start, end: this.#frameEnd };
    return readingError(problem, this.#path, this.messageType, frame, problem.details.at ?? this.at);
  }

  message(): unknown {
    const { root, trailing } = this.#declaration;
    const index = this.#openSpan();
    const isTagged = root.kind.decodeRoot !== undefined;
    const found = isTagged ? this.#run({ node: root, name: undefined, value: undefined }) : this.#root(root);
    const value = root.facts.traits.absent ? undefined : found;
    if (trailing === 'reject' && this.at < this.end) throw trailingProblem(this, 'the end of the frame');
    this.#closeSpan(index, 'message', this.start, value);
    return value;
  }

  /** The length of the message in bytes; -n if at least n more are needed, 0 if the bytes are not a message. */
  measureMessage(progress: Progress): number {
    const { root } = this.#declaration;
    this.#progress = progress;
    try {
      this.#run({ node: root, name: undefined, value: undefined });
      return this.at - this.start;
    } catch (thrown) {
      const isShort =
        thrown instanceof Problem &&
        (thrown.code === 'ERR_MESSAGE_SHORT' || thrown.code === 'ERR_MESSAGE_EMPTY') &&
        this.end === this.#frameEnd;
      return isShort ? -this.#missing : 0;
    }
  }

  #root(root: AnyNode): unknown {
    const index = this.#openSpan();
    const value = this.#run({ node: root, name: undefined, value: undefined });
    this.#closeSpan(index, root.kind.name, this.start, value);
    return value;
  }

  visit(node: AnyNode, name?: string | number): Visit {
    return { node, name, value: undefined };
  }

  value(node: AnyNode): unknown {
    return node.kind.children === undefined ? node.kind.read(node, this) : this.#run(this.visit(node));
  }

  /** Read a field and everything in it. */
  #run(first: Visit): unknown {
    const frames: Frame[] = [];
    let visit: Visit | undefined = first;
    let value: unknown;
    for (;;) {
      if (visit !== undefined) {
        const { node, name }: Visit = visit;
        if (node.kind.children !== undefined) {
          const outerPath = this.#pathText;
          if (name !== undefined) this.#enterPath(name);
          const index = name === undefined ? -1 : this.#openSpan();
          const steps = node.kind.read(node, this) as Steps;
          frames.push({ node, steps, name, start: this.at, index, outerPath });
          value = undefined;
        } else value = name === undefined ? node.kind.read(node, this) : this.leaf(node, name);
      }
      const frame = frames.at(-1);
      if (frame === undefined) return value;
      const next: IteratorResult<Visit, unknown> = frame.steps.next(value);
      if (next.done !== true) {
        visit = next.value;
        continue;
      }
      frames.pop();
      visit = undefined;
      value = next.value;
      if (frame.name !== undefined) {
        this.#closeSpan(frame.index, frame.node.kind.name, frame.start, value);
        this.#path.pop();
        this.#pathText = frame.outerPath;
      }
    }
  }

  leaf(node: AnyNode, name: string | number): unknown {
    const outerPath = this.#pathText;
    this.#enterPath(name);
    const index = this.#openSpan();
    const start = this.at;
    const value = node.kind.read(node, this);
    this.#closeSpan(index, node.kind.name, start, value);
    this.#path.pop();
    this.#pathText = outerPath;
    return value;
  }

  #enterPath(name: string | number): void {
    this.#path.push(name);
    if (this.#spans !== undefined) this.#pathText += pathStep(this.#pathText, name);
  }

  *members(group: Group, from: number, to: number, values: Record<string, unknown>): Steps<void> {
    const scope = this.#scope!;
    for (let index = from; index < to; index++) {
      const [name, node] = group.entries[index]!;
      const start = this.at;
      const outer = this.end;
      const room = group.rooms.get(index);
      // A field that has too little left for the fields after it fails itself.
      if (room !== undefined) this.end = Math.max(start, outer - this.#sum(room));
      this.#count = undefined;
      const isLeaf = node.kind.children === undefined;
      const value = isLeaf ? this.leaf(node, name) : yield this.visit(node, name);
      this.end = outer;
      scope.values[index] = value;
      if (group.placed.has(name)) scope.places!.set(name, { start, end: this.at, count: this.#count });
      for (const [path, place] of this.#shown) scope.places!.set(`${name}.${path}`, place);
      this.#shown.clear();
      if (!node.facts.traits.absent) put(values, name, value);
    }
  }

  /** The size of the fields that follow. A negative size counts as 0. */
  #sum(room: readonly Foreseen[]): number {
    return room.reduce((sum, one) => sum + Math.max(0, one.read(this)), 0);
  }

  open(group: Group, start: number): void {
    this.#scope = new Scope(group, start, this.#scope);
  }

  close(group: Group): void {
    for (const agreement of group.agreements) {
      this.#path.push(agreement.path);
      agreement.node.kind.agreeRead!(agreement.node, agreement, this);
      this.#path.pop();
    }
    for (const sum of group.sums) {
      if (sum.way === 'write') continue;
      this.#path.push(sum.path);
      sum.node.kind.sumRead!(sum.node, sum, this);
      this.#path.pop();
    }
    for (const path of group.shown) this.#shown.set(path, this.place(path));
    this.#scope = this.#scope!.outer;
  }

  counted(count: number): void {
    this.#count = count;
  }

  place(path: string): Place<number> | undefined {
    const { start, places } = this.#scope!;
    return path === '' ? { start, end: this.at } : places!.get(path);
  }

  get groupStart(): number {
    return this.#scope?.start ?? this.start;
  }

  find(path: string): unknown {
    const [first, ...members] = namesIn(path);
    let scope = this.#scope!;
    while (!scope.group.places.has(first)) scope = scope.outer!;
    return memberOf(scope.values[scope.group.places.get(first)!], members);
  }

  parameter(name: string): number {
    return this.#declaration.parameters!.get(name)!;
  }

  measure(source: Source, max: number, unit: Counting): number | null {
    const start = this.at;
    const value = source.read(this, max);
    if (source.range.min === source.range.max) return value as number;
    if (value === null && source.nullable) return null;
    if (!((Number.isInteger(value) || typeof value === 'bigint') && (value as number) >= 0)) {
      throw new Problem('ERR_MESSAGE_VALUE', `a size of 0 or more ${unit}`, value, { at: start });
    }
    if ((value as number) > max) throw tooLong(max, value, unit, { at: start });
    return value as number;
  }

  span<T>(name: string, kind: string, start: number, read: () => T, named: boolean): T {
    const outer = this.#pathText;
    const index = this.#openSpan();
    if (named) this.#path.push(name);
    const value = read();
    if (named) this.#path.pop();
    if (this.#spans !== undefined) this.#pathText += pathStep(outer, name);
    this.#closeSpan(index, kind, start, value);
    this.#pathText = outer;
    return value;
  }

  count(what: Counted, amount: number): void {
    this.#counted[what] += amount;
    if (this.#counted[what] > this.#limits[what]) throw overLimit(what, this.#limits[what]);
  }

  countSummed(amount: number): void {
    // A message under measuring does not have all its bytes yet.
    if (this.#depth === 0 || this.#progress !== undefined) return;
    this.#summed += amount;
    const most = mostSummed(this.#limits, this.#frameEnd - this.start);
    if (this.#summed > most) throw overLimit('summed', most);
  }

  enter(maxDepth: number | undefined): void {
    requireDepth(this.#depth, maxDepth, this.#limits.depth);
    this.#depth++;
  }

  leave(): void {
    this.#depth--;
  }

  skip(node: AnyNode): number {
    if (this.#progress !== undefined) {
      const { index, at, counted } = this.#progress.begin(node, this.at - this.start);
      this.at = this.start + at;
      Object.assign(this.#counted, counted);
      return index;
    }
    const mark = this.#marks?.get(node);
    if (mark === undefined || mark.start !== this.at) return 0;
    this.skipped = true;
    this.at = mark.at;
    Object.assign(this.#counted, mark.counted);
    return mark.index;
  }

  get searched(): number {
    return this.#progress?.searched(this.at - this.start) ?? 0;
  }

  missed(reach: number): void {
    this.#progress?.missed(this.at - this.start, reach - this.start);
  }

  turn(node: AnyNode, start: number, index: number): void {
    this.#progress?.turn(node, start - this.start, index, this.at - this.start, this.#counted);
  }

  text(start: number, end: number): string {
    const faultAt = utf8FaultAt(this.bytes, start, end);
    if (faultAt >= 0) {
      const got = this.bytes.subarray(faultAt, Math.min(end, faultAt + 4)).toString('hex');
      throw new Problem('ERR_MESSAGE_UTF8', 'UTF-8', `${got} (hex)`, { at: faultAt, got: `${got} (hex)` });
    }
    this.count('text', end - start);
    return decodeUtf8(this.bytes, start, end)!;
  }

  take(count: number): number {
    this.fits(count);
    const at = this.at;
    this.at += count;
    return at;
  }

  fits(count: number): number {
    if (count > this.end - this.at) {
      this.#missing = this.at + count - this.end;
      throw new Problem('ERR_MESSAGE_SHORT', `${count} byte${count === 1 ? '' : 's'}`, this.end - this.at);
    }
    return count;
  }

  // A span takes its place before the spans inside it, and is completed after them.
  #openSpan(): number {
    return this.#spans === undefined ? -1 : this.#spans.push(undefined as never) - 1;
  }

  #closeSpan(index: number, kind: string, start: number, value: unknown): void {
    if (index < 0) return;
    const path = this.#pathText;
    this.#spans![index] = { path, kind, start: start - this.start, end: this.at - this.start, value };
  }
}

/** The problem of bytes that follow where the end is expected. */
export function trailingProblem(walk: { at: number; end: number }, expected: string): Problem {
  const left = walk.end - walk.at;
  const got = `${left} byte${left === 1 ? '' : 's'} more`;
  return new Problem('ERR_MESSAGE_TRAILING', expected, left, { got });
}

/** The problem of a message that exceeds a limit. */
export function overLimit(what: Counted | 'summed', limit: number): Problem {
  return new Problem('ERR_MESSAGE_LIMIT', `at most ${limit} ${COUNTED[what]}`, 'more', {
    got: 'more',
    limit,
  });
}

/** Refuse to go deeper than a `lazy` field or the limits of the message allow. */
export function requireDepth(depth: number, own: number | undefined, limit: number | undefined): void {
  if (own !== undefined && depth >= own) {
    throw new Problem('ERR_FIELD_TOO_LONG', `at most ${own} levels`, 'another', {
      got: 'another',
      limit: own,
    });
  }
  const most = limit ?? (own === undefined ? DEFAULT_DEPTH : Number.POSITIVE_INFINITY);
  if (depth < most) return;
  const expected = `at most ${most} levels in one message (limits.depth)`;
  throw new Problem('ERR_MESSAGE_LIMIT', expected, 'another', { got: 'another', limit: most });
}

/** Give an object an own property of any name, `__proto__` included. */
function put(values: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') values[name] = value;
  else Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The member of a value at the names after the first dot of a path. Only own members count. */
export function memberOf(value: unknown, members: readonly string[]): unknown {
  let found = value;
  for (const member of members) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, member)) return undefined;
    found = (found as Record<string, unknown>)[member];
  }
  return found;
}
