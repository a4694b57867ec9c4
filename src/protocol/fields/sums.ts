import type { AnyNode, Edge, Group, NodeOf, Shape, Summing } from './kind.ts';
import { firstName, isLoose } from './node.ts';

/**
 * The checksums of a structure: those that it makes itself, and those that the enclosing structure makes.
 *
 *     struct({
 *       header: struct({ length: u8, sum: checksum(u8, 'SUM-8') }),      the header checks its sum; the outer structure makes it,
 *       body: bytes('header.length'),                                     since only that fills in header.length
 *     })
 *
 * A checksum is made by the innermost structure that has all fields of its range and fills in everything the range contains.
 */
export function sumsOf(
  entries: Group['entries'],
  places: ReadonlyMap<string, number>,
  lent: readonly string[],
  pathOf: (name: string) => string,
): Summing[] {
  const found = new Map<string, Summing>();
  for (const [name, node] of entries) {
    const reaches = node.facts.references.some(
      ({ use, path }) => use === 'summed' && places.has(firstName(path)),
    );
    if (isLoose(node) || reaches) visit(node, name, [], false);
  }
  // Checksums that an inner structure would make too early.
  const late = [...lent, ...found.keys()];
  for (const path of late) for (const sum of overtaken(entries, path)) found.set(sum.path, sum);
  const sums = [...found.values()].sort((a, b) => depthOf(b) - depthOf(a) || order(entries, a, b));
  for (const sum of sums) requireRange(entries, sum, pathOf);
  requireOrder(entries, sums, pathOf);
  return sums;

  /** `path` is undefined inside a list or a union, to which the encoder cannot come back. */
  function visit(node: AnyNode, path: string | undefined, inner: readonly Names[], mayMiss: boolean): void {
    const shape = shapeOf(node);
    if (shape.is === 'sum') meet(node, shape, path, inner, mayMiss);
    else if (shape.is === 'group') {
      const own = [{ prefix: path, names: new Set(shape.members.map(([name]) => name)) }, ...inner];
      for (const [name, member] of shape.members) visit(member, joined(path, name), own, mayMiss);
    } else if (!node.kind.later) {
      const isMaybe = shape.is === 'maybe';
      const isBehind = beginsItself(shape) && isLoose(node);
      const within = canExpose(node) && !isBehind ? path : undefined;
      for (const child of node.kind.children?.(node) ?? []) visit(child, within, inner, mayMiss || isMaybe);
    }
  }

  function meet(
    node: AnyNode,
    { over, after, toEnd }: SumShape,
    path: string | undefined,
    inner: readonly Names[],
    mayMiss: boolean,
  ): void {
    const all = [...over, after].filter((one) => one !== undefined);
    const scopeOf = (one: string) => inner.find(({ names }) => names.has(firstName(one)));
    const isInner = inner.length > 0 && all.every((one) => scopeOf(one) !== undefined);
    const isKnown = all.every((one) => scopeOf(one) !== undefined || places.has(firstName(one)));
    if (isInner || !isKnown) return;
    if (path === undefined) {
      const outer = all.find((one) => scopeOf(one) === undefined);
      const part = outer === undefined ? 'the start' : `'${outer}'`;
      throw new RangeError(
        `checksum: its range covers ${part} of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union`,
      );
    }
    // A scope without a prefix is inside a list or a union, and the path is undefined there.
    const absolute = (one: string): string => joined(scopeOf(one)?.prefix, one) ?? one;
    const group = path.slice(0, path.lastIndexOf('.') + 1);
    const [first, last] = over;
    const start: Edge =
      first !== undefined
        ? { path: absolute(first), at: 'start' }
        : after !== undefined
          ? { path: absolute(after), at: 'end' }
          : { path: group, at: 'start' };
    const end: Edge =
      last !== undefined
        ? { path: absolute(last), at: 'end' }
        : toEnd
          ? { path: group, at: 'end' }
          : { path, at: 'start' };
    found.set(path, { path, node, from: start, to: end, way: 'both', mayMiss });
  }
}

type SumShape = Extract<Shape, { is: 'sum' }>;

/** The names of a structure on the way down, and its path: undefined for the structure under check, and in a list. */
interface Names {
  readonly prefix: string | undefined;
  readonly names: ReadonlySet<string>;
}

function shapeOf(node: AnyNode): Shape {
  return node.kind.shape(node);
}

function joined(prefix: string | undefined, name: string): string | undefined {
  return prefix === undefined ? undefined : `${prefix}.${name}`;
}

/** Whether the field has bytes of its own before the field inside it, so that the two begin at different places. */
function beginsItself(shape: Shape): boolean {
  return shape.is === 'maybe'
    ? shape.when === undefined
    : shape.is === 'inside' && shape.length?.from === 'prefix';
}

/** Whether the place of a member can be shown to the enclosing structure. */
function canExpose(node: AnyNode): boolean {
  return node.kind.expose?.(node, []) !== undefined;
}

/** The structure that a field is or contains. */
function structureIn(node: AnyNode): NodeOf<Group> | undefined {
  const shape = shapeOf(node);
  if (shape.is === 'group') return node as NodeOf<Group>;
  if ((shape.is === 'maybe' || shape.is === 'inside') && canExpose(node)) return structureIn(shape.item);
  return undefined;
}

/**
 * The checksums on the way to the field at a path whose range includes it, or includes another of these checksums.
 */
