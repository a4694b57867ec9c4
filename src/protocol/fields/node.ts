import type { AnyNode, Costs, Facts, Kind, Node, Range, Reference, Size, Traits } from './kind.ts';

export type { AnyNode };

/**
 * Passes over a declaration to find the least size of a field that refers to itself. With too few passes the result is too low,
 * which is safe.
 */
const PASSES = 16;

/** The facts of a field, computed once from the facts of its children: linear in the declaration. */
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

/** Declare a field of that kind. `T` is the type that its maker returns. */
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

/** Whether the value was made by `declare`. */
export function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && (value as Partial<Node>).facts instanceof NodeFacts;
}

/** The field and all fields in it, each once. */
export function everyNode(root: AnyNode): AnyNode[] {
  const found = new Set<AnyNode>([root]);
  // A set also iterates over values that are added meanwhile.
  for (const node of found) for (const child of node.kind.children?.(node) ?? []) found.add(child);
  return [...found];
}

/** Whether the field is a checksum, or contains one that is in no structure inside it. */
export function isLoose(node: AnyNode): boolean {
  const { is } = node.kind.shape(node);
  if (is === 'sum' || is === 'group' || node.kind.later) return is === 'sum';
  return node.kind.children?.(node).some(isLoose) === true;
}

/** Whether the field, or any field in it, has that trait. */
export function hasTrait(root: AnyNode, trait: keyof Traits): boolean {
  return everyNode(root).some((node) => node.facts.traits[trait]);
}

/**
 * Check what depends on the whole declaration: references without a target, endless lists of empty elements. Afterwards the least
 * sizes of fields that refer to themselves are known.
 */
export function link(root: AnyNode, parameters: ReadonlyMap<string, Range> = new Map()): void {
  const nodes = everyNode(root);
  for (const node of nodes) {
    for (const reference of node === root || node.kind.later ? outside(node) : []) {
      if (reference.use === 'parameter') requireParameter(reference, parameters);
      else throw new TypeError(`there is no field '${reference.path}' to refer to`);
    }
  }
  for (const node of nodes) {
    const whole = node === root ? node : node.kind.later ? node.kind.children!(node)[0]! : undefined;
    if (whole !== undefined && isLoose(whole))
      throw new TypeError('a checksum must be in a structure, which makes it');
  }
  // Children come after their parents, so a pass from the end reaches most children first.
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
    if (!isValue) throw new RangeError(`${String(value)} is not a value of the parameter '${path}'`);
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
    // A range lies in its own structure, which has checked it.
    const isRange = reference.use === 'range' || (reference.use === 'measure' && reference.path === '');
    const isMet = kind.declares !== undefined && isRange;
    const isParameter = reference.use === 'parameter';
    if (isMet || (!isParameter && kind.declares?.(data, firstName(reference.path), child))) continue;
    // One reference of each kind is enough, unless its tags or values have to be checked.
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
  return a === 0 ? 0 : a * b;
}

/** The names of a path. */
export function namesIn(path: string): [first: string, ...members: string[]] {
  return path.split('.') as [string, ...string[]];
}

/** The first name of a path. */
export function firstName(path: string): string {
  const dot = path.indexOf('.');
  return dot < 0 ? path : path.slice(0, dot);
}
