import type { AnyNode, Counted, Encoding, Group, IntLayout, Limits, Place, Slot, Source } from '../kind.ts';
import { hasTrait } from '../node.ts';
import { type Code, literal } from './code.ts';
import { type Declaration, mayExceed } from './declaration.ts';
import type { TextWriter } from './gathered-texts.ts';
import { isInherited, property } from './property.ts';

/**
 * Write `encode(m, t, s)` and what it calls. `encode` answers −1 for what cannot be written.
 *
 *     m  the message      t  the target      s  the message's start in it
 *     p  where we are, less `offset` bytes known here      z  levels of recursion
 */
export function generateEncoder(code: Code, declaration: Declaration, texts: TextWriter): void {
  new EncodeSource(code, declaration, texts).root();
}

/** A derived field: where it stands, and what it was filled with; −1 until then. */
interface Derived {
  readonly place: string;
  readonly filled: string;
  readonly slot: Slot;
}

/** The fields of one group that have been written, and the groups round it. */
class Scope {
  readonly values: Map<string, string> = new Map();
  readonly derived: Map<string, Derived> = new Map();
  readonly places: Map<string, Place<string>> = new Map();
  readonly start: string;
  readonly outer: Scope | undefined;

  constructor(start: string, outer: Scope | undefined) {
    this.start = start;
    this.outer = outer;
  }
}

class EncodeSource implements Encoding {
  readonly limits: Limits;
  readonly #code: Code;
  readonly #declaration: Declaration;
  readonly #texts: TextWriter;
  readonly #counted: ReadonlySet<Counted>;
  /** Whether something may be written behind a field that took the rest. */
  readonly #mayExhaust: boolean;
  #scope: Scope | undefined;
  /** Bytes behind `p` that are written already. */
  #offset = 0;
  readonly #routines: Map<AnyNode, string> = new Map();

  constructor(code: Code, declaration: Declaration, texts: TextWriter) {
    this.#code = code;
    this.#declaration = declaration;
    this.#texts = texts;
    this.limits = declaration.limits;
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
    // Whatever goes wrong in here (a field of one's own, a bigint where a number is due), the walk says what.
    this.#code.function('encode(m, t, s)', () => {
      for (const what of this.#counted) this.line(`${what} = 0;`);
      if (this.#mayExhaust) this.line('exhausted = -1;');
      this.line('try {');
      this.line('return encodeMessage(m, t, s);');
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
    for (let index = from; index < to; index++) {
      const [name, node] = group.entries[index]!;
      const start = group.placed.has(name) ? this.define(this.here()) : undefined;
      const { absent, computed } = node.facts.traits;
      if (group.derived.has(name)) {
        const slot = node.kind.slot!(node)!;
        const place = this.reservePlace(slot.width);
        scope.derived.set(name, { place, filled: this.define('-1', 'let'), slot });
      } else if (absent || computed) {
        this.value(node, '');
      } else {
        const member = this.define(this.property(value, name));
        scope.values.set(name, member);
        this.value(node, member);
      }
      if (start !== undefined) scope.places.set(name, { start, end: this.define(this.here()) });
    }
  }

  open(group: Group, start?: string): void {
    const from = start ?? (group.finishes ? this.define(this.here()) : '');
    this.#scope = new Scope(from, this.#scope);
  }

  close(group: Group): void {
    for (const { filled, slot, place } of this.#scope!.derived.values()) {
      if (slot.needed) this.refuse(`${filled} < 0`);
      else {
        this.line(`if (${filled} < 0) {`);
        this.putInt(slot, '0', place);
        this.line('}');
      }
    }
    if (group.finishes) {
      for (const [name, node] of group.entries) node.kind.finishEncode?.(node, name, this);
    }
    this.#scope = this.#scope!.outer;
  }

  place(name: string): Place<string> {
    return this.#scope!.places.get(name)!;
  }

  get groupStart(): string {
    return this.#scope!.start;
  }

  given(path: string): string {
    const [first = '', ...members] = path.split('.');
    let scope = this.#scope!;
    while (!scope.values.has(first)) scope = scope.outer!;
    let value = scope.values.get(first)!;
    for (const member of members) value = this.property(value, member);
    return value;
  }

  slot(path: string): Slot {
    return this.#derived(path).slot;
  }

  fill(path: string, value: string): void {
    const { place, filled, slot } = this.#derived(path);
    this.line(`if (${filled} < 0) {`);
    this.line(`${filled} = ${value};`);
    this.putInt(slot, filled, place);
    this.line(`} else if (${filled} !== ${value}) return -1;`);
  }

  #derived(path: string): Derived {
    let scope = this.#scope!;
    while (!scope.derived.has(path)) scope = scope.outer!;
    return scope.derived.get(path)!;
  }

  measured(source: Source, actual: string, max: number): void {
    this.judge(source, actual, max);
    source.encode(actual, this);
  }

  judge(source: Source, actual: string, max: number): void {
    const { min, max: most } = source.range;
    if (min === most) this.refuse(`${actual} !== ${min}`);
    else this.refuse(`${actual} > ${Math.min(max, source.most(this))}`);
  }

  exhaust(): void {
    if (this.#mayExhaust) this.line(`exhausted = ${this.here()};`);
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

  putInt({ width, order }: IntLayout, value: string, place: string): void {
    for (let index = 0; index < width; index++) {
      const shift = 8 * (order === 'le' ? index : width - 1 - index);
      const at = index === 0 ? place : `${place} + ${index}`;
      this.line(`t[${at}] = ${shifted(value, shift)};`);
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

  routine(node: AnyNode, body: () => void): string {
    const made = this.#routines.get(node);
    if (made !== undefined) return made;
    const name = this.name('encodeLazy');
    this.#routines.set(node, name);
    const outer = { offset: this.#offset, scope: this.#scope };
    this.#code.function(`${name}(m, t, s, p, z)`, () => {
      this.#offset = 0;
      this.#scope = undefined;
      body();
      this.line(`return ${this.here()};`);
    });
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

  reservePlace(width: number): string {
    const place = this.define(this.here());
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
  define(value: string, keyword?: 'const' | 'let'): string {
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

/** Code for the byte of a number that stands so many bits to the left. Above 32 bits, JavaScript's shifts do not reach. */
function shifted(value: string, bits: number): string {
  if (bits === 0) return value;
  return bits < 32 ? `${value} >>> ${bits}` : `Math.floor(${value} / ${2 ** bits})`;
}
