import { show, showTag } from '../../../bytes/show.ts';
import { isOneOf } from '../engine/code.ts';
import { Problem } from '../engine/problem.ts';
import { property } from '../engine/property.ts';
import { type Fields, type MessageTable, rest } from '../field.ts';
import { requireOpen } from '../group.ts';
import type { AnyNode, Case, Encoding, Slot, Source, Tag, TagSource, Writing } from '../kind.ts';
import { requireTag } from '../source.ts';
import { bytes } from './bytes.ts';
import { caseGroup } from './struct.ts';

/** Structures told apart by a tag: what `union` and `messages` share. */
export interface Cases {
  readonly tag: TagSource;
  readonly cases: readonly Case[];
  readonly byTag: ReadonlyMap<Tag, Case>;
  readonly byName: ReadonlyMap<string, Case>;
  /** The case for any other tag. */
  readonly other: Case | undefined;
}

/** What happens to a tag that no case has: an error, or a value with the tag and the bytes. */
export type Otherwise = 'reject' | 'unknown';

/** Whether the value says which tag it has. */
export function keepsTag(table: MessageTable, otherwise: Otherwise | undefined): boolean {
  return otherwise === 'unknown' || Object.values(table).some((made) => Array.isArray(made?.tag));
}

/** The cases of a table, checked. The fields of `around` come before and after the fields of each case. */
export function casesOf(
  tag: TagSource,
  table: MessageTable,
  around: { header?: Fields; trailer?: Fields; isTagInHeader?: boolean } = {},
  otherwise: Otherwise = 'reject',
): Cases {
  const { header = {}, trailer = {}, isTagInHeader = false } = around;
  const groupOfCase = (name: string, fields: Fields, tags: readonly Tag[]): Case['group'] => {
    const all = [header, fields, trailer].flatMap((one) => Object.entries(one));
    const open = otherwise === 'unknown';
    const references = isTagInHeader ? tag.references('tag', tags).map((one) => ({ ...one, open })) : [];
    return caseGroup(Object.fromEntries(all), name, references);
  };
  for (const key of Object.keys(header)) {
    if (Object.hasOwn(trailer, key))
      throw new RangeError(`the header and the trailer have a field '${key}' each`);
  }
  const taken = [
    'type',
    ...(keepsTag(table, otherwise) && !isTagNamed(tag) ? ['tag'] : []),
    ...(otherwise === 'unknown' ? ['payload'] : []),
  ];
  for (const [where, fields] of Object.entries({ header, trailer })) {
    const key = taken.find((one) => Object.hasOwn(fields, one));
    if (key !== undefined)
      throw new RangeError(
        `the ${where}: no field can be named '${key}'; messages have a member of that name`,
      );
  }
  const byTag = new Map<Tag, Case>();
  const byName = new Map<string, Case>();
  for (const [name, made] of Object.entries(table)) {
    if (typeof made?.fields !== 'object' || made.fields === null || made.fields instanceof Map)
      throw new TypeError(`${name}: expected message(tag, fields), got ${show(made)}`);
    const { tag: value, fields } = made;
    for (const key of Object.keys(fields)) {
      if (key === 'type')
        throw new RangeError(`${name}: no field can be named 'type'; the message's name is there`);
      if (Object.hasOwn(header, key)) throw new RangeError(`${name}: the header has a field '${key}' too`);
      if (Object.hasOwn(trailer, key)) throw new RangeError(`${name}: the trailer has a field '${key}' too`);
      if (key === 'tag' && Array.isArray(value))
        throw new RangeError(
          `${name}: no field can be named 'tag'; that is the place of the one of its tags`,
        );
    }
    const tags: readonly Tag[] = Array.isArray(value) ? value : [value as Tag];
    if (tags.length === 0) throw new TypeError(`${name}: at least one tag is needed`);
    for (const each of tags) {
      if (!['number', 'bigint', 'string'].includes(typeof each)) {
        throw new TypeError(`${name}: a tag is a number, a bigint or a name`);
      }
      requireTag(tag, each, name);
    }
    const isSeveral = Array.isArray(value);
    const one = { name, tag: tags[0]!, ...(isSeveral && { tags }), group: groupOfCase(name, fields, tags) };
    for (const each of tags) {
      const other = byTag.get(each);
      if (other !== undefined) throw new RangeError(`${other.name} and ${name} have the same tag, ${each}`);
      byTag.set(each, one);
    }
    byName.set(name, one);
  }
  if (byName.size === 0) throw new TypeError('at least one case is needed');
  let other: Case | undefined;
  if (otherwise === 'unknown') {
    if (tag.extent.from === 'prefix') requireOpen(tag.extent.node, 'the tag');
    if (byName.has('unknown')) throw new RangeError('unknown: messages with any other tag have that name');
    other = {
      name: 'unknown',
      tag: 0,
      tags: [],
      group: groupOfCase('unknown', { payload: bytes(rest) }, []),
    };
    byName.set('unknown', other);
  }
  return { tag, cases: [...byName.values()], byTag, byName, other };
}

/** Whether the tag is a field of the header by the name that the value has for it anyway. */
function isTagNamed({ extent }: Source): boolean {
  return extent.from === 'path' && extent.path === 'tag';
}

