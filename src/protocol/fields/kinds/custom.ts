import { show } from '../../../bytes/show.ts';
import type { Declaration } from '../engine/declaration.ts';
import { foreignProblem, Problem } from '../engine/problem.ts';
import { ReadWalk } from '../engine/read-walk.ts';
import { WriteWalk } from '../engine/write-walk.ts';
import { type AnyField, type Field, type FieldIn, type FieldOut, valuedNodeOf } from '../field.ts';
import type { Kind } from '../kind.ts';
import { declare, hasTrait, link } from '../node.ts';

interface Custom {
  readonly definition: CustomField<unknown>;
  readonly min: number;
}

export const CUSTOM: Kind<Custom> = {
  name: 'custom',
  size: ({ min }) => ({ min, max: Number.POSITIVE_INFINITY }),
  shape: ({ definition }) => ({ is: 'opaque', name: definition.name }),
  // What it takes is its own business.
  traits: ({ min }) => ({ view: true, foreign: true, reads: true, mayBeEmpty: min === 0 }),

  read({ definition }, walk) {
    const cursor = new Cursor(walk.bytes, walk.start, walk.at, walk.end);
    const value = readCustom(definition, cursor);
    walk.at = cursor.at;
    return value;
  },

  write({ definition }, value, walk) {
    const room = sizeOf(definition, value);
    const at = walk.take(room);
    walk.at = writeCustom(definition, walk.target, 0, at, room, value);
  },

  decode({ definition }, out) {
    out.settle();
    const cursor = out.define(`new ${out.constant(Cursor)}(b, s, p, ${out.end})`);
    const value = out.define(`${out.constant(readCustom)}(${out.constant(definition)}, ${cursor})`);
    out.line(`p = ${cursor}.at;`);
    return { value };
  },

  encode({ definition }, value, out) {
    out.settle();
    const own = out.constant(definition);
    const room = out.define(`${out.constant(sizeOf)}(${own}, ${value})`);
    out.line(`p = ${out.constant(writeCustom)}(${own}, t, s, p, ${room}, ${value});`);
  },

  bound({ definition }, value, out) {
    out.settle();
    out.line(`n += ${out.constant(sizeOf)}(${out.constant(definition)}, ${value});`);
  },
};

/** What a custom field reads from. */
export interface ReadCursor {
  /** The chunk; only `[start, end)` is the frame's, or the enclosing `bounded`'s. */
  readonly bytes: Buffer;
  /** The start of the frame. */
  readonly start: number;
  readonly end: number;
  /** Where the next byte is read; move it past what is read. */
  at: number;
  /** Reserve `count` bytes and move behind them; answers where they begin. Refuses what is not there. */
  take(count: number): number;
  /** Read a declared field here and move behind it; it sees no field outside it. Its limits are the usual ones. */
  read<F extends AnyField>(field: F): FieldOut<F>;
  /** Refuse the bytes: `ERR_MESSAGE_VALUE` with these words. */
  fail(expected: string, actual?: unknown): never;
}

/** What a custom field writes to. */
export interface WriteCursor {
  /** The message so far, and the room that `size` asked for: zeros. */
  readonly target: Buffer;
  /** The start of the message in it. */
  readonly start: number;
  /** Where the next byte is written; move it past what is written. */
  at: number;
  /** Write a declared field here, within the room that `size` asked for, and move behind it. */
  write<F extends AnyField>(field: F, value: FieldIn<F>): void;
  /** Refuse the value: `ERR_FIELD_RANGE` with these words. */
  fail(expected: string, actual?: unknown): never;
}

/** How a custom field is read and written. */
export interface CustomField<Out, In = Out> {
  /** For errors and pictures: `'domain name'`. */
  name: string;
  read(cursor: ReadCursor): Out;
  write(cursor: WriteCursor, value: In): void;
  /** The most bytes `write` will take for the value. */
  size(value: In): number;
  /** The fewest bytes `read` takes; 0 unless given. */
  minSize?: number;
}

class Cursor implements ReadCursor {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  at: number;

  constructor(bytes: Buffer, start: number, at: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.at = at;
    this.end = end;
  }

  take(count: number): number {
    if (!(count >= 0) || count > this.end - this.at) {
      const expected = `${show(count)} byte${count === 1 ? '' : 's'}`;
      throw new Problem('ERR_MESSAGE_SHORT', expected, this.end - this.at, { at: this.at });
    }
    const at = this.at;
    this.at += count;
    return at;
  }

