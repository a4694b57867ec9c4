import { encodeUtf8 } from '../../../bytes/utf8.ts';
import {
  type BitMember,
  type IntNode,
  integerRange,
  type Node,
  type SizeNode,
  type StructNode,
  sizes,
  type UnionCase,
  type UnionNode,
  type VarintNode,
} from '../field-nodes.ts';
import type { Condition, CustomField } from '../fields.ts';
import { DOUBLE, DOUBLE_BYTES, FLOAT, FLOAT_BYTES, LITTLE_HOST } from './float-scratch.ts';
import type { Declaration } from './read-walk.ts';
import { widthMask } from './read-walk.ts';
import { literal, type Source } from './source.ts';
import { varintWidth, writeCustom } from './write-walk.ts';

/**
 * Write `encode(m, t, s)`, `bound(m)` and what they call. `encode` answers −1 for what cannot be written.
 *
 *     m  the message      t  the target      s  the message's start in it
 *     p  where we are, but for `offset` bytes known here      z  levels of recursion
 */
export function generateEncoder(source: Source, declaration: Declaration): void {
  new EncoderSource(source, declaration).root();
  new BoundSource(source).root(declaration.root);
}

/** A derived field: where it stands, and what it was filled with; −1 until then. */
interface Derived {
  readonly place: string;
  readonly filled: string;
  readonly base: IntNode;
  readonly byName: ReadonlyMap<string, number> | undefined;
}

class Scope {
  readonly values: Map<string, string> = new Map();
  readonly derived: Map<string, Derived> = new Map();
  readonly places: Map<string, { start: string; end: string }> = new Map();
  readonly outer: Scope | undefined;

  constructor(outer: Scope | undefined) {
    this.outer = outer;
  }

  value(name: string): string {
    return this.values.get(name) ?? this.outer!.value(name);
  }

  derivedField(name: string): Derived {
    return this.derived.get(name) ?? this.outer!.derivedField(name);
  }
}

class EncoderSource {
  readonly out: Source;
  readonly declaration: Declaration;
  /** Bytes behind `p` that are written already. */
  offset = 0;
  readonly lazies: Map<Node, string> = new Map();
  usesVarint = false;

  constructor(out: Source, declaration: Declaration) {
    this.out = out;
    this.declaration = declaration;
  }

  root(): void {
    const { root } = this.declaration;
    this.out.function('encodeMessage(m, t, s)', () => {
      if (root.kind === 'union' && typeof root.tag !== 'string') this.messages(root);
      else {
        this.out.line('let p = s;');
        this.out.line('const z = 0;');
        this.write(root, 'm', undefined);
        this.out.line(`return ${this.here()};`);
      }
    });
    this.offset = 0;
    // Whatever goes wrong in here (a custom field, a bigint where a number is due), the slow walk says what.
    this.out.function('encode(m, t, s)', () => {
      this.out.line('try {');
      this.out.line('return encodeMessage(m, t, s);');
      this.out.line('} catch {');
      this.out.line('return -1;');
      this.out.line('}');
    });
    if (this.usesVarint) this.varintFunction();
  }

  messages(node: UnionNode): void {
    this.requireObject('m');
    this.out.line('switch (m.type) {');
    for (const one of node.byName.values()) {
      const name = this.out.name('encodeCase');
      this.out.line(`case ${literal(one.name)}: return ${name}(m, t, s);`);
      this.out.function(`${name}(m, t, s)`, () => {
        this.offset = 0;
        this.out.line('let p = s;');
        this.out.line('const z = 0;');
        this.case(node, one, 'm', undefined);
        this.out.line(`return ${this.here()};`);
      });
    }
    this.offset = 0;
    this.out.line('default: return -1;');
    this.out.line('}');
  }

