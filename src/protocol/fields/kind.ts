/**
 * What a field is to the engines and the tools: data, and the kind that says what the data means.
 *
 *     declaration   struct({ length: u16be, body: bytes('length') })
 *     node          { kind: STRUCT, entries: [['length', …], ['body', …]], … }       data only, frozen
 *     kind          size · shape · read · write · decode · encode · bound            one object, one file in kinds/
 *     source        where a number comes from: right before, an earlier field, a literal, what is left
 *     engine        walks and generated code; calls kinds and sources, and knows none of them by name
 *
 * A kind reads and writes twice. Slowly and exactly (`read`, `write`): the reference, and the place where errors come from.
 * And as generated code (`decode`, `encode`), which handles the well-formed and gives up on all else: the walk then says why.
 */

import type { Checksum } from '../../bytes/checksum.ts';

/** A field: its kind, what is known of it whatever it holds, and the data of its declaration. */
export interface Node<D extends object = object> {
  readonly kind: Kind<D>;
  readonly facts: Facts;
}
export type NodeOf<D extends object> = Node<D> & Readonly<D>;
/** A node of any kind: only its kind may look inside. */
// biome-ignore lint/suspicious/noExplicitAny: any kind
export type AnyNode = NodeOf<any>;

/** The fewest and the most bytes a field takes. */
export interface Size {
  readonly min: number;
  readonly max: number;
}

/** The least and the greatest of the whole numbers that an integer holds. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The numbers that a field may have, for its use as a size, a count or a tag. */
export interface Numbers extends Range {
  /** Its values are bigints. */
  readonly big?: boolean;
}

/** What counts against the limits of a message, at the most. */
export interface Costs {
  /** Elements of arrays. */
  readonly elements: number;
  /** Elements that may take no bytes. */
  readonly empty: number;
  /** Bytes of text. */
  readonly text: number;
}

/** What is known of a field whatever it holds; found once, when it is declared (`node.ts`). */
export interface Facts {
  /** Of a field that holds a `lazy` one, `min` may be too low until the whole declaration is linked. */
  readonly size: Size;
  /** The earlier fields that it refers to, and that are not inside it. */
  readonly references: readonly Reference[];
  readonly traits: Traits;
  readonly costs: Costs;
}

/** The value of a tag: a name, where the tag is an enumeration. */
export type Tag = number | bigint | string;

/** An earlier field by its path, `'length'` or `'flags.urgent'`, and what it is used for. */
export interface Reference {
  readonly path: string;
  readonly use: Use;
  /** The tags of a union. */
  readonly tags?: readonly Tag[] | undefined;
  /** Any other tag has a meaning too. */
  readonly open?: boolean | undefined;
  /** A number that the field must be able to have. */
  readonly nullAt?: number | undefined;
  /** What repeats it, of which the values must be of the same type. A `same` without it has still to take its layout from there. */
  readonly repeated?: AnyNode | undefined;
}
/**
 * A size and a tag are filled in by the encoder; a condition, and a size that is `given`, stand in the message. A field that is
 * measured (`sizeOf`, `countOf`) or summed (`checksum`) may stand anywhere; one that is repeated (`same`) stands before. The range of
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

/** What is true of a field whatever it holds; the rest is false. */
export interface Traits {
  /** Has no place in the value: a constant, padding. */
  readonly absent?: boolean;
  /** Is computed from other bytes: given on decode, ignored on encode. A checksum. */
  readonly computed?: boolean;
  /** Must agree with other fields: filled in where it is left out. */
  readonly agrees?: boolean;
  /** Leaves nothing of the frame, or of the enclosing `bounded`. */
  readonly takesRest?: boolean;
  /** Decodes to a view of the frame. */
  readonly view?: boolean;
  /** Runs code of the user's. */
  readonly foreign?: boolean;
  /** Reads the bytes of other fields, or moves them, while the message is being written. */
  readonly reads?: boolean;
  /** Its bytes depend on its place in the frame. */
  readonly aligned?: boolean;
  /** Its bytes depend on its place in its structure. */
  readonly measured?: boolean;
  /** Takes the rest with some values: nothing may be written behind it then. */
  readonly mayTakeRest?: boolean;
  /** May take no bytes, so that it may stand behind a field that takes the rest. */
  readonly mayBeEmpty?: boolean;
}

