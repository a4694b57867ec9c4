import { agreementsOf } from './agreements.ts';
import { type AnyField, type Fields, nodeOf } from './field.ts';
import type { AnyNode, Exposed, Foreseen, Group, Reference, Shape, Slot, Summing, Tag, Use } from './kind.ts';
import { firstName, namesIn } from './node.ts';
import { settled } from './settled.ts';
import { foreseen } from './source.ts';
import { requirePlace, sumsOf } from './sums.ts';

/**
 * A group of named fields with its references checked. `where` is the message that it belongs to, for errors. `own` are the
 * references of whatever holds the group, each with the name of the field that refers.
 */
export function groupOf(
  fields: Fields,
  where = '',
  own: readonly (readonly [name: string, reference: Reference])[] = [],
): Group {
  const pathOf = (name: string): string => (where === '' ? name : `${where}.${name}`);
  const prototype = typeof fields === 'object' && fields !== null ? Object.getPrototypeOf(fields) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('fields: expected a plain object; write a field named __proto__ as ["__proto__"]');
  }
  const symbol = Object.getOwnPropertySymbols(fields)[0];
  if (symbol !== undefined) throw new TypeError(`fields: a name is text, not a symbol (${String(symbol)})`);
  const given = Object.entries(fields).map(([name, field]) => {
    requireName(name, where === '' ? 'a field' : where);
    return [name, nodeOf(field as AnyField, pathOf(name))] as Group['entries'][number];
  });
  const declared = settled(given, pathOf);
  const entries = [...declared];
  const places = new Map(entries.map(([name], index) => [name, index]));
  const derived = new Set<string>();
  const filled = new Set<string>();
  const placed = new Set<string>();
  /** References between fields of this group, each with the path of the field that refers. */
  const inner: (readonly [name: string, reference: Reference])[] = [...own];
  /** The paths in the ranges of sizes. */
  const ranges: string[] = [];
  entries.forEach(([name, node], index) => {
    for (const reference of node.facts.references) {
      const path = pathOf(name);
      const place = places.get(firstName(reference.path));
      if (reference.use === 'range') {
        if (place === undefined)
          throw new TypeError(`${path}: there is no field '${reference.path}' beside it`);
        requirePlace(entries, reference.path, name, path);
        ranges.push(reference.path);
        placed.add(reference.path);
      } else if (ANYWHERE.has(reference.use)) {
        // Nothing to check: the target may follow or enclose the field that refers to it, and a parameter is not a field.
      } else if (place !== undefined) {
        if (place >= index) {
          throw new TypeError(`${path} refers to '${reference.path}', which is not declared before it`);
        }
        inner.push([path, reference]);
      }
    }
  });
  const toLend = new Map<string, (readonly string[])[]>();
  for (const [name, reference] of inner) {
    if (!isFilledIn(reference)) continue;
    const [first, ...members] = namesIn(reference.path);
    const place = places.get(first)!;
    const target = entries[place]![1];
    requireFillable(target, members, name, reference);
    filled.add(reference.path);
    if (members.length === 0) derived.add(first);
    else append(toLend, first, members);
  }
  lend();
  const agreements = agreementsOf(entries, places, filled, pathOf);
  const toExpose = new Map<string, Exposed[]>();
  for (const { path, node, of } of agreements) {
    const [first, ...members] = namesIn(path);
    for (const known of [of, first]) if (known !== undefined) placed.add(known);
    if (isCount(node)) expose(of!);
    if (members.length === 0) derived.add(first);
    else {
      append(toLend, first, members);
      // An error names the place of the field.
      expose(path);
    }
  }
  lend();
  showAll();
  for (const [name, reference] of inner) {
    if (isFilledIn(reference)) continue;
    const { path } = reference;
    const isAgreed = filled.has(path) || agreements.some((one) => one.path === path);
    requireSameType(entries, name, reference);
    if (isAgreed && reference.use === 'same') continue;
    requireReadable(entries[places.get(firstName(path))!]![1], name, reference);
    if (isAgreed) throw new RangeError(`${name}: ${filledIn(reference)}`);
  }
  for (const path of ranges) expose(path);
  showAll();
  const sums = sumsOf(entries, places, [...filled, ...agreements.map(({ path }) => path)], pathOf);
  for (const { path, from, to, way } of sums) {
    for (const one of [path, from.path, to.path]) expose(one, one === path && way === 'write');
  }
  showAll();
  const rooms = roomsOf(entries, places);
  requireNothingBehindRest(entries, rooms, where);
  const finishes = agreements.length > 0 || sums.length > 0 || entries.some(([, node]) => isMeasured(node));
  const none: ReadonlySet<string> = new Set();
  const facts = { derived, lent: none, rooms, agreements, sums, placed, shown: none, finishes };
  return { entries, places, named: new Map(entries), declared, ...facts };

  /** Make the place of a field known in this group. */
  function expose(path: string, made = false): void {
    const [first, ...members] = namesIn(path);
    if (first === '') return;
    placed.add(path);
    if (members.length > 0) append(toExpose, first, { path: members, made });
  }

  /** Change each field once, whatever the number of its members: a change costs time in all of them. */
  function showAll(): void {
    for (const [first, exposed] of toExpose) {
      const place = places.get(first)!;
      const target = entries[place]![1];
      entries[place] = [first, target.kind.expose!(target, exposed)!];
    }
    toExpose.clear();
  }

  function lend(): void {
    for (const [first, paths] of toLend) {
      const place = places.get(first)!;
      const target = entries[place]![1];
      entries[place] = [first, target.kind.lend!(target, paths)];
    }
    toLend.clear();
  }
}

