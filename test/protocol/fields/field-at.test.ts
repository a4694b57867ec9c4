import { expect, it } from 'vitest';
import { fieldsAt } from '../../../src/protocol/fields/field-at.ts';
import { codecFrom } from './vectors.ts';

const NUMBERED = `messages(u8, {
  a: message(1, { id: u8, h: struct({ id: i16be, t: utf8(u8) }) }),
  b: message(2, { id: u64be }),
  c: message(3, { h: optional(struct({ id: decimal(3) })) }),
})`;

/** A declaration and a path, and what the field there holds, by the messages that have it. */
it.each<[declaration: string, path: string, facts: Record<string, object>]>([
  [
    NUMBERED,
    'id',
    { a: { holds: 'number', min: 0, max: 255 }, b: { holds: 'bigint', min: 0n, max: 2n ** 64n - 1n } },
  ],
  [
    NUMBERED,
    'h.id',
    { a: { holds: 'number', min: -32_768, max: 32_767 }, c: { holds: 'number', min: 0, max: 999 } },
  ],
  [NUMBERED, 'h.t', { a: { holds: 'text' } }],
  [NUMBERED, 'h', { a: { holds: 'other' }, c: { holds: 'other' } }],
  [NUMBERED, 'h.id.x', {}],
  [NUMBERED, 'none', {}],
  ['struct({ a: i8 })', 'a', { '': { holds: 'number', min: -128, max: 127 } }],
  ['struct({ a: u56be })', 'a', { '': { holds: 'number', min: 0, max: 2 ** 53 - 1 } }],
  ['struct({ a: i56be })', 'a', { '': { holds: 'number', min: 1 - 2 ** 53, max: 2 ** 53 - 1 } }],
  ['struct({ a: i64le })', 'a', { '': { holds: 'bigint', min: -(2n ** 63n), max: 2n ** 63n - 1n } }],
  ['struct({ a: bounded(u8, u16be) })', 'a', { '': { holds: 'number', min: 0, max: 65_535 } }],
  ['struct({ a: optional(u8) })', 'a', { '': { holds: 'number', min: 0, max: 255 } }],
  [
    'struct({ a: sizeOf(u16be, "b"), b: bytes(rest) })',
    'a',
    { '': { holds: 'number', min: 0, max: 65_535 } },
  ],
  ['struct({ a: enumeration(u8, { x: 1 }) })', 'a', { '': { holds: 'other' } }],
  ['struct({ a: enumeration(varuint, { x: 1 }) })', 'a', { '': { holds: 'other' } }],
  ['struct({ a: bool })', 'a', { '': { holds: 'other' } }],
  ['struct({ a: flags(u8, { x: 0 }) })', 'a', { '': { holds: 'other' } }],
  ['struct({ a: flags(u8, { x: 0 }) })', 'a.x', {}],
  ['struct({ a: varuint })', 'a', { '': { holds: 'number' } }],
  ['struct({ a: varuint64 })', 'a', { '': { holds: 'bigint' } }],
  ['struct({ a: f32be })', 'a', { '': { holds: 'number' } }],
  ['struct({ a: bytes(2) })', 'a', { '': { holds: 'other' } }],
  ['struct({ a: array(u8, 2) })', 'a', { '': { holds: 'other' } }],
  ['struct({ a: u8 })', 'a.x', {}],
  [
    'struct({ a: bits(u8, { n: 3, s: { width: 5, signed: true } }) })',
    'a.n',
    { '': { holds: 'number', min: 0, max: 7 } },
  ],
  [
    'struct({ a: bits(u8, { n: 3, s: { width: 5, signed: true } }) })',
    'a.s',
    { '': { holds: 'number', min: -16, max: 15 } },
  ],
  ['struct({ a: bits(u8, { n: 3, s: 5 }) })', 'a.n.x', {}],
  ['struct({ a: bits(u8, { n: 3, s: 5 }) })', 'a.t', {}],
  ['struct({ a: bits(u8, { n: 4, c: { width: 4, constant: 1 } }) })', 'a.c', {}],
  [
    'struct({ a: bits(u64be, { n: 53, m: 11 }) })',
    'a.n',
    { '': { holds: 'number', min: 0, max: 2 ** 53 - 1 } },
  ],
  [
    'struct({ a: bits(u64be, { n: 54, m: 10 }) })',
    'a.n',
    { '': { holds: 'bigint', min: 0n, max: 2n ** 54n - 1n } },
  ],
  [
    'struct({ a: custom({ name: "c", read: () => 1, write() {}, size: () => 1 }) })',
    'a',
    { '': { holds: 'unknown' } },
  ],
  [
    'struct({ a: custom({ name: "c", read: () => 1, write() {}, size: () => 1 }) })',
    'a.x',
    { '': { holds: 'unknown' } },
  ],
])('%s at %s', (declaration, path, facts) => {
  expect(Object.fromEntries(fieldsAt(codecFrom(declaration).declaration.root, path))).toEqual(facts);
});
