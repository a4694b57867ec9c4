/**
 * Source text that is being generated. A name from a declaration never stands in it but as a JSON string, and
 * everything that is not a number stands in a closed-over list: `k0`, `k1` …
 */
export class Source {
  readonly constants: unknown[] = [];
  private lines: string[] = [];
  private counter = 0;

  line(text: string): void {
    this.lines.push(text);
  }

  /** A name that nothing else has. */
  name(prefix = 'v'): string {
    return `${prefix}${this.counter++}`;
  }

  /** A constant with this value; answers its name. */
  define(value: string, keyword: 'const' | 'let' = 'const'): string {
    const name = this.name();
    this.line(`${keyword} ${name} = ${value};`);
    return name;
  }

  /** The name of a value that is not text. */
  constant(value: unknown): string {
    const known = this.constants.indexOf(value);
    return `k${known >= 0 ? known : this.constants.push(value) - 1}`;
  }

  /** A whole function; lines that were under way go on behind it. */
  function(head: string, body: () => void): void {
    const outer = this.lines;
    this.lines = [];
    body();
    this.functions.push(`function ${head} {\n${indent(this.lines)}\n}`);
    this.lines = outer;
  }

  private readonly functions: string[] = [];

  toString(): string {
    const constants = this.constants.map((_, index) => `const k${index} = K[${index}];`);
    return [...constants, ...this.functions].join('\n');
  }
}

/** A property's name as it stands in an object literal; `__proto__` would set the prototype. */
export function literalKey(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
}

/** A number, name, bigint or boolean as it stands in source text. */
export function literal(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  return String(value);
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