  /** Header, tag and body of one case. */
  case(node: UnionNode, one: UnionCase, value: string, outer: Scope | undefined): void {
    const scope = new Scope(outer);
    const isSummed = one.struct.entries.some(([, field]) => field.kind === 'checksum');
    const start = isSummed ? this.out.define(this.here()) : '';
    this.entries(one.struct, 0, node.headerCount, value, scope);
    if (typeof node.tag === 'string') {
      const derived = outer!.derivedField(node.tag);
      this.fill(derived, String(derived.byName?.get(one.tag as string) ?? one.tag));
    } else this.write(node.tag, literal(one.tag), outer, true);
    this.entries(one.struct, node.headerCount, one.struct.entries.length, value, scope);
    this.close(one.struct, scope, start);
  }

  /** Write the value, which is text that can be repeated. `sure` where it is known to fit. */
  write(node: Node, value: string, scope: Scope | undefined, sure = false): void {
    switch (node.kind) {
      case 'int':
        if (!sure) this.out.line(`if (${outOfRange(node, value)}) return -1;`);
        this.putInt(node, value, this.place(node.width));
        return;
      case 'bigint': {
        const wrapped = `BigInt.as${node.signed ? 'Int' : 'Uint'}N(64, ${value})`;
        this.out.line(`if (typeof ${value} !== 'bigint' || ${wrapped} !== ${value}) return -1;`);
        const method = `writeBig${node.signed ? '' : 'U'}Int64${node.order === 'le' ? 'LE' : 'BE'}`;
        this.out.line(`t.${method}(${value}, ${this.here()});`);
        this.offset += 8;
        return;
      }
      case 'float': {
        this.out.line(`if (typeof ${value} !== 'number') return -1;`);
        const { width, order } = node;
        this.out.line(`${this.out.constant(width === 4 ? FLOAT : DOUBLE)}[0] = ${value};`);
        const view = this.out.constant(width === 4 ? FLOAT_BYTES : DOUBLE_BYTES);
        for (let index = 0; index < width; index++) {
          const from = (order === 'le') === LITTLE_HOST ? index : width - 1 - index;
          this.out.line(`t[${this.here(index)}] = ${view}[${from}];`);
        }
        this.offset += width;
        return;
      }
      case 'varint':
        this.varint(node, value);
        return;
      case 'bool':
        this.out.line(`if (typeof ${value} !== 'boolean') return -1;`);
        this.out.line(`t[${this.here()}] = ${value} ? 1 : 0;`);
        this.offset++;
        return;
      case 'bytes': {
        let bytes = value;
        if (node.orEmpty) {
          bytes = this.out.define(`${value} === undefined ? ${this.out.constant(EMPTY)} : ${value}`);
        }
        this.out.line(`if (!(${bytes} instanceof Uint8Array)) return -1;`);
        const length = this.out.define(`${bytes}.length`);
        this.size(node.size, length, node.max, scope);
        this.settle();
        this.out.line(`${this.out.constant(copyBytes)}(t, p, ${bytes});`);
        this.out.line(`p += ${length};`);
        return;
      }
      case 'utf8':
        this.text(node, value, scope);
        return;
      case 'cstring': {
        this.settle();
        this.out.line(`if (typeof ${value} !== 'string' || ${value}.includes('\\0')) return -1;`);
        const length = this.putText('p', value, node.max);
        this.out.line(`t[p + ${length}] = 0;`);
        this.out.line(`p += ${length} + 1;`);
        return;
      }
      case 'array': {
        this.out.line(`if (!Array.isArray(${value})) return -1;`);
        const length = this.out.define(`${value}.length`);
        this.size(node.count, length, node.max, scope);
        this.settle();
        const index = this.out.name('i');
        this.out.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
        this.write(node.item, this.out.define(`${value}[${index}]`), scope);
        this.settle();
        this.out.line('}');
        return;
      }
      case 'struct': {
        this.requireObject(value);
        const inner = new Scope(scope);
        const isSummed = node.entries.some(([, field]) => field.kind === 'checksum');
        const start = isSummed ? this.out.define(this.here()) : '';
        this.entries(node, 0, node.entries.length, value, inner);
        this.close(node, inner, start);
        return;
      }
      case 'optional': {
        if (node.when === undefined) {
          this.out.line(`t[${this.here()}] = ${value} === undefined ? 0 : 1;`);
          this.offset++;
        } else {
          const condition = this.condition(node.when, scope!);
          this.out.line(`if ((${condition}) !== (${value} !== undefined)) return -1;`);
        }
        this.settle();
        this.out.line(`if (${value} !== undefined) {`);
        this.write(node.item, value, scope);
        this.settle();
        this.out.line('}');
        return;
      }
      case 'union':
        this.requireObject(value);
        this.settle();
        this.out.line(`switch (${value}.type) {`);
        for (const one of node.byName.values()) {
          this.out.line(`case ${literal(one.name)}: {`);
          this.case(node, one, value, scope);
          this.settle();
          this.out.line('break;');
          this.out.line('}');
        }
        this.out.line('default: return -1;');
        this.out.line('}');
        return;
      case 'enumeration': {
        const raw = this.out.define(`${this.out.constant(node.byName)}.get(${value})`, 'let');
        this.out.line(`if (${raw} === undefined) {`);
        if (node.unknown === 'keep') {
          this.out.line(
            `if (typeof ${value} !== 'number' || ${this.out.constant(node.byValue)}.has(${value})) return -1;`,
          );
          this.out.line(`${raw} = ${value};`);
        } else this.out.line('return -1;');
        this.out.line('}');
        this.write(node.base, raw, scope, node.unknown === 'reject');
        return;
      }
      case 'flags': {
        this.requireObject(value);
        const parts = this.members(node.members, value, (part) => `typeof ${part} !== 'boolean'`);
        const raw = parts.map(([part, { shift }]) => `(${part} ? ${2 ** shift} : 0)`);
        this.putInt(node.base, this.out.define(raw.join(' | ') || '0'), this.place(node.base.width));
        return;
      }
      case 'bits': {
        this.requireObject(value);
        const parts = this.members(node.members, value, (part, { width }) =>
          width === 32 ? `${part} !== ${part} >>> 0` : `${part} !== (${part} & ${widthMask(width)})`,
        );
        const raw = parts.map(([part, { shift }]) => `${part} << ${shift}`);
        this.putInt(node.base, this.out.define(raw.join(' | ')), this.place(node.base.width));
        return;
      }
      case 'constant':
        for (let index = 0; index < node.bytes.length && node.bytes.length <= 16; index++) {
          this.out.line(`t[${this.here(index)}] = ${node.bytes[index]};`);
        }
        if (node.bytes.length > 16) this.out.line(`t.set(${this.out.constant(node.bytes)}, ${this.here()});`);
        this.offset += node.bytes.length;
        return;
      case 'padding': {
        if (node.to === 0) {
          this.out.line(`t.fill(0, ${this.here()}, ${this.here(node.size)});`);
          this.offset += node.size;
          return;
        }
        this.settle();
        const count = this.out.define(`(${node.to} - ((p - s) % ${node.to})) % ${node.to}`);
        this.out.line(`t.fill(0, p, p + ${count});`);
        this.out.line(`p += ${count};`);
        return;
      }
      case 'checksum':
        this.offset += node.base.width;
        return;
      case 'bounded':
        this.bounded(node, value, scope);
        return;
      case 'lazy':
        this.settle();
        this.out.line(`p = ${this.lazy(node)}(${value}, t, s, p, z + 1);`);
        this.out.line('if (p < 0) return -1;');
        return;
      case 'custom': {
        this.settle();
        const definition = this.out.constant(node.definition);
        const room = `p + ${definition}.size(${value})`;
        this.out.line(`p = ${this.out.constant(writeCustom)}(${definition}, t, s, p, ${room}, ${value});`);
        return;
      }
    }
  }

