import type { AnyNode, Shape } from '../../protocol/fields/kind.ts';

/** The expression for a field that was read earlier. */
export interface Known {
  /** The expression inside the type that holds the field. */
  readonly expression: string;
  readonly node: AnyNode;
}

/** The fields that expressions in a type may refer to, including those of the enclosing types. */
export class Scope {
  readonly #fields: Map<string, Known> = new Map();
  readonly #outer: Scope | undefined;
  /** The levels of `_parent` between this type and the type of the outer scope. */
  readonly #levels: number;

  constructor(outer?: Scope, levels = 0) {
    this.#outer = outer;
    this.#levels = levels;
  }

  set(name: string, known: Known): void {
    this.#fields.set(name, known);
  }

  /** The field with that name, as an expression here; undefined if it cannot be read. */
  find(name: string): Known | undefined {
    const own = this.#fields.get(name);
    if (own !== undefined) return own;
    const outer = this.#outer?.find(name);
    if (outer === undefined) return undefined;
    const up = '_parent.'.repeat(this.#levels);
    const expression = outer.expression.replace(
      /(^|[^\w.])([a-z_]\w*)/g,
      (whole, before: string, word: string) => (WORDS.has(word) ? whole : `${before}${up}${word}`),
    );
    return { node: outer.node, expression };
  }
}

const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'true', 'false']);

/** The shape of a field without the shapes that wrap it. */
export function bare(node: AnyNode): Shape {
  const shape = node.kind.shape(node);
  if (shape.is === 'maybe' || (shape.is === 'inside' && !node.kind.later)) return bare(shape.item);
  return shape.is === 'agreed' || shape.is === 'sum' ? bare(shape.base) : shape;
}
