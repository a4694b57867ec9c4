import { expect, it } from 'vitest';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { hex } from '../../support/hex.ts';
import { expectRead, expectRefused, expectWritten, refusal } from './every-way.ts';
import { codecFrom, evaluate } from './vectors.ts';

/**
 * A declaration and the value that is written (`>`) or the bytes that are read (`<`), and under it the bytes that come of it
 * (`=`), the value that is read, or the code and the whole text of the error.
 */
const OUTCOMES = `
struct({ kind: enumeration(u8, { a: 1 }), o: optional(union("kind", { x: message("a") }), rest) }) > {}
  ERR_FIELD_RANGE kind: expected a union that gives it its value, got undefined
struct({ kind: enumeration(u8, { a: 0 }), o: optional(union("kind", { x: message("a") }), rest) }) > {}
  = 00
struct({ n: decimal(3), o: optional(bytes("n"), rest) }) > {}
  = 303030
struct({ n: u16be, o: optional(bytes("n"), rest) }) > {}
  = 0000
struct({ n: u64be, o: optional(bytes("n"), rest) }) > {}
  = 0000000000000000
struct({ h: bits(u8, { a: 4, n: 4 }), o: optional(bytes("h.n"), rest) }) > { h: { a: 3 } }
  = 30
struct({ n: u8, a: bytes("n"), b: array(u8, "n") }) > { a: Buffer.of(1, 2), b: [1] }
  ERR_FIELD_RANGE b: expected 2, as the field before it that shares its size or tag, got 1
struct({ has: u8, h: optional(struct({ n: u8 }), when("has", 1)), b: bytes("h.n") }) > { has: 0, b: Buffer.of(1) }
  ERR_FIELD_RANGE b: expected 'h.n', which says its size or tag, got undefined
struct({ has: u8, h: optional(struct({ n: u8 }), when("has", 1)), b: bytes("h.n") }) > { has: 1, h: {}, b: Buffer.of(1) }
  = 010101
struct({ has: u8, h: optional(struct({ n: u8 }), when("has", 1)), b: bytes("h.n") }) < 00 01
  ERR_MESSAGE_VALUE b: expected a size of 0 or more bytes, got undefined, at byte 1
struct({ get: u8 }) > { get get() { throw new Error("no") } }
  ERR_FIELD_RANGE get: expected a value that can be read, got an error (no)
struct({ a: u8 }) > new Proxy({}, { get() { throw new Error("no\\nway") } })
  ERR_FIELD_RANGE a: expected a value that can be read, got an error (no\\u000away)
struct({ toString: u8 }) > {}
  ERR_FIELD_RANGE toString: expected a whole number from 0 to 255, got undefined
struct({ toString: u8 }) > { toString: 5 }
  = 05
struct({ a: u8 }) > undefined
  ERR_FIELD_RANGE message: expected an object, got undefined
struct({ a: u8 }) > null
  ERR_FIELD_RANGE message: expected an object, got null
struct({ a: u8 }) > "a"
  ERR_FIELD_RANGE message: expected an object, got "a"
struct({ a: u8 }) > []
  ERR_FIELD_RANGE a: expected a whole number from 0 to 255, got undefined
union(u8, { a: message(1), b: message(2), c: message(3) }) > 5
  ERR_MESSAGE_UNKNOWN message: expected type 'a', 'b', 'c', got 5
struct({ u: union(u8, { a: message(1), b: message(2), c: message(3) }) }) > { u: 5 }
  ERR_FIELD_RANGE u: expected type 'a', 'b', 'c', got 5
struct({ u: union(u8, { a: message(1), b: message(2), c: message(3) }) }) > { u: null }
  ERR_FIELD_RANGE u: expected type 'a', 'b', 'c', got null
struct({ u: union(u8, { a: message(1), b: message(2), c: message(3) }) }) > { u: {} }
  ERR_FIELD_RANGE u: expected type 'a', 'b', 'c', got undefined
struct({ u: union(u8, { a: message(1), b: message(2), c: message(3) }) }) > { u: { type: "toString" } }
  ERR_FIELD_RANGE u: expected type 'a', 'b', 'c', got "toString"
struct({ u: union(u8, { a: message(1), b: message([2, 3]) }) }) > { u: { type: "b" } }
  ERR_FIELD_RANGE u.tag: expected 0x02, 0x03, got undefined
struct({ u: union(u8, { a: message(1), b: message([2, 3]) }) }) > { u: { type: "b", tag: 1 } }
  ERR_FIELD_RANGE u.tag: expected 0x02, 0x03, got 1
struct({ u: union(u8, { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 1, payload: Buffer.of() } }
  ERR_FIELD_RANGE u.tag: expected a tag that no other message has, got 1
struct({ u: union(u8, { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 256, payload: Buffer.of() } }
  ERR_FIELD_RANGE u: expected a whole number from 0 to 255, got 256
struct({ u: union(u8, { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 2 } }
  ERR_FIELD_RANGE u.payload: expected a Uint8Array, got undefined
struct({ u: union(u8, { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 2, payload: Buffer.of(9) } }
  = 0209
struct({ u: union(u8, { a: message(1), b: message(2) }) }) < 03
  ERR_MESSAGE_VALUE u: expected the tag 0x01, 0x02, got 0x03, at byte 0
struct({ u: union(u8, { a: message(1), b: message(2) }) }) < 
  ERR_MESSAGE_SHORT u.type: expected 1 byte, got 0, at byte 0
struct({ k: enumeration(u8, { one: 1, two: 2, three: 3 }), u: union("k", { a: message("one"), b: message("two") }) }) < 03
  ERR_MESSAGE_VALUE u: expected the tag "one", "two", got "three", at byte 1
struct({ k: u64be, u: union("k", { a: message(1n) }) }) < 00 00 00 00 00 00 00 02
  ERR_MESSAGE_VALUE u: expected the tag 1, got 2, at byte 8
messages(u8, { a: message(1), b: message(2) }) > 5
  ERR_MESSAGE_UNKNOWN message: expected type 'a', 'b', got 5
messages(u8, { a: message(1), b: message(2) }) > null
  ERR_MESSAGE_UNKNOWN message: expected type 'a', 'b', got null
messages(u8, { a: message(1), b: message(2) }) > {}
  ERR_MESSAGE_UNKNOWN message: expected type 'a', 'b', got undefined
messages(u8, { a: message(1), b: message(2) }) > { type: 5 }
  ERR_MESSAGE_UNKNOWN message: expected type 'a', 'b', got 5
messages(u8, { a: message(1), b: message(2) }) > { type: "constructor" }
  ERR_MESSAGE_UNKNOWN message: expected type 'a', 'b', got "constructor"
messages(u8, { a: message(1), b: message(2) }) < 03
  ERR_MESSAGE_UNKNOWN message: expected the tag 0x01, 0x02, got 0x03, at byte 0
messages(u8, { a: message(1, { x: u16be }) }) < 01 00
  ERR_MESSAGE_SHORT a.x: expected 2 bytes, got 1, at byte 1
messages(u8, { a: message(1, { x: u16be }) }, { header: { id: u16be } }) < 00
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 1, at byte 0
messages(u8, { a: message(1) }, { trailing: "keep" }) > { type: "a", trailing: 5 }
  ERR_FIELD_RANGE a.trailing: expected a Uint8Array, got 5
messages(u8, { a: message(1) }, { trailing: "keep" }) > { type: "a" }
  = 01
messages(parameter("k"), { a: message(1), b: message(2) }, { parameters: { k: { default: 2, min: 1, max: 2 } } }) > { type: "a" }
  ERR_FIELD_RANGE a: expected 2, the parameter 'k', got 1
messages(parameter("k"), { a: message(1), b: message(2) }, { parameters: { k: { default: 2, min: 1, max: 2 } } }) > { type: "b" }
  = 
optional(u8) > "1"
  ERR_FIELD_RANGE message: expected a whole number from 0 to 255, got "1"
struct({ v: u8, o: optional(u8, when("v", 2)) }) > { v: 2 }
  ERR_FIELD_RANGE o: expected a value, as 'v' asks for it, got undefined
struct({ v: u8, o: optional(u8, unless("v", 2)) }) > { v: 3 }
  ERR_FIELD_RANGE o: expected a value, as 'v' asks for it, got undefined
struct({ v: u8, o: optional(u8, unless("v", 2)) }) > { v: 2, o: 1 }
  ERR_FIELD_RANGE o: expected nothing, as 'v' says, got 1
struct({ v: u8, o: optional(bytes(rest), rest) }) > { v: 2, o: Buffer.of() }
  ERR_FIELD_RANGE o: expected a value of at least 1 byte, or none, got 0 bytes
struct({ v: u8, o: optional(array(u8, rest), rest) }) > { v: 2, o: [] }
  ERR_FIELD_RANGE o: expected a value of at least 1 byte, or none, got an array of 0
array(u8, u8) > 5
  ERR_FIELD_RANGE message: expected an array, got 5
array(u8, u8) > null
  ERR_FIELD_RANGE message: expected an array, got null
array(u8, u8) > { length: 1, 0: 7 }
  ERR_FIELD_RANGE message: expected an array, got an object
array(u8, u8) > Array(256).fill(0)
  ERR_FIELD_TOO_LONG message: expected at most 255 elements, got 256
array(u8, u8) > [1, , 3]
  ERR_FIELD_RANGE [1]: expected a whole number from 0 to 255, got undefined
array(u8, size(u8, { nullAt: 255 })) > Array(255).fill(0)
  ERR_FIELD_RANGE message: expected anything but 255, which stands for null, got 255
array(u8, size(u8, { unit: 2 })) > [1]
  ERR_FIELD_RANGE message: expected a multiple of 2, got 1
array(u8, size(u8, { unit: 2, add: 1 })) > [1, 2]
  ERR_FIELD_RANGE message: expected 1 more than a multiple of 2, got 2
array(u8, rest, { max: 2 }) > [1, 2, 3]
  ERR_FIELD_TOO_LONG message: expected at most 2 elements, got 3
array(u8, rest, { max: 2 }) < 01 02 03
  ERR_FIELD_TOO_LONG message: expected at most 2 elements, got more, at byte 2
array(u8, size(i8, { add: -2 })) < 01
  ERR_MESSAGE_VALUE message: expected a size of 0 or more elements, got -1, at byte 0
array(u8, until(constant(u8, 0))) > 5
  ERR_FIELD_RANGE message: expected an array, got 5
array(u8, until(constant(u8, 0)), { max: 2 }) < 01 02 03
  ERR_FIELD_TOO_LONG message: expected at most 2 elements, got more, at byte 2
array(struct({ more: bool }), until("more", false)) > 5
  ERR_FIELD_RANGE message: expected an array, got 5
array(struct({ more: bool }), until("more", false)) > {}
  ERR_FIELD_RANGE message: expected an array, got an object
codecOf(array(struct({}), u8), { limits: { empty: 2 } }) > [{}, {}, {}]
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more
codecOf(array(struct({}), u8), { limits: { empty: 2 } }) < 03
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more, at byte 1
codecOf(array(u8, u8), { limits: { elements: 2 } }) > [1, 2, 3]
  ERR_MESSAGE_LIMIT message: expected at most 2 elements in one message (limits.elements), got more
codecOf(array(u8, u8), { limits: { elements: 2 } }) > [1, 2]
  = 020102
codecOf(array(u8, until(constant(u8, 0))), { limits: { elements: 2 } }) < 01 02 03 00
  ERR_MESSAGE_LIMIT message: expected at most 2 elements in one message (limits.elements), got more, at byte 2
codecOf(array(u8, until(constant(u8, 0))), { limits: { elements: 2 } }) > [1, 2, 3]
  ERR_MESSAGE_LIMIT message: expected at most 2 elements in one message (limits.elements), got more
codecOf(array(struct({ more: bool }), until("more", false)), { limits: { elements: 1 } }) > [{ more: true }, { more: false }]
  ERR_MESSAGE_LIMIT message: expected at most 1 elements in one message (limits.elements), got more
codecOf(utf8(u8), { limits: { text: 2 } }) > "abc"
  ERR_MESSAGE_LIMIT message: expected at most 2 bytes of text in one message (limits.text), got more
codecOf(utf8(u8), { limits: { text: 2 } }) > "ab"
  = 026162
codecOf(utf8(u8), { limits: { text: 2 } }) < 03 61 62 63
  ERR_MESSAGE_LIMIT message: expected at most 2 bytes of text in one message (limits.text), got more, at byte 4
codecOf(cstring(), { limits: { text: 2 } }) < 61 62 63 00
  ERR_MESSAGE_LIMIT message: expected at most 2 bytes of text in one message (limits.text), got more, at byte 4
codecOf(cstring(), { limits: { text: 2 } }) > "abc"
  ERR_MESSAGE_LIMIT message: expected at most 2 bytes of text in one message (limits.text), got more
codecOf(text(u8, { encoding: "utf16le" }), { limits: { text: 2 } }) > "ab"
  ERR_MESSAGE_LIMIT message: expected at most 2 bytes of text in one message (limits.text), got more
codecOf(text(u8, { encoding: "utf16le" }), { limits: { text: 2 } }) < 04 61 00 62 00
  ERR_MESSAGE_LIMIT message: expected at most 2 bytes of text in one message (limits.text), got more, at byte 5
codecOf(tree, { limits: { depth: 1 } }) > { value: 1, children: [{ value: 1, children: [{ value: 1, children: [] }] }] }
  ERR_MESSAGE_LIMIT children[0].children[0]: expected at most 1 levels in one message (limits.depth), got another
codecOf(tree, { limits: { depth: 1 } }) < 01 01 01 01 01 00
  ERR_MESSAGE_LIMIT children[0].children[0]: expected at most 1 levels in one message (limits.depth), got another, at byte 4
tree > { value: 1, children: [{ value: 1, children: [{ value: 1, children: [{ value: 1, children: [{ value: 1, children: [] }] }] }] }] }
  ERR_FIELD_TOO_LONG children[0].children[0].children[0].children[0]: expected at most 3 levels, got another
bytes(3) > "abc"
  ERR_FIELD_RANGE message: expected a Uint8Array, got "abc"
bytes(3) > [1, 2, 3]
  ERR_FIELD_RANGE message: expected a Uint8Array, got an array of 3
bytes(3) > undefined
  ERR_FIELD_RANGE message: expected a Uint8Array, got undefined
bytes(u8, { max: 2 }) > Buffer.alloc(3)
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3
bytes(rest, { max: 2 }) > Buffer.alloc(3)
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3
bytes(rest, { max: 2 }) < 01 02 03
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3, at byte 0
bytes(size(rest, { upTo: 2 })) < 01 02 03
  ERR_MESSAGE_TRAILING message: expected the end of the frame, got 1 byte more, at byte 2
bytes(size(u8, { add: 3 })) < ff
  ERR_MESSAGE_SHORT message: expected 258 bytes, got 0, at byte 1
bytes(size(u8, { nullAt: 3, add: -4 })) < 02
  ERR_MESSAGE_VALUE message: expected a size of 0 or more bytes, got -2, at byte 0
bytes(until(constant(u16be, 0x0d0a)), { max: 2 }) < 61 62 63 0d 0a
  ERR_FIELD_TOO_LONG message: expected the terminator 0d0a (hex) after at most 2 bytes, got none, at byte 0
bytes(until(constant(u16be, 0x0d0a)), { max: 2 }) < 61 62 0d
  ERR_MESSAGE_SHORT message: expected the terminator 0d0a (hex), got the end, at byte 3
codecOf(bytes(parameter("n")), { parameters: { n: { default: 3, min: 0, max: 9 } } }) > Buffer.alloc(2)
  ERR_FIELD_RANGE message: expected exactly 3 bytes, got 2
codecOf(bytes(parameter("n")), { parameters: { n: { default: 3, min: 0, max: 9 } } }) < 01 02
  ERR_MESSAGE_SHORT message: expected 3 bytes, got 2, at byte 0
codecOf(array(u8, parameter("n")), { parameters: { n: { default: 3, min: 0, max: 9 } } }) > [1, 2, 3, 4]
  ERR_FIELD_TOO_LONG message: expected at most 3 elements, got 4
codecOf(bounded(parameter("n"), bytes(rest)), { parameters: { n: { default: 3, min: 0, max: 9 } } }) > Buffer.alloc(2)
  ERR_FIELD_RANGE message: expected exactly 3 bytes, got 2
codecOf(struct({ now: only(parameter("v"), { min: 5 }) }), { parameters: { v: { default: 3, min: 0, max: 9 } } }) > {}
  ERR_FIELD_RANGE now: expected the parameter 'v' to be at least 5, got 3
codecOf(struct({ now: only(parameter("v"), { min: 5 }, 1) }), { parameters: { v: { default: 3, min: 0, max: 9 } } }) < 
  ERR_MESSAGE_VALUE now: expected the parameter 'v' to be 0x01 or at least 5, got 3, at byte 0
struct({ f: flags(u8, { x: 0, y: 1 }), o: only("f.x", true) }) < 02
  ERR_MESSAGE_VALUE o: expected 'f.x' to be true, got false, at byte 1
struct({ f: flags(u8, { x: 0, y: 1 }), o: only("f.x", true) }) > { f: { x: false, y: true } }
  ERR_FIELD_RANGE o: expected 'f.x' to be true, got false
utf8(3) > 5
  ERR_FIELD_RANGE message: expected a string, got 5
utf8(u8) > undefined
  ERR_FIELD_RANGE message: expected a string, got undefined
utf8(u8, { max: 2 }) > "abc"
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3
utf8(u8, { max: 2 }) < 03 61 62 63
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3, at byte 0
utf8(3) < 61 62
  ERR_MESSAGE_SHORT message: expected 3 bytes, got 2, at byte 0
utf8(3) < 61 ff fe
  ERR_MESSAGE_UTF8 message: expected UTF-8, got fffe (hex), at byte 1
utf8(rest) < 61 62 63 c3
  ERR_MESSAGE_UTF8 message: expected UTF-8, got c3 (hex), at byte 3
text(u8, { encoding: "utf16le", max: 2 }) > "ab"
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 4
text(u8, { encoding: "utf16le", unit: "characters" }) > "x".repeat(256)
  ERR_FIELD_TOO_LONG message: expected at most 255 characters, got 256
text(u8, { unit: "characters" }) > "é".repeat(256)
  ERR_FIELD_TOO_LONG message: expected at most 255 characters, got 256
text(2, { unit: "characters" }) > "é"
  ERR_FIELD_RANGE message: expected exactly 2 characters, got 1
text(3, { pad: " " }) > "ab "
  = 616220
text(3, { pad: " " }) > "abcd"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 4
text(4, { encoding: "utf16be", pad: " " }) > "abc"
  ERR_FIELD_TOO_LONG message: expected at most 4 bytes, got 6
text(u8, { encoding: "ascii" }) > "\\u0080"
  ERR_FIELD_RANGE message: expected text that ascii can say, got "\\u0080"
text(u8, { encoding: "latin1" }) > "\\u0100"
  ERR_FIELD_RANGE message: expected text that latin1 can say, got "Ā"
text(3, { unit: "characters" }) < 61 c3
  ERR_MESSAGE_SHORT message: expected 3 bytes, got 2, at byte 0
text(3, { unit: "characters" }) < 61 ff 61
  ERR_MESSAGE_UTF8 message: expected text in utf8, got other bytes, at byte 0
text(u8, { encoding: "utf16be", unit: "characters" }) < 01 d8 00
  ERR_MESSAGE_VALUE message: expected text in utf16be, got other bytes, at byte 1
cstring(3) > "abcd"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 4
cstring(3) > 5
  ERR_FIELD_RANGE message: expected a string, got 5
cstring() > "\\ud800"
  ERR_MESSAGE_UTF8 message: expected text without a lone surrogate, got "\\ud800"
cstring() < 61 ff 00
  ERR_MESSAGE_UTF8 message: expected UTF-8, got ff (hex), at byte 1
cstring(3) < 61 62 63 64 00
  ERR_FIELD_TOO_LONG message: expected a NUL byte after at most 3 bytes, got none, at byte 0
flags(u8, { a: 0, b: 7 }) > { a: true }
  ERR_FIELD_RANGE b: expected true or false, got undefined
flags(u8, { a: 0, b: 7 }) > 5
  ERR_FIELD_RANGE message: expected an object, got 5
flags(u8, { a: 0, b: 7 }) > null
  ERR_FIELD_RANGE message: expected an object, got null
flags(u8, { a: 0, b: 7 }) < 82
  ERR_MESSAGE_VALUE message: expected no bits but 0x81, got 0x82, at byte 0
flags(u32be, { a: 31 }) < 00 00 00 01
  ERR_MESSAGE_VALUE message: expected no bits but 0x80000000, got 0x01, at byte 0
bits(u8, { a: 4, b: 4 }) > { a: 1 }
  ERR_FIELD_RANGE b: expected a whole number from 0 to 15, got undefined
bits(u8, { a: 4, b: 4 }) > 5
  ERR_FIELD_RANGE message: expected an object, got 5
bits(u8, { a: 4, b: 4 }) > null
  ERR_FIELD_RANGE message: expected an object, got null
bits(u8, { a: 4, b: 4 }) > { a: 1.5, b: 0 }
  ERR_FIELD_RANGE a: expected a whole number from 0 to 15, got 1.5
bits(u64be, { a: 60, b: 4 }) > { a: -1n, b: 0 }
  ERR_FIELD_RANGE a: expected an unsigned bigint of 60 bits, got -1n
bits(i64be, { a: { width: 60, signed: true }, b: 4 }) > { a: 2n ** 59n, b: 0 }
  ERR_FIELD_RANGE a: expected a signed bigint of 60 bits, got 576460752303423488n
bits(u64be, { a: { width: 62, constant: 5n }, b: 2 }) < 00 00 00 00 00 00 00 00
  ERR_MESSAGE_VALUE a: expected 5, got 0, at byte 0
enumeration(u8, { a: 1, b: 2 }) > 1
  ERR_FIELD_RANGE message: expected one of 'a', 'b', got 1
enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }) > 256
  ERR_FIELD_RANGE message: expected a whole number from 0 to 255, got 256
enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }) > 1
  ERR_FIELD_RANGE message: expected the name 'a', got 1
enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }) > "c"
  ERR_FIELD_RANGE message: expected one of 'a', 'b', got "c"
enumeration(u8, { a1: 1, a2: 2, a3: 3, a4: 4, a5: 5, a6: 6, a7: 7, a8: 8, a9: 9, a10: 10, a11: 11, a12: 12, a13: 13, a14: 14, a15: 15, a16: 16, a17: 17 }) > "b"
  ERR_FIELD_RANGE message: expected one of 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9', 'a10', 'a11', 'a12' …, got "b"
enumeration(u8, { a1: 1, a2: 2, a3: 3, a4: 4, a5: 5, a6: 6, a7: 7, a8: 8, a9: 9, a10: 10, a11: 11, a12: 12, a13: 13, a14: 14, a15: 15, a16: 16, a17: 17 }) < 12
  ERR_MESSAGE_VALUE message: expected 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c …, got 0x12, at byte 0
bool > undefined
  ERR_FIELD_RANGE message: expected true or false, got undefined
f32be > 5n
  ERR_FIELD_RANGE message: expected a number, got 5n
f64be > undefined
  ERR_FIELD_RANGE message: expected a number, got undefined
u64le > -1n
  ERR_FIELD_RANGE message: expected an unsigned 64-bit bigint, got -1n
u64be > 2n ** 64n
  ERR_FIELD_RANGE message: expected an unsigned 64-bit bigint, got 18446744073709551616n
i64le > -(2n ** 63n) - 1n
  ERR_FIELD_RANGE message: expected a signed 64-bit bigint, got -9223372036854775809n
i40le > 2 ** 39
  ERR_FIELD_RANGE message: expected a whole number from -549755813888 to 549755813887, got 549755813888
varint > 2 ** 52
  ERR_FIELD_RANGE message: expected a whole number from -4503599627370496 to 4503599627370495, got 4503599627370496
varint > -(2 ** 52) - 1
  ERR_FIELD_RANGE message: expected a whole number from -4503599627370496 to 4503599627370495, got -4503599627370497
varint > 1.5
  ERR_FIELD_RANGE message: expected a whole number from -4503599627370496 to 4503599627370495, got 1.5
varuint > 2 ** 53
  ERR_FIELD_RANGE message: expected a whole number from 0 to 9007199254740991, got 9007199254740992
varuint < 80 80 80 80 80 80 80 80 80 80 01
  ERR_MESSAGE_VALUE message: expected a varint of at most 10 bytes, got more, at byte 0
varint < ff ff ff ff ff ff ff 1f
  ERR_MESSAGE_VALUE message: expected a varint of at most 2^53 - 1, got 18014398509481984, at byte 0
varint64 > 2n ** 63n
  ERR_FIELD_RANGE message: expected a bigint from -2^63 to 2^63 - 1, got 9223372036854775808n
varint64 > -(2n ** 63n) - 1n
  ERR_FIELD_RANGE message: expected a bigint from -2^63 to 2^63 - 1, got -9223372036854775809n
varint64 < ff ff ff ff ff ff ff ff ff 02
  ERR_MESSAGE_VALUE message: expected a bigint from -2^63 to 2^63 - 1, got one beyond it, at byte 0
sleb128 < 80 80 80 80 80 80 80 10
  ERR_MESSAGE_VALUE message: expected a whole number from 1 - 2^53 to 2^53 - 1, got one beyond it, at byte 0
sleb128 > 2 ** 53
  ERR_FIELD_RANGE message: expected a whole number from 1 - 2^53 to 2^53 - 1, got 9007199254740992
vlq > 2 ** 53
  ERR_FIELD_RANGE message: expected a whole number from 0 to 2^53 - 1, got 9007199254740992
vlq < 80 80 80 80 80 80 80 80 80 80 01
  ERR_MESSAGE_VALUE message: expected at most 10 bytes, got more, at byte 0
varuint64 < 
  ERR_MESSAGE_SHORT message: expected 1 byte, got 0, at byte 0
decimal(3, { signed: true }) < 2d 31 2d
  ERR_MESSAGE_VALUE message: expected 3 decimal digits, got "-1-", at byte 0
decimal(3, { signed: true }) > -100
  ERR_FIELD_RANGE message: expected a whole number from -99 to 999, got -100
hexadecimal(2) < 2b 31
  ERR_MESSAGE_VALUE message: expected 2 hexadecimal digits, got "+1", at byte 0
hexadecimal(2) > 256
  ERR_FIELD_RANGE message: expected a whole number from 0 to 255, got 256
decimal(until(constant(u8, 10)), { signed: true }) < 2d 0a
  ERR_MESSAGE_VALUE message: expected 1 to 15 decimal digits, with a sign or without, got "-", at byte 0
decimal(until(constant(u8, 10)), { signed: true }) > -1e15
  ERR_FIELD_RANGE message: expected a whole number from -999999999999999 to 999999999999999, got -1000000000000000
hexadecimal(until(constant(u8, 10))) < 67 0a
  ERR_MESSAGE_VALUE message: expected 1 to 13 hexadecimal digits, got "g", at byte 0
hexadecimal(until(constant(u8, 10))) < 46 46 46 46 46 46 46 46 46 46 46 46 46 46 0a
  ERR_FIELD_TOO_LONG message: expected the terminator 0a (hex) after at most 13 bytes, got none, at byte 0
bounded(u8, bytes(rest)) > null
  ERR_FIELD_RANGE message: expected a Uint8Array, got null
bounded(size(u8, { nullAt: 0 }), bytes(rest)) > Buffer.of()
  ERR_FIELD_RANGE message: expected anything but 0, which stands for null, got 0
bounded(4, bytes(rest)) > Buffer.alloc(3)
  ERR_FIELD_RANGE message: expected exactly 4 bytes, got 3
bounded(4, bytes(rest)) > Buffer.alloc(5)
  ERR_FIELD_TOO_LONG message: expected at most 4 bytes, got 5
struct({ a: bounded(4, bytes(rest)), n: u8 }) > { a: Buffer.alloc(90), n: 1 }
  ERR_FIELD_TOO_LONG a: expected at most 4 bytes, got 90
array(struct({ a: bounded(4, bytes(rest)) }), u8) > [{ a: Buffer.alloc(90) }]
  ERR_FIELD_TOO_LONG [0].a: expected at most 4 bytes, got 90
optional(bounded(4, utf8(rest))) > "x".repeat(90)
  ERR_FIELD_TOO_LONG message: expected at most 4 bytes, got 90
bounded(4, bytes(rest)) < 01 02 03
  ERR_MESSAGE_SHORT message: expected 4 bytes, got 3, at byte 0
bounded(u8, bytes(rest), { max: 2 }) > Buffer.alloc(3)
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3
bounded(u8, bytes(rest), { max: 2 }) < 03 01 02 03
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3, at byte 0
bounded(u8, struct({ a: u8, b: u16be })) < 02 01 02 03
  ERR_MESSAGE_SHORT b: expected 2 bytes, got 1, at byte 2
bounded(u8, struct({ a: u8 })) < 03 01 02 03
  ERR_MESSAGE_TRAILING message: expected the end of 3 bytes, got 2 bytes more, at byte 2
padding(u8) > undefined
  = 00
struct({ n: i8, p: padding("n") }) > { n: -1 }
  ERR_FIELD_RANGE p: expected a size of 0 or more bytes in the field that gives it, got -1
struct({ n: i8, p: padding("n") }) < ff
  ERR_MESSAGE_VALUE p: expected a size of 0 or more bytes, got -1, at byte 1
struct({ n: u8, p: padding("n") }) > {}
  ERR_FIELD_RANGE n: expected a whole number from 0 to 255, got undefined
struct({ p: padding(u8, { max: 2 }) }) < 03 00 00 00
  ERR_FIELD_TOO_LONG p: expected at most 2 bytes, got 3, at byte 0
struct({ a: u8, c: constant(utf8(5), "hello") }) < 01 68 65 6c 6c 70
  ERR_MESSAGE_VALUE c: expected the constant 68656c6c6f (hex), got 68656c6c70 (hex), at byte 1
struct({ a: u8, c: constant(bytes(20), Buffer.alloc(20, 1)) }) < 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 02
  ERR_MESSAGE_VALUE c: expected the constant 0101010101010101010101010101010101010101 (hex), got 0101010101010101010101010101010101010102 (hex), at byte 1
struct({ a: u8, s: checksum(u32be, "CRC-32/ISO-HDLC") }) < 01 00 00 00 00
  ERR_FRAME_CHECKSUM s: expected CRC-32/ISO-HDLC 0xa505df1b, got 0x00, at byte 1
struct({ a: u8, s: checksum(hexadecimal(2), "XOR-8") }) < 01 30 32
  ERR_FRAME_CHECKSUM s: expected XOR-8 0x01, got 0x02, at byte 1
struct({ a: u8, s: checksum(hexadecimal(2), "XOR-8") }) < 01 30 78
  ERR_MESSAGE_VALUE s: expected 2 hexadecimal digits, got "0x", at byte 1
struct({ key: bytes(20), again: same("key") }) > { key: Buffer.alloc(20), again: Buffer.alloc(20, 1) }
  ERR_FIELD_RANGE again: expected 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 … (hex), as 'key' says, got 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 … (hex)
struct({ key: bytes(2), again: same("key") }) > { key: Buffer.alloc(2), again: Buffer.alloc(1) }
  ERR_FIELD_RANGE again: expected 00 00 (hex), as 'key' says, got 00 (hex)
struct({ key: bytes(2), again: same("key") }) > { key: Buffer.alloc(2), again: "00" }
  ERR_FIELD_RANGE again: expected 00 00 (hex), as 'key' says, got "00"
struct({ key: utf8(u8), again: same("key") }) > { key: "a", again: "b" }
  ERR_FIELD_RANGE again: expected "a", as 'key' says, got "b"
struct({ key: utf8(u8), again: same("key") }) < 01 61 01 62
  ERR_MESSAGE_VALUE again: expected "a", as 'key' says, got "b", at byte 2
struct({ x: f64be, y: same(f32be, "x") }) > { x: 0.5 }
  = 3f e0 00 00 00 00 00 00 3f 00 00 00
struct({ x: f64be, y: same(f32be, "x") }) > { x: 0.1 }
  ERR_FIELD_RANGE y: expected 0.1, as 'x' says, got 0.10000000149011612
struct({ x: f64be, y: same(f32be, "x") }) > { x: NaN }
  = 7f f8 00 00 00 00 00 00 7f c0 00 00
struct({ x: f32be, y: same(f64be, "x") }) > { x: 0.1 }
  = 3d cc cc cd 3f b9 99 99 a0 00 00 00
struct({ x: f32be, y: same("x") }) > { x: 0.1, y: 0.1 }
  = 3d cc cc cd 3d cc cc cd
struct({ x: utf8(u8), y: same(text(3, { pad: " " }), "x") }) > { x: "ab" }
  = 02 61 62 61 62 20
struct({ x: utf8(u8), y: same(text(3, { pad: " " }), "x") }) > { x: "ab " }
  ERR_FIELD_RANGE y: expected "ab ", as 'x' says, got "ab"
struct({ x: text(3, { pad: " " }), y: same(utf8(u8), "x") }) > { x: "ab " }
  = 61 62 20 02 61 62
struct({ c: custom({ name: "c", read: (c) => c.bytes[c.take(1)], write(c, v) { c.target[c.at++] = v & 15; }, size: () => 1 }), o: optional(u8, when("c", 1)) }) > { c: 17, o: 5 }
  = 01 05
struct({ c: custom({ name: "c", read: (c) => c.bytes[c.take(1)], write(c, v) { c.target[c.at++] = v & 15; }, size: () => 1 }), o: optional(u8, when("c", 17)) }) > { c: 17 }
  = 01
struct({ h: struct({ c: custom({ name: "c", read: (c) => c.bytes[c.take(1)], write(c, v) { c.target[c.at++] = v & 15; }, size: () => 1 }) }), o: optional(u8, when("h.c", 1)) }) > { h: { c: 17 }, o: 5 }
  = 01 05
struct({ x: f64be, y: same("x") }) > { x: 1, y: 2 }
  ERR_FIELD_RANGE y: expected 1, as 'x' says, got 2
struct({ n: sizeOf(u8, "body"), body: utf8(u8) }) < 04 02 61 62
  ERR_MESSAGE_VALUE n: expected 3, the size of 'body', got 4, at byte 0
struct({ n: sizeOf(size(u8, { add: -1, unit: 2 }), "body"), body: utf8(u8) }) > { body: "ab" }
  = 02026162
struct({ n: sizeOf(size(u8, { add: -1, unit: 2 }), "body"), body: utf8(u8) }) > { body: "abc" }
  ERR_FIELD_RANGE n: expected a whole number from 0 to 255, the size of 'body', got 2.5
struct({ n: sizeOf(size(u8, { add: 5 }), "body"), body: utf8(u8) }) > { body: "abc" }
  ERR_FIELD_RANGE n: expected a whole number from 0 to 255, the size of 'body', got -1
struct({ n: sizeOf(u8, { to: rest }), body: utf8(u8) }) < 05 02 61 62
  ERR_MESSAGE_VALUE n: expected 4, the size of its range, got 5, at byte 0
struct({ n: sizeOf(u8, { after: "a", to: "b" }), a: u8, b: u8, c: u8 }) < 02 00 00 00
  ERR_MESSAGE_VALUE n: expected 1, the size of its range, got 2, at byte 0
struct({ n: countOf(size(u8, { unit: 2 }), "list"), list: array(u8, rest) }) > { list: [1] }
  ERR_FIELD_RANGE n: expected a whole number from 0 to 255, the number of elements of 'list', got 0.5
struct({ n: countOf(size(u8, { add: 1 }), "list"), list: array(u8, rest) }) > { list: [] }
  ERR_FIELD_RANGE n: expected a whole number from 0 to 255, the number of elements of 'list', got -1
struct({ n: countOf(size(u8, { add: 1 }), "list"), list: array(u8, rest) }) < 01 07
  ERR_MESSAGE_VALUE n: expected 0, the number of elements of 'list', got 1, at byte 0
struct({ has: u8, list: optional(array(u8, u8), when("has", 1)), n: countOf(u8, "list") }) < 00 01
  ERR_MESSAGE_VALUE n: expected 0, the number of elements of 'list', got 1, at byte 1
struct({ has: u8, list: optional(array(u8, u8), when("has", 1)), n: countOf(u8, "list") }) > { has: 0, n: 1 }
  ERR_FIELD_RANGE n: expected 0, the number of elements of 'list', got 1
mapped(u8, { decode() { throw new Error("no") }, encode: (v) => v }) < 01
  ERR_MESSAGE_VALUE message: expected a value that can be mapped, got an error (no), at byte 0
mapped(u8, { decode: (v) => v, encode() { throw "no" } }) > 1
  ERR_FIELD_RANGE message: expected a value that can be mapped, got an error ("no")
mapped(u8, { name: "a thing", decode: (v) => v, encode() { throw new Error("no") } }) > 1
  ERR_FIELD_RANGE message: expected a thing, got an error (no)
mapped(u8, { name: "a thing", decode: (v) => v, encode: () => 256 }) > 1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 255, got 256
bytes(mapped(u8, { decode: (n) => n * 2, encode: (n) => n / 2 })) > Buffer.alloc(3)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 3
bytes(mapped(u8, { decode: (n) => n + 0.5, encode: (n) => n - 0.5 })) < 01
  ERR_MESSAGE_VALUE message: expected a size of 0 or more bytes, got 1.5, at byte 0
custom({ name: "c", read: (c) => c.take(2), write() {}, size: () => 0 }) < 01
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 1, at byte 0
custom({ name: "c", read: (c) => c.fail("a thing", 5), write() {}, size: () => 0 }) < 01
  ERR_MESSAGE_VALUE message: expected a thing, got 5, at byte 0
custom({ name: "c", read() { throw new Error("no") }, write() {}, size: () => 0 }) < 01
  ERR_MESSAGE_VALUE message: expected c, got an error (no), at byte 0
custom({ name: "c", read: () => 1, write() { throw new Error("no") }, size: () => 0 }) > 1
  ERR_FIELD_RANGE message: expected c, got an error (no)
custom({ name: "c", read: () => 1, write() {}, size: () => -1 }) > 1
  ERR_FIELD_RANGE message: expected a whole number of bytes from the size() of c, got -1
custom({ name: "c", read: () => 1, write() {}, size: () => 1.5 }) > 1
  ERR_FIELD_RANGE message: expected a whole number of bytes from the size() of c, got 1.5
custom({ name: "c", maxSize: 2, read: () => 1, write() {}, size: () => 3 }) > 1
  ERR_FIELD_TOO_LONG message: expected at most 2 bytes, got 3
custom({ name: "c", minSize: 2, read: () => 1, write() {}, size: () => 3 }) > 1
  ERR_FIELD_RANGE message: expected 2 or more bytes for c, got 0
custom({ name: "c", minSize: 2, read: () => 1, write() {}, size: () => 3 }) < 01
  ERR_MESSAGE_VALUE message: expected 2 or more bytes for c, got 0, at byte 0
custom({ name: "c", minSize: 1, read: () => 1, write() {}, size: () => 3 }) < 01
  ERR_MESSAGE_VALUE message: expected 1 or more bytes for c, got 0, at byte 0
custom({ name: "c", maxSize: 1, read: (c) => c.take(2), write() {}, size: () => 3 }) < 01 02
  ERR_MESSAGE_VALUE message: expected 0 to 1 bytes for c, got 2, at byte 0
custom({ name: "c", read: () => 1, write(c) { c.at += 2; }, size: () => 1 }) > 1
  ERR_FIELD_RANGE message: expected at most 1 bytes, as the size() of c said, got 2
custom({ name: "c", read: () => 1, write(c) { c.at -= 1; }, size: () => 1 }) > 1
  ERR_FIELD_RANGE message: expected at most 1 bytes, as the size() of c said, got -1
custom({ name: "c", read: () => 1, write(c) { c.write(u16be, 70000); }, size: () => 2 }) > 1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 65535, got 70000
custom({ name: "c", read: () => 1, write(c) { c.write(u16be, 7); }, size: () => 1 }) > 1
  ERR_FIELD_RANGE message: expected at most 1 bytes, as the size() of c said, got 2
bytes(custom({ name: "c", maxSize: 1, range: { min: 0, max: 9 }, read: () => 10, write() {}, size: () => 1 })) < 01
  ERR_MESSAGE_VALUE message: expected a whole number from 0 to 9 from the read() of c, got 10, at byte 0
bytes(custom({ name: "c", maxSize: 1, range: { min: 0, max: 9 }, read: (c) => c.read(u8), write(c, v) { c.write(u8, v) }, size: () => 1 })) > Buffer.alloc(10)
  ERR_FIELD_TOO_LONG message: expected at most 9 bytes, got 10
struct({ o: optional(struct({ all: bytes(rest) })), n: u8 }) > { o: { all: Buffer.of(1) }, n: 7 }
  = 010107
struct({ u: union(u8, { a: message(1, { x: bytes(rest) }), b: message(2) }), n: u8 }) > { u: { type: "a", x: Buffer.of(1) }, n: 7 }
  = 010107
struct({ u: union(u8, { a: message(1, { x: bytes(rest) }), b: message(2) }), n: u8 }) > { u: { type: "b" }, n: 7 }
  = 0207
text(u8, { unit: "characters", max: 2 }) < 03 61 62 63
  ERR_FIELD_TOO_LONG message: expected at most 2 characters, got 3, at byte 0
text(size(i8, { add: 0 }), { unit: "characters" }) < ff
  ERR_MESSAGE_VALUE message: expected a size of 0 or more characters, got -1, at byte 0
struct({ d: bytes(rest), n: u16be, m: u8 }) > { d: Buffer.of(1), n: 2, m: 3 }
  = 01000203
struct({ d: bytes(rest), n: u16be, m: u8 }) < 01 02
  ERR_MESSAGE_SHORT m: expected 1 byte, got 0, at byte 2
struct({ n: u8, d: utf8(rest), p: padding("n"), m: constant(u8, 3) }) > { n: 1, d: "a" }
  = 01610003
struct({ a: bounded(u8, struct({ d: bytes(rest), n: u8 })), e: bytes(rest), f: u8 }) > { a: { d: Buffer.of(1), n: 2 }, e: Buffer.of(3), f: 4 }
  = 0201020304
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8") }), d: bytes("h.n"), t: checksum(u8, "SUM-8") }) > { h: {}, d: Buffer.of(5) }
  = 01010507
struct({ h: optional(struct({ n: u8, s: checksum(u8, "SUM-8") })), d: u8 }) > { d: 5 }
  = 0005
struct({ h: optional(struct({ n: u8, s: checksum(u8, "SUM-8") })), d: u8 }) > { h: { n: 4 }, d: 5 }
  = 01040405
struct({ n: u64le, a: bytes("n") }) > { a: Buffer.of(7) }
  = 010000000000000007
struct({ n: i8, a: bytes(size("n", { nullAt: -1 })) }) > { a: null }
  = ff
struct({ n: i8, a: bytes(size("n", { nullAt: -1 })) }) > { a: Buffer.alloc(128) }
  ERR_FIELD_TOO_LONG a: expected at most 127 bytes, got 128
struct({ n: i8, a: bytes(size("n", { nullAt: -1 })) }) < fe
  ERR_MESSAGE_VALUE a: expected a size of 0 or more bytes, got -2, at byte 1
struct({ w: u8, a: bytes(size("w", { unit: 4, add: 2 })) }) > { a: Buffer.alloc(6) }
  = 01000000000000
struct({ w: u8, a: bytes(size("w", { unit: 4, add: 2 })) }) > { a: Buffer.alloc(7) }
  ERR_FIELD_RANGE a: expected 2 more than a multiple of 4, got 7
bytes(size(varuint, { add: 1, unit: 3 })) > Buffer.alloc(4)
  = 0100000000
bytes(size(varint, { nullAt: -1 })) > null
  = 01
bytes(size(varint, { nullAt: 5, add: 1 })) > Buffer.alloc(6)
  ERR_FIELD_RANGE message: expected anything but 6, which stands for null, got 6
array(u16be, varuint) > Array(130).fill(1)
  = 8201 0001 × 130
utf8(varuint) > "x".repeat(200)
  = c801 78 × 200
bounded(varuint64, utf8(rest)) > "x".repeat(130)
  = 8201 78 × 130
bounded(varint, utf8(rest)) > "x".repeat(64)
  = 8001 78 × 64
bounded(vlq, utf8(rest)) > "x".repeat(128)
  = 8100 78 × 128
bounded(decimal(until(constant(u8, 10))), utf8(rest)) > "x".repeat(12)
  = 31320a787878787878787878787878
bounded(u64be, utf8(rest)) > "ab"
  = 00000000000000026162
union(varuint, { a: message(300, { x: u8 }) }) > { type: "a", x: 1 }
  = ac0201
union(u64le, { a: message(3n) }) > { type: "a" }
  = 0300000000000000
struct({ o: optional(u8, rest), d: bytes(rest), n: u8 }) > { d: Buffer.of(), n: 1 }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 1 byte more
struct({ o: optional(u8, rest), d: bytes(rest), n: u8 }) > { o: 5, d: Buffer.of(6), n: 1 }
  = 050601
array(struct({ h: optional(struct({ end: u8 })) }), until("h.end", 9)) > [{}, { h: { end: 9 } }]
  = 000109
array(struct({ h: optional(struct({ end: u8 })) }), until("h.end", 9)) > [{}]
  ERR_FIELD_RANGE [0].h.end: expected 9, which the last element has, got undefined
array(struct({ a: struct({ b: optional(struct({ c: u8 })) }) }), until("a.b.c", 9)) > [{ a: {} }, { a: { b: { c: 9 } } }]
  = 000109
array(struct({ k: enumeration(u8, { go: 1, end: 2 }) }), until("k", "end")) > [{ k: "go" }, { k: "end" }]
  = 0102
array(struct({ k: u64be }), until("k", 2n)) > [{ k: 1n }, { k: 2n }]
  = 00000000000000010000000000000002
struct({ h: optional(struct({ n: u8 })), o: optional(u8, when("h.n", 1)) }) > {}
  = 00
struct({ h: optional(struct({ n: u8 })), o: optional(u8, when("h.n", 1)) }) > { h: { n: 1 }, o: 5 }
  = 010105
struct({ h: optional(struct({ n: u8 })), o: optional(u8, when("h.n", 1)) }) > { h: { n: 1 } }
  ERR_FIELD_RANGE o: expected a value, as 'h.n' asks for it, got undefined
struct({ a: struct({ b: optional(struct({ c: u8 })) }), o: optional(u8, when("a.b.c", 1)) }) > { a: {} }
  = 00
struct({ a: struct({ b: optional(struct({ c: u8 })) }), o: optional(u8, when("a.b.c", 1)) }) > { a: { b: { c: 1 } }, o: 2 }
  = 010102
struct({ h: defaulted(struct({ n: u8 }), { n: 1 }), o: optional(u8, when("h.n", 1)) }) > { o: 5 }
  = 0105
struct({ h: defaulted(u8, 1), o: optional(u8, when("h", 1)) }) > {}
  ERR_FIELD_RANGE o: expected a value, as 'h' asks for it, got undefined
struct({ k: enumeration(u8, { a: 1, b: 2 }), o: optional(u8, when("k", "a")) }) > { k: "b" }
  = 02
struct({ k: enumeration(u8, { a: 1, b: 2 }), o: optional(u8, when("k", "a")) }) > { k: "a", o: 3 }
  = 0103
struct({ k: u64be, o: optional(u8, when("k", { min: 2, max: 3 })) }) > { k: 2n, o: 3 }
  = 000000000000000203
struct({ k: u64be, o: optional(u8, when("k", { min: 2, max: 3 })) }) > { k: 4n }
  = 0000000000000004
struct({ k: u8, o: optional(u8, when("k", { min: 2, max: 3 }, 9)) }) > { k: 9, o: 1 }
  = 0901
struct({ k: u8, o: optional(u8, when("k", { min: 2, max: 3 }, 9)) }) > { k: 3, o: 1 }
  = 0301
struct({ k: u8, o: optional(u8, when("k", { min: 2, max: 3 }, 9)) }) > { k: 4 }
  = 04
struct({ k: u8, o: optional(u8, unless("k", { min: 2, max: 3 })) }) > { k: 3 }
  = 03
struct({ k: u8, o: optional(u8, unless("k", { min: 2, max: 3 })) }) > { k: 1, o: 2 }
  = 0102
struct({ k: bool, o: optional(u8, when("k")) }) > { k: true, o: 2 }
  = 0102
struct({ k: bool, o: optional(u8, unless("k")) }) > { k: true }
  = 01
struct({ f: flags(u16le, { x: 8 }), o: optional(u8, when("f.x")) }) > { f: { x: true }, o: 2 }
  = 000102
struct({ n: u8, p: padding("n"), x: u8 }) > { n: 2, x: 1 }
  = 02000001
struct({ n: u8, p: padding(size("n", { unit: 2, add: 1 })), x: u8 }) > { n: 1, x: 1 }
  = 0100000001
struct({ a: u8, p: padding({ to: 4 }), b: u32be, q: padding({ to: 4 }) }) > { a: 1, b: 2 }
  = 0100000000000002
struct({ a: bytes(u8), p: padding({ to: 4 }) }) > { a: Buffer.of(1, 2, 3) }
  = 03010203
struct({ a: bytes(u8), p: padding({ to: 4 }) }) > { a: Buffer.of(1, 2, 3, 4) }
  = 0401020304000000
bits(u8, { a: 3, b: { width: 5, signed: true } }) > { a: 5, b: -16 }
  = b0
bits(u16le, { a: 3, b: { width: 13, signed: true } }, { first: "least" }) > { a: 5, b: -4096 }
  = 0580
bits(u32be, { a: 32 }) > { a: 4294967295 }
  = ffffffff
bits(u32le, { a: { width: 32, signed: true } }) > { a: -2147483648 }
  = 00000080
bits(u40be, { a: 20, b: 20 }) > { a: 0x12345, b: 0x6789a }
  = 123456789a
bits(u48le, { a: { width: 40, signed: true }, b: 8 }) > { a: -2, b: 0x12 }
  = 12feffffffff
bits(u64be, { a: 32, b: 32 }) > { a: 1, b: 4294967295 }
  = 00000001ffffffff
bits(u64le, { a: 60, b: 4 }) > { a: 2n ** 60n - 1n, b: 1 }
  = f1ffffffffffffff
bits(u64be, { a: { width: 54, signed: true }, b: 10 }) > { a: -(2n ** 53n), b: 0 }
  = 8000000000000000
bits(u64be, { a: 53, b: 11 }) > { a: 2 ** 53 - 1, b: 0 }
  = fffffffffffff800
bits(u24be, { a: { width: 4, constant: 9 }, b: 20 }) > { b: 1 }
  = 900001
struct({ h: bits(u8, { a: 4, n: 4 }), b: bytes("h.n") }) > { h: { a: 1 }, b: Buffer.alloc(15) }
  = 1f 00 × 15
struct({ h: bits(u8, { a: 4, n: 4 }), b: bytes("h.n") }) > { h: { a: 1 }, b: Buffer.alloc(16) }
  ERR_FIELD_TOO_LONG b: expected at most 15 bytes, got 16
struct({ h: bits(u8, { n: 8 }), b: bytes("h.n") }) > { b: Buffer.of(5) }
  = 0105
struct({ h: bits(u64le, { a: 4, n: 60 }), b: bytes("h.n") }) > { h: { a: 1 }, b: Buffer.of(5) }
  = 010000000000001005
struct({ h: bits(u16be, { n: { width: 12, signed: true }, a: 4 }), b: bytes(size("h.n", { nullAt: -1 })) }) > { h: { a: 1 }, b: null }
  = fff1
struct({ h: bits(u8, { k: 2, a: 6 }), u: union("h.k", { x: message(3) }) }) > { h: { a: 1 }, u: { type: "x" } }
  = c1
struct({ k: enumeration(i16be, { a: -1, b: 2 }), u: union("k", { x: message("a"), y: message("b") }) }) > { u: { type: "x" } }
  = ffff
struct({ k: u64be, u: union("k", { x: message([1n, 2n]) }) }) > { u: { type: "x", tag: 2n } }
  = 0000000000000002
union(enumeration(u8, { a: 1, b: 2 }), { x: message(["a", "b"]) }) > { type: "x", tag: "b" }
  = 02
union(varint, { x: message(-300) }) > { type: "x" }
  = d704
union(decimal(3), { x: message(7) }) > { type: "x" }
  = 303037
union(u40be, { x: message(2 ** 39) }) > { type: "x" }
  = 8000000000
union(sleb128, { x: message(-65) }) > { type: "x" }
  = bf7f
union(hexadecimal(until(constant(u8, 32))), { x: message(0xab) }) > { type: "x" }
  = 414220
messages(u16be, { a: message(258, { n: u8 }) }, { header: { id: u8 }, trailer: { end: constant(u8, 9) } }) > { type: "a", id: 1, n: 2 }
  = 0101020209
messages("k", { a: message([1, 2], { n: u8 }), b: message(3) }, { header: { id: u8, k: u8 } }) > { type: "a", tag: 2, id: 1, n: 2 }
  = 010202
messages("h.k", { a: message(1, { n: u8 }) }, { header: { h: bits(u8, { k: 4, q: 4 }), s: checksum(u8, "SUM-8") } }) > { type: "a", h: { q: 5 }, n: 2 }
  = 151502
struct({ s: checksum(u8, "SUM-8", { from: "a", to: "b" }), a: u8, b: u8, c: u8 }) > { a: 1, b: 2, c: 3 }
  = 03010203
struct({ a: u8, s: checksum(u16le, "SUM-16", { to: rest, zeroed: true }), b: u8 }) > { a: 1, b: 2 }
  = 01030002
struct({ a: u8, s: checksum(u8, "SUM-8", { append: [5] }) }) > { a: 1 }
  = 0106
struct({ a: u8, s: checksum(decimal(3), "XOR-8") }) > { a: 65 }
  = 41303635
struct({ l: array(struct({ a: u8, s: checksum(u8, "SUM-8") }), u8) }) > { l: [{ a: 1 }, { a: 2 }] }
  = 0201010202
struct({ a: u8, h: struct({ b: u8, s: checksum(u8, "SUM-8", { from: "a" }) }), c: u8 }) > { a: 1, h: { b: 2 }, c: 3 }
  = 01020303
struct({ n: sizeOf(u8, { from: "a" }), a: u8, b: utf8(rest) }) > { a: 1, b: "hi" }
  = 03016869
struct({ n: sizeOf(u16le, "h"), h: struct({ a: u8, b: utf8(u8) }), z: u8 }) > { h: { a: 1, b: "hi" }, z: 3 }
  = 04000102686903
struct({ h: struct({ n: sizeOf(u8, { to: rest }), x: u8 }), z: u8 }) > { h: { x: 3 }, z: 4 }
  = 020304
struct({ n: countOf(u8, "l"), l: array(u8, until(constant(u8, 0))) }) > { l: [5, 6] }
  = 02050600
struct({ n: countOf(u8, "l"), l: array(struct({ more: bool }), until("more", false)) }) > { l: [{ more: true }, { more: false }] }
  = 020100
struct({ n: u8, again: same("n"), b: bytes("n") }) > { b: Buffer.of(7) }
  = 010107
struct({ n: u8, again: same(u16be, "n"), b: bytes("n") }) > { again: 2, b: Buffer.of(7) }
  ERR_FIELD_RANGE again: expected 1, as 'n' says, got 2
struct({ x: f32le, y: same("x") }) > { x: 1.5 }
  = 0000c03f0000c03f
text(4, { encoding: "utf16be", pad: "\\0" }) > "a"
  = 00610000
text(rest, { encoding: "utf16le" }) > "ab"
  = 61006200
struct({ n: u8, t: text("n", { unit: "characters" }) }) > { t: "é€" }
  = 02c3a9e282ac
struct({ a: utf8(3), b: text(2, { encoding: "ascii" }), c: cstring() }) > { a: "abc", b: "de", c: "f" }
  = 61626364656600
codecOf(struct({ a: text(u8), b: text(u8) }), { limits: { text: 2 } }) > { a: "a", b: "b" }
  = 01610162
codecOf(struct({ a: text(u8), b: text(u8) }), { limits: { text: 2 } }) > { a: "ab", b: "c" }
  ERR_MESSAGE_LIMIT b: expected at most 2 bytes of text in one message (limits.text), got more
codecOf(array(array(u8, u8), u8), { limits: { elements: 3 } }) > [[1], []]
  = 02010100
codecOf(array(array(u8, u8), u8), { limits: { elements: 3 } }) > [[1, 2], []]
  ERR_MESSAGE_LIMIT [0]: expected at most 3 elements in one message (limits.elements), got more
codecOf(array(optional(u8, rest), 2), { limits: { empty: 1 } }) > [1, undefined]
  = 01
codecOf(array(struct({}), until(constant(u8, 1))), { limits: { empty: 1 } }) > [{}]
  ERR_FIELD_RANGE message: expected elements that do not begin with their terminator 01 (hex), got one at 0 that does
codecOf(array(struct({}), until(constant(u8, 1))), { limits: { empty: 1 } }) > [{}, {}]
  ERR_MESSAGE_LIMIT message: expected at most 1 elements of no bytes in one message (limits.empty), got more
u8 > 0
  = 00
u8 > 255
  = ff
u8 > 1
  = 01
u8 > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 255, got -1
u8 > 256
  ERR_FIELD_RANGE message: expected a whole number from 0 to 255, got 256
i8 > -128
  = 80
i8 > 127
  = 7f
i8 > -2
  = fe
i8 > -129
  ERR_FIELD_RANGE message: expected a whole number from -128 to 127, got -129
i8 > 128
  ERR_FIELD_RANGE message: expected a whole number from -128 to 127, got 128
u16be > 0
  = 0000
u16be > 65535
  = ffff
u16be > 1
  = 0001
u16be > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 65535, got -1
u16be > 65536
  ERR_FIELD_RANGE message: expected a whole number from 0 to 65535, got 65536
u16le > 0
  = 0000
u16le > 65535
  = ffff
u16le > 1
  = 0100
u16le > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 65535, got -1
u16le > 65536
  ERR_FIELD_RANGE message: expected a whole number from 0 to 65535, got 65536
i16be > -32768
  = 8000
i16be > 32767
  = 7fff
i16be > -2
  = fffe
i16be > -32769
  ERR_FIELD_RANGE message: expected a whole number from -32768 to 32767, got -32769
i16be > 32768
  ERR_FIELD_RANGE message: expected a whole number from -32768 to 32767, got 32768
i16le > -32768
  = 0080
i16le > 32767
  = ff7f
i16le > -2
  = feff
i16le > -32769
  ERR_FIELD_RANGE message: expected a whole number from -32768 to 32767, got -32769
i16le > 32768
  ERR_FIELD_RANGE message: expected a whole number from -32768 to 32767, got 32768
u24be > 0
  = 000000
u24be > 16777215
  = ffffff
u24be > 1
  = 000001
u24be > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 16777215, got -1
u24be > 16777216
  ERR_FIELD_RANGE message: expected a whole number from 0 to 16777215, got 16777216
u24le > 0
  = 000000
u24le > 16777215
  = ffffff
u24le > 1
  = 010000
u24le > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 16777215, got -1
u24le > 16777216
  ERR_FIELD_RANGE message: expected a whole number from 0 to 16777215, got 16777216
i24be > -8388608
  = 800000
i24be > 8388607
  = 7fffff
i24be > -2
  = fffffe
i24be > -8388609
  ERR_FIELD_RANGE message: expected a whole number from -8388608 to 8388607, got -8388609
i24be > 8388608
  ERR_FIELD_RANGE message: expected a whole number from -8388608 to 8388607, got 8388608
i24le > -8388608
  = 000080
i24le > 8388607
  = ffff7f
i24le > -2
  = feffff
i24le > -8388609
  ERR_FIELD_RANGE message: expected a whole number from -8388608 to 8388607, got -8388609
i24le > 8388608
  ERR_FIELD_RANGE message: expected a whole number from -8388608 to 8388607, got 8388608
u32be > 0
  = 00000000
u32be > 4294967295
  = ffffffff
u32be > 1
  = 00000001
u32be > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 4294967295, got -1
u32be > 4294967296
  ERR_FIELD_RANGE message: expected a whole number from 0 to 4294967295, got 4294967296
u32le > 0
  = 00000000
u32le > 4294967295
  = ffffffff
u32le > 1
  = 01000000
u32le > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 4294967295, got -1
u32le > 4294967296
  ERR_FIELD_RANGE message: expected a whole number from 0 to 4294967295, got 4294967296
i32be > -2147483648
  = 80000000
i32be > 2147483647
  = 7fffffff
i32be > -2
  = fffffffe
i32be > -2147483649
  ERR_FIELD_RANGE message: expected a whole number from -2147483648 to 2147483647, got -2147483649
i32be > 2147483648
  ERR_FIELD_RANGE message: expected a whole number from -2147483648 to 2147483647, got 2147483648
i32le > -2147483648
  = 00000080
i32le > 2147483647
  = ffffff7f
i32le > -2
  = feffffff
i32le > -2147483649
  ERR_FIELD_RANGE message: expected a whole number from -2147483648 to 2147483647, got -2147483649
i32le > 2147483648
  ERR_FIELD_RANGE message: expected a whole number from -2147483648 to 2147483647, got 2147483648
u40be > 0
  = 0000000000
u40be > 1099511627775
  = ffffffffff
u40be > 1
  = 0000000001
u40be > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 1099511627775, got -1
u40be > 1099511627776
  ERR_FIELD_RANGE message: expected a whole number from 0 to 1099511627775, got 1099511627776
u40le > 0
  = 0000000000
u40le > 1099511627775
  = ffffffffff
u40le > 1
  = 0100000000
u40le > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 1099511627775, got -1
u40le > 1099511627776
  ERR_FIELD_RANGE message: expected a whole number from 0 to 1099511627775, got 1099511627776
i40be > -549755813888
  = 8000000000
i40be > 549755813887
  = 7fffffffff
i40be > -2
  = fffffffffe
i40be > -549755813889
  ERR_FIELD_RANGE message: expected a whole number from -549755813888 to 549755813887, got -549755813889
i40be > 549755813888
  ERR_FIELD_RANGE message: expected a whole number from -549755813888 to 549755813887, got 549755813888
i40le > -549755813888
  = 0000000080
i40le > 549755813887
  = ffffffff7f
i40le > -2
  = feffffffff
i40le > -549755813889
  ERR_FIELD_RANGE message: expected a whole number from -549755813888 to 549755813887, got -549755813889
i40le > 549755813888
  ERR_FIELD_RANGE message: expected a whole number from -549755813888 to 549755813887, got 549755813888
u48be > 0
  = 000000000000
u48be > 281474976710655
  = ffffffffffff
u48be > 1
  = 000000000001
u48be > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 281474976710655, got -1
u48be > 281474976710656
  ERR_FIELD_RANGE message: expected a whole number from 0 to 281474976710655, got 281474976710656
u48le > 0
  = 000000000000
u48le > 281474976710655
  = ffffffffffff
u48le > 1
  = 010000000000
u48le > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 281474976710655, got -1
u48le > 281474976710656
  ERR_FIELD_RANGE message: expected a whole number from 0 to 281474976710655, got 281474976710656
i48be > -140737488355328
  = 800000000000
i48be > 140737488355327
  = 7fffffffffff
i48be > -2
  = fffffffffffe
i48be > -140737488355329
  ERR_FIELD_RANGE message: expected a whole number from -140737488355328 to 140737488355327, got -140737488355329
i48be > 140737488355328
  ERR_FIELD_RANGE message: expected a whole number from -140737488355328 to 140737488355327, got 140737488355328
i48le > -140737488355328
  = 000000000080
i48le > 140737488355327
  = ffffffffff7f
i48le > -2
  = feffffffffff
i48le > -140737488355329
  ERR_FIELD_RANGE message: expected a whole number from -140737488355328 to 140737488355327, got -140737488355329
i48le > 140737488355328
  ERR_FIELD_RANGE message: expected a whole number from -140737488355328 to 140737488355327, got 140737488355328
u56be > 0
  = 00000000000000
u56be > 9007199254740991
  = 1fffffffffffff
u56be > 1
  = 00000000000001
u56be > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 9007199254740991, got -1
u56be > 9007199254740992
  ERR_FIELD_RANGE message: expected a whole number from 0 to 9007199254740991, got 9007199254740992
u56le > 0
  = 00000000000000
u56le > 9007199254740991
  = ffffffffffff1f
u56le > 1
  = 01000000000000
u56le > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 9007199254740991, got -1
u56le > 9007199254740992
  ERR_FIELD_RANGE message: expected a whole number from 0 to 9007199254740991, got 9007199254740992
i56be > -9007199254740991
  = e0000000000001
i56be > 9007199254740991
  = 1fffffffffffff
i56be > -2
  = fffffffffffffe
i56be > -9007199254740992
  ERR_FIELD_RANGE message: expected a whole number from -9007199254740991 to 9007199254740991, got -9007199254740992
i56be > 9007199254740992
  ERR_FIELD_RANGE message: expected a whole number from -9007199254740991 to 9007199254740991, got 9007199254740992
i56le > -9007199254740991
  = 010000000000e0
i56le > 9007199254740991
  = ffffffffffff1f
i56le > -2
  = feffffffffffff
i56le > -9007199254740992
  ERR_FIELD_RANGE message: expected a whole number from -9007199254740991 to 9007199254740991, got -9007199254740992
i56le > 9007199254740992
  ERR_FIELD_RANGE message: expected a whole number from -9007199254740991 to 9007199254740991, got 9007199254740992
u64be > 0n
  = 0000000000000000
u64be > 18446744073709551615n
  = ffffffffffffffff
u64be > 1n
  = 0000000000000001
u64be > -1n
  ERR_FIELD_RANGE message: expected an unsigned 64-bit bigint, got -1n
u64be > 18446744073709551616n
  ERR_FIELD_RANGE message: expected an unsigned 64-bit bigint, got 18446744073709551616n
u64le > 0n
  = 0000000000000000
u64le > 18446744073709551615n
  = ffffffffffffffff
u64le > 1n
  = 0100000000000000
u64le > 18446744073709551616n
  ERR_FIELD_RANGE message: expected an unsigned 64-bit bigint, got 18446744073709551616n
i64be > -9223372036854775808n
  = 8000000000000000
i64be > 9223372036854775807n
  = 7fffffffffffffff
i64be > -2n
  = fffffffffffffffe
i64be > -9223372036854775809n
  ERR_FIELD_RANGE message: expected a signed 64-bit bigint, got -9223372036854775809n
i64be > 9223372036854775808n
  ERR_FIELD_RANGE message: expected a signed 64-bit bigint, got 9223372036854775808n
i64le > -9223372036854775808n
  = 0000000000000080
i64le > 9223372036854775807n
  = ffffffffffffff7f
i64le > -2n
  = feffffffffffffff
i64le > -9223372036854775809n
  ERR_FIELD_RANGE message: expected a signed 64-bit bigint, got -9223372036854775809n
i64le > 9223372036854775808n
  ERR_FIELD_RANGE message: expected a signed 64-bit bigint, got 9223372036854775808n
bytes(u8) > Buffer.of(7, 8)
  = 02 0708
struct({ n: u8, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 02 0708
bytes(i8) > Buffer.of(7, 8)
  = 02 0708
struct({ n: i8, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 02 0708
bytes(u16be) > Buffer.of(7, 8)
  = 0002 0708
struct({ n: u16be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0002 0708
bytes(u16le) > Buffer.of(7, 8)
  = 0200 0708
struct({ n: u16le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0200 0708
bytes(i16be) > Buffer.of(7, 8)
  = 0002 0708
struct({ n: i16be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0002 0708
bytes(i16le) > Buffer.of(7, 8)
  = 0200 0708
struct({ n: i16le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0200 0708
bytes(u24be) > Buffer.of(7, 8)
  = 000002 0708
struct({ n: u24be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 000002 0708
bytes(u24le) > Buffer.of(7, 8)
  = 020000 0708
struct({ n: u24le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 020000 0708
bytes(i24be) > Buffer.of(7, 8)
  = 000002 0708
struct({ n: i24be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 000002 0708
bytes(i24le) > Buffer.of(7, 8)
  = 020000 0708
struct({ n: i24le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 020000 0708
bytes(u32be) > Buffer.of(7, 8)
  = 00000002 0708
struct({ n: u32be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 00000002 0708
bytes(u32le) > Buffer.of(7, 8)
  = 02000000 0708
struct({ n: u32le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 02000000 0708
bytes(i32be) > Buffer.of(7, 8)
  = 00000002 0708
struct({ n: i32be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 00000002 0708
bytes(i32le) > Buffer.of(7, 8)
  = 02000000 0708
struct({ n: i32le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 02000000 0708
bytes(u40be) > Buffer.of(7, 8)
  = 0000000002 0708
struct({ n: u40be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0000000002 0708
bytes(u40le) > Buffer.of(7, 8)
  = 0200000000 0708
struct({ n: u40le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0200000000 0708
bytes(i40be) > Buffer.of(7, 8)
  = 0000000002 0708
struct({ n: i40be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0000000002 0708
bytes(i40le) > Buffer.of(7, 8)
  = 0200000000 0708
struct({ n: i40le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0200000000 0708
bytes(u48be) > Buffer.of(7, 8)
  = 000000000002 0708
struct({ n: u48be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 000000000002 0708
bytes(u48le) > Buffer.of(7, 8)
  = 020000000000 0708
struct({ n: u48le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 020000000000 0708
bytes(i48be) > Buffer.of(7, 8)
  = 000000000002 0708
struct({ n: i48be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 000000000002 0708
bytes(i48le) > Buffer.of(7, 8)
  = 020000000000 0708
struct({ n: i48le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 020000000000 0708
bytes(u56be) > Buffer.of(7, 8)
  = 00000000000002 0708
struct({ n: u56be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 00000000000002 0708
bytes(u56le) > Buffer.of(7, 8)
  = 02000000000000 0708
struct({ n: u56le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 02000000000000 0708
bytes(i56be) > Buffer.of(7, 8)
  = 00000000000002 0708
struct({ n: i56be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 00000000000002 0708
bytes(i56le) > Buffer.of(7, 8)
  = 02000000000000 0708
struct({ n: i56le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 02000000000000 0708
bytes(u64be) > Buffer.of(7, 8)
  = 0000000000000002 0708
struct({ n: u64be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0000000000000002 0708
bytes(u64le) > Buffer.of(7, 8)
  = 0200000000000000 0708
struct({ n: u64le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0200000000000000 0708
bytes(i64be) > Buffer.of(7, 8)
  = 0000000000000002 0708
struct({ n: i64be, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0000000000000002 0708
bytes(i64le) > Buffer.of(7, 8)
  = 0200000000000000 0708
struct({ n: i64le, b: bounded("n", array(u8, rest)) }) > { b: [7, 8] }
  = 0200000000000000 0708
bytes(size(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 }), { add: 1 })) > Buffer.alloc(2)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 2
bytes(size(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 }), { add: 1 })) > Buffer.alloc(3)
  = 01000000
bytes(size(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 }), { unit: 2 })) > Buffer.alloc(4)
  = 0100000000
bytes(size(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 }), { unit: 2 })) > Buffer.alloc(2)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 2
struct({ has: u8, h: optional(struct({ n: u8 }), when("has", 1)), b: bytes(size("h.n", { add: 1 })) }) < 00 01
  ERR_MESSAGE_VALUE b: expected a size of 0 or more bytes, got undefined, at byte 1
struct({ n: mapped(u8, { decode: (n) => n / 2, encode: (n) => 2 * n }), b: bytes(size("n", { unit: 2 })) }) < 03 01 02 03
  ERR_MESSAGE_VALUE b: expected a size of 0 or more bytes, got 1.5, at byte 1
struct({ n: u64be, b: bytes(size("n", { add: -1 })) }) < 00 00 00 00 00 00 00 00
  ERR_MESSAGE_VALUE b: expected a size of 0 or more bytes, got -1, at byte 8
text(u8, { unit: "characters", encoding: "utf16le", max: 3 }) > "abcdefg"
  ERR_FIELD_TOO_LONG message: expected at most 3 characters, got 7
text(u8, { unit: "characters", max: 3 }) > "abcdefg"
  ERR_FIELD_TOO_LONG message: expected at most 3 characters, got 7
text(u8, { max: 3 }) > "abcdefg"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 7
text(u8, { encoding: "latin1", max: 3 }) > "abcdefg"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 7
text(3, { unit: "characters" }) < 61 f0 9f 98
  ERR_MESSAGE_SHORT message: expected 5 bytes, got 4, at byte 0
text(2, { unit: "characters" }) < c3 a9 f0 9f 98
  ERR_MESSAGE_SHORT message: expected 6 bytes, got 5, at byte 0
text(1, { unit: "characters" }) < e2 82
  ERR_MESSAGE_SHORT message: expected 3 bytes, got 2, at byte 0
text(1, { unit: "characters" }) < c3
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 1, at byte 0
text(1, { unit: "characters" }) < c0 80
  ERR_MESSAGE_UTF8 message: expected text in utf8, got other bytes, at byte 0
text(1, { unit: "characters" }) < 80
  ERR_MESSAGE_UTF8 message: expected text in utf8, got other bytes, at byte 0
text(1, { unit: "characters" }) < f0 9f 98
  ERR_MESSAGE_SHORT message: expected 4 bytes, got 3, at byte 0
text(2, { unit: "characters" }) < 61
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 1, at byte 0
text(2, { unit: "characters" }) < 
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 0, at byte 0
text(3, { pad: " " }) > ""
  = 202020
text(4, { encoding: "utf16le", pad: " " }) > ""
  = 20002000
decimal(until(constant(u8, 10))) > 999999999999999
  = 3939393939393939393939393939390a
decimal(until(constant(u8, 10)), { signed: true }) > -999999999999999
  = 2d3939393939393939393939393939390a
decimal(until(constant(u8, 10)), { signed: true }) > 0
  = 300a
decimal(until(constant(u8, 10)), { signed: true }) < 2b 0a
  ERR_MESSAGE_VALUE message: expected 1 to 15 decimal digits, with a sign or without, got "+", at byte 0
decimal(until(constant(u8, 10)), { signed: true }) < 39 39 39 39 39 39 39 39 39 39 39 39 39 39 39 39 0a
  ERR_MESSAGE_VALUE message: expected 1 to 15 decimal digits, with a sign or without, got "9999999999999999", at byte 0
varint64 > 0n
  = 00
varint64 > -1n
  = 01
sleb128 > 0
  = 00
sleb128 > -1
  = 7f
sleb128 > 63
  = 3f
sleb128 > 64
  = c000
sleb128 > -64
  = 40
sleb128 > -65
  = bf7f
vlq > 127
  = 7f
vlq > 128
  = 8100
vlq > 16384
  = 818000
varuint64 > 127n
  = 7f
varuint64 > 128n
  = 8001
varint > 0
  = 00
varint > 63
  = 7e
varint > 64
  = 8001
varint > -64
  = 7f
varint > -65
  = 8101
varint > 2 ** 52 - 1
  = feffffffffffff0f
varint > -(2 ** 52)
  = ffffffffffffff0f
varuint > 0
  = 00
varuint > 127
  = 7f
varuint > 128
  = 8001
varuint > 2147483647
  = ffffffff07
varuint > 2147483648
  = 8080808008
varuint > 2 ** 53 - 1
  = ffffffffffffff0f
bytes(varint) > Buffer.alloc(64)
  = 8001 00 × 64
bytes(varuint) > Buffer.alloc(128)
  = 8001 00 × 128
struct({ id: u8, l: array(struct({ more: bool, k: same("id") }), until("more", false)) }) > { id: 5, l: [{ more: true }, { more: false }] }
  = 0501050005
struct({ id: u8, l: array(struct({ k: same("id"), n: u8 }), until(constant(u8, 0xff))) }) > { id: 5, l: [{ n: 6 }] }
  = 050506ff
struct({ id: u8, l: array(struct({ k: same("id"), n: u8 }), u8) }) > { id: 5, l: [{ n: 6 }] }
  = 05010506
struct({ id: u8, o: optional(struct({ k: same("id") })) }) > { id: 5, o: {} }
  = 050105
struct({ id: u8, b: bounded(u8, struct({ k: same("id") })) }) > { id: 5, b: {} }
  = 050105
struct({ id: u8, u: union(u8, { a: message(1, { k: same("id") }), b: message([2, 3], { k: same("id") }) }) }) > { id: 5, u: { type: "b", tag: 3 } }
  = 050305
struct({ id: u8, u: union(u8, { a: message(1, { k: same("id") }) }, { otherwise: "unknown" }) }) > { id: 5, u: { type: "unknown", tag: 9, payload: Buffer.of(1) } }
  = 050901
struct({ id: u8, d: defaulted(struct({ k: same("id"), n: u8 }), { n: 7 }) }) > { id: 5 }
  = 050507
struct({ id: u8, m: mapped(struct({ k: same("id") }), { decode: (v) => v, encode: (v) => v }) }) > { id: 5, m: {} }
  = 0505
messages(u8, { a: message(1, { k: same("id") }) }, { header: { id: u16be } }) > { type: "a", id: 5 }
  = 0005010005
struct({ id: u8, l: array(struct({ k: same("id") }), 2) }) < 05 05 06
  ERR_MESSAGE_VALUE l[1].k: expected 5, as 'id' says, got 6, at byte 2
struct({ h: struct({ n: u8 }), b: bytes("h.n") }) > { b: Buffer.of(1) }
  = 0101
struct({ h: struct({ n: u8, again: same("n") }), b: bytes("h.n") }) > { b: Buffer.of(1) }
  = 010101
struct({ h: struct({ n: u8, z: constant(u8, 9), s: checksum(u8, "SUM-8") }), b: bytes("h.n") }) > { b: Buffer.of(1) }
  = 01090a01
struct({ h: struct({ n: u8, x: u8 }), b: bytes("h.n") }) > { b: Buffer.of(1) }
  ERR_FIELD_RANGE h: expected an object, got undefined
struct({ h: struct({ x: u8, z: constant(u8, 9) }) }) > {}
  ERR_FIELD_RANGE h: expected an object, got undefined
struct({ h: struct({ z: constant(u8, 9) }) }) > {}
  ERR_FIELD_RANGE h: expected an object, got undefined
struct({ h: struct({ z: constant(u8, 9) }) }) > { h: 5 }
  ERR_FIELD_RANGE h: expected an object, got 5
struct({ n: u8, d: bytes(rest), h: struct({ a: u8, b: bytes("n") }) }) > { d: Buffer.of(1, 2), h: { a: 3, b: Buffer.of(4) } }
  = 0101020304
struct({ n: u8, d: bytes(rest), h: struct({ a: u8, b: bytes("n") }) }) < 02 01
  ERR_MESSAGE_SHORT h.b: expected 2 bytes, got 0, at byte 2
struct({ n: u8, has: bool, d: bytes(rest), o: optional(bytes("n"), when("has")), z: u8 }) > { has: true, d: Buffer.of(1, 2), o: Buffer.of(4), z: 5 }
  = 010101020405
struct({ n: u8, has: bool, d: bytes(rest), o: optional(bytes("n"), when("has")), z: u8 }) > { has: false, d: Buffer.of(1, 2), z: 5 }
  = 0000010205
struct({ n: u8, d: bytes(rest), l: array(u16be, "n") }) > { d: Buffer.of(1), l: [2, 3] }
  = 020100020003
struct({ n: u8, d: bytes(rest), l: array(u16be, size("n", { nullAt: 255 })) }) > { d: Buffer.of(1), l: null }
  = ff01
struct({ n: i8, d: bytes(rest), l: utf8(size("n", { unit: 2 })) }) > { d: Buffer.of(1), l: "ab" }
  = 01016162
struct({ n: i8, d: bytes(rest), l: utf8(size("n", { unit: 2 })) }) < ff 01 02
  ERR_MESSAGE_VALUE l: expected a size of 0 or more bytes, got -2, at byte 3
codecOf(struct({ d: bytes(rest), p: padding(parameter("n")) }), { parameters: { n: { default: 2, min: 0, max: 9 } } }) > { d: Buffer.of(1) }
  = 010000
struct({ d: bytes(rest), t: text(2, { encoding: "utf16le", unit: "characters" }), c: cstring(0) }) > { d: Buffer.of(1), t: "ab", c: "" }
  = 016100620000
union(u64be, { a: message(1n) }, { otherwise: "unknown" }) > { type: "unknown", tag: 9n, payload: Buffer.of(1) }
  = 000000000000000901
union(u64be, { a: message(1n) }, { otherwise: "unknown" }) > { type: "unknown", tag: 9, payload: Buffer.of(1) }
  ERR_FIELD_RANGE unknown: expected an unsigned 64-bit bigint, got 9
union(u64be, { a: message(1n) }, { otherwise: "unknown" }) > { type: "unknown", tag: 1n, payload: Buffer.of(1) }
  ERR_FIELD_RANGE unknown.tag: expected a tag that no other message has, got 1n
struct({ k: u64be, u: union("k", { a: message(1n) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 9n, payload: Buffer.of(1) } }
  = 000000000000000901
struct({ k: u64be, u: union("k", { a: message(1n) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 2n ** 64n, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u: expected an unsigned 64-bit bigint, got 18446744073709551616n
struct({ k: u8, u: union("k", { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 256, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a whole number from 0 to 255, got 256
struct({ k: u8, u: union("k", { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: "a", payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a whole number from 0 to 255, got "a"
struct({ k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: "b", payload: Buffer.of(1) } }
  = 0201
struct({ k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 9, payload: Buffer.of(1) } }
  = 0901
struct({ k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: "c", payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a name of the tag, or a whole number from 0 to 255 without a name, got "c"
struct({ h: bits(u8, { k: 4, q: 4 }), u: union("h.k", { a: message(1) }, { otherwise: "unknown" }) }) > { h: { q: 2 }, u: { type: "unknown", tag: 16, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a whole number from 0 to 15, got 16
messages(u8, { a: message(1, { n: u8 }) }, { otherwise: "unknown", trailer: { s: checksum(u8, "SUM-8") } }) > { type: "unknown", tag: 2, payload: Buffer.of(7) }
  = 020709
messages(u8, { a: message(1) }, { trailing: "keep" }) > { type: "a", trailing: Buffer.of(1, 2) }
  = 010102
messages(u8, { a: message(1) }, { trailing: "keep" }) > { type: "a", trailing: null }
  ERR_FIELD_RANGE a.trailing: expected a Uint8Array, got null
optional(optional(u8)) > 5
  = 010105
optional(optional(u8)) > undefined
  = 00
struct({ v: u8, o: optional(optional(u8), when("v", 1)) }) > { v: 1 }
  = 0100
struct({ v: u8, o: optional(optional(u8), when("v", 1)) }) > { v: 1, o: 4 }
  = 010104
struct({ v: u8, o: optional(optional(u8), when("v", 1)) }) > { v: 0, o: 4 }
  ERR_FIELD_RANGE o: expected nothing, as 'v' says, got 4
struct({ v: u8, o: optional(constant(u8, 7), when("v", 1)), w: u8 }) > { v: 1, w: 2 }
  = 010702
struct({ v: u8, o: optional(constant(u8, 7), when("v", 1)), w: u8 }) > { v: 0, w: 2 }
  = 0002
struct({ v: u8, o: optional(u8, rest) }) > { v: 1, o: 2 }
  = 0102
struct({ h: optional(struct({ n: u8, x: u8 })), b: bytes("h.n") }) > { h: { x: 2 }, b: Buffer.of(3) }
  = 01010203
struct({ h: optional(struct({ n: u8, x: u8 })), b: bytes("h.n") }) > { b: Buffer.of(3) }
  ERR_FIELD_RANGE b: expected 'h.n', which says its size or tag, got undefined
struct({ h: optional(struct({ n: u8, x: u8 })), o: optional(bytes("h.n")) }) > {}
  = 0000
array(array(u8, rest), 1) > [[1, 2]]
  = 0102
array(bytes(rest), 1) > [Buffer.of(1)]
  = 01
codecOf(array(bytes(100), 3), { limits: { elements: 2 } }) > [Buffer.alloc(100), Buffer.alloc(100), Buffer.alloc(100)]
  ERR_MESSAGE_LIMIT message: expected at most 2 elements in one message (limits.elements), got more
array(u24be, 2) < 01 02 03 04 05
  ERR_MESSAGE_SHORT message: expected 6 bytes, got 5, at byte 0
array(u24be, u8) < 02 01 02 03 04 05
  ERR_MESSAGE_SHORT message: expected 6 bytes, got 5, at byte 1
array(u8, u8) < 05 01
  ERR_MESSAGE_SHORT message: expected 5 bytes, got 1, at byte 1
union(u64be, { a: message(1n) }, { otherwise: "unknown" }) > { type: "unknown", tag: 1, payload: Buffer.of(1) }
  ERR_FIELD_RANGE unknown: expected an unsigned 64-bit bigint, got 1
union(u64be, { a: message([1n, 2n]) }) > { type: "a", tag: 1 }
  ERR_FIELD_RANGE a.tag: expected 1, 2, got 1
struct({ k: u64be, u: union("k", { a: message(1n) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 5, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a bigint from 0 to 2^64 - 1, got 5
struct({ k: i64be, u: union("k", { a: message(1n) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 5, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a bigint from -2^63 to 2^63 - 1, got 5
struct({ k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 1, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a name of the tag, or a whole number from 0 to 255 without a name, got 1
struct({ k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: "a", payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a tag that no other message has, got "a"
struct({ k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), u: union("k", { x: message("a") }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 256, payload: Buffer.of(1) } }
  ERR_FIELD_RANGE u.tag: expected a name of the tag, or a whole number from 0 to 255 without a name, got 256
messages("k", { x: message("a") }, { header: { k: enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }) }, otherwise: "unknown" }) > { type: "unknown", tag: "b", payload: Buffer.of(1) }
  = 0201
messages(enumeration(u8, { a: 1, b: 2 }, { unknown: "keep" }), { x: message("a") }, { otherwise: "unknown" }) > { type: "unknown", tag: 1, payload: Buffer.of(1) }
  ERR_FIELD_RANGE unknown: expected the name 'a', got 1
messages(u64be, { a: message(1n) }, { otherwise: "unknown" }) > { type: "unknown", tag: 1, payload: Buffer.of(1) }
  ERR_FIELD_RANGE unknown: expected an unsigned 64-bit bigint, got 1
struct({ k: enumeration(u8, { a: 1, b: 2 }), u: union("k", { x: message(["a", "b"]) }) }) > { u: { type: "x", tag: "b" } }
  = 02
messages("k", { x: message(["a", "b"], { n: u8 }) }, { header: { k: enumeration(u16be, { a: 1, b: 2 }) } }) > { type: "x", tag: "b", n: 3 }
  = 000203
codecOf(lazy(() => struct({ a: u8, p: padding({ to: 4, from: "structure" }) }))) > { a: 1 }
  = 01000000
struct({ x: u8, l: lazy(() => struct({ a: u8, p: padding({ to: 4, from: "structure" }) })) }) > { x: 9, l: { a: 1 } }
  = 0901000000
struct({ x: u8, l: lazy(() => array(u8, u8)) }) > { x: 9, l: [1] }
  = 090101
struct({ x: u8, l: lazy(() => struct({ a: u8, s: checksum(u8, "SUM-8") })) }) > { x: 9, l: { a: 1 } }
  = 090101
array(struct({ a: u8, p: padding({ to: 2, from: "structure" }) }), 2) > [{ a: 1 }, { a: 2 }]
  = 01000200
struct({ a: u8, u: union(u8, { x: message(1, { b: u8, p: padding({ to: 4, from: "structure" }) }) }) }) > { a: 1, u: { type: "x", b: 2 } }
  = 0101020000
struct({ k: u8, a: u8, u: union("k", { x: message(1, { b: u8, p: padding({ to: 4, from: "structure" }) }) }) }) > { a: 1, u: { type: "x", b: 2 } }
  = 010102000000
struct({ a: u8, o: optional(struct({ b: u8, p: padding({ to: 4, from: "structure" }) })) }) > { a: 1, o: { b: 2 } }
  = 010102000000
struct({ a: u8, m: bounded(varuint, struct({ b: u8, p: padding({ to: 4, from: "structure" }) })) }) > { a: 1, m: { b: 2 } }
  = 010402000000
struct({ h: optional(struct({ n: sizeOf(u8, "b"), c: countOf(u8, "b") })), b: array(u8, rest) }) > { b: [1, 2] }
  = 000102
struct({ h: optional(struct({ n: sizeOf(u8, "b"), c: countOf(u8, "b") })), b: array(u8, rest) }) > { h: {}, b: [1, 2] }
  = 0102020102
struct({ h: optional(struct({ n: sizeOf(u8, "b") })), b: array(u8, rest) }) > { h: { n: 3 }, b: [1, 2] }
  ERR_FIELD_RANGE h.n: expected 2, the size of 'b', got 3
struct({ h: optional(struct({ k: enumeration(u8, { a: 1 }) })), o: optional(union("h.k", { x: message("a") }), rest) }) > {}
  = 00
struct({ h: optional(struct({ k: enumeration(u8, { a: 1 }) })), o: optional(union("h.k", { x: message("a") }), rest) }) > { h: {} }
  ERR_FIELD_RANGE h.k: expected a union that gives it its value, got undefined
struct({ h: optional(struct({ k: enumeration(u8, { a: 1 }) })), u: union("h.k", { x: message("a") }) }) > { h: {}, u: { type: "x" } }
  = 0101
struct({ h: struct({ i: struct({ n: u8, m: u16le }) }), a: bytes("h.i.n"), b: array(u8, "h.i.m") }) > { h: { i: {} }, a: Buffer.of(1), b: [2, 3] }
  = 010200010203
struct({ h: optional(struct({ i: optional(struct({ n: u8 })) })), a: optional(bytes("h.i.n"), rest) }) > { h: {} }
  = 0100
struct({ h: optional(struct({ n: u8 })), s: checksum(u8, "SUM-8", { from: "h", to: "h" }), b: optional(bytes("h.n"), rest) }) > { h: {}, b: Buffer.of(1) }
  = 01010201
struct({ h: optional(struct({ n: u8 })), s: checksum(u8, "SUM-8", { from: "h", to: "h" }), b: optional(bytes("h.n"), rest) }) > {}
  = 0000
struct({ toString: u8, o: optional(u8, when("toString", 1)) }) > { toString: 1, o: 2 }
  = 0102
struct({ toString: struct({ valueOf: u8 }), o: optional(u8, when("toString.valueOf", 1)) }) > { toString: { valueOf: 1 }, o: 2 }
  = 0102
flags(u8, { valueOf: 0 }) > { valueOf: true }
  = 01
flags(u8, { valueOf: 0 }) > {}
  ERR_FIELD_RANGE valueOf: expected true or false, got undefined
bits(u8, { toString: 8 }) > {}
  ERR_FIELD_RANGE toString: expected a whole number from 0 to 255, got undefined
bits(u8, { toString: 8 }) > { toString: 7 }
  = 07
enumeration(u8, { toString: 1 }) > "toString"
  = 01
enumeration(u8, { a: 1 }) > "toString"
  ERR_FIELD_RANGE message: expected one of 'a', got "toString"
union(u8, { toString: message(1) }) > { type: "toString" }
  = 01
struct({ a: u8, s: optional(checksum(u8, "SUM-8"), when("a", 1)) }) > { a: 1, s: 0 }
  = 0101
struct({ a: u8, s: optional(checksum(u8, "SUM-8"), when("a", 1)) }) > { a: 2 }
  = 02
struct({ a: u8, s: optional(checksum(u8, "SUM-8"), when("a", 1)) }) < 01 02
  ERR_FRAME_CHECKSUM s: expected SUM-8 0x01, got 0x02, at byte 1
struct({ a: u8, s: optional(checksum(u8, "SUM-8"), rest) }) > { a: 1, s: 0 }
  = 0101
struct({ a: u8, d: defaulted(struct({ b: u8, s: checksum(u8, "SUM-8") }), { b: 5 }) }) > { a: 1 }
  = 010505
struct({ a: u8, s: optional(checksum(u8, "SUM-8", { from: "a" }), when("a", 1)), b: u8 }) > { a: 2, b: 9 }
  = 0209
struct({ a: u8, s: optional(checksum(u8, "SUM-8", { from: "a" }), when("a", 1)), b: u8 }) > { a: 1, s: 0, b: 9 }
  = 010109
struct({ n: sizeOf(u8, { from: "n", to: "b" }), b: u8 }) > { b: 5 }
  = 0205
codecOf(array(u8, rest), { limits: { elements: 2 } }) < 01 02 03
  ERR_MESSAGE_LIMIT message: expected at most 2 elements in one message (limits.elements), got more, at byte 2
codecOf(array(struct({}), until(constant(u8, 0))), { limits: { empty: 2 } }) > [{}, {}, {}]
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more
codecOf(array(struct({}), until(constant(u8, 0))), { limits: { empty: 2 } }) < 01
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more, at byte 0
array(u8, until(constant(u8, 0)), { max: 2 }) > [1, 2]
  = 010200
array(struct({ more: bool }), until("more", false), { max: 1 }) > [{ more: false }]
  = 00
codecOf(array(struct({ more: bool }), until("more", false)), { limits: { elements: 1 } }) < 01 00
  ERR_MESSAGE_LIMIT message: expected at most 1 elements in one message (limits.elements), got more, at byte 1
struct({ k: u8, u: union("k", { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 0, payload: Buffer.of() } }
  = 00
struct({ k: u8, u: union("k", { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 255, payload: Buffer.of(7) } }
  = ff07
struct({ k: u8, u: union("k", { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: -1, payload: Buffer.of() } }
  ERR_FIELD_RANGE u.tag: expected a whole number from 0 to 255, got -1
struct({ k: u8, u: union("k", { a: message(1) }, { otherwise: "unknown" }) }) > { u: { type: "unknown", tag: 1.5, payload: Buffer.of() } }
  ERR_FIELD_RANGE u.tag: expected a whole number from 0 to 255, got 1.5
messages(u8, { a: message(1) }, { header: { h: u8 } }) < 
  ERR_MESSAGE_EMPTY message: expected a message of at least 1 byte, got 0, at byte 0
bytes(size(u8, { add: -255 })) > Buffer.of()
  = ff
bytes(size(u8, { unit: 4, add: -1000 })) > Buffer.alloc(20)
  = ff 00 × 20
codecOf(struct({ d: bytes(rest), e: bytes(parameter("n")) }), { parameters: { n: { default: 2, min: 0, max: 9 } } }) > { d: Buffer.of(1), e: Buffer.of(2, 3) }
  = 010203
struct({ n: u8, d: bytes(rest), e: bytes(size("n", { nullAt: 255 })) }) > { d: Buffer.of(1), e: null }
  = ff01
struct({ n: u8, d: bytes(rest), e: array(u16be, "n") }) > { d: Buffer.of(1), e: [2, 3] }
  = 020100020003
struct({ has: u8, h: optional(struct({ n: u8 }), when("has", 1)), d: bytes(rest), e: bytes("h.n") }) < 00 05
  ERR_MESSAGE_VALUE e: expected a size of 0 or more bytes, got undefined, at byte 2
struct({ z: u8, h: struct({ n: sizeOf(u8, "b"), x: bytes("z") }), b: utf8(u8) }) > { h: { x: Buffer.of(7) }, b: "ab" }
  = 010307026162
struct({ k: u8, h: struct({ n: u8, again: same("n") }), b: bytes("h.n"), u: bytes("k") }) > { h: {}, b: Buffer.of(5, 6), u: Buffer.of(7) }
  = 010202050607
struct({ b: utf8(u8), h: struct({ n: sizeOf(u8, "b"), b: utf8(u8), m: sizeOf(u8, "z") }), z: u8 }) > { b: "abc", h: { b: "a" }, z: 1 }
  = 036162630201610101
struct({ h: struct({ n: sizeOf(u8, {}), m: sizeOf(u8, "b") }), b: utf8(u8) }) > { h: {}, b: "ab" }
  = 0203026162
(() => { const t = struct({ z: u8, h: struct({ n: sizeOf(u8, "z"), more: array(lazy(() => t), u8) }) }); return t; })() > { z: 1, h: { more: [{ z: 2, h: { more: [] } }] } }
  = 010101020100
struct({ n: u8, k: bytes("n"), a: same("k") }) > { k: Buffer.of(1, 2), a: Buffer.of(1, 2) }
  = 0201020102
codecOf(u8, { parameters: { v: { default: 4090, min: 4090, max: 4092 } } }) > 1
  = 01
codecOf(u8, { parameters: { v: { default: 0, min: 0, max: 4095 } } }) > 1
  = 01
messages(u8, { a: message(1) }, { trailing: "reject", otherwise: "reject" }) > { type: "a" }
  = 01
codecOf(u8, { trailing: "reject" }) > 1
  = 01
codecOf(u8, { trailing: "reject" }) < 01 02
  ERR_MESSAGE_TRAILING message: expected the end of the frame, got 1 byte more, at byte 1
struct(Object.assign(Object.create(null), { a: u8 })) > { a: 1 }
  = 01
struct({ "01": u8, a1: u8, "1a": u8 }) > { "01": 1, a1: 2, "1a": 3 }
  = 010203
struct({ n: sizeOf(u8, "b"), m: same(u8, "n"), b: utf8(u8) }) > { b: "ab" }
  = 0303026162
codecOf(struct({ n: bytes(parameter("n")) }), { parameters: { n: { default: 1, min: 0, max: 3 } } }) > { n: Buffer.of(7) }
  = 07
struct({ x: u8, i: struct({ a: u8, o: optional(padding({ to: 4, from: "structure" }), when("a", 1)) }) }) > { x: 9, i: { a: 1 } }
  = 0901000000
struct({ n: u8, h: struct({ d: bytes(rest), e: bytes("n") }) }) > { h: { d: Buffer.of(1, 2), e: Buffer.of(9) } }
  = 01010209
messages(u8, { a: message(1, { d: bytes(rest), s: struct({}) }) }, { trailing: "keep" }) > { type: "a", d: Buffer.of(5), s: {} }
  = 0105
struct({ f: bits(u8, { k: 4, m: 4 }), u: union("f.k", { a: message(0), b: message(15) }) }) > { f: { m: 1 }, u: { type: "b" } }
  = f1
struct({ f: bits(u64be, { k: 60, m: 4 }), u: union("f.k", { a: message(0n), b: message(2n ** 60n - 1n) }) }) > { f: { m: 1 }, u: { type: "b" } }
  = fffffffffffffff1
struct({ f: bits(u64be, { k: { width: 54, signed: true }, m: 10 }), u: union("f.k", { a: message(2n ** 53n - 1n) }) }) > { f: { m: 1 }, u: { type: "a" } }
  = 7ffffffffffffc01
struct({ k: decimal(2), u: union("k", { a: message(7) }) }) > { u: { type: "a" } }
  = 3037
struct({ end: checksum(u8, "SUM-8", { from: "h", to: "h" }), h: struct({ n: u8, s: checksum(u8, "SUM-8") }), b: bytes("h.n") }) > { h: {}, b: Buffer.of(5, 6) }
  = 0402020506
struct({ before: u8, h: struct({ n: u8, s: checksum(u8, "SUM-8"), all: checksum(u8, "SUM-8", { from: "before", to: "s" }) }), b: bytes("h.n") }) > { before: 1, h: {}, b: Buffer.of(5) }
  = 0101010305
struct({ a: u8, z: u8, h: struct({ a: u8, s: checksum(u8, "SUM-8", { from: "a" }), t: checksum(u8, "SUM-8", { from: "z", to: "z" }) }) }) > { a: 1, z: 2, h: { a: 4 } }
  = 0102040402
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8"), k: u8, t: checksum(u8, "SUM-8", { from: "s", to: "k" }) }), b: bytes("h.n") }) > { h: { k: 7 }, b: Buffer.of(5) }
  = 0101070805
struct({ h: struct({ s: checksum(u8, "SUM-8", { to: rest, zeroed: true }), n: u8 }), b: bytes("h.n") }) > { h: {}, b: Buffer.of(5, 6) }
  = 02020506
struct({ s: checksum(u8, "SUM-8", { to: "a", zeroed: true }), a: u8 }) > { a: 5 }
  = 0505
struct({ a: u8, d: bounded(1, checksum(u8, "SUM-8")) }) > { a: 5, d: 0 }
  = 0505
struct({ h: optional(struct({ n: sizeOf(u8, "b"), s: checksum(u16le, "CRC-16/MODBUS") })), b: array(u8, rest) }) > { b: [1, 2] }
  = 000102
struct({ m: struct({ h: optional(struct({ n: sizeOf(u8, "b"), s: checksum(u16le, "CRC-16/MODBUS") })) }), b: array(u8, rest) }) > { m: {}, b: [1, 2] }
  = 000102
struct({ m: struct({ h: struct({ n: u8, q: u8, s: checksum(u8, "SUM-8") }), b: bytes("h.n") }), c: bytes("m.h.q") }) > { m: { h: {}, b: Buffer.of(9) }, c: Buffer.of(8, 7) }
  = 010203090807
(() => { const t = struct({ z: u8, h: struct({ s: checksum(u8, "SUM-8", { from: "z", to: "z" }), more: array(lazy(() => t), u8) }) }); return t; })() > { z: 1, h: { more: [{ z: 2, h: { more: [] } }] } }
  = 010101020200
bytes(mapped(u8, { decode: (n) => n * 2, encode: (n) => Math.floor(n / 2) })) > Buffer.alloc(3)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 3
bytes(size(mapped(u8, { decode: (n) => n * 2, encode: (n) => Math.floor(n / 2) }), { unit: 2 })) > Buffer.alloc(2)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 2
bytes(until(constant(u16be, 0x0d0a))) > Buffer.of(0x61, 0x0d, 0x0a)
  ERR_FIELD_RANGE message: expected content without its terminator 0d0a (hex), got content with it
utf8(rest) < ff
  ERR_MESSAGE_UTF8 message: expected UTF-8, got ff (hex), at byte 0
struct({ h: optional(struct({ n: u8 })), again: same(u8, "h.n"), b: optional(bytes("h.n"), rest) }) > {}
  ERR_FIELD_RANGE again: expected a whole number from 0 to 255, as 'h.n' says, got NaN
struct({ h: optional(struct({ n: u8 })), again: same(u8, "h.n"), b: optional(bytes("h.n"), rest) }) > { h: {}, b: Buffer.of(9) }
  = 01010109
struct({ c: custom({ name: "c", read: (c) => c.read(u8), write(c) { c.write(u16be, 0xffff); c.at -= 1; }, size: () => 2 }), b: bounded(u8, bytes(rest)) }) > { c: 255, b: Buffer.of(1) }
  = ff0101
struct({ has: u8, list: optional(array(u8, u8), when("has", 1)), n: countOf(u8, "list") }) > { has: 0 }
  = 0000
array(struct({ list: optional(array(u8, u8)), n: countOf(u8, "list") }), 2) > [{ list: [7] }, {}]
  = 010107010000
struct({ list: array(u8, size(u8, { nullAt: 255 })), n: countOf(u8, "list") }) > { list: null }
  = ff00
array(bool, until(constant(u8, 0xff))) < 05 ff
  ERR_MESSAGE_VALUE [0]: expected 0 or 1, got 5, at byte 0
struct({ h: defaulted(u8, 5), again: same("h") }) > {}
  = 0505
struct({ d: bytes(rest), b: bounded(2, bytes(rest)) }) > { d: Buffer.of(1), b: Buffer.of(2, 3) }
  = 010203
messages(u8, { a: message(1, { l: lazy(() => u8) }) }) > { type: "a", l: 5 }
  = 0105
struct({ h: optional(struct({ a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, i: u8, j: u8, k: u8, n: u8 })), o: optional(u8, when("h.n", 1)) }) > { h: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, i: 8, j: 9, k: 10, n: 1 }, o: 9 }
  = 010102030405060708090a0109
struct({ toString: optional(u8) }) > {}
  = 00
struct({ h: optional(struct({ n: u8, x: u8 })), o: optional(bytes("h.n"), rest) }) > { h: { x: 7 } }
  = 010007
struct({ h: optional(struct({ n: u16be, m: u32be })), o: optional(bytes("h.n"), rest) }) > {}
  = 00
array(struct({ h: optional(struct({ n: u16be })), o: optional(bytes("h.n")) }), 2) > [{ h: {}, o: Buffer.of(7) }, {}]
  = 01000101070000
bytes(5, { max: 3 }) > Buffer.alloc(5)
  = 00 × 5
struct({ a: bytes(i8), c: u8 }) < ff
  ERR_MESSAGE_VALUE a: expected a size of 0 or more bytes, got -1, at byte 0
bytes(u8, { max: 2 }) > Buffer.of(1, 2)
  = 020102
utf8(u8, { max: 2 }) > "ab"
  = 026162
cstring(2) > "ab"
  = 616200
bytes(until(constant(u16be, 0x0d0a)), { max: 2 }) > Buffer.from("ab")
  = 61620d0a
bytes(size(u8, { add: 2 })) > Buffer.of(1)
  ERR_FIELD_RANGE message: expected at least 2 bytes, got 1
bytes(size(u8, { add: 1 })) > null
  ERR_FIELD_RANGE message: expected a Uint8Array, got null
bytes(size(u8, { nullAt: 1 })) > null
  = 01
bytes(size(u8, { nullAt: 1 })) > Buffer.of(1)
  ERR_FIELD_RANGE message: expected anything but 1, which stands for null, got 1
bytes(size(u8, { nullAt: 3, unit: 2 })) > Buffer.alloc(6)
  ERR_FIELD_RANGE message: expected anything but 6, which stands for null, got 6
bytes(size(mapped(u8, { decode: (n) => n * 2, encode: (n) => n / 2 }), { unit: 2 })) > Buffer.alloc(2)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 2
bytes(size(mapped(u8, { decode: (n) => n * 2, encode: (n) => n / 2 }), { unit: 2 })) > Buffer.alloc(4)
  = 0100000000
bytes(size(custom({ name: "c", minSize: 1, maxSize: 1, range: { min: 4, max: 9 }, read: (c) => c.read(u8), write(c, v) { c.write(u8, v) }, size: () => 1 }), { unit: 2 })) > Buffer.alloc(4)
  ERR_FIELD_RANGE message: expected at least 8 bytes, got 4
bytes(size(custom({ name: "c", minSize: 1, maxSize: 1, range: { min: 4, max: 9 }, read: (c) => c.read(u8), write(c, v) { c.write(u8, v) }, size: () => 1 }), { unit: 2 })) > Buffer.alloc(8)
  = 04 00 × 8
bytes(mapped(u8, { decode: (n) => n + 0.5, encode: (n) => n - 0.5 })) < 01 ff ff
  ERR_MESSAGE_VALUE message: expected a size of 0 or more bytes, got 1.5, at byte 0
struct({ n: mapped(u8, { decode: (n) => n + 0.5, encode: (n) => n - 0.5 }), b: bytes("n") }) < 01 ff ff
  ERR_MESSAGE_VALUE b: expected a size of 0 or more bytes, got 1.5, at byte 1
bytes(3) > new DataView(new ArrayBuffer(3))
  ERR_FIELD_RANGE message: expected a Uint8Array, got an object
codecOf(struct({ a: bytes(2), s: checksum(u8, "SUM-8") }), { limits: { summed: 1 } }) > { a: Buffer.of(1, 2) }
  = 010203
codecOf(struct({ l: lazy(() => struct({ a: bytes(2), s: checksum(u8, "SUM-8") })), b: u8 }), { limits: { summed: 2 } }) > { l: { a: Buffer.of(1, 2) }, b: 4 }
  = 01020304
codecOf(struct({ l: lazy(() => struct({ a: bytes(2), s: checksum(u8, "SUM-8") })), b: u8 }), { limits: { summed: 1 } }) > { l: { a: Buffer.of(1, 2) }, b: 4 }
  ERR_MESSAGE_LIMIT message: expected at most 1 bytes covered by the checksums of a recursion in one message (limits.summed), got more
codecOf(struct({ l: lazy(() => struct({ a: bytes(2), s: checksum(u8, "SUM-8") })), b: u8 }), { limits: { summed: 1 } }) < 01 02 03 04
  ERR_MESSAGE_LIMIT l.s: expected at most 1 bytes covered by the checksums of a recursion in one message (limits.summed), got more, at byte 3
codecOf(array(lazy(() => u8), u8), { limits: { depth: 1 } }) > [1, 2, 3]
  = 03010203
struct({ a: struct({ o: optional(struct({ x: u8 })), b: u8 }) }) > { a: { o: { x: 1 }, b: 256 } }
  ERR_FIELD_RANGE a.b: expected a whole number from 0 to 255, got 256
struct({ a: struct({ o: optional(struct({ x: u8 })), b: u8 }) }) < 01 01
  ERR_MESSAGE_SHORT a.b: expected 1 byte, got 0, at byte 2
struct({ a: struct({ o: optional(u8), b: u8 }) }) > { a: { o: 1, b: 256 } }
  ERR_FIELD_RANGE a.b: expected a whole number from 0 to 255, got 256
struct({ o: optional(u8, rest), d: bytes(rest), n: u16be }) > { d: Buffer.of(), n: 1 }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 2 bytes more
struct({ n: sizeOf(u8, "b"), b: bytes(rest) }) > { b: Buffer.alloc(255) }
  = ff 00 × 255
struct({ n: sizeOf(u8, "b"), b: bytes(rest) }) > { b: Buffer.alloc(256) }
  ERR_FIELD_TOO_LONG n: expected at most 255, the size of 'b', got 256
struct({ n: sizeOf(u64be, "b"), b: bytes(rest) }) > { n: 2n, b: Buffer.of(1) }
  ERR_FIELD_RANGE n: expected 1, the size of 'b', got 2n
struct({ n: sizeOf(u64be, "b"), b: bytes(rest) }) > { n: 1n, b: Buffer.of(1) }
  = 000000000000000101
struct({ has: u8, t: optional(text(3, { pad: " " }), when("has", 1)), o: optional(u8, when("t", "ab")) }) > { has: 1, t: "ab ", o: 5 }
  = 0161622005
struct({ has: u8, t: optional(text(3, { pad: " " }), when("has", 1)), o: optional(u8, when("t", "ab")) }) > { has: 0 }
  = 00
struct({ has: u8, t: optional(text(3, { pad: " " }), when("has", 1)), o: optional(u8, when("t", "ab")) }) > { has: 1, t: "ab " }
  ERR_FIELD_RANGE o: expected a value, as 't' asks for it, got undefined
padding({ to: 4, from: "structure" }) > undefined
  = 
bounded(u8, struct({})) < 01 05
  ERR_MESSAGE_TRAILING message: expected the end of 1 byte, got 1 byte more, at byte 1
struct({ o: optional(bounded(rest, bytes(2))), e: utf8(u8) }) > { o: Buffer.of(1, 2), e: "" }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 1 byte more
struct({ o: optional(bounded(rest, bytes(2))), e: utf8(u8) }) > { e: "a" }
  = 000161
struct({ o: optional(bytes(rest)), e: utf8(u8) }) > { o: Buffer.of(1), e: "a" }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 2 bytes more
struct({ o: optional(bytes(rest)), e: utf8(u8) }) > { e: "a" }
  = 000161
struct({ o: optional(utf8(rest)), e: utf8(u8) }) > { o: "b", e: "a" }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 2 bytes more
struct({ o: optional(text(rest)), e: utf8(u8) }) > { o: "b", e: "a" }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 2 bytes more
struct({ k: u8, o: optional(padding(rest), when("k", 1)), e: utf8(u8) }) > { k: 1, e: "" }
  ERR_FIELD_RANGE message: expected nothing after a field that takes the rest, got 1 byte more
struct({ k: u8, o: optional(padding(rest), when("k", 1)), e: utf8(u8) }) > { k: 2, e: "" }
  = 0200
struct({ a: u8, s: checksum(u8, { name: "x", width: 8, compute() { throw new Error("no") } }) }) > { a: 1 }
  ERR_FIELD_RANGE s: expected a sum by x, got an error (no)
struct({ a: u8, s: checksum(u8, { name: "x", width: 8, compute() { throw new Error("no") } }) }) < 01 02
  ERR_MESSAGE_VALUE s: expected a sum by x, got an error (no), at byte 1
struct({ a: u8, s: checksum(u8, { name: "x", width: 8, compute: () => NaN }) }) > { a: 1 }
  ERR_FIELD_RANGE s: expected a sum by x, got an error (x: expected a whole number from compute, got NaN)
struct({ a: u8, s: checksum(u8, { name: "x", width: 8, compute: () => "1" }) }) < 01 02
  ERR_MESSAGE_VALUE s: expected a sum by x, got an error (x: expected a whole number from compute, got "1"), at byte 1
struct({ a: u8, s: checksum(u8, { name: "x", width: 8, compute: () => -1 }) }) > { a: 1 }
  = 01ff
struct({ a: u8, s: checksum(u8, { name: "x", width: 8, compute: () => 258 }) }) > { a: 1 }
  = 0102
struct({ s: checksum(u8, "SUM-8", { from: "b", to: "c", zeroed: true }), a: u8, b: u8, c: u8 }) > { a: 1, b: 2, c: 3 }
  = 05010203
struct({ s: checksum(u8, "SUM-8", { to: "a", zeroed: true }), a: u8 }) < 06 05
  ERR_FRAME_CHECKSUM s: expected SUM-8 0x05, got 0x06, at byte 0
struct({ a: u8, c: constant(utf8(0), ""), b: u8 }) > { a: 1, b: 2 }
  = 0102
struct({ a: u8, c: constant(bytes(20), Buffer.alloc(20, 7)), b: u8 }) > { a: 1, b: 2 }
  = 01070707070707070707070707070707070707070702
cstring(3) > "abc"
  = 61626300
struct({ a: cstring(), b: u32be, c: utf8(u8) }) > { a: "ab", b: 1, c: "cd" }
  = 61620000000001026364
vlq > -1
  ERR_FIELD_RANGE message: expected a whole number from 0 to 2^53 - 1, got -1
varuint64 > 5
  ERR_FIELD_RANGE message: expected a bigint from 0 to 2^64 - 1, got 5
varint64 > 5
  ERR_FIELD_RANGE message: expected a bigint from -2^63 to 2^63 - 1, got 5
bits(u64be, { a: 60, b: 4 }) > { a: 5, b: 0 }
  ERR_FIELD_RANGE a: expected an unsigned bigint of 60 bits, got 5
union(berLength, { a: message(300) }) > { type: "a" }
  = 82012c
custom({ name: "c", read: (c) => c.take(-1), write() {}, size: () => 0 }) < 01
  ERR_MESSAGE_SHORT message: expected -1 bytes, got 1, at byte 0
custom({ name: "c", read: (c) => c.take(NaN), write() {}, size: () => 0 }) < 01
  ERR_MESSAGE_SHORT message: expected NaN bytes, got 1, at byte 0
struct({ a: u8, c: custom({ name: "c", read: (c) => c.take(1), write() {}, size: () => 0 }) }) < 01
  ERR_MESSAGE_SHORT c: expected 1 byte, got 0, at byte 1
struct({ a: u8, c: custom({ name: "c", read: (c) => { c.take(1); return c.take(2) }, write() {}, size: () => 0 }) }) < 01 02 03
  ERR_MESSAGE_SHORT c: expected 2 bytes, got 1, at byte 2
struct({ a: u8, c: custom({ name: "c", read: (c) => c.take(0) + c.take(1), write() {}, size: () => 0 }) }) < 01
  ERR_MESSAGE_SHORT c: expected 1 byte, got 0, at byte 1
custom({ name: "c", read: (c) => c.read(5), write() {}, size: () => 0 }) < 03 e9
  ERR_MESSAGE_VALUE message: expected c, got an error (the field of a cursor: expected a field such as u8 or struct({ … }), got 5), at byte 0
custom({ name: "c", read: (c) => c.read(constant(u8, 1)), write() {}, size: () => 0 }) < 03 e9
  ERR_MESSAGE_VALUE message: expected c, got an error (the field of a cursor must have a value; a constant has none), at byte 0
struct({ a: u8, c: custom({ name: "c", read: (c) => { c.at += 5; return 1 }, write() {}, size: () => 0 }) }) < 01 02 03
  ERR_MESSAGE_VALUE c: expected c within the frame, got more, at byte 1
struct({ a: u8, c: custom({ name: "c", read: (c) => { c.at -= 1; return 1 }, write() {}, size: () => 0 }) }) < 01 02 03
  ERR_MESSAGE_VALUE c: expected c within the frame, got more, at byte 1
struct({ a: u8, c: custom({ name: "c", read: (c) => { c.at = 1.5; return 1 }, write() {}, size: () => 0 }) }) < 01 02 03
  ERR_MESSAGE_VALUE c: expected c within the frame, got more, at byte 1
struct({ a: u8, c: custom({ name: "c", read: (c) => { c.at = NaN; return 1 }, write() {}, size: () => 0 }) }) < 01 02 03
  ERR_MESSAGE_VALUE c: expected c within the frame, got more, at byte 1
struct({ a: u8, c: custom({ name: "c", minSize: 2, maxSize: 3, read: (c) => c.take(1), write() {}, size: () => 2 }) }) < 01 02
  ERR_MESSAGE_VALUE c: expected 2 to 3 bytes for c, got 1, at byte 1
struct({ a: u8, c: custom({ name: "c", minSize: 2, maxSize: 2, read: (c) => c.take(3), write() {}, size: () => 2 }) }) < 01 02 03 04
  ERR_MESSAGE_VALUE c: expected 2 bytes for c, got 3, at byte 1
struct({ a: u8, c: custom({ name: "c", minSize: 2, maxSize: 2, read: (c) => c.take(2), write() {}, size: () => 2 }) }) > { a: 7, c: 1 }
  ERR_FIELD_RANGE c: expected 2 bytes for c, got 0
struct({ a: u8, c: custom({ name: "c", maxSize: 2, range: { min: 0, max: 9 }, read: (c) => { c.take(1); return 10 }, write() {}, size: () => 2 }) }) < 01 02
  ERR_MESSAGE_VALUE c: expected a whole number from 0 to 9 from the read() of c, got 10, at byte 1
struct({ a: u8, c: custom({ name: "c", minSize: 2, maxSize: 3, read: (c) => 1, write(c) { c.at++ }, size: () => 3 }) }) > { a: 1, c: 2 }
  ERR_FIELD_RANGE c: expected 2 to 3 bytes for c, got 1
struct({ a: u8, c: custom({ name: "c", read: (c) => 1, write(c) { c.at += 3 }, size: () => 2 }) }) > { a: 1, c: 2 }
  ERR_FIELD_RANGE c: expected at most 2 bytes, as the size() of c said, got 3
struct({ a: u8, c: custom({ name: "c", read: (c) => 1, write(c) { c.write(u24be, 5) }, size: () => 2 }) }) > { a: 1, c: 2 }
  ERR_FIELD_RANGE c: expected at most 2 bytes, as the size() of c said, got 3
struct({ a: u8, c: custom({ name: "c", minSize: 2, maxSize: 2, range: { min: 0, max: 9 }, read: (c) => c.read(u16be), write(c, v) { c.write(u16be, v) }, size: () => 2 }) }) > { a: 1, c: 10 }
  ERR_FIELD_RANGE c: expected a whole number from 0 to 9, got 10
custom({ name: "c", minSize: 2, maxSize: 2, range: { min: 3, max: 3 }, read: (c) => c.read(u16be), write(c, v) { c.write(u16be, v) }, size: () => 2 }) > 3
  = 0003
enumeration(u16be, { a: 0, b: 256 }) > "b"
  = 0100
enumeration(u16be, { a: 0, b: 256 }) > "a"
  = 0000
enumeration(u8, { a: 1, b: 2 }) > 3
  ERR_FIELD_RANGE message: expected one of 'a', 'b', got 3
enumeration(u8, { a: 1, b: 2 }) < 03
  ERR_MESSAGE_VALUE message: expected 0x01, 0x02, got 0x03, at byte 0
enumeration(i8, { a: -1, b: 2 }) > "a"
  = ff
flags(u8, {}) > {}
  = 00
flags(u8, {}) < 01
  ERR_MESSAGE_VALUE message: expected no bits but 0x00, got 0x01, at byte 0
bits(u8, { a: 3, b: 5 }, { first: "most" }) > { a: 1, b: 2 }
  = 22
bits(u64be, { a: { width: 60, constant: 5 }, b: 4 }) > { b: 1 }
  = 0000000000000051
bits(u64be, { a: { width: 60, constant: 5n }, b: 4 }) > { b: 1 }
  = 0000000000000051
struct({ a: u8, h: bits(u16be, { n: 8, m: 8 }), z: u8 }) > { a: 1, h: { n: 2, m: 3 }, z: 4 }
  = 01020304
bits(u64be, { a: 16, b: 16, c: 32 }) > { a: 1, b: 2, c: 3 }
  = 0001000200000003
bits(u64le, { a: 16, b: 16, c: 32 }) > { a: 1, b: 2, c: 3 }
  = 0300000002000100
struct({ h: optional(bits(u8, { a: 4, n: 4 })), b: optional(bytes("h.n")) }) > { h: { a: 1 }, b: Buffer.of(7) }
  = 01110107
struct({ h: optional(bits(u8, { a: 4, n: 4 })), b: optional(bytes("h.n")) }) > {}
  = 0000
bits(u8, { a: 4, b: 4 }) > { a: -1, b: 0 }
  ERR_FIELD_RANGE a: expected a whole number from 0 to 15, got -1
bits(u8, { a: 4, b: 4 }) > { a: 16, b: 0 }
  ERR_FIELD_RANGE a: expected a whole number from 0 to 15, got 16
bits(u8, { a: { width: 4, signed: true }, b: 4 }) > { a: -9, b: 0 }
  ERR_FIELD_RANGE a: expected a whole number from -8 to 7, got -9
bits(u8, { a: { width: 4, signed: true }, b: 4 }) > { a: 8, b: 0 }
  ERR_FIELD_RANGE a: expected a whole number from -8 to 7, got 8
bits(u64be, { z: 8, a: { width: 40, signed: true }, b: 16 }) > { z: 1, a: -3, b: 5 }
  = 01fffffffffd0005
bits(u64be, { z: 8, a: { width: 40, signed: true }, b: 16 }) > { z: 1, a: 2 ** 39, b: 5 }
  ERR_FIELD_RANGE a: expected a whole number from -549755813888 to 549755813887, got 549755813888
struct({ h: bits(u64le, { k: 60, q: 4 }), u: union("h.k", { a: message(1n) }, { otherwise: "unknown" }) }) > { h: { q: 2 }, u: { type: "unknown", tag: 5, payload: Buffer.of() } }
  ERR_FIELD_RANGE u.tag: expected a bigint from 0 to 2^60 - 1, got 5
struct({ h: bits(u64le, { k: 60, q: 4 }), u: union("h.k", { a: message(1n) }, { otherwise: "unknown" }) }) > { h: { q: 2 }, u: { type: "unknown", tag: 2n ** 60n, payload: Buffer.of() } }
  ERR_FIELD_RANGE u: expected an unsigned bigint of 60 bits, got 1152921504606846976n
struct({ h: bits(u64le, { k: 60, q: 4 }), u: union("h.k", { a: message(1n) }, { otherwise: "unknown" }) }) > { h: { q: 2 }, u: { type: "unknown", tag: 2n ** 59n, payload: Buffer.of() } }
  = 0200000000000080
struct({ h: bits(u16be, { k: { width: 4, signed: true }, q: 12 }), u: union("h.k", { a: message(-1) }, { otherwise: "unknown" }) }) > { h: { q: 2 }, u: { type: "unknown", tag: 8, payload: Buffer.of() } }
  ERR_FIELD_RANGE u.tag: expected a whole number from -8 to 7, got 8
struct({ h: bits(u16be, { k: { width: 4, signed: true }, q: 12 }), u: union("h.k", { a: message(-1) }, { otherwise: "unknown" }) }) > { h: { q: 2 }, u: { type: "unknown", tag: -8, payload: Buffer.of() } }
  = 8002
struct({ x: f64be, o: optional(u8, when("x", { max: 0.1 })) }) > { x: 0.1, o: 5 }
  = 3fb999999999999a05
struct({ x: f32be, o: optional(u8, when("x", { max: 0.1 })) }) > { x: 0.1 }
  = 3dcccccd
(() => { const t = struct({ c: array(lazy(() => t, { maxDepth: 100 }), u8) }); return t })() > Array(70).fill().reduce((c) => ({ c: [c] }), { c: [] })
  = 0101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010100
bytes(mapped(u64be, { decode: Number, encode: BigInt })) > Buffer.of(7)
  = 000000000000000107
bytes(mapped(u64be, { decode: Number, encode: (n) => n })) > Buffer.of(7)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 1
bytes(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 })) > Buffer.alloc(510)
  = ff 00 × 510
bytes(mapped(u8, { decode: (n) => 2 * n, encode: (n) => n / 2 })) > Buffer.alloc(512)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 512
bytes(mapped(u8, { decode: (n) => n - 1, encode: (n) => n + 1 })) > Buffer.alloc(0)
  = 01
bytes(mapped(u8, { decode: (n) => n + 1, encode: (n) => n - 1 })) > Buffer.alloc(0)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 0
bytes(mapped(u8, { decode: (n) => 2 * n, encode: (n) => Math.floor(n / 2) })) > Buffer.alloc(3)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 3
bytes(mapped(u8, { decode: (n) => n, encode() { throw new Error("no") } })) > Buffer.alloc(3)
  ERR_FIELD_RANGE message: expected a size that its field can hold, got 3
struct({ n: mapped(u8, { name: "an even number", decode: (n) => 2 * n, encode: (n) => n / 2 }), b: bytes("n") }) > { b: Buffer.alloc(3) }
  ERR_FIELD_RANGE b: expected an even number that the field can hold, got 3
struct({ n: mapped(u16be, { decode: (n) => 2 * n, encode: (n) => n / 2 }), b: bytes("n") }) > { b: Buffer.alloc(4) }
  = 000200000000
struct({ n: mapped(u16le, { decode: (n) => 2 * n, encode: (n) => n / 2 }), b: bytes("n") }) > { b: Buffer.alloc(4) }
  = 020000000000
struct({ n: mapped(decimal(3), { decode: (n) => 2 * n, encode: (n) => n / 2 }), b: bytes("n") }) > { b: Buffer.alloc(4) }
  = 30303200000000
struct({ n: u8, o: only("n", { min: 1 }) }) > { n: 2 }
  = 02
struct({ a: u8, h: struct({ b: u8, p: padding({ to: 4 }) }) }) > { a: 1, h: { b: 2 } }
  = 01020000
struct({ a: u8, p: padding({ to: 4 }, { max: 2 }) }) > { a: 1 }
  = 01000000
struct({ n: u8, p: padding("n", { max: 2 }) }) > { n: 2 }
  = 020000
struct({ n: u8, p: padding("n", { max: 2 }) }) > { n: 3 }
  ERR_FIELD_TOO_LONG p: expected at most 2 bytes, got 3
struct({ p: padding(size(u8, { add: 3 }), { max: 2 }) }) > {}
  ERR_FIELD_TOO_LONG p: expected at most 2 bytes, got 3
struct({ p: padding(size(u8, { add: 3 })) }) > {}
  = 00000000
struct({ p: padding(size(i8, { add: 3 })) }) > {}
  = fd
struct({ a: u8, p: padding(rest) }) > { a: 1 }
  = 01
struct({ a: u8, p: padding(0), b: u8 }) > { a: 1, b: 2 }
  = 0102
struct({ n: decimal(2), k: same("n") }) > { n: 7 }
  = 30373037
struct({ n: varuint, k: same("n") }) > { n: 300 }
  = ac02ac02
struct({ n: f64be, k: same("n") }) > { n: NaN, k: 1 }
  ERR_FIELD_RANGE k: expected NaN, as 'n' says, got 1
struct({ n: f64be, k: same("n") }) > { n: NaN }
  = 7ff80000000000007ff8000000000000
struct({ n: f64be, k: same("n") }) > { n: 1, k: NaN }
  ERR_FIELD_RANGE k: expected 1, as 'n' says, got NaN
struct({ n: bytes(16), k: same("n") }) > { n: Buffer.alloc(16), k: Buffer.alloc(16, 1) }
  ERR_FIELD_RANGE k: expected 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 (hex), as 'n' says, got 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 (hex)
struct({ d: defaulted(u8, 1), k: same("d") }) > {}
  = 0101
struct({ n: u8, k: bytes("n"), d: bytes(rest), a: same(bytes("n"), "k") }) > { k: Buffer.of(1, 2), d: Buffer.of(3) }
  = 020102030102
struct({ n: sizeOf(u8, { after: "a" }), a: u8 }) > { a: 1 }
  = 0001
struct({ n: sizeOf(u8, { after: "n", to: "a" }), a: u8, b: u8 }) > { a: 1, b: 2 }
  = 010102
struct({ n: sizeOf(u8, {}), a: u8, b: u8 }) > { a: 1, b: 2 }
  = 030102
struct({ n: u8, d: bytes(rest), t: text("n", { unit: "characters", encoding: "utf16le" }) }) > { d: Buffer.of(9), t: "ab" }
  = 020961006200
text(size(u8, { nullAt: 0 }), { encoding: "ascii" }) > null
  = 00
text(u8, { encoding: "utf16be", unit: "characters" }) < 03 00 61
  ERR_MESSAGE_SHORT message: expected 6 bytes, got 2, at byte 1
text(u8) > undefined
  ERR_FIELD_RANGE message: expected a string, got undefined
text(u8) > 5
  ERR_FIELD_RANGE message: expected a string, got 5
utf8(u8, { max: 3 }) > "ééééééé"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 14
text(u8, { max: 3, unit: "characters" }) > "😀".repeat(3)
  = 03f09f9880f09f9880f09f9880
text(u8, { encoding: "latin1" }) > "ÿ"
  = 01ff
text(4, { encoding: "ascii", pad: " " }) > "é"
  ERR_FIELD_RANGE message: expected text that ascii can say, got "é"
text(4, { encoding: "utf16le", unit: "characters", pad: " " }) > "a"
  = 6100200020002000
text(3, { encoding: "utf16le", unit: "characters", pad: " " }) > "a"
  = 610020002000
text(u8, { encoding: "ascii" }) < 01 7f
  = ""
text(u8, { encoding: "ascii" }) < 01 80
  ERR_MESSAGE_VALUE message: expected text in ascii, got other bytes, at byte 1
utf8(3) > "ab"
  ERR_FIELD_RANGE message: expected exactly 3 bytes, got 2
utf8(3) > "abcd"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 4
utf8(size(u8, { add: 3 })) > "ab"
  ERR_FIELD_RANGE message: expected at least 3 bytes, got 2
utf8(size(u8, { add: 3 })) > "abc"
  = 00616263
utf8(u8) > "é".repeat(1000001)
  ERR_FIELD_TOO_LONG message: expected at most 255 bytes, got 1000001
utf8(u8) > "é".repeat(1000000)
  ERR_FIELD_TOO_LONG message: expected at most 255 bytes, got 2000000
enumeration(decimal(2), { a: 1 }) > "a"
  = 3031
decimal(until(constant(u8, 10))) < 2d 35 0a
  ERR_MESSAGE_VALUE message: expected 1 to 15 decimal digits, got "-5", at byte 0
decimal(until(constant(u8, 10)), { signed: true }) < 2b 35 0a
  = 5
decimal(until(constant(u8, 10)), { signed: true }) < 0a
  ERR_MESSAGE_VALUE message: expected 1 to 15 decimal digits, with a sign or without, got "", at byte 0
decimal(until(constant(u8, 10))) < 0a
  ERR_MESSAGE_VALUE message: expected 1 to 15 decimal digits, got "", at byte 0
decimal(3, { signed: true }) < 2b 30 35
  = 5
decimal(3, { signed: true }) < 2d 30 35
  = -5
hexadecimal(until(constant(u8, 10))) < 61 46 0a
  = 175
struct({ h: bits(u8, { n: 8 }) , b: bytes("h.n") }) > 5
  ERR_FIELD_RANGE message: expected an object, got 5
struct({ a: bounded(4, bytes(rest)), b: bytes(rest) }) < 01 02 03
  ERR_MESSAGE_SHORT a: expected 4 bytes, got 3, at byte 0
struct({ a: bounded(u8, bytes(rest)), b: bytes(rest) }) < 04 01 02 03
  ERR_MESSAGE_SHORT a: expected 4 bytes, got 3, at byte 1
bytes(until(constant(u16be, 0x0d0a))) > Buffer.of(1, 2)
  = 01020d0a
text(u8) > "\\ud800"
  ERR_MESSAGE_UTF8 message: expected text that utf8 can say, got "\\ud800"
text(u8, { encoding: "ascii" }) > "\\u007f"
  = 017f
bits(u8, { length: 8 }) > "abc"
  ERR_FIELD_RANGE message: expected an object, got "abc"
struct({ length: u8 }) > "abc"
  ERR_FIELD_RANGE message: expected an object, got "abc"
struct({ h: bits(u16be, { a: 4, n: { width: 8, signed: true }, b: 4 }), d: bytes(size("h.n", { nullAt: -1 })) }) > { h: { a: 1, b: 2 }, d: null }
  = 1ff2
struct({ h: bits(u64be, { n: 20, a: 44 }), d: bytes("h.n") }) > { h: { a: 1 }, d: Buffer.of(5) }
  = 000010000000000105
text(u8, { max: 3 }) > "ééééééé"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 14
text(u8, { max: 3, unit: "characters" }) > "😀".repeat(4)
  ERR_FIELD_TOO_LONG message: expected at most 3 characters, got 4
text(u8, { encoding: "utf16le", max: 3 }) > "abcdefg"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 14
text(u8) > "é".repeat(1000001)
  ERR_FIELD_TOO_LONG message: expected at most 255 bytes, got 1000001
text(u8) > "é".repeat(1000000)
  ERR_FIELD_TOO_LONG message: expected at most 255 bytes, got 2000000
custom({ name: "c", read: (c) => c.read(array(struct({}), u16be)), write() {}, size: () => 0 }) < 03 e9
  ERR_MESSAGE_LIMIT message: expected at most 1000 elements of no bytes in one message (limits.empty), got more, at byte 2
custom({ name: "c", read: (c) => c.read(cstring()), write() {}, size: () => 0 }) < 61
  ERR_MESSAGE_SHORT message: expected a NUL byte, got the end, at byte 1
custom({ name: "c", read: () => 1, write(c) { c.write(array(struct({}), u16be), Array(1001).fill({})) }, size: () => 2 }) > 1
  ERR_MESSAGE_LIMIT message: expected at most 1000 elements of no bytes in one message (limits.empty), got more
mapped(bytes(rest), { decode: (b) => codecOf(cstring()).decode(b), encode: (v) => v }) < 61
  ERR_MESSAGE_SHORT message: expected a NUL byte, got the end, at byte 1
struct({ a: u8, t: text(0, { unit: "characters" }) }) > { a: 255, t: "" }
  = ff
struct({ t: text(1, { unit: "characters" }), n: u8 }) < e2 82 61
  ERR_MESSAGE_UTF8 t: expected text in utf8, got other bytes, at byte 0
struct({ t: text(2, { unit: "characters" }), b: bytes(rest) }) > { t: "é€", b: Buffer.of() }
  = c3a9e282ac
text(1, { unit: "characters" }) < c0
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 1, at byte 0
text(2, { encoding: "ascii", pad: " " }) < 80 20
  ERR_MESSAGE_VALUE message: expected text in ascii, got other bytes, at byte 0
cstring(3) > "éé"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 4
utf8(3) > "éé"
  ERR_FIELD_TOO_LONG message: expected at most 3 bytes, got 4
u56be < 20 00 00 00 00 00 00
  ERR_MESSAGE_VALUE message: expected a whole number from 0 to 9007199254740991, got 9007199254740992, at byte 0
i56le < 00 00 00 00 00 00 e0
  ERR_MESSAGE_VALUE message: expected a whole number from -9007199254740991 to 9007199254740991, got -9007199254740992, at byte 0
custom({ name: "c", maxSize: 2, read: (c) => { c.take(2); return 1 }, write(c) { c.at += 2 }, size: () => 2 }) > 1
  = 0000
struct({ a: u16be, b: bytes(rest) }) < 01
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: u40le, b: bytes(rest) }) < 01 02 03 04
  ERR_MESSAGE_SHORT a: expected 5 bytes, got 4, at byte 0
struct({ a: u64be, b: bytes(rest) }) < 01 02 03 04 05 06 07
  ERR_MESSAGE_SHORT a: expected 8 bytes, got 7, at byte 0
struct({ a: f32be, b: bytes(rest) }) < 01 02 03
  ERR_MESSAGE_SHORT a: expected 4 bytes, got 3, at byte 0
struct({ a: f64le, b: bytes(rest) }) < 01 02 03 04 05 06 07
  ERR_MESSAGE_SHORT a: expected 8 bytes, got 7, at byte 0
struct({ a: bool, b: bytes(rest) }) < 
  ERR_MESSAGE_SHORT a: expected 1 byte, got 0, at byte 0
struct({ a: varuint, b: bytes(rest) }) < 80
  ERR_MESSAGE_SHORT a: expected 1 byte, got 0, at byte 1
struct({ a: varint, b: bytes(rest) }) < 
  ERR_MESSAGE_SHORT a: expected 1 byte, got 0, at byte 0
struct({ a: varuint64, b: bytes(rest) }) < 80
  ERR_MESSAGE_SHORT a: expected 1 byte, got 0, at byte 1
struct({ a: decimal(3), b: bytes(rest) }) < 30 31
  ERR_MESSAGE_SHORT a: expected 3 bytes, got 2, at byte 0
struct({ a: decimal(until(constant(u8, 10))), b: bytes(rest) }) < 30 31
  ERR_MESSAGE_SHORT a: expected the terminator 0a (hex), got the end, at byte 2
struct({ a: enumeration(u8, { x: 1 }), b: bytes(rest) }) < 
  ERR_MESSAGE_SHORT a: expected 1 byte, got 0, at byte 0
struct({ a: flags(u16be, { x: 1 }), b: bytes(rest) }) < 00
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: bits(u16be, { x: 8, y: 8 }), b: bytes(rest) }) < 00
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: bits(u40le, { x: 20, y: 20 }), b: bytes(rest) }) < 01 02 03 04
  ERR_MESSAGE_SHORT a: expected 5 bytes, got 4, at byte 0
struct({ a: bytes(4), b: bytes(rest) }) < 01 02 03
  ERR_MESSAGE_SHORT a: expected 4 bytes, got 3, at byte 0
struct({ a: bytes(u8), b: bytes(rest) }) < 03 01 02
  ERR_MESSAGE_SHORT a: expected 3 bytes, got 2, at byte 1
struct({ a: bytes(until(constant(u16be, 1))), b: bytes(rest) }) < 01 00
  ERR_MESSAGE_SHORT a: expected the terminator 0001 (hex), got the end, at byte 2
struct({ a: utf8(4), b: bytes(rest) }) < 61 62 63
  ERR_MESSAGE_SHORT a: expected 4 bytes, got 3, at byte 0
struct({ a: utf8(u8), b: bytes(rest) }) < 03 61 62
  ERR_MESSAGE_SHORT a: expected 3 bytes, got 2, at byte 1
struct({ a: text(4, { encoding: "ascii" }), b: bytes(rest) }) < 61 62 63
  ERR_MESSAGE_SHORT a: expected 4 bytes, got 3, at byte 0
struct({ a: text(2, { unit: "characters" }), b: bytes(rest) }) < 61
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: cstring(), b: bytes(rest) }) < 61 62
  ERR_MESSAGE_SHORT a: expected a NUL byte, got the end, at byte 2
struct({ a: constant(u16be, 258), b: bytes(rest) }) < 01
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: constant(bytes(20), Buffer.alloc(20, 1)), b: bytes(rest) }) < 01 01
  ERR_MESSAGE_SHORT a: expected 20 bytes, got 2, at byte 0
struct({ a: padding(3), b: bytes(rest) }) < 00 00
  ERR_MESSAGE_SHORT a: expected 3 bytes, got 2, at byte 0
struct({ a: padding(u8), b: bytes(rest) }) < 02 00
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 1
struct({ x: u8, a: padding({ to: 4 }), b: bytes(rest) }) < 01 00
  ERR_MESSAGE_SHORT a: expected 3 bytes, got 1, at byte 1
struct({ x: u8, a: checksum(u16be, "SUM-16"), b: bytes(rest) }) < 01 00
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 1
struct({ x: u8, a: same(u16be, "x"), b: bytes(rest) }) < 01 00
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 1
struct({ n: sizeOf(u16be, "x"), x: u8, b: bytes(rest) }) < 00
  ERR_MESSAGE_SHORT n: expected 2 bytes, got 1, at byte 0
struct({ n: countOf(u16be, "x"), x: array(u8, 1), b: bytes(rest) }) < 00
  ERR_MESSAGE_SHORT n: expected 2 bytes, got 1, at byte 0
struct({ a: mapped(u16be, { decode: (n) => n, encode: (n) => n }), b: bytes(rest) }) < 01
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: custom({ name: "c", read: (c) => c.read(u16be), write() {}, size: () => 2 }), b: bytes(rest) }) < 01
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: lazy(() => u16be), b: bytes(rest) }) < 01
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
struct({ a: defaulted(u16be, 1), b: bytes(rest) }) < 01
  ERR_MESSAGE_SHORT a: expected 2 bytes, got 1, at byte 0
cstring(2) < 61 62 63
  ERR_FIELD_TOO_LONG message: expected a NUL byte after at most 2 bytes, got none, at byte 0
cstring(2) < 61 62
  ERR_MESSAGE_SHORT message: expected a NUL byte, got the end, at byte 2
struct({ a: cstring(2), b: bytes(rest) }) < 61 62 00
  = { a: "ab", b: Buffer.of() }
bytes(until(constant(u8, 10)), { max: 2 }) < 61 62 63
  ERR_FIELD_TOO_LONG message: expected the terminator 0a (hex) after at most 2 bytes, got none, at byte 0
bytes(until(constant(u8, 10)), { max: 2 }) < 61 62
  ERR_MESSAGE_SHORT message: expected the terminator 0a (hex), got the end, at byte 2
enumeration(decimal(2), { a: 1 }) < 30 32
  ERR_MESSAGE_VALUE message: expected 0x01, got 0x02, at byte 0
struct({ k: enumeration(hexadecimal(2), { a: 1 }), again: same("k") }) > { k: "a" }
  = 30313031
struct({ h: bits(u64be, { n: 32, a: 32 }), b: bytes("h.n") }) > { h: { a: 1 }, b: Buffer.of(5) }
  = 000000010000000105
struct({ a: cstring(), b: u32be, c: utf8(u8) }) > { a: "", b: 1, c: "cd" }
  = 0000000001026364
struct({ d: bytes(rest), c: custom({ name: "c", read: () => 5, write() {}, size: () => 0 }) }) > { d: Buffer.of(1), c: 5 }
  = 01
struct({ d: defaulted(u8, 1), k: same("d") }) > { d: 5 }
  = 0505
f32le > 1.5
  = 0000c03f
f32be > 1.5
  = 3fc00000
f64le > 1.5
  = 000000000000f83f
f64be > -1.5
  = bff8000000000000
struct({ p: padding(u8), o: optional(u8, rest) }) > { o: 5 }
  = 0005
struct({ id: u16be, list: array(struct({ more: bool, again: same("id") }), until("more", false)) }) > { id: 5, list: [{ more: true }, { more: false }] }
  = 0005010005000005
struct({ id: u16be, list: array(struct({ more: bool, again: same("id") }), until("more", false)) }) < 00 05 01 00 06 00 00 05
  ERR_MESSAGE_VALUE list[0].again: expected 5, as 'id' says, got 6, at byte 3
struct({ id: u16be, list: array(struct({ again: same("id") }), until(constant(u8, 255))) }) > { id: 5, list: [{}, {}] }
  = 000500050005ff
struct({ id: u16be, u: union(u8, { a: message(1, { again: same("id") }), b: message(2) }) }) > { id: 5, u: { type: "a" } }
  = 0005010005
struct({ id: u16be, u: union(u8, { a: message(1, { again: same("id") }) }, { otherwise: "unknown" }) }) > { id: 5, u: { type: "unknown", tag: 3, payload: Buffer.of(1) } }
  = 00050301
struct({ id: u16be, has: bool, o: optional(struct({ again: same("id") }), when("has")) }) > { id: 5, has: true, o: {} }
  = 0005010005
struct({ id: u16be, o: optional(same("id"), rest) }) > { id: 5, o: 5 }
  = 00050005
codecOf(array(struct({ v: custom({ name: "c", read: () => 0, write() {}, size: () => 0 }) }), until("v", 1)), { limits: { empty: 2 } }) < 01
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more, at byte 0
codecOf(array(struct({ n: u8, list: array(struct({ v: custom({ name: "c", read: () => 1, write() {}, size: () => 0 }) }), until("v", 1)) }), u8), { limits: { empty: 2 } }) > [{ n: 9, list: [{ v: 1 }] }, { n: 9, list: [{ v: 1 }] }]
  = 020909
codecOf(array(struct({ n: u8, list: array(struct({ v: custom({ name: "c", read: () => 1, write() {}, size: () => 0 }) }), until("v", 1)) }), u8), { limits: { empty: 2 } }) > [{ n: 9, list: [{ v: 1 }] }, { n: 9, list: [{ v: 1 }] }, { n: 9, list: [{ v: 1 }] }]
  ERR_MESSAGE_LIMIT [2].list: expected at most 2 elements of no bytes in one message (limits.empty), got more
codecOf(array(struct({ n: u8, list: array(struct({ v: custom({ name: "c", read: () => 1, write() {}, size: () => 0 }) }), until("v", 1)) }), u8), { limits: { empty: 2 } }) < 03 09 09 09
  ERR_MESSAGE_LIMIT [2].list: expected at most 2 elements of no bytes in one message (limits.empty), got more, at byte 4
codecOf(array(struct({ more: bool }), until("more", false)), { limits: { empty: 1 } }) > [{ more: true }, { more: true }, { more: false }]
  = 010100
codecOf(array(struct({}), until(constant(u8, 0))), { limits: { empty: 2 } }) < 01
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more, at byte 0
codecOf(array(custom({ name: "c", read: (c) => c.read(u8), write(c, v) { if (v) c.write(u8, v); }, size: (v) => v ? 1 : 0 }), until(constant(u8, 0))), { limits: { empty: 2 } }) > [0, 0, 0, 5]
  ERR_MESSAGE_LIMIT message: expected at most 2 elements of no bytes in one message (limits.empty), got more
codecOf(array(custom({ name: "c", read: (c) => c.read(u8), write(c, v) { if (v) c.write(u8, v); }, size: (v) => v ? 1 : 0 }), until(constant(u8, 0))), { limits: { empty: 2 } }) > [1, 2, 3]
  = 01020300
struct({ has: bool, n: u16be, rows: array(array(optional(u8, when("has")), "n"), 2) }) < 00 02 58
  ERR_MESSAGE_LIMIT rows[1]: expected at most 1000 elements of no bytes in one message (limits.empty), got more, at byte 3
array(struct({ more: bool }), until("more", false), { max: 2 }) < 01 01 01
  ERR_FIELD_TOO_LONG message: expected at most 2 elements, got more, at byte 2
array(struct({ more: bool, o: optional(u8, rest) }), until("more", false)) > [{ more: true }, { more: false }]
  ERR_FIELD_RANGE [1].o: expected nothing after a field that takes the rest, got 1 byte more
array(u8, until(constant(u16be, 1))) < 05 00
  ERR_MESSAGE_SHORT message: expected an element or the terminator 0001 (hex), got the end, at byte 2
messages("tag", { a: message([1, 2]) }, { header: { tag: u8 } }) > { type: "a", tag: 2 }
  = 02
messages("tag", { a: message(1) }, { header: { tag: u8 }, otherwise: "unknown" }) > { type: "unknown", tag: 2, payload: Buffer.of(1) }
  = 0201
messages(u8, { a: message(1) }, { header: { tag: u8, payload: u8 } }) > { type: "a", tag: 7, payload: 9 }
  = 070901
union(u8, { a: message([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) }) < 00
  ERR_MESSAGE_UNKNOWN message: expected the tag 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, got 0x00, at byte 0
union(u8, { a: message([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]) }) < 00
  ERR_MESSAGE_UNKNOWN message: expected the tag 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c …, got 0x00, at byte 0
messages(u16be, { a: message(1) }) < 00
  ERR_MESSAGE_SHORT message: expected 2 bytes, got 1, at byte 0
messages("k", { a: message(1) }, { header: { k: u8, id: u32be } }) < 01 00
  ERR_MESSAGE_SHORT message: expected 5 bytes, got 2, at byte 0
struct({ z: u8, u: union(u8, { a: message(1, { x: u8, sum: checksum(u8, "SUM-8") }), b: message(2) }) }) > { z: 9, u: { type: "a", x: 5 } }
  = 09010506
struct({ z: u8, u: union(u8, { a: message(1, { p: padding({ to: 4 }) }), b: message(2) }) }) > { z: 9, u: { type: "a" } }
  = 09010000
codecOf(union(parameter("k"), { a: message(1) }), { parameters: { k: { default: 1, min: 1, max: 2 } } }) > { type: "b" }
  ERR_FIELD_RANGE message: expected type 'a', got "b"
struct({ h: struct({ items: countOf(u8, "items") }), items: array(u8, rest) }) > { items: [1, 2] }
  = 020102
struct({ h: struct({ n: sizeOf(u8, "h"), b: bytes(rest) }) }) > { h: { b: Buffer.of(1, 2) } }
  = 030102
struct({ h: struct({ n: u8, m: sizeOf(u8, "b") }), b: bytes("h.n") }) > { h: 5, b: Buffer.of(1) }
  ERR_FIELD_RANGE h: expected an object, got 5
struct({ has: u8, h: optional(bits(u8, { a: 4, n: 4 }), when("has", 1)), b: bytes("h.n") }) > { has: 1, h: { a: 3 }, b: Buffer.of(1, 2) }
  = 01320102
struct({ v: u8, o: optional(defaulted(u8, 5), when("v", 1)) }) > { v: 1 }
  ERR_FIELD_RANGE o: expected a value, as 'v' asks for it, got undefined
struct({ v: u8, o: optional(bytes(rest), when("v", 1)) }) > { v: 1, o: Buffer.of() }
  = 01
array(u16be, rest) > [1, 2]
  = 00010002
array(u16be, rest) < 00 01 00
  ERR_MESSAGE_SHORT [1]: expected 2 bytes, got 1, at byte 2
struct({ t: utf8(1), o: optional(u8, when("t", { min: 3 })) }) > { t: "5" }
  = 35
struct({ v: u8, o: optional(u8, when("v", 1, 2, { min: 4 })) }) > { v: 2, o: 1 }
  = 0201
struct({ v: u8, o: optional(u8, when("v", { min: 3, max: 3 })) }) > { v: 3, o: 1 }
  = 0301
struct({ v: u8, b: bytes(rest), o: optional(u8, when("v", 1)) }) > { v: 1, b: Buffer.of(7, 8), o: 9 }
  = 01070809
struct({ v: u8, b: bytes(rest), o: optional(u8, when("v", 1)) }) > { v: 0, b: Buffer.of(7, 8) }
  = 000708
`;

