import { expect, it } from 'vitest';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import { isNode } from '../../../src/protocol/fields/node.ts';
import { evaluate } from './vectors.ts';

/**
 * What is known of a declared field, a line for each fact: what engines, tools and enclosing fields get to know of it. A field
 * inside is its maker's name.
 */
function factsOf(declaration: string): string[] {
  const given = evaluate(declaration);
  const made = isNode(given) ? given : (given as DeclaredCodec<unknown>).declaration.root;
  const { kind, facts } = made;
  const { size, references, traits, costs } = facts;
  const lines = {
    size: size.min === size.max ? size.min : [size.min, size.max],
    references,
    traits: Object.entries(traits).flatMap(([name, holds]) => (holds ? [name] : [])),
    costs: Object.fromEntries(Object.entries(costs).filter(([, cost]) => cost > 0)),
    shape: kind.shape(made),
    call: kind.call(made),
    range: kind.range?.(made),
    slot: kind.slot?.(made),
    members: kind.members && [...kind.members(made).keys()],
    foreseen: kind.foreseen?.(made)?.paths,
    repeats: kind.repeats?.(made),
  };
  return Object.entries(lines).flatMap(([name, fact]) => {
    const shown = text(fact);
    return ['undefined', '[]', '{}'].includes(shown) ? [] : [`${name} ${shown}`];
  });
}

function text(value: unknown): string {
  if (isNode(value)) return `<${value.kind.call(value).maker}>`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex') || 'no bytes';
  if (value instanceof Map) return text(Object.fromEntries(value));
  if (value instanceof Set) return text([...value]);
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if ('compute' in value) return String((value as { name?: unknown }).name);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return members.length === 0
    ? '{}'
    : `{ ${members.map(([name, member]) => `${name}: ${text(member)}`).join(', ')} }`;
}

