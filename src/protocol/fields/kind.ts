/**
 * A field as the engines and the tools see it: the data of its declaration, and the kind that says what the data means.
 *
 *     declaration   struct({ length: u16be, body: bytes('length') })
 *     node          { kind: STRUCT, entries: [['length', …], ['body', …]], … }       data only, frozen
 *     kind          size · shape · read · write · decode · encode · bound            one object, one file in kinds/
 *     source        where a number comes from: right before the field, an earlier field, a literal, the rest
 *     engine        walks and generated code; calls kinds and sources, and knows none of them by name
 *
 * A kind reads and writes twice. `read` and `write` are slow and exact: they are the reference, and they make the errors.
 * `decode` and `encode` generate code for well-formed input; the code gives up on anything else, and the walk then says why.
 */

import type { Checksum } from '../../bytes/checksum.ts';

/** A field: its kind, the facts that hold for every value, and the data of its declaration. */
export interface Node<D extends object = object> {
  readonly kind: Kind<D>;
  readonly facts: Facts;
}
export type NodeOf<D extends object> = Node<D> & Readonly<D>;
/** A node of any kind. Only its kind may look inside. */
// biome-ignore lint/suspicious/noExplicitAny: any kind
export type AnyNode = NodeOf<any>;

/** The fewest and the most bytes a field takes. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

/** The smallest and the largest whole number that an integer holds. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The numbers that a field may have when it is a size, a count or a tag. */
export interface Numbers extends Range {
  /** Its values are bigints. */
  readonly big?: boolean;
}

/** The most that one value counts against the limits of a message. */
export interface Costs {
  /** Elements of arrays. */
  readonly elements: number;
  /** Elements that may take no bytes. */
  readonly empty: number;
  /** Bytes of text. */
  readonly text: number;
}

/** What is known of a field for every value; computed once, when the field is declared (`node.ts`). */
export interface Facts {
  /** For a field that contains a `lazy` field, `min` may be too low until the whole declaration is linked. */
  readonly size: Size;
  /** The earlier fields that it refers to and that are not inside it. */
  readonly references: readonly Reference[];
  readonly traits: Traits;
  readonly costs: Costs;
}

/** The value of a tag; a name if the tag is an enumeration. */
export type Tag = number | bigint | string;

/** An earlier field by its path, `'length'` or `'flags.urgent'`, and what it is used for. */
export interface Reference {
  readonly path: string;
  readonly use: Use;
  /** The tags of a union. */
  readonly tags?: readonly Tag[] | undefined;
  /** True if every other tag has a meaning too. */
  readonly open?: boolean | undefined;
  /** A number that the field must be able to hold. */
  readonly nullAt?: number | undefined;
  /**
   * The field that repeats it; its values must have the same type. A `same` field without a repeated field still takes its layout
   * from there.
   */
  readonly repeated?: AnyNode | undefined;
}
/**
 * The encoder fills in a size and a tag. The message gives a condition, and a size that is `given`. A field that is measured
 * (`sizeOf`, `countOf`) or summed (`checksum`) may stand anywhere; a field that is repeated (`same`) comes earlier. The range of
 * a `sizeOf` lies in its own structure. A parameter is not a field.
 */
export type Use =
  | 'size'
  | 'tag'
  | 'condition'
  | 'given'
  | 'range'
  | 'summed'
  | 'measure'
  | 'same'
  | 'parameter';

/** What is true of a field for every value. A trait that is left out is false. */
export interface Traits {
  /** Has no place in the value: a constant, padding. */
  readonly absent?: boolean;
  /** Is computed from other bytes, as a checksum is: present after decoding, ignored on encode. */
  readonly computed?: boolean;
  /** Must agree with other fields: filled in if it is left out. */
  readonly agrees?: boolean;
  /** Leaves nothing of the frame, or of the enclosing `bounded`. */
  readonly takesRest?: boolean;
  /** Decodes to a view of the frame. */
  readonly view?: boolean;
  /** Runs user code. */
  readonly foreign?: boolean;
  /** Reads the bytes of other fields, or moves them, while the message is being written. */
  readonly reads?: boolean;
  /** Its bytes depend on its place in the frame. */
  readonly aligned?: boolean;
  /** Its bytes depend on its place in its structure. */
  readonly measured?: boolean;
  /** Takes the rest for some values: then nothing may be written after it. */
  readonly mayTakeRest?: boolean;
  /** May take no bytes, so it may follow a field that takes the rest. */
  readonly mayBeEmpty?: boolean;
}

/**
 * How a field lies on the wire, in the few terms that pictures, dissectors, viewers and fuzzers need. A tool is a table over
 * shapes, so a new kind that fits a shape needs no change in any tool.
 */