  entries(node: StructNode, from: number, to: number, value: string, scope: Scope): void {
    const placed = new Set<string>();
    for (const [name, field] of node.entries) {
      if (field.kind === 'checksum') for (const one of [name, field.from, field.to]) placed.add(one ?? name);
    }
    for (let index = from; index < to; index++) {
      const [name, field] = node.entries[index]!;
      const start = placed.has(name) ? this.out.define(this.here()) : '';
      if (node.derived.has(name)) {
        const base = (field.kind === 'enumeration' ? field.base : field) as IntNode;
        const byName = field.kind === 'enumeration' ? field.byName : undefined;
        const place = this.out.define(this.here());
        this.offset += base.width;
        scope.derived.set(name, { place, filled: this.out.define('-1', 'let'), base, byName });
      } else if (field.kind === 'constant' || field.kind === 'padding' || field.kind === 'checksum') {
        this.write(field, '', scope);
      } else {
        const member = this.out.define(`${value}[${literal(name)}]`);
        scope.values.set(name, member);
        this.write(field, member, scope);
      }
      if (placed.has(name)) scope.places.set(name, { start, end: this.out.define(this.here()) });
    }
  }

  /** What can only be written behind the last field. */
  close(node: StructNode, scope: Scope, start: string): void {
    for (const [name, field] of node.entries) {
      const derived = scope.derived.get(name);
      if (derived !== undefined) {
        this.out.line(`if (${derived.filled} < 0) {`);
        if (field.kind === 'enumeration' && field.unknown === 'reject' && !field.byValue.has(0)) {
          this.out.line('return -1;');
        } else this.putInt(derived.base, '0', derived.place);
        this.out.line('}');
      }
      if (field.kind !== 'checksum') continue;
      const own = scope.places.get(name)!;
      const from = field.from === undefined ? start : scope.places.get(field.from)!.start;
      const to = field.to === undefined ? own.start : scope.places.get(field.to)!.end;
      const algorithm = this.out.constant(field.algorithm);
      const sum = `${algorithm}.compute(t, ${from}, ${to}, ${this.out.constant(field.append)})`;
      this.putInt(field.base, this.out.define(sum), own.start);
    }
  }

