import { lengthOf } from '../../../bytes/length-of.ts';
import { Problem } from '../engine/problem.ts';
import {
  DEFAULT_MAX_BYTES,
  type Field,
  type FieldLimits,
  type Filled,
  maximum,
  type Nothing,
  rest,
  type Size,
  type Until,
} from '../field.ts';
import type { Kind, Source } from '../kind.ts';
import { declare } from '../node.ts';
import { endedSource, foreseenBy, longest, mostBytes, sizeSource } from '../source.ts';

interface Bytes {
  readonly size: Source;
  readonly max: number;
  /** A missing value counts as empty: the bytes that `trailing: 'keep'` keeps. */
  readonly orEmpty: boolean;
}

const EMPTY: Uint8Array = new Uint8Array(0);

export const BYTES: Kind<Bytes> = {
  name: 'bytes',
  size: ({ size, max }) => longest(size, max, 1, 1),
  shape: ({ size, max, orEmpty }) => ({
    is: 'bytes',
    length: size.extent,
    max,
    ...(orEmpty && { mayBeMissing: true }),
  }),
  call: ({ size, max }) => ({ maker: 'bytes', size: size.extent, max }),
  foreseen: ({ size }) => foreseenBy(size, 1),
  references: ({ size }) => size.references('size'),
  traits: ({ size, orEmpty }) => ({
    view: true,
    takesRest: size.takesRest,
    mayTakeRest: size.mayTakeRest,
    mayBeEmpty: orEmpty,
  }),

  read({ size, max }, walk) {
    const length = walk.measure(size, max, 'bytes');
    if (length === null) return null;
    const at = walk.take(length);
    const end = walk.at;
    size.readEnd?.(walk);
    return walk.bytes.subarray(at, end);
  },

  write({ size, max, orEmpty }, value, walk) {
    if (walk.isNull(size, value)) return;
    const bytes = orEmpty && value === undefined ? EMPTY : value;
    if (!(bytes instanceof Uint8Array)) throw new Problem('ERR_FIELD_RANGE', 'a Uint8Array', value);
    walk.measured(size, lengthOf(bytes), max, 'bytes');
    const start = walk.at;
    walk.append(bytes);
    size.writeEnd?.(walk, start);
    if (size.takesRest) walk.exhaust();
  },

  decode({ size, max }, out) {
    return out.measured(size, max, (length) => {
      const [from, to] = out.run(size, length);
      const view = out.define(`b.subarray(${from}, ${to})`);
      size.decodeEnd?.(out);
      return view;
    });
  },

  encode({ size, max, orEmpty }, value, out) {
    out.unlessNull(size, value, () => {
      const bytes = orEmpty
        ? out.define(`${value} === undefined ? ${out.constant(EMPTY)} : ${value}`)
        : value;
      out.refuse(`!(${bytes} instanceof Uint8Array)`);
      const length = out.define(`${out.constant(lengthOf)}(${bytes})`);
      out.measured(size, length, max);
      out.settle();
      const start = size.encodeEnd && out.define('p');
      out.line(`${out.constant(copyBytes)}(t, p, ${bytes}, ${length});`);
      out.line(`p += ${length};`);
      if (start !== undefined) size.encodeEnd!(out, start);
      if (size.takesRest) out.exhaust();
    });
  },

  bound({ size, max }, value, out) {
    out.fixed(size.size.max);
    out.settle();
    out.line(`if (${value} instanceof Uint8Array) n += Math.min(${value}.length, ${mostBytes(size, max)});`);
  },
};

// For a few bytes a loop is faster than a call into the runtime.
function copyBytes(target: Buffer, at: number, bytes: Uint8Array, length: number): void {
  if (length > 32) target.set(bytes, at);
  else for (let index = 0; index < length; index++) target[at + index] = bytes[index]!;
}

/**
 * Raw bytes. Decoding gives a *view* of the bytes received, not a copy: copy it to keep it.
 *
 * @example bytes(16); bytes(u8); bytes('length'); bytes(rest, { max: 4096 }); bytes(until(constant(u8, 0)));
 */
export function bytes<const S extends Size | Until>(
  size: S,
  limits: FieldLimits = {},
): Field<Buffer | Nothing<S>, Uint8Array | Nothing<S>, Filled<S>> {
  const max = maximum('bytes', limits, DEFAULT_MAX_BYTES);
  return declare(BYTES, { size: endedSource(size, 'bytes'), max, orEmpty: false });
}

/** What is left of a frame; a message without a value for it has none left. */
export function trailingBytes(): Field<Buffer> {
  return declare(BYTES, { size: sizeSource(rest, 'bytes'), max: DEFAULT_MAX_BYTES, orEmpty: true });
}