export type Shape =
  | {
      readonly is: 'integer';
      readonly width: number;
      readonly signed: boolean;
      readonly order: ByteOrder;
      /** The value is a bigint. */
      readonly big?: boolean;
      /** 0 is false, 1 is true. */
      readonly truth?: boolean;
      readonly names?: Names;
      readonly bits?: readonly Bits[];
      /** Bits without a name may be set and carry no meaning. Without this option they are refused. */
      readonly otherBits?: 'ignored';
    }
  /** A number in ASCII digits with leading zeros. With a `length`: as many digits as the number has, at most `width`. */
  | {
      readonly is: 'digits';
      readonly width: number;
      readonly base: 10 | 16;
      readonly range: Range;
      readonly length?: Extent;
      readonly names?: Names;
    }
  | { readonly is: 'float'; readonly width: 4 | 8; readonly order: ByteOrder }
  | {
      readonly is: 'varint';
      readonly zigzag: boolean;
      /** Two's complement over the groups of seven bits. */
      readonly signed?: boolean;
      /** The order of the groups; by default the least significant comes first. */
      readonly order?: ByteOrder;
      /** The value is a bigint of 64 bits. */
      readonly big?: boolean;
      readonly names?: Names;
    }
  | {
      readonly is: 'bytes';
      readonly length: Extent;
      readonly max: number;
      /** An encoder may leave this field out if it is empty. */
      readonly mayBeMissing?: boolean;
    }
  | {
      readonly is: 'text';
      readonly length: Extent;
      readonly max: number;
      /** Default: UTF-8, counted in bytes. */
      readonly form?: TextForm;
    }
  | { readonly is: 'list'; readonly item: AnyNode; readonly count: Extent; readonly max: number }
  | {
      readonly is: 'group';
      readonly members: Group['entries'];
      readonly derived: ReadonlySet<string>;
    }
  | { readonly is: 'choice'; readonly tag: Extent; readonly cases: readonly Case[]; readonly before: number }
  /** Present if a byte before it says so, if a condition holds, or if bytes are left. */
  | { readonly is: 'maybe'; readonly item: AnyNode; readonly when: Presence | 'rest' | undefined }
  /**
   * Fixed bytes. A constant has declared bytes; padding has zeros, up to the next multiple of `to` if that is given. `agrees`
   * takes no bytes: it says what an earlier field must be.
   */
  | {
      readonly is: 'fixed';
      readonly bytes: Uint8Array;
      readonly to?: number;
      readonly from?: 'structure' | 'frame';
      /** Other bytes are accepted too: padding. */
      readonly unchecked?: true;
      readonly agrees?: Presence;
    }
  /** As many zeros as a number says; other bytes are accepted too. */
  | { readonly is: 'filling'; readonly length: Extent; readonly max: number }
  /** A field inside another: with a size of its own, with another value, or named before it is declared. */
  | {
      readonly is: 'inside';
      readonly item: AnyNode;
      readonly length: Extent | undefined;
      /** The most bytes, if there is a length. */
      readonly max?: number;
      /** The deepest level, for a field that is named before it is declared and has its own limit. */
      readonly maxDepth?: number;
      /** What is written if the message leaves the field out. */
      readonly usual?: { readonly value: unknown };
      /** What the item's value becomes, in words. */
      readonly name?: string;
      /** Makes the value from the item's; may throw. */
      readonly made?: (value: unknown) => unknown;
      /** The names of the values that it makes. */
      readonly names?: Names;
    }
  | {
      readonly is: 'sum';
      readonly base: AnyNode;
      readonly algorithm: string;
      /** The algorithm itself. */
      readonly checksum: Checksum;
      /** Bytes that are summed after the range and are not sent. */
      readonly append?: Uint8Array;
      /**
       * The paths of the first and the last field in the range: in the structure of the checksum, in structures inside it
       * (`'header.kind'`), or in an enclosing one. Default: from the start of the checksum's structure to the checksum.
       */
      readonly over: readonly [from: string | undefined, to: string | undefined];
      /** The range begins after that field. */
      readonly after?: string;
      /** The range extends to the end of the structure. */
      readonly toEnd?: boolean;
      /** The sum's own bytes count as zeros. */
      readonly zeroed?: boolean;
    }
  /**
   * A field that must agree with others: with the size, the count or the value of the field at a path, or with the size of a
   * range.
   */
  | {
      readonly is: 'agreed';
      readonly base: AnyNode;
      readonly on: 'size' | 'count' | 'value';
      readonly path: string | undefined;
      readonly adjusted?: Adjustment;
      /** The fields of the range, if there is no path. Default: from the first field of the structure to the last. */
      readonly over?: readonly [from: string | undefined, to: string | undefined];
      /** The range begins after that field. */
      readonly after?: string;
    }
  | { readonly is: 'opaque'; readonly name: string };

/**
 * The maker call that gives a field, as data: `bytes(u8, { max: 9 })` is `{ maker: 'bytes', size: …, max: 9 }`. Defaults that the
 * maker fills in are included. Documents of a declaration are written and read from it.
 */