function overtaken(entries: Group['entries'], path: string): Summing[] {
  const names = path.split('.');
  const groups: { group: NodeOf<Group>; prefix: string; mayMiss: boolean }[] = [];
  let within: Group['entries'] = entries;
  let mayMiss = false;
  for (let index = 0; index < names.length - 1; index++) {
    const node = within.find(([name]) => name === names[index])![1];
    const group = structureIn(node);
    if (group === undefined) break;
    mayMiss ||= shapeOf(node).is === 'maybe';
    groups.push({ group, prefix: names.slice(0, index + 1).join('.'), mayMiss });
    within = group.entries;
  }
  const found: Summing[] = [];
  for (const [index, { group, prefix, mayMiss }] of groups.entries()) {
    const late = new Set([names[index + 1]!]);
    for (const sum of group.sums) {
      if (![...late].some((name) => covers(group, sum, name))) continue;
      late.add(firstName(sum.path));
      const [from, to] = [sum.from, sum.to].map((edge) => ({ ...edge, path: `${prefix}.${edge.path}` }));
      const outer = { path: `${prefix}.${sum.path}`, from: from!, to: to!, way: 'write' as const };
      found.push({ ...sum, ...outer, mayMiss: mayMiss || sum.mayMiss });
    }
  }
  return found;
}

/**
 * Whether a field of the structure may be in the range of a checksum. Judged by the first and last field, so it may say yes too
 * often.
 */
function covers({ places, entries }: Group, { from, to }: Summing, name: string): boolean {
  const first = from.path === '' ? 0 : places.get(firstName(from.path))!;
  const last = to.path === '' ? entries.length : places.get(firstName(to.path))!;
  const place = places.get(name)!;
  return first <= place && place <= last;
}

function depthOf({ path }: Summing): number {
  return path.split('.').length;
}

/** The position of an edge in the order of the fields, as a list of indices. A structure comes before the fields inside it. */
function keyOf(entries: Group['entries'], { path, at }: Edge): number[] {
  const key: number[] = [];
  let within: Group['entries'] | undefined = entries;
  for (const name of path.split('.')) {
    if (name === '') return [...key, at === 'start' ? -0.5 : Number.MAX_SAFE_INTEGER];
    const index: number = within!.findIndex(([one]) => one === name);
    key.push(index);
    within = structureIn(within![index]![1])?.entries;
  }
  return [...key, at === 'start' ? -1 : Number.POSITIVE_INFINITY];
}

/** Less than 0 if the first position comes before the second. */
function compare(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((one, at) => one !== b[at]);
  return index < 0 ? 0 : a[index]! - b[index]!;
}

function order(entries: Group['entries'], a: Summing, b: Summing): number {
  return compare(
    keyOf(entries, { path: a.path, at: 'start' }),
    keyOf(entries, { path: b.path, at: 'start' }),
  );
}

/** Whether the field at a path is in the range of a checksum. */
function holds(entries: Group['entries'], { from, to }: Summing, path: string): boolean {
  const place = keyOf(entries, { path, at: 'start' });
  return compare(keyOf(entries, from), place) <= 0 && compare(place, keyOf(entries, to)) < 0;
}

/** Whether the first edge comes before the second, so that bytes may lie between them. */
export function runsForward(entries: Group['entries'], from: Edge, to: Edge): boolean {
  return compare(keyOf(entries, from), keyOf(entries, to)) < 0;
}

/** Refuse a range that does not run forward between existing fields, or that includes the checksum. */
function requireRange(entries: Group['entries'], sum: Summing, pathOf: (name: string) => string): void {
  const { path, node, from, to } = sum;
  for (const edge of [from, to]) requirePlace(entries, edge.path, path, pathOf(path));
  // The checksum is the first field, and its range ends before it.
  const isNothing = to.path === path && entries[0]![0] === path;
  const isZeroed = (shapeOf(node) as SumShape).zeroed === true;
  if (isNothing || !runsForward(entries, from, to) || (holds(entries, sum, path) && !isZeroed)) {
    throw new RangeError(
      `${pathOf(path)}: the range of a checksum must run forward, and not over the checksum`,
    );
  }
}

/**
 * Refuse an edge of a range at a field whose place is not always known.
 *
 * @param owner - the path of the field that has the range
 */
export function requirePlace(entries: Group['entries'], path: string, owner: string, where: string): void {
  const names = path.split('.');
  let within: Group['entries'] = entries;
  for (const [index, name] of names.entries()) {
    if (name === '') return;
    const node = within.find(([one]) => one === name)?.[1];
    if (node === undefined) throw new TypeError(`${where} refers to '${path}', which does not exist`);
    if (index === names.length - 1) return;
    const prefix = names.slice(0, index + 1).join('.');
    const group = structureIn(node);
    if (group === undefined) {
      throw new TypeError(
        `${where}: its range cannot begin or end inside '${prefix}' (${node.kind.name}), whose members have no fixed place; name '${prefix}' itself`,
      );
    }
    if (mayBeMissing(node) && !owner.startsWith(`${prefix}.`)) {
      throw new TypeError(
        `${where}: its range cannot begin or end inside '${prefix}', which may be missing; name '${prefix}' itself`,
      );
    }
    within = group.entries;
  }
}

function mayBeMissing(node: AnyNode): boolean {
  const shape = shapeOf(node);
  return shape.is === 'maybe' || (shape.is === 'inside' && mayBeMissing(shape.item));
}

/** Refuse a checksum whose range includes a checksum that is made later. */
function requireOrder(
  entries: Group['entries'],
  sums: readonly Summing[],
  pathOf: (name: string) => string,
): void {
  sums.forEach((sum, index) => {
    const later = sums.slice(index + 1).find(({ path }) => holds(entries, sum, path));
    if (later !== undefined) {
      throw new RangeError(
        `${pathOf(sum.path)}: the checksum '${later.path}' in its range must be declared before it`,
      );
    }
  });
}
