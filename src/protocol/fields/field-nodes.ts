import type { Checksum } from '../../bytes/checksum.ts';
import type { Condition, CustomField, Rest, Tag } from './fields.ts';

// What a declaration is to the engines: plain data, and what can be told from it.

/** Most significant byte first, or last. */
export type ByteOrder = 'le' | 'be';

export interface IntNode {
  readonly kind: 'int';
  /** In bytes. */
  readonly width: 1 | 2 | 3 | 4;
  readonly signed: boolean;
  readonly order: ByteOrder;
}

export interface VarintNode {
  readonly kind: 'varint';
  readonly zigzag: boolean;
}

export interface EnumerationNode {
  readonly kind: 'enumeration';
  readonly base: IntNode | VarintNode;
  readonly byName: ReadonlyMap<string, number>;
  readonly byValue: ReadonlyMap<number, string>;
  readonly unknown: 'reject' | 'keep';
}

export interface BitMember {
  readonly name: string;
  /** Bits to the right of it. */
  readonly shift: number;
  readonly width: number;
}

export interface StructNode {
  readonly kind: 'struct';
  readonly entries: readonly (readonly [name: string, node: Node])[];
  /** The fields that are someone's size, count or tag. */
  readonly derived: ReadonlySet<string>;
}

export interface UnionCase {
  readonly name: string;
  readonly tag: Tag;
  /** Header (of messages with one) and body. */
  readonly struct: StructNode;
}

export interface UnionNode {
  readonly kind: 'union';
  /** The name of an earlier field, or the tag that stands before the case. */
  readonly tag: string | IntNode | VarintNode | EnumerationNode | BigintNode;
  readonly byTag: ReadonlyMap<Tag, UnionCase>;
  readonly byName: ReadonlyMap<string, UnionCase>;
  /** How many of each case's fields stand before the tag. */
  readonly headerCount: number;
}

export interface BigintNode {
  readonly kind: 'bigint';
  readonly signed: boolean;
  readonly order: ByteOrder;
}

export interface ChecksumNode {
  readonly kind: 'checksum';
  readonly base: IntNode;
  readonly algorithm: Checksum;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly append: Uint8Array;
}

/** A size or count, as data. */
export type SizeNode = number | string | Rest | IntNode | VarintNode;

/** A field declaration, as the engines see it. */
export type Node =
  | IntNode
  | BigintNode
  | { readonly kind: 'float'; readonly width: 4 | 8; readonly order: ByteOrder }
  | VarintNode
  | { readonly kind: 'bool' }
  | {
      readonly kind: 'bytes';
      readonly size: SizeNode;
      readonly max: number;
      /** A missing value is an empty one: the bytes that `trailing: 'keep'` keeps. */
      readonly orEmpty?: boolean;
    }
  | { readonly kind: 'utf8'; readonly size: SizeNode; readonly max: number }
  | { readonly kind: 'cstring'; readonly max: number }
  | { readonly kind: 'array'; readonly item: Node; readonly count: SizeNode; readonly max: number }
  | StructNode
  | { readonly kind: 'optional'; readonly item: Node; readonly when: Condition | undefined }
  | UnionNode
  | EnumerationNode
  | {
      readonly kind: 'flags';
      readonly base: IntNode;
      readonly members: readonly BitMember[];
      /** The bits that have a name. */
      readonly named: number;
      readonly unknown: 'reject' | 'ignore';
    }
  | { readonly kind: 'bits'; readonly base: IntNode; readonly members: readonly BitMember[] }
  | { readonly kind: 'constant'; readonly base: Node; readonly value: unknown; readonly bytes: Uint8Array }
  | { readonly kind: 'padding'; readonly size: number; readonly to: number }
  | ChecksumNode
  | { readonly kind: 'bounded'; readonly size: SizeNode; readonly item: Node; readonly max: number }
  | { readonly kind: 'lazy'; readonly get: () => Node; readonly maxDepth: number }
  | { readonly kind: 'custom'; readonly definition: CustomField<unknown>; readonly min: number };

/** A reference to a field by its name, and what for. */
export interface Ref {
  readonly name: string;
  readonly use: 'size' | 'tag' | 'condition' | 'range';
  /** The union's tags. */
  readonly tags?: readonly Tag[];
}