export type Call =
  | { readonly maker: Scalar }
  | { readonly maker: 'bytes' | 'utf8'; readonly size: Extent; readonly max: number }
  | {
      readonly maker: 'text';
      readonly size: Extent;
      readonly max: number;
      readonly encoding: TextForm['encoding'];
      readonly unit: TextForm['unit'];
      readonly pad: string | undefined;
    }
  | { readonly maker: 'cstring'; readonly max: number }
  /** The width is a number of characters, or a terminator. */
  | { readonly maker: 'decimal'; readonly width: Extent; readonly signed: boolean }
  | { readonly maker: 'hexadecimal'; readonly width: Extent }
  | { readonly maker: 'bits'; readonly base: Scalar; readonly members: readonly Bits[] }
  | {
      readonly maker: 'flags';
      readonly base: AnyNode;
      readonly names: ReadonlyMap<string, number>;
      readonly unknown: 'reject' | 'ignore';
    }
  | {
      readonly maker: 'enumeration';
      readonly base: AnyNode;
      readonly names: ReadonlyMap<string, number>;
      readonly unknown: 'reject' | 'keep';
    }
  | {
      readonly maker: 'constant';
      readonly base: AnyNode;
      readonly value: unknown;
      readonly bytes: Uint8Array;
    }
  | {
      readonly maker: 'padding';
      readonly size: Extent | { readonly to: number; readonly from: 'structure' | 'frame' };
      readonly max: number;
    }
  | { readonly maker: 'array'; readonly item: AnyNode; readonly count: Extent; readonly max: number }
  | { readonly maker: 'struct'; readonly fields: Group['entries'] }
  | {
      readonly maker: 'union';
      readonly tag: Extent;
      readonly cases: readonly Case[];
      readonly otherwise: 'reject' | 'unknown';
    }
  /** The fields of each case start with this many header fields and end with this many trailer fields. */
  | {
      readonly maker: 'messages';
      readonly tag: Extent;
      readonly cases: readonly Case[];
      readonly otherwise: 'reject' | 'unknown';
      readonly header: number;
      readonly trailer: number;
      /** The union that `codecOf` made it from. */
      readonly union: AnyNode | undefined;
    }
  | { readonly maker: 'optional'; readonly item: AnyNode; readonly when: Presence | 'rest' | undefined }
  | { readonly maker: 'only'; readonly condition: Presence }
  | { readonly maker: 'defaulted'; readonly item: AnyNode; readonly value: unknown }
  | { readonly maker: 'bounded'; readonly size: Extent; readonly item: AnyNode; readonly max: number }
  | { readonly maker: 'lazy'; readonly item: AnyNode; readonly maxDepth: number | undefined }
  | { readonly maker: 'mapped'; readonly item: AnyNode; readonly name: string; readonly mapping: object }
  | {
      readonly maker: 'custom';
      readonly name: string;
      readonly minSize: number;
      readonly maxSize: number;
      readonly range: Range | undefined;
      readonly definition: object;
    }
  | {
      readonly maker: 'checksum';
      readonly base: AnyNode;
      readonly algorithm: { readonly name: string; readonly width: number };
      readonly from: string | undefined;
      readonly after: string | undefined;
      readonly to: string | Extent | undefined;
      readonly zeroed: boolean;
      readonly append: Uint8Array;
    }
  | { readonly maker: 'same'; readonly item: AnyNode; readonly path: string }
  | {
      readonly maker: 'sizeOf' | 'countOf';
      readonly base: AnyNode;
      readonly adjusted: Adjustment;
      /** A path, or a range of fields. */
      readonly of:
        | string
        | {
            readonly from: string | undefined;
            readonly after: string | undefined;
            readonly to: string | undefined;
          };
    };

/** The fields that need no maker call. */
export type Scalar =
  | `${'u' | 'i'}8`
  | `${'u' | 'i'}${16 | 24 | 32 | 40 | 48 | 56 | 64}${ByteOrder}`
  | `f${32 | 64}${ByteOrder}`
  | 'bool'
  | 'varuint'
  | 'varint'
  | 'varuint64'
  | 'varint64'
  | 'sleb128'
  | 'vlq';

/** How text lies in its bytes. */
export interface TextForm {
  readonly encoding: 'utf8' | 'ascii' | 'latin1' | 'utf16le' | 'utf16be';
  readonly unit: 'bytes' | 'characters';
  readonly pad: string | undefined;
}

/** The most significant byte first (`'be'`) or last (`'le'`). */
export type ByteOrder = 'le' | 'be';
export interface Names {
  readonly byValue: ReadonlyMap<number, string>;
  /** A value without a name is refused. */
  readonly closed: boolean;
}
export interface Bits {
  readonly name: string;
  /** The number of bits to the right of it. */
  readonly shift: number;
  readonly width: number;
  /** The value is a boolean. */
  readonly truth?: boolean;
  /** In two's complement. */
  readonly signed?: boolean;
  /** It always has this value, and it is not part of the message. */
  readonly constant?: number | bigint;
}
/** How many bytes or elements, or which tag: the source of the number, as data. */
export type Extent = (
  | { readonly from: 'literal'; readonly value: number }
  | { readonly from: 'prefix'; readonly node: AnyNode }
  | { readonly from: 'path'; readonly path: string }
  | { readonly from: 'parameter'; readonly name: string }
  /** The rest, at most `upTo` bytes if that is given. */
  | { readonly from: 'rest'; readonly upTo?: number }
  | { readonly from: 'terminator'; readonly bytes: Uint8Array }
  /** Up to the element whose field has that value. */
  | { readonly from: 'last'; readonly path: string; readonly is: number | bigint | string | boolean }
) & { readonly adjusted?: Adjustment };

/** What becomes of a number: `number × unit + add`, or nothing if it is `nullAt`. */
export interface Adjustment {
  readonly add: number;
  readonly unit: number;
  readonly nullAt: number | undefined;
}

