import { expect, it } from 'vitest';
import type { ProtocolError } from '../../../src/errors.ts';
import { codecFrom, evaluate } from './vectors.ts';

/** A declaration, the value that is written or the bytes that are read, and what the error holds besides its text. */
it.each<[declaration: string, given: string, details: object]>([
  ['cstring()', "Buffer.from('ab')", { expected: 'a NUL byte', actual: 'the end', offset: 2 }],
  ['cstring(2)', "Buffer.from('abc')", { actual: 'none', limit: 2, offset: 0 }],
  ['text(1, { encoding: "ascii" })', 'Buffer.of(0x80)', { actual: 'other bytes', offset: 0 }],
  ['varuint', 'Buffer.alloc(10, 0x80)', { actual: 'more', offset: 0 }],
  ['varuint64', 'Buffer.alloc(11, 0x80)', { actual: 'more', offset: 0 }],
  ['varuint64', 'Buffer.from("ffffffffffffffffff02", "hex")', { actual: 'one beyond it', offset: 0 }],
  ['array(u8, rest, { max: 1 })', 'Buffer.of(1, 2)', { actual: 'more', limit: 1, offset: 1 }],
  ['struct({ n: u8, p: padding("n", { max: 2 }) })', '{ n: 3 }', { actual: 3, limit: 2, path: 'p' }],
  ['bytes(u8, { max: 2 })', 'Buffer.of(3)', { actual: 3, limit: 2, offset: 0 }],
  [
    'struct({ a: u8, c: custom({ name: "c", read: (c) => { c.at += 5 }, write() {}, size: () => 0 }) })',
    'Buffer.of(1, 2)',
    { expected: 'c within the frame', actual: 'more', path: 'c', offset: 1 },
  ],
])('%s: %s is refused with details', (declaration, given, details) => {
  const codec = codecFrom(declaration);
  const value = evaluate(given);
  let error: ProtocolError | undefined;
  try {
    if (Buffer.isBuffer(value)) codec.decode(value);
    else codec.encode(value);
  } catch (thrown) {
    error = thrown as ProtocolError;
  }
  expect(error).toMatchObject(details);
});