/** Uses whose target may come after the field that refers to it. */
const ANYWHERE: ReadonlySet<Use> = new Set(['measure', 'summed', 'parameter']);

function append<T>(lists: Map<string, T[]>, name: string, one: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [one]);
  else list.push(one);
}

/** The item of a field whose members are those of its item, with these members shown. */
export function exposedIn(item: AnyNode, exposed: readonly Exposed[]): AnyNode {
  return exposed.length === 0 ? item : item.kind.expose!(item, exposed)!;
}

/** The group, with the places of the fields at these paths shown to the enclosing structure. */
export function exposeMembers(group: Group, exposed: readonly Exposed[]): Group {
  const shown = new Set(group.shown);
  const placed = new Set(group.placed);
  const inner = new Map<string, Exposed[]>();
  let { sums, finishes } = group;
  for (const { path, made } of exposed) {
    const [name = '', ...members] = path;
    const whole = path.join('.');
    if (made) {
      sums = sums.flatMap((sum): Summing[] => {
        if (sum.path !== whole) return [sum];
        return sum.way === 'write' ? [] : [{ ...sum, way: 'read' }];
      });
    }
    shown.add(whole);
    if (name === '') finishes = true;
    else placed.add(whole);
    if (members.length > 0) append(inner, name, { path: members, made });
  }
  const changed = changedMembers(group, inner, (target, own) => target.kind.expose!(target, own)!);
  return { ...group, ...changed, shown, placed, sums, finishes };
}

/** The group, with the fields at these paths left to be filled in by the enclosing structure. */
export function lendMembers(group: Group, paths: readonly (readonly string[])[]): Group {
  const lent = new Set(group.lent);
  const derived = new Set(group.derived);
  const inner = new Map<string, (readonly string[])[]>();
  for (const path of paths) {
    const [name = '', ...members] = path;
    lent.add(path.join('.'));
    if (members.length === 0) derived.add(name);
    else append(inner, name, members);
  }
  const changed = changedMembers(group, inner, (target, own) => target.kind.lend!(target, own));
  return { ...group, ...changed, lent, derived };
}

/** The fields of the group, some of them changed. */
function changedMembers<T>(
  group: Group,
  changes: ReadonlyMap<string, T>,
  change: (target: AnyNode, how: T) => AnyNode,
): Pick<Group, 'entries' | 'named'> {
  const entries = [...group.entries];
  for (const [name, how] of changes) {
    const place = group.places.get(name)!;
    entries[place] = [name, change(entries[place]![1], how)];
  }
  return { entries, named: new Map(entries) };
}

/** Whether the field needs the start of its structure. The field may be optional. */
function isMeasured(node: AnyNode): boolean {
  const shape = node.kind.shape(node);
  return shape.is === 'maybe' ? isMeasured(shape.item) : node.facts.traits.measured === true;
}

