import { hasLoneSurrogate } from '../../../bytes/utf8.ts';
import {
  type IntNode,
  integerRange,
  type Node,
  type SizeNode,
  type StructNode,
  type UnionNode,
  type VarintNode,
} from '../field-nodes.ts';
import type { Condition } from '../fields.ts';
import { Fault, type Path, writingError } from './problem.ts';
import { type Declaration, paddingSize, widthMask } from './read-walk.ts';

/** The bytes of one field on its own, written slowly; throws a `MessageError` with the path of what does not fit. */
export function assemble(node: Node, value: unknown): Buffer {
  const assembly = new Assembly();
  try {
    assembly.write(node, value, undefined);
  } catch (error) {
    throw assembly.error(error);
  }
  return assembly.bytes();
}

/** The bytes of a message, written slowly, field by field; throws a `MessageError` (`origin: 'local'`). */
export function encodeByWalking(declaration: Declaration, message: unknown): Buffer {
  const assembly = new Assembly();
  try {
    assembly.message(declaration, message);
  } catch (error) {
    throw assembly.error(error);
  }
  return assembly.bytes();
}

/** As many bytes as the message takes, or 0 for one that cannot be written. */
export function boundByWalking(declaration: Declaration, message: unknown): number {
  try {
    return encodeByWalking(declaration, message).length;
  } catch {
    return 0;
  }
}

/** A derived field: its place is kept until what it derives from is written. */
interface Derived {
  readonly at: number;
  readonly base: IntNode;
  /** Of a tag that is an enumeration: the numbers of its names. */
  readonly byName: ReadonlyMap<string, number> | undefined;
  filled: number | undefined;
}

class Scope {
  readonly values: Record<string, unknown>;
  readonly derived: Map<string, Derived> = new Map();
  readonly places: Map<string, { start: number; end: number }> = new Map();
  readonly own: ReadonlySet<string>;
  readonly outer: Scope | undefined;

  constructor(node: StructNode, values: Record<string, unknown>, outer: Scope | undefined) {
    this.own = new Set(node.entries.map(([name]) => name));
    this.values = values;
    this.outer = outer;
  }

  holds(condition: Condition): boolean {
    const [name = '', member] = condition.field.split('.');
    let scope: Scope = this;
    while (!scope.own.has(name)) scope = scope.outer!;
    const value = scope.values[name];
    return condition.is.includes(
      (member === undefined ? value : (value as Record<string, unknown>)[member]) as never,
    );
  }

  derivedField(name: string): Derived {
    let scope: Scope = this;
    while (!scope.own.has(name)) scope = scope.outer!;
    return scope.derived.get(name)!;
  }
}

class Assembly {
  target: Buffer = Buffer.alloc(64);
  at = 0;
  readonly path: Path = [];
  messageType: string | undefined;
  depth = 0;

  bytes(): Buffer {
    return this.target.subarray(0, this.at);
  }

  error(thrown: unknown): unknown {
    return thrown instanceof Fault ? writingError(thrown, this.path, this.messageType) : thrown;
  }

  message({ root }: Declaration, message: unknown): void {
    if (root.kind === 'union' && typeof root.tag !== 'string') {
      this.union(root, message, undefined, 'ERR_MESSAGE_UNKNOWN');
    } else this.write(root, message, undefined);
  }

