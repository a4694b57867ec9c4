import { show } from '../../../bytes/show.ts';
import { checkSpelling, requireObjectOf } from '../../../options.ts';
import type { Declaration } from '../engine/declaration.ts';
import { foreignProblem, Problem, tooLong } from '../engine/problem.ts';
import { ReadWalk } from '../engine/read-walk.ts';
import { WriteWalk } from '../engine/write-walk.ts';
import { type AnyField, type Field, type FieldIn, type FieldOut, valuedNodeOf } from '../field.ts';
import type { Kind, NodeOf, Range, Slot } from '../kind.ts';
import { declare, hasTrait, link } from '../node.ts';
import { isInRange, requireInRange } from './integer.ts';

interface Custom {
  readonly definition: CustomField<unknown>;
  readonly min: number;
  readonly max: number;
  readonly range: Range | undefined;
}

export const CUSTOM: Kind<Custom> = {
  name: 'custom',
  size: ({ min, max }) => ({ min, max }),
  shape: ({ definition }) => ({ is: 'opaque', name: definition.name }),
  call: ({ definition, min, max, range }) => ({
    ...{ maker: 'custom', name: definition.name, minSize: min, maxSize: max },
    ...{ range, definition },
  }),
  // The definition alone says which numbers the field holds.
  range: ({ range }) => range,
  tag: (node) =>
    node.range && {
      node,
      raw: (tag) => (isInRange(tag, node.range!) ? (tag as number) : undefined),
    },
  slot: slotOf,
  traits: ({ min }) => ({ view: true, foreign: true, reads: true, mayBeEmpty: min === 0 }),

  read(node, walk) {
    const cursor = new Cursor(walk.bytes, walk.start, walk.at, walk.end);
    const value = readCustom(node, cursor);
    walk.at = cursor.at;
    return value;
  },

  write(node, value, walk) {
    const room = sizeOf(node, value);
    const at = walk.take(room);
    const end = writeCustom(node, walk.target, 0, at, room, value);
    walk.at = end;
    walk.written = () => readBack(node, walk.target, 0, at, end);
  },

  decode(node, out) {
    out.settle();
    const cursor = out.define(`new ${out.constant(Cursor)}(b, s, p, ${out.end})`);
    const value = out.define(`${out.constant(readCustom)}(${out.constant(node)}, ${cursor})`);
    out.line(`p = ${cursor}.at;`);
    return { value };
  },

  encode(node, value, out) {
    out.settle();
    const own = out.constant(node);
    const room = out.define(`${out.constant(sizeOf)}(${own}, ${value})`);
    const at = out.define('p');
    out.line(`p = ${out.constant(writeCustom)}(${own}, t, s, p, ${room}, ${value});`);
    const end = out.define('p');
    out.written = `${out.constant(readBack)}(${own}, t, s, ${at}, ${end})`;
  },

  bound(node, value, out) {
    out.settle();
    out.line(`n += ${out.constant(sizeOf)}(${out.constant(node)}, ${value});`);
  },
};

/** What a custom field reads from. */
export interface ReadCursor {
  /** The chunk. Only `[start, end)` belongs to the frame, or to the enclosing `bounded`. */
  readonly bytes: Buffer;
  /** The start of the frame. */
  readonly start: number;
  readonly end: number;
  /** The offset of the next byte; move it past the bytes you read. */
  at: number;
  /** Reserve `count` bytes and move past them; returns where they begin. Refuses if fewer are there. */
  take(count: number): number;
  /** Read a declared field here and move past it. The field cannot refer to fields outside it, and has the default limits. */
  read<F extends AnyField>(field: F): FieldOut<F>;
  /** Refuse the bytes: `ERR_MESSAGE_VALUE` with these words. */
  fail(expected: string, actual?: unknown): never;
}

