import type {
  AnyNode,
  Counted,
  Encoding,
  Group,
  IntLayout,
  Limits,
  Place,
  Seen,
  SeenMembers,
  Slot,
  Source,
} from '../kind.ts';
import { firstName, hasTrait, namesIn } from '../node.ts';
import { type Code, literal } from './code.ts';
import { type Declaration, mayExceed, mostSummed, Summed } from './declaration.ts';
import type { TextWriter } from './gathered-texts.ts';
import { isInherited, property } from './property.ts';

/**
 * Write `encode(m, t, s)` and the functions it calls. `encode` returns −1 for a message that cannot be written.
 *
 *     m  the message      t  the target      s  the message's start in it
 *     p  the current offset, less `offset` bytes known during generation      z  levels of recursion
 */
export function generateEncoder(code: Code, declaration: Declaration, texts: TextWriter): void {
  new EncodeSource(code, declaration, texts).root();
}

/** A derived field: its place and the value it was filled with, which is undefined until then. */
interface Derived {
  readonly place: string;
  readonly filled: string;
  readonly slot: Slot;
  /** The field may be missing: `place` is then −1. */
  readonly mayMiss?: boolean;
  /** What the message has for a field that must agree. */
  readonly given?: string | undefined;
}

/** The names of a group's own fields. */
const namesOf = ({ entries }: Group): ReadonlySet<string> => new Set(entries.map(([name]) => name));

/** The fields of one group that have been written, and the enclosing groups. */
class Scope {
  readonly names: ReadonlySet<string>;
  readonly values: Map<string, string> = new Map();
  /** What the bytes of a field are decoded to, if that may be another value. */
  readonly judged: Map<string, string | undefined> = new Map();
  readonly members: Map<string, SeenMembers<string> | undefined> = new Map();
  /** By path; includes fields that members have lent. */
  readonly derived: Map<string, Derived> = new Map();
  readonly places: Map<string, Place<string>> = new Map();
  readonly start: string;
  readonly outer: Scope | undefined;

  constructor(group: Group, start: string, outer: Scope | undefined) {
    this.names = namesOf(group);
    this.start = start;
    this.outer = outer;
  }
}

class EncodeSource implements Encoding {
  written: string | undefined;
  readonly limits: Limits;
  readonly #code: Code;
  readonly #declaration: Declaration;
  readonly #texts: TextWriter;
  readonly #counted: ReadonlySet<Counted>;
  /** Whether something may be written after a field that took the rest. */
  readonly #mayExhaust: boolean;
  #scope: Scope | undefined;
  /** Bytes after `p` that are written already. */
  #offset = 0;
  readonly #routines: Map<AnyNode, string> = new Map();
  #isInRoutine = false;
  /** The counter for sums inside recursions. */
  #summed: string | undefined;
  /** What the field written last leaves to be filled in. */
  readonly #lent: Map<string, Derived> = new Map();
  /** Where the members of the field written last lie, as far as the enclosing structure needs them. */
  readonly #shown: Map<string, Place<string>> = new Map();
  /** A variable: the elements of the list written last. */
  #count: string | undefined;
  /** Whether some field may be a `countOf`. */
  readonly #mayCount: boolean;
  /** The members of the field written last, as they were read. */
  #seen: SeenMembers<string> | undefined;

  constructor(code: Code, declaration: Declaration, texts: TextWriter) {
    this.#code = code;
    this.#declaration = declaration;
    this.#texts = texts;
    this.limits = declaration.limits;
    this.#mayCount = hasTrait(declaration.root, 'agrees');
    const all: Counted[] = ['elements', 'empty', 'text'];
    this.#counted = new Set(all.filter((what) => mayExceed(declaration, what)));
    this.#mayExhaust = hasTrait(declaration.root, 'mayTakeRest');
  }