  text(node: Extract<Node, { kind: 'utf8' }>, value: string, scope: Scope | undefined): void {
    this.out.line(`if (typeof ${value} !== 'string') return -1;`);
    const { size, max } = node;
    if (typeof size === 'object' && size.kind === 'int') {
      const length = this.putText(this.here(size.width), value, Math.min(max, integerRange(size).max));
      this.putInt(size, length, this.place(size.width));
      this.settle();
      this.out.line(`p += ${length};`);
      return;
    }
    this.settle();
    if (typeof size === 'object' && size.kind === 'varint') {
      const length = this.putText('p + 1', value, max);
      this.moveBehindVarint(length);
      return;
    }
    const derived = typeof size === 'string' ? scope!.derivedField(size) : undefined;
    const most = derived === undefined ? max : Math.min(max, integerRange(derived.base).max);
    const length = this.putText('p', value, typeof size === 'number' ? size : most);
    if (typeof size === 'number') this.out.line(`if (${length} !== ${size}) return -1;`);
    if (derived !== undefined) this.fill(derived, length);
    this.out.line(`p += ${length};`);
  }

  putText(at: string, value: string, limit: number): string {
    const length = this.out.define(`${this.out.constant(encodeUtf8)}(t, ${at}, ${value}, ${limit})`);
    this.out.line(`if (${length} < 0) return -1;`);
    return length;
  }

