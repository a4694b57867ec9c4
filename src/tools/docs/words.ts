import type { Extent, Presence, Tag } from '../../protocol/fields/kind.ts';
import { count, grouped, hexOf, join, say, type Text } from './block.ts';

/**
 * The length of a field, or the number of its elements, in words.
 *
 * @param prefix the name of the number right before it
 * @param behind what follows it, if it takes the rest and leaves room
 */
export function extentWords(extent: Extent, unit: string, prefix: string, behind?: string): Text {
  const { adjusted } = extent;
  const many = unit === 'byte' ? 'bytes' : `${unit}s`;
  const by: Text = adjusted === undefined ? [] : [adjustmentWords(adjusted)];
  const nothing: Text =
    adjusted?.nullAt === undefined
      ? []
      : [`; ${minus(adjusted.nullAt)} there means that there is no value (null)`];
  switch (extent.from) {
    case 'literal':
      return [count(extent.value, unit)];
    case 'prefix':
      return join([say`as many ${[many]} as ${prefix} says`, by, nothing], '');
    case 'path':
      return join([say`as many ${[many]} as ${extent.path} says`, by, nothing], '');
    case 'parameter':
      return join([say`as many ${[many]} as the parameter ${extent.name} says`, by, nothing], '');
    case 'rest': {
      const most = extent.upTo === undefined ? '' : `, at most ${count(extent.upTo, unit)}`;
      return behind === undefined
        ? [`all ${many} that are left${most}`]
        : say`all ${[many]} that are left before ${behind}${[most]}`;
    }
    case 'terminator':
      return say`all ${[many]} before the terminator ${hexOf(extent.bytes)} (hex), which follows them`;
    case 'last':
      return say`all ${[many]} up to the first whose ${extent.path} is ${valueText(extent.is)}, which is the last one`;
  }
}

function adjustmentWords({ add, unit }: { readonly add: number; readonly unit: number }): string {
  const times = unit === 1 ? '' : `, times ${grouped(unit)}`;
  return add === 0 ? times : `${times}, ${add < 0 ? 'minus' : 'plus'} ${grouped(Math.abs(add))}`;
}

/** What a number on the wire means in terms of the measured number: that number, minus 8, divided by 4. */
export function inverseWords({ add, unit }: { readonly add: number; readonly unit: number }): string {
  const less = add === 0 ? '' : `, ${add < 0 ? 'plus' : 'minus'} ${grouped(Math.abs(add))}`;
  return unit === 1 ? less : `${less}, divided by ${grouped(unit)}`;
}

/** A condition on an earlier field, or on a parameter. */
export function presenceWords({ field, parameter, is, range, not }: Presence): Text {
  const values = is.map((value): Text => [{ code: valueText(value) }]);
  const bounds = range === undefined ? [] : [[rangeWords(range)]];
  const all = join([...values, ...bounds], ' or ');
  const subject = parameter ? say`the parameter ${field}` : say`${field}`;
  const verb = not ? (is.length + bounds.length === 1 ? ' is not ' : ' is none of ') : ' is ';
  return join([subject, [verb], all], '');
}

function rangeWords({ min, max }: { readonly min: number; readonly max: number }): string {
  if (max === Number.POSITIVE_INFINITY) return `${minus(min)} or more`;
  return min === Number.NEGATIVE_INFINITY ? `${minus(max)} or less` : `${minus(min)} to ${minus(max)}`;
}

/** A value as code. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** A tag in decimal and hex: `1 (0x01)`. A name stays as it is. */
export function tagText(tag: Tag): string {
  if (typeof tag === 'string') return tag;
  const value = BigInt(tag);
  return value < 0n ? String(tag) : `${tag} (0x${value.toString(16).padStart(2, '0')})`;
}

function minus(value: number): string {
  return String(value).replace('-', '−');
}
