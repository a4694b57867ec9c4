import { asBuffer } from '../../../bytes/buffer.ts';
import { decodeUtf8, utf8FaultAt } from '../../../bytes/utf8.ts';
import type { FrameError, MessageError } from '../../../errors.ts';
import {
  type IntNode,
  type Node,
  type SizeNode,
  type StructNode,
  sizes,
  tagText,
  type UnionNode,
  type VarintNode,
} from '../field-nodes.ts';
import type { Condition, CustomField, ReadCursor } from '../fields.ts';
import { Fault, type Path, pathText, readingError } from './problem.ts';

/** One field of a frame: what it is called, where it lies, and what it says. */
export interface Span {
  /** `items[3].key`; empty for the message itself, and for its tag `type`. */
  readonly path: string;
  readonly kind: string;
  /** The first byte, counted from the start of the frame. */
  readonly start: number;
  /** The byte behind the last. */
  readonly end: number;
  readonly value: unknown;
}

/** A frame, taken apart: every field that could be read, outer before inner, and the value or the error. */
export interface Trace<Out> {
  readonly spans: readonly Span[];
  readonly value: Out | undefined;
  readonly error: MessageError | FrameError | undefined;
}

/** What is behind a complete message: an error, nothing of interest, or the message's `trailing` bytes. */
export type Trailing = 'reject' | 'ignore' | 'keep';

/** A whole declaration: what a frame holds. */
export interface Declaration {
  readonly root: Node;
  readonly trailing: Trailing;
}

/**
 * Take a frame apart, slowly, field by field. Never throws for what the bytes hold.
 *
 * @example
 * for (const span of trace(drone.clientMessages, frame).spans) {
 *   console.log(span.start, span.end, span.path, span.value);
 * }
 */