  write(node: Node, value: unknown, scope: Scope | undefined): void {
    switch (node.kind) {
      case 'int':
        this.int(node, value);
        return;
      case 'bigint': {
        const fits =
          typeof value === 'bigint' &&
          (node.signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) === value;
        if (!fits)
          throw new Fault(
            'ERR_FIELD_RANGE',
            `${node.signed ? 'a signed' : 'an unsigned'} 64-bit bigint`,
            value,
          );
        const at = this.take(8);
        const raw = BigInt.asUintN(64, value);
        if (node.order === 'le') this.target.writeBigUInt64LE(raw, at);
        else this.target.writeBigUInt64BE(raw, at);
        return;
      }
      case 'float': {
        if (typeof value !== 'number') throw new Fault('ERR_FIELD_RANGE', 'a number', value);
        const at = this.take(node.width);
        if (node.width === 4) {
          if (node.order === 'le') this.target.writeFloatLE(value, at);
          else this.target.writeFloatBE(value, at);
        } else if (node.order === 'le') this.target.writeDoubleLE(value, at);
        else this.target.writeDoubleBE(value, at);
        return;
      }
      case 'varint':
        this.varint(node, value);
        return;
      case 'bool':
        if (typeof value !== 'boolean') throw new Fault('ERR_FIELD_RANGE', 'true or false', value);
        this.byte(value ? 1 : 0);
        return;
      case 'bytes': {
        const bytes = node.orEmpty && value === undefined ? new Uint8Array(0) : value;
        if (!(bytes instanceof Uint8Array)) throw new Fault('ERR_FIELD_RANGE', 'a Uint8Array', value);
        this.size(node.size, bytes.length, node.max, 'bytes', scope);
        this.append(bytes);
        return;
      }
      case 'utf8': {
        const text = this.text(value);
        const encoded = Buffer.from(text);
        this.size(node.size, encoded.length, node.max, 'bytes', scope);
        this.append(encoded);
        return;
      }
      case 'cstring': {
        const text = this.text(value);
        const length = Buffer.byteLength(text);
        if (length > node.max) throw tooLong(node.max, length, 'bytes');
        if (text.includes('\0')) throw new Fault('ERR_FIELD_RANGE', 'text without a NUL', value);
        this.append(Buffer.from(`${text}\0`));
        return;
      }
      case 'array': {
        if (!Array.isArray(value)) throw new Fault('ERR_FIELD_RANGE', 'an array', value);
        this.size(node.count, value.length, node.max, 'elements', scope);
        for (let index = 0; index < value.length; index++) this.named(index, node.item, value[index], scope);
        return;
      }
      case 'struct': {
        const start = this.at;
        const inner = new Scope(node, this.object(value), scope);
        this.entries(node, 0, node.entries.length, inner);
        this.finish(node, inner, start);
        return;
      }
      case 'optional': {
        if (node.when === undefined) this.byte(value === undefined ? 0 : 1);
        else if (scope!.holds(node.when) !== (value !== undefined)) {
          const { field } = node.when;
          const expected =
            value === undefined ? `a value, as '${field}' asks for it` : `nothing, as '${field}' says`;
          throw new Fault('ERR_FIELD_RANGE', expected, value);
        }
        if (value !== undefined) this.write(node.item, value, scope);
        return;
      }
      case 'union':
        this.union(node, value, scope, 'ERR_MESSAGE_VALUE');
        return;
      case 'enumeration': {
        const raw = typeof value === 'string' ? node.byName.get(value) : undefined;
        if (raw !== undefined) {
          this.write(node.base, raw, scope);
          return;
        }
        if (node.unknown === 'keep' && typeof value === 'number') {
          const name = node.byValue.get(value);
          if (name !== undefined) throw new Fault('ERR_FIELD_RANGE', `the name '${name}'`, value);
          this.write(node.base, value, scope);
          return;
        }
        const names = [...node.byName.keys()].map((name) => `'${name}'`).join(', ');
        throw new Fault('ERR_FIELD_RANGE', `one of ${names}`, value);
      }
      case 'flags': {
        const members = this.object(value);
        let raw = 0;
        for (const { name, shift } of node.members) {
          const bit = members[name];
          if (typeof bit !== 'boolean') this.failAt(name, 'true or false', bit);
          if (bit) raw |= 1 << shift;
        }
        this.put(node.base, raw, this.take(node.base.width));
        return;
      }
      case 'bits': {
        const members = this.object(value);
        let raw = 0;
        for (const { name, shift, width } of node.members) {
          const part = members[name];
          const max = widthMask(width);
          if (!Number.isInteger(part) || (part as number) < 0 || (part as number) > max) {
            this.failAt(name, `a whole number from 0 to ${max}`, part);
          }
          raw |= (part as number) << shift;
        }
        this.put(node.base, raw, this.take(node.base.width));
        return;
      }
      case 'constant':
        this.append(node.bytes);
        return;
      case 'padding': {
        const count = paddingSize(node, this.at);
        const at = this.take(count);
        this.target.fill(0, at, at + count);
        return;
      }
      case 'checksum':
        this.take(node.base.width);
        return;
      case 'bounded':
        this.bounded(node, value, scope);
        return;
      case 'lazy':
        if (this.depth >= node.maxDepth) {
          throw new Fault('ERR_FIELD_TOO_LONG', `at most ${node.maxDepth} levels`, 'another', {
            limit: node.maxDepth,
          });
        }
        this.depth++;
        this.write(node.get(), value, undefined);
        this.depth--;
        return;
      case 'custom': {
        const { definition } = node;
        const room = definition.size(value);
        const at = this.take(room);
        this.at = writeCustom(definition, this.target, 0, at, at + room, value);
        return;
      }
    }
  }

