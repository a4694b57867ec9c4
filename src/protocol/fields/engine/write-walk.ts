import { lengthOf } from '../../../bytes/length-of.ts';
import type {
  AnyNode,
  Counted,
  Counting,
  Group,
  IntLayout,
  Limits,
  Place,
  Seen,
  SeenMembers,
  Slot,
  Source,
  Steps,
  Visit,
  Writing,
} from '../kind.ts';
import { firstName, namesIn } from '../node.ts';
import { type Declaration, mostSummed } from './declaration.ts';
import { foreignProblem, Problem, tooLong, writingError } from './problem.ts';
import { property } from './property.ts';
import { overLimit, requireDepth } from './read-walk.ts';

const UNLIMITED: Limits = {
  elements: Number.POSITIVE_INFINITY,
  empty: Number.POSITIVE_INFINITY,
  depth: undefined,
  text: Number.POSITIVE_INFINITY,
  summed: Number.POSITIVE_INFINITY,
};

/** The bytes of one field on its own, written slowly; throws a `MessageError` with the path of the value that does not fit. */
export function fieldBytes(node: AnyNode, value: unknown): Buffer {
  return encodeByWalking({ root: node, trailing: 'reject', limits: UNLIMITED }, value);
}

/** The bytes of a message, written slowly, field by field; throws a `MessageError` (`origin: 'local'`). */
export function encodeByWalking(declaration: Declaration, message: unknown): Buffer {
  const walk = new WriteWalk(declaration.limits, declaration.parameters);
  try {
    walk.message(declaration.root, message);
  } catch (error) {
    throw walk.error(error);
  }
  return walk.bytes();
}

/** The number of bytes that the message takes, or 0 if it cannot be written. */
export function boundByWalking(declaration: Declaration, message: unknown): number {
  try {
    return encodeByWalking(declaration, message).length;
  } catch {
    return 0;
  }
}

/** A derived field: its place is kept until the field that gives its value is written. */
interface Derived {
  readonly at: number;
  readonly slot: Slot;
  filled: number | undefined;
  /** What the message has for a field that must agree. */
  readonly given?: unknown;
}

/** The fields of one group that have been written, and the enclosing groups. */
class Scope {
  readonly group: Group;
  readonly values: object;
  /** By path; includes fields that members have lent. */
  readonly derived: Map<string, Derived> = new Map();
  readonly seen: Map<string, Seen<unknown>> = new Map();
  readonly places: Map<string, Place<number> | undefined> = new Map();
  readonly start: number;
  readonly outer: Scope | undefined;

  constructor(group: Group, values: object, start: number, outer: Scope | undefined) {
    this.group = group;
    this.values = values;
    this.start = start;
    this.outer = outer;
  }
}

interface Frame {
  readonly steps: Steps;
  readonly isNamed: boolean;
}

/** Writes a message slowly and exactly, field by field; as deep as the declaration allows, like `ReadWalk`. */
export class WriteWalk implements Writing {
  target: Buffer = Buffer.alloc(64);
  at = 0;
  messageType: string | undefined;
  written: (() => unknown) | undefined;
  readonly #limits: Limits;
  readonly #parameters: ReadonlyMap<string, number> | undefined;
  readonly #path: (string | number)[] = [];
  #scope: Scope | undefined;
  #depth = 0;
  #summed = 0;
  /** Where a field took the rest, so nothing may follow; −1 if none did. */
  #exhausted = -1;
  readonly #counted: Record<Counted, number> = { elements: 0, empty: 0, text: 0 };
  /** What the field written last leaves to be filled in. */
  readonly #lent: Map<string, Derived> = new Map();
  /** Where the members of the field written last lie, as far as the enclosing structure needs them. */
  readonly #shown: Map<string, Place<number> | undefined> = new Map();
  /** The elements of the list written last. */
  #count: number | undefined;
  /** The members of the field written last, as they were read. */
  #seen: SeenMembers<unknown> | undefined;