/** The references of a field that are not met inside it. */
export function refs(node: Node): Ref[] {
  const size = (name: SizeNode): Ref[] => (typeof name === 'string' ? [{ name, use: 'size' }] : []);
  switch (node.kind) {
    case 'bytes':
    case 'utf8':
      return size(node.size);
    case 'array':
      return [...size(node.count), ...refs(node.item)];
    case 'bounded':
      return [...size(node.size), ...refs(node.item)];
    case 'optional':
      return [
        ...(node.when === undefined ? [] : [{ name: node.when.field, use: 'condition' } as const]),
        ...refs(node.item),
      ];
    case 'struct': {
      const own = new Set(node.entries.map(([name]) => name));
      return node.entries
        .flatMap(([, field]) => refs(field))
        .filter((ref) => ref.use !== 'range' && !own.has(ref.name.split('.')[0]!));
    }
    case 'union': {
      const inside = [...node.byName.values()].flatMap((one) => refs(one.struct));
      return typeof node.tag === 'string'
        ? [{ name: node.tag, use: 'tag', tags: [...node.byTag.keys()] }, ...inside]
        : inside;
    }
    case 'checksum':
      return [node.from, node.to].flatMap((name) => (name === undefined ? [] : [{ name, use: 'range' }]));
    default:
      return [];
  }
}

/** What can only be seen with the whole declaration at hand: references that nobody meets, endless elements. */
export function checkRoot(root: Node, seen: Set<Node> = new Set(), nested = false): void {
  if (!nested) {
    for (const ref of refs(root)) throw new RangeError(`there is no field '${ref.name}' to refer to`);
  }
  if (seen.has(root)) return;
  seen.add(root);
  switch (root.kind) {
    case 'array':
      if (typeof root.count === 'object' && root.count.kind === 'rest' && sizes(root.item).min === 0) {
        throw new RangeError(
          'array(item, rest): an element may take no bytes, so there is no telling how many',
        );
      }
      checkRoot(root.item, seen, true);
      return;
    case 'bounded':
      if (isVarint(root.size) && refersToFrame(root.item)) {
        throw new RangeError('bounded(varuint, item): padding to a multiple has no fixed place in there');
      }
      checkRoot(root.item, seen, true);
      return;
    case 'optional':
      checkRoot(root.item, seen, true);
      return;
    case 'struct':
      for (const [, field] of root.entries) checkRoot(field, seen, true);
      return;
    case 'union':
      for (const one of root.byName.values()) checkRoot(one.struct, seen, true);
      return;
    case 'lazy':
      if (isAbsent(root.get())) throw new TypeError('a lazy field must have a value');
      checkRoot(root.get(), seen, false);
      return;
  }
}

/** The fewest and the most bytes a field takes. */
export function sizes(node: Node, open: Set<Node> = new Set()): { min: number; max: number } {
  const exactly = (n: number) => ({ min: n, max: n });
  switch (node.kind) {
    case 'int':
    case 'float':
      return exactly(node.width);
    case 'bigint':
      return exactly(8);
    case 'bool':
      return exactly(1);
    case 'varint':
      return { min: 1, max: 10 };
    case 'enumeration':
    case 'flags':
    case 'bits':
    case 'checksum':
      return sizes(node.base);
    case 'constant':
      return exactly(node.bytes.length);
    case 'padding':
      return node.to === 0 ? exactly(node.size) : { min: 0, max: node.to - 1 };
    case 'bytes':
    case 'utf8':
    case 'bounded': {
      if (typeof node.size === 'number') return exactly(node.size);
      return { min: prefixMin(node.size), max: Number.POSITIVE_INFINITY };
    }
    case 'cstring':
      return { min: 1, max: node.max + 1 };
    case 'array': {
      if (typeof node.count !== 'number')
        return { min: prefixMin(node.count), max: Number.POSITIVE_INFINITY };
      if (node.count === 0) return exactly(0);
      const item = sizes(node.item, open);
      return { min: node.count * item.min, max: node.count * item.max };
    }
    case 'struct': {
      const total = { min: 0, max: 0 };
      for (const [, field] of node.entries) {
        const size = sizes(field, open);
        total.min += size.min;
        total.max += size.max;
      }
      return total;
    }
    case 'optional': {
      const presence = node.when === undefined ? 1 : 0;
      return { min: presence, max: presence + sizes(node.item, open).max };
    }
    case 'union': {
      const tag = typeof node.tag === 'string' ? exactly(0) : sizes(node.tag);
      const cases = [...node.byName.values()].map((one) => sizes(one.struct, open));
      return {
        min: tag.min + Math.min(...cases.map((one) => one.min)),
        max: tag.max + Math.max(...cases.map((one) => one.max)),
      };
    }
    case 'lazy': {
      if (open.has(node)) return { min: 0, max: Number.POSITIVE_INFINITY };
      open.add(node);
      let min = 1;
      try {
        min = sizes(node.get(), open).min;
      } catch {
        // Declared further down and not there yet; `checkRoot` looks again.
      }
      open.delete(node);
      return { min, max: Number.POSITIVE_INFINITY };
    }
    case 'custom':
      return { min: node.min, max: Number.POSITIVE_INFINITY };
  }
}