/** A declaration, and under it what is known of it. */
const FACTS = `
u8
  size 1
  shape { is: 'integer', width: 1, signed: false, order: 'le' }
  call { maker: 'u8' }
  range { min: 0, max: 255 }
  slot { width: 1, order: 'le', min: 0, max: 255 }
i8
  size 1
  shape { is: 'integer', width: 1, signed: true, order: 'le' }
  call { maker: 'i8' }
  range { min: -128, max: 127 }
  slot { width: 1, order: 'le', min: -128, max: 127 }
u16le
  size 2
  shape { is: 'integer', width: 2, signed: false, order: 'le' }
  call { maker: 'u16le' }
  range { min: 0, max: 65535 }
  slot { width: 2, order: 'le', min: 0, max: 65535 }
i24be
  size 3
  shape { is: 'integer', width: 3, signed: true, order: 'be' }
  call { maker: 'i24be' }
  range { min: -8388608, max: 8388607 }
  slot { width: 3, order: 'be', min: -8388608, max: 8388607 }
u32be
  size 4
  shape { is: 'integer', width: 4, signed: false, order: 'be' }
  call { maker: 'u32be' }
  range { min: 0, max: 4294967295 }
  slot { width: 4, order: 'be', min: 0, max: 4294967295 }
u40le
  size 5
  shape { is: 'integer', width: 5, signed: false, order: 'le' }
  call { maker: 'u40le' }
  range { min: 0, max: 1099511627775 }
  slot { width: 5, order: 'le', min: 0, max: 1099511627775 }
i48be
  size 6
  shape { is: 'integer', width: 6, signed: true, order: 'be' }
  call { maker: 'i48be' }
  range { min: -140737488355328, max: 140737488355327 }
  slot { width: 6, order: 'be', min: -140737488355328, max: 140737488355327 }
i56be
  size 7
  shape { is: 'integer', width: 7, signed: true, order: 'be' }
  call { maker: 'i56be' }
  range { min: -9007199254740991, max: 9007199254740991 }
  slot { width: 7, order: 'be', min: -9007199254740991, max: 9007199254740991 }
u56le
  size 7
  shape { is: 'integer', width: 7, signed: false, order: 'le' }
  call { maker: 'u56le' }
  range { min: 0, max: 9007199254740991 }
  slot { width: 7, order: 'le', min: 0, max: 9007199254740991 }
u64le
  size 8
  shape { is: 'integer', width: 8, signed: false, order: 'le', big: true }
  call { maker: 'u64le' }
  range { min: 0, max: 18446744073709552000, big: true }
  slot { width: 8, order: 'le', min: 0, max: 18446744073709552000, big: true, put: a function }
i64be
  size 8
  shape { is: 'integer', width: 8, signed: true, order: 'be', big: true }
  call { maker: 'i64be' }
  range { min: -9223372036854776000, max: 9223372036854776000, big: true }
  slot { width: 8, order: 'be', min: -9223372036854776000, max: 9223372036854776000, big: true, put: a function }
f32le
  size 4
  shape { is: 'float', width: 4, order: 'le' }
  call { maker: 'f32le' }
f32be
  size 4
  shape { is: 'float', width: 4, order: 'be' }
  call { maker: 'f32be' }
f64le
  size 8
  shape { is: 'float', width: 8, order: 'le' }
  call { maker: 'f64le' }
f64be
  size 8
  shape { is: 'float', width: 8, order: 'be' }
  call { maker: 'f64be' }
bool
  size 1
  shape { is: 'integer', width: 1, signed: false, order: 'le', truth: true }
  call { maker: 'bool' }
varuint
  size [1, 10]
  shape { is: 'varint', zigzag: false }
  call { maker: 'varuint' }
  range { min: 0, max: 9007199254740991 }
varint
  size [1, 10]
  shape { is: 'varint', zigzag: true }
  call { maker: 'varint' }
  range { min: -4503599627370496, max: 4503599627370495 }
varuint64
  size [1, 10]
  shape { is: 'varint', zigzag: false, signed: false, order: 'le', big: true }
  call { maker: 'varuint64' }
  range { min: 0, max: 18446744073709552000, big: true }
varint64
  size [1, 10]
  shape { is: 'varint', zigzag: true, signed: false, order: 'le', big: true }
  call { maker: 'varint64' }
  range { min: -9223372036854776000, max: 9223372036854776000, big: true }
sleb128
  size [1, 10]
  shape { is: 'varint', zigzag: false, signed: true, order: 'le', big: false }
  call { maker: 'sleb128' }
  range { min: -9007199254740991, max: 9007199254740991, big: false }
vlq
  size [1, 10]
  shape { is: 'varint', zigzag: false, signed: false, order: 'be', big: false }
  call { maker: 'vlq' }
  range { min: 0, max: 9007199254740991, big: false }
decimal(4)
  size 4
  shape { is: 'digits', width: 4, base: 10, range: { min: 0, max: 9999 } }
  call { maker: 'decimal', width: { from: 'literal', value: 4 }, signed: false }
  range { width: 4, order: 'be', min: 0, max: 9999, put: a function }
  slot { width: 4, order: 'be', min: 0, max: 9999, put: a function }
decimal(4, { signed: true })
  size 4
  shape { is: 'digits', width: 4, base: 10, range: { min: -999, max: 9999 } }
  call { maker: 'decimal', width: { from: 'literal', value: 4 }, signed: true }
  range { width: 4, order: 'be', min: -999, max: 9999, put: a function }
  slot { width: 4, order: 'be', min: -999, max: 9999, put: a function }
hexadecimal(2)
  size 2
  shape { is: 'digits', width: 2, base: 16, range: { min: 0, max: 255 } }
  call { maker: 'hexadecimal', width: { from: 'literal', value: 2 } }
  range { width: 2, order: 'be', min: 0, max: 255, put: a function }
  slot { width: 2, order: 'be', min: 0, max: 255, put: a function }
decimal(until(constant(u8, 10)))
  size [2, 16]
  shape { is: 'digits', width: 15, base: 10, range: { min: 0, max: 999999999999999 }, length: { from: 'terminator', bytes: 0a } }
  call { maker: 'decimal', width: { from: 'terminator', bytes: 0a }, signed: false }
  range { min: 0, max: 999999999999999 }
decimal(until(constant(u8, 10)), { signed: true })
  size [2, 17]
  shape { is: 'digits', width: 16, base: 10, range: { min: -999999999999999, max: 999999999999999 }, length: { from: 'terminator', bytes: 0a } }
  call { maker: 'decimal', width: { from: 'terminator', bytes: 0a }, signed: true }
  range { min: -999999999999999, max: 999999999999999 }
hexadecimal(until(constant(u16be, 0x0d0a)))
  size [3, 15]
  shape { is: 'digits', width: 13, base: 16, range: { min: 0, max: 4503599627370495 }, length: { from: 'terminator', bytes: 0d0a } }
  call { maker: 'hexadecimal', width: { from: 'terminator', bytes: 0d0a } }
  range { min: 0, max: 4503599627370495 }
enumeration(u8, { off: 0, on: 1 })
  size 1
  shape { is: 'integer', width: 1, signed: false, order: 'le', names: { byValue: { 0: 'off', 1: 'on' }, closed: true } }
  call { maker: 'enumeration', base: <u8>, names: { off: 0, on: 1 }, unknown: 'reject' }
  slot { width: 1, order: 'le', min: 0, max: 255, byName: { off: 0, on: 1 }, needed: false }
enumeration(i16be, { off: -1, on: 1 }, { unknown: 'keep' })
  size 2
  shape { is: 'integer', width: 2, signed: true, order: 'be', names: { byValue: { 1: 'on', -1: 'off' }, closed: false } }
  call { maker: 'enumeration', base: <i16be>, names: { off: -1, on: 1 }, unknown: 'keep' }
  slot { width: 2, order: 'be', min: -32768, max: 32767, byName: { off: -1, on: 1 }, needed: false }
enumeration(varuint, { off: 0, on: 300 })
  size [1, 10]
  shape { is: 'varint', zigzag: false, names: { byValue: { 0: 'off', 300: 'on' }, closed: true } }
  call { maker: 'enumeration', base: <varuint>, names: { off: 0, on: 300 }, unknown: 'reject' }
flags(u16le, { urgent: 0, signed: 15 })
  size 2
  shape { is: 'integer', width: 2, signed: false, order: 'le', bits: [{ name: 'urgent', shift: 0, width: 1, truth: true }, { name: 'signed', shift: 15, width: 1, truth: true }] }
  call { maker: 'flags', base: <u16le>, names: { urgent: 0, signed: 15 }, unknown: 'reject' }
  members ['urgent', 'signed']
flags(u8, { urgent: 0 }, { unknown: 'ignore' })
  size 1
  shape { is: 'integer', width: 1, signed: false, order: 'le', bits: [{ name: 'urgent', shift: 0, width: 1, truth: true }], otherBits: 'ignored' }
  call { maker: 'flags', base: <u8>, names: { urgent: 0 }, unknown: 'ignore' }
  members ['urgent']
bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 })
  size 1
  shape { is: 'integer', width: 1, signed: false, order: 'le', bits: [{ name: 'kind', shift: 4, width: 4 }, { name: 'dup', shift: 3, width: 1 }, { name: 'qos', shift: 1, width: 2 }, { name: 'retain', shift: 0, width: 1 }] }
  call { maker: 'bits', base: 'u8', members: [{ name: 'kind', shift: 4, width: 4 }, { name: 'dup', shift: 3, width: 1 }, { name: 'qos', shift: 1, width: 2 }, { name: 'retain', shift: 0, width: 1 }] }
  members ['kind', 'dup', 'qos', 'retain']
bits(u16le, { a: { width: 3, signed: true }, b: { width: 4, constant: 9 }, c: 9 }, { first: 'least' })
  size 2
  shape { is: 'integer', width: 2, signed: false, order: 'le', bits: [{ name: 'a', shift: 0, width: 3, signed: true }, { name: 'b', shift: 3, width: 4, constant: 9 }, { name: 'c', shift: 7, width: 9 }] }
  call { maker: 'bits', base: 'u16le', members: [{ name: 'a', shift: 0, width: 3, signed: true }, { name: 'b', shift: 3, width: 4, constant: 9 }, { name: 'c', shift: 7, width: 9 }] }
  members ['a', 'c']
bits(u64be, { a: 60, b: 4 })
  size 8
  shape { is: 'integer', width: 8, signed: false, order: 'be', bits: [{ name: 'a', shift: 4, width: 60 }, { name: 'b', shift: 0, width: 4 }] }
  call { maker: 'bits', base: 'u64be', members: [{ name: 'a', shift: 4, width: 60 }, { name: 'b', shift: 0, width: 4 }] }
  members ['a', 'b']
bytes(4)
  size 4
  traits ['view']
  shape { is: 'bytes', length: { from: 'literal', value: 4 }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'literal', value: 4 }, max: 10000000 }
bytes(u8)
  size [1, 256]
  traits ['view']
  shape { is: 'bytes', length: { from: 'prefix', node: <u8> }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'prefix', node: <u8> }, max: 10000000 }
bytes(u32be, { max: 300 })
  size [4, 304]
  traits ['view']
  shape { is: 'bytes', length: { from: 'prefix', node: <u32be> }, max: 300 }
  call { maker: 'bytes', size: { from: 'prefix', node: <u32be> }, max: 300 }
bytes(varuint)
  size [1, Infinity]
  traits ['view']
  shape { is: 'bytes', length: { from: 'prefix', node: <varuint> }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'prefix', node: <varuint> }, max: 10000000 }
bytes(rest)
  size [0, Infinity]
  traits ['view', 'takesRest', 'mayTakeRest']
  shape { is: 'bytes', length: { from: 'rest' }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'rest' }, max: 10000000 }
bytes('h.n')
  size [0, Infinity]
  references [{ path: 'h.n', use: 'size' }]
  traits ['view']
  shape { is: 'bytes', length: { from: 'path', path: 'h.n' }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'path', path: 'h.n' }, max: 10000000 }
  foreseen ['h.n']
bytes(parameter('n'))
  size [0, Infinity]
  references [{ path: 'n', use: 'parameter' }]
  traits ['view']
  shape { is: 'bytes', length: { from: 'parameter', name: 'n' }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'parameter', name: 'n' }, max: 10000000 }
bytes(size(u16be, { add: -2, unit: 4, nullAt: 7 }))
  size [2, 262140]
  traits ['view']
  shape { is: 'bytes', length: { from: 'prefix', node: <u16be>, adjusted: { add: -2, unit: 4, nullAt: 7 } }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'prefix', node: <u16be>, adjusted: { add: -2, unit: 4, nullAt: 7 } }, max: 10000000 }
bytes(size('n', { unit: 4 }))
  size [0, Infinity]
  references [{ path: 'n', use: 'size' }]
  traits ['view']
  shape { is: 'bytes', length: { from: 'path', path: 'n', adjusted: { add: 0, unit: 4 } }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'path', path: 'n', adjusted: { add: 0, unit: 4 } }, max: 10000000 }
  foreseen ['n']
bytes(size(rest, { upTo: 16 }))
  size [0, 16]
  traits ['view', 'mayTakeRest']
  shape { is: 'bytes', length: { from: 'rest', upTo: 16 }, max: 10000000 }
  call { maker: 'bytes', size: { from: 'rest', upTo: 16 }, max: 10000000 }
bytes(until(constant(u16be, 0x0d0a)), { max: 9 })
  size [2, Infinity]
  traits ['view']
  shape { is: 'bytes', length: { from: 'terminator', bytes: 0d0a }, max: 9 }
  call { maker: 'bytes', size: { from: 'terminator', bytes: 0d0a }, max: 9 }
utf8(4)
  size 4
  costs { text: 4 }
  shape { is: 'text', length: { from: 'literal', value: 4 }, max: 10000000 }
  call { maker: 'utf8', size: { from: 'literal', value: 4 }, max: 10000000 }
utf8(u8)
  size [1, 256]
  costs { text: 255 }
  shape { is: 'text', length: { from: 'prefix', node: <u8> }, max: 10000000 }
  call { maker: 'utf8', size: { from: 'prefix', node: <u8> }, max: 10000000 }
utf8(rest)
  size [0, Infinity]
  traits ['takesRest', 'mayTakeRest']
  costs { text: 10000000 }
  shape { is: 'text', length: { from: 'rest' }, max: 10000000 }
  call { maker: 'utf8', size: { from: 'rest' }, max: 10000000 }
utf8(size('n', { nullAt: 0 }))
  size [0, Infinity]
  references [{ path: 'n', use: 'size', nullAt: 0 }]
  costs { text: 10000000 }
  shape { is: 'text', length: { from: 'path', path: 'n', adjusted: { add: 0, unit: 1, nullAt: 0 } }, max: 10000000 }
  call { maker: 'utf8', size: { from: 'path', path: 'n', adjusted: { add: 0, unit: 1, nullAt: 0 } }, max: 10000000 }
  foreseen ['n']
utf8(until(constant(u8, 10)), { max: 9 })
  size [1, Infinity]
  costs { text: 9 }
  shape { is: 'text', length: { from: 'terminator', bytes: 0a }, max: 9, form: { encoding: 'utf8', unit: 'bytes' } }
  call { maker: 'text', size: { from: 'terminator', bytes: 0a }, max: 9, encoding: 'utf8', unit: 'bytes' }
text(6, { encoding: 'utf16le', pad: ' ' })
  size 6
  costs { text: 6 }
  shape { is: 'text', length: { from: 'literal', value: 6 }, max: 10000000, form: { encoding: 'utf16le', unit: 'bytes', pad: ' ' } }
  call { maker: 'text', size: { from: 'literal', value: 6 }, max: 10000000, encoding: 'utf16le', unit: 'bytes', pad: ' ' }
text(u8, { encoding: 'utf16be', unit: 'characters' })
  size [1, 511]
  costs { text: 510 }
  shape { is: 'text', length: { from: 'prefix', node: <u8> }, max: 10000000, form: { encoding: 'utf16be', unit: 'characters' } }
  call { maker: 'text', size: { from: 'prefix', node: <u8> }, max: 10000000, encoding: 'utf16be', unit: 'characters' }
text(u8, { unit: 'characters', max: 9 })
  size [1, 37]
  costs { text: 36 }
  shape { is: 'text', length: { from: 'prefix', node: <u8> }, max: 9, form: { encoding: 'utf8', unit: 'characters' } }
  call { maker: 'text', size: { from: 'prefix', node: <u8> }, max: 9, encoding: 'utf8', unit: 'characters' }
text(until(constant(u16be, 0)), { encoding: 'utf16be', max: 8 })
  size [2, Infinity]
  costs { text: 8 }
  shape { is: 'text', length: { from: 'terminator', bytes: 0000 }, max: 8, form: { encoding: 'utf16be', unit: 'bytes' } }
  call { maker: 'text', size: { from: 'terminator', bytes: 0000 }, max: 8, encoding: 'utf16be', unit: 'bytes' }
text('n', { encoding: 'latin1' })
  size [0, Infinity]
  references [{ path: 'n', use: 'size' }]
  costs { text: 10000000 }
  shape { is: 'text', length: { from: 'path', path: 'n' }, max: 10000000, form: { encoding: 'latin1', unit: 'bytes' } }
  call { maker: 'text', size: { from: 'path', path: 'n' }, max: 10000000, encoding: 'latin1', unit: 'bytes' }
  foreseen ['n']
text(rest, { encoding: 'ascii' })
  size [0, Infinity]
  traits ['takesRest', 'mayTakeRest']
  costs { text: 10000000 }
  shape { is: 'text', length: { from: 'rest' }, max: 10000000, form: { encoding: 'ascii', unit: 'bytes' } }
  call { maker: 'text', size: { from: 'rest' }, max: 10000000, encoding: 'ascii', unit: 'bytes' }
cstring()
  size [1, 65536]
  costs { text: 65535 }
  shape { is: 'text', length: { from: 'terminator', bytes: 00 }, max: 65535 }
  call { maker: 'cstring', max: 65535 }
cstring(9)
  size [1, 10]
  costs { text: 9 }
  shape { is: 'text', length: { from: 'terminator', bytes: 00 }, max: 9 }
  call { maker: 'cstring', max: 9 }
array(u16be, 3)
  size 6
  costs { elements: 3 }
  shape { is: 'list', item: <u16be>, count: { from: 'literal', value: 3 }, max: 1000000 }
  call { maker: 'array', item: <u16be>, count: { from: 'literal', value: 3 }, max: 1000000 }
  repeats 3
array(u16be, u8)
  size [1, 511]
  costs { elements: 255 }
  shape { is: 'list', item: <u16be>, count: { from: 'prefix', node: <u8> }, max: 1000000 }
  call { maker: 'array', item: <u16be>, count: { from: 'prefix', node: <u8> }, max: 1000000 }
  repeats 255
array(utf8(u8), u32be, { max: 10 })
  size [4, 2564]
  costs { elements: 10, text: 2550 }
  shape { is: 'list', item: <utf8>, count: { from: 'prefix', node: <u32be> }, max: 10 }
  call { maker: 'array', item: <utf8>, count: { from: 'prefix', node: <u32be> }, max: 10 }
  repeats 10
array(struct({}), u8)
  size 1
  costs { elements: 255, empty: 255 }
  shape { is: 'list', item: <struct>, count: { from: 'prefix', node: <u8> }, max: 1000000 }
  call { maker: 'array', item: <struct>, count: { from: 'prefix', node: <u8> }, max: 1000000 }
  repeats 255
array(u8, 'n')
  size [0, Infinity]
  references [{ path: 'n', use: 'size' }]
  costs { elements: 1000000 }
  shape { is: 'list', item: <u8>, count: { from: 'path', path: 'n' }, max: 1000000 }
  call { maker: 'array', item: <u8>, count: { from: 'path', path: 'n' }, max: 1000000 }
  foreseen ['n']
  repeats 1000000
array(u16be, rest)
  size [0, Infinity]
  traits ['takesRest', 'mayTakeRest']
  costs { elements: 1000000 }
  shape { is: 'list', item: <u16be>, count: { from: 'rest' }, max: 1000000 }
  call { maker: 'array', item: <u16be>, count: { from: 'rest' }, max: 1000000 }
  repeats 1000000
array(optional(u8), size(varuint, { add: -1, nullAt: 0 }))
  size [1, Infinity]
  costs { elements: 1000000 }
  shape { is: 'list', item: <optional>, count: { from: 'prefix', node: <varuint>, adjusted: { add: -1, unit: 1, nullAt: 0 } }, max: 1000000 }
  call { maker: 'array', item: <optional>, count: { from: 'prefix', node: <varuint>, adjusted: { add: -1, unit: 1, nullAt: 0 } }, max: 1000000 }
  repeats 1000000
array(utf8(u8), until(constant(u8, 0)), { max: 127 })
  size [1, Infinity]
  traits ['reads']
  costs { elements: 127, text: 32385 }
  shape { is: 'list', item: <utf8>, count: { from: 'terminator', bytes: 00 }, max: 127 }
  call { maker: 'array', item: <utf8>, count: { from: 'terminator', bytes: 00 }, max: 127 }
  repeats 127
array(struct({ more: bool, n: u8 }), until('more', false))
  size [2, Infinity]
  costs { elements: 1000000 }
  shape { is: 'list', item: <struct>, count: { from: 'last', path: 'more', is: false }, max: 1000000 }
  call { maker: 'array', item: <struct>, count: { from: 'last', path: 'more', is: false }, max: 1000000 }
  repeats 1000000
array(struct({ n: u8, text: utf8(u8) }), until('n', 9), { max: 5 })
  size [2, Infinity]
  costs { elements: 5, text: 1275 }
  shape { is: 'list', item: <struct>, count: { from: 'last', path: 'n', is: 9 }, max: 5 }
  call { maker: 'array', item: <struct>, count: { from: 'last', path: 'n', is: 9 }, max: 5 }
  repeats 5
array(struct({ h: struct({ more: bool }), o: optional(u8, rest) }), until('h.more', false))
  size [1, Infinity]
  traits ['mayTakeRest']
  costs { elements: 1000000 }
  shape { is: 'list', item: <struct>, count: { from: 'last', path: 'h.more', is: false }, max: 1000000 }
  call { maker: 'array', item: <struct>, count: { from: 'last', path: 'h.more', is: false }, max: 1000000 }
  repeats 1000000
array(struct({ n: u8, o: optional(u8, rest) }), until(constant(u8, 0)))
  size [1, Infinity]
  traits ['reads', 'mayTakeRest']
  costs { elements: 1000000 }
  shape { is: 'list', item: <struct>, count: { from: 'terminator', bytes: 00 }, max: 1000000 }
  call { maker: 'array', item: <struct>, count: { from: 'terminator', bytes: 00 }, max: 1000000 }
  repeats 1000000
array(bytes(rest), size(u8, { add: 1 }))
  size [1, Infinity]
  traits ['mayTakeRest']
  costs { elements: 256, empty: 256 }
  shape { is: 'list', item: <bytes>, count: { from: 'prefix', node: <u8>, adjusted: { add: 1, unit: 1 } }, max: 1000000 }
  call { maker: 'array', item: <bytes>, count: { from: 'prefix', node: <u8>, adjusted: { add: 1, unit: 1 } }, max: 1000000 }
  repeats 256
struct({})
  size 0
  shape { is: 'group', members: [], derived: [] }
  call { maker: 'struct', fields: [] }
struct({ n: u8, b: bytes('n'), k: u8, u: union('k', { a: message(1) }) })
  size [2, Infinity]
  shape { is: 'group', members: [['n', <u8>], ['b', <bytes>], ['k', <u8>], ['u', <union>]], derived: ['n', 'k'] }
  call { maker: 'struct', fields: [['n', <u8>], ['b', <bytes>], ['k', <u8>], ['u', <union>]] }
  members ['n', 'b', 'k', 'u']
struct({ a: bytes('n'), c: utf8(u8), z: constant(u8, 1) })
  size [2, Infinity]
  references [{ path: 'n', use: 'size' }]
  costs { text: 255 }
  shape { is: 'group', members: [['a', <bytes>], ['c', <utf8>], ['z', <constant>]], derived: [] }
  call { maker: 'struct', fields: [['a', <bytes>], ['c', <utf8>], ['z', <constant>]] }
  members ['a', 'c', 'z']
struct({ h: struct({ n: u8 }), b: bytes('h.n'), s: checksum(u8, 'SUM-8') })
  size [2, Infinity]
  shape { is: 'group', members: [['h', <struct>], ['b', <bytes>], ['s', <checksum>]], derived: [] }
  call { maker: 'struct', fields: [['h', <struct>], ['b', <bytes>], ['s', <checksum>]] }
  members ['h', 'b', 's']
struct({ d: bytes(rest), n: u16be, end: constant(u8, 3) })
  size [3, Infinity]
  traits ['takesRest', 'mayTakeRest']
  shape { is: 'group', members: [['d', <bytes>], ['n', <u16be>], ['end', <constant>]], derived: [] }
  call { maker: 'struct', fields: [['d', <bytes>], ['n', <u16be>], ['end', <constant>]] }
  members ['d', 'n', 'end']
optional(u16be)
  size [1, 3]
  shape { is: 'maybe', item: <u16be> }
  call { maker: 'optional', item: <u16be> }
optional(utf8(u8), when('n', 2))
  size [0, 256]
  references [{ path: 'n', use: 'condition' }]
  costs { text: 255 }
  shape { is: 'maybe', item: <utf8>, when: { field: 'n', is: [2] } }
  call { maker: 'optional', item: <utf8>, when: { field: 'n', is: [2] } }
optional(bytes(4), unless('f.x'))
  size [0, 4]
  references [{ path: 'f.x', use: 'condition' }]
  shape { is: 'maybe', item: <bytes>, when: { field: 'f.x', is: [true], not: true } }
  call { maker: 'optional', item: <bytes>, when: { field: 'f.x', is: [true], not: true } }
  foreseen ['f.x']
optional(u16be, when('n', { min: 3 }, 1))
  size [0, 2]
  references [{ path: 'n', use: 'condition' }]
  shape { is: 'maybe', item: <u16be>, when: { field: 'n', is: [1], range: { min: 3, max: Infinity } } }
  call { maker: 'optional', item: <u16be>, when: { field: 'n', is: [1], range: { min: 3, max: Infinity } } }
  foreseen ['n']
optional(u16be, when(parameter('v'), 1))
  size [0, 2]
  references [{ path: 'v', use: 'parameter' }]
  shape { is: 'maybe', item: <u16be>, when: { field: 'v', parameter: true, is: [1] } }
  call { maker: 'optional', item: <u16be>, when: { field: 'v', parameter: true, is: [1] } }
optional(u8, rest)
  size [0, 1]
  traits ['mayTakeRest']
  shape { is: 'maybe', item: <u8>, when: 'rest' }
  call { maker: 'optional', item: <u8>, when: 'rest' }
optional(constant(u8, 1), when('n', 1))
  size [0, 1]
  references [{ path: 'n', use: 'condition' }]
  traits ['absent']
  shape { is: 'maybe', item: <constant>, when: { field: 'n', is: [1] } }
  call { maker: 'optional', item: <constant>, when: { field: 'n', is: [1] } }
  foreseen ['n']
optional(optional(u8, rest), when('n', 1))
  size [0, 1]
  references [{ path: 'n', use: 'condition' }]
  traits ['mayTakeRest']
  shape { is: 'maybe', item: <optional>, when: { field: 'n', is: [1] } }
  call { maker: 'optional', item: <optional>, when: { field: 'n', is: [1] } }
union(u8, { a: message(1, { x: u16be }), b: message([2, 3]) })
  size [1, 3]
  shape { is: 'choice', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, tags: [2, 3], group: <struct> }], before: 0 }
  call { maker: 'union', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, tags: [2, 3], group: <struct> }], otherwise: 'reject' }
union('k', { a: message(1, { x: utf8(u8) }), b: message(2) }, { otherwise: 'unknown' })
  size [0, Infinity]
  references [{ path: 'k', use: 'tag', tags: [1, 2], open: true }]
  traits ['mayTakeRest']
  costs { text: 255 }
  shape { is: 'choice', tag: { from: 'path', path: 'k' }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, group: <struct> }, { name: 'unknown', tag: 0, tags: [], group: <struct> }], before: 0 }
  call { maker: 'union', tag: { from: 'path', path: 'k' }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, group: <struct> }, { name: 'unknown', tag: 0, tags: [], group: <struct> }], otherwise: 'unknown' }
union(parameter('k'), { a: message(1, { x: bytes(2) }) })
  size 2
  references [{ path: 'k', use: 'parameter', tags: [1], open: false }]
  shape { is: 'choice', tag: { from: 'parameter', name: 'k' }, cases: [{ name: 'a', tag: 1, group: <struct> }], before: 0 }
  call { maker: 'union', tag: { from: 'parameter', name: 'k' }, cases: [{ name: 'a', tag: 1, group: <struct> }], otherwise: 'reject' }
union(enumeration(u8, { a: 1, b: 2 }), { a: message('a'), b: message('b', { y: bytes(rest) }) })
  size [1, Infinity]
  traits ['mayTakeRest']
  shape { is: 'choice', tag: { from: 'prefix', node: <enumeration> }, cases: [{ name: 'a', tag: 'a', group: <struct> }, { name: 'b', tag: 'b', group: <struct> }], before: 0 }
  call { maker: 'union', tag: { from: 'prefix', node: <enumeration> }, cases: [{ name: 'a', tag: 'a', group: <struct> }, { name: 'b', tag: 'b', group: <struct> }], otherwise: 'reject' }
bounded(u8, u16be)
  size [1, 256]
  shape { is: 'inside', item: <u16be>, length: { from: 'prefix', node: <u8> }, max: 10000000 }
  call { maker: 'bounded', size: { from: 'prefix', node: <u8> }, item: <u16be>, max: 10000000 }
bounded(4, array(u16be, rest))
  size 4
  costs { elements: 1000000 }
  shape { is: 'inside', item: <array>, length: { from: 'literal', value: 4 }, max: 10000000 }
  call { maker: 'bounded', size: { from: 'literal', value: 4 }, item: <array>, max: 10000000 }
bounded('n', utf8(rest), { max: 20 })
  size [0, Infinity]
  references [{ path: 'n', use: 'size' }]
  costs { text: 10000000 }
  shape { is: 'inside', item: <utf8>, length: { from: 'path', path: 'n' }, max: 20 }
  call { maker: 'bounded', size: { from: 'path', path: 'n' }, item: <utf8>, max: 20 }
  foreseen ['n']
bounded(size(i32be, { nullAt: -1 }), bytes(rest))
  size [4, 10000004]
  shape { is: 'inside', item: <bytes>, length: { from: 'prefix', node: <i32be>, adjusted: { add: 0, unit: 1, nullAt: -1 } }, max: 10000000 }
  call { maker: 'bounded', size: { from: 'prefix', node: <i32be>, adjusted: { add: 0, unit: 1, nullAt: -1 } }, item: <bytes>, max: 10000000 }
lazy(() => u8)
  size [0, Infinity]
  costs { elements: Infinity, empty: Infinity, text: Infinity }
  shape { is: 'inside', item: <u8> }
  call { maker: 'lazy', item: <u8> }
lazy(() => u8, { maxDepth: 3 })
  size [0, Infinity]
  costs { elements: Infinity, empty: Infinity, text: Infinity }
  shape { is: 'inside', maxDepth: 3, item: <u8> }
  call { maker: 'lazy', item: <u8>, maxDepth: 3 }
constant(u16be, 0xcafe)
  size 2
  traits ['absent']
  shape { is: 'fixed', bytes: cafe }
  call { maker: 'constant', base: <u16be>, value: 51966, bytes: cafe }
constant(utf8(2), 'hi')
  size 2
  traits ['absent']
  shape { is: 'fixed', bytes: 6869 }
  call { maker: 'constant', base: <utf8>, value: 'hi', bytes: 6869 }
constant(u64le, 1n)
  size 8
  traits ['absent']
  shape { is: 'fixed', bytes: 0100000000000000 }
  call { maker: 'constant', base: <u64le>, value: 1n, bytes: 0100000000000000 }
only('n', 1)
  size 0
  references [{ path: 'n', use: 'tag', tags: [1] }]
  traits ['absent']
  shape { is: 'fixed', bytes: no bytes, agrees: { field: 'n', is: [1] } }
  call { maker: 'only', condition: { field: 'n', is: [1] } }
only('n', 1, 2)
  size 0
  references [{ path: 'n', use: 'condition' }]
  traits ['absent']
  shape { is: 'fixed', bytes: no bytes, agrees: { field: 'n', is: [1, 2] } }
  call { maker: 'only', condition: { field: 'n', is: [1, 2] } }
only('f.x', true)
  size 0
  references [{ path: 'f.x', use: 'condition' }]
  traits ['absent']
  shape { is: 'fixed', bytes: no bytes, agrees: { field: 'f.x', is: [true] } }
  call { maker: 'only', condition: { field: 'f.x', is: [true] } }
only('n', { max: 2 })
  size 0
  references [{ path: 'n', use: 'condition' }]
  traits ['absent']
  shape { is: 'fixed', bytes: no bytes, agrees: { field: 'n', is: [], range: { min: -Infinity, max: 2 } } }
  call { maker: 'only', condition: { field: 'n', is: [], range: { min: -Infinity, max: 2 } } }
only(parameter('v'), { min: 5 })
  size 0
  references [{ path: 'v', use: 'parameter' }]
  traits ['absent']
  shape { is: 'fixed', bytes: no bytes, agrees: { field: 'v', parameter: true, is: [], range: { min: 5, max: Infinity } } }
  call { maker: 'only', condition: { field: 'v', parameter: true, is: [], range: { min: 5, max: Infinity } } }
padding(3)
  size 3
  traits ['absent']
  shape { is: 'fixed', bytes: 000000, unchecked: true }
  call { maker: 'padding', size: { from: 'literal', value: 3 }, max: 10000000 }
padding(u8)
  size [1, 256]
  traits ['absent']
  shape { is: 'filling', length: { from: 'prefix', node: <u8> }, max: 10000000 }
  call { maker: 'padding', size: { from: 'prefix', node: <u8> }, max: 10000000 }
padding('n', { max: 9 })
  size [0, Infinity]
  references [{ path: 'n', use: 'given' }]
  traits ['absent']
  shape { is: 'filling', length: { from: 'path', path: 'n' }, max: 9 }
  call { maker: 'padding', size: { from: 'path', path: 'n' }, max: 9 }
  foreseen ['n']
padding({ to: 4 })
  size [0, 3]
  traits ['absent', 'aligned']
  shape { is: 'fixed', bytes: no bytes, to: 4, from: 'frame', unchecked: true }
  call { maker: 'padding', size: { to: 4, from: 'frame' }, max: 10000000 }
padding({ to: 8, from: 'structure' })
  size [0, 7]
  traits ['absent', 'measured']
  shape { is: 'fixed', bytes: no bytes, to: 8, from: 'structure', unchecked: true }
  call { maker: 'padding', size: { to: 8, from: 'structure' }, max: 10000000 }
checksum(u16be, 'CRC-16/ARC')
  size 2
  traits ['computed', 'reads']
  shape { is: 'sum', base: <u16be>, algorithm: 'CRC-16/ARC', checksum: CRC-16/ARC, over: [undefined, undefined] }
  call { maker: 'checksum', base: <u16be>, algorithm: CRC-16/ARC, zeroed: false, append: no bytes }
checksum(u8, 'SUM-8', { from: 'a', to: 'b' })
  size 1
  references [{ path: 'a', use: 'summed' }, { path: 'b', use: 'summed' }]
  traits ['computed', 'reads']
  shape { is: 'sum', base: <u8>, algorithm: 'SUM-8', checksum: SUM-8, over: ['a', 'b'] }
  call { maker: 'checksum', base: <u8>, algorithm: SUM-8, from: 'a', zeroed: false, append: no bytes, to: 'b' }
checksum(u32le, 'CRC-32/ISO-HDLC', { after: 'a', to: rest, zeroed: true })
  size 4
  references [{ path: 'a', use: 'summed' }]
  traits ['computed', 'reads']
  shape { is: 'sum', base: <u32le>, algorithm: 'CRC-32/ISO-HDLC', checksum: CRC-32/ISO-HDLC, over: [undefined, undefined], after: 'a', toEnd: true, zeroed: true }
  call { maker: 'checksum', base: <u32le>, algorithm: CRC-32/ISO-HDLC, after: 'a', zeroed: true, append: no bytes, to: { from: 'rest' } }
checksum(hexadecimal(2), 'XOR-8', { append: Buffer.of(1, 2) })
  size 2
  traits ['computed', 'reads']
  shape { is: 'sum', base: <hexadecimal>, algorithm: 'XOR-8', checksum: XOR-8, append: 0102, over: [undefined, undefined] }
  call { maker: 'checksum', base: <hexadecimal>, algorithm: XOR-8, zeroed: false, append: 0102 }
same('n')
  size [0, Infinity]
  references [{ path: 'n', use: 'same' }]
  traits ['view', 'agrees']
  shape { is: 'agreed', base: <bytes>, on: 'value', path: 'n' }
  call { maker: 'same', item: <bytes>, path: 'n' }
same(u16be, 'n')
  size 2
  references [{ path: 'n', use: 'same', repeated: <u16be> }]
  traits ['agrees']
  shape { is: 'agreed', base: <u16be>, on: 'value', path: 'n' }
  call { maker: 'same', item: <u16be>, path: 'n' }
  slot { width: 2, order: 'be', min: 0, max: 65535 }
same(utf8(u8), 'n')
  size [1, 256]
  references [{ path: 'n', use: 'same', repeated: <utf8> }]
  traits ['agrees']
  costs { text: 255 }
  shape { is: 'agreed', base: <utf8>, on: 'value', path: 'n' }
  call { maker: 'same', item: <utf8>, path: 'n' }
same(u64be, 'n')
  size 8
  references [{ path: 'n', use: 'same', repeated: <u64be> }]
  traits ['agrees']
  shape { is: 'agreed', base: <u64be>, on: 'value', path: 'n' }
  call { maker: 'same', item: <u64be>, path: 'n' }
  slot { width: 8, order: 'be', min: 0, max: 18446744073709552000, big: true, put: a function }
sizeOf(u16be, 'body')
  size 2
  references [{ path: 'body', use: 'measure' }]
  traits ['agrees']
  shape { is: 'agreed', base: <u16be>, on: 'size', path: 'body', adjusted: { add: 0, unit: 1 } }
  call { maker: 'sizeOf', base: <u16be>, adjusted: { add: 0, unit: 1 }, of: 'body' }
  slot { width: 2, order: 'be', min: 0, max: 65535 }
sizeOf(size(u8, { add: -1, unit: 4 }), { after: 'a', to: 'b' })
  size 1
  references [{ path: '', use: 'measure' }, { path: 'a', use: 'range' }, { path: 'b', use: 'range' }]
  traits ['agrees']
  shape { is: 'agreed', base: <u8>, on: 'size', adjusted: { add: -1, unit: 4 }, over: [undefined, 'b'], after: 'a' }
  call { maker: 'sizeOf', base: <u8>, adjusted: { add: -1, unit: 4 }, of: { after: 'a', to: 'b' } }
  slot { width: 1, order: 'le', min: 0, max: 255 }
sizeOf(u64le, { to: rest })
  size 8
  references [{ path: '', use: 'measure' }]
  traits ['agrees']
  shape { is: 'agreed', base: <u64le>, on: 'size', adjusted: { add: 0, unit: 1 }, over: [undefined, undefined] }
  call { maker: 'sizeOf', base: <u64le>, adjusted: { add: 0, unit: 1 }, of: {} }
  slot { width: 8, order: 'le', min: 0, max: 18446744073709552000, big: true, put: a function }
countOf(u16be, 'list')
  size 2
  references [{ path: 'list', use: 'measure' }]
  traits ['agrees']
  shape { is: 'agreed', base: <u16be>, on: 'count', path: 'list', adjusted: { add: 0, unit: 1 } }
  call { maker: 'countOf', base: <u16be>, adjusted: { add: 0, unit: 1 }, of: 'list' }
  slot { width: 2, order: 'be', min: 0, max: 65535 }
countOf(size(decimal(3), { unit: 2 }), 'b.list')
  size 3
  references [{ path: 'b.list', use: 'measure' }]
  traits ['agrees']
  shape { is: 'agreed', base: <decimal>, on: 'count', path: 'b.list', adjusted: { add: 0, unit: 2 } }
  call { maker: 'countOf', base: <decimal>, adjusted: { add: 0, unit: 2 }, of: 'b.list' }
  slot { width: 3, order: 'be', min: 0, max: 999, put: a function }
mapped(u8, { name: 'a half', decode: (n) => n / 2, encode: (n) => 2 * n })
  size 1
  traits ['foreign']
  shape { is: 'inside', item: <u8>, made: a function, name: 'a half' }
  call { maker: 'mapped', item: <u8>, name: 'a half', mapping: { name: 'a half', decode: a function, encode: a function } }
  range { min: -Infinity, max: Infinity }
  slot { width: 1, order: 'le', min: -Infinity, max: Infinity, put: a function }
mapped(struct({ a: u8, b: bytes(rest) }), { decode: (v) => v, encode: (v) => v })
  size [1, Infinity]
  traits ['takesRest', 'mayTakeRest', 'foreign']
  shape { is: 'inside', item: <struct>, made: a function, name: 'a value that can be mapped' }
  call { maker: 'mapped', item: <struct>, name: 'a value that can be mapped', mapping: { decode: a function, encode: a function } }
mapped(utf8(u8), { decode: (v) => v, encode: (v) => v })
  size [1, 256]
  traits ['foreign']
  costs { text: 255 }
  shape { is: 'inside', item: <utf8>, made: a function, name: 'a value that can be mapped' }
  call { maker: 'mapped', item: <utf8>, name: 'a value that can be mapped', mapping: { decode: a function, encode: a function } }
defaulted(u8, 4)
  size 1
  shape { is: 'inside', item: <u8>, made: a function, usual: { value: 4 } }
  call { maker: 'defaulted', item: <u8>, value: 4 }
defaulted(utf8(u8), 'me')
  size [1, 256]
  costs { text: 255 }
  shape { is: 'inside', item: <utf8>, made: a function, usual: { value: 'me' } }
  call { maker: 'defaulted', item: <utf8>, value: 'me' }
defaulted(struct({ n: u8 }), { n: 1 })
  size 1
  shape { is: 'inside', item: <struct>, made: a function, usual: { value: { n: 1 } } }
  call { maker: 'defaulted', item: <struct>, value: { n: 1 } }
  members ['n']
letter
  size [1, Infinity]
  traits ['view', 'foreign', 'reads']
  shape { is: 'opaque', name: 'letter' }
  call { maker: 'custom', name: 'letter', minSize: 1, maxSize: Infinity, definition: { name: 'letter', minSize: 1, read: a function, write: a function, size: a function } }
berLength
  size [1, 3]
  traits ['view', 'foreign', 'reads']
  shape { is: 'opaque', name: 'a BER length' }
  call { maker: 'custom', name: 'a BER length', minSize: 1, maxSize: 3, range: { min: 0, max: 65535 }, definition: { name: 'a BER length', minSize: 1, maxSize: 3, range: { min: 0, max: 65535 }, read: a function, write: a function, size: a function } }
  range { min: 0, max: 65535 }
custom({ name: 'c', minSize: 2, maxSize: 3, read: () => 1, write() {}, size: () => 2 })
  size [2, 3]
  traits ['view', 'foreign', 'reads']
  shape { is: 'opaque', name: 'c' }
  call { maker: 'custom', name: 'c', minSize: 2, maxSize: 3, definition: { name: 'c', minSize: 2, maxSize: 3, read: a function, write: a function, size: a function } }
messages(u8, { a: message(1, { n: u8 }), b: message([2, 3]) })
  size [1, 2]
  shape { is: 'choice', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, tags: [2, 3], group: <struct> }], before: 0 }
  call { maker: 'messages', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, tags: [2, 3], group: <struct> }], header: 0, trailer: 0, otherwise: 'reject' }
messages(u8, { a: message(1) }, { trailing: 'keep' })
  size [1, Infinity]
  traits ['takesRest', 'mayTakeRest']
  shape { is: 'choice', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }], before: 0 }
  call { maker: 'messages', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }], header: 0, trailer: 0, otherwise: 'reject' }
messages('h.k', { a: message(1, { d: bytes(rest) }) }, { header: { id: u16be, h: bits(u8, { k: 4, q: 4 }) }, trailer: { crc: u8 }, otherwise: 'unknown' })
  size [4, Infinity]
  traits ['takesRest', 'mayTakeRest']
  shape { is: 'choice', tag: { from: 'path', path: 'h.k' }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'unknown', tag: 0, tags: [], group: <struct> }], before: 2 }
  call { maker: 'messages', tag: { from: 'path', path: 'h.k' }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'unknown', tag: 0, tags: [], group: <struct> }], header: 2, trailer: 1, otherwise: 'unknown' }
messages(parameter('v'), { a: message(1), b: message(2, { t: utf8(u8) }) }, { parameters: { v: { default: 1, min: 1, max: 2 } } })
  size [0, 256]
  references [{ path: 'v', use: 'parameter', tags: [1, 2] }]
  costs { text: 255 }
  shape { is: 'choice', tag: { from: 'parameter', name: 'v' }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, group: <struct> }], before: 0 }
  call { maker: 'messages', tag: { from: 'parameter', name: 'v' }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, group: <struct> }], header: 0, trailer: 0, otherwise: 'reject' }
array(struct({ id: u8, l: array(u8, u8) }), 2)
  size [4, 514]
  costs { elements: 512 }
  shape { is: 'list', item: <struct>, count: { from: 'literal', value: 2 }, max: 1000000 }
  call { maker: 'array', item: <struct>, count: { from: 'literal', value: 2 }, max: 1000000 }
  repeats 2
array(bytes(rest), 1)
  size [0, Infinity]
  traits ['takesRest', 'mayTakeRest']
  costs { elements: 1, empty: 1 }
  shape { is: 'list', item: <bytes>, count: { from: 'literal', value: 1 }, max: 1000000 }
  call { maker: 'array', item: <bytes>, count: { from: 'literal', value: 1 }, max: 1000000 }
  repeats 1
optional(struct({ n: u8, f: flags(u8, { x: 1 }) }))
  size [1, 3]
  shape { is: 'maybe', item: <struct> }
  call { maker: 'optional', item: <struct> }
  members ['n', 'f']
union(u8, { a: message(1, { d: bytes(rest) }), b: message(2, { e: utf8(rest) }) })
  size [1, Infinity]
  traits ['takesRest', 'mayTakeRest']
  costs { text: 10000000 }
  shape { is: 'choice', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, group: <struct> }], before: 0 }
  call { maker: 'union', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'a', tag: 1, group: <struct> }, { name: 'b', tag: 2, group: <struct> }], otherwise: 'reject' }
struct({ h: struct({ n: u8, again: same('n') }), b: bytes('h.n') })
  size [2, Infinity]
  shape { is: 'group', members: [['h', <struct>], ['b', <bytes>]], derived: [] }
  call { maker: 'struct', fields: [['h', <struct>], ['b', <bytes>]] }
  members ['h', 'b']
struct({ n: u8, h: struct({ a: u8, b: bytes('n') }) })
  size [2, Infinity]
  shape { is: 'group', members: [['n', <u8>], ['h', <struct>]], derived: ['n'] }
  call { maker: 'struct', fields: [['n', <u8>], ['h', <struct>]] }
  members ['n', 'h']
bounded(rest, bytes(2))
  size [0, Infinity]
  traits ['takesRest', 'mayTakeRest']
  shape { is: 'inside', item: <bytes>, length: { from: 'rest' }, max: 10000000 }
  call { maker: 'bounded', size: { from: 'rest' }, item: <bytes>, max: 10000000 }
bounded(varuint, u8)
  size [1, Infinity]
  traits ['reads']
  shape { is: 'inside', item: <u8>, length: { from: 'prefix', node: <varuint> }, max: 10000000 }
  call { maker: 'bounded', size: { from: 'prefix', node: <varuint> }, item: <u8>, max: 10000000 }
((root) => root.kind.children(root).at(-1).kind.children(root.kind.children(root).at(-1)).at(-1))(messages(u8, { a: message(1) }, { trailing: "keep" }).declaration.root)
  size [0, Infinity]
  traits ['view', 'takesRest', 'mayTakeRest', 'mayBeEmpty']
  shape { is: 'bytes', length: { from: 'rest' }, max: 10000000, mayBeMissing: true }
  call { maker: 'bytes', size: { from: 'rest' }, max: 10000000 }
custom({ name: "c", minSize: 2, maxSize: 2, range: { min: 3, max: 3 }, read: () => 3, write() {}, size: () => 2 })
  size 2
  traits ['view', 'foreign', 'reads']
  shape { is: 'opaque', name: 'c' }
  call { maker: 'custom', name: 'c', minSize: 2, maxSize: 2, range: { min: 3, max: 3 }, definition: { name: 'c', minSize: 2, maxSize: 2, range: { min: 3, max: 3 }, read: a function, write: a function, size: a function } }
  range { min: 3, max: 3 }
  slot { width: 2, order: 'be', min: 3, max: 3, put: a function }
custom({ name: "c", minSize: 2, maxSize: 2, read: () => 3, write() {}, size: () => 2 })
  size 2
  traits ['view', 'foreign', 'reads']
  shape { is: 'opaque', name: 'c' }
  call { maker: 'custom', name: 'c', minSize: 2, maxSize: 2, definition: { name: 'c', minSize: 2, maxSize: 2, read: a function, write: a function, size: a function } }
defaulted(bytes(rest), Buffer.of(1))
  size [0, Infinity]
  traits ['view', 'takesRest', 'mayTakeRest']
  shape { is: 'inside', item: <bytes>, made: a function, usual: { value: 01 } }
  call { maker: 'defaulted', item: <bytes>, value: 01 }
enumeration(decimal(2), { a: 1 })
  size 2
  shape { is: 'digits', width: 2, base: 10, range: { min: 0, max: 99 }, names: { byValue: { 1: 'a' }, closed: true } }
  call { maker: 'enumeration', base: <decimal>, names: { a: 1 }, unknown: 'reject' }
  slot { width: 2, order: 'be', min: 0, max: 99, put: a function, byName: { a: 1 }, needed: true }
mapped(varuint, { decode: (n) => n, encode: (n) => n })
  size [1, 10]
  traits ['foreign']
  shape { is: 'inside', item: <varuint>, made: a function, name: 'a value that can be mapped' }
  call { maker: 'mapped', item: <varuint>, name: 'a value that can be mapped', mapping: { decode: a function, encode: a function } }
  range { min: -Infinity, max: Infinity }
padding(rest)
  size [0, Infinity]
  traits ['absent', 'takesRest', 'mayTakeRest']
  shape { is: 'filling', length: { from: 'rest' }, max: 10000000 }
  call { maker: 'padding', size: { from: 'rest' }, max: 10000000 }
bits(u16be, { a: 4, n: { width: 8, signed: true }, b: 4 })
  size 2
  shape { is: 'integer', width: 2, signed: false, order: 'be', bits: [{ name: 'a', shift: 12, width: 4 }, { name: 'n', shift: 4, width: 8, signed: true }, { name: 'b', shift: 0, width: 4 }] }
  call { maker: 'bits', base: 'u16be', members: [{ name: 'a', shift: 12, width: 4 }, { name: 'n', shift: 4, width: 8, signed: true }, { name: 'b', shift: 0, width: 4 }] }
  members ['a', 'n', 'b']
codecOf((() => { const t = struct({ a: u8, next: lazy(() => t) }); return t; })())
  size [17, Infinity]
  costs { elements: Infinity, empty: Infinity, text: Infinity }
  shape { is: 'group', members: [['a', <u8>], ['next', <lazy>]], derived: [] }
  call { maker: 'struct', fields: [['a', <u8>], ['next', <lazy>]] }
  members ['a', 'next']
codecOf((() => { const t = union(u8, { leaf: message(1, { x: u8 }), pair: message(2, { l: lazy(() => t), r: lazy(() => t) }) }); return t; })())
  size [2, Infinity]
  costs { elements: Infinity, empty: Infinity, text: Infinity }
  shape { is: 'choice', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'leaf', tag: 1, group: <struct> }, { name: 'pair', tag: 2, group: <struct> }], before: 0 }
  call { maker: 'messages', tag: { from: 'prefix', node: <u8> }, cases: [{ name: 'leaf', tag: 1, group: <struct> }, { name: 'pair', tag: 2, group: <struct> }], header: 0, trailer: 0, union: <union>, otherwise: 'reject' }
codecOf((() => { const t = struct({ a: u8, l: array(array(lazy(() => t), 2 ** 53 - 1), 2 ** 53 - 1) }); return t; })())
  size [1.5227053142812468e+287, Infinity]
  costs { elements: Infinity, empty: Infinity, text: Infinity }
  shape { is: 'group', members: [['a', <u8>], ['l', <array>]], derived: [] }
  call { maker: 'struct', fields: [['a', <u8>], ['l', <array>]] }
  members ['a', 'l']
array(array(struct({}), 2), 3)
  size 0
  costs { elements: 9, empty: 9 }
  shape { is: 'list', item: <array>, count: { from: 'literal', value: 3 }, max: 1000000 }
  call { maker: 'array', item: <array>, count: { from: 'literal', value: 3 }, max: 1000000 }
  repeats 3
array(lazy(() => u8), 0)
  size 0
  shape { is: 'list', item: <lazy>, count: { from: 'literal', value: 0 }, max: 1000000 }
  call { maker: 'array', item: <lazy>, count: { from: 'literal', value: 0 }, max: 1000000 }
  repeats 0
array(bytes(rest), 0)
  size 0
  traits ['mayTakeRest']
  shape { is: 'list', item: <bytes>, count: { from: 'literal', value: 0 }, max: 1000000 }
  call { maker: 'array', item: <bytes>, count: { from: 'literal', value: 0 }, max: 1000000 }
  repeats 0
struct({ a: optional(u8, when('n', 1)), b: optional(u8, when('n', 2)), c: bytes(size('m', { nullAt: 1 })), d: bytes(size('m', { nullAt: 2 })) })
  size [0, Infinity]
  references [{ path: 'n', use: 'condition' }, { path: 'm', use: 'size', nullAt: 1 }, { path: 'm', use: 'size', nullAt: 2 }]
  shape { is: 'group', members: [['a', <optional>], ['b', <optional>], ['c', <bytes>], ['d', <bytes>]], derived: [] }
  call { maker: 'struct', fields: [['a', <optional>], ['b', <optional>], ['c', <bytes>], ['d', <bytes>]] }
  members ['a', 'b', 'c', 'd']
  foreseen ['n', 'n', 'm', 'm']
struct({ a: union('k', { x: message(1) }), b: union('k', { y: message(2) }) })
  size 0
  references [{ path: 'k', use: 'tag', tags: [1], open: false }, { path: 'k', use: 'tag', tags: [2], open: false }]
  shape { is: 'group', members: [['a', <union>], ['b', <union>]], derived: [] }
  call { maker: 'struct', fields: [['a', <union>], ['b', <union>]] }
  members ['a', 'b']
struct({ a: same(u8, 'k'), b: same(u8, 'k') })
  size 2
  references [{ path: 'k', use: 'same', repeated: <u8> }, { path: 'k', use: 'same', repeated: <u8> }]
  shape { is: 'group', members: [['a', <same>], ['b', <same>]], derived: [] }
  call { maker: 'struct', fields: [['a', <same>], ['b', <same>]] }
  members ['a', 'b']
array(u8, size('n', { unit: 2 }))
  size [0, Infinity]
  references [{ path: 'n', use: 'size' }]
  costs { elements: 1000000 }
  shape { is: 'list', item: <u8>, count: { from: 'path', path: 'n', adjusted: { add: 0, unit: 2 } }, max: 1000000 }
  call { maker: 'array', item: <u8>, count: { from: 'path', path: 'n', adjusted: { add: 0, unit: 2 } }, max: 1000000 }
  foreseen ['n']
  repeats 1000000
array(utf8(u8), 'n')
  size [0, Infinity]
  references [{ path: 'n', use: 'size' }]
  costs { elements: 1000000, text: 255000000 }
  shape { is: 'list', item: <utf8>, count: { from: 'path', path: 'n' }, max: 1000000 }
  call { maker: 'array', item: <utf8>, count: { from: 'path', path: 'n' }, max: 1000000 }
  repeats 1000000
optional(bytes(4), when(parameter('v'), 1))
  size [0, 4]
  references [{ path: 'v', use: 'parameter' }]
  shape { is: 'maybe', item: <bytes>, when: { field: 'v', parameter: true, is: [1] } }
  call { maker: 'optional', item: <bytes>, when: { field: 'v', parameter: true, is: [1] } }
optional(bytes('n'), when('m', 1))
  size [0, Infinity]
  references [{ path: 'm', use: 'condition' }, { path: 'n', use: 'size' }]
  shape { is: 'maybe', item: <bytes>, when: { field: 'm', is: [1] } }
  call { maker: 'optional', item: <bytes>, when: { field: 'm', is: [1] } }
  foreseen ['m', 'n']
optional(utf8(u8), when('m', 1))
  size [0, 256]
  references [{ path: 'm', use: 'condition' }]
  costs { text: 255 }
  shape { is: 'maybe', item: <utf8>, when: { field: 'm', is: [1] } }
  call { maker: 'optional', item: <utf8>, when: { field: 'm', is: [1] } }
optional(optional(bytes(2), when('n', 1)), when('m', 1))
  size [0, 2]
  references [{ path: 'm', use: 'condition' }, { path: 'n', use: 'condition' }]
  shape { is: 'maybe', item: <optional>, when: { field: 'm', is: [1] } }
  call { maker: 'optional', item: <optional>, when: { field: 'm', is: [1] } }
  foreseen ['m', 'n']
struct({ a: bytes('n'), b: u8 })
  size [1, Infinity]
  references [{ path: 'n', use: 'size' }]
  shape { is: 'group', members: [['a', <bytes>], ['b', <u8>]], derived: [] }
  call { maker: 'struct', fields: [['a', <bytes>], ['b', <u8>]] }
  members ['a', 'b']
  foreseen ['n']
struct({ n: u8, a: bytes('n') })
  size [1, Infinity]
  shape { is: 'group', members: [['n', <u8>], ['a', <bytes>]], derived: ['n'] }
  call { maker: 'struct', fields: [['n', <u8>], ['a', <bytes>]] }
  members ['n', 'a']
struct({ n: u8, a: bytes('m'), b: utf8(u8) })
  size [2, Infinity]
  references [{ path: 'm', use: 'size' }]
  costs { text: 255 }
  shape { is: 'group', members: [['n', <u8>], ['a', <bytes>], ['b', <utf8>]], derived: [] }
  call { maker: 'struct', fields: [['n', <u8>], ['a', <bytes>], ['b', <utf8>]] }
  members ['n', 'a', 'b']
`;

const blocks = FACTS.trim()
  .split(/\n(?! )/)
  .map((block): [string, string[]] => {
    const [declaration = '', ...lines] = block.split('\n');
    return [declaration, lines.map((line) => line.trim())];
  });

it.each(blocks)('%s', (declaration, lines) => {
  expect(factsOf(declaration)).toEqual(lines);
});
