import { showTag } from '../../../bytes/show.ts';
import { Problem } from '../engine/problem.ts';
import { property } from '../engine/property.ts';
import type { Fields, MessageTable } from '../field.ts';
import type { Case, Source, Tag } from '../kind.ts';
import { requireTag } from '../source.ts';
import { caseGroup } from './struct.ts';

/** Structures told apart by a tag: what `union` and `messages` share. */
export interface Cases {
  readonly tag: Source;
  readonly cases: readonly Case[];
  readonly byTag: ReadonlyMap<Tag, Case>;
  readonly byName: ReadonlyMap<string, Case>;
}

/** The cases of a table, judged; `header` are fields that stand before the tag, in each of them. */
export function casesOf(tag: Source, table: MessageTable, header: Fields): Cases {
  const byTag = new Map<Tag, Case>();
  const byName = new Map<string, Case>();
  for (const [name, { tag: value, fields }] of Object.entries(table)) {
    for (const key of Object.keys(fields)) {
      if (key === 'type')
        throw new RangeError(`${name}: no field can be named 'type'; that is the name's place`);
      if (Object.hasOwn(header, key)) throw new RangeError(`${name}: the header has a field '${key}' too`);
    }
    if (!['number', 'bigint', 'string'].includes(typeof value)) {
      throw new TypeError(`${name}: a tag is a number, a bigint or a name`);
    }
    requireTag(tag, value, name);
    const other = byTag.get(value);
    if (other !== undefined) throw new RangeError(`${other.name} and ${name} have the same tag, ${value}`);
    const all = Object.fromEntries([...Object.entries(header), ...Object.entries(fields as Fields)]);
    const one = { name, tag: value, group: caseGroup(all, name) };
    byTag.set(value, one);
    byName.set(name, one);
  }
  if (byName.size === 0) throw new TypeError('at least one case is needed');
  return { tag, cases: [...byName.values()], byTag, byName };
}

/** The case of a tag that was read. */
export function caseOfTag(
  { byTag }: Cases,
  tag: unknown,
  code: 'ERR_MESSAGE_UNKNOWN' | 'ERR_MESSAGE_VALUE',
  at: number,
): Case {
  const one = byTag.get(tag as Tag);
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
