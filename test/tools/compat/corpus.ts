/**
 * Declarations at random, and random edits of them. What is generated is a plan: it makes the declaration, and says of a decoded
 * message what is on the wire, without a look at the declaration.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  type AnyField,
  array,
  bits,
  bounded,
  bytes,
  constant,
  enumeration,
  flags,
  i8,
  lengthPrefix,
  message,
  messages,
  optional,
  rest,
  struct,
  u8,
  u16be,
  u16le,
  u32be,
  union,
  utf8,
  varint,
  when,
} from '../../../src/index.ts';
import type { ProtocolParts } from '../../../src/tools/index.ts';

const SCALARS = { u8, i8, u16be, u16le, u32be, varint } as const;
type Names = Record<string, number>;
type Fields = [name: string, plan: Plan][];
interface Case {
  name: string;
  tag: number;
  fields: Fields;
}
type Plan =
  | { is: 'scalar'; of: keyof typeof SCALARS }
  | { is: 'bytes' | 'utf8'; width: 'u8' | 'u16be'; max: number }
  | { is: 'by'; field: string }
  | { is: 'enumeration' | 'flags'; names: Names; open: boolean }
  | { is: 'constant'; value: number }
  | { is: 'bits'; high: number }
  | { is: 'struct'; fields: Fields }
  | { is: 'array'; item: Plan; max: number }
  | { is: 'optional'; item: Plan; when?: string; isLast: boolean }
  | { is: 'union'; cases: Case[]; open: boolean };

export interface ProtocolPlan {
  messages: Case[];
  header: Fields;
  trailer: Fields;
  trailing: 'reject' | 'ignore' | 'keep';
  open: boolean;
}

const name = fc.constantFrom('p', 'q', 'r', 's');
const names = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(3), { minKeys: 1, maxKeys: 3 });
const { plan, fields, cases } = fc.letrec<{ plan: Plan; fields: Fields; cases: Case[] }>((tie) => ({
  plan: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'plan' },
    fc.record({
      is: fc.constant('scalar'),
      of: fc.constantFrom(...(Object.keys(SCALARS) as (keyof typeof SCALARS)[])),
    }),
    fc.record({
      is: fc.constantFrom('bytes', 'utf8'),
      width: fc.constantFrom('u8', 'u16be'),
      max: fc.constantFrom(2, 5, 300),
    }),
    fc.record({ is: fc.constant('by'), field: name }),
    fc.record({ is: fc.constantFrom('enumeration', 'flags'), names, open: fc.boolean() }),
    fc.record({ is: fc.constant('constant'), value: fc.nat(2) }),
    fc.record({ is: fc.constant('bits'), high: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ is: fc.constant('struct'), fields: tie('fields') }),
    fc.record({ is: fc.constant('array'), item: tie('plan'), max: fc.constantFrom(2, 4) }),
    fc.record({ is: fc.constant('optional'), item: tie('plan'), isLast: fc.boolean() }),
    fc.record({ is: fc.constant('optional'), item: tie('plan'), when: name, isLast: fc.constant(false) }),
    fc.record({ is: fc.constant('union'), cases: tie('cases'), open: fc.boolean() }),
  ) as fc.Arbitrary<Plan>,
  fields: fc.uniqueArray(fc.tuple(name, tie('plan')), {
    selector: ([one]) => one,
    maxLength: 3,
  }) as fc.Arbitrary<Fields>,
  cases: fc.uniqueArray(
    fc.record({ name: fc.constantFrom('m', 'n', 'o'), tag: fc.nat(2), fields: tie('fields') }),
    {
      comparator: (a, b) => a.name === b.name || a.tag === b.tag,
      minLength: 1,
      maxLength: 2,
    },
  ) as fc.Arbitrary<Case[]>,
}));

const protocol: fc.Arbitrary<ProtocolPlan> = fc.record({
  messages: cases,
  header: fc.oneof({ weight: 3, arbitrary: fc.constant<Fields>([]) }, fields),
  trailer: fc.oneof({ weight: 5, arbitrary: fc.constant<Fields>([]) }, fields),
  trailing: fc.constantFrom('reject', 'ignore', 'keep'),
  open: fc.boolean(),
});

interface Edit {
  kind: number;
  place: number;
  other: number;
  name: string;
  plan: Plan;
  cases: Case[];
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.nat(9),
  place: fc.nat(),
  other: fc.nat(),
  name,
  plan,
  cases,
});

/** A version, and another that some edits have made of it; both can be declared. */
export const pairs: fc.Arbitrary<readonly [ProtocolPlan, ProtocolPlan]> = fc
  .tuple(protocol, fc.array(edit, { minLength: 1, maxLength: 3, size: '+1' }))
  .map(([before, edits]) => {
    const after = structuredClone(before);
    for (const one of edits) change(after, one);
    return [before, after] as const;
  })
  .filter((both) => both.every((one) => protocolOf(one) !== undefined));