/**
 * A condition: the field at the path, or the parameter of that name, has one of the values or a number in the range. With `not`,
 * it has neither.
 */
export interface Presence {
  readonly field: string;
  readonly parameter?: true | undefined;
  readonly is: readonly (number | bigint | string | boolean)[];
  readonly range?: Range | undefined;
  readonly not?: boolean | undefined;
}

/** Named fields in wire order, and what their structure has to know of them. */
export interface Group {
  readonly entries: readonly (readonly [name: string, node: AnyNode])[];
  /** The fields' places in the group, by name. */
  readonly places: ReadonlyMap<string, number>;
  /** The fields that are the size, count or tag of another: the encoder fills them in. */
  readonly derived: ReadonlySet<string>;
  /** The derived fields that an enclosing structure fills in, by their paths in this one. */
  readonly lent: ReadonlySet<string>;
  /** The fields that follow a field which takes the rest, by that field's index. That field leaves room for them. */
  readonly rooms: ReadonlyMap<number, readonly Foreseen[]>;
  /** What is filled in and checked once this whole structure is known. */
  readonly agreements: readonly Agreement[];
  /** The checksums that are made or checked once this whole structure is known, in this order. */
  readonly sums: readonly Summing[];
  /** The fields whose first and last byte a range needs (of a checksum or a size), by their paths in this structure. */
  readonly placed: ReadonlySet<string>;
  /** The placed fields that an enclosing structure needs; `''` is this structure itself. */
  readonly shown: ReadonlySet<string>;
  /** True if a field has work to do after the last field, or needs the start of the structure. */
  readonly finishes: boolean;
  /** The fields by name. */
  readonly named: ReadonlyMap<string, AnyNode>;
  /** The fields as they were declared, before any was lent or shown. */
  readonly declared: Group['entries'];
}

/** A checksum in the structure that makes or checks it. Its paths are paths in that structure. */
export interface Summing {
  /** The path of the checksum. */
  readonly path: string;
  readonly node: AnyNode;
  readonly from: Edge;
  readonly to: Edge;
  /**
   * `'read'`: the enclosing structure makes the checksum, because it fills in part of the range; this structure only checks it.
   * `'write'` is the other half.
   */
  readonly way: 'both' | 'read' | 'write';
  /** It is inside an `optional`. */
  readonly mayMiss: boolean;
}

/**
 * The first byte of the field at a path, or the byte after its last one. The path `''` is the structure itself, `'h.'` the
 * structure in `h`.
 */
export interface Edge {
  readonly path: string;
  readonly at: 'start' | 'end';
}

/** A field that must agree with something known at the end of a structure. */
export interface Agreement {
  /** Its path in that structure; it may lead to a member of a member. */
  readonly path: string;
  readonly node: AnyNode;
  /** The path of the field with which it must agree; undefined for a range. */
  readonly of: string | undefined;
}

/** One case of a union, or one message. */
export interface Case {
  readonly name: string;
  readonly tag: Tag;
  /** All of its tags, if the value says which: several tags, or none if the case is for any other tag. */
  readonly tags?: readonly Tag[] | undefined;
  readonly group: NodeOf<Group>;
}

/** One kind of field. Everything about it is in its own file. */
export interface Kind<D extends object> {
  readonly name: string;

  // Facts.
  size(node: Readonly<D>): Size;
  shape(node: NodeOf<D>): Shape;
  /** The maker call that gives the same field again. */
  call(node: NodeOf<D>): Call;
  /** The fields inside. A kind with children reads and writes in steps: `*read` and `*write` yield a visit to each child. */
  children?(node: NodeOf<D>): readonly AnyNode[];
  /** The same field with other fields inside. A kind whose children exist before the whole is declared has this too. */
  rebuild?(node: NodeOf<D>, change: (child: AnyNode) => AnyNode): AnyNode;
  /** The same field with the layout of the field it repeats; `target` is the field at its path. */
  settle?(node: NodeOf<D>, target: AnyNode): AnyNode;
  /** Its children exist only once the whole is declared. */
  readonly later?: boolean;
  /** The most times a child may occur. Default once. */
  repeats?(node: Readonly<D>): number;
  /** Its own references; the references of its children are added. */
  references?(node: Readonly<D>): readonly Reference[];
  /** Whether a child finds another field with that name inside this one. */
  declares?(node: Readonly<D>, name: string, child: AnyNode | undefined): boolean;
  /** Its own traits, and those that it takes over from its children. */
  traits?(node: Readonly<D>): Traits;
  /** The most bytes of text. */
  text?(node: Readonly<D>): number;
  /** Judge what is known only once the whole declaration is; throws a RangeError or TypeError. */
  check?(node: NodeOf<D>): void;