/** The cases with other fields inside. */
export function changedCases(
  { cases, byTag, other }: Cases,
  change: (child: AnyNode) => AnyNode,
): Omit<Cases, 'tag'> {
  const changed = new Map(cases.map((one) => [one, { ...one, group: change(one.group) as Case['group'] }]));
  return {
    cases: [...changed.values()],
    byTag: new Map([...byTag].map(([tag, one]) => [tag, changed.get(one)!])),
    byName: new Map([...changed.values()].map((one) => [one.name, one])),
    other: other && changed.get(other),
  };
}

/** The tag to write for a value. */
export function tagOf(
  { byTag }: Cases,
  { tag, tags }: Case,
  value: object,
  walk: Writing,
  source: Source,
): unknown {
  if (tags === undefined) return tag;
  const given = property(value, 'tag');
  if (tags.length > 0) {
    if (!tags.includes(given as Tag)) walk.failAt('tag', listOf(tags, showTag), given);
    return given;
  }
  if (byTag.has(given as Tag)) walk.failAt('tag', 'a tag that no other message has', given);
  if (source.extent.from === 'path') {
    const slot = walk.slot(source.extent.path);
    const { min, max, big, byName } = slot;
    const numbers = `a ${big ? 'bigint' : 'whole number'} from ${boundOf(min)} to ${boundOf(max)}`;
    const expected = byName === undefined ? numbers : `a name of the tag, or ${numbers} without a name`;
    if (!isTagOf(slot, given)) walk.failAt('tag', expected, given);
  }
  return given;
}

/** A bound of a range, in words. A number does not hold the greatest one of 64 bits: it is 2^64, rounded. */
function boundOf(bound: number): string {
  if (!Number.isFinite(bound) || Math.abs(bound) <= Number.MAX_SAFE_INTEGER) return String(bound);
  const power = `2^${Math.log2(Math.abs(bound))}`;
  return bound < 0 ? `-${power}` : `${power} - 1`;
}

/** Whether decoding gives that tag: a number, or a name for one that has a name. */
function isTagOf({ min, max, big, byName }: Slot, tag: unknown): boolean {
  if (typeof tag === 'string') return byName?.has(tag) === true;
  const isNumber = big ? typeof tag === 'bigint' : Number.isInteger(tag);
  const isInside = isNumber && (tag as number) >= min && (tag as number) <= max;
  return isInside && ![...(byName?.values() ?? [])].includes(tag as number);
}

/** Code that writes the tag of a value. */
export function encodeTag(
  { byTag, tag: source }: Cases,
  { tag, tags }: Case,
  value: string,
  out: Encoding,
): void {
  if (tags === undefined) {
    source.encodeTag(tag, out);
    return;
  }
  const given = out.define(`${value}.tag`);
  if (tags.length > 0) out.refuse(`!(${isOneOf(given, tags)})`);
  else out.refuse(isOneOf(given, [...byTag.keys()]));
  if (source.extent.from === 'path') {
    const { min, max, big, byName } = out.slot(source.extent.path);
    let number = given;
    if (byName !== undefined) {
      out.refuse(isOneOf(given, [...byName.values()]));
      number = out.define(`${out.constant(byName)}.get(${given}) ?? ${given}`);
    }
    const isNumber = big ? `typeof ${number} === 'bigint'` : `Number.isInteger(${number})`;
    out.refuse(`!(${isNumber} && ${number} >= ${min} && ${number} <= ${max})`);
    source.encode(number, out);
  } else if (source.extent.from === 'prefix') out.value(source.extent.node, given);
  else source.encode(given, out);
}

/** The first members of a value: its type, and its tag if the value says it. */
export function headOf({ name, tags }: Case, tag: unknown): Record<string, unknown> {
  return tags === undefined ? { type: name } : { type: name, tag };
}

/** The case of a tag that was read. */
export function caseOfTag(
  { byTag, other }: Cases,
  tag: unknown,
  code: 'ERR_MESSAGE_UNKNOWN' | 'ERR_MESSAGE_VALUE',
  at: number,
): Case {
  const one = byTag.get(tag as Tag) ?? other;
  if (one !== undefined) return one;
  throw new Problem(code, `the tag ${listOf([...byTag.keys()], showTag)}`, tag, { at, got: showTag(tag) });
}

/** The case of a value that is to be written. */
export function caseOfValue(
  { byName }: Cases,
  value: unknown,
  code: 'ERR_MESSAGE_UNKNOWN' | 'ERR_FIELD_RANGE',
): Case {
  const isObject = typeof value === 'object' && value !== null;
  const type = isObject ? property(value, 'type') : undefined;
  const one = typeof type === 'string' ? byName.get(type) : undefined;
  if (one !== undefined) return one;
  const names = listOf([...byName.keys()], (name) => `'${String(name)}'`);
  throw new Problem(code, `type ${names}`, isObject ? type : value);
}

/** At most a dozen values, in words. */
export function listOf(values: readonly unknown[], show: (value: unknown) => string): string {
  const shown = values.slice(0, 12).map(show).join(', ');
  return values.length > 12 ? `${shown} …` : shown;
}
