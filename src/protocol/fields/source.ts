import { show } from '../../bytes/show.ts';
import { literal } from './engine/code.ts';
import { type AnyField, nodeOf, rest, type Size as SizeDeclaration } from './field.ts';
import type {
  AnyNode,
  Decoding,
  Encoding,
  Extent,
  Range,
  Reading,
  Reference,
  Size,
  Slots,
  Source,
  Tag,
  TagField,
  Use,
  Writing,
} from './kind.ts';

const NO_BYTES: Size = { min: 0, max: 0 };
const ANY_NUMBER: Range = { min: 0, max: Number.POSITIVE_INFINITY };

/** A number in the declaration. */
class LiteralSource implements Source {
  readonly extent: Extent;
  readonly takesRest = false;
  readonly size = NO_BYTES;
  readonly range: Range;
  readonly #value: number;

  constructor(value: number) {
    this.#value = value;
    this.extent = { from: 'literal', value };
    this.range = { min: value, max: value };
  }

  references(): readonly Reference[] {
    return [];
  }
  read(): unknown {
    return this.#value;
  }
  decode(): string {
    return String(this.#value);
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  most(): number {
    return this.#value;
  }
  // It is there already; whether it agrees is judged where it is used.
  write(): void {}
  encode(): void {}
  encodeTag(): void {}
  reserve(): () => void {
    return () => {};
  }
  reserveCode(): () => void {
    return () => {};
  }
}

/** A field right before what the number is used for. */
class PrefixSource implements Source {
  readonly extent: Extent;
  readonly takesRest = false;
  readonly size: Size;
  readonly range: Range;
  readonly #node: AnyNode;
  readonly #tag: TagField | undefined;

  constructor(node: AnyNode, tag?: TagField) {
    this.#node = node;
    this.#tag = tag;
    this.extent = { from: 'prefix', node };
    this.size = node.facts.size;
    this.range = node.kind.range?.(node) ?? ANY_NUMBER;
  }

  references(): readonly Reference[] {
    return [];
  }
  read(walk: Reading): unknown {
    return walk.value(this.#node);
  }
  decode(out: Decoding): string {
    return out.value(this.#tag?.node ?? this.#node).value;
  }
  raw(tag: Tag): Tag | undefined {
    return this.#tag?.raw(tag);
  }
  most(): number {
    return this.range.max;
  }
  write(value: unknown, walk: Writing): void {
    walk.value(this.#node, value);
  }
  encode(value: string, out: Encoding): void {
    out.value(this.#node, value, true);
  }
  encodeTag(tag: Tag, out: Encoding): void {
    out.value(this.#node, literal(tag), true);
  }
  reserve(walk: Writing): (value: number) => void {
    const slot = this.#node.kind.slot?.(this.#node);
    const room = slot?.width ?? this.size.min;
    const at = walk.take(room);
    if (slot !== undefined) return (value) => walk.put(slot, value, at);
    return (value) => walk.insert(this.#node, value, at, room);
  }
  reserveCode(out: Encoding): (value: string) => void {
    const slot = this.#node.kind.slot?.(this.#node);
    if (slot !== undefined) {
      const place = out.reservePlace(slot.width);
      return (value) => out.putInt(slot, value, place);
    }
    out.settle();
    const at = out.define('p');
    out.line(`p += ${this.size.min};`);
    return (value) => this.#node.kind.insert!(this.#node, at, value, out);
  }
}

/** An earlier field, here or in a structure round it. */
class PathSource implements Source {
  readonly extent: Extent;
  readonly takesRest = false;
  readonly size = NO_BYTES;
  readonly range = ANY_NUMBER;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.extent = { from: 'path', path };
  }

  references(use: Use, tags?: readonly Tag[]): readonly Reference[] {
    return [{ path: this.#path, use, tags }];
  }
  read(walk: Reading): unknown {
    return walk.find(this.#path);
  }
  decode(out: Decoding): string {
    return out.find(this.#path).value;
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  most(place: Slots): number {
    return place.slot(this.#path).max;
  }
  write(value: unknown, walk: Writing): void {
    walk.fill(this.#path, value);
  }
  encode(value: string, out: Encoding): void {
    out.fill(this.#path, value);
  }
  encodeTag(tag: Tag, out: Encoding): void {
    out.fill(this.#path, literal(out.slot(this.#path).byName?.get(tag as string) ?? tag));
  }
  reserve(walk: Writing): (value: number) => void {
    return (value) => walk.fill(this.#path, value);
  }
  reserveCode(out: Encoding): (value: string) => void {
    return (value) => out.fill(this.#path, value);
  }
}

/** What is left of the frame, or of the enclosing `bounded`. */
class RestSource implements Source {
  readonly extent: Extent = { from: 'rest' };
  readonly takesRest = true;
  readonly size = NO_BYTES;
  readonly range = ANY_NUMBER;

  references(): readonly Reference[] {
    return [];
  }
  read(walk: Reading): unknown {
    return walk.end - walk.at;
  }
  decode(out: Decoding): string {
    out.settle();
    return out.define(`${out.end} - p`);
  }
  raw(tag: Tag): Tag {
    return tag;
  }
  most(): number {
    return Number.POSITIVE_INFINITY;
  }
  // What takes the rest says so once it is written (`exhaust`).
  write(): void {}
  encode(): void {}
  encodeTag(): void {}
  reserve(): () => void {
    return () => {};
  }
  reserveCode(): () => void {
    return () => {};
  }
}

/** The source of a size or a count; throws a TypeError or RangeError for what is none. */
export function sizeSource(size: SizeDeclaration, where: string): Source {
  if (size === rest) return new RestSource();
  if (typeof size === 'string') return new PathSource(size);
  if (typeof size === 'number') {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${where}: ${size} is not a size`);
    return new LiteralSource(size);
  }
  const node = nodeOf(size as AnyField, where);
  const range = node.kind.range?.(node);
  if (range === undefined) {
    throw new TypeError(
      `${where}: expected an integer field of at most 32 bits or a varint, got ${node.kind.name}`,
    );
  }
  if (range.min < 0) throw new TypeError(`${where}: a size is an unsigned integer`);
  return new PrefixSource(node);
}

/** The source of a tag: a field right before, or the path of an earlier one. */
export function tagSource(tag: string | AnyField): Source {
  if (typeof tag === 'string') return new PathSource(tag);
  const node = nodeOf(tag, 'the tag');
  const field = node.kind.tag?.(node);
  if (field === undefined) {
    throw new TypeError(`the tag: expected an integer field or an enumeration, got ${node.kind.name}`);
  }
  return new PrefixSource(node, field);
}

/** The source of a condition. */
export function pathSource(path: string): Source {
  return new PathSource(path);
}

/** Refuse what is not a tag of the field right before. */
export function requireTag(source: Source, tag: Tag, name: string): void {
  if (source.raw(tag) === undefined)
    throw new RangeError(`${name}: the tag ${show(tag)} is no value of its field`);
}

/** The most bytes or elements that a size allows, as far as that is known without the fields round it. */
export function mostBytes(source: Source, max: number): number {
  const { min, max: most } = source.range;
  return min === most ? most : Math.min(max, most);
}

/** The size of a field that holds a number of items, of so many bytes each: Infinity where nothing in front of it says. */
export function longest(source: Source, max: number, least: number, each: number): Size {
  const { min, max: most } = source.range;
  if (min === most) return { min: product(min, least), max: product(min, each) };
  const isSaid = Number.isFinite(most) && source.size.min === source.size.max;
  return {
    min: source.size.min,
    max: isSaid ? source.size.max + product(Math.min(max, most), each) : Number.POSITIVE_INFINITY,
  };
}

function product(count: number, each: number): number {
  return count === 0 || each === 0 ? 0 : count * each;
}
