import { show } from '../../../bytes/show.ts';
import { anything, checkOptions } from '../../../options.ts';
import { Problem } from '../engine/problem.ts';
import {
  type Absent,
  DEFAULT_MAX_BYTES,
  type Field,
  type FieldLimits,
  maximum,
  type Read,
  type Size,
} from '../field.ts';
import type { Kind, Source, Writing } from '../kind.ts';
import { declare } from '../node.ts';
import { foreseenBy, isLiteral, isUpTo, longest, sizeSource } from '../source.ts';

interface Padding {
  readonly size: Source;
  readonly max: number;
  /** The multiple to pad to; 0 if a size is given. */
  readonly to: number;
  /** Where the offset is counted from. */
  readonly from: 'structure' | 'frame';
}

export const PADDING: Kind<Padding> = {
  name: 'padding',
  size: ({ size, max, to }) => (to === 0 ? longest(size, max, 1, 1) : { min: 0, max: to - 1 }),
  shape({ size, max, to, from }) {
    if (to > 0) return { is: 'fixed', bytes: new Uint8Array(0), to, from, unchecked: true };
    if (isLiteral(size)) return { is: 'fixed', bytes: new Uint8Array(size.range.max), unchecked: true };
    return { is: 'filling', length: size.extent, max };
  },
  call: ({ size, max, to, from }) => ({ maker: 'padding', size: to > 0 ? { to, from } : size.extent, max }),
  foreseen: ({ size }) => foreseenBy(size, 1),
  references: ({ size }) => size.references('given'),
  traits: ({ size, to, from }) => ({
    absent: true,
    aligned: to > 0 && from === 'frame',
    measured: from === 'structure',
    takesRest: size.takesRest,
    mayTakeRest: size.mayTakeRest,
  }),

  read({ size, max, to, from }, walk) {
    const start = from === 'structure' ? walk.groupStart : walk.start;
    walk.take(to > 0 ? upTo(to, walk.at - start) : walk.measure(size, max, 'bytes')!);
    return undefined;
  },

  write({ size, max, to, from }, _, walk) {
    const start = from === 'structure' ? walk.groupStart : 0;
    const count = to > 0 ? upTo(to, walk.at - start) : givenSize(size, walk);
    if (to === 0 && size.extent.from === 'prefix') walk.measured(size, count, max, 'bytes');
    else if (to === 0 && count > max)
      throw new Problem('ERR_FIELD_TOO_LONG', `at most ${max} bytes`, count, { limit: max });
    const at = walk.take(count);
    walk.target.fill(0, at, at + count);
    if (size.takesRest) walk.exhaust();
  },

  decode({ size, max, to, from }, out) {
    if (to > 0) {
      out.settle();
      const start = from === 'structure' ? out.groupStart : 's';
      out.line(`p += (${to} - ((p - (${start})) % ${to})) % ${to};`);
      out.fail(`p > ${out.end}`);
    } else if (isLiteral(size)) {
      out.need(size.range.max);
      out.advance(size.range.max);
    } else out.run(size, out.measure(size, max));
    return { value: 'undefined' };
  },

  encode({ size, max, to, from }, _, out) {
    if (to === 0 && isLiteral(size)) {
      const { max: count } = size.range;
      out.line(`t.fill(0, ${out.here()}, ${out.here(count)});`);
      out.advance(count);
      return;
    }
    if (to > 0) {
      out.settle();
      const start = from === 'structure' ? out.groupStart : 's';
      fill(out.define(`(${to} - ((p - (${start})) % ${to})) % ${to}`));
      return;
    }
    const given = size.givenCode?.(out);
    if (given === undefined) {
      const count = String(Math.max(0, size.takesRest ? 0 : size.range.min));
      if (!size.takesRest) out.measured(size, count, max);
      out.settle();
      fill(count);
      if (size.takesRest) out.exhaust();
      return;
    }
    const count = out.define(given);
    out.refuse(`!(Number.isInteger(${count}) && ${count} >= 0 && ${count} <= ${max})`);
    out.settle();
    fill(count);

    function fill(count: string): void {
      out.line(`t.fill(0, p, p + ${count});`);
      out.line(`p += ${count};`);
    }
  },

  bound({ size, max, to }, _, out) {
    const given = to === 0 && !isLiteral(size) ? size.givenCode?.(out) : undefined;
    if (given === undefined) {
      out.fixed(
        to > 0 ? to - 1 : size.size.max + Math.max(0, Number.isFinite(size.range.min) ? size.range.min : 0),
      );
      return;
    }
    out.settle();
    const count = out.define(given);
    out.line(`if (typeof ${count} === 'number' && ${count} > 0) n += Math.min(Math.ceil(${count}), ${max});`);
  },
};

/** How many bytes lie between an offset in the frame and the next multiple. */
function upTo(to: number, offset: number): number {
  return (to - (offset % to)) % to;
}

/** The number of bytes that the message gives; the fewest possible if it gives none. */
function givenSize(size: Source, walk: Writing): number {
  if (size.takesRest) return 0;
  if (size.extent.from === 'prefix') return Math.max(0, size.range.min);
  const count = size.given!(walk);
  if (Number.isInteger(count) && (count as number) >= 0) return count as number;
  throw new Problem('ERR_FIELD_RANGE', 'a size of 0 or more bytes in the field that gives it', count);
}

/**
 * Bytes without meaning: written as zeros, ignored on decode, not part of the message. `{ to: 4 }` pads to the next multiple of
 * four, counted from the start of the frame, or of the structure with `from: 'structure'`. A size that is the path of an earlier
 * field is not filled in: the message gives it.
 *
 * @example padding(3); padding({ to: 4 }); padding({ to: 8, from: 'structure' }); padding('padLength');
 */
export function padding<const S extends Size | { to: number; from?: 'structure' | 'frame' }>(
  size: S,
  limits: FieldLimits = {},
): Field<Absent, Absent, Read<S>> {
  const isMultiple = typeof size === 'object' && size !== null && Object.hasOwn(size, 'to');
  const to = isMultiple ? (size as { to: number }).to : 0;
  if (isMultiple && !(Number.isSafeInteger(to) && to > 0)) {
    throw new RangeError(`padding: expected { to: n } with n of 1 or more, got ${show(size)}`);
  }
  if (isMultiple) checkOptions('padding', size, { to: anything, from: anything });
  const from = (isMultiple && (size as { from?: 'structure' | 'frame' }).from) || 'frame';
  if (from !== 'structure' && from !== 'frame') {
    throw new TypeError(`padding: from: expected 'structure' or 'frame', got ${show(from)}`);
  }
  const source = sizeSource(isMultiple ? 0 : (size as Size), 'padding');
  if (isUpTo(size)) throw new TypeError('padding: size(rest, { upTo }) is for fields with a value');
  if (source.nullable)
    throw new TypeError('padding: a size with nullAt makes no sense for a field without a value');
  return declare(PADDING, { size: source, max: maximum('padding', limits, DEFAULT_MAX_BYTES), to, from });
}