  bounded(node: Extract<Node, { kind: 'bounded' }>, value: string, scope: Scope | undefined): void {
    const { size, item, max } = node;
    const prefix = typeof size === 'object' && size.kind !== 'rest' ? size : undefined;
    const before = prefix?.kind === 'int' ? this.place(prefix.width) : undefined;
    this.settle();
    const at = this.out.define('p');
    if (prefix?.kind === 'varint') this.out.line('p++;');
    this.write(item, value, scope);
    this.settle();
    const length = this.out.define(`p - ${at}${prefix?.kind === 'varint' ? ' - 1' : ''}`);
    if (prefix === undefined) {
      this.size(size, length, max, scope);
      return;
    }
    this.out.line(`if (${length} > ${Math.min(max, integerRange(prefix).max)}) return -1;`);
    if (prefix.kind === 'int') {
      this.putInt(prefix, length, before!);
      return;
    }
    this.out.line(`p = ${at};`);
    this.moveBehindVarint(length);
  }

  /** `length` bytes stand at `p + 1`: put their length, a varint, at `p`, and go behind them. */
  moveBehindVarint(length: string): void {
    this.usesVarint = true;
    this.out.line(`if (${length} < 128) t[p++] = ${length};`);
    this.out.line('else {');
    const behind = this.out.define(`p + ${this.out.constant(varintWidth)}(${length})`);
    this.out.line(`t.copyWithin(${behind}, p + 1, p + 1 + ${length});`);
    this.out.line(`p = writeVaruint(t, p, ${length});`);
    this.out.line('}');
    this.out.line(`p += ${length};`);
  }

  /** Write or fill in a size, or hold it against the one that is declared. */
  size(size: SizeNode, actual: string, max: number, scope: Scope | undefined): void {
    if (typeof size === 'number') {
      this.out.line(`if (${actual} !== ${size}) return -1;`);
      return;
    }
    if (typeof size === 'string') {
      const derived = scope!.derivedField(size);
      this.out.line(`if (${actual} > ${Math.min(max, integerRange(derived.base).max)}) return -1;`);
      this.fill(derived, actual);
      return;
    }
    const limit = size.kind === 'rest' ? max : Math.min(max, integerRange(size).max);
    this.out.line(`if (${actual} > ${limit}) return -1;`);
    if (size.kind === 'int') this.putInt(size, actual, this.place(size.width));
    else if (size.kind === 'varint') this.putVaruint(actual);
  }

  fill({ place, filled, base }: Derived, value: string): void {
    this.out.line(`if (${filled} < 0) {`);
    this.out.line(`${filled} = ${value};`);
    this.putInt(base, filled, place);
    this.out.line(`} else if (${filled} !== ${value}) return -1;`);
  }

  /** Write a number that fits, at a place. */
  putInt({ width, order }: IntNode, value: string, place: string): void {
    for (let index = 0; index < width; index++) {
      const shift = 8 * (order === 'le' ? index : width - 1 - index);
      const at = index === 0 ? place : `${place} + ${index}`;
      this.out.line(`t[${at}] = ${shift === 0 ? value : `${value} >>> ${shift}`};`);
    }
  }

  varint(node: VarintNode, value: string): void {
    const { min, max } = integerRange(node);
    this.out.line(`if (!Number.isInteger(${value}) || ${value} < ${min} || ${value} > ${max}) return -1;`);
    this.putVaruint(node.zigzag ? this.out.define(`${value} < 0 ? -2 * ${value} - 1 : 2 * ${value}`) : value);
  }

  putVaruint(value: string): void {
    this.usesVarint = true;
    this.settle();
    this.out.line(`if (${value} < 128) t[p++] = ${value};`);
    this.out.line(`else p = writeVaruint(t, p, ${value});`);
  }

  varintFunction(): void {
    this.out.function('writeVaruint(t, p, value)', () => {
      this.out.line('while (value > 2147483647) {');
      this.out.line('t[p++] = (value % 128) | 128;');
      this.out.line('value = Math.floor(value / 128);');
      this.out.line('}');
      this.out.line('while (value > 127) {');
      this.out.line('t[p++] = (value & 127) | 128;');
      this.out.line('value >>>= 7;');
      this.out.line('}');
      this.out.line('t[p++] = value;');
      this.out.line('return p;');
    });
  }