/** All that can be edited, from the outside in. */
function partsOf(all: ProtocolPlan): { lists: Fields[]; choices: Case[][]; plans: Plan[] } {
  const found = { lists: [] as Fields[], choices: [] as Case[][], plans: [] as Plan[] };
  const visitFields = (list: Fields): void => {
    found.lists.push(list);
    for (const [, one] of list) visit(one);
  };
  const visitCases = (list: Case[]): void => {
    found.choices.push(list);
    for (const one of list) visitFields(one.fields);
  };
  const visit = (one: Plan): void => {
    found.plans.push(one);
    if (one.is === 'struct') visitFields(one.fields);
    if (one.is === 'union') visitCases(one.cases);
    if (one.is === 'array' || one.is === 'optional') visit(one.item);
  };
  visitFields(all.header);
  visitCases(all.messages);
  visitFields(all.trailer);
  return found;
}

function change(all: ProtocolPlan, { kind, place, other, name: given, plan: one, cases: some }: Edit): void {
  const { lists, choices, plans } = partsOf(all);
  const pick = <T>(from: readonly T[], index: number): T | undefined => from[index % from.length];
  const list = pick(lists, place)!;
  const choice = pick(choices, place)!;
  const field = pick(list, other);
  const target = pick(plans, place);
  switch (kind) {
    case 0:
      if (field !== undefined) field[0] = given;
      return;
    case 1:
      list.push([given, structuredClone(one)]);
      return;
    case 2:
      if (list.length > 0) list.splice(other % list.length, 1);
      return;
    case 3:
      if (field !== undefined) list.push(...list.splice(list.indexOf(field), 1));
      return;
    case 4:
      if (field !== undefined) field[1] = structuredClone(one);
      return;
    case 5:
    case 6:
      if (target !== undefined) tweak(target, other, given);
      return;
    case 7:
      all.trailing = pick(['reject', 'ignore', 'keep'] as const, other)!;
      return;
    case 8:
      if (other % 2 === 0) choice.push(structuredClone(some[0]!));
      else choice.splice(other % Math.max(choice.length, 1), 1);
      return;
    default:
      if (other % 2 === 0) all.open = !all.open;
      else if (choice.length > 0) pick(choice, other)!.name = `${given}${given}`;
  }
}

/** Change a field a little. */
function tweak(one: Plan, by: number, given: string): void {
  if (one.is === 'bytes' || one.is === 'utf8' || one.is === 'array') one.max = [2, 4, 5, 300][by % 4]!;
  if (one.is === 'constant') one.value = by % 3;
  if (one.is === 'bits') one.high = 1 + (by % 7);
  if (one.is === 'union') one.open = !one.open;
  if (one.is === 'by') one.field = given;
  if (one.is === 'optional' && one.when !== undefined) one.when = given;
  if (one.is !== 'enumeration' && one.is !== 'flags') return;
  if (by % 4 === 0) one.open = !one.open;
  else if (by % 4 === 1) one.names[given] = by % 5;
  else if (by % 4 === 2) delete one.names[Object.keys(one.names)[0]!];
  else {
    const [[first, value], ...others] = Object.entries(one.names) as [
      [string, number],
      ...[string, number][],
    ];
    one.names = { ...Object.fromEntries(others), [`${first}${given}`]: value };
  }
}

function declaredFields(list: Fields, isEnd = false): Record<string, AnyField> {
  if (new Set(list.map(([one]) => one)).size < list.length) throw new RangeError('a name is there twice');
  const isLast = list.map(([, one]) => one.is === 'optional' && one.isLast);
  // Behind it, or in the middle of a frame, hardly a message can be made.
  if (isLast.slice(0, isEnd ? -1 : undefined).includes(true)) throw new RangeError('it is not last');
  return Object.fromEntries(list.map(([one, its]) => [one, declared(its)]));
}

function declaredCases(list: readonly Case[], isEnd = true): Record<string, ReturnType<typeof message>> {
  if (new Set(list.map((one) => one.name)).size < list.length) throw new RangeError('a name is there twice');
  return Object.fromEntries(
    list.map((one) => [one.name, message(one.tag, declaredFields(one.fields, isEnd))]),
  ) as never;
}

