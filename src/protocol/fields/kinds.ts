import type { Kind } from './kind.ts';
import { ARRAY } from './kinds/array.ts';
import { BASE128 } from './kinds/base128.ts';
import { BIGINT } from './kinds/bigint.ts';
import { BITS } from './kinds/bits.ts';
import { BOOL } from './kinds/bool.ts';
import { BOUNDED } from './kinds/bounded.ts';
import { BYTES } from './kinds/bytes.ts';
import { CHAIN } from './kinds/chain.ts';
import { CHECKSUM } from './kinds/checksum.ts';
import { CONSTANT } from './kinds/constant.ts';
import { CSTRING } from './kinds/cstring.ts';
import { CUSTOM } from './kinds/custom.ts';
import { DEFAULTED } from './kinds/defaulted.ts';
import { DIGITS } from './kinds/digits.ts';
import { ENDED_ARRAY } from './kinds/ended-array.ts';
import { ENDED_DIGITS } from './kinds/ended-digits.ts';
import { ENUMERATION } from './kinds/enumeration.ts';
import { FLAGS } from './kinds/flags.ts';
import { FLOAT } from './kinds/float.ts';
import { INTEGER } from './kinds/integer.ts';
import { LAZY } from './kinds/lazy.ts';
import { MAPPED } from './kinds/mapped.ts';
import { MESSAGES } from './kinds/messages.ts';
import { ONLY } from './kinds/only.ts';
import { OPTIONAL } from './kinds/optional.ts';
import { PADDING } from './kinds/padding.ts';
import { SAME } from './kinds/same.ts';
import { COUNTOF, SIZEOF } from './kinds/size-of.ts';
import { STRUCT } from './kinds/struct.ts';
import { TEXT } from './kinds/text.ts';
import { UNION } from './kinds/union.ts';
import { UTF8 } from './kinds/utf8.ts';
import { VARINT } from './kinds/varint.ts';
import { WIDE } from './kinds/wide.ts';

export { type FieldLimits, message, rest, type Until, type UntilLast } from './field.ts';
export type { Tag } from './kind.ts';

// The makers and the kinds they make. A new kind gets its two lines here and touches no other file in `src`.
export { array } from './kinds/array.ts';
export { sleb128, varint64, varuint64, vlq } from './kinds/base128.ts';
export { i64be, i64le, u64be, u64le } from './kinds/bigint.ts';
export { type BitMember, type BitValues, bits } from './kinds/bits.ts';
export { bool } from './kinds/bool.ts';
export { bounded } from './kinds/bounded.ts';
export { bytes } from './kinds/bytes.ts';
export { type ChecksumRange, checksum } from './kinds/checksum.ts';
export { constant } from './kinds/constant.ts';
export { cstring } from './kinds/cstring.ts';
export { type CustomField, custom, type ReadCursor, type WriteCursor } from './kinds/custom.ts';
export { defaulted } from './kinds/defaulted.ts';
export { decimal, hexadecimal } from './kinds/digits.ts';
export { enumeration } from './kinds/enumeration.ts';
export { flags } from './kinds/flags.ts';
export { f32be, f32le, f64be, f64le } from './kinds/float.ts';
export {
  i8,
  i16be,
  i16le,
  i24be,
  i24le,
  i32be,
  i32le,
  u8,
  u16be,
  u16le,
  u24be,
  u24le,
  u32be,
  u32le,
} from './kinds/integer.ts';
export { lazy } from './kinds/lazy.ts';
export { type Mapping, mapped } from './kinds/mapped.ts';
export { only } from './kinds/only.ts';
export {
  type Condition,
  type ConditionValue,
  type NumberRange,
  optional,
  unless,
  when,
} from './kinds/optional.ts';
export { padding } from './kinds/padding.ts';
export { same } from './kinds/same.ts';
export { countOf, type SizeRange, sizeOf } from './kinds/size-of.ts';
export { struct } from './kinds/struct.ts';
export { type TextEncoding, type TextOptions, text } from './kinds/text.ts';
export { union } from './kinds/union.ts';
export { utf8 } from './kinds/utf8.ts';
export { varint, varuint } from './kinds/varint.ts';
export {
  i40be,
  i40le,
  i48be,
  i48le,
  i56be,
  i56le,
  u40be,
  u40le,
  u48be,
  u48le,
  u56be,
  u56le,
} from './kinds/wide.ts';
export { parameter, type SizeOptions, size, until } from './source.ts';

/** Every kind of field, for tools and tests that go through all of them. */
// biome-ignore lint/suspicious/noExplicitAny: each has data of its own
export const kinds: readonly Kind<any>[] = [
  ARRAY,
  BASE128,
  BIGINT,
  BITS,
  BOOL,
  BOUNDED,
  BYTES,
  CHAIN,
  CHECKSUM,
  CONSTANT,
  COUNTOF,
  CSTRING,
  CUSTOM,
  DEFAULTED,
  DIGITS,
  ENDED_ARRAY,
  ENDED_DIGITS,
  ENUMERATION,
  FLAGS,
  FLOAT,
  INTEGER,
  LAZY,
  MAPPED,
  MESSAGES,
  ONLY,
  OPTIONAL,
  PADDING,
  SAME,
  SIZEOF,
  STRUCT,
  TEXT,
  UNION,
  UTF8,
  VARINT,
  WIDE,
];
