import type { AnyNode } from '../../protocol/fields/kind.ts';
import type { Json, Writer } from './part.ts';
import { writeMembers } from './part.ts';
import { SCALARS, TYPES } from './types.ts';

/** The deepest nesting of fields in a document. */
export const MAX_DEPTH = 200;

/** Kinds without children that are worth a name if they are used more than once. */
const NAMED = new Set(['enumeration', 'flags', 'bits']);

/** Finds the fields that are used more than once, or before they are declared. */
export class Uses {
  readonly seen: Set<AnyNode> = new Set();
  readonly shared: Set<AnyNode> = new Set();
}

/** Writes fields and the names of functions. Used twice, since only the whole document shows which fields need a name. */
export class DocumentWriter implements Writer {
  readonly definitions: Record<string, Json> = Object.create(null) as Record<string, Json>;
  /** The functions that the document names. */
  readonly functions: Map<string, unknown> = new Map();
  readonly #given: ReadonlyMap<unknown, string>;
  readonly #codecs: ReadonlyMap<unknown, string>;
  readonly #uses: Uses;
  /** True in the first pass, which finds the uses. */
  readonly #isFirst: boolean;
  readonly #names: string[] = [];
  readonly #known = new Map<unknown, string>();
  readonly #types = new Map<AnyNode, string>();
  #depth = 0;

  /** @param given the names of functions; other functions are named after the first place where they occur */
  constructor(
    given: Readonly<Record<string, unknown>>,
    codecs: ReadonlyMap<unknown, string>,
    uses: Uses,
    isFirst: boolean,
  ) {
    this.#given = new Map(Object.entries(given).map(([name, one]) => [one, name]));
    this.#codecs = codecs;
    this.#uses = uses;
    this.#isFirst = isFirst;
  }

  type(node: AnyNode): Json {
    const { maker } = node.kind.call(node);
    if (SCALARS.has(maker)) return maker;
    const { seen, shared } = this.#uses;
    if (this.#isFirst) {
      const isNamed = node.kind.children !== undefined || NAMED.has(maker);
      if (seen.has(node)) {
        if (isNamed) shared.add(node);
        return null;
      }
      seen.add(node);
      return this.#body(node);
    }
    if (!shared.has(node)) return this.#body(node);
    let name = this.#types.get(node);
    if (name === undefined) {
      name = this.#freeName(this.#names.at(-1) ?? 'type', (taken) =>
        [...this.#types.values()].includes(taken),
      );
      this.#types.set(node, name);
      this.definitions[name] = this.#body(node);
    }
    return { ref: name };
  }

  laterType(node: AnyNode): Json {
    if (!SCALARS.has(node.kind.call(node).maker)) this.#uses.shared.add(node);
    return this.type(node);
  }

  reference(value: unknown): string {
    let name = this.#known.get(value);
    if (name === undefined) {
      name =
        this.#given.get(value) ??
        this.#freeName(this.#names.join('.') || 'function', (taken) => this.functions.has(taken));
      this.#known.set(value, name);
      this.functions.set(name, value);
    }
    return name;
  }

  named<T>(name: string, write: () => T): T {
    this.#names.push(name);
    try {
      return write();
    } finally {
      this.#names.pop();
    }
  }

  codecName(codec: unknown): string | undefined {
    return this.#codecs.get(codec);
  }

  #body(node: AnyNode): Json {
    if (this.#depth === MAX_DEPTH) {
      throw new TypeError(
        `toJSON: ${this.#names.join('.')}: fields nest deeper than ${MAX_DEPTH} levels; a document has no more`,
      );
    }
    const call = node.kind.call(node);
    const { maker } = call;
    if (maker === 'messages') throw new TypeError('toJSON: messages are not a field');
    const { parts, of } = TYPES[maker as keyof typeof TYPES];
    this.#depth++;
    try {
      return { is: maker, ...writeMembers(parts, (of?.(call) ?? call) as Record<string, unknown>, this) };
    } finally {
      this.#depth--;
    }
  }

  /** The name, or the first free one of `name2`, `name3`, …. */
  #freeName(name: string, isTaken: (name: string) => boolean): string {
    let free = name;
    for (let number = 2; isTaken(free) || Object.hasOwn(this.definitions, free); number++) {
      free = `${name}${number}`;
    }
    return free;
  }
}