function declared(one: Plan): AnyField {
  switch (one.is) {
    case 'scalar':
      return SCALARS[one.of] as AnyField;
    case 'bytes':
      return bytes(SCALARS[one.width], { max: one.max });
    case 'utf8':
      return utf8(SCALARS[one.width], { max: one.max });
    case 'by':
      return bytes(one.field);
    case 'enumeration':
      return enumeration(u8, one.names, { unknown: one.open ? 'keep' : 'reject' });
    case 'flags':
      return flags(u8, one.names, { unknown: one.open ? 'ignore' : 'reject' });
    case 'constant':
      return constant(u8, one.value);
    case 'bits':
      return bits(u8, { h: one.high, l: 8 - one.high });
    case 'struct':
      return struct(declaredFields(one.fields));
    case 'array':
      return array(declared(one.item), u8, { max: one.max });
    case 'optional':
      if (one.isLast) return optional(declared(one.item), rest);
      return one.when === undefined
        ? optional(declared(one.item))
        : optional(declared(one.item), when(one.when, 1));
    case 'union':
      return bounded(u8, union(u8, declaredCases(one.cases), { otherwise: one.open ? 'unknown' : 'reject' }));
  }
}

/** The protocol of a plan; undefined for a plan that cannot be declared. */
export function protocolOf({
  messages: all,
  header,
  trailer,
  trailing,
  open,
}: ProtocolPlan): ProtocolParts | undefined {
  try {
    const codec = messages(u8, declaredCases(all, trailer.length === 0), {
      ...{ header: declaredFields(header), trailer: declaredFields(trailer), trailing },
      otherwise: open ? 'unknown' : 'reject',
    } as never);
    return { name: 'p', framing: lengthPrefix(), clientMessages: codec, serverMessages: codec } as never;
  } catch {
    return undefined;
  }
}

type Values = Readonly<Record<string, unknown>>;
/** A value as it is on the wire, without names. */
type Wire =
  | { leaf: unknown }
  | { bits: ReadonlyMap<number, unknown> }
  | { list: Wire[] }
  /** Undefined: not known to this version. */
  | { tag: number | undefined; list: Wire[] };

/** What is on the wire of a decoded message: header, message, trailer. */
export function wireOf(all: ProtocolPlan, sent: Values): { around: Wire[][]; message: Wire } {
  return {
    around: [fieldsOf(all.header, sent), fieldsOf(all.trailer, sent)],
    message: caseOf(all.messages, sent),
  };
}

function fieldsOf(list: Fields, values: Values): Wire[] {
  return list.map(([one, its]) => wireValue(its, values[one]));
}

function caseOf(list: readonly Case[], value: Values): Wire {
  const one = list.find((its) => its.name === value.type);
  return one === undefined
    ? { tag: undefined, list: [] }
    : { tag: one.tag, list: fieldsOf(one.fields, value) };
}

function wireValue(one: Plan, value: unknown): Wire {
  switch (one.is) {
    case 'enumeration':
      return { leaf: one.names[value as string] ?? value };
    case 'flags':
      return { bits: new Map(Object.entries(one.names).map(([its, bit]) => [bit, (value as Values)[its]])) };
    case 'struct':
      return { list: fieldsOf(one.fields, value as Values) };
    case 'array':
      return { list: (value as unknown[]).map((each) => wireValue(one.item, each)) };
    case 'optional':
      return value === undefined ? { leaf: undefined } : wireValue(one.item, value);
    case 'union':
      return caseOf(one.cases, value as Values);
    default:
      return { leaf: value };
  }
}

/** Whether two versions read the same. Only a message may have more fields in one of them. */
export function areShared(a: Wire, b: Wire, mayBeLonger = false): boolean {
  if ('tag' in a && 'tag' in b) {
    if (a.tag === undefined || b.tag === undefined) return true;
    if (a.tag !== b.tag) return false;
  }
  if ('list' in a && 'list' in b) {
    const count = Math.min(a.list.length, b.list.length);
    const areAsLong = mayBeLonger || a.list.length === b.list.length;
    return areAsLong && a.list.slice(0, count).every((one, index) => areShared(one, b.list[index]!));
  }
  if ('bits' in a && 'bits' in b) {
    return [...a.bits].every(([bit, value]) => !b.bits.has(bit) || b.bits.get(bit) === value);
  }
  return isDeepStrictEqual(a, b);
}