  named(part: string | number, node: Node, value: unknown, scope: Scope | undefined): void {
    this.path.push(part);
    this.write(node, value, scope);
    this.path.pop();
  }

  entries(node: StructNode, from: number, to: number, scope: Scope): void {
    for (let index = from; index < to; index++) {
      const [name, field] = node.entries[index]!;
      const start = this.at;
      if (node.derived.has(name)) {
        const base = (field.kind === 'enumeration' ? field.base : field) as IntNode;
        this.put(base, 0, this.take(base.width));
        const byName = field.kind === 'enumeration' ? field.byName : undefined;
        scope.derived.set(name, { at: start, base, byName, filled: undefined });
      } else this.named(name, field, scope.values[name], scope);
      scope.places.set(name, { start, end: this.at });
    }
  }

  /** What can only be written behind the last field: checksums. */
  finish(node: StructNode, scope: Scope, start: number): void {
    for (const [name, field] of node.entries) {
      if (field.kind === 'enumeration' && node.derived.has(name)) {
        // Nothing chose a tag, and the zero that stands there has no name.
        const unfilled = scope.derived.get(name)!.filled === undefined;
        if (unfilled && field.unknown === 'reject' && !field.byValue.has(0)) {
          this.failAt(name, 'a union that gives it its value', undefined);
        }
      }
      if (field.kind !== 'checksum') continue;
      const own = scope.places.get(name)!;
      const from = field.from === undefined ? start : scope.places.get(field.from)!.start;
      const to = field.to === undefined ? own.start : scope.places.get(field.to)!.end;
      this.put(field.base, field.algorithm.compute(this.target, from, to, field.append), own.start);
    }
  }

  union(
    node: UnionNode,
    value: unknown,
    outer: Scope | undefined,
    unknown: 'ERR_MESSAGE_UNKNOWN' | 'ERR_MESSAGE_VALUE',
  ): void {
    const isObject = typeof value === 'object' && value !== null;
    const type = isObject ? (value as { type?: unknown }).type : undefined;
    const one = typeof type === 'string' ? node.byName.get(type) : undefined;
    if (one === undefined) {
      const names = [...node.byName.keys()].slice(0, 12).map((name) => `'${name}'`);
      throw new Fault(
        unknown === 'ERR_MESSAGE_VALUE' ? 'ERR_FIELD_RANGE' : unknown,
        `type ${names.join(', ')}`,
        isObject ? type : value,
      );
    }
    if (unknown === 'ERR_MESSAGE_UNKNOWN') this.messageType = one.name;
    const start = this.at;
    const scope = new Scope(one.struct, value as Record<string, unknown>, outer);
    this.entries(one.struct, 0, node.headerCount, scope);
    if (typeof node.tag === 'string') {
      const derived = outer!.derivedField(node.tag);
      this.fill(derived, derived.byName?.get(one.tag as string) ?? (one.tag as number));
    } else this.write(node.tag, one.tag, outer);
    this.entries(one.struct, node.headerCount, one.struct.entries.length, scope);
    this.finish(one.struct, scope, start);
  }

  bounded(node: Extract<Node, { kind: 'bounded' }>, value: unknown, scope: Scope | undefined): void {
    const { size, item, max } = node;
    const before = this.at;
    const prefix = typeof size === 'object' && size.kind !== 'rest' ? size : undefined;
    if (prefix !== undefined) this.take(prefix.kind === 'int' ? prefix.width : 1);
    const start = this.at;
    this.write(item, value, scope);
    const length = this.at - start;
    if (prefix === undefined) {
      this.size(size, length, max, 'bytes', scope);
      return;
    }
    const end = this.at;
    const limit = Math.min(max, integerRange(prefix).max);
    if (length > limit) throw tooLong(limit, length, 'bytes');
    if (prefix.kind === 'int') {
      this.put(prefix, length, before);
      return;
    }
    const width = varintWidth(length);
    this.take(width - 1);
    this.target.copyWithin(before + width, start, end);
    this.at = before;
    this.varint(prefix, length);
    this.at = before + width + length;
  }

