import { expect, expectTypeOf, it } from 'vitest';
import * as w from '../../src/index.ts';

const codec = w.messages(w.u8, {
  quit: w.message(0),
  move: w.message(1, { x: w.i32le, y: w.i32le }),
  list: w.message(2, {
    length: w.u8,
    magic: w.constant(w.u8, 1),
    items: w.array(w.struct({ key: w.u64be, name: w.optional(w.utf8(w.u8)) }), 'length'),
    level: w.enumeration(w.u8, { low: 0, high: 1 }),
    odd: w.enumeration(w.u8, { a: 0 }, { unknown: 'keep' }),
    state: w.flags(w.u8, { on: 0 }, { unknown: 'ignore' }),
    data: w.bytes(w.u8),
    crc: w.checksum(w.u16le, 'CRC-16/MODBUS'),
  }),
});
type Message = w.Infer<typeof codec>;

it('messages are a union told apart by type', () => {
  expectTypeOf<Message['type']>().toEqualTypeOf<'quit' | 'move' | 'list'>();
  expectTypeOf<Extract<Message, { type: 'quit' }>>().toEqualTypeOf<{ type: 'quit' }>();
  expectTypeOf<Extract<Message, { type: 'move' }>>().toEqualTypeOf<{ type: 'move'; x: number; y: number }>();
  expectTypeOf<Extract<Message, { type: 'list' }>>().toEqualTypeOf<{
    type: 'list';
    length: number;
    items: { key: bigint; name: string | undefined }[];
    level: 'low' | 'high';
    odd: 'a' | number;
    state: { on: boolean };
    data: Buffer;
    crc: number;
  }>();
});

it('a switch over them is exhaustive', () => {
  const name = (message: Message): string => {
    switch (message.type) {
      case 'quit':
        return 'quit';
      case 'move':
        return `${message.x}`;
      case 'list':
        return message.level;
    }
  };
  expect(name({ type: 'quit' })).toBe('quit');
});

it('what is derived or optional may be left out; nothing else may', () => {
  const fine = () => {
    const data = new Uint8Array(1);
    codec.encode({ type: 'list', items: [{ key: 1n }], level: 'low', odd: 7, state: { on: true }, data });
    // @ts-expect-error: y is missing
    codec.encode({ type: 'move', x: 1 });
    // @ts-expect-error: z is too many
    codec.encode({ type: 'move', x: 1, y: 2, z: 3 });
    // @ts-expect-error: y is a number
    codec.encode({ type: 'move', x: 1, y: '2' });
    // @ts-expect-error: no such message
    codec.encode({ type: 'fly' });
    // @ts-expect-error: no such level
    codec.encode({ type: 'list', items: [], level: 'mid', odd: 7, state: { on: true }, data });
    // @ts-expect-error: a constant has no place in a message
    codec.encode({ type: 'quit', magic: 1 });
    // @ts-expect-error: 64 bits are a bigint
    codec.encode({ type: 'list', items: [{ key: 1 }], level: 'low', odd: 7, state: { on: true }, data });
    // @ts-expect-error: a size is a number, a name, an integer field or rest
    w.bytes(w.utf8(w.u8));
  };
  expect(fine).toBeTypeOf('function');
});

it('a decoded message can be encoded', () => {
  expectTypeOf<Message>().toMatchTypeOf<w.Encodable<typeof codec>>();
});

it('a field that repeats another has its type', () => {
  const repeated = w.struct({
    id: w.u64be,
    again: w.same('id'),
    h: w.struct({ kind: w.enumeration(w.u8, { a: 1, b: 2 }), raw: w.bytes(2) }),
    kind: w.same('h.kind'),
    raw: w.same('h.raw'),
    list: w.array(w.struct({ of: w.same('id') }), 1),
  });
  expectTypeOf<w.Infer<typeof repeated>>().toEqualTypeOf<{
    id: bigint;
    again: bigint;
    h: { kind: 'a' | 'b'; raw: Buffer };
    kind: 'a' | 'b';
    raw: Buffer;
    list: { of: number | bigint | string | boolean | Buffer }[];
  }>();
  const repeats = w.codecOf(repeated);
  const fine = () => {
    const rest = { h: { kind: 'a', raw: new Uint8Array(2) }, list: [{}] } as const;
    repeats.encode({ id: 1n, ...rest });
    repeats.encode({ id: 1n, again: 1n, ...rest });
    // @ts-expect-error: it repeats a bigint
    repeats.encode({ id: 1n, again: 1, ...rest });
    // @ts-expect-error: there is no field 'idd'
    w.codecOf(w.struct({ id: w.u8, again: w.same('idd') }));
  };
  expect(fine).toBeTypeOf('function');
});

it('recursion, unions and kept bytes have their types', () => {
  interface Tree {
    value: number;
    children: readonly Tree[];
  }
  const tree: w.Field<Tree> = w.struct({
    value: w.u8,
    children: w.array(
      w.lazy(() => tree),
      w.u8,
    ),
  });
  expectTypeOf<w.Infer<typeof tree>>().toEqualTypeOf<Tree>();
  const shape = w.struct({
    kind: w.u8,
    shape: w.union('kind', { dot: w.message(0), box: w.message(1, { a: w.u8 }) }),
  });
  expectTypeOf<w.Infer<typeof shape>>().toEqualTypeOf<{
    kind: number;
    shape: { type: 'dot' } | { type: 'box'; a: number };
  }>();
  const kept = w.messages(w.u8, { a: w.message(1) }, { trailing: 'keep' });
  expectTypeOf<w.Infer<typeof kept>>().toEqualTypeOf<{ type: 'a'; trailing: Buffer }>();
});