  // What other fields may use it for.
  /** It is a number, so it may be a size or a count. Undefined if the field holds something else. */
  range?(node: NodeOf<D>): Numbers | undefined;
  /** Whether it can represent a number in its range; for a kind made from another field. */
  says?(node: NodeOf<D>, value: number): boolean;
  /** It may be a tag: the field to read, and the value of a declared tag there; undefined for a tag that it cannot hold. */
  tag?(node: NodeOf<D>): TagField | undefined;
  /** A place that is filled in later: the field may be derived. Undefined if it may not. */
  slot?(node: NodeOf<D>): Slot | undefined;
  /** The members that a path can name after a dot; a node if the member is a field. */
  members?(node: NodeOf<D>): ReadonlyMap<string, AnyNode | undefined>;
  /** The slot of a member that is not a field itself but some bits of one. */
  memberSlot?(node: NodeOf<D>, name: string): Slot | undefined;
  /** The same field with the members at these paths filled in by the enclosing structure; each of them has a slot. */
  lend?(node: NodeOf<D>, paths: readonly (readonly string[])[]): AnyNode;
  /**
   * The same field with the places of these members shown to the enclosing structure; undefined if that is impossible.
   */
  expose?(node: NodeOf<D>, exposed: readonly Exposed[]): AnyNode | undefined;
  /** How many bytes it will take, if that is known before it is reached. */
  foreseen?(node: NodeOf<D>): Foreseen | undefined;

  /**
   * The value that the message stands for here, given what it has: a default may take its place. For conditions and for sizes
   * that the message gives.
   */
  standsFor?(node: NodeOf<D>, given: unknown): unknown;
  standsForCode?(node: NodeOf<D>, given: string, out: { constant(value: unknown): string }): string;

  // Slowly and exactly.
  read(node: NodeOf<D>, walk: Reading): unknown;
  write(node: NodeOf<D>, value: unknown, walk: Writing): unknown;

  // As generated code; anything that is not well-formed fails.
  decode(node: NodeOf<D>, out: Decoding): Known;
  encode(node: NodeOf<D>, value: string, out: Encoding, sure: boolean): void;
  /** Add up the most bytes that the value takes. Default: `size(node).max`. */
  bound?(node: NodeOf<D>, value: string, out: Bounding): void;
  /** Whether it writes a value beyond its most bytes before it refuses it; for a kind that is measured once it is written. */
  overruns?(node: NodeOf<D>): boolean;
  /**
   * Write a whole number in front of content that lies from `at + size.min` to `p`, and move `p` to the end of both. Default: the
   * content is set aside and copied after the number.
   */
  insert?(node: NodeOf<D>, at: string, value: string, out: Encoding): void;

  // Decode it as a whole message.
  decodeRoot?(node: NodeOf<D>, out: Decoding): void;
  encodeRoot?(node: NodeOf<D>, out: Encoding): void;

  // Handle a checksum after the last field of the structure that makes or checks it.
  sumRead?(node: NodeOf<D>, sum: Summing, walk: Reading): void;
  sumWrite?(node: NodeOf<D>, sum: Summing, walk: Writing): void;
  sumDecode?(node: NodeOf<D>, sum: Summing, out: Decoding): void;
  sumEncode?(node: NodeOf<D>, sum: Summing, out: Encoding): void;

  // Called at the end of the structure with whose fields it must agree.
  /** Judge what it must agree with; throws a RangeError or TypeError. `where` is the field's path, for errors. */
  checkAgreement?(node: NodeOf<D>, agreement: Agreement, entries: Group['entries'], where: string): void;
  agreeRead?(node: NodeOf<D>, agreement: Agreement, walk: Reading): void;
  agreeWrite?(node: NodeOf<D>, agreement: Agreement, walk: Writing): void;
  agreeDecode?(node: NodeOf<D>, agreement: Agreement, out: Decoding): void;
  agreeEncode?(node: NodeOf<D>, agreement: Agreement, out: Encoding): void;
}

/** A member whose place is shown to the enclosing structure. */
export interface Exposed {
  /** It may end in `''` for the structure itself. */
  readonly path: readonly string[];
  /** It is a checksum that the enclosing structure makes: inside it is only checked. */
  readonly made: boolean;
}

export interface TagField {
  readonly node: AnyNode;
  raw(tag: unknown): number | bigint | undefined;
}

/** How an integer lies in its bytes. */
export interface IntLayout {
  /** In bytes. */
  readonly width: number;
  readonly order: ByteOrder;
}

/** Where a derived number goes: an integer of fixed width, or some bits of one. */
export interface Slot extends IntLayout, Numbers {
  /** Bits to the right of it. The number is added to the other bits, which are written already. */
  readonly shift?: number;
  /** Writes the number, if it is not written like an integer of up to 32 bits. */
  readonly put?: ((target: Uint8Array, at: number, value: number | bigint) => void) | undefined;
  /** The numbers of names, for a tag that is an enumeration. */
  readonly byName?: ReadonlyMap<string, number> | undefined;
  /** Zero stands for nothing, so something has to fill it in. */
  readonly needed?: boolean;
}

/** A number of bytes that is known before the bytes are reached. */
export interface Foreseen {
  /** The earlier fields that give it. */
  readonly paths: readonly string[];
  read(walk: Reading): number;
  decode(out: Decoding): string;
}

/**
 * Where a number that a declaration needs comes from: one object for each way (`source.ts`). The kind that uses the number (for
 * bytes, elements, presence or a tag) decides what it means, so every source works for every use.
 */
