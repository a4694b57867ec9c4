/** A step from one sequence to another. */
export type Step<Item> =
  | { readonly is: 'same' | 'changed'; readonly left: Item; readonly right: Item }
  | { readonly is: 'missing'; readonly left: Item }
  | { readonly is: 'added'; readonly right: Item };

/** The indices of an item in the left and the right sequence; undefined on the side without the item. */
type Edit = readonly [left: number | undefined, right: number | undefined];

/**
 * The most differences searched for: work and memory grow with their square. Beyond, items are compared index by index.
 */
const MOST = 1_000;

/**
 * The fewest steps from one sequence to another (Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).
 * Missing and added items side by side are paired as changed ones.
 */
export function compareSequences<Item>(
  left: readonly Item[],
  right: readonly Item[],
  keyOf: (item: Item) => string,
): Step<Item>[] {
  const [a, b] = [left.map(keyOf), right.map(keyOf)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const same = (x: number, y: number): Step<Item> => ({ is: 'same', left: left[x]!, right: right[y]! });
  const middle = edits(a.slice(start, endA), b.slice(start, endB)).map(([x, y]) => [
    x === undefined ? undefined : start + x,
    y === undefined ? undefined : start + y,
  ]);
  const steps: Step<Item>[] = [];
  for (let i = 0; i < start; i++) steps.push(same(i, i));
  let missing: Item[] = [];
  let added: Item[] = [];
  const flush = (): void => {
    const both = Math.min(missing.length, added.length);
    for (let i = 0; i < both; i++) steps.push({ is: 'changed', left: missing[i]!, right: added[i]! });
    for (const item of missing.slice(both)) steps.push({ is: 'missing', left: item });
    for (const item of added.slice(both)) steps.push({ is: 'added', right: item });
    missing = [];
    added = [];
  };
  for (const [x, y] of middle) {
    if (x !== undefined && y !== undefined) {
      flush();
      steps.push(same(x, y));
    } else if (x !== undefined) missing.push(left[x]!);
    else added.push(right[y!]!);
  }
  flush();
  for (let i = 0; endA + i < a.length; i++) steps.push(same(endA + i, endB + i));
  return steps;
}

/** The edits from `a` to `b`, in order. */
function edits(a: readonly string[], b: readonly string[]): Edit[] {
  /** For each number of edits: the furthest x reached on each diagonal x − y. */
  const trace: Map<number, number>[] = [];
  let reach = new Map<number, number>([[1, 0]]);
  for (let edit = 0; edit <= Math.min(MOST, a.length + b.length); edit++) {
    trace.push(new Map(reach));
    const next = new Map(reach);
    for (let diagonal = -edit; diagonal <= edit; diagonal += 2) {
      const isDown =
        diagonal === -edit ||
        (diagonal !== edit && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
      let x = isDown ? (reach.get(diagonal + 1) ?? 0) : (reach.get(diagonal - 1) ?? 0) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      next.set(diagonal, x);
      if (x >= a.length && x - diagonal >= b.length) return pathOf(trace, a.length, b.length);
    }
    reach = next;
  }
  const path: Edit[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (i < a.length && i < b.length && a[i] === b[i]) path.push([i, i]);
    else {
      if (i < a.length) path.push([i, undefined]);
      if (i < b.length) path.push([undefined, i]);
    }
  }
  return path;
}

function pathOf(trace: readonly ReadonlyMap<number, number>[], lengthA: number, lengthB: number): Edit[] {
  const path: Edit[] = [];
  let [x, y] = [lengthA, lengthB];
  for (let edit = trace.length - 1; edit >= 0; edit--) {
    const reach = trace[edit]!;
    const diagonal = x - y;
    const isDown =
      diagonal === -edit ||
      (diagonal !== edit && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const fromX = reach.get(before) ?? 0;
    const fromY = fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0) path.push([--x, --y]);
    if (edit === 0) break;
    if (isDown) path.push([undefined, --y]);
    else path.push([--x, undefined]);
  }
  return path.reverse();
}
