import { literal } from '../engine/code.ts';
import type {
  AnyNode,
  Decoding,
  Encoding,
  Extent,
  Range,
  Reading,
  Reference,
  Size,
  Source,
  Tag,
  TagField,
  Writing,
} from '../kind.ts';
import { UNKNOWN } from './path.ts';

/** A field right before what the number is used for. */
export class PrefixSource implements Source {
  readonly extent: Extent;
  readonly takesRest: boolean = false;
  readonly nullable: boolean = false;
  readonly size: Size;
  readonly range: Range;
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
    return walk.value(this.#node);
  }
  decode(out: Decoding): string {
    return out.value(this.#tag?.node ?? this.#node).value;
  }
  raw(tag: Tag): Tag | undefined {
    return this.#tag?.raw(tag);
  }
  given(): undefined {
    return undefined;
  }
  givenCode(): undefined {
    return undefined;
  }
  span(): Range {
    return this.range;
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