/** Whether it counts the elements of a list: the structure that has the list says how many there are. */
function isCount(node: AnyNode): boolean {
  const shape = node.kind.shape(node);
  return shape.is === 'agreed' && shape.on === 'count';
}

function isFilledIn({ use }: Reference): boolean {
  return use === 'size' || use === 'tag';
}

/** Refuse a name that JavaScript would reorder or a path would split. */
export function requireName(name: string, where: string): void {
  if (/^(0|[1-9]\d*)$/.test(name)) {
    throw new RangeError(`${where}: '${name}' cannot be a name; JavaScript would move a number to the front`);
  }
  if (name.includes('.')) throw new RangeError(`${where}: a name has no dot in it, and '${name}' does`);
}

function filledIn({ use, path }: Reference): string {
  return `${use === 'same' ? 'it repeats' : 'its condition depends on'} '${path}', which the encoder fills in`;
}

/** Refuse a condition on a field without a value of its own. `target` is the field of the path's first name. */
export function requireReadable(target: AnyNode, name: string, reference: Reference): void {
  const { path } = reference;
  let node: AnyNode | undefined = target;
  let outer: AnyNode | undefined;
  path.split('.').forEach((step, index) => {
    if (index > 0) {
      const members: ReadonlyMap<string, AnyNode | undefined> | undefined = node?.kind.members?.(node);
      if (!members?.has(step)) throw new TypeError(`${name} refers to '${path}', which does not exist`);
      outer = node;
      node = members.get(step);
    }
    const shape = index > 0 ? outer?.kind.shape(outer) : undefined;
    if (shape?.is === 'group' && shape.derived.has(step)) {
      throw new RangeError(`${name}: ${filledIn(reference)}`);
    }
    const traits = node?.facts.traits;
    if (traits?.absent || traits?.computed || traits?.agrees) {
      throw new TypeError(`${name} refers to '${path}', which has no value of its own`);
    }
  });
}

/** Refuse a field whose values have another type than the field it repeats. */
function requireSameType(entries: Group['entries'], name: string, { path, repeated }: Reference): void {
  if (repeated === undefined) return;
  const [first, ...members] = namesIn(path);
  const target = entries.find(([one]) => one === first)![1];
  const { node, slot } = placeOf(target, members, name, path);
  const own = valuesOf(repeated);
  const others = node === undefined ? (slot?.big ? 'bigints' : 'numbers') : valuesOf(node);
  if (others === undefined || own === others) return;
  throw new TypeError(`${name}: its values are ${own}, and those of '${path}' are ${others}`);
}

/** The type of a field's values, in words; undefined if it is known only from the values. */
function valuesOf(node: AnyNode): string | undefined {
  const shape: Shape = node.kind.shape(node);
  switch (shape.is) {
    case 'maybe':
      return valuesOf(shape.item);
    case 'agreed':
      return valuesOf(shape.base);
    case 'integer':
    case 'varint': {
      if (shape.names !== undefined) return 'names';
      if (shape.is === 'integer' && (shape.truth || shape.bits))
        return shape.truth ? 'booleans' : 'structures';
      return shape.big ? 'bigints' : 'numbers';
    }
    case 'digits':
      return shape.names === undefined ? 'numbers' : 'names';
    case 'float':
      return 'numbers';
    case 'text':
      return 'texts';
    case 'bytes':
      return 'bytes';
    case 'list':
    case 'group':
    case 'choice':
      return 'structures';
    default:
      return undefined;
  }
}