export interface Source {
  /** The source as data, for tools. */
  readonly extent: Extent;
  /** Leaves nothing after what it measures: always, or for some numbers. */
  readonly takesRest: boolean;
  readonly mayTakeRest: boolean;
  /** The bytes that it takes itself, right before what it is used for. */
  readonly size: Size;
  /** The numbers it may give, as far as they are known without the enclosing fields. */
  readonly range: Range;
  /** The raw number that stands for nothing: the value is null. */
  readonly nullable: boolean;
  references(use: Use, tags?: readonly Tag[]): readonly Reference[];

  /** The number; null if the raw number stands for nothing. */
  read(walk: Reading, max?: number): unknown;
  /** Code for the number; −1 if the raw number stands for nothing. */
  decode(out: Decoding, max?: number): string;

  /** The smallest and the largest number it can represent in that place. */
  span(place: Slots): Numbers;
  /** Says in words why it cannot represent a number within its span. */
  refusal?(value: number): string | undefined;
  /** As `refusal`, in generated code: give up. */
  refuse?(value: string, out: Encoding): void;
  /** The number that the message gives, for a number that the encoder does not fill in. Without it, the message gives none. */
  given?(walk: Writing): unknown;
  givenCode?(out: Givens): string | undefined;
  /** Write a tag, or a number that is known before what it is used for is written. */
  write(value: unknown, walk: Writing): void;
  encode(value: string, out: Encoding): void;
  /** Write the number that stands for nothing. */
  writeNull?(walk: Writing): void;
  encodeNull?(out: Encoding): void;
  /** Make room for a number that is known only after what it measures. The function returned writes it. */
  reserve(walk: Writing): (value: number) => void;
  reserveCode(out: Encoding): (value: string) => void;

  // Read what follows the content, such as a terminator. `start` is where the content begins.
  readEnd?(walk: Reading): void;
  decodeEnd?(out: Decoding): void;
  writeEnd?(walk: Writing, start: number): void;
  encodeEnd?(out: Encoding, start: string): void;
}

/** A source of a tag. */
export interface TagSource extends Source {
  /** The value of a tag as the generated code sees it; undefined for a tag that it cannot hold. */
  raw(tag: Tag): number | bigint | string | undefined;
  encodeTag(tag: Tag, out: Encoding): void;
}

/** The derived fields in scope, and the parameters. */
export interface Slots {
  slot(path: string): Slot;
  parameter(name: string): number;
}

/** Code for the numbers that the message gives. */
export interface Givens {
  given(path: string): string;
  /** As `given`; the value that its bytes are decoded to, for a condition or a size. */
  judged(path: string): string;
  parameter(name: string): number;
}

// ─── What the engines offer to kinds ────────────────────────────────────────────────────────────────────────

/** What a size counts, for errors. */
export type Counting = 'bytes' | 'characters' | 'elements';

/** A request from a kind's `*read` or `*write`: visit this field, then resume with the result. */
export interface Visit {
  readonly node: AnyNode;
  /** A name or an index; undefined for a field that takes the place of the parent itself. */
  readonly name: string | number | undefined;
  /** The value to write. */
  readonly value: unknown;
}
export type Steps<T = unknown> = Generator<Visit, T, unknown>;

/** Where a field lies. */
export interface Place<T> {
  readonly start: T;
  readonly end: T;
  /** For a list: how many elements were read or written there. */
  readonly count?: T | undefined;
}

export interface Limits {
  readonly elements: number;
  readonly empty: number;
  readonly depth: number | undefined;
  readonly text: number;
  /** Undefined if the limit follows from the size of the message. */
  readonly summed: number | undefined;
}
export type Counted = 'elements' | 'empty' | 'text';

/** What is wrong with bytes or a value, in the walks. The root of the walk makes an error from it. */
export interface ProblemDetails {
  /** What was there, in words, if showing the value would not help. */
  got?: string | undefined;
  /** Where, as an offset in the chunk. Default: where the walk is. */
  at?: number | undefined;
  limit?: number | undefined;
  cause?: unknown;
}

export interface Reading {
  readonly bytes: Buffer;
  /** The start of the frame. */
  readonly start: number;
  at: number;
  /** The end of the frame, or of the enclosing `bounded`. */
  end: number;
  /** Reserve bytes and move past them; returns where they begin. */
  take(count: number): number;
  /** Refuse if fewer bytes are there. */
  fits(count: number): number;
  text(start: number, end: number): string;
  visit(node: AnyNode, name?: string | number): Visit;
  /** Read a field without children in the same place. */
  value(node: AnyNode): unknown;
  /** Read a field without children as a member. */
  leaf(node: AnyNode, name: string | number): unknown;
  /** The value of an earlier field. */
  find(path: string): unknown;
  parameter(name: string): number;
  /** Read a size or a count, at most the maximum; null if it stands for nothing. */
  measure(source: Source, max: number, unit: Counting): number | null;
  /** Read the fields of a group from one index up to another, and put their values into an object. */
  members(group: Group, from: number, to: number, values: Record<string, unknown>): Steps<void>;
  /** Begin a group at a byte; the fields inside can then find its fields. */
  open(group: Group, start: number): void;
  /** Do the work that follows the last field of the group, and leave it. */
  close(group: Group): void;
  /** The list under way has that many elements. */
  counted(count: number): void;
  /**
   * Where the field at a path of this group lies; undefined if it is missing. For `''`: the group itself, up to where the walk
   * is.
   */
  place(path: string): Place<number> | undefined;
  readonly groupStart: number;
  /** Read something that is not a member, such as a tag, and note its span. Errors have that name only if it is `named`. */
  span<T>(name: string, kind: string, start: number, read: () => T, named: boolean): T;
  count(what: Counted, amount: number): void;
  enter(maxDepth: number | undefined): void;
  leave(): void;
  /** Count the bytes of a sum against the limit: in a recursion, each level may sum all the bytes of the levels below. */
  countSummed(amount: number): void;
  /** How many elements of that list the fast engine had read when it gave up; they need not be read again. */
  skip(node: AnyNode): number;
  /** How many bytes from `at` on were already searched without finding the terminator. */
  readonly searched: number;
  /** The content that begins at `at` has no terminator before `reach`. */
  missed(reach: number): void;
  /** The elements before `index` of the list that begins at `start` are read. */
  turn(node: AnyNode, start: number, index: number): void;
  /** The name of the message, once it is known. */
  messageType: string | undefined;
}