/** What a custom field writes to. */
export interface WriteCursor {
  /** The message so far, and as many zeros as `size` asked for. */
  readonly target: Buffer;
  /** The offset of the message in it. */
  readonly start: number;
  /** The offset of the next byte; move it past the bytes you write. */
  at: number;
  /** Write a declared field here, within the room that `size` asked for, and move past it. */
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
  /** The most bytes that `write` takes for the value. */
  size(value: In): number;
  /** The fewest bytes that `read` takes. Default 0. */
  minSize?: number;
  /** The most bytes that the field takes. Default: no limit. A size, and a field before the tag, need one. */
  maxSize?: number;
  /** The whole numbers that the field may hold. With a range and `maxSize` the field may be a size, a count or a tag. */
  range?: { readonly min: number; readonly max: number };
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

const PARTS = ['name', 'read', 'write', 'size', 'minSize', 'maxSize', 'range'];

/** The limits of fields that a cursor reads and writes. */
const LIMITS: Declaration['limits'] = Object.freeze({
  elements: 1_000_000,
  empty: 1_000,
  depth: undefined,
  text: 10_000_000,
  summed: undefined,
});

const declarations: WeakMap<AnyField, Declaration> = new WeakMap();

/** The declaration of a field for cursors; checked once. */
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

/** Read a custom field; anything that its `read` throws becomes a `Problem`. */
function readCustom({ definition, min, max, range }: Custom, cursor: Cursor): unknown {
  const { at: start, end } = cursor;
  let value: unknown;
  try {
    value = definition.read(cursor);
  } catch (error) {
    throw foreignProblem(error, 'ERR_MESSAGE_VALUE', definition.name, cursor.bytes, start);
  }
  const { at } = cursor;
  if (!(Number.isInteger(at) && at >= start && at <= end)) {
    const expected = `${definition.name} within the frame`;
    throw new Problem('ERR_MESSAGE_VALUE', expected, 'more', { got: 'more' });
  }
  // Room for the fields that follow, and the most elements that fit, may have been computed from these sizes.
  if (at - start > max || at - start < min) {
    throw new Problem('ERR_MESSAGE_VALUE', sizeText(definition, min, max), at - start);
  }
  if (range !== undefined && !isInRange(value, range)) {
    const expected = `a whole number from ${range.min} to ${range.max} from the read() of ${definition.name}`;
    throw new Problem('ERR_MESSAGE_VALUE', expected, value);
  }
  return value;
}

/** What the bytes of a field that was written are decoded to. */
function readBack(node: Custom, target: Uint8Array, start: number, at: number, end: number): unknown {
  const { buffer, byteOffset, length } = target;
  return readCustom(node, new Cursor(Buffer.from(buffer, byteOffset, length), start, at, end));
}

function sizeText({ name }: CustomField<unknown>, min: number, max: number): string {
  const most = max === Number.POSITIVE_INFINITY ? 'or more' : `to ${max}`;
  return `${min === max ? min : `${min} ${most}`} bytes for ${name}`;
}

/** The room that a value asks for: a whole number. */
function sizeOf({ definition, max }: Custom, value: unknown): number {
  let size: unknown;
  try {
    size = definition.size(value);
  } catch (error) {
    throw foreignProblem(error, 'ERR_FIELD_RANGE', definition.name);
  }
  if (Number.isSafeInteger(size) && (size as number) >= 0) {
    if ((size as number) <= max) return size as number;
    throw tooLong(max, size, 'bytes');
  }
  const expected = `a whole number of bytes from the size() of ${definition.name}`;
  throw new Problem('ERR_FIELD_RANGE', expected, size);
}

/** Write a custom field into the `room` bytes at `target[at]`; returns the offset after it. */
function writeCustom(
  { definition, min, max, range }: Custom,
  target: Buffer,
  start: number,
  at: number,
  room: number,
  value: unknown,
): number {
  if (range !== undefined) requireInRange(value, range);
  if (room > target.length - at) throw new Problem('ERR_FIELD_RANGE', definition.name, value);
  // The field sees only its own message; bytes that it does not write are zeros.
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
  if (Number.isInteger(end) && end >= at && end <= at + room) {
    if (end - at >= min) return end;
    throw new Problem('ERR_FIELD_RANGE', sizeText(definition, min, max), end - at);
  }
  const expected = `at most ${room} bytes, as the size() of ${definition.name} said`;
  throw new Problem('ERR_FIELD_RANGE', expected, end - at);
}

/** The slot of a field of fixed width; `write` sees no other bytes. */
function slotOf(node: NodeOf<Custom>): Slot | undefined {
  const { min: width, max, range } = node;
  if (range === undefined || width !== max) return undefined;
  return {
    ...{ width, order: 'be', ...range },
    put(target, at, value) {
      writeCustom(node, target as Buffer, at, at, width, value);
    },
  };
}

/**
 * A field of your own.
 *
 * @throws TypeError or RangeError for a missing function, and for sizes and ranges whose minimum exceeds their maximum
 *
 * @example
 * bytes(custom({ name: 'two digits', minSize: 2, maxSize: 2, range: { min: 0, max: 99 }, read, write, size: () => 2 }));
 */
export function custom<Out, In = Out>(definition: CustomField<Out, In>): Field<Out, In> {
  requireObjectOf('custom', 'an object with read, write and size', definition);
  checkSpelling('custom', definition, PARTS);
  for (const part of ['read', 'write', 'size'] as const) {
    if (typeof definition[part] !== 'function') throw new TypeError(`custom: ${part} must be a function`);
  }
  const min = definition.minSize ?? 0;
  if (!Number.isSafeInteger(min) || min < 0) {
    throw new RangeError(`custom: minSize must be a whole number, got ${show(min)}`);
  }
  const { maxSize: max = Number.POSITIVE_INFINITY, range } = definition;
  if (max !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(max) || max < min)) {
    throw new RangeError(`custom: maxSize must be a whole number of ${min} or more, got ${show(max)}`);
  }
  if (range !== undefined) {
    requireObjectOf('custom: range', 'whole numbers, the lower one first', range);
    const { min: least, max: most } = range;
    if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most) || least > most) {
      throw new RangeError(`custom: range: expected whole numbers, the lower one first, got ${show(range)}`);
    }
    if (max === Number.POSITIVE_INFINITY) throw new TypeError('custom: range: a number needs a maxSize');
  }
  return declare(CUSTOM, {
    definition: definition as CustomField<unknown>,
    min,
    max,
    range: range && Object.freeze({ min: range.min, max: range.max }),
  });
}
