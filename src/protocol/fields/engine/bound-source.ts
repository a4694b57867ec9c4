import type { AnyNode, Bounding, Group } from '../kind.ts';
import { namesIn } from '../node.ts';
import { type Code, literal } from './code.ts';
import type { Declaration } from './declaration.ts';
import { isInherited, property } from './property.ts';
import { memberOf } from './read-walk.ts';

/** A field of at most this many bytes is not measured: measuring costs more than the room. */
const SHORT = 64;

/**
 * Write `bound(m)`: the most bytes that a message takes. It reads only long values, adds up, and never throws.
 *
 *     m  the message      n  bytes so far      z  levels of recursion
 */
export function generateBound(code: Code, declaration: Declaration): void {
  new BoundSource(code, declaration).root(declaration.root);
}

class BoundSource implements Bounding {
  readonly #code: Code;
  readonly #declaration: Declaration;
  readonly #routines: Map<AnyNode, string> = new Map();
  /** Whether a value that is refused may be written beyond the most bytes of the field. */
  readonly #overruns: Map<AnyNode, boolean> = new Map();
  /** The most bytes of the fields so far that need no measuring; not yet added to `n`. */
  #fixed = 0;
  /** The structures that enclose the measured field, and the code for their values; the innermost first. */
  #scopes: { group: Group; value: string }[] = [];

  constructor(code: Code, declaration: Declaration) {
    this.#code = code;
    this.#declaration = declaration;
  }

  root(node: AnyNode): void {
    this.#code.function('boundOf(m)', () => {
      this.line('let n = 0;');
      this.line('const z = 0;');
      this.add(node, 'm');
      this.settle();
      this.line('return n;');
    });
    this.#code.function('bound(m)', () => {
      this.line('try {');
      // The walk reports a value whose length is not a whole number.
      this.line('const n = boundOf(m);');
      this.line('return Number.isSafeInteger(n) ? n : 0;');
      this.line('} catch {');
      this.line('return 0;');
      this.line('}');
    });
  }

  fixed(count: number): void {
    this.#fixed += count;
  }

  add(node: AnyNode, value: string): void {
    if (this.isShort(node) || node.kind.bound === undefined) this.#fixed += node.facts.size.max;
    else node.kind.bound(node, value, this);
  }

  isShort(node: AnyNode): boolean {
    return node.facts.size.max <= SHORT && !this.#mayOverrun(node);
  }

  #mayOverrun(node: AnyNode): boolean {
    const { kind } = node;
    let known = this.#overruns.get(node);
    if (known === undefined) {
      known =
        kind.overruns?.(node) === true ||
        (!kind.later && kind.children?.(node).some((child) => this.#mayOverrun(child)) === true);
      this.#overruns.set(node, known);
    }
    return known;
  }

  members(group: Group, value: string): void {
    const open: [string, AnyNode][] = [];
    for (const [name, node] of group.entries) {
      const { absent, computed } = node.facts.traits;
      const { max } = node.facts.size;
      if (this.isShort(node) || ((absent || computed) && max < Number.POSITIVE_INFINITY)) this.#fixed += max;
      else open.push([name, node]);
    }
    if (open.length === 0) return;
    this.settle();
    this.line(`if (typeof ${value} === 'object' && ${value} !== null) {`);
    const outer = this.#scopes;
    this.#scopes = [{ group, value }, ...outer];
    for (const [name, node] of open) {
      this.add(node, node.facts.traits.absent ? '' : this.define(this.property(value, name)));
    }
    this.#scopes = outer;
    this.settle();
    this.line('}');
  }

  routine(node: AnyNode, body: () => void): string {
    const made = this.#routines.get(node);
    if (made !== undefined) return made;
    const name = this.name('boundLazy');
    this.#routines.set(node, name);
    const outer = this.#fixed;
    const scopes = this.#scopes;
    this.#fixed = 0;
    this.#scopes = [];
    this.#code.function(`${name}(m, z)`, () => {
      body();
      this.settle();
      this.line('return n;');
    });
    this.#fixed = outer;
    this.#scopes = scopes;
    return name;
  }

  given(path: string): string {
    const [first, ...members] = namesIn(path);
    const scope = this.#scopes.find(({ group }) => group.places.has(first))!;
    const [, node] = scope.group.entries[scope.group.places.get(first)!]!;
    const given = this.property(scope.value, first);
    return members.reduce(
      (value, member) => `${this.constant(memberOf)}(${value}, [${literal(member)}])`,
      node.kind.standsForCode?.(node, given, this) ?? given,
    );
  }

  judged(path: string): string {
    return this.given(path);
  }

  parameter(name: string): number {
    return this.#declaration.parameters!.get(name)!;
  }

  property(value: string, name: string): string {
    if (!isInherited(name)) return `${value}[${literal(name)}]`;
    return `${this.constant(property)}(${value}, ${literal(name)})`;
  }

  settle(): void {
    if (this.#fixed > 0) this.line(`n += ${this.#fixed};`);
    this.#fixed = 0;
  }

  line(text: string): void {
    this.#code.line(text);
  }
  define(value: string): string {
    return this.#code.define(value);
  }
  name(prefix?: string): string {
    return this.#code.name(prefix);
  }
  constant(value: unknown): string {
    return this.#code.constant(value);
  }
}
