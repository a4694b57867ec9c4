import { expect, expectTypeOf, it } from 'vitest';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { defaulted, optional, struct, u8, u16be, utf8, when } from '../../../src/protocol/fields/kinds.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

const codec = codecOf(
  struct({
    version: defaulted(u8, 2),
    name: defaulted(utf8(u8), 'me'),
    id: u16be,
    tail: optional(u8, when('version', 2)),
  }),
);

it('writes the value where the message has none, and conditions see it, in both engines', () => {
  // version 2 | 'me' | id 1 | tail 9
  const bytes = hex('02 02 6d 65 00 01 09');
  const message = { id: 1, tail: 9 };
  expect(codec.encode(message)).toEqual(bytes);
  expect(encodeByWalking(codec.declaration, message)).toEqual(bytes);
  const compiled = compile(codec.declaration)!;
  expect(compiled.bound(message)).toBeGreaterThanOrEqual(bytes.length);
  const target = Buffer.alloc(64);
  expect(target.subarray(0, compiled.encode(message, target, 0))).toEqual(bytes);
  expect(codec.decode(bytes)).toEqual({ version: 2, name: 'me', id: 1, tail: 9 });
});

it('has a type on encode that lets it out, and one on decode that has it', () => {
  expectTypeOf(codec.encode).toBeCallableWith({ id: 1 });
  expectTypeOf(codec.decode(hex('03 00 00 01')).version).toEqualTypeOf<number>();
});

it('refuses what is no default', () => {
  expect(() => defaulted(u8, undefined as never)).toThrow('expected a value, got undefined');
});
