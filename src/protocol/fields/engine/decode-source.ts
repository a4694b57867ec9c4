import { decodeUtf8 } from '../../../bytes/utf8.ts';
import {
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
import type { Condition } from '../fields.ts';
import { DOUBLE, DOUBLE_BYTES, FLOAT, FLOAT_BYTES, LITTLE_HOST } from './float-scratch.ts';
import { Cursor, type Declaration, readCustom, widthMask } from './read-walk.ts';
import { literal, literalKey, type Source } from './source.ts';

/**
 * Write `decode(b, s, e)` and what it calls.
 *
 *     b  the chunk      s  the frame's start      p  where we are, but for `offset` bytes known here
 *     e  the end of the frame, or of the enclosing `bounded`      z  levels of recursion
 */
export function generateDecoder(source: Source, declaration: Declaration): void {
  new DecoderSource(source, declaration).root();
}

/** What is known of a field that was read: the text that gives its value, and its members'. */
interface Known {
  readonly value: string;
  readonly members: ReadonlyMap<string, string>;
}

class Scope {
  readonly fields: Map<string, Known> = new Map();
  readonly places: Map<string, { start: string; end: string }> = new Map();
  readonly outer: Scope | undefined;

  constructor(outer: Scope | undefined) {
    this.outer = outer;
  }

  find(name: string): Known {
    return this.fields.get(name) ?? this.outer!.find(name);
  }
}

const NO_MEMBERS: ReadonlyMap<string, string> = new Map();

class DecoderSource {
  readonly out: Source;
  readonly declaration: Declaration;
  /** Bytes behind `p` that are read already. */
  offset = 0;
  /** Bytes behind `p` that are known to be there. */
  ready = 0;
  end = 'e';
  readonly lazies: Map<Node, string> = new Map();
  usesVarint = false;

  constructor(out: Source, declaration: Declaration) {
    this.out = out;
    this.declaration = declaration;
  }

  root(): void {
    const { root } = this.declaration;
    this.out.function('decodeMessage(b, s, e)', () => {
      if (root.kind === 'union' && typeof root.tag !== 'string') this.messages(root);
      else {
        this.out.line('let p = s;');
        this.out.line('const z = 0;');
        const { value } = this.value(root, undefined);
        this.finish(value);
      }
    });
    // Whatever goes wrong in here (a custom field, a bigint where a number is due), the slow walk says what.
    this.out.function('decode(b, s, e)', () => {
      this.out.line('try {');
      this.out.line('return decodeMessage(b, s, e);');
      this.out.line('} catch {');
      this.out.line('return FAILED;');
      this.out.line('}');
    });
    if (this.usesVarint) this.varintFunction();
  }

  messages(node: UnionNode): void {
    const header = [...node.byName.values()][0]!.struct.entries.slice(0, node.headerCount);
    const headerSize = header.reduce((sum, [, field]) => sum + sizes(field).min, 0);
    this.out.line(headerSize === 0 ? 'let p = s;' : `let p = s + ${headerSize};`);
    const tag = this.tag(node);
    this.settle();
    this.out.line(`switch (${tag}) {`);
    for (const one of node.byName.values()) {
      const name = this.out.name('decodeCase');
      this.out.line(`case ${this.caseLabel(node, one)}: return ${name}(b, s, p, e);`);
      this.messageFunction(name, node, one, headerSize);
    }
    this.out.line('default: return FAILED;');
    this.out.line('}');
  }

  messageFunction(name: string, node: UnionNode, one: UnionCase, headerSize: number): void {
    this.out.function(`${name}(b, s, q, e)`, () => {
      const scope = new Scope(undefined);
      this.out.line(`let p = ${node.headerCount === 0 ? 'q' : 's'};`);
      this.out.line('const z = 0;');
      this.reset(headerSize);
      const pairs = this.entries(one.struct, 0, node.headerCount, scope);
      if (node.headerCount > 0) {
        this.out.line('p = q;');
        this.reset(0);
      }
      pairs.push(...this.entries(one.struct, node.headerCount, one.struct.entries.length, scope));
      this.verify(one.struct, scope, 's');
      this.finish(object([['type', JSON.stringify(one.name)], ...pairs]));
    });
    this.reset(0);
  }

  finish(value: string): void {
    if (this.declaration.trailing === 'reject') {
      this.out.line(`if (${this.here()} !== e) return FAILED;`);
    }
    this.out.line(`return ${value};`);
  }

  /** Read a field; what it gives. */
  value(node: Node, scope: Scope | undefined): Known {
    switch (node.kind) {
      case 'int':
        return known(this.int(node));
      case 'bigint': {
        this.need(8);
        const method = `readBig${node.signed ? '' : 'U'}Int64${node.order === 'le' ? 'LE' : 'BE'}`;
        return this.read(`b.${method}(${this.here()})`, 8);
      }
      case 'float':
        return known(this.float(node));
      case 'varint':
        return known(this.varint(node));
      case 'bool':
        return known(this.flag());
      case 'bytes': {
        const [from, to] = this.run(node.size, node.max, scope);
        return known(this.out.define(`b.subarray(${from}, ${to})`));
      }
      case 'utf8': {
        const [from, to] = this.run(node.size, node.max, scope);
        return known(this.text(from, to));
      }
      case 'cstring': {
        this.settle();
        const limit = this.out.define(`Math.min(${this.end}, p + ${node.max + 1})`);
        const nul = this.out.define('p', 'let');
        this.out.line(`while (${nul} < ${limit} && b[${nul}] !== 0) ${nul}++;`);
        this.out.line(`if (${nul} === ${limit}) return FAILED;`);
        const text = this.text('p', nul);
        this.out.line(`p = ${nul} + 1;`);
        return known(text);
      }
      case 'array':
        return known(this.array(node, scope));
      case 'struct': {
        const inner = new Scope(scope);
        const summed = node.entries.some(([, field]) => field.kind === 'checksum');
        const start = summed ? this.out.define(this.here()) : '';
        const pairs = this.entries(node, 0, node.entries.length, inner);
        this.verify(node, inner, start);
        return { value: object(pairs), members: new Map(pairs) };
      }
      case 'optional': {
        const condition = node.when === undefined ? this.flag() : this.condition(node.when, scope!);
        this.settle();
        const result = this.out.define('undefined', 'let');
        this.out.line(`if (${condition}) {`);
        this.out.line(`${result} = ${this.value(node.item, scope).value};`);
        this.settle();
        this.out.line('}');
        return known(result);
      }
      case 'union':
        return known(this.union(node, scope));
      case 'enumeration': {
        const raw = this.value(node.base, scope).value;
        const name = this.out.define(this.lookUp(node.byValue, raw));
        if (node.unknown === 'keep') return known(`(${name} === undefined ? ${raw} : ${name})`);
        this.out.line(`if (${name} === undefined) return FAILED;`);
        return known(name);
      }
      case 'flags': {
        const raw = this.int({ ...node.base, signed: false });
        const others = widthMask(8 * node.base.width) & ~node.named;
        if (node.unknown === 'reject' && others !== 0) {
          this.out.line(`if ((${raw} & ${others}) !== 0) return FAILED;`);
        }
        return this.members(node.members, ({ shift }) => `((${raw} >>> ${shift}) & 1) === 1`);
      }
      case 'bits': {
        const raw = this.int({ ...node.base, signed: false });
        return this.members(node.members, ({ shift, width }) =>
          width === 32 ? raw : `(${raw} >>> ${shift}) & ${widthMask(width)}`,
        );
      }
      case 'constant': {
        this.need(node.bytes.length);
        if (node.bytes.length > 16) {
          const view = `b.subarray(${this.here()}, ${this.here(node.bytes.length)})`;
          this.out.line(`if (${view}.compare(${this.out.constant(node.bytes)}) !== 0) return FAILED;`);
        } else if (node.bytes.length > 0) {
          const tests = Array.from(node.bytes, (byte, index) => `b[${this.here(index)}] !== ${byte}`);
          this.out.line(`if (${tests.join(' || ')}) return FAILED;`);
        }
        this.offset += node.bytes.length;
        return known('undefined');
      }
      case 'padding': {
        if (node.to === 0) {
          this.need(node.size);
          this.offset += node.size;
        } else {
          this.settle();
          this.out.line(`p += (${node.to} - ((p - s) % ${node.to})) % ${node.to};`);
          this.out.line(`if (p > ${this.end}) return FAILED;`);
        }
        return known('undefined');
      }
      case 'checksum':
        return known(this.int(node.base));
      case 'bounded': {
        const [, to] = this.run(node.size, node.max, scope, true);
        const outer = this.end;
        this.end = this.out.define(to);
        const { value } = this.value(node.item, scope);
        const result = this.out.define(value);
        this.settle();
        this.out.line(`if (p !== ${this.end}) return FAILED;`);
        this.end = outer;
        return known(result);
      }
      case 'lazy': {
        this.settle();
        const result = this.out.define(`${this.lazy(node)}(b, s, p, ${this.end}, z + 1)`);
        this.out.line(`if (${result} === FAILED) return FAILED;`);
        this.out.line('p = position;');
        return known(result);
      }
      case 'custom': {
        this.settle();
        const cursor = this.out.define(`new ${this.out.constant(Cursor)}(b, s, p, ${this.end})`);
        const read = this.out.constant(readCustom);
        const result = this.out.define(`${read}(${this.out.constant(node.definition)}, ${cursor})`);
        this.out.line(`p = ${cursor}.at;`);
        return known(result);
      }
    }
  }

  entries(node: StructNode, from: number, to: number, scope: Scope): [string, string][] {
    const placed = new Set<string>();
    for (const [name, field] of node.entries) {
      if (field.kind === 'checksum') for (const one of [name, field.from, field.to]) placed.add(one ?? name);
    }
    const pairs: [string, string][] = [];
    for (let index = from; index < to; index++) {
      const [name, field] = node.entries[index]!;
      if (this.offset >= this.ready) this.need(this.runAhead(node, index, to));
      const start = placed.has(name) ? this.out.define(this.here()) : '';
      const found = this.value(field, scope);
      scope.fields.set(name, found);
      if (placed.has(name)) scope.places.set(name, { start, end: this.out.define(this.here()) });
      if (field.kind !== 'constant' && field.kind !== 'padding') pairs.push([name, found.value]);
    }
    return pairs;
  }

  /** Bytes that are needed in any case, from a field on, as far as their places are known here. */
  runAhead(node: StructNode, from: number, to: number): number {
    let total = 0;
    for (let index = from; index < to; index++) {
      const { min, max } = sizes(node.entries[index]![1]);
      total += min;
      if (min !== max) break;
    }
    return total;
  }

  verify(node: StructNode, scope: Scope, start: string): void {
    for (const [name, field] of node.entries) {
      if (field.kind !== 'checksum') continue;
      const own = scope.places.get(name)!;
      const from = field.from === undefined ? start : scope.places.get(field.from)!.start;
      const to = field.to === undefined ? own.start : scope.places.get(field.to)!.end;
      const algorithm = this.out.constant(field.algorithm);
      const sum = `${algorithm}.compute(b, ${from}, ${to}, ${this.out.constant(field.append)})`;
      this.out.line(`if (${sum} !== ${scope.fields.get(name)!.value}) return FAILED;`);
    }
  }

  union(node: UnionNode, scope: Scope | undefined): string {
    const isSummed = [...node.byName.values()].some((one) =>
      one.struct.entries.some(([, field]) => field.kind === 'checksum'),
    );
    const start = isSummed ? this.out.define(this.here()) : '';
    const tag = typeof node.tag === 'string' ? scope!.find(node.tag).value : this.tag(node);
    this.settle();
    const result = this.out.define('undefined', 'let');
    this.out.line(`switch (${tag}) {`);
    for (const one of node.byName.values()) {
      this.out.line(`case ${this.caseLabel(node, one)}: {`);
      const inner = new Scope(scope);
      const pairs = this.entries(one.struct, 0, one.struct.entries.length, inner);
      this.verify(one.struct, inner, start);
      this.out.line(`${result} = ${object([['type', JSON.stringify(one.name)], ...pairs])};`);
      this.settle();
      this.out.line('break;');
      this.out.line('}');
    }
    this.out.line('default: return FAILED;');
    this.out.line('}');
    return result;
  }

  /** The tag as a number, bigint, or the number behind a name. */
  tag(node: UnionNode): string {
    const field = node.tag as Exclude<UnionNode['tag'], string>;
    return this.value(field.kind === 'enumeration' ? field.base : field, undefined).value;
  }

  caseLabel(node: UnionNode, one: UnionCase): string {
    const field = node.tag;
    if (typeof field === 'string' || field.kind !== 'enumeration') return literal(one.tag);
    return literal(field.byName.get(one.tag as string));
  }

  array(node: Extract<Node, { kind: 'array' }>, scope: Scope | undefined): string {
    const { min, max } = sizes(node.item);
    const list = this.out.name();
    const read = (ready: number) => {
      this.reset(ready);
      this.out.line(`${list}.push(${this.value(node.item, scope).value});`);
      this.settle();
      this.out.line('}');
    };
    if (typeof node.count === 'object' && node.count.kind === 'rest') {
      this.settle();
      this.out.line(`const ${list} = [];`);
      this.out.line(`while (p < ${this.end}) {`);
      this.out.line(`if (${list}.length === ${node.max}) return FAILED;`);
      read(0);
      return list;
    }
    const count = this.size(node.count, node.max, scope);
    this.settle();
    if (min > 0)
      this.out.line(`if (${count}${min === 1 ? '' : ` * ${min}`} > ${this.end} - p) return FAILED;`);
    this.out.line(`const ${list} = [];`);
    const index = this.out.name('i');
    this.out.line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`);
    read(min === max ? min : 0);
    return list;
  }

  /** A run of bytes: where it begins and where it ends. With `inside`, what it holds is read next. */
  run(size: SizeNode, max: number, scope: Scope | undefined, inside = false): [from: string, to: string] {
    if (typeof size === 'number') {
      this.need(size);
      if (inside) {
        this.settle();
        return ['p', `p + ${size}`];
      }
      const run: [string, string] = [this.here(), this.here(size)];
      this.offset += size;
      // What is read later moves `p`, so the places are kept.
      return [this.out.define(run[0]), this.out.define(run[1])];
    }
    const length = this.size(size, max, scope);
    this.settle();
    if (typeof size !== 'object' || size.kind !== 'rest') {
      this.out.line(`if (${length} > ${this.end} - p) return FAILED;`);
    }
    if (inside) return ['p', `p + ${length}`];
    const from = this.out.define('p');
    this.out.line(`p += ${length};`);
    return [from, 'p'];
  }

  /** A size or count, not beyond its maximum. */
  size(size: SizeNode, max: number, scope: Scope | undefined): string {
    if (typeof size === 'number') return String(size);
    if (typeof size === 'object' && size.kind === 'rest') {
      this.settle();
      const length = this.out.define(`${this.end} - p`);
      this.out.line(`if (${length} > ${max}) return FAILED;`);
      return length;
    }
    const length = typeof size === 'string' ? scope!.find(size).value : this.value(size, scope).value;
    const capacity = typeof size === 'string' ? Number.POSITIVE_INFINITY : integerRange(size).max;
    if (capacity > max) this.out.line(`if (${length} > ${max}) return FAILED;`);
    return length;
  }

  int(node: IntNode): string {
    this.need(node.width);
    return this.read(
      intExpression(node, (index) => `b[${this.here(index)}]`),
      node.width,
    ).value;
  }

  float({ width, order }: Extract<Node, { kind: 'float' }>): string {
    this.need(width);
    const scratch = this.out.constant(width === 4 ? FLOAT : DOUBLE);
    const view = this.out.constant(width === 4 ? FLOAT_BYTES : DOUBLE_BYTES);
    for (let index = 0; index < width; index++) {
      const from = (order === 'le') === LITTLE_HOST ? index : width - 1 - index;
      this.out.line(`${view}[${index}] = b[${this.here(from)}];`);
    }
    return this.read(`${scratch}[0]`, width).value;
  }

  varint(node: VarintNode): string {
    this.usesVarint = true;
    this.need(1);
    this.settle();
    const value = this.out.define('b[p]', 'let');
    this.out.line(`if (${value} < 128) p++;`);
    this.out.line('else {');
    this.out.line(`${value} = readVaruint(b, p, ${this.end});`);
    this.out.line(`if (${value} < 0) return FAILED;`);
    this.out.line('p = position;');
    this.out.line('}');
    if (!node.zigzag) return value;
    return this.out.define(`${value} % 2 === 0 ? ${value} / 2 : -(${value} + 1) / 2`);
  }

  varintFunction(): void {
    this.out.function('readVaruint(b, p, e)', () => {
      this.out.line('let value = 0;');
      this.out.line('let scale = 1;');
      this.out.line('for (let end = p + 10; p < end && p < e; scale *= 128) {');
      this.out.line('const byte = b[p++];');
      this.out.line('value += (byte & 127) * scale;');
      this.out.line('if (byte < 128) {');
      this.out.line('position = p;');
      this.out.line(`return value > ${Number.MAX_SAFE_INTEGER} ? -1 : value;`);
      this.out.line('}');
      this.out.line('}');
      this.out.line('return -1;');
    });
  }

  flag(): string {
    this.need(1);
    const byte = this.read(`b[${this.here()}]`, 1).value;
    this.out.line(`if (${byte} > 1) return FAILED;`);
    return this.out.define(`${byte} === 1`);
  }

  text(from: string, to: string): string {
    const text = this.out.define(`${this.out.constant(decodeUtf8)}(b, ${from}, ${to})`);
    this.out.line(`if (${text} === undefined) return FAILED;`);
    return text;
  }

  members<M extends { name: string }>(members: readonly M[], expression: (member: M) => string): Known {
    const pairs = members.map((member): [string, string] => [
      member.name,
      this.out.define(expression(member)),
    ]);
    return { value: object(pairs), members: new Map(pairs) };
  }

  condition({ field, is }: Condition, scope: Scope): string {
    const [name = '', member] = field.split('.');
    const found = scope.find(name);
    const value = member === undefined ? found.value : found.members.get(member)!;
    return is.map((one) => `${value} === ${literal(one)}`).join(' || ');
  }

  lookUp(byValue: ReadonlyMap<number, string>, raw: string): string {
    const values = [...byValue.keys()];
    if (Math.min(...values) < 0 || Math.max(...values) > 255)
      return `${this.out.constant(byValue)}.get(${raw})`;
    const names = Array.from({ length: 256 }, (_, value) => byValue.get(value));
    return `${raw} >= 0 && ${raw} < 256 ? ${this.out.constant(names)}[${raw}] : undefined`;
  }

  lazy(node: Extract<Node, { kind: 'lazy' }>): string {
    const made = this.lazies.get(node);
    if (made !== undefined) return made;
    const name = this.out.name('decodeLazy');
    this.lazies.set(node, name);
    const outer = { offset: this.offset, ready: this.ready, end: this.end };
    this.out.function(`${name}(b, s, p, e, z)`, () => {
      this.reset(0);
      this.end = 'e';
      this.out.line(`if (z > ${node.maxDepth}) return FAILED;`);
      const { value } = this.value(node.get(), undefined);
      const result = this.out.define(value);
      this.settle();
      this.out.line('position = p;');
      this.out.line(`return ${result};`);
    });
    Object.assign(this, outer);
    return name;
  }

  /** Fail unless `count` more bytes are there. */
  need(count: number): void {
    const total = this.offset + count;
    if (total <= this.ready) return;
    this.out.line(`if (${this.end} - p < ${total}) return FAILED;`);
    this.ready = total;
  }

  read(expression: string, width: number): Known {
    const value = this.out.define(expression);
    this.offset += width;
    return known(value);
  }

  here(more = 0): string {
    const distance = this.offset + more;
    return distance === 0 ? 'p' : `p + ${distance}`;
  }

  /** Move `p` to where we are. What is known to be there behind it stays known. */
  settle(): void {
    if (this.offset > 0) this.out.line(`p += ${this.offset};`);
    this.reset(0);
  }

  reset(ready: number): void {
    this.offset = 0;
    this.ready = ready;
  }
}

/** An integer out of its bytes; `byte(0)` is the first. */
function intExpression({ width, signed, order }: IntNode, byte: (index: number) => string): string {
  const parts = Array.from({ length: width }, (_, index) => {
    const shift = 8 * (order === 'le' ? index : width - 1 - index);
    return shift === 0 ? byte(index) : `${byte(index)} << ${shift}`;
  });
  const joined = parts.join(' | ');
  if (!signed) return width === 4 ? `(${joined}) >>> 0` : joined;
  const unused = 32 - 8 * width;
  return unused === 0 ? joined : `(${joined}) << ${unused} >> ${unused}`;
}

function object(pairs: readonly (readonly [string, string])[]): string {
  return `{ ${pairs.map(([name, value]) => `${literalKey(name)}: ${value}`).join(', ')} }`;
}

function known(value: string): Known {
  return { value, members: NO_MEMBERS };
}
