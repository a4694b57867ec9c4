import { literal } from '../engine/code.ts';
import type {
  AnyNode,
  Decoding,
  Encoding,
  Extent,
  Numbers,
  Range,
  Reading,
  Reference,
  Size,
  Tag,
  TagField,
  TagSource,
  Writing,
} from '../kind.ts';
import { numberCode, toSize, UNKNOWN } from './path.ts';

/** A field right before the content that its number is used for. */
export class PrefixSource implements TagSource {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly mayTakeRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size;
  readonly range: Numbers;
  readonly #node: AnyNode;
  readonly #tag: TagField | undefined;

  constructor(node: AnyNode, tag?: TagField) {
    this.#node = node;
    this.#tag = tag;
    this.extent = { from: 'prefix', node };
    this.size = node.facts.size;
    this.range = node.kind.range?.(node) ?? UNKNOWN;
  }

  references(): readonly Reference[] {
    return [];
  }
  read(walk: Reading): unknown {
    const value = walk.value(this.#node);
    return this.#tag === undefined ? toSize(value) : value;
  }
  decode(out: Decoding): string {
    if (this.#tag !== undefined) return out.value(this.#tag.node).value;
    return numberCode(out.value(this.#node), out);
  }
  raw(tag: Tag): Tag | undefined {
    return this.#tag!.raw(tag);
  }
  span(): Range {
    return this.range;
  }
  refusal(value: number): string | undefined {
    const isSaid = this.#node.kind.says?.(this.#node, value) !== false;
    return isSaid ? undefined : 'a size that its field can hold';
  }
  refuse(value: string, out: Encoding): void {
    const { says } = this.#node.kind;
    if (says !== undefined) out.refuse(`!${out.constant(says)}(${out.constant(this.#node)}, ${value})`);
  }
  write(value: unknown, walk: Writing): void {
    walk.value(this.#node, this.#tag === undefined ? this.#valueOf(value) : value);
  }
  encode(value: string, out: Encoding): void {
    // A size or a tag is not the value of the field that it belongs to.
    const { written } = out;
    out.value(this.#node, this.range.big ? out.define(`BigInt(${value})`) : value, true);
    out.written = written;
  }
  encodeTag(tag: Tag, out: Encoding): void {
    const { written } = out;
    out.value(this.#node, literal(tag), true);
    out.written = written;
  }
  reserve(walk: Writing): (value: number) => void {
    const slot = this.#node.kind.slot?.(this.#node);
    const room = slot?.width ?? this.size.min;
    const at = walk.take(room);
    if (slot !== undefined) return (value) => walk.put(slot, value, at);
    return (value) => walk.insert(this.#node, this.#valueOf(value), at, room);
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
    const { insert } = this.#node.kind;
    if (insert !== undefined) return (value) => insert(this.#node, at, value, out);
    return (value) => {
      out.settle();
      const content = out.define(`${out.constant(copyOf)}(t, ${at} + ${this.size.min}, p)`);
      out.line(`p = ${at};`);
      this.encode(value, out);
      out.settle();
      out.line(`t.set(${content}, p);`);
      out.line(`p += ${content}.length;`);
    };
  }

  #valueOf(value: unknown): unknown {
    return this.range.big ? BigInt(value as number) : value;
  }
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end);
}
