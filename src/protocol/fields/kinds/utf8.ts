import { hasLoneSurrogate } from '../../../bytes/utf8.ts';
import { Problem, tooLong } from '../engine/problem.ts';
import {
  DEFAULT_MAX_BYTES,
  type Field,
  type FieldLimits,
  type Filled,
  maximum,
  type Size,
} from '../field.ts';
import type { Kind, Slots, Source } from '../kind.ts';
import { declare } from '../node.ts';
import { longest, mostBytes, sizeSource } from '../source.ts';

interface Utf8 {
  readonly size: Source;
  readonly max: number;
}

/** The bytes of a longer text are not counted to refuse it: there are at least as many as it has characters. */
const LONG = 1_000_000;

export const UTF8: Kind<Utf8> = {
  name: 'utf8',
  size: ({ size, max }) => longest(size, max, 1, 1),
  shape: ({ size, max }) => ({ is: 'text', length: size.extent, max }),
  references: ({ size }) => size.references('size'),
  traits: ({ size }) => ({ takesRest: size.takesRest, mayTakeRest: size.takesRest }),
  text: ({ size, max }) => mostBytes(size, max),

  read({ size, max }, walk) {
    const at = walk.take(walk.measure(size, max, 'bytes'));
    return walk.text(at, walk.at);
  },

  write({ size, max }, value, walk) {
    const encoded = encodeText(value, limitOf(size, max, walk), walk.count.bind(walk, 'text'));
    walk.measured(size, encoded.length, max, 'bytes');
    walk.append(encoded);
    if (size.takesRest) walk.exhaust();
  },

  decode({ size, max }, out) {
    const [from, to] = out.run(size, max);
    return { value: out.text(from, to) };
  },

  encode({ size, max }, value, out) {
    const close = size.reserveCode(out);
    const length = out.putText(out.here(), value, limitOf(size, max, out));
    if (size.range.min === size.range.max) out.refuse(`${length} !== ${size.range.min}`);
    out.settle();
    out.line(`p += ${length};`);
    close(length);
    if (size.takesRest) out.exhaust();
  },

  bound({ size, max }, value, out) {
    out.fixed(size.size.max);
    out.settle();
    out.line(
      `if (typeof ${value} === 'string') n += Math.min(3 * ${value}.length, ${mostBytes(size, max)});`,
    );
  },
};

/** The bytes of a text, of which there may be so many. */
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
  const { min, max: most } = size.range;
  return min === most ? most : Math.min(max, size.most(place));
}

/**
 * Text in UTF-8; the size is in bytes. Malformed UTF-8 is refused, as is a lone surrogate on encode; U+FEFF is
 * text, wherever it stands.
 *
 * @example utf8(u8); utf8('length', { max: 64 });
 */
export function utf8<const S extends Size>(
  size: S,
  limits: FieldLimits = {},
): Field<string, string, Filled<S>> {
  return declare(UTF8, { size: sizeSource(size, 'utf8'), max: maximum(limits, DEFAULT_MAX_BYTES) });
}