/** What was read of a value that is to be written, and of its members. */
export interface Seen<T> {
  readonly value: T;
  /** The value that its bytes are decoded to, if that may be another one. */
  readonly judged?: (() => T) | undefined;
  readonly members?: SeenMembers<T> | undefined;
}
export type SeenMembers<T> = ReadonlyMap<string, Seen<T>>;

export interface Writing extends Slots {
  readonly target: Buffer;
  at: number;
  /** Make room and move past it; returns where it begins. `target` may be another buffer afterwards. */
  take(count: number): number;
  append(bytes: Uint8Array): void;
  /** Write a number that fits at a place. */
  put(slot: IntLayout, value: number, at: number): void;
  /** Replace the `room` bytes at `at` with a field, in front of the content that follows them. */
  insert(node: AnyNode, value: unknown, at: number, room: number): void;
  visit(node: AnyNode, value: unknown, name?: string | number): Visit;
  /** Write a field without children in the same place. Returns what its bytes are decoded to, as `written` does. */
  value(node: AnyNode, value: unknown): (() => unknown) | undefined;
  /** The value that the message has for an earlier field, as it was written. A getter may give another value later. */
  given(path: string): unknown;
  /** As `given`; the value that its bytes are decoded to, for a condition or a size. */
  judged(path: string): unknown;
  /** Keep the members of the field under way as they were read, for conditions on them. */
  /** What the bytes of the field written last are decoded to, if that may be another value: rounded, mapped back. */
  written: (() => unknown) | undefined;
  saw(members: SeenMembers<unknown>): void;
  /** A member of the field written last, as it was read. */
  seen(path: readonly string[]): unknown;
  /** Fill in a derived field, or compare it with the value that filled it before. */
  fill(path: string, value: unknown): void;
  /** Leave a member of the field under way to be filled in by the enclosing structure. */
  lend(member: string, slot: Slot, at: number): void;
  /** Fill in a field of this group that must agree; refuse another number in the message. `why` is in words. */
  agree(path: string, value: number, why: string): void;
  /** The value that a derived field of this group was filled with; NaN if it is missing. */
  filled(path: string): number;
  /** Whether there is nothing to write; if so, the size says it. */
  isNull(source: Source, value: unknown): value is null;
  /** Write a size or a count, or compare it with the declared one. */
  measured(source: Source, actual: number, max: number, unit: Counting): void;
  /** Refuse a size or a count that the source cannot represent. */
  judge(source: Source, actual: number, max: number, unit: Counting): void;
  /** Nothing may follow inside the same bounds. */
  exhaust(): void;
  /** Begin a field with its own end; `leaveBounds` takes what this returns. */
  enterBounds(): number;
  leaveBounds(outer: number): void;
  members(group: Group, from: number, to: number, values: object): Steps<void>;
  open(group: Group, values: object, start: number): void;
  close(group: Group): void;
  /** The list under way wrote that many elements. */
  counted(count: number): void;
  place(path: string): Place<number> | undefined;
  readonly groupStart: number;
  count(what: Counted, amount: number): void;
  enter(maxDepth: number | undefined): void;
  leave(): void;
  countSummed(amount: number): void;
  /** Refuse a member of the value. */
  failAt(name: string, expected: string, actual: unknown): never;
  messageType: string | undefined;
}

/** A field in generated code: the expression for its value, and the expressions for its members. */
export interface Known {
  readonly value: string;
  readonly members?: ReadonlyMap<string, Known> | undefined;
  /** The type of a number that is not a whole JavaScript number: a bigint, or whatever user code made. */
  readonly type?: 'bigint' | 'foreign' | undefined;
}

interface Emitting {
  line(text: string): void;
  /** Define a variable with this value; returns its name. */
  define(value: string, keyword?: 'const' | 'let' | 'var'): string;
  /** A name that nothing else has. */
  name(prefix?: string): string;
  /** The name of a constant that is not text. */
  constant(value: unknown): string;
  /** A function of the generated code that is written once, however often it is requested. */
  helper(name: string, write: (line: (text: string) => void) => void): string;
  /** An expression for the current offset: `p`, or `p + 3`. */
  here(more?: number): string;
  /** Move `p` to the current offset. */
  settle(): void;
  /** Count bytes after `p` as dealt with. */
  advance(count: number): void;
  /** Count against a limit of the message; give up if the limit is exceeded. */
  count(what: Counted, amount: string): void;
  countSummed(amount: string): void;
  readonly limits: Limits;
}