  /** Write or fill in a size, or hold it against the one that is declared. */
  size(size: SizeNode, actual: number, max: number, unit: string, scope: Scope | undefined): void {
    if (typeof size === 'number') {
      if (actual > size) throw tooLong(size, actual, unit);
      if (actual < size) throw new Fault('ERR_FIELD_RANGE', `exactly ${size} ${unit}`, actual);
      return;
    }
    if (typeof size === 'string') {
      const derived = scope!.derivedField(size);
      const limit = Math.min(max, integerRange(derived.base).max);
      if (actual > limit) throw tooLong(limit, actual, unit);
      this.fill(derived, actual);
      return;
    }
    const limit = size.kind === 'rest' ? max : Math.min(max, integerRange(size).max);
    if (actual > limit) throw tooLong(limit, actual, unit);
    if (size.kind === 'int') this.put(size, actual, this.take(size.width));
    else if (size.kind === 'varint') this.varint(size, actual);
  }

  fill(derived: Derived, value: number): void {
    if (derived.filled === undefined) {
      derived.filled = value;
      this.put(derived.base, value, derived.at);
    } else if (derived.filled !== value) {
      throw new Fault(
        'ERR_FIELD_RANGE',
        `${derived.filled}, as the field before it that shares its size or tag`,
        value,
      );
    }
  }

  int(node: IntNode, value: unknown): void {
    const { min, max } = integerRange(node);
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw new Fault('ERR_FIELD_RANGE', `a whole number from ${min} to ${max}`, value);
    }
    this.put(node, value as number, this.take(node.width));
  }

  put({ width, order }: IntNode, value: number, at: number): void {
    for (let index = 0; index < width; index++) {
      this.target[order === 'le' ? at + index : at + width - 1 - index] = value >>> (8 * index);
    }
  }

  varint(node: VarintNode, value: unknown): void {
    const { min, max } = integerRange(node);
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw new Fault('ERR_FIELD_RANGE', `a whole number from ${min} to ${max}`, value);
    }
    let left = value as number;
    if (node.zigzag) left = left < 0 ? -2 * left - 1 : 2 * left;
    while (left > 0x7f) {
      this.byte((left % 128) | 0x80);
      left = Math.floor(left / 128);
    }
    this.byte(left);
  }

  text(value: unknown): string {
    if (typeof value !== 'string') throw new Fault('ERR_FIELD_RANGE', 'a string', value);
    if (hasLoneSurrogate(value)) throw new Fault('ERR_MESSAGE_UTF8', 'text without a lone surrogate', value);
    return value;
  }

  object(value: unknown): Record<string, unknown> {
    if (typeof value !== 'object' || value === null) throw new Fault('ERR_FIELD_RANGE', 'an object', value);
    return value as Record<string, unknown>;
  }

  failAt(name: string, expected: string, actual: unknown): never {
    this.path.push(name);
    throw new Fault('ERR_FIELD_RANGE', expected, actual);
  }

  byte(value: number): void {
    const at = this.take(1);
    this.target[at] = value;
  }

  append(bytes: Uint8Array): void {
    const at = this.take(bytes.length);
    this.target.set(bytes, at);
  }

  /** Make room; answers where it begins. `target` is another one afterwards. */
  take(count: number): number {
    const at = this.at;
    this.at += count;
    if (this.at > this.target.length) {
      const larger = Buffer.alloc(Math.max(this.at, 2 * this.target.length));
      larger.set(this.target);
      this.target = larger;
    }
    return at;
  }
}

/** Write a custom field into `target[at, end)`; answers the offset behind it. The compiled code uses it too. */
export function writeCustom(
  definition: Extract<Node, { kind: 'custom' }>['definition'],
  target: Buffer,
  start: number,
  at: number,
  end: number,
  value: unknown,
): number {
  const cursor = {
    target,
    start,
    at,
    fail(expected: string, actual?: unknown): never {
      throw new Fault('ERR_FIELD_RANGE', expected, actual);
    },
  };
  definition.write(cursor, value);
  if (!(cursor.at >= at && cursor.at <= end)) {
    throw new RangeError(
      `${definition.name}: wrote ${cursor.at - at} bytes where size() said at most ${end - at}`,
    );
  }
  return cursor.at;
}

/** How many bytes a varint takes. */
export function varintWidth(value: number): number {
  let width = 1;
  for (let left = value; left > 0x7f; left = Math.floor(left / 128)) width++;
  return width;
}

function tooLong(limit: number, actual: number, unit: string): Fault {
  return new Fault('ERR_FIELD_TOO_LONG', `at most ${limit} ${unit}`, actual, { limit });
}