  constructor(limits: Limits, parameters?: ReadonlyMap<string, number>) {
    this.#limits = limits;
    this.#parameters = parameters;
  }

  bytes(): Buffer {
    return this.target.subarray(0, this.at);
  }

  error(thrown: unknown): Error {
    const problem = foreignProblem(thrown, 'ERR_FIELD_RANGE', 'a value that can be read');
    return writingError(problem, this.#path, this.messageType);
  }

  message(root: AnyNode, message: unknown): void {
    this.#run(this.visit(root, message));
    this.requireEnd();
    const most = mostSummed(this.#limits, this.at);
    if (this.#summed > most) throw overLimit('summed', most);
  }

  visit(node: AnyNode, value: unknown, name?: string | number): Visit {
    return { node, name, value };
  }

  value(node: AnyNode, value: unknown): (() => unknown) | undefined {
    const before = this.written;
    this.written = undefined;
    if (node.kind.children === undefined) node.kind.write(node, value, this);
    else this.#run(this.visit(node, value));
    const { written } = this;
    // A size or a tag is not the value of the field that it belongs to.
    this.written = before;
    return written;
  }

  #run(first: Visit): void {
    const frames: Frame[] = [];
    let visit: Visit | undefined = first;
    for (;;) {
      if (visit !== undefined) {
        const { node, value, name }: Visit = visit;
        if (name !== undefined) this.#path.push(name);
        const steps = node.kind.write(node, value, this);
        if (node.kind.children !== undefined) {
          frames.push({ steps: steps as Steps, isNamed: name !== undefined });
        } else if (name !== undefined) this.#path.pop();
      }
      const frame = frames.at(-1);
      if (frame === undefined) return;
      const next: IteratorResult<Visit, unknown> = frame.steps.next();
      if (next.done !== true) {
        visit = next.value;
        continue;
      }
      frames.pop();
      visit = undefined;
      if (frame.isNamed) this.#path.pop();
    }
  }

  *members(group: Group, from: number, to: number, values: object): Steps<void> {
    const scope = this.#scope!;
    let isBehindRoom = false;
    for (let index = from; index < to; index++) {
      const [name, node] = group.entries[index]!;
      const start = this.at;
      const wasExhausted = this.#exhausted >= 0;
      if (group.derived.has(name)) {
        const slot = node.kind.slot!(node)!;
        const place = this.take(slot.width);
        this.target.fill(0, place, this.at);
        const given = node.facts.traits.agrees ? this.#property(values, name) : undefined;
        scope.derived.set(name, { at: start, slot, filled: undefined, given });
      } else {
        const { absent, computed } = node.facts.traits;
        const value = absent || computed ? undefined : this.#property(values, name);
        this.#seen = undefined;
        this.#count = undefined;
        this.written = undefined;
        yield this.visit(node, value, name);
        const stands = node.kind.standsFor === undefined ? value : node.kind.standsFor(node, value);
        scope.seen.set(name, { value: stands, judged: this.written, members: this.#seen });
        for (const [path, derived] of this.#lent) scope.derived.set(`${name}.${path}`, derived);
        this.#lent.clear();
        for (const [path, place] of this.#shown) scope.places.set(`${name}.${path}`, place);
        this.#shown.clear();
      }
      // Fields for which room was left may follow the rest: its end moves along.
      if (isBehindRoom && this.#exhausted === start) this.#exhausted = this.at;
      isBehindRoom ||= group.rooms.has(index) && !wasExhausted;
      if (group.placed.has(name)) scope.places.set(name, { start, end: this.at, count: this.#count });
    }
  }

  #property(values: object, name: string): unknown {
    this.#path.push(name);
    const value = property(values, name);
    this.#path.pop();
    return value;
  }

  open(group: Group, values: object, start: number): void {
    this.#scope = new Scope(group, values, start, this.#scope);
  }

  close(group: Group): void {
    const scope = this.#scope!;
    for (const agreement of group.agreements) {
      this.#path.push(agreement.path);
      agreement.node.kind.agreeWrite!(agreement.node, agreement, this);
      this.#path.pop();
    }
    for (const [name, derived] of scope.derived) {
      if (group.lent.has(name)) this.#lent.set(name, derived);
      // Nothing chose a tag, and 0 is not one of its names.
      else if (derived.filled === undefined && derived.slot.needed)
        this.failAt(name, 'a union that gives it its value', undefined);
      else if (derived.filled === undefined && derived.slot.put !== undefined)
        derived.slot.put(this.target, derived.at, 0);
    }
    for (const sum of group.sums) {
      if (sum.way === 'read') continue;
      this.#path.push(sum.path);
      sum.node.kind.sumWrite!(sum.node, sum, this);
      this.#path.pop();
    }
    for (const path of group.shown) this.#shown.set(path, this.place(path));
    this.#seen = scope.seen;
    this.written = undefined;
    this.#scope = scope.outer;
  }

  counted(count: number): void {
    this.#count = count;
    this.written = undefined;
  }

  place(path: string): Place<number> | undefined {
    const { start, places } = this.#scope!;
    return path === '' ? { start, end: this.at } : places.get(path);
  }

  get groupStart(): number {
    return this.#scope?.start ?? 0;
  }

  given(path: string): unknown {
    return this.#seenAt(path)?.value;
  }

  judged(path: string): unknown {
    return judgedValue(this.#seenAt(path));
  }

  #seenAt(path: string): Seen<unknown> | undefined {
    const names = namesIn(path);
    return memberAt(this.#scopeOf(names[0]).seen, names);
  }

  seen(path: readonly string[]): unknown {
    return judgedValue(memberAt(this.#seen, path));
  }

  saw(members: SeenMembers<unknown>): void {
    this.#seen = members;
  }

  parameter(name: string): number {
    return this.#parameters!.get(name)!;
  }

  slot(path: string): Slot {
    return this.#derived(path).slot;
  }

  lend(member: string, slot: Slot, at: number): void {
    this.#lent.set(member, { at, slot, filled: undefined });
  }

  fill(path: string, value: unknown): void {
    const derived = this.#derived(path);
    const number = derived.slot.byName?.get(value as string) ?? (value as number);
    if (derived.filled === undefined) {
      derived.filled = number;
      this.put(derived.slot, number, derived.at);
    } else if (derived.filled !== number) {
      const expected = `${derived.filled}, as the field before it that shares its size or tag`;
      throw new Problem('ERR_FIELD_RANGE', expected, number);
    }
  }

  agree(path: string, value: number, why: string): void {
    const derived = this.#scope!.derived.get(path);
    // The structure that contains it is missing.
    if (derived === undefined) return;
    const { slot, given } = derived;
    const { min, max } = slot;
    if (value > max) throw new Problem('ERR_FIELD_TOO_LONG', `at most ${max}, ${why}`, value, { limit: max });
    if (!(Number.isInteger(value) && value >= min)) {
      throw new Problem('ERR_FIELD_RANGE', `a whole number from ${min} to ${max}, ${why}`, value);
    }
    const said = typeof given === 'bigint' ? Number(given) : (slot.byName?.get(given as string) ?? given);
    if (given !== undefined && said !== value) {
      throw new Problem('ERR_FIELD_RANGE', `${value}, ${why}`, given);
    }
    derived.filled = value;
    this.put(slot, value, derived.at);
  }

  filled(path: string): number {
    const derived = this.#scope!.derived.get(path);
    return derived === undefined ? Number.NaN : (derived.filled ?? 0);
  }

  #derived(path: string): Derived {
    const derived = this.#scopeOf(firstName(path)).derived.get(path);
    if (derived !== undefined) return derived;
    throw new Problem('ERR_FIELD_RANGE', `'${path}', which says its size or tag`, undefined);
  }

  #scopeOf(name: string): Scope {
    let scope = this.#scope!;
    while (!scope.group.places.has(name)) scope = scope.outer!;
    return scope;
  }

  isNull(source: Source, value: unknown): value is null {
    if (value !== null || !source.nullable) return false;
    source.writeNull!(this);
    return true;
  }

  measured(source: Source, actual: number, max: number, unit: Counting): void {
    this.judge(source, actual, max, unit);
    source.write(actual, this);
  }

  judge(source: Source, actual: number, max: number, unit: Counting): void {
    const { min, max: most } = source.span(this);
    const isFixed = min === most;
    const limit = isFixed ? most : Math.min(max, most);
    if (actual > limit) throw tooLong(limit, actual, unit);
    const expected =
      actual < min ? `${isFixed ? 'exactly' : 'at least'} ${min} ${unit}` : source.refusal?.(actual);
    if (expected !== undefined) throw new Problem('ERR_FIELD_RANGE', expected, actual);
  }

  exhaust(): void {
    this.requireEnd();
    this.#exhausted = this.at;
  }

  /** Begin a field with its own end; `leaveBounds` takes what this returns. */
  enterBounds(): number {
    const outer = this.#exhausted;
    this.#exhausted = -1;
    return outer;
  }

  leaveBounds(outer: number): void {
    this.requireEnd();
    this.#exhausted = outer;
  }

  requireEnd(): void {
    const more = this.at - this.#exhausted;
    if (this.#exhausted < 0 || more === 0) return;
    const got = `${more} byte${more === 1 ? '' : 's'} more`;
    throw new Problem('ERR_FIELD_RANGE', 'nothing after a field that takes the rest', more, { got });
  }

  count(what: Counted, amount: number): void {
    this.#counted[what] += amount;
    if (this.#counted[what] > this.#limits[what]) throw overLimit(what, this.#limits[what]);
  }

  countSummed(amount: number): void {
    if (this.#depth > 0) this.#summed += amount;
  }

  enter(maxDepth: number | undefined): void {
    requireDepth(this.#depth, maxDepth, this.#limits.depth);
    this.#depth++;
  }

  leave(): void {
    this.#depth--;
    this.written = undefined;
  }

  failAt(name: string, expected: string, actual: unknown): never {
    this.#path.push(name);
    throw new Problem('ERR_FIELD_RANGE', expected, actual);
  }

  append(bytes: Uint8Array): void {
    const length = lengthOf(bytes);
    const at = this.take(length);
    // Transferred memory holds no bytes, and `set` throws for it.
    if (length > 0) this.target.set(bytes, at);
  }

  take(count: number): number {
    const at = this.at;
    this.at += count;
    if (this.at > this.target.length) {
      const larger = Buffer.alloc(Math.max(this.at, 2 * this.target.length));
      larger.set(this.target);
      this.target = larger;
    }
    return at;
  }

  put(slot: IntLayout & Partial<Slot>, value: number, at: number): void {
    const { width, order, shift, put } = slot;
    if (put !== undefined) {
      put(this.target, at, value);
      return;
    }
    for (let index = 0; index < width; index++) {
      const bits = value * 2 ** (shift ?? 0);
      const byte = index < 4 ? bits >>> (8 * index) : Math.floor(bits / 2 ** (8 * index));
      const place = order === 'le' ? at + index : at + width - 1 - index;
      this.target[place] = shift === undefined ? byte : this.target[place]! | byte;
    }
  }

  insert(node: AnyNode, value: unknown, at: number, room: number): void {
    const content = Buffer.from(this.target.subarray(at + room, this.at));
    this.at = at;
    this.value(node, value);
    this.append(content);
  }
}

/** The member at a path; undefined if a structure on the way is missing. */
function memberAt(
  members: SeenMembers<unknown> | undefined,
  path: readonly string[],
): Seen<unknown> | undefined {
  let within = members;
  let found: Seen<unknown> | undefined;
  for (const name of path) {
    found = within?.get(name);
    within = found?.members;
  }
  return found;
}

function judgedValue(seen: Seen<unknown> | undefined): unknown {
  return seen?.judged === undefined ? seen?.value : seen.judged();
}