export interface Decoding extends Emitting {
  end: string;
  /** Give up if fewer than `count` more bytes are there. */
  need(count: number): void;
  /** Forget what is known, except that `ready` bytes are there. */
  reset(ready: number): void;
  /** Give up if the condition is true. */
  fail(condition: string): void;
  value(node: AnyNode): Known;
  find(path: string): Known;
  parameter(name: string): number;
  text(from: string, to: string): string;
  /** Read a size or a count, at most the maximum; −1 if it stands for nothing. */
  measure(source: Source, max: number): string;
  /** Read what a size measures, with `read`; null if the size stands for nothing. */
  measured(source: Source, max: number, read: (size: string) => string): Known;
  /** A run of bytes; returns where it begins and ends. */
  run(source: Source, size: string): [from: string, to: string];
  members(group: Group, from: number, to: number): [string, Known][];
  open(group: Group, start?: string): void;
  close(group: Group): void;
  /** That many elements of a list were read here. */
  counted(count: string): void;
  /** Where the field at a path of this group lies; at −1 if it is missing. For `''`: the group itself. */
  place(path: string): Place<string>;
  /** The places inside the field read last are missing here. */
  unshow(): void;
  readonly groupStart: string;
  /** A function of the generated code for this node, called with where the node begins and ends; fields outside are not in scope. */
  routine(node: AnyNode, body: () => string): string;
  /** A function for one of several messages, called with where the header begins and where the tag ends. */
  branch(body: () => string): string;
  /** End a message: nothing may follow, unless the declaration says so. */
  finish(value: string): void;
  /** Remember, in the loop over this list, where the walk may start. */
  mark(node: AnyNode): Mark;
  /** Code for an object with these members. */
  object(pairs: readonly (readonly [name: string, value: string])[]): string;
  /** Begin a list of such elements; of `count`, where that is known. */
  list(item: AnyNode, count?: string): ListCode;
}

/** Text of the generated code that makes a list. */
export interface ListCode {
  readonly name: string;
  /** Add the element with that index. */
  add(index: string, value: string): void;
}

/** Code for the start of a loop, and for the end of each turn. */
export interface Mark {
  begin(): void;
  turn(index: string): void;
}

export interface Encoding extends Emitting, Slots {
  /** Give up if the condition is true. */
  refuse(condition: string): void;
  value(node: AnyNode, value: string, sure?: boolean): void;
  given(path: string): string;
  judged(path: string): string;
  /** Code for what the bytes of the field written last are decoded to, if that may be another value: rounded, mapped back. */
  written: string | undefined;
  saw(members: SeenMembers<string>): void;
  /** A member of the field written last, as it was read. */
  seen(path: readonly string[]): string;
  /** Keep what was seen inside a block of code that runs only if `value` is not undefined. */
  sawInside(value: string): void;
  fill(path: string, value: string): void;
  /** A member of a value, by name. A name that every object inherits counts only as an own member. */
  property(value: string, name: string): string;
  requireObject(value: string): void;
  /** The offset of the next bytes, as an expression that stays valid; moves past them. */
  reservePlace(width: number, keyword?: 'var'): string;
  putInt(layout: IntLayout, value: string, place: string): void;
  /** Write text at a place, at most `limit` bytes; returns its length in bytes. */
  putText(at: string, value: string, limit: number): string;
  measured(source: Source, actual: string, max: number): void;
  judge(source: Source, actual: string, max: number): void;
  /** Write what a size measures; if the value is null, the size says so. */
  unlessNull(source: Source, value: string, write: () => void): void;
  /** Leave a member of the field under way to be filled in by the enclosing structure. */
  lend(member: string, slot: Slot, place: string): void;
  agree(path: string, value: string): void;
  filled(path: string): string;
  /** Members to be filled in, and places that are shown, are missing here. */
  unlend(): void;
  exhaust(): void;
  enterBounds(): string;
  leaveBounds(outer: string): void;
  members(group: Group, from: number, to: number, value: string): void;
  open(group: Group, start?: string): void;
  close(group: Group): void;
  /** That many elements of a list were written here. */
  counted(count: string): void;
  place(path: string): Place<string>;
  readonly groupStart: string;
  routine(node: AnyNode, body: () => void): string;
  branch(body: () => void): string;
}

export interface Bounding extends Givens {
  /** Add a number of bytes. */
  fixed(count: number): void;
  /** Add the bound of a field. */
  add(node: AnyNode, value: string): void;
  /** Whether the field takes few bytes, whatever its value: then its most bytes are its bound. */
  isShort(node: AnyNode): boolean;
  /** Add the bounds of named members. */
  members(group: Group, value: string): void;
  line(text: string): void;
  define(value: string): string;
  name(prefix?: string): string;
  constant(value: unknown): string;
  property(value: string, name: string): string;
  settle(): void;
  routine(node: AnyNode, body: () => void): string;
}