  members(
    members: readonly BitMember[],
    value: string,
    wrong: (part: string, member: BitMember) => string,
  ): [string, BitMember][] {
    return members.map((member) => {
      const part = this.out.define(`${value}[${literal(member.name)}]`);
      this.out.line(`if (${wrong(part, member)}) return -1;`);
      return [part, member];
    });
  }

  condition({ field, is }: Condition, scope: Scope): string {
    const [name = '', member] = field.split('.');
    const value = scope.value(name) + (member === undefined ? '' : `[${literal(member)}]`);
    return is.map((one) => `${value} === ${literal(one)}`).join(' || ');
  }

  lazy(node: Extract<Node, { kind: 'lazy' }>): string {
    const made = this.lazies.get(node);
    if (made !== undefined) return made;
    const name = this.out.name('encodeLazy');
    this.lazies.set(node, name);
    this.out.function(`${name}(m, t, s, p, z)`, () => {
      this.out.line(`if (z > ${node.maxDepth}) return -1;`);
      this.write(node.get(), 'm', undefined);
      this.out.line(`return ${this.here()};`);
    });
    this.offset = 0;
    return name;
  }

  requireObject(value: string): void {
    this.out.line(`if (typeof ${value} !== 'object' || ${value} === null) return -1;`);
  }

  /** Where the next `width` bytes go, as text that holds as long as `p` stays; moves behind them. */
  place(width: number): string {
    const place = this.out.define(this.here());
    this.offset += width;
    return place;
  }

  here(more = 0): string {
    const distance = this.offset + more;
    return distance === 0 ? 'p' : `p + ${distance}`;
  }

  settle(): void {
    if (this.offset > 0) this.out.line(`p += ${this.offset};`);
    this.offset = 0;
  }
}

/** Writes `bound(m)`: the most bytes a message takes, whatever it holds. */
class BoundSource {
  readonly out: Source;
  readonly lazies: Map<Node, string> = new Map();
  /** Bytes that any value takes at most, not yet added. */
  fixed = 0;

  constructor(out: Source) {
    this.out = out;
  }

  root(node: Node): void {
    this.out.function('bound(m)', () => {
      this.out.line('let n = 0;');
      this.out.line('const z = 0;');
      this.add(node, 'm');
      this.settle();
      this.out.line('return n;');
    });
  }