/** The most bytes that any value takes: as `sizes`, and what a length in front of it can say at the most. */
export function maxLength(node: Node): number {
  switch (node.kind) {
    case 'bytes':
    case 'utf8':
    case 'bounded':
      return mostOf(node.size, node.max, 1);
    case 'array':
      return mostOf(node.count, node.max, maxLength(node.item));
    case 'struct':
      return node.entries.reduce((sum, [, field]) => sum + maxLength(field), 0);
    case 'optional':
      return 1 + maxLength(node.item);
    case 'union': {
      const tag = typeof node.tag === 'string' ? 0 : sizes(node.tag).max;
      return tag + Math.max(...[...node.byName.values()].map((one) => maxLength(one.struct)));
    }
    case 'lazy':
      return Number.POSITIVE_INFINITY;
    default:
      return sizes(node).max;
  }
}

function mostOf(count: SizeNode, max: number, each: number): number {
  if (typeof count === 'number') return count === 0 ? 0 : count * each;
  if (typeof count === 'string' || count.kind !== 'int') return Number.POSITIVE_INFINITY;
  const most = Math.min(max, integerRange(count).max);
  return count.width + (most === 0 ? 0 : most * each);
}

/** Whether the field, whatever it holds, leaves nothing of the frame or of the enclosing `bounded`. */
export function takesRest(node: Node): boolean {
  switch (node.kind) {
    case 'bytes':
    case 'utf8':
    case 'bounded':
      return isRest(node.size);
    case 'array':
      return isRest(node.count) || (typeof node.count === 'number' && node.count > 0 && takesRest(node.item));
    case 'struct':
      return node.entries.some(([, field]) => takesRest(field));
    case 'union':
      return [...node.byName.values()].every((one) => takesRest(one.struct));
    default:
      return false;
  }
}

/** Whether no value that the field gives is a view of the frame. */
export function isDetached(node: Node): boolean {
  return holdsOfAll(node, ({ kind }) => kind !== 'bytes' && kind !== 'custom');
}

/**
 * Whether texts may be left out while a message is written, and put in behind: nothing reads them meanwhile or moves them,
 * and nobody else's code runs.
 */
export function gathersTexts(node: Node): boolean {
  return holdsOfAll(node, (one) => {
    if (one.kind === 'bounded') return !isVarint(one.size);
    return one.kind !== 'checksum' && one.kind !== 'custom';
  });
}

/** Whether something holds of a field and of all fields in it. */
function holdsOfAll(node: Node, holds: (node: Node) => boolean, seen: Set<Node> = new Set()): boolean {
  if (seen.has(node)) return true;
  seen.add(node);
  if (!holds(node)) return false;
  switch (node.kind) {
    case 'array':
    case 'bounded':
    case 'optional':
      return holdsOfAll(node.item, holds, seen);
    case 'struct':
      return node.entries.every(([, field]) => holdsOfAll(field, holds, seen));
    case 'union':
      if (typeof node.tag !== 'string' && !holdsOfAll(node.tag, holds, seen)) return false;
      return [...node.byName.values()].every((one) => holdsOfAll(one.struct, holds, seen));
    case 'lazy':
      return holdsOfAll(node.get(), holds, seen);
    default:
      return true;
  }
}

/** Whether the field has no place in the value. */
export function isAbsent(node: Node): boolean {
  return node.kind === 'constant' || node.kind === 'padding';
}

/** The least and the greatest value of an integer. */
export function integerRange(node: IntNode | VarintNode): { min: number; max: number } {
  if (node.kind === 'varint') {
    return node.zigzag ? { min: -(2 ** 52), max: 2 ** 52 - 1 } : { min: 0, max: Number.MAX_SAFE_INTEGER };
  }
  const span = 2 ** (node.width * 8);
  return node.signed ? { min: -span / 2, max: span / 2 - 1 } : { min: 0, max: span - 1 };
}

/** The fields by which a declaration may name a tag in words: a number in hex, a name in quotes. */
export function tagText(tag: unknown): string {
  if (typeof tag === 'number' && tag >= 0) return `0x${tag.toString(16).padStart(2, '0')}`;
  return typeof tag === 'string' ? JSON.stringify(tag) : String(tag);
}

function isRest(size: SizeNode): boolean {
  return typeof size === 'object' && size.kind === 'rest';
}

function isVarint(size: SizeNode): boolean {
  return typeof size === 'object' && size.kind === 'varint';
}

function refersToFrame(node: Node, seen: Set<Node> = new Set()): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  switch (node.kind) {
    case 'padding':
      return node.to !== 0;
    case 'array':
    case 'bounded':
    case 'optional':
      return refersToFrame(node.item, seen);
    case 'struct':
      return node.entries.some(([, field]) => refersToFrame(field, seen));
    case 'union':
      return [...node.byName.values()].some((one) => refersToFrame(one.struct, seen));
    case 'lazy':
      return refersToFrame(node.get(), seen);
    default:
      return false;
  }
}

function prefixMin(size: SizeNode): number {
  return typeof size === 'object' && size.kind !== 'rest' ? sizes(size).min : 0;
}
