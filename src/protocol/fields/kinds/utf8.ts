import { hasLoneSurrogate } from '../../../bytes/utf8.ts';
import { Problem, tooLong } from '../engine/problem.ts';
import {
  DEFAULT_MAX_BYTES,
  type Field,
  type FieldLimits,
  type Filled,
  maximum,
  type Nothing,
  type Size,
  type Until,
} from '../field.ts';
import type { Kind, Slots, Source } from '../kind.ts';
import { declare } from '../node.ts';
import { foreseenBy, isLiteral, isUntil, isUpTo, longest, mostBytes, sizeSource } from '../source.ts';
import { LONG, text } from './text.ts';

interface Utf8 {
  readonly size: Source;
  readonly max: number;
}

export const UTF8: Kind<Utf8> = {
  name: 'utf8',
  size: ({ size, max }) => longest(size, max, 1, 1),
  shape: ({ size, max }) => ({ is: 'text', length: size.extent, max }),
  call: ({ size, max }) => ({ maker: 'utf8', size: size.extent, max }),
  foreseen: ({ size }) => foreseenBy(size, 1),
  references: ({ size }) => size.references('size'),
  traits: ({ size }) => ({ takesRest: size.takesRest, mayTakeRest: size.mayTakeRest }),
  text: ({ size, max }) => mostBytes(size, max),

  read({ size, max }, walk) {
    const length = walk.measure(size, max, 'bytes');
    if (length === null) return null;
    const at = walk.take(length);
    return walk.text(at, walk.at);
  },

  write({ size, max }, value, walk) {
    if (walk.isNull(size, value)) return;
    const encoded = encodeText(value, limitOf(size, max, walk), walk.count.bind(walk, 'text'));
    walk.measured(size, encoded.length, max, 'bytes');
    walk.append(encoded);
    if (size.takesRest) walk.exhaust();
  },

  decode({ size, max }, out) {
    return out.measured(size, max, (length) => out.text(...out.run(size, length)));
  },

  encode({ size, max }, value, out) {
    out.unlessNull(size, value, () => {
      const close = size.reserveCode(out);
      const length = out.putText(out.here(), value, limitOf(size, max, out));
      const { min } = size.span(out);
      if (min > 0) out.refuse(`${length} < ${min}`);
      size.refuse?.(length, out);
      out.settle();
      out.line(`p += ${length};`);
      close(length);
      if (size.takesRest) out.exhaust();
    });
  },

  bound({ size, max }, value, out) {
    out.fixed(size.size.max);
    out.settle();
    out.line(
      `if (typeof ${value} === 'string') n += Math.min(3 * ${value}.length, ${mostBytes(size, max)});`,
    );
  },
};

/** The bytes of a text of at most `limit` bytes. `count` receives their number. */
export function encodeText(value: unknown, limit: number, count: (length: number) => void): Buffer {
  if (typeof value !== 'string') throw new Problem('ERR_FIELD_RANGE', 'a string', value);
  if (value.length > limit) {
    const actual = value.length > LONG ? value.length : Buffer.byteLength(value);
    throw tooLong(limit, actual, 'bytes');
  }
  if (hasLoneSurrogate(value)) {
    throw new Problem('ERR_MESSAGE_UTF8', 'text without a lone surrogate', value);
  }
  const encoded = Buffer.from(value);
  if (encoded.length > limit) throw tooLong(limit, encoded.length, 'bytes');
  count(encoded.length);
  return encoded;
}

function limitOf(size: Source, max: number, place: Slots): number {
  const { max: most } = size.span(place);
  return isLiteral(size) ? most : Math.min(max, most);
}

/**
 * Text in UTF-8; the size is in bytes. Malformed UTF-8 is refused, and so is a lone surrogate on encode. U+FEFF is kept, wherever
 * it stands.
 *
 * @example utf8(u8); utf8('length', { max: 64 }); utf8(until(constant(u8, 0x0a)));
 */
export function utf8<const S extends Size | Until>(
  size: S,
  limits: FieldLimits = {},
): Field<string | Nothing<S>, string | Nothing<S>, Filled<S>> {
  // A postponed text cannot be searched for its terminator or tell whether it took the rest: `text` writes at once.
  if (isUntil(size) || isUpTo(size)) return text(size, limits) as never;
  return declare(UTF8, { size: sizeSource(size, 'utf8'), max: maximum('utf8', limits, DEFAULT_MAX_BYTES) });
}
