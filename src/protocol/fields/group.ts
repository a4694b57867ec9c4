import { type AnyField, type Fields, nodeOf } from './field.ts';
import type { AnyNode, Group, Kind, Reference } from './kind.ts';
import { declare, firstName } from './node.ts';

/** A group of named fields, its references judged. `where` is the message that it belongs to, for errors. */
export function groupOf(fields: Fields, where = ''): Group {
  const pathOf = (name: string): string => (where === '' ? name : `${where}.${name}`);
  const prototype = typeof fields === 'object' && fields !== null ? Object.getPrototypeOf(fields) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('fields: expected a plain object; write a field named __proto__ as ["__proto__"]');
  }
  const symbol = Object.getOwnPropertySymbols(fields)[0];
  if (symbol !== undefined) throw new TypeError(`fields: a name is text, not a symbol (${String(symbol)})`);
  const entries = Object.entries(fields).map(([name, field]) => {
    requireName(name, where === '' ? 'a field' : where);
    return [name, nodeOf(field as AnyField, pathOf(name))] as const;
  });
  const places = new Map(entries.map(([name], index) => [name, index]));
  const derived = new Set<string>();
  const placed = new Set<string>();
  entries.forEach(([name, node], index) => {
    for (const reference of node.facts.references) {
      const path = pathOf(name);
      const place = places.get(firstName(reference.path));
      if (reference.use === 'range') {
        if (place === undefined)
          throw new RangeError(`${path}: there is no field '${reference.path}' beside it`);
        placed.add(reference.path);
      } else if (place !== undefined) {
        if (place >= index) {
          throw new RangeError(`${path} refers to '${reference.path}', which is not declared before it`);
        }
        if (reference.use === 'condition') requireReadable(entries[place]![1], path, reference.path);
        else {
          requireFillable(entries[place]![1], path, reference);
          derived.add(reference.path);
        }
      }
    }
    if (node.kind.finishRead !== undefined) placed.add(name);
  });
  for (const [name, node] of entries) {
    for (const { use, path } of node.facts.references) {
      if (use === 'condition' && derived.has(path)) {
        throw new RangeError(`${pathOf(name)}: its condition hangs on '${path}', which the encoder fills in`);
      }
    }
  }
  requireRanges(entries, places, pathOf);
  requireNothingBehindRest(entries, where);
  const finishes = entries.some(([, node]) => node.kind.finishRead !== undefined);
  return { entries, places, derived, placed, finishes };
}

/** The field of that kind that a group of fields is. */
export function groupNode<T>(kind: Kind<Group>, fields: Fields, where?: string): T {
  return declare(kind, groupOf(fields, where));
}

/** Refuse a name that JavaScript or a path would take for something else. */
export function requireName(name: string, where: string): void {
  if (/^(0|[1-9]\d*)$/.test(name)) {
    throw new RangeError(`${where}: '${name}' is no name; JavaScript would move a number to the front`);
  }
  if (name.includes('.')) throw new RangeError(`${where}: a name has no dot in it, and '${name}' does`);
}

/** A condition must find a value: `target` is the field of the path's first name. */
function requireReadable(target: AnyNode, name: string, path: string): void {
  let node: AnyNode | undefined = target;
  let outer: AnyNode | undefined;
  const steps = path.split('.');
  steps.forEach((step, index) => {
    if (index > 0) {
      const members: ReadonlyMap<string, AnyNode | undefined> | undefined = node?.kind.members?.(node);
      if (members === undefined && node?.kind.shape(node).is === 'maybe') {
        const owner = steps.slice(0, index).join('.');
        throw new RangeError(`${name} refers to '${path}', but '${owner}' is optional and may be missing`);
      }
      if (!members?.has(step)) throw new RangeError(`${name} refers to '${path}', which does not exist`);
      outer = node;
      node = members.get(step);
    }
    const traits = node?.facts.traits;
    if (traits?.absent || traits?.computed) {
      throw new RangeError(`${name} refers to '${path}', which has no value of its own`);
    }
    const shape = index > 0 ? outer?.kind.shape(outer) : undefined;
    if (shape?.is === 'group' && shape.derived.has(step)) {
      throw new RangeError(`${name}: its condition hangs on '${path}', which the encoder fills in`);
    }
  });
}

/** A size, count or tag must have a place to be filled in. */
function requireFillable(target: AnyNode, name: string, { use, path, tags }: Reference): void {
  if (path.includes('.')) {
    const [first] = path.split('.');
    throw new RangeError(
      `${name}: its ${use} '${path}' is a member of '${first}'; it must be a field beside it, or of a structure round it`,
    );
  }
  const slot = target.kind.slot?.(target);
  if (use === 'size') {
    if (slot !== undefined && slot.byName === undefined && slot.min >= 0) return;
    throw new TypeError(`${name}: its size '${path}' must be an unsigned integer of fixed width`);
  }
  if (slot === undefined) {
    throw new TypeError(
      `${name}: its tag '${path}' must be an integer of fixed width, or an enumeration of one`,
    );
  }
  for (const tag of tags ?? []) {
    if (target.kind.tag!(target).raw(tag) === undefined) {
      throw new RangeError(`${name}: the tag ${String(tag)} is no value of its field`);
    }
  }
}

/** The range of a checksum runs forward, not over itself, and over no checksum that is made after it. */
function requireRanges(
  entries: Group['entries'],
  places: ReadonlyMap<string, number>,
  pathOf: (name: string) => string,
): void {
  entries.forEach(([name, node], index) => {
    const shape = node.kind.shape(node);
    if (shape.is !== 'sum') return;
    const [first, last] = shape.over;
    const from = first === undefined ? -1 : places.get(first)!;
    const to = last === undefined ? index - 1 : places.get(last)!;
    if (from > to || (from <= index && index <= to)) {
      throw new RangeError(
        `${pathOf(name)}: the range of a checksum runs forward, and not over the checksum`,
      );
    }
    const later = entries.slice(index + 1, to + 1).find(([, other]) => other.facts.traits.computed);
    if (later !== undefined) {
      throw new RangeError(
        `${pathOf(name)}: the checksum '${later[0]}' in its range must be declared before it`,
      );
    }
  });
}

function requireNothingBehindRest(entries: Group['entries'], where: string): void {
  let taker: string | undefined;
  for (const [name, { facts }] of entries) {
    if (taker !== undefined && !facts.traits.mayBeEmpty && facts.size.max > 0) {
      const prefix = where === '' ? '' : `${where}: `;
      throw new RangeError(
        `${prefix}'${name}' can never be read, '${taker}' takes the rest; put '${taker}' last, or into a bounded field`,
      );
    }
    if (taker === undefined && facts.traits.takesRest) taker = name;
  }
}
