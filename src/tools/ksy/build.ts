import { safeText } from '../../bytes/show.ts';
import type { AnyNode } from '../../protocol/fields/kind.ts';
import type { Gap } from '../gap.ts';
import type { Yaml } from './yaml.ts';

/** An attribute or an instance of a Kaitai Struct type. */
export type Attribute = { readonly [key: string]: Yaml | undefined };

/** A type of the definition under construction. */
export class TypeBuilder {
  readonly name: string;
  readonly seq: Attribute[] = [];
  readonly instances: Record<string, Attribute> = {};
  /** The identifiers of the parts of the message, in wire order. */
  readonly data: string[] = [];
  /** Expressions for the fields, as seen in the type, by name. */
  readonly fields: Map<string, { readonly expression: string; readonly node: AnyNode }> = new Map();
  readonly #taken: Set<string> = new Set();
  #comments: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** A unique identifier for a name of the declaration. */
  id(name: string): string {
    const id = unique(name, this.#taken);
    this.#taken.add(id);
    return id;
  }

  /** A comment before the next entry. */
  comment(text: string): void {
    this.#comments.push(safeText(text));
  }

  add(attribute: Attribute): void {
    this.seq.push(this.#comments.length === 0 ? attribute : { '#': this.#comments, ...attribute });
    this.#comments = [];
  }

  /** Refuse the message unless the expression is true. */
  check(name: string, expression: string, condition: string | undefined): void {
    const id = this.id(`check_${name}`);
    this.add({ id, size: 0, ...(condition !== undefined && { if: condition }), valid: { expr: expression } });
  }

  yaml(): Attribute {
    const rest = this.#comments.length === 0 ? {} : { '#': this.#comments };
    return {
      ...rest,
      ...(this.seq.length > 0 && { seq: this.seq }),
      ...(Object.keys(this.instances).length > 0 && { instances: this.instances }),
    };
  }
}

/** A definition under construction. */
export class Definition {
  readonly types: TypeBuilder[] = [];
  readonly enums: Record<string, Attribute> = {};
  readonly gaps: Gap[] = [];
  /** The types of structures, by the node. */
  readonly structures: Map<AnyNode, TypeBuilder> = new Map();
  /** Types of structures that refer to themselves, by the node. */
  readonly recursions: Map<AnyNode, string> = new Map();
  /** The type of the bytes of a varint, once it exists. */
  varint: string | undefined;
  readonly parameters: ReadonlyMap<string, number>;
  readonly #taken: Set<string> = new Set();

  constructor(parameters: ReadonlyMap<string, number>) {
    this.parameters = parameters;
  }

  type(name: string): TypeBuilder {
    const type = new TypeBuilder(this.name(name));
    this.types.push(type);
    return type;
  }

  /** A unique name for a type or an enumeration. */
  name(name: string): string {
    const id = unique(name, this.#taken);
    this.#taken.add(id);
    return id;
  }

  enumeration(name: string, byValue: ReadonlyMap<number, string>): string {
    const id = this.name(name);
    const taken = new Set<string>();
    const entries = [...byValue].map(([value, one]): [string, string] => {
      const known = unique(one, taken);
      taken.add(known);
      return [String(value), known];
    });
    this.enums[id] = Object.fromEntries(entries);
    return id;
  }
}

/** Words that are not allowed as identifiers, in Kaitai Struct or as a name of its types. */
const RESERVED: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'true',
  'false',
  'if',
  'type',
  'size',
  'as',
  'in',
  'is',
  'class',
  'def',
  'from',
  'import',
  'str',
  'pos',
  'io',
  'root',
  'parent',
  'close',
  'read',
  'return',
  'pass',
  'with',
  'for',
  'while',
  'none',
  'lambda',
  'del',
  'global',
  'try',
  'except',
  'finally',
  'else',
  'elif',
  'yield',
  'raise',
  'assert',
  'break',
  'continue',
  'nonlocal',
  'async',
  'await',
  'sizeof',
  'bitsizeof',
  'strz',
  'self',
]);

/** `colorMode` → `color_mode`; another name if that is taken or reserved. */
function unique(name: string, taken: ReadonlySet<string>): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '');
  const start = /^[a-z]/.test(words) ? words : `f_${words}`;
  const base = RESERVED.has(start) ? `${start}_` : start;
  // Unique without underscores too: Kaitai turns the names into class names.
  let id = base;
  for (let count = 2; taken.has(id); count++) id = `${base}_${count}`;
  return id;
}