export function trace<Out>(
  codec: { readonly declaration: Declaration; decode(bytes: Buffer): Out },
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Trace<Out> {
  const spans: Span[] = [];
  const walk = new Walk(asBuffer(bytes), start, end, spans);
  try {
    return { spans, value: walk.message(codec.declaration) as Out, error: undefined };
  } catch (error) {
    // Those that were begun and not ended are gaps.
    return { spans: spans.filter((span) => span !== undefined), value: undefined, error: walk.error(error) };
  }
}

/** Decode by walking; throws a `MessageError`, or a `FrameError` for a wrong checksum. */
export function decodeByWalking(
  declaration: Declaration,
  bytes: Buffer,
  start: number,
  end: number,
): unknown {
  const walk = new Walk(bytes, start, end, undefined);
  try {
    return walk.message(declaration);
  } catch (error) {
    throw walk.error(error);
  }
}

/** The fields of one structure that have been read, and those round it. */
class Scope {
  readonly values: Map<string, unknown> = new Map();
  readonly places: Map<string, { start: number; end: number }> = new Map();
  readonly outer: Scope | undefined;

  constructor(outer: Scope | undefined) {
    this.outer = outer;
  }

  value(name: string): unknown {
    if (this.values.has(name)) return this.values.get(name);
    return this.outer?.value(name);
  }

  holds(condition: Condition): boolean {
    const [name = '', member] = condition.field.split('.');
    const value = this.value(name);
    const found = member === undefined ? value : (value as Record<string, unknown>)[member];
    return condition.is.includes(found as never);
  }
}

class Walk {
  readonly bytes: Buffer;
  readonly start: number;
  at: number;
  end: number;
  readonly path: Path = [];
  messageType: string | undefined;
  depth = 0;
  readonly spans: Span[] | undefined;

  constructor(bytes: Buffer, start: number, end: number, spans: Span[] | undefined) {
    this.bytes = bytes;
    this.start = start;
    this.at = start;
    this.end = end;
    this.spans = spans;
  }

  error(thrown: unknown): MessageError | FrameError {
    if (!(thrown instanceof Fault)) throw thrown;
    const frame = { bytes: this.bytes, start: this.start, end: this.frameEnd };
    return readingError(thrown, this.path, this.messageType, frame, thrown.at ?? this.at);
  }

  frameEnd = 0;

  message({ root, trailing }: Declaration): unknown {
    this.frameEnd = this.end;
    const index = this.open();
    let value: unknown;
    if (root.kind === 'union' && typeof root.tag !== 'string') {
      if (this.at === this.end) throw new Fault('ERR_MESSAGE_EMPTY', 'a message of at least 1 byte', 0);
      value = this.union(root, undefined, 'ERR_MESSAGE_UNKNOWN');
    } else value = this.field(root, undefined);
    if (trailing === 'reject' && this.at < this.end) {
      throw this.trailing('the end of the frame');
    }
    this.close(index, 'message', this.start, value);
    return value;
  }

  trailing(expected: string): Fault {
    const left = this.end - this.at;
    return new Fault('ERR_MESSAGE_TRAILING', expected, left, {
      got: `${left} byte${left === 1 ? '' : 's'} more`,
    });
  }

  /** A field, and its span. */
  field(node: Node, scope: Scope | undefined): unknown {
    const start = this.at;
    const index = this.open();
    const value = this.value(node, scope);
    this.close(index, node.kind, start, value);
    return value;
  }

  named(part: string | number, node: Node, scope: Scope | undefined): unknown {
    this.path.push(part);
    const value = this.field(node, scope);
    this.path.pop();
    return value;
  }

  value(node: Node, scope: Scope | undefined): unknown {
    switch (node.kind) {
      case 'int':
        return this.int(node);
      case 'bigint':
        return this.bigint(node);
      case 'float': {
        const at = this.take(node.width);
        if (node.width === 4)
          return node.order === 'le' ? this.bytes.readFloatLE(at) : this.bytes.readFloatBE(at);
        return node.order === 'le' ? this.bytes.readDoubleLE(at) : this.bytes.readDoubleBE(at);
      }
      case 'varint':
        return this.varint(node);
      case 'bool':
        return this.flag();
      case 'bytes': {
        const at = this.take(this.size(node.size, node.max, scope));
        return this.bytes.subarray(at, this.at);
      }
      case 'utf8': {
        const at = this.take(this.size(node.size, node.max, scope));
        return this.text(at, this.at);
      }
      case 'cstring': {
        const reach = Math.min(this.end, this.at + node.max + 1);
        const nul = this.bytes.subarray(this.at, reach).indexOf(0);
        if (nul < 0) {
          if (reach === this.end)
            throw new Fault('ERR_MESSAGE_SHORT', 'a NUL byte', 'the end', { at: this.end });
          throw new Fault('ERR_FIELD_TOO_LONG', `a NUL byte after at most ${node.max} bytes`, 'none', {
            limit: node.max,
          });
        }
        const at = this.take(nul + 1);
        return this.text(at, at + nul);
      }
      case 'array':
        return this.array(node, scope);
      case 'struct':
        return this.struct(node, scope);
      case 'optional': {
        const there = node.when === undefined ? this.flag() : scope!.holds(node.when);
        return there ? this.value(node.item, scope) : undefined;
      }
      case 'union':
        return this.union(node, scope, 'ERR_MESSAGE_VALUE');
      case 'enumeration': {
        const start = this.at;
        const raw = this.value(node.base, scope) as number;
        const name = node.byValue.get(raw);
        if (name !== undefined) return name;
        if (node.unknown === 'keep') return raw;
        throw new Fault('ERR_MESSAGE_VALUE', oneOf([...node.byValue.keys()]), raw, { at: start });
      }
      case 'flags': {
        const start = this.at;
        const raw = this.int(node.base) >>> 0;
        const mask = node.base.width === 4 ? 0xffffffff : 2 ** (8 * node.base.width) - 1;
        if (node.unknown === 'reject' && (raw & mask & ~node.named) >>> 0 !== 0) {
          throw new Fault('ERR_MESSAGE_VALUE', `no bits but ${tagText(node.named)}`, (raw & mask) >>> 0, {
            at: start,
          });
        }
        return object(node.members.map(({ name, shift }) => [name, ((raw >>> shift) & 1) === 1]));
      }
      case 'bits': {
        const raw = this.int(node.base) >>> 0;
        return object(
          node.members.map(({ name, shift, width }) => [name, ((raw >>> shift) & widthMask(width)) >>> 0]),
        );
      }
      case 'constant': {
        const at = this.take(node.bytes.length);
        for (let i = 0; i < node.bytes.length; i++) {
          if (this.bytes[at + i] !== node.bytes[i]) {
            const got = this.bytes.subarray(at, this.at).toString('hex');
            const expected = `the constant ${Buffer.from(node.bytes).toString('hex')} (hex)`;
            throw new Fault('ERR_MESSAGE_VALUE', expected, got, { at, got: `${got} (hex)` });
          }
        }
        return node.value;
      }
      case 'padding':
        this.take(paddingSize(node, this.at - this.start));
        return undefined;
      case 'checksum':
        return this.int(node.base);
      case 'bounded': {
        const size = this.size(node.size, node.max, scope);
        const outerEnd = this.end;
        this.end = this.at + this.fits(size);
        const value = this.value(node.item, scope);
        if (this.at < this.end) {
          throw this.trailing(`the end of ${size} byte${size === 1 ? '' : 's'}`);
        }
        this.end = outerEnd;
        return value;
      }
      case 'lazy': {
        if (this.depth >= node.maxDepth) {
          throw new Fault('ERR_FIELD_TOO_LONG', `at most ${node.maxDepth} levels`, 'another', {
            limit: node.maxDepth,
          });
        }
        this.depth++;
        const value = this.value(node.get(), undefined);
        this.depth--;
        return value;
      }
      case 'custom': {
        const cursor = new Cursor(this.bytes, this.start, this.at, this.end);
        const value = readCustom(node.definition, cursor);
        this.at = cursor.at;
        return value;
      }
    }
  }

  struct(node: StructNode, outer: Scope | undefined): Record<string, unknown> {
    const scope = new Scope(outer);
    const start = this.at;
    const pairs = this.entries(node, 0, node.entries.length, scope);
    this.verify(node, scope, start);
    return object(pairs);
  }

  entries(node: StructNode, from: number, to: number, scope: Scope): [string, unknown][] {
    const pairs: [string, unknown][] = [];
    for (let index = from; index < to; index++) {
      const [name, field] = node.entries[index]!;
      const start = this.at;
      const value = this.named(name, field, scope);
      scope.values.set(name, value);
      scope.places.set(name, { start, end: this.at });
      if (field.kind !== 'constant' && field.kind !== 'padding') pairs.push([name, value]);
    }
    return pairs;
  }

  verify(node: StructNode, scope: Scope, start: number): void {
    for (const [name, field] of node.entries) {
      if (field.kind !== 'checksum') continue;
      const own = scope.places.get(name)!;
      const from = field.from === undefined ? start : scope.places.get(field.from)!.start;
      const to = field.to === undefined ? own.start : scope.places.get(field.to)!.end;
      const sum = field.algorithm.compute(this.bytes, from, to, field.append);
      if (sum !== scope.values.get(name)) {
        this.path.push(name);
        const expected = `${field.algorithm.name} ${tagText(sum)}`;
        const sent = scope.values.get(name);
        throw new Fault('ERR_FRAME_CHECKSUM', expected, sent, { at: own.start, got: tagText(sent) });
      }
    }
  }

  union(
    node: UnionNode,
    outer: Scope | undefined,
    unknown: 'ERR_MESSAGE_UNKNOWN' | 'ERR_MESSAGE_VALUE',
  ): unknown {
    const start = this.at;
    const first = node.byName.values().next().value!.struct;
    let tag: unknown;
    let tagEnd = start;
    let tagStart = start;
    if (typeof node.tag === 'string') tag = outer!.value(node.tag);
    else {
      const headerSize = first.entries
        .slice(0, node.headerCount)
        .reduce((sum, [, field]) => sum + sizes(field).min, 0);
      this.fits(headerSize);
      this.at += headerSize;
      tagStart = this.at;
      const index = this.open();
      if (unknown === 'ERR_MESSAGE_VALUE') this.path.push('type');
      tag = this.value(node.tag, outer);
      if (unknown === 'ERR_MESSAGE_VALUE') this.path.pop();
      this.path.push('type');
      this.close(index, node.tag.kind, tagStart, tag);
      this.path.pop();
      tagEnd = this.at;
    }
    const one = node.byTag.get(tag as never);
    if (one === undefined) {
      throw new Fault(unknown, `the tag ${oneOf([...node.byTag.keys()])}`, tag, { at: tagStart });
    }
    if (unknown === 'ERR_MESSAGE_UNKNOWN') this.messageType = one.name;
    const scope = new Scope(outer);
    this.at = start;
    const header = this.entries(one.struct, 0, node.headerCount, scope);
    this.at = tagEnd;
    const body = this.entries(one.struct, node.headerCount, one.struct.entries.length, scope);
    this.verify(one.struct, scope, start);
    return object([['type', one.name], ...header, ...body]);
  }

  array(node: Extract<Node, { kind: 'array' }>, scope: Scope | undefined): unknown[] {
    const values: unknown[] = [];
    if (typeof node.count === 'object' && node.count.kind === 'rest') {
      while (this.at < this.end) {
        if (values.length === node.max) {
          throw new Fault('ERR_FIELD_TOO_LONG', `at most ${node.max} elements`, 'more', { limit: node.max });
        }
        values.push(this.named(values.length, node.item, scope));
      }
      return values;
    }
    const start = this.at;
    const count = typeof node.count === 'number' ? node.count : this.number(node.count, scope);
    if (typeof node.count !== 'number' && count > node.max) {
      throw new Fault('ERR_FIELD_TOO_LONG', `at most ${node.max} elements`, count, {
        at: start,
        limit: node.max,
      });
    }
    this.fits(count * sizes(node.item).min);
    for (let index = 0; index < count; index++) values.push(this.named(index, node.item, scope));
    return values;
  }

  /** The size in bytes, not beyond its maximum. */
  size(size: SizeNode, max: number, scope: Scope | undefined): number {
    if (typeof size === 'number') return size;
    const start = this.at;
    const isRest = typeof size === 'object' && size.kind === 'rest';
    const value = isRest ? this.end - this.at : this.number(size, scope);
    if (value > max) {
      throw new Fault('ERR_FIELD_TOO_LONG', `at most ${max} bytes`, value, { at: start, limit: max });
    }
    return value;
  }

  number(size: string | IntNode | VarintNode | { kind: 'rest' }, scope: Scope | undefined): number {
    if (typeof size === 'string') return scope!.value(size) as number;
    return this.value(size as IntNode | VarintNode, scope) as number;
  }

  int(node: IntNode): number {
    const at = this.take(node.width);
    const { signed, order, width } = node;
    if (signed) return order === 'le' ? this.bytes.readIntLE(at, width) : this.bytes.readIntBE(at, width);
    return order === 'le' ? this.bytes.readUIntLE(at, width) : this.bytes.readUIntBE(at, width);
  }

  bigint({ signed, order }: { signed: boolean; order: 'le' | 'be' }): bigint {
    const at = this.take(8);
    if (signed) return order === 'le' ? this.bytes.readBigInt64LE(at) : this.bytes.readBigInt64BE(at);
    return order === 'le' ? this.bytes.readBigUInt64LE(at) : this.bytes.readBigUInt64BE(at);
  }

  varint(node: VarintNode): number {
    const start = this.at;
    let value = 0;
    for (let index = 0; ; index++) {
      if (index === 10)
        throw new Fault('ERR_MESSAGE_VALUE', 'a varint of at most 10 bytes', 'more', { at: start });
      const byte = this.bytes[this.take(1)]!;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) break;
    }
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new Fault('ERR_MESSAGE_VALUE', 'a varint of at most 2^53 - 1', value, { at: start });
    }
    if (!node.zigzag) return value;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  flag(): boolean {
    const at = this.take(1);
    const byte = this.bytes[at]!;
    if (byte > 1) throw new Fault('ERR_MESSAGE_VALUE', '0 or 1', byte, { at });
    return byte === 1;
  }

  text(start: number, end: number): string {
    const faultAt = utf8FaultAt(this.bytes, start, end);
    if (faultAt >= 0) {
      const got = this.bytes.subarray(faultAt, Math.min(end, faultAt + 4)).toString('hex');
      throw new Fault('ERR_MESSAGE_UTF8', 'UTF-8', `${got} (hex)`, { at: faultAt, got: `${got} (hex)` });
    }
    return decodeUtf8(this.bytes, start, end)!;
  }

  take(count: number): number {
    this.fits(count);
    const at = this.at;
    this.at += count;
    return at;
  }

  fits(count: number): number {
    if (count > this.end - this.at) {
      throw new Fault('ERR_MESSAGE_SHORT', `${count} byte${count === 1 ? '' : 's'}`, this.end - this.at);
    }
    return count;
  }

  // A span is put in its place before those inside it, and completed behind them.
  open(): number {
    return this.spans === undefined ? 0 : this.spans.push(undefined as never) - 1;
  }

  close(index: number, kind: string, start: number, value: unknown): void {
    if (this.spans === undefined) return;
    const span = {
      path: pathText(this.path),
      kind,
      start: start - this.start,
      end: this.at - this.start,
      value,
    };
    this.spans[index] = span;
  }
}