  add(node: Node, value: string): void {
    const { max } = sizes(node);
    if (max <= 64) {
      this.fixed += max;
      return;
    }
    switch (node.kind) {
      case 'bytes':
      case 'bounded':
      case 'utf8': {
        this.fixed += typeof node.size === 'object' && node.size.kind !== 'rest' ? sizes(node.size).max : 0;
        if (node.kind === 'bounded') {
          this.add(node.item, value);
          return;
        }
        this.settle();
        const limit = sizeLimit(node.size, node.max);
        const [test, length] =
          node.kind === 'utf8'
            ? [`typeof ${value} === 'string'`, `3 * ${value}.length`]
            : [`${value} instanceof Uint8Array`, `${value}.length`];
        this.out.line(`if (${test}) n += Math.min(${length}, ${limit});`);
        return;
      }
      case 'cstring':
        this.settle();
        this.out.line(
          `if (typeof ${value} === 'string') n += Math.min(3 * ${value}.length, ${node.max}) + 1;`,
        );
        return;
      case 'array': {
        this.fixed +=
          typeof node.count === 'object' && node.count.kind !== 'rest' ? sizes(node.count).max : 0;
        this.settle();
        const most = sizeLimit(node.count, node.max);
        const item = sizes(node.item);
        this.out.line(`if (Array.isArray(${value})) {`);
        const length = this.out.define(`Math.min(${value}.length, ${most})`);
        if (item.max <= 64) this.out.line(`n += ${item.max} * ${length};`);
        else {
          const index = this.out.name('i');
          this.out.line(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
          this.add(node.item, this.out.define(`${value}[${index}]`));
          this.settle();
          this.out.line('}');
        }
        this.out.line('}');
        return;
      }
      case 'struct':
        this.members(node.entries, value);
        return;
      case 'optional':
        this.fixed += node.when === undefined ? 1 : 0;
        this.settle();
        this.out.line(`if (${value} !== undefined) {`);
        this.add(node.item, value);
        this.settle();
        this.out.line('}');
        return;
      case 'union':
        this.fixed += typeof node.tag === 'string' ? 0 : sizes(node.tag).max;
        this.settle();
        this.out.line(`if (typeof ${value} === 'object' && ${value} !== null) {`);
        this.out.line(`switch (${value}.type) {`);
        for (const one of node.byName.values()) {
          this.out.line(`case ${literal(one.name)}: {`);
          this.members(one.struct.entries, value);
          this.settle();
          this.out.line('break;');
          this.out.line('}');
        }
        this.out.line('}');
        this.out.line('}');
        return;
      case 'lazy':
        this.settle();
        this.out.line(`n += ${this.lazy(node)}(${value}, z + 1);`);
        return;
      case 'custom':
        this.settle();
        this.out.line(
          `n += ${this.out.constant(customSize)}(${this.out.constant(node.definition)}, ${value});`,
        );
        return;
      default:
        this.fixed += max;
    }
  }

  members(entries: StructNode['entries'], value: string): void {
    const open: [string, Node][] = [];
    for (const [name, field] of entries) {
      const { max } = sizes(field);
      if (max <= 64) this.fixed += max;
      else open.push([name, field]);
    }
    if (open.length === 0) return;
    this.settle();
    this.out.line(`if (typeof ${value} === 'object' && ${value} !== null) {`);
    for (const [name, field] of open) {
      if (field.kind === 'constant' || field.kind === 'padding') this.fixed += sizes(field).max;
      else this.add(field, this.out.define(`${value}[${literal(name)}]`));
    }
    this.settle();
    this.out.line('}');
  }

  lazy(node: Extract<Node, { kind: 'lazy' }>): string {
    const made = this.lazies.get(node);
    if (made !== undefined) return made;
    const name = this.out.name('boundLazy');
    this.lazies.set(node, name);
    this.out.function(`${name}(m, z)`, () => {
      this.out.line(`if (z > ${node.maxDepth}) return 0;`);
      this.out.line('let n = 0;');
      this.add(node.get(), 'm');
      this.settle();
      this.out.line('return n;');
    });
    return name;
  }

  settle(): void {
    if (this.fixed > 0) this.out.line(`n += ${this.fixed};`);
    this.fixed = 0;
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

// A bound never throws; what a field of one's own cannot measure it cannot write either.
function customSize(definition: CustomField<unknown>, value: unknown): number {
  try {
    return Math.max(0, definition.size(value));
  } catch {
    return 0;
  }
}

/** The most that a size or count can say. */
function sizeLimit(size: SizeNode, max: number): number {
  if (typeof size === 'number') return size;
  return typeof size === 'string' || size.kind === 'rest' ? max : Math.min(max, integerRange(size).max);
}

// A call into the engine costs more than a few bytes in a loop.
function copyBytes(target: Buffer, at: number, bytes: Uint8Array): void {
  if (bytes.length > 32) target.set(bytes, at);
  else for (let index = 0; index < bytes.length; index++) target[at + index] = bytes[index]!;
}

/** A test that is true for whatever is no number in the integer's range. */
function outOfRange({ width, signed }: IntNode, value: string): string {
  if (signed) {
    const unused = 32 - 8 * width;
    return unused === 0 ? `${value} !== (${value} | 0)` : `${value} !== (${value} << ${unused} >> ${unused})`;
  }
  return width === 4 ? `${value} !== ${value} >>> 0` : `${value} !== (${value} & ${2 ** (8 * width) - 1})`;
}