/** Refuse a size, count or tag that cannot be filled in. */
function requireFillable(
  target: AnyNode,
  members: readonly string[],
  name: string,
  { use, path, tags, open, nullAt }: Reference,
): void {
  const { node, slot } = placeOf(target, members, name, path);
  if (node?.facts.traits.agrees) {
    throw new RangeError(`${name}: '${path}' agrees with another field already, and cannot be a ${use} too`);
  }
  if (use === 'size') {
    if (slot !== undefined && slot.byName === undefined) {
      if (nullAt === undefined) return;
      const isSaid = node?.kind.says?.(node, nullAt) !== false;
      if (nullAt >= slot.min && nullAt <= slot.max && isSaid) return;
      throw new RangeError(`${name}: nullAt: expected a number that '${path}' may have, got ${nullAt}`);
    }
    const isNumber = node?.kind.range?.(node) !== undefined;
    const why = isNumber
      ? `: a ${node.kind.name} has no width before its number is known; put it right before what it measures`
      : '';
    throw new TypeError(`${name}: its size '${path}' must be an integer of fixed width${why}`);
  }
  if (slot === undefined) {
    throw new TypeError(
      `${name}: its tag '${path}' must be an integer of fixed width, or an enumeration of one`,
    );
  }
  if (open && node !== undefined) requireOpen(node, `${name}: its tag '${path}'`);
  for (const tag of tags!) {
    const isValue = node === undefined ? fitsSlot(slot, tag) : node.kind.tag!(node)!.raw(tag) !== undefined;
    if (!isValue) throw new RangeError(`${name}: the tag ${String(tag)} is not a value of its field`);
  }
}

function fitsSlot({ min, max, big }: Slot, tag: Tag): boolean {
  const number = tag as number;
  if (!big) return Number.isInteger(number) && number >= min && number <= max;
  // Beyond 2^53 the maximum, one less than a power of 2, is rounded up to it.
  return (
    typeof tag === 'bigint' && number >= min && (Number.isSafeInteger(max) ? number <= max : number < max)
  );
}

/** Refuse a closed enumeration: it has no tag left for `otherwise`. */
export function requireOpen(node: AnyNode, where: string): void {
  const shape = node.kind.shape(node);
  if ('names' in shape && shape.names?.closed) {
    throw new RangeError(
      `${where}: a closed enumeration has no other tag for 'otherwise'; declare it { unknown: 'keep' }`,
    );
  }
}

/** The field at a path below another one, and the slot for its number. A member that is some bits of a field has no node. */
function placeOf(
  target: AnyNode,
  members: readonly string[],
  name: string,
  path: string,
): { node: AnyNode | undefined; slot: Slot | undefined } {
  let node: AnyNode = target;
  for (const [index, member] of members.entries()) {
    const all: ReadonlyMap<string, AnyNode | undefined> | undefined = node.kind.members?.(node);
    if (!all?.has(member)) throw new TypeError(`${name} refers to '${path}', which does not exist`);
    const next = all.get(member);
    if (next === undefined) {
      const slot = index === members.length - 1 ? node.kind.memberSlot?.(node, member) : undefined;
      return { node: undefined, slot };
    }
    node = next;
  }
  return { node, slot: node.kind.slot?.(node) };
}

/** The fields that follow a field which may take the rest, if their sizes are all known when that field begins. */
function roomsOf(entries: Group['entries'], places: ReadonlyMap<string, number>): Group['rooms'] {
  const rooms = new Map<number, readonly Foreseen[]>();
  /** The last field first. */
  const behind: Foreseen[] = [];
  /** The place of the last field that gives one of their sizes. */
  let latest = -1;
  for (let index = entries.length - 1; index >= 0; index--) {
    const node = entries[index]![1];
    const { takesRest, mayTakeRest } = node.facts.traits;
    if (behind.length > 0 && latest < index && (takesRest || mayTakeRest)) {
      rooms.set(index, behind.toReversed());
    }
    const one = foreseen(node);
    if (one === undefined) break;
    behind.push(one);
    for (const path of one.paths) latest = Math.max(latest, places.get(firstName(path)) ?? -1);
  }
  return rooms;
}

function requireNothingBehindRest(entries: Group['entries'], rooms: Group['rooms'], where: string): void {
  let taker: string | undefined;
  entries.forEach(([name, { facts }], index) => {
    if (taker !== undefined && !facts.traits.mayBeEmpty && facts.size.max > 0) {
      const prefix = where === '' ? '' : `${where}: `;
      throw new RangeError(
        `${prefix}'${name}' can never be read, '${taker}' takes the rest; put '${taker}' last, or into a bounded field`,
      );
    }
    if (facts.traits.takesRest && !rooms.has(index)) taker = name;
  });
}
