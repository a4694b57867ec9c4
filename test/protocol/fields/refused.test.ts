import { expect, it } from 'vitest';
import { evaluate } from './vectors.ts';

/** A declaration that is refused where it is written, and under it the error. */
const REFUSED = `
array(array(u8, rest), until("x", 1))
  TypeError: array(item, until(…)) refers to 'element.x', which does not exist
array(struct({ n: u8 }), until("m", 1))
  TypeError: array(item, until(…)) refers to 'element.m', which does not exist
array(u8, until("n", 1))
  TypeError: array(item, until(…)) refers to 'element.n', which does not exist
until("n", undefined)
  TypeError: until(path, value): expected a number, a bigint, a string or a boolean as the value, got undefined
until("n", NaN)
  TypeError: until(path, value): expected a number, a bigint, a string or a boolean as the value, got NaN
until("n", {})
  TypeError: until(path, value): expected a number, a bigint, a string or a boolean as the value, got an object
until(u8)
  TypeError: until(terminator): expected a constant of one byte or more, got int
until(padding({ to: 4 }))
  TypeError: until(terminator): expected a constant of one byte or more, got padding
until(constant(bytes(0), Buffer.alloc(0)))
  TypeError: until(terminator): expected a constant of one byte or more, got constant
until(only("n", 1))
  TypeError: until(terminator): expected a constant of one byte or more, got only
bytes(until("n", 1))
  TypeError: bytes: expected a field such as u8 or struct({ … }), got an object
enumeration(u64le, { a: 1 })
  TypeError: enumeration: expected an integer field of at most 32 bits or a varint, got bigint
enumeration(f32be, { a: 1 })
  TypeError: enumeration: expected an integer field of at most 32 bits or a varint, got float
enumeration(u8, {})
  TypeError: enumeration: at least one name is needed
enumeration(u8, { a: 256 })
  RangeError: enumeration: a: expected a whole number from 0 to 255, got 256
enumeration(u8, { a: 1.5 })
  RangeError: enumeration: a: expected a whole number from 0 to 255, got 1.5
enumeration(i8, { a: 128 })
  RangeError: enumeration: a: expected a whole number from -128 to 127, got 128
enumeration(u8, { a: "1" })
  RangeError: enumeration: a: expected a whole number from 0 to 255, got "1"
enumeration(u8, { a: 1, b: 1 })
  RangeError: enumeration: a and b are both 1
enumeration(u8, { a: 1 }, { unknown: "maybe" })
  TypeError: enumeration: unknown must be 'reject' or 'keep', got "maybe"
enumeration(u8, { a: 1 }, { unknow: "keep" })
  TypeError: enumeration: there is no option "unknow"; did you mean 'unknown'?
flags(u8, { a: 8 })
  RangeError: flags: a is at bit 8; expected 0 to 7
flags(u8, { a: -1 })
  RangeError: flags: a is at bit -1; expected 0 to 7
flags(u8, { a: 0.5 })
  RangeError: flags: a is at bit 0.5; expected 0 to 7
flags(u8, { a: 1, b: 1 })
  RangeError: flags: two names for bit 1
flags(u64be, { a: 1 })
  TypeError: flags: expected an integer field of fixed width, got bigint
flags(varuint, { a: 1 })
  TypeError: flags: expected an integer field of fixed width, got varint
flags(u8, { a: 1 }, { unknown: "keep" })
  TypeError: flags: unknown must be 'reject' or 'ignore', got "keep"
flags(u32be, { a: 31, b: 31 })
  RangeError: flags: two names for bit 31
bits(u8, {})
  RangeError: bits: the widths add up to 0; the integer has 8
bits(u8, { a: 9 })
  RangeError: bits: the widths add up to 9; the integer has 8
bits(u8, { a: 1.5, b: 7 })
  RangeError: bits: a is 1.5 bits wide; expected 1 or more
bits(u8, { a: "8" })
  RangeError: bits: a is "8" bits wide; expected 1 or more
bits(u8, { a: { width: 4, constant: 16 }, b: 4 })
  RangeError: bits: a: expected a whole number from 0 to 15, got 16
bits(u8, { a: { width: 4, constant: 1.5 }, b: 4 })
  RangeError: bits: a: expected a whole number from 0 to 15, got 1.5
bits(u8, { a: { width: 4, constant: 8, signed: true }, b: 4 })
  RangeError: bits: a: expected a whole number from -8 to 7, got 8
bits(u64be, { a: { width: 60, constant: 2n ** 60n }, b: 4 })
  RangeError: bits: a: expected an unsigned bigint of 60 bits, got 1152921504606846976n
bits(u8, { a: { width: 8, signed: 1 } })
  TypeError: bits: a: signed must be true or false, got 1
codecOf(struct({ a: lazy(() => constant(u8, 1)) }))
  TypeError: a lazy field must have a value
lazy(() => u8, { maxDepth: 0 })
  RangeError: lazy: maxDepth must be an integer from 1 to 1000, got 0
lazy(() => u8, { maxDepth: 1001 })
  RangeError: lazy: maxDepth must be an integer from 1 to 1000, got 1001
lazy(() => u8, { depth: 3 })
  TypeError: lazy: there is no option "depth"; there are 'maxDepth'
codecOf(lazy(() => 5))
  TypeError: lazy(() => field): expected a field such as u8 or struct({ … }), got 5
codecOf(array(struct({}), rest))
  RangeError: array(item, rest): an element may take no bytes, so their number cannot be known
codecOf(array(optional(u8, rest), rest))
  RangeError: array(item, rest): an element may take no bytes, so their number cannot be known
codecOf(array(lazy(() => struct({})), rest))
  RangeError: array(item, rest): an element may take no bytes, so their number cannot be known
array(u8, size(rest, { upTo: 4 }))
  TypeError: array(item, size(rest, { upTo })): what is left is counted in bytes; put array(item, rest) into bounded(size(rest, { upTo }), …)
array(constant(u8, 1), 3)
  TypeError: an element must have a value; a constant has none
array(u8, -1)
  RangeError: array: -1 is not a size
array(u8, 1.5)
  RangeError: array: 1.5 is not a size
array(u8, f32be)
  TypeError: array: expected an integer field, or one that is made into a whole number, got float
array(u8, utf8(u8))
  TypeError: array: expected an integer field, or one that is made into a whole number, got utf8
array(u8, u8, { max: -1 })
  RangeError: array: max must be an integer of at least 0, got -1
array(u8, u8, { max: 1.5 })
  RangeError: array: max must be an integer of at least 0, got 1.5
array(u8, u8, { most: 1 })
  TypeError: array: there is no option "most"; there are 'max'
array(5, u8)
  TypeError: array(item): expected a field such as u8 or struct({ … }), got 5
array(u8)
  TypeError: array: expected a field such as u8 or struct({ … }), got undefined
defaulted(u8, undefined)
  TypeError: defaulted(item, value): expected a value, got undefined
defaulted(constant(u8, 1), 1)
  TypeError: a defaulted field must have a value; a constant has none
bounded(2, u24be)
  RangeError: bounded(2, item): the item takes 3 bytes
bounded(300, bytes(u8))
  RangeError: bounded(300, item): the item takes 1 to 256 bytes
bounded(3, u8)
  RangeError: bounded(3, item): the item takes 1 bytes
bounded(u8, constant(u8, 1))
  TypeError: a bounded field must have a value; a constant has none
codecOf(bounded(varuint, struct({ a: u8, p: padding({ to: 4 }) })))
  RangeError: bounded(varuint, item): padding to a multiple has no fixed place in there
bounded(u8, u8, { max: "9" })
  RangeError: bounded: max must be an integer of at least 0, got "9"
checksum(f32be, "SUM-8")
  TypeError: checksum: expected an integer field of fixed width, got float
checksum(enumeration(u8, { a: 1 }), "SUM-8")
  TypeError: checksum: expected an integer field of fixed width, got enumeration
checksum(u8, "SUM-9")
  RangeError: checksum: no "SUM-9" in the catalogue; its names are in checksumNames
checksum(u8, "SUM-16")
  RangeError: checksum: SUM-16 has 16 bits, so it needs an unsigned integer as wide
checksum(i8, "SUM-8")
  RangeError: checksum: SUM-8 has 8 bits, so it needs an unsigned integer as wide
checksum(u8, { name: "x", width: 8 })
  TypeError: checksum: expected a name or { name, width, compute }, got an object
checksum(u8, null)
  TypeError: checksum: expected a name or { name, width, compute }, got null
checksum(u8, "SUM-8", { from: "a", after: "b" })
  TypeError: checksum: expected from or after, got both, 'a' and 'b'
checksum(u8, "SUM-8", { form: "a" })
  TypeError: checksum: there is no option "form"; did you mean 'from'?
checksum(u8, "SUM-8", { append: 5 })
  TypeError: checksum: append must be bytes, got 5
checksum(u8, "SUM-8", { to: u8 })
  TypeError: checksum: to must be the path of a field, got an object
struct({ a: u8, s: checksum(u8, "SUM-8", { from: "b", to: "a" }), b: u8 })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ s: checksum(u8, "SUM-8") })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ a: u8, s: checksum(u8, "SUM-8", { to: "s" }) })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ a: u8, s: checksum(u8, "SUM-8", { to: "t" }), t: checksum(u8, "SUM-8") })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ l: array(struct({ x: u8 }), 2), s: checksum(u8, "SUM-8", { from: "l.x" }) })
  TypeError: s: its range cannot begin or end inside 'l' (array), whose members have no fixed place; name 'l' itself
struct({ u: union(u8, { a: message(1, { x: u8 }) }), s: checksum(u8, "SUM-8", { from: "u.x" }) })
  TypeError: s: its range cannot begin or end inside 'u' (union), whose members have no fixed place; name 'u' itself
struct({ h: optional(struct({ x: u8 })), s: checksum(u8, "SUM-8", { from: "h.x" }) })
  TypeError: s: its range cannot begin or end inside 'h', which may be missing; name 'h' itself
struct({ b: bounded(varuint, struct({ x: u8 })), s: checksum(u8, "SUM-8", { from: "b.x" }) })
  TypeError: s: its range cannot begin or end inside 'b' (bounded), whose members have no fixed place; name 'b' itself
struct({ b: u8, l: array(struct({ s: checksum(u8, "SUM-8", { from: "b" }) }), 2) })
  RangeError: checksum: its range covers 'b' of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ a: u8, s: checksum(u8, "SUM-8", { from: "a.x" }) })
  TypeError: s: its range cannot begin or end inside 'a' (int), whose members have no fixed place; name 'a' itself
sizeOf(varuint, "a")
  TypeError: sizeOf(field): expected an integer field of fixed width, got varint
sizeOf("n", "a")
  TypeError: sizeOf(field): expected an integer field of fixed width, or one with add and unit, got "n"
sizeOf(size(u8, { nullAt: 0 }), "a")
  TypeError: sizeOf(field): expected an integer field of fixed width, or one with add and unit, got one with nullAt
sizeOf(f32be, "a")
  TypeError: sizeOf(field): expected an integer field of fixed width, got float
sizeOf(enumeration(u8, { a: 1 }), "a")
  TypeError: sizeOf(field): expected an integer field of fixed width, got enumeration
sizeOf(u8, "")
  TypeError: sizeOf(field, path): expected the path of a field, got ""
sizeOf(u8, 5)
  TypeError: sizeOf: expected an object of options, got 5
sizeOf(u8, { from: "a", after: "b" })
  TypeError: sizeOf: expected from or after, got both, 'a' and 'b'
sizeOf(u8, { form: "a" })
  TypeError: sizeOf: there is no option "form"; did you mean 'from'?
sizeOf(u8, { to: 5 })
  TypeError: sizeOf: to must be the path of a field, got 5
codecOf(struct({ n: sizeOf(u8, "b") }))
  TypeError: there is no field 'b' to refer to
struct({ n: sizeOf(u8, "h.b"), h: struct({ b: u8 }) })
  RangeError: n: sizeOf('h.b'): expected a field of the same structure or of an enclosing one, not a member of one
struct({ n: sizeOf(u8, { from: "b", to: "a" }), a: u8, b: u8 })
  RangeError: n: the range of sizeOf must run forward
struct({ n: sizeOf(u8, { from: "x" }), a: u8 })
  TypeError: n: there is no field 'x' beside it
struct({ l: array(struct({ n: sizeOf(u8, "b") }), 2), b: u8 })
  RangeError: sizeOf of 'b': the encoder cannot fill it in there; put it into the structure of 'b', or into structures inside that, not into a list, a union or an optional by itself
struct({ n: optional(sizeOf(u8, "b")), b: u8 })
  RangeError: sizeOf of 'b': the encoder cannot fill it in there; put it into the structure of 'b', or into structures inside that, not into a list, a union or an optional by itself
countOf(varuint, "a")
  TypeError: countOf(field): expected an integer field of fixed width, got varint
countOf(u8, "")
  TypeError: countOf(field, path): expected the path of a field, got ""
countOf(u8, { to: "a" })
  TypeError: countOf(field, path): expected the path of a field, got an object
struct({ n: countOf(u8, "b"), b: u8 })
  TypeError: n: countOf('b'): expected an array, got int
struct({ n: countOf(u8, "h.b"), h: struct({ c: array(u8, rest) }) })
  TypeError: n refers to 'h.b', which does not exist
codecOf(struct({ n: countOf(u8, "b") }))
  TypeError: there is no field 'b' to refer to
same(struct({ a: u8 }), "n")
  TypeError: same: expected a field of numbers, texts or bytes, got struct
same(flags(u8, { a: 1 }), "n")
  TypeError: same: expected a field of numbers, texts or bytes, got flags
same(u8, "")
  TypeError: same(field, path): expected the path of an earlier field, got ""
same(u8)
  TypeError: same(field, path): expected the path of an earlier field, got undefined
same("a", "b")
  TypeError: same(path): expected a field before the path, got "a"
same(constant(u8, 1), "n")
  TypeError: a field that repeats another must have a value; a constant has none
struct({ n: u8, a: same(varuint, "n"), b: bytes("n") })
  TypeError: a: expected an integer of fixed width to repeat 'n', which is filled in
struct({ n: u8, a: same(utf8(u8), "n") })
  TypeError: a: its values are texts, and those of 'n' are numbers
struct({ n: u8, a: same(u64be, "n") })
  TypeError: a: its values are bigints, and those of 'n' are numbers
struct({ f: flags(u8, { x: 1 }), a: same("f.x") })
  TypeError: a: 'f.x' is some bits of a field; give same(field, path) a field to hold them
struct({ h: struct({ x: u8 }), a: same("h.y") })
  TypeError: a refers to 'h.y', which does not exist
struct({ h: struct({ x: u8 }), a: same("h") })
  TypeError: same: expected a field of numbers, texts or bytes, got struct
decimal(0)
  RangeError: decimal(n): expected 1 to 15 digits, got 0
decimal(16)
  RangeError: decimal(n): expected 1 to 15 digits, got 16
decimal(1, { signed: true })
  RangeError: decimal(n): expected 2 to 15 digits, got 1
decimal("4")
  RangeError: decimal(n): expected 1 to 15 digits, got "4"
decimal(4, { sign: true })
  TypeError: decimal: there is no option "sign"; did you mean 'signed'?
decimal(until(constant(u8, 0x30)))
  RangeError: the terminator of a number in digits must not contain digits or a sign
decimal(until(constant(u8, 0x2d)))
  RangeError: the terminator of a number in digits must not contain digits or a sign
hexadecimal(until(constant(u8, 0x61)))
  RangeError: the terminator of a number in digits must not contain digits or a sign
hexadecimal(14)
  RangeError: hexadecimal(n): expected 1 to 13 digits, got 14
hexadecimal(0)
  RangeError: hexadecimal(n): expected 1 to 13 digits, got 0
text(u8, { encoding: "utf16" })
  TypeError: text: encoding: expected utf8, ascii, latin1, utf16le, utf16be, got "utf16"
text(u8, { unit: "words" })
  TypeError: text: unit: expected 'bytes' or 'characters', got "words"
text(until(constant(u8, 0)), { unit: "characters" })
  TypeError: text: what ends at a terminator is counted in bytes; expected unit 'bytes' for until
text(rest, { unit: "characters" })
  TypeError: text: what is left is counted in bytes; expected unit 'bytes' for rest
text(4, { pad: "é" })
  TypeError: text: pad: expected one ASCII character, got "é"
text(4, { pad: "  " })
  TypeError: text: pad: expected one ASCII character, got "  "
text(u8, { pad: " " })
  TypeError: text: pad: expected a number as the size
text(3, { encoding: "utf16le", pad: " " })
  RangeError: text: pad: expected an even number of bytes in utf16le
text(u8, { max: -1 })
  RangeError: text: max must be an integer of at least 0, got -1
text(u8, { padding: " " })
  TypeError: text: there is no option "padding"; there are 'encoding', 'pad', 'unit', 'max'
cstring(-1)
  RangeError: cstring: max must be an integer of at least 0, got -1
cstring(1.5)
  RangeError: cstring: max must be an integer of at least 0, got 1.5
constant(bytes("n"), Buffer.alloc(1))
  TypeError: constant: the field may not refer to another
constant(constant(u8, 1), 1)
  TypeError: a constant must have a value; a constant has none
constant(u8, 256)
  MessageError: message: expected a whole number from 0 to 255, got 256
constant(u8, "a")
  MessageError: message: expected a whole number from 0 to 255, got "a"
constant(5, 5)
  TypeError: constant(field): expected a field such as u8 or struct({ … }), got 5
only("n")
  TypeError: only(field, …): expected at least one value
only(5, 1)
  TypeError: only(field): expected 'field' or 'field.member', got 5
only(parameter("v"))
  TypeError: only(field, …): expected at least one value
only("n", NaN)
  RangeError: only(field, …): NaN equals nothing
only("n", {})
  RangeError: only(field, { min, max }): expected numbers, the lower one first, got an object
only("n", { min: 2, max: 1 })
  RangeError: only(field, { min, max }): expected numbers, the lower one first, got an object
only("n", { min: "1" })
  RangeError: only(field, { min, max }): expected numbers, the lower one first, got an object
only("n", { min: 1, most: 2 })
  RangeError: only(field, { min, max }): expected numbers, the lower one first, got an object
only("n", { min: 1 }, { max: 0 })
  TypeError: only(field, …): one range is enough
only("n", () => 1)
  TypeError: only(field, …): expected numbers, bigints, strings, booleans or { min, max }, got a function
when(5)
  TypeError: when(field): expected 'field' or 'field.member', got 5
when("n", null)
  TypeError: when(field, …): expected numbers, bigints, strings, booleans or { min, max }, got null
when("n", { min: 1 }, { min: 2 })
  TypeError: when(field, …): one range is enough
unless(parameter("v"))
  TypeError: unless(parameter('v'), …): expected the numbers that it may have, got none
unless("n", NaN)
  RangeError: unless(field, …): NaN equals nothing
optional(constant(u8, 1))
  TypeError: an optional field must have a value, or a condition; a constant has none
optional(constant(u8, 1), rest)
  TypeError: an optional field must have a value, or a condition; a constant has none
optional(5)
  TypeError: optional(item): expected a field such as u8 or struct({ … }), got 5
struct({ n: u8, b: bytes("n"), o: optional(u8, when("n", 1)) })
  RangeError: o: its condition depends on 'n', which the encoder fills in
struct({ f: flags(u8, { x: 1 }), o: optional(u8, when("f.y")) })
  TypeError: o refers to 'f.y', which does not exist
struct({ c: constant(u8, 1), o: optional(u8, when("c", 1)) })
  TypeError: o refers to 'c', which has no value of its own
struct({ u: u8, o: optional(u8, when("u.x", 1)) })
  TypeError: o refers to 'u.x', which does not exist
union(u8, {})
  TypeError: at least one case is needed
union(f32be, { a: message(1) })
  TypeError: the tag: expected an integer field or an enumeration, got float
union(u8, { a: message(256) })
  RangeError: a: the tag 256 is not a value of its field
union(u8, { a: message("a") })
  RangeError: a: the tag "a" is not a value of its field
union(u8, { a: message(1), b: message(1) })
  RangeError: a and b have the same tag, 1
union(u8, { a: message([]) })
  TypeError: a: at least one tag is needed
union(u8, { a: message([1, 1]) })
  RangeError: a and a have the same tag, 1
union(u8, { a: message(1, { type: u8 }) })
  RangeError: a: no field can be named 'type'; the message's name is there
union(u8, { a: message([1, 2], { tag: u8 }) })
  RangeError: a: no field can be named 'tag'; that is the place of the one of its tags
union(u8, { unknown: message(1) }, { otherwise: "unknown" })
  RangeError: unknown: messages with any other tag have that name
union(u8, { a: message(1) }, { otherwise: "keep" })
  TypeError: union: otherwise must be 'reject' or 'unknown', got "keep"
union(u8, { a: message(1) }, { other: "unknown" })
  TypeError: union: there is no option "other"; there are 'otherwise'
union(u8, { a: u8 })
  TypeError: a: expected message(tag, fields), got an object
union(u8, { a: struct({}) })
  TypeError: a: expected message(tag, fields), got an object
union(u8, 5)
  TypeError: union: expected an object of names and messages, got 5
union(enumeration(u8, { a: 1 }), { a: message("b") })
  RangeError: a: the tag "b" is not a value of its field
union(enumeration(u8, { a: 1 }), { a: message("a") }, { otherwise: "unknown" })
  RangeError: the tag: a closed enumeration has no other tag for 'otherwise'; declare it { unknown: 'keep' }
struct({ k: enumeration(u8, { a: 1 }), u: union("k", { a: message("a") }, { otherwise: "unknown" }) })
  RangeError: u: its tag 'k': a closed enumeration has no other tag for 'otherwise'; declare it { unknown: 'keep' }
struct({ k: varuint, u: union("k", { a: message(1) }) })
  TypeError: u: its tag 'k' must be an integer of fixed width, or an enumeration of one
struct({ k: u8, u: union("k", { a: message(256) }) })
  RangeError: u: the tag 256 is not a value of its field
struct({ k: f32be, u: union("k", { a: message(1) }) })
  TypeError: u: its tag 'k' must be an integer of fixed width, or an enumeration of one
messages(u8, {})
  TypeError: at least one case is needed
messages(u8, { a: message(1) }, { header: { a: varuint } })
  RangeError: a: a field before the tag must have a fixed size
messages(u8, { a: message(1) }, { header: { type: u8 } })
  RangeError: the header: no field can be named 'type'; messages have a member of that name
messages(u8, { a: message(1, { n: u8 }) }, { header: { n: u8 } })
  RangeError: a: the header has a field 'n' too
messages(u8, { a: message(1, { n: u8 }) }, { trailer: { n: u8 } })
  RangeError: a: the trailer has a field 'n' too
messages(u8, { a: message(1) }, { header: { n: u8 }, trailer: { n: u8 } })
  RangeError: the header and the trailer have a field 'n' each
messages(u8, { a: message(1, { trailing: u8 }) }, { trailing: "keep" })
  RangeError: a: 'trailing' is the kept bytes' name
messages(u8, { a: message(1) }, { trailing: "drop" })
  TypeError: messages: trailing must be 'reject' or 'ignore' or 'keep', got "drop"
messages("k", { a: message(1) })
  TypeError: messages: the header has no field 'k' for the tag 'k'
messages("k", { a: message(1) }, { header: { k: utf8(u8) } })
  RangeError: k: a field before the tag must have a fixed size
messages(u8, { a: message(1, { d: bytes(rest) }) }, { trailer: { n: varuint } })
  RangeError: a: 'n' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
messages(u8, { a: message(1, { b: bytes("c") }) })
  TypeError: there is no field 'c' to refer to
codecOf(u8, { trailing: "keep" })
  TypeError: trailing: a field of its own, bytes(rest), can keep it
codecOf(u8, { limits: { element: 1 } })
  TypeError: codecOf: limits: there is no option "element"; did you mean 'elements'?
codecOf(u8, { limits: { elements: -1 } })
  RangeError: codecOf: limits: elements must be an integer of at least 0, got -1
codecOf(u8, { limits: 5 })
  TypeError: codecOf: limits: expected an object of options, got 5
codecOf(u8, { parameters: { v: { default: 1, min: 2, max: 3 } } })
  RangeError: codecOf: parameters: v: expected min <= default <= max, got an object
codecOf(u8, { parameters: { v: { default: 1, min: 0 } } })
  TypeError: codecOf: parameters: v: max is missing
codecOf(u8, { parameters: { v: { default: 1, min: 0, max: 1, x: 2 } } })
  TypeError: codecOf: parameters: v: there is no option "x"; did you mean 'max'?
codecOf(u8, { parameters: { v: { default: 0, min: 0, max: 5000 }, w: { default: 0, min: 0, max: 5000 } } })
  RangeError: codecOf: parameters: expected at most 4096 combinations of values, got 25010001
codecOf(u8, { parameters: 5 })
  TypeError: codecOf: parameters: expected an object, got 5
codecOf(bytes(parameter("n")))
  TypeError: there is no parameter 'n'; declare it in the options: parameters
codecOf(union(parameter("k"), { a: message(9) }), { parameters: { k: { default: 1, min: 1, max: 2 } } })
  RangeError: 9 is not a value of the parameter 'k'
codecOf(struct({ b: bytes(size(parameter("n"), { nullAt: 9 })) }), { parameters: { n: { default: 1, min: 1, max: 2 } } })
  RangeError: 9 is not a value of the parameter 'n'
codecOf(5)
  TypeError: codecOf(field): expected a field such as u8 or struct({ … }), got 5
parameter("")
  TypeError: parameter(name): expected a name, got ""
parameter(5)
  TypeError: parameter(name): expected a name, got 5
size(rest, { add: 1 })
  TypeError: size(from): expected a field or the path of one, got rest
size(4, { add: 1 })
  TypeError: size(from): expected a field or the path of one, got 4
size(size(u8, { add: 1 }), { add: 1 })
  TypeError: size(from): expected a field or the path of one, got an object
size(u8, { add: 1.5 })
  RangeError: size: add must be an integer from -2147483647 to 2147483647, got 1.5
size(u8, { unit: 0 })
  RangeError: size: unit must be an integer from 1 to 2147483647, got 0
size(u8, { add: -256 })
  RangeError: size: no number of the field gives a size of 0 or more
size(u8, { nullAt: 256 })
  RangeError: size: nullAt: expected a number that the field may have, got 256
size(u8, { nullAt: -1 })
  RangeError: size: nullAt: expected a number that the field may have, got -1
size(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 }), { nullAt: 3 })
  RangeError: size: nullAt: expected a number that the field may have, got 3
size(rest, { upTo: 0 })
  RangeError: size: upTo must be an integer from 1 to 2147483647, got 0
size(rest, { upTo: 4, add: 1 })
  TypeError: size: there is no option "add"; there are 'upTo'
size(utf8(u8), { add: 1 })
  TypeError: size(from): expected an integer field, or one that is made into a whole number, got utf8
size(u8, { offset: 1 })
  TypeError: size: there is no option "offset"; there are 'add', 'unit', 'nullAt'
struct({ n: u8, b: bytes(size("n", { nullAt: 256 })) })
  RangeError: b: nullAt: expected a number that 'n' may have, got 256
struct({ n: f32be, b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width
struct({ n: utf8(u8), b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width
struct({ n: varuint, b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width: a varint has no width before its number is known; put it right before what it measures
struct({ n: enumeration(u8, { a: 1 }), b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width
struct({ n: sizeOf(u8, "b"), b: bytes("n") })
  RangeError: b: 'n' agrees with another field already, and cannot be a size too
struct({ c: constant(u8, 1), b: bytes("c") })
  TypeError: b: its size 'c' must be an integer of fixed width
struct({ h: struct({ n: u8 }), b: bytes("h.m") })
  TypeError: b refers to 'h.m', which does not exist
struct({ h: struct({ n: u8 }), b: bytes("h.n.x") })
  TypeError: b refers to 'h.n.x', which does not exist
struct({ l: array(struct({ n: u8 }), 1), b: bytes("l.n") })
  TypeError: b refers to 'l.n', which does not exist
struct({ u: union(u8, { a: message(1, { n: u8 }) }), b: bytes("u.n") })
  TypeError: b refers to 'u.n', which does not exist
struct({ "1": u8 })
  RangeError: a field: '1' cannot be a name; JavaScript would move a number to the front
struct({ "a.b": u8 })
  RangeError: a field: a name has no dot in it, and 'a.b' does
struct(5)
  TypeError: fields: expected a plain object; write a field named __proto__ as ["__proto__"]
struct([u8])
  TypeError: fields: expected a plain object; write a field named __proto__ as ["__proto__"]
struct({ a: undefined })
  TypeError: a: expected a field such as u8 or struct({ … }), got undefined
struct({ d: bytes(rest), e: bytes(rest) })
  RangeError: 'e' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
struct({ d: bytes(rest), e: varuint })
  RangeError: 'e' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
struct({ d: bytes(rest), n: u8, e: bytes("n") })
  RangeError: 'n' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
struct({ d: bytes(rest), h: struct({ n: u8 }), e: bytes("h.n") })
  RangeError: 'h' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
padding(-1)
  RangeError: padding: -1 is not a size
padding({ to: 0 })
  RangeError: padding: expected { to: n } with n of 1 or more, got an object
padding({ to: 1.5 })
  RangeError: padding: expected { to: n } with n of 1 or more, got an object
padding({ to: 4, from: "message" })
  TypeError: padding: from: expected 'structure' or 'frame', got "message"
padding({ too: 4 })
  TypeError: padding: expected a field such as u8 or struct({ … }), got an object
padding(until(constant(u8, 0)))
  TypeError: padding: expected a field such as u8 or struct({ … }), got an object
padding(utf8(u8))
  TypeError: padding: expected an integer field, or one that is made into a whole number, got utf8
mapped(u8, {})
  TypeError: mapped: decode must be a function
mapped(u8, { decode: (x) => x })
  TypeError: mapped: encode must be a function
mapped(u8, { decode: 1, encode: 2 })
  TypeError: mapped: decode must be a function
mapped(constant(u8, 1), { decode: (x) => x, encode: (x) => x })
  TypeError: a mapped field must have a value; a constant has none
custom({ name: "c", read: 1, write() {}, size: () => 1 })
  TypeError: custom: read must be a function
custom({ name: "c", read: () => 1, size: () => 1 })
  TypeError: custom: write must be a function
custom({ name: "c", read: () => 1, write() {}, size: 4 })
  TypeError: custom: size must be a function
custom({ name: "c", read: () => 1, write() {}, size: () => 1, minSize: -1 })
  RangeError: custom: minSize must be a whole number, got -1
custom({ name: "c", read: () => 1, write() {}, size: () => 1, minSize: 2, maxSize: 1 })
  RangeError: custom: maxSize must be a whole number of 2 or more, got 1
custom({ name: "c", read: () => 1, write() {}, size: () => 1, maxSize: 1.5 })
  RangeError: custom: maxSize must be a whole number of 0 or more, got 1.5
custom({ name: "c", read: () => 1, write() {}, size: () => 1, maxSize: 1, range: { min: 1, max: 0 } })
  RangeError: custom: range: expected whole numbers, the lower one first, got an object
custom({ name: "c", read: () => 1, write() {}, size: () => 1, maxSize: 1, range: { min: 1.5, max: 2 } })
  RangeError: custom: range: expected whole numbers, the lower one first, got an object
custom({ name: "c", read: () => 1, write() {}, size: () => 1, range: { min: 0, max: 1 } })
  TypeError: custom: range: a number needs a maxSize
bytes(constant(u8, 1))
  TypeError: bytes: expected an integer field, or one that is made into a whole number, got constant
bytes(u8, { max: 2 ** 53 })
  RangeError: bytes: max must be an integer of at least 0, got 9007199254740992
bytes(u8, { maximum: 2 })
  TypeError: bytes: there is no option "maximum"; there are 'max'
utf8(u8, { max: NaN })
  RangeError: utf8: max must be an integer of at least 0, got NaN
codecOf(array(bytes(rest), until(constant(u8, 0))))
  RangeError: array(item, until(…)): an element that takes the rest leaves no terminator
codecOf(array(u8, ""))
  TypeError: there is no field '' to refer to
codecOf(struct({ a: u8, s: checksum(u8, "SUM-8", { from: "b" }) }))
  TypeError: there is no field 'b' to refer to
codecOf(struct({ l: u8, k: bytes("l"), a: same("m") }))
  TypeError: there is no field 'm' to refer to
codecOf(struct({ o: optional(u8, when("n", 1)) }))
  TypeError: there is no field 'n' to refer to
codecOf(struct({ u: union("k", { a: message(1) }) }))
  TypeError: there is no field 'k' to refer to
struct({ l: array(struct({ x: u8, k: bytes(2) }), 1), a: same("l.k") })
  TypeError: a refers to 'l.k', which does not exist
struct({ h: struct({ n: u8, k: bytes("n") }), a: same("h.k") })
  TypeError: a: the layout of 'h.k' depends on 'n'; give same(field, path) a field of its own
checksum(u8, "SUM-8", { append: [256] })
  TypeError: checksum: append must be bytes, got an array of 1
checksum(u8, "SUM-8", { from: rest })
  TypeError: checksum: from must be the path of a field, got an object
messages(u8, { a: message([1, 2]) }, { header: { tag: u8 } })
  RangeError: the header: no field can be named 'tag'; messages have a member of that name
messages(u8, { a: message(1) }, { trailer: { type: u8 } })
  RangeError: the trailer: no field can be named 'type'; messages have a member of that name
messages(u8, { a: message(1) }, { header: { payload: u8 }, otherwise: "unknown" })
  RangeError: the header: no field can be named 'payload'; messages have a member of that name
messages(u8, { a: message(1) }, { trailer: { tag: u8 }, otherwise: "unknown" })
  RangeError: the trailer: no field can be named 'tag'; messages have a member of that name
messages(u8, { a: null })
  TypeError: a: expected message(tag, fields), got null
messages(u8, { a: message(1, null) })
  TypeError: a: expected message(tag, fields), got an object
union(u8, { a: message(1, 5) })
  TypeError: a: expected message(tag, fields), got an object
union(u8, { a: message(true) })
  TypeError: a: a tag is a number, a bigint or a name
codecOf(struct({ v: only(parameter("v"), { min: 1 }) }))
  TypeError: there is no parameter 'v'; declare it in the options: parameters
codecOf(array(custom({ name: "c", read: () => 1, write() {}, size: () => 0 }), rest))
  RangeError: array(item, rest): an element may take no bytes, so their number cannot be known
codecOf(checksum(u8, "SUM-8"))
  TypeError: a checksum must be in a structure, which makes it
codecOf(array(checksum(u8, "SUM-8"), 2))
  TypeError: a checksum must be in a structure, which makes it
codecOf(optional(checksum(u8, "SUM-8")))
  TypeError: a checksum must be in a structure, which makes it
codecOf(struct({ a: u8, l: lazy(() => checksum(u8, "SUM-8")) }))
  TypeError: a checksum must be in a structure, which makes it
struct({ l: array(checksum(u8, "SUM-8"), 2) })
  RangeError: checksum: its range covers the start of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ a: u8, o: optional(checksum(u8, "SUM-8")) })
  RangeError: checksum: its range covers the start of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ a: u8, b: bounded(u8, checksum(u8, "SUM-8")) })
  RangeError: checksum: its range covers the start of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ a: u8, b: bounded(varuint, checksum(u8, "SUM-8")) })
  RangeError: checksum: its range covers the start of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ a: u8, m: mapped(checksum(u8, "SUM-8"), { decode: (x) => x, encode: (x) => x }) })
  RangeError: checksum: its range covers the start of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ a: null })
  TypeError: a: expected a field such as u8 or struct({ … }), got null
until(5)
  TypeError: until(terminator): expected a field such as u8 or struct({ … }), got 5
size(u8, { upTo: 4 })
  TypeError: size: there is no option "upTo"; there are 'add', 'unit', 'nullAt'
sizeOf(null, "a")
  TypeError: sizeOf(field): expected a field such as u8 or struct({ … }), got null
sizeOf(sizeOf(u8, "a"), "b")
  TypeError: sizeOf(field): expected an integer field of fixed width, got sizeOf
sizeOf(mapped(u8, { decode: (n) => n, encode: (n) => n }), "a")
  TypeError: sizeOf(field): expected an integer field of fixed width, got mapped
union(5, { a: message(1) })
  TypeError: the tag: expected a field such as u8 or struct({ … }), got 5
union(u8, { a: message([1, 256]) })
  RangeError: a: the tag 256 is not a value of its field
struct({ a: rest })
  TypeError: a: expected a field such as u8 or struct({ … }), got rest, which is a size
struct({ a: bytes })
  TypeError: a: expected a field such as u8 or struct({ … }), got the function bytes; call it: bytes(u8)
struct({ a: array })
  TypeError: a: expected a field such as u8 or struct({ … }), got the function array; call it: array(…)
struct({ l: array(sizeOf(u8, {}), 2) })
  RangeError: sizeOf: the encoder cannot fill it in there; put it into the structure, or into structures inside that, not into a list, a union or an optional by itself
struct({ n: u8, k: bytes("n"), l: array(same("k"), 1) })
  TypeError: l: the layout of 'k' depends on 'n'; give same(field, path) a field of its own
messages(u8, { a: message(1) }, { limits: { x: 1 } })
  TypeError: messages: limits: there is no option "x"; there are 'elements', 'empty', 'depth', 'text', 'summed'
codecOf(u8, { x: 1 })
  TypeError: codecOf: there is no option "x"; there are 'trailing', 'limits', 'parameters'
codecOf(u8, { parameters: null })
  TypeError: codecOf: parameters: expected an object, got null
codecOf(u8, { parameters: { v: { default: 0, min: 0, max: 4096 } } })
  RangeError: codecOf: parameters: expected at most 4096 combinations of values, got 4097
codecOf(u8, { parameters: { v: { default: 0, min: 0, max: 1 } } }).with({ w: 1 })
  TypeError: with: there is no option "w"; did you mean 'v'?
struct(null)
  TypeError: fields: expected a plain object; write a field named __proto__ as ["__proto__"]
struct(undefined)
  TypeError: fields: expected a plain object; write a field named __proto__ as ["__proto__"]
struct({ "10": u8 })
  RangeError: a field: '10' cannot be a name; JavaScript would move a number to the front
union(u8, { a: message(1, { "1": u8 }) })
  RangeError: a: '1' cannot be a name; JavaScript would move a number to the front
messages(u8, { m: message(1, { b: bytes("n"), n: u8 }) })
  TypeError: m.b refers to 'n', which is not declared before it
struct({ b: bytes("b") })
  TypeError: b refers to 'b', which is not declared before it
struct({ h: struct({ n: u8, b: bytes("n") }), m: same(u8, "h.n") })
  RangeError: m: it repeats 'h.n', which the encoder fills in
struct({ h: struct({ n: u8, b: bytes("n") }), o: optional(u8, when("h.n", 1)) })
  RangeError: o: its condition depends on 'h.n', which the encoder fills in
struct({ f: flags(u8, { x: 0 }), o: optional(u8, when("f.x.y")) })
  TypeError: o refers to 'f.x.y', which does not exist
struct({ o: optional(u8), a: same(utf8(u8), "o") })
  TypeError: a: its values are texts, and those of 'o' are numbers
struct({ n: sizeOf(u8, "b"), b: utf8(u8), a: same(utf8(u8), "n") })
  TypeError: a: expected an integer of fixed width to repeat 'n', which is filled in
struct({ n: sizeOf(u8, "b"), b: utf8(u8), a: same(u64be, "n") })
  TypeError: a: its values are bigints, and those of 'n' are numbers
struct({ e: enumeration(u8, { a: 1 }), a: same(u8, "e") })
  TypeError: a: its values are numbers, and those of 'e' are names
struct({ e: enumeration(varuint, { a: 1 }), a: same(varuint, "e") })
  TypeError: a: its values are numbers, and those of 'e' are names
struct({ e: u8, a: same(enumeration(u8, { a: 1 }), "e") })
  TypeError: a: its values are names, and those of 'e' are numbers
struct({ t: bool, a: same(u8, "t") })
  TypeError: a: its values are numbers, and those of 't' are booleans
struct({ t: flags(u8, { x: 0 }), a: same(u8, "t") })
  TypeError: a: its values are numbers, and those of 't' are structures
struct({ d: decimal(3), a: same(utf8(3), "d") })
  TypeError: a: its values are texts, and those of 'd' are numbers
struct({ d: f32be, a: same(utf8(3), "d") })
  TypeError: a: its values are texts, and those of 'd' are numbers
struct({ d: vlq, a: same(varuint64, "d") })
  TypeError: a: its values are bigints, and those of 'd' are numbers
struct({ t: utf8(3), a: same(bytes(3), "t") })
  TypeError: a: its values are bytes, and those of 't' are texts
struct({ t: bytes(3), a: same(utf8(3), "t") })
  TypeError: a: its values are texts, and those of 't' are bytes
struct({ l: array(u8, 2), a: same(u8, "l") })
  TypeError: a: its values are numbers, and those of 'l' are structures
struct({ h: struct({}), a: same(u8, "h") })
  TypeError: a: its values are numbers, and those of 'h' are structures
struct({ u: union(u8, { x: message(1) }), a: same(u8, "u") })
  TypeError: a: its values are numbers, and those of 'u' are structures
struct({ n: mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 }), b: bytes(size("n", { nullAt: 3 })) })
  RangeError: b: nullAt: expected a number that 'n' may have, got 3
struct({ f: flags(u8, { x: 0 }), b: bytes("f.x") })
  TypeError: b: its size 'f.x' must be an integer of fixed width
struct({ f: bits(u8, { n: 4, m: 4 }), b: bytes("f.n.x") })
  TypeError: b: its size 'f.n.x' must be an integer of fixed width
struct({ f: bits(u8, { n: 4, m: 4 }), b: bytes(size("f.n", { nullAt: 16 })) })
  RangeError: b: nullAt: expected a number that 'f.n' may have, got 16
struct({ f: bits(u8, { k: 4, m: 4 }), u: union("f.k", { a: message(16) }) })
  RangeError: u: the tag 16 is not a value of its field
struct({ f: bits(u8, { k: 4, m: 4 }), u: union("f.k", { a: message(-1) }) })
  RangeError: u: the tag -1 is not a value of its field
struct({ f: bits(u8, { k: 4, m: 4 }), u: union("f.k", { a: message(1.5) }) })
  RangeError: u: the tag 1.5 is not a value of its field
struct({ f: bits(u8, { k: 4, m: 4 }), u: union("f.k", { a: message(1n) }) })
  RangeError: u: the tag 1 is not a value of its field
struct({ f: bits(u64be, { k: 60, m: 4 }), u: union("f.k", { a: message(1) }) })
  RangeError: u: the tag 1 is not a value of its field
struct({ f: bits(u64be, { k: 60, m: 4 }), u: union("f.k", { a: message(2n ** 60n) }) })
  RangeError: u: the tag 1152921504606846976 is not a value of its field
struct({ f: bits(u64be, { k: { width: 54, signed: true }, m: 10 }), u: union("f.k", { a: message(2n ** 53n) }) })
  RangeError: u: the tag 9007199254740992 is not a value of its field
struct({ f: bits(u64be, { k: 60, m: 4 }), u: union("f.k", { a: message(-1n) }) })
  RangeError: u: the tag -1 is not a value of its field
union(enumeration(varuint, { a: 1 }), { a: message("a") }, { otherwise: "unknown" })
  RangeError: the tag: a closed enumeration has no other tag for 'otherwise'; declare it { unknown: 'keep' }
struct({ d: struct({ n: u8, x: bytes(rest) }), e: bytes("d.n") })
  RangeError: 'e' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
struct({ l: array(struct({ a: u8, s: checksum(u8, "SUM-8", { from: "a", to: "z" }) }), 2), z: u8 })
  RangeError: checksum: its range covers 'z' of an enclosing structure, and the encoder cannot come back to the checksum; put it into that structure, or into structures inside it, not into a list or a union
struct({ s: checksum(u8, "SUM-8", { to: "a" }), a: u8 })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ a: u8, s: checksum(u8, "SUM-8", { from: "s", to: "b" }), b: u8 })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ a: u8, s: checksum(u8, "SUM-8", { from: "s" }) })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ a: u8, s: checksum(u8, "SUM-8", { after: "a", to: "a" }) })
  RangeError: s: the range of a checksum must run forward, and not over the checksum
struct({ a: u8, n: sizeOf(u8, { after: "a", to: "a" }) })
  RangeError: n: the range of sizeOf must run forward
struct({ o: struct({ l: array(struct({ x: u8 }), 2) }), s: checksum(u8, "SUM-8", { from: "o.l.x" }) })
  TypeError: s: its range cannot begin or end inside 'o.l' (array), whose members have no fixed place; name 'o.l' itself
struct({ d: bounded(u8, optional(struct({ x: u8 }), rest)), s: checksum(u8, "SUM-8", { from: "d.x" }) })
  TypeError: s: its range cannot begin or end inside 'd', which may be missing; name 'd' itself
struct({ h: struct({ a: u8 }), n: sizeOf(u8, { from: "h.b" }) })
  TypeError: n refers to 'h.b', which does not exist
struct({ h: struct({ a: u8 }), n: sizeOf(u8, { from: "h.a.b" }) })
  TypeError: n: its range cannot begin or end inside 'h.a' (int), whose members have no fixed place; name 'h.a' itself
bounded(u8, 5)
  TypeError: bounded(item): expected a field such as u8 or struct({ … }), got 5
bounded(-1, u8)
  RangeError: bounded: -1 is not a size
checksum(u8, "SUM-8", { append: [1, 256] })
  TypeError: checksum: append must be bytes, got an array of 2
checksum(5, "SUM-8")
  TypeError: checksum: expected a field such as u8 or struct({ … }), got 5
checksum(varuint, "SUM-8")
  TypeError: checksum: expected an integer field of fixed width, got varint
union(berLength, { a: message(70000) })
  RangeError: a: the tag 70000 is not a value of its field
custom({ name: "c", minSize: 2, maxSize: 2, range: { min: 3, max: 2 }, read: () => 1, write() {}, size: () => 2 })
  RangeError: custom: range: expected whole numbers, the lower one first, got an object
custom({ name: "c", minSize: 2, maxSize: 2, range: { min: 3, max: 2.5 }, read: () => 1, write() {}, size: () => 2 })
  RangeError: custom: range: expected whole numbers, the lower one first, got an object
struct({ n: defaulted(u8, 1), b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width
struct({ n: defaulted(u8, 1), b: bytes("n.x") })
  TypeError: b refers to 'n.x', which does not exist
defaulted(5, 5)
  TypeError: defaulted(item): expected a field such as u8 or struct({ … }), got 5
enumeration(5, { a: 1 })
  TypeError: enumeration: expected a field such as u8 or struct({ … }), got 5
flags(u8, { "1": 0 })
  RangeError: flags: '1' cannot be a name; JavaScript would move a number to the front
flags(5, { a: 0 })
  TypeError: flags: expected a field such as u8 or struct({ … }), got 5
bits(5, { a: 8 })
  TypeError: bits: expected a field such as u8 or struct({ … }), got 5
bits(u8, { a: 8 }, { first: "x" })
  TypeError: bits: first must be 'most' or 'least', got "x"
bits(u8, { a: 8 }, { order: "x" })
  TypeError: bits: there is no option "order"; there are 'first'
bits(u8, { "1": 8 })
  RangeError: bits: '1' cannot be a name; JavaScript would move a number to the front
bits(u8, { a: null, b: 8 })
  RangeError: bits: a is null bits wide; expected 1 or more
bits(u64be, { a: { width: 60, constant: "5" }, b: 4 })
  RangeError: bits: a: expected an unsigned bigint of 60 bits, got "5"
struct({ h: bits(u8, { n: 4, m: 4 }), b: bytes("h.x") })
  TypeError: b refers to 'h.x', which does not exist
struct({ h: bits(u8, { n: 4, c: { width: 4, constant: 1 } }), b: bytes("h.c") })
  TypeError: b refers to 'h.c', which does not exist
union(mapped(utf8(u8), { decode: (v) => v, encode: (v) => v }), { a: message(1) })
  TypeError: the tag: expected an integer field or an enumeration, got mapped
union(mapped(u8, { decode: (v) => v, encode: (v) => v }), { a: message(256) })
  RangeError: a: the tag 256 is not a value of its field
struct({ n: mapped(varuint, { decode: (n) => n, encode: (n) => n }), b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width: a mapped has no width before its number is known; put it right before what it measures
struct({ n: mapped(utf8(u8), { decode: (n) => n, encode: (n) => n }), b: bytes("n") })
  TypeError: b: its size 'n' must be an integer of fixed width
mapped(5, { decode: (n) => n, encode: (n) => n })
  TypeError: mapped(item): expected a field such as u8 or struct({ … }), got 5
padding(null)
  TypeError: padding: expected a field such as u8 or struct({ … }), got null
padding(undefined)
  TypeError: padding: expected a field such as u8 or struct({ … }), got undefined
padding(size(u8, { nullAt: 0 }))
  TypeError: padding: a size with nullAt makes no sense for a field without a value
padding(u8, { max: -1 })
  RangeError: padding: max must be an integer of at least 0, got -1
padding(size(rest, { upTo: 4 }))
  TypeError: padding: size(rest, { upTo }) is for fields with a value
struct({ d: defaulted(bits(u8, { a: 8 }), { a: 1 }), k: same("d") })
  TypeError: same: expected a field of numbers, texts or bytes, got bits
same(5, "n")
  TypeError: same(field): expected a field such as u8 or struct({ … }), got 5
struct({ n: sizeOf(u8, { after: "a", to: "a" }), a: u8 })
  RangeError: n: the range of sizeOf must run forward
struct({ n: sizeOf(u8, { after: "b", to: "a" }), a: u8, b: u8 })
  RangeError: n: the range of sizeOf must run forward
struct({ n: countOf(u8, "a.b.c"), a: u8 })
  TypeError: n refers to 'a.b.c', which does not exist
struct({ n: countOf(u8, "a.b"), a: u8 })
  TypeError: n refers to 'a.b', which does not exist
struct({ n: countOf(u8, "a.b.c"), a: struct({ x: array(u8, u8) }) })
  TypeError: n refers to 'a.b.c', which does not exist
struct({ n: u8, d: bytes(rest), t: text("n", { unit: "characters" }) })
  RangeError: 't' can never be read, 'd' takes the rest; put 'd' last, or into a bounded field
text(4, { pad: 5 })
  TypeError: text: pad: expected one ASCII character, got 5
text(5, { pad: "ab" })
  TypeError: text: pad: expected one ASCII character, got "ab"
text(-1)
  RangeError: text: -1 is not a size
utf8(-1)
  RangeError: utf8: -1 is not a size
bits(u8, null)
  TypeError: bits: expected an object of names and widths, got null
flags(u8, undefined)
  TypeError: flags: expected an object of names and positions, got undefined
flags(u8, 5)
  TypeError: flags: expected an object of names and positions, got 5
flags(u8, new Map([["a", 0]]))
  TypeError: flags: expected an object of names and positions, got a Map
enumeration(u8, null)
  TypeError: enumeration: expected an object of names and numbers, got null
checksum(u8, { name: "s", width: "8", compute: () => 0 }, {})
  RangeError: checksum: expected a sum whose width is 1 bit or more, got "8"
custom(null)
  TypeError: custom: expected an object with read, write and size, got null
custom({ name: "c", read: () => 1, write() {}, size: () => 1, minsize: 1 })
  TypeError: custom: there is no option "minsize"; did you mean 'minSize'?
custom({ name: "c", read: () => 1, write() {}, size: () => 1, maxSize: 1, range: null })
  TypeError: custom: range: expected whole numbers, the lower one first, got null
mapped(u8, null)
  TypeError: mapped: expected an object with decode and encode, got null
mapped(u8, { nmae: "a date", decode: (x) => x, encode: (x) => x })
  TypeError: mapped: there is no option "nmae"; did you mean 'name'?
optional(u8, null)
  TypeError: optional(item, condition): expected when(…), unless(…) or rest, got null
optional(u8, "rest")
  TypeError: optional(item, condition): expected when(…), unless(…) or rest, got "rest"
optional(u8, { field: "a", is: 5 })
  TypeError: optional(item, condition): is: expected an array of values, got 5
text(u8, null)
  TypeError: text: expected an object of options, got null
union(u8, null)
  TypeError: union: expected an object of names and messages, got null
messages(u8, null)
  TypeError: messages: expected an object of names and messages, got null
messages(u8, { a: message(1) }, { header: null })
  TypeError: messages: header: expected an object of fields, got null
messages(u8, { a: message(1) }, { trailer: null })
  TypeError: messages: trailer: expected an object of fields, got null
messages(u8, { a: message(1, new Map([["x", u8]])) })
  TypeError: a: expected message(tag, fields), got an object
codecOf(u8, null)
  TypeError: codecOf: expected an object of options, got null
padding({ to: 4, form: "structure" })
  TypeError: padding: there is no option "form"; did you mean 'from'?
lazy(u8)
  TypeError: lazy: the field must be a function, got an object
union(enumeration(decimal(2), { a: 1 }), { x: message("a") }, { otherwise: "unknown" })
  RangeError: the tag: a closed enumeration has no other tag for 'otherwise'; declare it { unknown: 'keep' }
struct({ k: enumeration(decimal(2), { a: 1 }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) })
  RangeError: u: its tag 'k': a closed enumeration has no other tag for 'otherwise'; declare it { unknown: 'keep' }
struct({ k: enumeration(decimal(2), { a: 1 }), again: same(u8, "k") })
  TypeError: again: its values are numbers, and those of 'k' are names
checksum(i16be, "SUM-8")
  RangeError: checksum: SUM-8 has 8 bits, so it needs an unsigned integer as wide
messages("k", { a: message([1, 2]) }, { header: { k: u8, tag: u8 } })
  RangeError: the header: no field can be named 'tag'; messages have a member of that name
messages(u8, { a: message([1, 2]), b: message(3) }, { header: { tag: u8 } })
  RangeError: the header: no field can be named 'tag'; messages have a member of that name
messages(u8, { a: message(1) }, { trailer: { t: utf8(u8) }, otherwise: "unknown" })
  RangeError: unknown: 't' can never be read, 'payload' takes the rest; put 'payload' last, or into a bounded field
messages(u8, { a: message(1) }, { header: { id: struct({ a: u8 }), again: same("id.b") } })
  TypeError: again refers to 'id.b', which does not exist
struct({ v: u8, f: optional(flags(u8, { x: 0 }), when("v", 1)), b: bytes("f.x") })
  TypeError: b: its size 'f.x' must be an integer of fixed width
when("v", { min: 1, max: "9" })
  RangeError: when(field, { min, max }): expected numbers, the lower one first, got an object
optional(u8, 5)
  TypeError: optional(item, condition): expected when(…), unless(…) or rest, got 5
optional(u8, { field: "v", is: [null] })
  TypeError: when(field, …): expected numbers, bigints, strings, booleans or { min, max }, got null
optional(u8, { field: "v", is: [null], not: true })
  TypeError: unless(field, …): expected numbers, bigints, strings, booleans or { min, max }, got null
array(struct({ n: u8, b: bytes("n") }), until("n", 1))
  RangeError: array(item, until(…)): its condition depends on 'element.n', which the encoder fills in
`;

const rows = REFUSED.trim()
  .split(/\n(?! )/)
  .map((row) => row.split('\n  '));

it.each(rows)('%s', (declaration, due) => {
  let text = 'accepted';
  try {
    evaluate(declaration!);
  } catch (error) {
    text = `${(error as Error).constructor.name}: ${(error as Error).message}`;
  }
  expect(text).toBe(due);
});
