import type { AnyNode, Costs, Facts, Kind, Node, Range, Reference, Size, Traits } from './kind.ts';

export type { AnyNode };

/** Passes over a declaration to find the fewest bytes of what refers to itself. Too few give too low a number, no wrong one. */
const PASSES = 16;

/** What is known of a field, found once from what is known of the fields inside it: linear in the declaration. */
class NodeFacts implements Facts {
  size: Size;
  readonly references: readonly Reference[];
  readonly traits: Traits;
  readonly costs: Costs;

  constructor(size: Size, references: readonly Reference[], traits: Traits, costs: Costs) {
    this.size = size;
    this.references = references;
    this.traits = traits;
    this.costs = costs;
  }
}

/** A field of that kind. `T` is the type that its maker gives it. */
export function declare<D extends object, T>(kind: Kind<D>, data: D): T {
  const node = { ...data, kind, facts: undefined as unknown as Facts } as Node<D> & D;
  const children = kind.later ? [] : (kind.children?.(node) ?? []);
  const facts = new NodeFacts(
    kind.size(data),
    referencesOf(kind, data, children),
    Object.freeze(kind.traits?.(data) ?? {}),
    costsOf(kind, data, children),
  );
  return Object.freeze({ ...data, kind, facts }) as unknown as T;
}

/** Whether it was made by `declare`. */
export function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && (value as Partial<Node>).facts instanceof NodeFacts;
}

/** The field and all fields in it, each once. */
export function everyNode(root: AnyNode): AnyNode[] {
  const found = new Set<AnyNode>([root]);
  // A set gives what is added to it meanwhile.
  for (const node of found) for (const child of node.kind.children?.(node) ?? []) found.add(child);
  return [...found];
}

/** Whether some field in it, or itself, has that trait. */
export function hasTrait(root: AnyNode, trait: keyof Traits): boolean {
  return everyNode(root).some((node) => node.facts.traits[trait]);
}

/**
 * Judge what shows only with the whole declaration at hand: references that nothing meets, elements without end. From then
 * on the fewest bytes of fields that refer to themselves are known.
 */
export function link(root: AnyNode, parameters: ReadonlyMap<string, Range> = new Map()): void {
  const nodes = everyNode(root);
  for (const node of nodes) {
    for (const reference of node === root || node.kind.later ? outside(node) : []) {
      if (reference.use === 'parameter') requireParameter(reference, parameters);
      else throw new TypeError(`there is no field '${reference.path}' to refer to`);
    }
  }
  // Children stand behind their parents, so that a pass from the end meets most of them first.
  const open = nodes.filter((node) => node.kind.children !== undefined).reverse();
  for (let pass = 0; pass < PASSES; pass++) {
    const grown = open.filter((node) => {
      const { min } = node.kind.size(node);
      const facts = node.facts as NodeFacts;
      if (min <= facts.size.min || min === Number.POSITIVE_INFINITY) return false;
      facts.size = { min, max: facts.size.max };
      return true;
    });
    if (grown.length === 0) break;
  }
  for (const node of nodes) node.kind.check?.(node);
}

function requireParameter({ path, tags, nullAt }: Reference, parameters: ReadonlyMap<string, Range>): void {
  const range = parameters.get(path);
  if (range === undefined) {
    throw new TypeError(`there is no parameter '${path}'; declare it in the options: parameters`);
  }
  for (const value of [...(tags ?? []), ...(nullAt === undefined ? [] : [nullAt])]) {
    const isValue =
      Number.isInteger(value) && (value as number) >= range.min && (value as number) <= range.max;
    if (!isValue) throw new RangeError(`${String(value)} is no value of the parameter '${path}'`);
  }
}

function outside(node: AnyNode): readonly Reference[] {
  return node.kind.later ? node.kind.children!(node)[0]!.facts.references : node.facts.references;
}

function referencesOf<D extends object>(
  kind: Kind<D>,
  data: D,
  children: readonly AnyNode[],
): readonly Reference[] {
  const found = new Map<string, Reference>();
  const own = kind.references?.(data) ?? [];
  const inner = children.flatMap((child) => child.facts.references.map((one) => [one, child] as const));
  for (const [reference, child] of [...own.map((one) => [one, undefined] as const), ...inner]) {
    // A range is of its own structure, which has judged it.
    const isRange = reference.use === 'range' || (reference.use === 'measure' && reference.path === '');
    const isMet = kind.declares !== undefined && isRange;
    const isParameter = reference.use === 'parameter';
    if (isMet || (!isParameter && kind.declares?.(data, firstName(reference.path), child))) continue;
    // One of each is enough, unless its tags or values are to be judged.
    const isJudged = reference.tags !== undefined || reference.use === 'same';
    const key = isJudged ? `${found.size}` : `${reference.use} ${reference.path} ${reference.nullAt}`;
    found.set(key, reference);
  }
  return [...found.values()];
}

function costsOf<D extends object>(kind: Kind<D>, data: D, children: readonly AnyNode[]): Costs {
  if (kind.later) {
    return { elements: Infinity, empty: Infinity, text: Infinity };
  }
  const times = kind.repeats?.(data);
  const total = (what: keyof Costs) =>
    product(
      times ?? 1,
      children.reduce((sum, child) => sum + child.facts.costs[what], 0),
    );
  const isEmpty = children.some((child) => child.facts.size.min === 0);
  return {
    elements: (times ?? 0) + total('elements'),
    empty: (isEmpty ? (times ?? 0) : 0) + total('empty'),
    text: (kind.text?.(data) ?? 0) + total('text'),
  };
}

function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

/** The first name of a path. */
export function firstName(path: string): string {
  const dot = path.indexOf('.');
  return dot < 0 ? path : path.slice(0, dot);
}
