import type { Known } from '../kind.ts';

/** The most lines of code. Only a declaration that nests shared fields many times reaches it. */
const LONGEST = 200_000;

/** The declaration would need too much code, so it is walked instead. */
export class TooMuchCode extends Error {}

/**
 * Code under generation. A name from a declaration appears in it only as a JSON string. A value that is not a number, a name or a
 * boolean is kept in a list that the code closes over: `k0`, `k1` …
 */
export class Code {
  readonly constants: unknown[] = [];
  readonly #places: Map<unknown, number> = new Map();
  #lines: string[] = [];
  #counter = 0;
  #length = 0;
  readonly #functions: string[] = [];
  readonly #helpers: Set<string> = new Set();

  line(text: string): void {
    if (++this.#length > LONGEST) throw new TooMuchCode();
    this.#lines.push(text);
  }

  /** A name that nothing else has. */
  name(prefix = 'v'): string {
    return `${prefix}${this.#counter++}`;
  }

  /** Define a variable with this value; returns its name. */
  define(value: string, keyword: 'const' | 'let' | 'var' = 'const'): string {
    const name = this.name();
    this.line(`${keyword} ${name} = ${value};`);
    return name;
  }

  /** Make a variable that was defined inside a block visible after it, in the same function. */
  hoist(name: string): void {
    const start = `const ${name} = `;
    const index = this.#lines.findLastIndex((line) => line.startsWith(start));
    if (index >= 0) this.#lines[index] = `var ${this.#lines[index]!.slice('const '.length)}`;
  }

  /** The name of a value that is not text. */
  constant(value: unknown): string {
    let place = this.#places.get(value);
    if (place === undefined) {
      place = this.constants.push(value) - 1;
      this.#places.set(value, place);
    }
    return `k${place}`;
  }

  /** A whole function. Lines of the function under way continue after it. */
  function(head: string, body: () => void): void {
    const outer = this.#lines;
    this.#lines = [];
    body();
    this.#functions.push(`function ${head} {\n${indent(this.#lines)}\n}`);
    this.#lines = outer;
  }

  /** A function that is written once, however often it is requested: `name(…)`. */
  helper(head: string, write: (line: (text: string) => void) => void): string {
    if (!this.#helpers.has(head)) {
      this.#helpers.add(head);
      this.function(head, () => write((text) => this.line(text)));
    }
    return head.slice(0, head.indexOf('('));
  }

  toString(): string {
    const constants = this.constants.map((_, index) => `const k${index} = K[${index}];`);
    return [...constants, ...this.#functions].join('\n');
  }
}

/** Code for an object with these members. `__proto__` without brackets would set the prototype. */
export function objectLiteral(pairs: readonly (readonly [string, string])[]): string {
  const key = (name: string) => (name === '__proto__' ? '["__proto__"]' : JSON.stringify(name));
  return `{ ${pairs.map(([name, value]) => `${key(name)}: ${value}`).join(', ')} }`;
}

/** Code for a number, name, bigint or boolean. */
export function literal(value: number | string | bigint | boolean | undefined): string {
  switch (typeof value) {
    case 'bigint':
      return `${value}n`;
    case 'string':
      return JSON.stringify(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return Object.is(value, -0) ? '-0' : String(value);
    default:
      throw new TypeError('only numbers, names and booleans can stand in code');
  }
}

/** Code that is true if a value is one of these. */
export function isOneOf(value: string, is: readonly (number | string | bigint | boolean)[]): string {
  return is.map((one) => `${value} === ${literal(one)}`).join(' || ');
}

function indent(lines: string[]): string {
  let depth = 1;
  return lines
    .map((line) => {
      if (/^[})]/.test(line)) depth--;
      const text = '  '.repeat(depth) + line;
      if (line.endsWith('{')) depth++;
      return text;
    })
    .join('\n');
}

/** Code for a member of a field that was read, at the names of a path. */
export function memberText(known: Known, names: readonly string[]): string {
  return names.reduce((outer, name) => outer.members!.get(name)!, known).value;
}