  read<F extends AnyField>(field: F): FieldOut<F> {
    const declaration = declarationOf(field);
    const walk = new ReadWalk(declaration, this.bytes, this.at, this.end);
    try {
      const value = walk.message();
      this.at = walk.at;
      return value as FieldOut<F>;
    } catch (error) {
      throw walk.error(error);
    }
  }

  fail(expected: string, actual?: unknown): never {
    throw new Problem('ERR_MESSAGE_VALUE', expected, actual, { at: this.at });
  }
}

/** The limits of what a cursor reads and writes. */
const LIMITS: Declaration['limits'] = Object.freeze({
  elements: 1_000_000,
  empty: 1_000,
  depth: undefined,
  text: 10_000_000,
});

const declarations: WeakMap<AnyField, Declaration> = new WeakMap();

/** A field as a cursor reads and writes it: judged once. */
function declarationOf(field: AnyField): Declaration {
  let declaration = declarations.get(field);
  if (declaration === undefined) {
    const root = valuedNodeOf(field, 'the field of a cursor', 'the field of a cursor');
    link(root);
    if (hasTrait(root, 'aligned')) {
      throw new TypeError('the field of a cursor: padding to a multiple has no fixed place in there');
    }
    declaration = { root, trailing: 'ignore', limits: LIMITS };
    declarations.set(field, declaration);
  }
  return declaration;
}

/** Read a custom field; whatever its `read` throws becomes a `Problem`. */
function readCustom(definition: CustomField<unknown>, cursor: Cursor): unknown {
  const start = cursor.at;
  try {
    const value = definition.read(cursor);
    if (Number.isInteger(cursor.at) && cursor.at >= start && cursor.at <= cursor.end) return value;
  } catch (error) {
    throw foreignProblem(error, 'ERR_MESSAGE_VALUE', definition.name, cursor.bytes, start);
  }
  const expected = `${definition.name} within the frame`;
  throw new Problem('ERR_MESSAGE_VALUE', expected, 'more', { at: start, got: 'more' });
}

/** The room that a value asks for: a whole number. */
function sizeOf(definition: CustomField<unknown>, value: unknown): number {
  let size: unknown;
  try {
    size = definition.size(value);
  } catch (error) {
    throw foreignProblem(error, 'ERR_FIELD_RANGE', definition.name);
  }
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  const expected = `a whole number of bytes from the size() of ${definition.name}`;
  throw new Problem('ERR_FIELD_RANGE', expected, size);
}

/** Write a custom field into the `room` bytes at `target[at]`; answers the offset behind it. */
function writeCustom(
  definition: CustomField<unknown>,
  target: Buffer,
  start: number,
  at: number,
  room: number,
  value: unknown,
): number {
  if (room > target.length - at) throw new Problem('ERR_FIELD_RANGE', definition.name, value);
  // It sees its own message only, and what it leaves out is zeros.
  const own = target.subarray(start, at + room);
  own.fill(0, at - start);
  const cursor: WriteCursor = {
    target: own,
    start: 0,
    at: at - start,
    write(field, given) {
      const { root, limits } = declarationOf(field);
      const walk = new WriteWalk(limits);
      try {
        walk.message(root, given);
      } catch (error) {
        throw walk.error(error);
      }
      const bytes = walk.bytes();
      if (bytes.length > own.length - cursor.at) {
        const expected = `at most ${room} bytes, as the size() of ${definition.name} said`;
        throw new Problem('ERR_FIELD_RANGE', expected, bytes.length);
      }
      own.set(bytes, cursor.at);
      cursor.at += bytes.length;
    },
    fail(expected: string, actual?: unknown): never {
      throw new Problem('ERR_FIELD_RANGE', expected, actual);
    },
  };
  try {
    definition.write(cursor, value);
  } catch (error) {
    throw foreignProblem(error, 'ERR_FIELD_RANGE', definition.name);
  }
  const end = start + cursor.at;
  if (Number.isInteger(end) && end >= at && end <= at + room) return end;
  const expected = `at most ${room} bytes, as the size() of ${definition.name} said`;
  throw new Problem('ERR_FIELD_RANGE', expected, end - at);
}

/** A field of your own. */
export function custom<Out, In = Out>(definition: CustomField<Out, In>): Field<Out, In> {
  for (const part of ['read', 'write', 'size'] as const) {
    if (typeof definition[part] !== 'function') throw new TypeError(`custom: ${part} must be a function`);
  }
  const min = definition.minSize ?? 0;
  if (!Number.isSafeInteger(min) || min < 0) {
    throw new RangeError(`custom: minSize must be a whole number, got ${show(min)}`);
  }
  return declare(CUSTOM, { definition: definition as CustomField<unknown>, min });
}