/**
 * How a field lies on the wire, in the few words that pictures, dissectors, viewers and fuzzers need. A tool is a table over
 * shapes; a new kind that fits one of them costs it nothing.
 */
export type Shape =
  | {
      readonly is: 'integer';
      readonly width: number;
      readonly signed: boolean;
      readonly order: ByteOrder;
      /** The value is a bigint. */
      readonly big?: boolean;
      /** 0 and 1 are false and true. */
      readonly truth?: boolean;
      readonly names?: Names;
      readonly bits?: readonly Bits[];
      /** Bits without a name may be set, and say nothing; unless given, they are refused. */
      readonly otherBits?: 'ignored';
    }
  /** A number in ASCII digits: zeros in front, or where there is a `length`, as many as it has, and `width` at the most. */
  | {
      readonly is: 'digits';
      readonly width: number;
      readonly base: 10 | 16;
      readonly range: Range;
      readonly length?: Extent;
    }
  | { readonly is: 'float'; readonly width: 4 | 8; readonly order: ByteOrder }
  | {
      readonly is: 'varint';
      readonly zigzag: boolean;
      /** Two's complement in its groups of seven bits. */
      readonly signed?: boolean;
      /** Of the groups; the least significant first by default. */
      readonly order?: ByteOrder;
      /** The value is a bigint of 64 bits. */
      readonly big?: boolean;
      readonly names?: Names;
    }
  | {
      readonly is: 'bytes';
      readonly length: Extent;
      readonly max: number;
      /** What an encoder may leave out, for an empty one. */
      readonly mayBeMissing?: boolean;
    }
  | {
      readonly is: 'text';
      readonly length: Extent;
      readonly max: number;
      /** UTF-8, counted in bytes, unless given. */
      readonly form?: TextForm;
    }
  | { readonly is: 'list'; readonly item: AnyNode; readonly count: Extent; readonly max: number }
  | {
      readonly is: 'group';
      readonly members: Group['entries'];
      readonly derived: ReadonlySet<string>;
    }
  | { readonly is: 'choice'; readonly tag: Extent; readonly cases: readonly Case[]; readonly before: number }
  /** There where a byte before it says so, where a condition holds, or where anything is left. */
  | { readonly is: 'maybe'; readonly item: AnyNode; readonly when: Presence | 'rest' | undefined }
  /**
   * The same bytes always: a constant. Padding is zeros, up to the next multiple of `to` where that is given. `agrees` is of no bytes:
   * what an earlier field has to be.
   */
  | {
      readonly is: 'fixed';
      readonly bytes: Uint8Array;
      readonly to?: number;
      readonly from?: 'structure' | 'frame';
      /** Other bytes are taken as well: padding. */
      readonly unchecked?: true;
      readonly agrees?: Presence;
    }
  /** Zeros, as many as a number says; other bytes are taken as well. */
  | { readonly is: 'filling'; readonly length: Extent; readonly max: number }
  /** A field in another's skin: with a size of its own, with another value, or named before it is declared. */
  | {
      readonly is: 'inside';
      readonly item: AnyNode;
      readonly length: Extent | undefined;
      /** The most bytes, where there is a length. */
      readonly max?: number;
      /** The deepest level, of a field that is named before it is declared and has a limit of its own. */
      readonly maxDepth?: number;
      /** What is written where the message leaves it out. */
      readonly usual?: { readonly value: unknown };
      /** What the item's value is made into, in words. */
      readonly name?: string;
      /** What makes the value of the item's; may throw. */
      readonly made?: (value: unknown) => unknown;
    }
  | {
      readonly is: 'sum';
      readonly base: AnyNode;
      readonly algorithm: string;
      /** The algorithm itself. */
      readonly checksum: Checksum;
      /** Bytes that are summed behind the range and not sent. */
      readonly append?: Uint8Array;
      /**
       * The paths of the first and the last field in the range: in the structure of the checksum, in structures inside it
       * (`'header.kind'`), or in one round it. Unless given, the start of the structure of the checksum, and the checksum.
       */
      readonly over: readonly [from: string | undefined, to: string | undefined];
      /** The range begins behind that field. */
      readonly after?: string;
      /** The range goes to the end of the structure. */
      readonly toEnd?: boolean;
      /** The sum's own bytes count as zeros. */
      readonly zeroed?: boolean;
    }
  /** A field that must agree with others: the size, the count or the value of what stands at a path, or the size of a range. */
  | {
      readonly is: 'agreed';
      readonly base: AnyNode;
      readonly on: 'size' | 'count' | 'value';
      readonly path: string | undefined;
      readonly adjusted?: Adjustment;
      /** The fields of the range, where there is no path: from the first of the structure to the last, unless given. */
      readonly over?: readonly [from: string | undefined, to: string | undefined];
      /** The range begins behind that field. */
      readonly after?: string;
    }
  | { readonly is: 'opaque'; readonly name: string };

