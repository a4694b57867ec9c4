import { describe, expect, it } from 'vitest';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { array, custom, padding, struct, u8, u16be, utf8 } from '../../../src/protocol/fields/kinds.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

const entry = struct({ name: utf8(u8), values: array(u16be, u8) });
interface Entry {
  name: string;
  values: number[];
}

/** An entry behind a byte that says how it is stored: 0 for none, 1 for one. */
const stored = custom<Entry | undefined>({
  name: 'a stored entry',
  minSize: 1,
  read: (cursor) => (cursor.read(u8) === 0 ? undefined : (cursor.read(entry) as Entry)),
  write(cursor, value) {
    cursor.write(u8, value === undefined ? 0 : 1);
    if (value !== undefined) cursor.write(entry, value);
  },
  size: (value) => (value === undefined ? 1 : 3 + 3 * value.name.length + 2 * value.values.length),
});
const codec = codecOf(struct({ id: u8, stored, end: u8 }));

describe('the cursors of a custom field', () => {
  it('read and write declared fields, in both engines', () => {
    // id 7 | stored 1 | 'hi' | two values | end 9
    const bytes = hex('07 01 02 68 69 02 00 01 00 02 09');
    const message = { id: 7, stored: { name: 'hi', values: [1, 2] }, end: 9 };
    expect(codec.decode(bytes)).toEqual(message);
    expect(decodeByWalking(codec.declaration, bytes, 0, bytes.length)).toEqual(message);
    expect(codec.encode(message)).toEqual(bytes);
    expect(encodeByWalking(codec.declaration, message)).toEqual(bytes);
    expect(codec.decode(hex('07 00 09'))).toEqual({ id: 7, stored: undefined, end: 9 });
  });

  it('say where in the field the bytes are wrong', () => {
    // The name has a byte that is no UTF-8, at offset 4.
    expect(() => codec.decode(hex('07 01 02 68 ff 00 09'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_UTF8', path: 'stored.name', offset: 4 }),
    );
    expect(() => codec.decode(hex('07 01 05 68'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_SHORT', path: 'stored.name' }),
    );
  });

  it('say which part of the value is wrong', () => {
    expect(() => codec.encode({ id: 7, stored: { name: 'hi', values: [65_536] }, end: 9 })).toThrow(
      expect.objectContaining({ code: 'ERR_FIELD_RANGE', path: 'stored.values[0]' }),
    );
  });

  it('refuse access beyond the room that size() asked for, and fields without a fixed place', () => {
    const base = { name: 'tight', read: () => 0, size: () => 1 };
    const tight = custom<number>({ ...base, write: (cursor, value) => cursor.write(u16be, value) });
    expect(() => codecOf(tight).encode(1)).toThrow(expect.objectContaining({ code: 'ERR_FIELD_RANGE' }));
    const aligned = struct({ a: u8, pad: padding({ to: 4 }) });
    const padded = custom<number>({ ...base, write: (cursor, a) => cursor.write(aligned, { a }) });
    expect(() => codecOf(padded).encode(1)).toThrow('has no fixed place');
  });

  it('write nothing where their room has no place in the target', () => {
    const field = custom<number>({
      name: 'wide',
      read: (cursor) => cursor.take(20),
      write(cursor) {
        cursor.at += 20;
      },
      size: () => 20,
    });
    const { encode } = compile(codecOf(field).declaration)!;
    const target = Buffer.alloc(30, 0xee);
    for (const at of [11, 20, 29]) expect(encode(1, target, at)).toBe(-1);
    expect(target).toEqual(Buffer.alloc(30, 0xee));
    expect(encode(1, target, 10)).toBe(30);
    expect(target).toEqual(Buffer.concat([Buffer.alloc(10, 0xee), Buffer.alloc(20)]));
  });
});