/** `01 78 × 3` is 01 78 78 78: the last group, repeated. */
function bytesOf(text: string): Buffer {
  const [, first = '', last = '', times] = /^(.*?)(?:(\w+) × (\d+))?$/.exec(text)!;
  return hex(first + last.repeat(Number(times ?? 0)));
}

const rows = OUTCOMES.trim()
  .split(/\n(?! )/)
  .map((row): [string, string, string, string] => {
    const [, declaration, way, given, due] = /^(.*?) ([<>]) ?(.*)\n {2}(.*)$/.exec(row)!;
    return [declaration!, way!, given!, due!];
  });

it.each(rows.filter(([, way]) => way === '>'))('%s %s %s', (declaration, _, given, due) => {
  const codec = codecFrom(declaration);
  const value = () => evaluate(given);
  if (due.startsWith('=')) {
    const bytes = bytesOf(due.slice(2));
    expectWritten(codec, value, bytes);
    const read = codec.decode(bytes);
    expectRead(codec, bytes, read);
    expect(codec.encode(read)).toEqual(bytes);
    return;
  }
  const { encode, bound } = compile(codec.declaration)!;
  const target = Buffer.alloc(bound(value()) + 4, 0xee);
  expect(encode(value(), target, 3)).toBe(-1);
  expect(target.at(-1)).toBe(0xee);
  expect(refusal(() => codec.encode(value()))).toBe(due);
  expect(refusal(() => encodeByWalking(codec.declaration, value()))).toBe(due);
});

it.each(rows.filter(([, way]) => way === '<'))('%s %s %s', (declaration, _, given, due) => {
  const codec = codecFrom(declaration);
  if (due.startsWith('=')) expectRead(codec, bytesOf(given), evaluate(due.slice(2)));
  else expectRefused(codec, bytesOf(given), due);
});