  root(): void {
    const { root } = this.#declaration;
    this.#code.function('encodeMessage(m, t, s)', () => {
      if (root.kind.encodeRoot !== undefined) root.kind.encodeRoot(root, this);
      else {
        this.line('let p = s;');
        this.line('const z = 0;');
        this.value(root, 'm');
        this.#finish();
      }
    });
    // If anything goes wrong in here (user code throws, a bigint in place of a number), the walk says what.
    this.#code.function('encode(m, t, s)', () => {
      for (const what of this.#counted) this.line(`${what} = 0;`);
      if (this.#mayExhaust) this.line('exhausted = -1;');
      this.line('try {');
      if (this.#summed === undefined) this.line('return encodeMessage(m, t, s);');
      else {
        const most = this.constant((bytes: number) => mostSummed(this.limits, bytes));
        this.line(`${this.#summed}.count = 0;`);
        this.line('const end = encodeMessage(m, t, s);');
        this.line(`return ${this.#summed}.count > ${most}(end - s) ? -1 : end;`);
      }
      this.line('} catch {');
      this.line('return -1;');
      this.line('}');
    });
  }

  #finish(): void {
    this.#requireEnd();
    this.line(`return ${this.here()};`);
  }

  #requireEnd(): void {
    if (this.#mayExhaust) this.refuse(`exhausted >= 0 && exhausted !== ${this.here()}`);
  }

  value(node: AnyNode, value: string, sure = false): void {
    node.kind.encode(node, value, this, sure);
  }

  members(group: Group, from: number, to: number, value: string): void {
    const scope = this.#scope!;
    /** After the field that left room for those behind it: a variable, true if no field before had taken the rest. */
    let isLeft: string | undefined;
    for (let index = from; index < to; index++) {
      const [name, node] = group.entries[index]!;
      const before = isLeft && this.define(this.here());
      isLeft ??= group.rooms.has(index) ? this.define('exhausted < 0') : undefined;
      const start = group.placed.has(name) ? this.define(this.here()) : undefined;
      const { absent, computed } = node.facts.traits;
      this.#count = undefined;
      if (group.derived.has(name)) {
        const slot = node.kind.slot!(node)!;
        // A field that is filled in from outside must be visible there.
        const keyword = group.lent.has(name) ? 'var' : undefined;
        const place = this.reservePlace(slot.width, keyword);
        const { agrees } = node.facts.traits;
        const given = agrees ? this.define(this.property(value, name), keyword) : undefined;
        scope.derived.set(name, { place, filled: this.define('undefined', keyword ?? 'let'), slot, given });
      } else if (absent || computed) {
        this.value(node, '');
      } else {
        const member = this.define(this.property(value, name));
        const given = node.kind.standsForCode?.(node, member, this);
        scope.values.set(name, given === undefined ? member : this.define(given));
        this.#seen = undefined;
        this.written = undefined;
        this.value(node, member);
        scope.judged.set(name, this.written);
        scope.members.set(name, this.#seen);
      }
      for (const [path, derived] of this.#lent) scope.derived.set(`${name}.${path}`, derived);
      this.#lent.clear();
      for (const [path, place] of this.#shown) scope.places.set(`${name}.${path}`, place);
      this.#shown.clear();
      // Fields for which room was left may follow the rest: its end moves along.
      if (before !== undefined) {
        this.line(`if (${isLeft} && exhausted === ${before}) exhausted = ${this.here()};`);
      }
      if (start !== undefined) {
        scope.places.set(name, { start, end: this.define(this.here()), count: this.#count });
      }
    }
  }

  open(group: Group, start?: string): void {
    const from = start ?? (group.finishes ? this.define(this.here()) : '');
    this.#scope = new Scope(group, from, this.#scope);
  }

  close(group: Group): void {
    for (const agreement of group.agreements)
      agreement.node.kind.agreeEncode!(agreement.node, agreement, this);
    for (const [path, derived] of this.#scope!.derived) {
      const { filled, slot, place } = derived;
      if (group.lent.has(path)) this.#lent.set(path, derived);
      else if (slot.needed && derived.mayMiss) this.refuse(`${place} >= 0 && ${filled} === undefined`);
      else if (slot.needed) this.refuse(`${filled} === undefined`);
      else if (slot.shift === undefined && derived.given === undefined) {
        this.line(`if (${filled} === undefined${derived.mayMiss ? ` && ${place} >= 0` : ''}) {`);
        this.putInt(slot, '0', place);
        this.line('}');
      }
    }
    for (const sum of group.sums) if (sum.way !== 'read') sum.node.kind.sumEncode!(sum.node, sum, this);
    for (const path of group.shown) {
      const place = this.place(path);
      this.#shown.set(path, path === '' ? { ...place, end: this.define(place.end) } : place);
    }
    const { values, judged, members, outer } = this.#scope!;
    this.#seen = new Map(
      [...values].map(([name, value]) => {
        const written = judged.get(name);
        return [
          name,
          { value, judged: written === undefined ? undefined : () => written, members: members.get(name) },
        ] as const;
      }),
    );
    this.written = undefined;
    this.#scope = outer;
    this.#count = undefined;
  }

  counted(count: string): void {
    this.written = undefined;
    if (this.#mayCount) this.#count = this.define(count);
  }

  /** In a block for a value that is missing: no elements. */
  #uncount(count = this.#count): void {
    if (count === undefined) return;
    this.#code.hoist(count);
    this.line(`${count} = 0;`);
  }

  place(path: string): Place<string> {
    if (path === '') return { start: this.groupStart, end: this.here() };
    return this.#scope!.places.get(path)!;
  }

  get groupStart(): string {
    return this.#scope?.start ?? 's';
  }

  given(path: string): string {
    const { scope, first, members } = this.#find(path);
    if (members.length === 0) return scope.values.get(first)!;
    return this.#hoisted(memberAt(scope.members.get(first)!, members).value);
  }

  judged(path: string): string {
    const { scope, first, members } = this.#find(path);
    const written = members.length === 0 ? scope.judged.get(first) : undefined;
    if (written !== undefined) return this.#hoisted(written);
    if (members.length === 0) return scope.values.get(first)!;
    return this.#hoisted(judgedText(memberAt(scope.members.get(first)!, members)));
  }

  #find(path: string): { scope: Scope; first: string; members: readonly string[] } {
    const [first, ...members] = namesIn(path);
    let scope = this.#scope!;
    while (!scope.names.has(first)) scope = scope.outer!;
    return { scope, first, members };
  }

  /** The code, where it is used after the block in which its variables are defined. */
  #hoisted(code: string): string {
    for (const [name] of code.matchAll(NAME)) this.#code.hoist(name);
    return code;
  }

  seen(path: readonly string[]): string {
    return this.#hoisted(judgedText(memberAt(this.#seen!, path)));
  }

  saw(members: SeenMembers<string>): void {
    this.#seen = members;
  }

  sawInside(value: string): void {
    this.#seen = this.#seen && inside(value, this.#seen);
    this.written = this.written && `(${value} === undefined ? undefined : ${this.written})`;
  }

  parameter(name: string): number {
    return this.#declaration.parameters!.get(name)!;
  }

  slot(path: string): Slot {
    return this.#derived(path).slot;
  }

  lend(member: string, slot: Slot, place: string): void {
    this.#lent.set(member, { place, filled: this.define('undefined', 'var'), slot });
  }

  unlend(): void {
    this.#uncount();
    for (const [path, derived] of this.#lent) {
      this.line(`${derived.place} = -1;`);
      this.#lent.set(path, { ...derived, mayMiss: true });
    }
    for (const { start, end, count } of this.#shown.values()) {
      this.#uncount(count);
      for (const name of [start, end]) {
        this.#code.hoist(name);
        this.line(`${name} = -1;`);
      }
    }
  }

  fill(path: string, value: string): void {
    const { place, filled, slot, mayMiss } = this.#derived(path);
    if (mayMiss) this.refuse(`${place} < 0`);
    this.line(`if (${filled} === undefined) {`);
    this.line(`${filled} = ${value};`);
    this.putInt(slot, filled, place);
    this.line(`} else if (${filled} !== ${value}) return -1;`);
  }

  agree(path: string, value: string): void {
    const { place, filled, slot, mayMiss, given } = this.#scope!.derived.get(path)!;
    if (mayMiss) this.line(`if (${place} >= 0) {`);
    this.refuse(`!(Number.isInteger(${value}) && ${value} >= ${slot.min} && ${value} <= ${slot.max})`);
    // The walk writes enumerations by name.
    const said = slot.big ? `Number(${given})` : given;
    this.refuse(`${given} !== undefined && ${said} !== ${value}`);
    this.line(`${filled} = ${value};`);
    this.putInt(slot, filled, place);
    if (mayMiss) this.line('}');
  }

  filled(path: string): string {
    const { place, filled, mayMiss } = this.#scope!.derived.get(path)!;
    return mayMiss ? `(${place} >= 0 ? ${filled} ?? 0 : NaN)` : `(${filled} ?? 0)`;
  }

  #derived(path: string): Derived {
    let scope = this.#scope!;
    const first = firstName(path);
    while (!scope.names.has(first)) scope = scope.outer!;
    return scope.derived.get(path)!;
  }

  measured(source: Source, actual: string, max: number): void {
    this.judge(source, actual, max);
    source.encode(actual, this);
  }

  judge(source: Source, actual: string, max: number): void {
    const { min, max: most } = source.span(this);
    if (min === most) this.refuse(`${actual} !== ${min}`);
    else {
      this.refuse(`${actual} > ${Math.min(max, most)}`);
      if (min > 0) this.refuse(`${actual} < ${min}`);
      source.refuse?.(actual, this);
    }
  }

  unlessNull(source: Source, value: string, write: () => void): void {
    if (!source.nullable) {
      write();
      return;
    }
    this.settle();
    this.line(`if (${value} !== null) {`);
    write();
    this.settle();
    this.written = this.written && `(${value} === null ? null : ${this.written})`;
    this.line('} else {');
    this.#uncount();
    source.encodeNull!(this);
    this.settle();
    this.line('}');
  }

  exhaust(): void {
    this.#requireEnd();
    this.line(`exhausted = ${this.here()};`);
  }

  enterBounds(): string {
    if (!this.#mayExhaust) return '';
    const outer = this.define('exhausted');
    this.line('exhausted = -1;');
    return outer;
  }

  leaveBounds(outer: string): void {
    if (outer === '') return;
    this.#requireEnd();
    this.line(`exhausted = ${outer};`);
  }

  putInt(slot: IntLayout & Partial<Slot>, value: string, place: string): void {
    const { width, order, put } = slot;
    if (put !== undefined) {
      this.line(`${this.constant(put)}(t, ${place}, ${value});`);
      return;
    }
    const bits = slot.shift ? `(${value} << ${slot.shift})` : value;
    for (let index = 0; index < width; index++) {
      const shift = 8 * (order === 'le' ? index : width - 1 - index);
      const at = index === 0 ? place : `${place} + ${index}`;
      this.line(`t[${at}] ${slot.shift === undefined ? '' : '|'}= ${shifted(bits, shift)};`);
    }
  }

  putText(at: string, value: string, limit: number): string {
    this.refuse(`typeof ${value} !== 'string'`);
    const length = this.define(`${this.constant(this.#texts)}.write(t, ${at}, ${value}, ${limit})`);
    this.refuse(`${length} < 0`);
    this.count('text', length);
    return length;
  }

  property(value: string, name: string): string {
    if (!isInherited(name)) return `${value}[${literal(name)}]`;
    return `${this.constant(property)}(${value}, ${literal(name)})`;
  }

  requireObject(value: string): void {
    this.refuse(`typeof ${value} !== 'object' || ${value} === null`);
  }

  count(what: Counted, amount: string): void {
    if (this.#counted.has(what)) this.refuse(`(${what} += ${amount}) > ${this.limits[what]}`);
  }

  countSummed(amount: string): void {
    if (!this.#isInRoutine) return;
    this.#summed ??= this.constant(new Summed());
    this.line(`${this.#summed}.count += ${amount};`);
  }

  routine(node: AnyNode, body: () => void): string {
    const made = this.#routines.get(node);
    if (made !== undefined) return made;
    const name = this.name('encodeLazy');
    this.#routines.set(node, name);
    const outer = { offset: this.#offset, scope: this.#scope };
    const isOuterRoutine = this.#isInRoutine;
    this.#isInRoutine = true;
    this.#code.function(`${name}(m, t, s, p, z)`, () => {
      this.#offset = 0;
      this.#scope = undefined;
      body();
      this.line(`return ${this.here()};`);
    });
    this.#isInRoutine = isOuterRoutine;
    this.#count = undefined;
    this.written = undefined;
    this.#offset = outer.offset;
    this.#scope = outer.scope;
    return name;
  }

  branch(body: () => void): string {
    const name = this.name('encodeCase');
    this.#code.function(`${name}(m, t, s)`, () => {
      this.#offset = 0;
      this.line('let p = s;');
      this.line('const z = 0;');
      body();
      this.#finish();
    });
    this.#offset = 0;
    return name;
  }

  refuse(condition: string): void {
    this.line(`if (${condition}) return -1;`);
  }

  reservePlace(width: number, keyword?: 'var'): string {
    const place = this.define(this.here(), keyword);
    this.#offset += width;
    return place;
  }

  here(more = 0): string {
    const distance = this.#offset + more;
    return distance === 0 ? 'p' : `p + ${distance}`;
  }

  settle(): void {
    if (this.#offset > 0) this.line(`p += ${this.#offset};`);
    this.#offset = 0;
  }

  advance(count: number): void {
    this.#offset += count;
  }

  line(text: string): void {
    this.#code.line(text);
  }
  define(value: string, keyword?: 'const' | 'let' | 'var'): string {
    return this.#code.define(value, keyword);
  }
  name(prefix?: string): string {
    return this.#code.name(prefix);
  }
  constant(value: unknown): string {
    return this.#code.constant(value);
  }
  helper(head: string, write: (line: (text: string) => void) => void): string {
    return this.#code.helper(head, write);
  }
}

/** A variable of the generated code. */
const NAME = /\bv\d+\b/g;

/** The member at a path. */
function memberAt(members: SeenMembers<string>, path: readonly string[]): Seen<string> {
  let within: SeenMembers<string> | undefined = members;
  let found: Seen<string> | undefined;
  for (const name of path) {
    found = within!.get(name)!;
    within = found.members;
  }
  return found!;
}

function judgedText({ value, judged }: Seen<string>): string {
  return judged === undefined ? value : judged();
}

/** The members as they are seen after the block. */
function inside(value: string, members: SeenMembers<string>): SeenMembers<string> {
  return new Map(
    [...members].map(([name, { value: own, judged, members: inner }]) => {
      const guarded = (code: string) => `(${value} === undefined ? undefined : ${code})`;
      return [
        name,
        {
          value: guarded(own),
          judged: judged && (() => guarded(judged())),
          members: inner && inside(value, inner),
        },
      ];
    }),
  );
}

/** Code for a number shifted right by this many bits. JavaScript's shifts stop at 32 bits. */
function shifted(value: string, bits: number): string {
  if (bits === 0) return value;
  return bits < 32 ? `${value} >>> ${bits}` : `Math.floor(${value} / ${2 ** bits})`;
}
