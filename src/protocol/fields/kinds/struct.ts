import { Problem } from '../engine/problem.ts';
import type { Field, FieldFaults, Fields, OuterFills, StructIn, StructOut } from '../field.ts';
import { exposeMembers, groupOf, lendMembers } from '../group.ts';
import type { AnyNode, Foreseen, Group, Kind, Known, NodeOf, Reference, Size, Traits } from '../kind.ts';
import { declare, firstName } from '../node.ts';
import { foreseen } from '../source.ts';

export const STRUCT: Kind<Group> = {
  name: 'struct',
  size: groupSize,
  shape: ({ entries, derived }) => ({ is: 'group', members: entries, derived }),
  call: ({ entries }) => ({ maker: 'struct', fields: entries }),
  children: ({ entries }) => entries.map(([, node]) => node),
  rebuild: ({ declared }, change) =>
    struct(Object.fromEntries(declared.map(([name, node]) => [name, change(node)]))) as AnyNode,
  // A count may have the same name as the array it counts in an enclosing structure.
  declares: ({ places, entries }, name, child) =>
    places.has(name) && !(child?.kind.agreeRead !== undefined && entries[places.get(name)!]![1] === child),
  traits: groupTraits,
  members: ({ named }) => named,
  lend: (group, paths) => structOf(lendMembers(group, paths)),
  expose: (group, exposed) => structOf(exposeMembers(group, exposed)),
  foreseen: foreseenGroup,

  *read(group, walk) {
    const values = {};
    walk.open(group, walk.at);
    yield* walk.members(group, 0, group.entries.length, values);
    walk.close(group);
    return values;
  },

  *write(group, value, walk) {
    // A structure that is filled in completely may be left out.
    const given = group.facts.traits.computed || (value === undefined && mayBeLeftOut(group)) ? {} : value;
    requireObject(given);
    walk.open(group, given, walk.at);
    yield* walk.members(group, 0, group.entries.length, given);
    walk.close(group);
  },

  decode(group, out) {
    out.open(group);
    const pairs = out.members(group, 0, group.entries.length);
    out.close(group);
    const members = new Map(pairs.map(([name, known]): [string, Known] => [name, known]));
    return { value: out.object(pairs.map(([name, { value }]) => [name, value])), members };
  },

  encode(group, value, out) {
    const given = mayBeLeftOut(group) ? out.define(`${value} === undefined ? {} : ${value}`) : value;
    if (!group.facts.traits.computed) out.requireObject(given);
    out.open(group);
    out.members(group, 0, group.entries.length, given);
    out.close(group);
  },

  bound: (group, value, out) => out.members(group, value),
};

function structOf(group: Group): NodeOf<Group> {
  return declare(STRUCT, group);
}

export function groupSize({ entries }: Group): Size {
  let [min, max] = [0, 0];
  for (const [, { facts }] of entries) {
    min += facts.size.min;
    max += facts.size.max;
  }
  return { min, max };
}

export function groupTraits(group: Group): Traits {
  const { entries, lent } = group;
  const isComputed = lent.size > 0 && entries.every(([name, node]) => isFilledIn(group, name, node));
  return {
    ...(isComputed && { computed: true }),
    takesRest: entries.some(([, { facts }]) => facts.traits.takesRest === true),
    mayTakeRest: entries.some(([, { facts }]) => facts.traits.mayTakeRest === true),
  };
}

/** How many bytes the fields will take, if each size is known before they are reached. */
function foreseenGroup({ entries }: Group): Foreseen | undefined {
  const all: Foreseen[] = [];
  for (const [, node] of entries) {
    const one = foreseen(node);
    if (one === undefined || one.paths.some((path) => entries.some(([own]) => own === firstName(path))))
      return undefined;
    all.push(one);
  }
  return {
    paths: all.flatMap(({ paths }) => paths),
    read: (walk) => all.reduce((sum, one) => sum + one.read(walk), 0),
    decode: (out) => `(${all.map((one) => one.decode(out)).join(' + ')})`,
  };
}

/** Whether the value may be left out: every field is filled in or agrees with another. */
function mayBeLeftOut(group: NodeOf<Group>): boolean {
  const { lent, entries, facts } = group;
  if (lent.size === 0 || facts.traits.computed) return false;
  return entries.every(([name, node]) => isFilledIn(group, name, node) || node.facts.traits.agrees === true);
}

function isFilledIn({ derived }: Group, name: string, { facts }: AnyNode): boolean {
  const { absent, computed, agrees } = facts.traits;
  return agrees !== true && (derived.has(name) || absent === true || computed === true);
}

export function requireObject(value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) throw new Problem('ERR_FIELD_RANGE', 'an object', value);
}

/** The fields of one message, or of one case, as a structure. */
export function caseGroup(fields: Fields, name: string, own: readonly Reference[]): NodeOf<Group> {
  return declare(
    STRUCT,
    groupOf(
      fields,
      name,
      own.map((reference) => [name, reference] as const),
    ),
  );
}

/**
 * Named fields, one after the other, as one object.
 *
 * @example struct({ x: i32le, y: i32le });
 */
export function struct<F extends Fields>(
  fields: F,
): Field<StructOut<F>, StructIn<F>, OuterFills<F> | FieldFaults<F>, F> {
  return declare(STRUCT, groupOf(fields));
}
