import { show, showTag } from '../../../bytes/show.ts';
import { checkOptions, oneOf, requireObjectOf } from '../../../options.ts';
import { Problem } from '../engine/problem.ts';
import { type Field, nodeOf } from '../field.ts';
import type { AnyNode, Kind } from '../kind.ts';
import { declare } from '../node.ts';
import { listOf } from './cases.ts';
import { isInRange } from './integer.ts';

interface Enumeration {
  /** An integer or a varint. */
  readonly base: AnyNode;
  readonly byName: ReadonlyMap<string, number>;
  readonly byValue: ReadonlyMap<number, string>;
  /** A value without a name is refused. */
  readonly closed: boolean;
}

export const ENUMERATION: Kind<Enumeration> = {
  name: 'enumeration',
  size: ({ base }) => base.facts.size,
  shape({ base, byName, byValue, closed }) {
    const shape = base.kind.shape(base);
    // The names of what the program makes of a number.
    if (shape.is === 'inside' && shape.made !== undefined) {
      const { made } = shape;
      return {
        ...shape,
        names: { byValue, closed },
        name: listOf([...byName.keys()], (name) => `'${String(name)}'`),
        made(raw) {
          const value = made(raw);
          const name = byValue.get(value as number);
          if (name === undefined && closed)
            throw new Problem('ERR_MESSAGE_VALUE', 'a value with a name', value);
          return name ?? value;
        },
      };
    }
    const hasNames = shape.is === 'integer' || shape.is === 'varint' || shape.is === 'digits';
    return hasNames ? { ...shape, names: { byValue, closed } } : shape;
  },
  call: ({ base, byName, closed }) => ({
    ...{ maker: 'enumeration', base, names: byName },
    unknown: closed ? 'reject' : 'keep',
  }),
  tag: ({ base, byName }) => ({ node: base, raw: (tag) => byName.get(tag as string) }),
  slot({ base, byName, byValue, closed }) {
    const slot = base.kind.slot?.(base);
    return slot && { ...slot, byName, needed: closed && !byValue.has(0) };
  },

  read({ base, byValue, closed }, walk) {
    const at = walk.at;
    const raw = walk.value(base) as number;
    const name = byValue.get(raw);
    if (name !== undefined) return name;
    if (!closed) return raw;
    const expected = listOf([...byValue.keys()], showTag);
    throw new Problem('ERR_MESSAGE_VALUE', expected, raw, { at, got: showTag(raw) });
  },

  write({ base, byName, byValue, closed }, value, walk) {
    const raw = byName.get(value as string);
    if (raw !== undefined) {
      walk.value(base, raw);
      return;
    }
    if (!closed && typeof value === 'number') {
      const name = byValue.get(value);
      if (name !== undefined) throw new Problem('ERR_FIELD_RANGE', `the name '${name}'`, value);
      walk.value(base, value);
      return;
    }
    const names = listOf([...byName.keys()], (name) => `'${String(name)}'`);
    throw new Problem('ERR_FIELD_RANGE', `one of ${names}`, value);
  },

  decode({ base, byValue, closed }, out) {
    const raw = out.value(base).value;
    const values = [...byValue.keys()];
    const isSmall = values.every((value) => value >= 0 && value < 256);
    const names = isSmall && Array.from({ length: 256 }, (_, value) => byValue.get(value));
    const name = out.define(
      names
        ? `${raw} >= 0 && ${raw} < 256 ? ${out.constant(names)}[${raw}] : undefined`
        : `${out.constant(byValue)}.get(${raw})`,
    );
    if (!closed) return { value: `(${name} === undefined ? ${raw} : ${name})` };
    out.fail(`${name} === undefined`);
    return { value: name };
  },

  encode({ base, byName, byValue, closed }, value, out) {
    const raw = out.define(`${out.constant(byName)}.get(${value})`, 'let');
    out.line(`if (${raw} === undefined) {`);
    if (!closed) {
      out.refuse(`typeof ${value} !== 'number' || ${out.constant(byValue)}.has(${value})`);
      out.line(`${raw} = ${value};`);
    } else out.line('return -1;');
    out.line('}');
    out.value(base, raw, closed);
  },
};

/**
 * An integer that stands for a name.
 *
 * `unknown: 'reject'` (the default) refuses a value without a name; `'keep'` decodes and encodes it as a number.
 *
 * @example enumeration(u8, { off: 0, on: 1 }); // 'off' | 'on'
 */
export function enumeration<const V extends Readonly<Record<string, number>>>(
  base: Field<number>,
  values: V,
): Field<keyof V & string>;
export function enumeration<
  const V extends Readonly<Record<string, number>>,
  const U extends 'reject' | 'keep',
>(
  base: Field<number>,
  values: V,
  options: { unknown: U },
): Field<U extends 'keep' ? (keyof V & string) | number : keyof V & string>;
export function enumeration(
  base: Field<number>,
  values: Readonly<Record<string, number>>,
  options: { unknown?: 'reject' | 'keep' } = {},
  // biome-ignore lint/suspicious/noExplicitAny: the types are the overloads'
): any {
  checkOptions('enumeration', options, { unknown: oneOf('reject', 'keep') });
  const node = nodeOf(base, 'enumeration');
  const range = node.kind.range?.(node);
  if (range === undefined || range.big) {
    throw new TypeError(
      `enumeration: expected an integer field of at most 32 bits or a varint, got ${node.kind.name}`,
    );
  }
  requireObjectOf('enumeration', 'an object of names and numbers', values);
  const names = Object.entries(values);
  if (names.length === 0) throw new TypeError('enumeration: at least one name is needed');
  const byValue = new Map<number, string>();
  for (const [name, value] of names) {
    if (!isInRange(value, range)) {
      throw new RangeError(
        `enumeration: ${name}: expected a whole number from ${range.min} to ${range.max}, got ${show(value)}`,
      );
    }
    const other = byValue.get(value);
    if (other !== undefined) throw new RangeError(`enumeration: ${other} and ${name} are both ${value}`);
    byValue.set(value, name);
  }
  return declare(ENUMERATION, {
    base: node,
    byName: new Map(names),
    byValue,
    closed: options.unknown !== 'keep',
  });
}