/** The cursor of a custom field; the compiled code uses it too. */
export class Cursor implements ReadCursor {
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
      throw new Fault('ERR_MESSAGE_SHORT', `${count} byte${count === 1 ? '' : 's'}`, this.end - this.at, {
        at: this.at,
      });
    }
    const at = this.at;
    this.at += count;
    return at;
  }

  fail(expected: string, actual?: unknown): never {
    throw new Fault('ERR_MESSAGE_VALUE', expected, actual, { at: this.at });
  }
}

/** Read a custom field; whatever its `read` throws becomes a `Fault`. */
export function readCustom(definition: CustomField<unknown>, cursor: Cursor): unknown {
  const start = cursor.at;
  try {
    const value = definition.read(cursor);
    if (Number.isInteger(cursor.at) && cursor.at >= start && cursor.at <= cursor.end) return value;
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('ERR_MESSAGE_VALUE', definition.name, 'what it could not read', {
      at: start,
      cause: error,
    });
  }
  throw new Fault('ERR_MESSAGE_VALUE', `${definition.name} within the frame`, 'more', { at: start });
}

/** How many bytes of padding stand at an offset in the frame. */
export function paddingSize(node: { size: number; to: number }, offset: number): number {
  return node.to === 0 ? node.size : (node.to - (offset % node.to)) % node.to;
}

/** A mask of `width` low bits. */
export function widthMask(width: number): number {
  return width === 32 ? 0xffffffff : 2 ** width - 1;
}

/** An object with these keys and no more, whatever they are called. */
function object(pairs: [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(pairs);
}

function oneOf(values: unknown[]): string {
  const shown = values.slice(0, 12).map(tagText).join(', ');
  return values.length > 12 ? `${shown} …` : shown;
}