/**
 * The call of a maker that gives a field, as data: `bytes(u8, { max: 9 })` is `{ maker: 'bytes', size: …, max: 9 }`. What the maker fills
 * in where the caller leaves it out is here too. Documents of a declaration are written and read by it.
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
  /** The fields of each case begin with so many of the header, and end with so many of the trailer. */
  | {
      readonly maker: 'messages';
      readonly tag: Extent;
      readonly cases: readonly Case[];
      readonly otherwise: 'reject' | 'unknown';
      readonly header: number;
      readonly trailer: number;
      /** The union of which `codecOf` made it. */
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

/** The fields that are made by no call. */
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

/** Most significant byte first, or last. */
export type ByteOrder = 'le' | 'be';
export interface Names {
  readonly byValue: ReadonlyMap<number, string>;
  /** A value without a name is refused. */
  readonly closed: boolean;
}
export interface Bits {
  readonly name: string;
  /** Bits to the right of it. */
  readonly shift: number;
  readonly width: number;
  /** The value is a boolean. */
  readonly truth?: boolean;
  /** In two's complement. */
  readonly signed?: boolean;
  /** It has this value always, and no place in the message. */
  readonly constant?: number | bigint;
}
/** How many bytes or elements, or which tag: where the number comes from, as data. */
export type Extent = (
  | { readonly from: 'literal'; readonly value: number }
  | { readonly from: 'prefix'; readonly node: AnyNode }
  | { readonly from: 'path'; readonly path: string }
  | { readonly from: 'parameter'; readonly name: string }
  /** What is left, and `upTo` bytes at the most where that is given. */
  | { readonly from: 'rest'; readonly upTo?: number }
  | { readonly from: 'terminator'; readonly bytes: Uint8Array }
  /** Up to the element whose field has that value. */
  | { readonly from: 'last'; readonly path: string; readonly is: number | bigint | string | boolean }
) & { readonly adjusted?: Adjustment };

/** What is made of a number: it times `unit`, and `add`; or nothing, where it is `nullAt`. */
export interface Adjustment {
  readonly add: number;
  readonly unit: number;
  readonly nullAt: number | undefined;
}

/** A condition: the field at the path, or the parameter of that name, has one of the values, or a number in the range; or, where it is `not`, neither. */
export interface Presence {
  readonly field: string;
  readonly parameter?: true | undefined;
  readonly is: readonly (number | bigint | string | boolean)[];
  readonly range?: Range | undefined;
  readonly not?: boolean | undefined;
}

/** Named fields, one after the other, and what their structure has to know of them. */
export interface Group {
  readonly entries: readonly (readonly [name: string, node: AnyNode])[];
  /** Their places in it, by name. */
  readonly places: ReadonlyMap<string, number>;
  /** The fields that are the size, count or tag of another: the encoder fills them in. */
  readonly derived: ReadonlySet<string>;
  /** Those that a structure round it fills in, by their paths in this one. */
  readonly lent: ReadonlySet<string>;
  /** What stands behind a field that takes the rest, by its index: so much is left of it. */
  readonly rooms: ReadonlyMap<number, readonly Foreseen[]>;
  /** What is filled in, and checked, once all of this structure is known. */
  readonly agreements: readonly Agreement[];
  /** The checksums that are made, or checked, once all of this structure is known: in this order. */
  readonly sums: readonly Summing[];
  /** The fields whose first and last bytes are asked for (the range of a checksum), by their paths in this structure. */
  readonly placed: ReadonlySet<string>;
  /** Of these, those that a structure round this one asks for; `''` is this structure itself. */
  readonly shown: ReadonlySet<string>;
  /** Some field has work to do behind the last one, or asks where the structure begins. */
  readonly finishes: boolean;
  /** The fields as they were declared, before anything was lent or shown. */
  readonly declared: Group['entries'];
}

/** A checksum in the structure that makes or checks it. Paths are of that structure. */
export interface Summing {
  /** The path of the checksum. */
  readonly path: string;
  readonly node: AnyNode;
  readonly from: Edge;
  readonly to: Edge;
  /**
   * `'read'`: the structure round this one makes the checksum, because it fills in what the range holds; here it is only checked.
   * `'write'` is the other half of that.
   */
  readonly way: 'both' | 'read' | 'write';
  /** It stands in an `optional`. */
  readonly mayMiss: boolean;
}

/** The first byte of the field at a path, or the byte behind its last one. The path `''` is the structure itself, `'h.'` the one in `h`. */
export interface Edge {
  readonly path: string;
  readonly at: 'start' | 'end';
}

/** A field that must agree with what is known at the end of a structure. */
export interface Agreement {
  /** Its path in that structure, of which it may be a member of a member. */
  readonly path: string;
  readonly node: AnyNode;
  /** The path of the field with which it must agree; undefined for a range. */
  readonly of: string | undefined;
}

/** One case of a union, or one of the messages. */
export interface Case {
  readonly name: string;
  readonly tag: Tag;
  /** All of its tags, where the value says which: several, or none where it is for any other tag. */
  readonly tags?: readonly Tag[] | undefined;
  readonly group: NodeOf<Group>;
}

/** One kind of field. All there is to know of it stands in its own file. */
export interface Kind<D extends object> {
  readonly name: string;

  // Facts.
  size(node: Readonly<D>): Size;
  shape(node: NodeOf<D>): Shape;
  /** The call of the maker that gives the same field again. */
  call(node: NodeOf<D>): Call;
  /** The fields inside. A kind that has any reads and writes in steps: `*read` and `*write` yield a visit to each. */
  children?(node: NodeOf<D>): readonly AnyNode[];
  /** The same field with other fields inside. A kind that has children before all is declared has this too. */
  rebuild?(node: NodeOf<D>, change: (child: AnyNode) => AnyNode): AnyNode;
  /** The same field, with the layout of the field that it repeats: `target` is at its path. */
  settle?(node: NodeOf<D>, target: AnyNode): AnyNode;
  /** Its children can be had only once all is declared. */
  readonly later?: boolean;
  /** How often a child may come, at the most; once unless given. */
  repeats?(node: Readonly<D>): number;
  /** References of its own; those of its children are added. */
  references?(node: Readonly<D>): readonly Reference[];
  /** Whether a child finds another field of that name inside it. */
  declares?(node: Readonly<D>, name: string, child: AnyNode | undefined): boolean;
  /** Its own, and those that it takes over from its children. */
  traits?(node: Readonly<D>): Traits;
  /** Bytes of text, at the most. */
  text?(node: Readonly<D>): number;
  /** Judge what shows only when the whole declaration is known; throws a RangeError or TypeError. */
  check?(node: NodeOf<D>): void;

  // What other fields may use it for.
  /** A number: it may be a size or a count. Undefined where the field holds something else. */
  range?(node: NodeOf<D>): Numbers | undefined;
  /** Whether it can say a number in its range: for one that is made of another. */
  says?(node: NodeOf<D>, value: number): boolean;
  /** It may be a tag: the field to read, and the value there for a declared tag; undefined for what it cannot hold. */
  tag?(node: NodeOf<D>): TagField | undefined;
  /** A place that is filled in later: it may be derived. Undefined where it may not. */
  slot?(node: NodeOf<D>): Slot | undefined;
  /** What stands behind a dot in a path, by name; a node where that is a field. */
  members?(node: NodeOf<D>): ReadonlyMap<string, AnyNode | undefined>;
  /** The same for a member that is not a field itself: some bits. */
  memberSlot?(node: NodeOf<D>, name: string): Slot | undefined;
  /** The same field, with the member at a path to be filled in by what stands round it; undefined where that cannot be. */
  lend?(node: NodeOf<D>, path: readonly string[]): AnyNode | undefined;
  /**
   * The same field, with the place of the member at a path shown to what stands round it; a checksum there that is `made` by what
   * stands round it is only checked inside. The path may end in `''`, for the structure itself. Undefined where that cannot be.
   */
  expose?(node: NodeOf<D>, path: readonly string[], made: boolean): AnyNode | undefined;
  /** How many bytes it will take, where that can be known before it is reached. */
  foreseen?(node: NodeOf<D>): Foreseen | undefined;

  /** What the message is taken to say here, of what it has: a default. For conditions and sizes that the message says. */
  standsFor?(node: NodeOf<D>, given: unknown): unknown;
  standsForCode?(node: NodeOf<D>, given: string, out: { constant(value: unknown): string }): string;

  // Slowly and exactly.
  read(node: NodeOf<D>, walk: Reading): unknown;
  write(node: NodeOf<D>, value: unknown, walk: Writing): unknown;

  // As generated code; whatever is not well-formed fails.
  decode(node: NodeOf<D>, out: Decoding): Known;
  encode(node: NodeOf<D>, value: string, out: Encoding, sure: boolean): void;
  /** Add up the most bytes that the value takes; `size(node).max` unless given. */
  bound?(node: NodeOf<D>, value: string, out: Bounding): void;
  /**
   * Write a whole number in front of content that stands at `at + size.min` up to `p`, and move `p` behind both; unless given, the
   * content is set aside and copied behind the number.
   */
  insert?(node: NodeOf<D>, at: string, value: string, out: Encoding): void;

  // As the whole of a message.
  decodeRoot?(node: NodeOf<D>, out: Decoding): void;
  encodeRoot?(node: NodeOf<D>, out: Encoding): void;

  // A checksum, behind the last field of the structure that makes or checks it.
  sumRead?(node: NodeOf<D>, sum: Summing, walk: Reading): void;
  sumWrite?(node: NodeOf<D>, sum: Summing, walk: Writing): void;
  sumDecode?(node: NodeOf<D>, sum: Summing, out: Decoding): void;
  sumEncode?(node: NodeOf<D>, sum: Summing, out: Encoding): void;

  // At the end of the structure with whose fields it must agree.
  /** Judge what it must agree with; throws a RangeError or TypeError. `where` is its path, for errors. */
  checkAgreement?(node: NodeOf<D>, agreement: Agreement, entries: Group['entries'], where: string): void;
  agreeRead?(node: NodeOf<D>, agreement: Agreement, walk: Reading): void;
  agreeWrite?(node: NodeOf<D>, agreement: Agreement, walk: Writing): void;
  agreeDecode?(node: NodeOf<D>, agreement: Agreement, out: Decoding): void;
  agreeEncode?(node: NodeOf<D>, agreement: Agreement, out: Encoding): void;
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
  /** Bits to the right of it: the number is added to the others, which are there already. */
  readonly shift?: number;
  /** Writes the number, where that is not done as an integer of up to 32 bits is. */
  readonly put?: ((target: Uint8Array, at: number, value: number | bigint) => void) | undefined;
  /** The numbers of names, for a tag that is an enumeration. */
  readonly byName?: ReadonlyMap<string, number> | undefined;
  /** Zero stands for nothing, so that something has to fill it. */
  readonly needed?: boolean;
}

/** A number of bytes that is known before they are reached. */
export interface Foreseen {
  /** The earlier fields that say it. */
  readonly paths: readonly string[];
  read(walk: Reading): number;
  decode(out: Decoding): string;
}

/**
 * Where a number that a declaration needs comes from, in one object for each way (`source.ts`). What it is used for (bytes,
 * elements, presence, a tag) is the user's business; whatever is a source anywhere is one everywhere.
 */
export interface Source {
  /** As data, for tools. */
  readonly extent: Extent;
  /** Leaves nothing behind what it measures: always, or with some numbers. */
  readonly takesRest: boolean;
  readonly mayTakeRest: boolean;
  /** Bytes that it takes itself, right before what it is used for. */
  readonly size: Size;
  /** The numbers it may give, as far as that is known without the fields round it. */
  readonly range: Range;
  /** The raw number that says that there is nothing: the value is null. */
  readonly nullable: boolean;
  references(use: Use, tags?: readonly Tag[]): readonly Reference[];

  /** The number; null where it says that there is nothing. */
  read(walk: Reading, max?: number): unknown;
  /** The text of the number; of −1 where it says that there is nothing. */
  decode(out: Decoding, max?: number): string;
  /** The value for a tag as the generated code sees it; undefined for what it cannot hold. */
  raw(tag: Tag): number | bigint | string | undefined;

  /** The least and the greatest number it can say, in the place where it stands. */
  span(place: Slots): Numbers;
  /** What it says in place of a number in its span that it cannot say, in words. */
  refusal?(value: number): string | undefined;
  /** As `refusal`: give up. */
  refuse?(value: string, out: Encoding): void;
  /** The number that the message says, of one that the encoder does not fill in; undefined where it says none. */
  given(walk: Writing): unknown;
  givenCode(out: Givens): string | undefined;
  /** Say a number that is known before what it is used for is written, or a tag. */
  write(value: unknown, walk: Writing): void;
  encode(value: string, out: Encoding): void;
  /** Say that there is nothing. */
  writeNull?(walk: Writing): void;
  encodeNull?(out: Encoding): void;
  encodeTag(tag: Tag, out: Encoding): void;
  /** Make room for a number that is known only behind what it measures; the answer says it. */
  reserve(walk: Writing): (value: number) => void;
  reserveCode(out: Encoding): (value: string) => void;

  // Behind what it is used for: a terminator. `start` is where the content begins.
  readEnd?(walk: Reading): void;
  decodeEnd?(out: Decoding): void;
  writeEnd?(walk: Writing, start: number): void;
  encodeEnd?(out: Encoding, start: string): void;
}

/** The derived fields in sight, and the parameters. */
export interface Slots {
  slot(path: string): Slot;
  parameter(name: string): number;
}

/** Code for what the message says. */
export interface Givens {
  given(path: string): string;
  parameter(name: string): number;
}

// ─── What the engines offer to kinds ────────────────────────────────────────────────────────────────────────

/** A request of a kind's `*read` or `*write`: go into this field, and resume with what came of it. */
export interface Visit {
  readonly node: AnyNode;
  /** A name or an index; undefined for what stands in the place of the field itself. */
  readonly name: string | number | undefined;
  /** What to write. */
  readonly value: unknown;
}
export type Steps<T = unknown> = Generator<Visit, T, unknown>;

export interface Place<T> {
  readonly start: T;
  readonly end: T;
}

export interface Limits {
  readonly elements: number;
  readonly empty: number;
  readonly depth: number | undefined;
  readonly text: number;
  /** Undefined where it goes by the bytes of the message. */
  readonly summed: number | undefined;
}
export type Counted = 'elements' | 'empty' | 'text';

/** What is wrong with bytes or a value, in the walks; the root of the walk makes an error of it. */
export interface ProblemDetails {
  /** What was there, in words, where showing the value would not do. */
  got?: string;
  /** Where, in the chunk; where the walk stands unless given. */
  at?: number;
  limit?: number;
  cause?: unknown;
}

export interface Reading {
  readonly bytes: Buffer;
  /** The start of the frame. */
  readonly start: number;
  at: number;
  /** The end of the frame, or of the enclosing `bounded`. */
  end: number;
  /** Reserve bytes and move behind them; answers where they begin. */
  take(count: number): number;
  /** Refuse unless that many bytes are there. */
  fits(count: number): number;
  text(start: number, end: number): string;
  visit(node: AnyNode, name?: string | number): Visit;
  /** Read a field that holds no others, in the same place. */
  value(node: AnyNode): unknown;
  /** Read a field that holds no others, as a member. */
  leaf(node: AnyNode, name: string | number): unknown;
  /** The value of an earlier field. */
  find(path: string): unknown;
  parameter(name: string): number;
  /** A size or a count, not beyond its maximum; null where there is nothing. */
  measure(source: Source, max: number, unit: 'bytes' | 'elements'): number | null;
  /** Read the fields of a group from one index up to another, and put their values into an object. */
  members(group: Group, from: number, to: number, values: Record<string, unknown>): Steps<void>;
  /** Begin a group at a byte; its fields are found by those inside. */
  open(group: Group, start: number): void;
  /** Do what is to be done behind the last field of the group, and leave it. */
  close(group: Group): void;
  /** Where the field at a path of this group lies; undefined where it is missing. The group itself at `''`, up to where the walk stands. */
  place(path: string): Place<number> | undefined;
  readonly groupStart: number;
  /** Read what is not a member, a tag, and note its span. Errors are at that name only where it is `named`. */
  span<T>(name: string, kind: string, start: number, read: () => T, named: boolean): T;
  count(what: Counted, amount: number): void;
  enter(maxDepth: number | undefined): void;
  leave(): void;
  /** Count the bytes of a sum against the limit: inside a recursion each level may sum all bytes of the levels below. */
  countSummed(amount: number): void;
  /** Where the fast engine stood in that list when it gave up: so many elements need not be read again. */
  skip(node: AnyNode): number;
  /** How many bytes from `at` on were searched before, in vain, for the terminator of what begins there. */
  readonly searched: number;
  /** What begins at `at` has no terminator up to `reach`. */
  missed(reach: number): void;
  /** So many elements of the list that began there are read. */
  turn(node: AnyNode, start: number, index: number): void;
  /** The name of the message, known from now on. */
  messageType: string | undefined;
}

/** What was read of a value to be written, and of its members. */
export interface Seen<T> {
  readonly value: T;
  readonly members?: SeenMembers<T> | undefined;
}
export type SeenMembers<T> = ReadonlyMap<string, Seen<T>>;

export interface Writing extends Slots {
  readonly target: Buffer;
  at: number;
  /** Make room and move behind it; answers where it begins. `target` may be another one afterwards. */
  take(count: number): number;
  append(bytes: Uint8Array): void;
  /** Write a number that fits, at a place. */
  put(slot: IntLayout, value: number, at: number): void;
  /** Write a field in front of what stands behind `at + room`, in place of those bytes. */
  insert(node: AnyNode, value: unknown, at: number, room: number): void;
  visit(node: AnyNode, value: unknown, name?: string | number): Visit;
  /** Write a field that holds no others, in the same place. */
  value(node: AnyNode, value: unknown): void;
  /** The value that the message has for an earlier field, as it was written: a getter may give another one later. */
  given(path: string): unknown;
  /** The members of the field that is being written, as they were read: for conditions on them. */
  saw(members: SeenMembers<unknown>): void;
  /** A member of the field that was written last, as it was read. */
  seen(path: readonly string[]): unknown;
  /** Fill in a derived field, or hold it against what filled it before. */
  fill(path: string, value: unknown): void;
  /** Leave a member to be filled in by what stands round the field that is being written. */
  lend(member: string, slot: Slot, at: number): void;
  /** Fill in a field of this group that must agree; refuse another number that the message gives. `why` is in words. */
  agree(path: string, value: number, why: string): void;
  /** What a derived field of this group was filled with: NaN where it is missing. */
  filled(path: string): number;
  /** Whether there is nothing to write; the size then says so. */
  isNull(source: Source, value: unknown): value is null;
  /** Say a size or a count, or hold it against the one that is declared. */
  measured(source: Source, actual: number, max: number, unit: 'bytes' | 'elements'): void;
  /** Refuse a size or a count that cannot be said. */
  judge(source: Source, actual: number, max: number, unit: 'bytes' | 'elements'): void;
  /** Nothing may follow inside the same bounds. */
  exhaust(): void;
  /** Begin a field with an end of its own; what it answers is for `leaveBounds`. */
  enterBounds(): number;
  leaveBounds(outer: number): void;
  members(group: Group, from: number, to: number, values: object): Steps<void>;
  open(group: Group, values: object, start: number): void;
  close(group: Group): void;
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

/** What is known of a field in generated code: the text that gives its value, and its members'. */
export interface Known {
  readonly value: string;
  readonly members?: ReadonlyMap<string, Known> | undefined;
  /** What a number is, where it is not a whole number of JavaScript's: a bigint, or whatever code of the user's made. */
  readonly type?: 'bigint' | 'foreign' | undefined;
}

interface Emitting {
  line(text: string): void;
  /** A variable with this value; answers its name. */
  define(value: string, keyword?: 'const' | 'let' | 'var'): string;
  /** A name that nothing else has. */
  name(prefix?: string): string;
  /** The name of a value that is not text. */
  constant(value: unknown): string;
  /** A function of the generated code that is written once, however often it is asked for. */
  helper(name: string, write: (line: (text: string) => void) => void): string;
  /** Where we are: `p`, or `p + 3`. */
  here(more?: number): string;
  /** Move `p` to where we are. */
  settle(): void;
  /** Bytes behind `p` that are dealt with already. */
  advance(count: number): void;
  /** Count against a limit of the message; give up beyond it. */
  count(what: Counted, amount: string): void;
  countSummed(amount: string): void;
  readonly limits: Limits;
}

export interface Decoding extends Emitting {
  end: string;
  /** Give up unless `count` more bytes are there. */
  need(count: number): void;
  /** Forget what is known, but that `ready` bytes are there. */
  reset(ready: number): void;
  /** Give up where that is true. */
  fail(condition: string): void;
  value(node: AnyNode): Known;
  find(path: string): Known;
  parameter(name: string): number;
  text(from: string, to: string): string;
  /** A size or a count, not beyond its maximum; −1 where there is nothing. */
  measure(source: Source, max: number): string;
  /** What a size measures, as `read` reads it; null where there is nothing. */
  measured(source: Source, max: number, read: (size: string) => string): Known;
  /** A run of bytes; answers where it begins and ends. */
  run(source: Source, size: string): [from: string, to: string];
  members(group: Group, from: number, to: number): [string, Known][];
  open(group: Group, start?: string): void;
  close(group: Group): void;
  /** Where the field at a path of this group lies; at −1 where it is missing. The group itself at `''`. */
  place(path: string): Place<string>;
  /** The places inside the field that was read last are missing here. */
  unshow(): void;
  readonly groupStart: string;
  /** A function of the generated code for this node, called with where it begins and ends; fields outside are out of sight. */
  routine(node: AnyNode, body: () => string): string;
  /** A function for one of several messages, with where the header begins and where the tag ends. */
  branch(body: () => string): string;
  /** What ends a message: nothing may be behind it, unless the declaration says so. */
  finish(value: string): void;
  /** Remember, in the loop over this list, where the walk may begin. */
  mark(node: AnyNode): Mark;
}

/** Text of the generated code at the start of a loop, and at the end of each turn. */
export interface Mark {
  begin(): void;
  turn(index: string): void;
}

export interface Encoding extends Emitting, Slots {
  /** Give up where that is true. */
  refuse(condition: string): void;
  value(node: AnyNode, value: string, sure?: boolean): void;
  given(path: string): string;
  saw(members: SeenMembers<string>): void;
  /** A member of the field that was written last, as it was read. */
  seen(path: readonly string[]): string;
  /** What was seen inside a block of code that is run only where `value` is not undefined. */
  sawInside(value: string): void;
  fill(path: string, value: string): void;
  /** A member of a value, by name; of names that every object inherits, an own one. */
  property(value: string, name: string): string;
  requireObject(value: string): void;
  /** Where the next bytes go, as text that holds while `p` stays; moves behind them. */
  reservePlace(width: number, keyword?: 'var'): string;
  putInt(layout: IntLayout, value: string, place: string): void;
  /** Write text at a place, at most `limit` bytes; answers how many. */
  putText(at: string, value: string, limit: number): string;
  measured(source: Source, actual: string, max: number): void;
  judge(source: Source, actual: string, max: number): void;
  /** Write what a size measures; where there is nothing, the size says so. */
  unlessNull(source: Source, value: string, write: () => void): void;
  /** Leave a member to be filled in by what stands round the field that is being written. */
  lend(member: string, slot: Slot, place: string): void;
  agree(path: string, value: string): void;
  filled(path: string): string;
  /** What is left to be filled in is missing here, and the places that are shown. */
  unlend(): void;
  exhaust(): void;
  enterBounds(): string;
  leaveBounds(outer: string): void;
  members(group: Group, from: number, to: number, value: string): void;
  open(group: Group, start?: string): void;
  close(group: Group): void;
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
