import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientMessages, serverMessages } from '../../../src/drone/messages.ts';
import { MessageError } from '../../../src/errors.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import {
  array,
  bytes,
  constant,
  custom,
  enumeration,
  message,
  rest,
  struct,
  u8,
  u16be,
  u16le,
  utf8,
} from '../../../src/protocol/fields/kinds.ts';
import { codecOf, messages } from '../../../src/protocol/fields/messages.ts';
import { arbitraryMessage, arbitraryNearMiss } from '../../../src/testing/arbitrary.ts';
import { BROKEN, MESSAGES } from '../../drone/vectors.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('the drone’s messages', () => {
  it.each(MESSAGES)('%j', (value, text) => {
    expect(clientMessages.encode(value)).toEqual(hex(text));
    expect(clientMessages.decode(hex(text))).toEqual(value);
    // Bytes behind a complete message are ignored in this protocol.
    expect(clientMessages.decode(hex(`${text} ffff`))).toEqual(value);
    const target = Buffer.alloc(20);
    expect(clientMessages.encodeInto(value, target, 3)).toBe(3 + hex(text).length);
    expect(target.subarray(3, 3 + hex(text).length)).toEqual(hex(text));
    expect(clientMessages.bound(value)).toBeGreaterThanOrEqual(hex(text).length);
    expect(Object.keys(clientMessages.decode(hex(text)))).toEqual(Object.keys(value));
  });

  it.each(BROKEN)('refuses %j with %s', (text, code, messageType, path, offset) => {
    // In the middle of a chunk, whose other bytes are nobody's business.
    const chunk = Buffer.concat([hex('0000'), hex(text), hex('41414141')]);
    let error: unknown;
    try {
      clientMessages.decode(chunk, 2, 2 + hex(text).length);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(MessageError);
    const { excerpt: _, ...seen } = error as MessageError;
    expect(seen).toMatchObject({ code, offset, origin: 'peer', ...(messageType && { messageType, path }) });
  });

  it('refuses to write a value that does not fit, and names it', () => {
    const wrong = (value: unknown) => () => clientMessages.encode(value as { type: 'quit' });
    const matching = (details: object): unknown => expect.objectContaining(details);
    expect(wrong({ type: 'move', x: 2 ** 31, y: 0 })).toThrow(
      matching({ code: 'ERR_FIELD_RANGE', path: 'x', messageType: 'move', origin: 'local', actual: 2 ** 31 }),
    );
    expect(wrong({ type: 'write', text: 'x'.repeat(256) })).toThrow(
      matching({ code: 'ERR_FIELD_TOO_LONG', path: 'text', limit: 255, actual: 256 }),
    );
    expect(wrong({ type: 'fly' })).toThrow(matching({ code: 'ERR_MESSAGE_UNKNOWN', origin: 'local' }));
    expect(wrong(undefined)).toThrow(matching({ code: 'ERR_MESSAGE_UNKNOWN', origin: 'local' }));
    expect(clientMessages.bound(undefined as never)).toBeTypeOf('number');
    expect(() => clientMessages.encodeInto({ type: 'move', x: 1, y: 0.5 }, Buffer.alloc(9), 0)).toThrow(
      MessageError,
    );
  });

  it('any message is read back as written, and each near miss gives one MessageError', () => {
    for (const codec of [clientMessages, serverMessages]) {
      fc.assert(
        fc.property(arbitraryMessage<unknown, never>(codec as never), (value) => {
          expect(codec.decode(Buffer.from(codec.encode(value as never)))).toEqual(value);
        }),
        { numRuns: 100 },
      );
      fc.assert(
        fc.property(arbitraryNearMiss<unknown, never>(codec as never), (frame) => {
          expect(() => codec.decode(frame)).toThrow(MessageError);
        }),
        { numRuns: 100 },
      );
    }
  });
});

describe('the bytes a declared codec takes and gives', () => {
  const codec = messages(u8, { a: message(1, { x: u16be, data: bytes(rest) }) });

  it('takes any Uint8Array, a view into a larger one too, without copying it', () => {
    // two bytes of others · tag · x · data
    const plain = Uint8Array.of(9, 9, 1, 0x12, 0x34, 5, 6);
    const value = { type: 'a' as const, x: 0x1234, data: hex('0506') };
    const decoded = codec.decode(plain.subarray(2));
    expect(decoded).toEqual(value);
    expect(codec.decode(plain, 2, 7)).toEqual(value);
    expect(decoded.data).toBeInstanceOf(Buffer);
    expect(decoded.data.buffer).toBe(plain.buffer);
    expect(() => codec.decode(plain, 2, 4)).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_SHORT', offset: 1, path: 'x' }),
    );
    expect(trace(codec, plain, 2).value).toEqual(value);
  });

  it('gives a Buffer, from the pool and beyond it', () => {
    const encoded: Buffer = codec.encode({ type: 'a', x: 1, data: Uint8Array.of(7) });
    expect(encoded).toBeInstanceOf(Buffer);
    expect(encoded.toString('hex')).toBe('01000107');
    expect(codec.encode({ type: 'a', x: 1, data: new Uint8Array(10_000) })).toBeInstanceOf(Buffer);
  });
});

describe('bytes after a message', () => {
  const cases = { a: message(1, { x: u8 }) };

  it('is refused, ignored, or kept', () => {
    expect(() => messages(u8, cases).decode(hex('01 02 0304'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_TRAILING', offset: 2, actual: 2 }),
    );
    expect(messages(u8, cases, { trailing: 'ignore' }).decode(hex('01 02 0304'))).toEqual({
      type: 'a',
      x: 2,
    });
    const keep = messages(u8, cases, { trailing: 'keep' });
    expect(keep.decode(hex('01 02 0304'))).toEqual({ type: 'a', x: 2, trailing: hex('0304') });
    expect(keep.encode({ type: 'a', x: 2, trailing: hex('0304') })).toEqual(hex('01 02 0304'));
    expect(keep.encode({ type: 'a', x: 2 })).toEqual(hex('01 02'));
    expect(() => messages(u8, cases, { trailing: 'drop' as 'keep' })).toThrow(TypeError);
  });
});

describe('the tag', () => {
  it('may follow a header that every message has', () => {
    const codec = messages(
      u16be,
      { a: message(0x0102, { x: u8 }) },
      { header: { magic: constant(u8, 0xfd), id: u8 } },
    );
    expect(codec.decode(hex('fd 07 0102 09'))).toEqual({ type: 'a', id: 7, x: 9 });
    expect(codec.encode({ type: 'a', id: 7, x: 9 })).toEqual(hex('fd 07 0102 09'));
    expect(() => codec.decode(hex('fc 07 0102 09'))).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_VALUE', path: 'magic', offset: 0 }),
    );
  });

  it('may be a name', () => {
    const codec = messages(enumeration(u8, { ping: 5 }), { heartbeat: message('ping') });
    expect(codec.encode({ type: 'heartbeat' })).toEqual(hex('05'));
    expect(codec.decode(hex('05'))).toEqual({ type: 'heartbeat' });
  });
});

it('names with a meaning in JavaScript have none here', () => {
  const codec = messages(u8, {
    constructor: message(1, { ['__proto__']: u8, toString: u8 }),
    ['__proto__']: message(2, { 'a"];throw 1//': u8, 'line\n\u2028': u8 }),
  });
  const first = codec.decode(hex('01 02 03')) as object;
  expect(Object.getPrototypeOf(first)).toBe(Object.prototype);
  expect(Object.entries(first)).toEqual([
    ['type', 'constructor'],
    ['__proto__', 2],
    ['toString', 3],
  ]);
  expect(codec.encode(first as never)).toEqual(hex('01 02 03'));
  const second = codec.decode(hex('02 04 05'));
  expect(second).toEqual({ type: '__proto__', 'a"];throw 1//': 4, 'line\n\u2028': 5 });
  expect(codec.encode(second as never)).toEqual(hex('02 04 05'));
  expect(() => codec.encode({ type: 'toString' } as never)).toThrow(
    expect.objectContaining({ code: 'ERR_MESSAGE_UNKNOWN' }),
  );
});

it('messages of a batch do not overlap, also if a field itself encodes', () => {
  const inner = codecOf(struct({ text: utf8(u8) }));
  const codec = codecOf(
    struct({
      before: u8,
      inner: custom<{ text: string }>({
        name: 'inner',
        read: (cursor) => {
          const at = cursor.take(cursor.end - cursor.at);
          return inner.decode(cursor.bytes, at, cursor.at);
        },
        write: (cursor, value) => {
          const encoded = inner.encode(value);
          cursor.target.set(encoded, cursor.at);
          cursor.at += encoded.length;
        },
        size: (value) => inner.bound(value),
      }),
    }),
  );
  const values = Array.from({ length: 1000 }, (_, i) => ({
    before: i % 256,
    inner: { text: `number ${i}` },
  }));
  const all = values.map((value) => codec.encode(value));
  expect(all.map((one) => codec.decode(Buffer.from(one)))).toEqual(values);
});

it('shows the functions it generated', () => {
  expect(clientMessages.source()).toMatch(/return new k\d+\("move", /);
});

it.each([
  ['names of every sort', { a: 1, 'b c': 2, "d'": 3, '"': 4, '\u2028': 5, é: 6, m0: 7, v0: 8 }],
  ['names that every object inherits', { constructor: 1, toString: 2, hasOwnProperty: 3 }],
  ['a member named __proto__', { ['__proto__']: 1, b: 2 }],
  ['no member', {}],
  ['120 members', Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`member${i}`, i]))],
])('decodes plain objects: %s', (_, value) => {
  const codec = codecOf(struct(Object.fromEntries(Object.keys(value).map((name) => [name, u8]))));
  const bytes = codec.encode(value as never);
  for (let time = 0; time < 3; time++) {
    const decoded = codec.decode(bytes);
    expect(decoded).toStrictEqual(value);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptors(decoded)).toEqual(Object.getOwnPropertyDescriptors(value));
    expect(Object.keys(decoded)).toEqual(Object.keys(value));
  }
});

it.each([0, 1, 63, 64, 65, 200])('a list of %i elements belongs to its receiver', (length) => {
  const codec = codecOf(struct({ known: array(utf8(u8), u16le), open: array(utf8(u8), rest) }));
  const list = Array.from({ length }, (_, i) => `element ${i}`);
  const bytes = codec.encode({ known: list, open: list });
  const first = codec.decode(bytes);
  expect(first).toStrictEqual({ known: list, open: list });
  for (const one of [first.known, first.open]) {
    one.push('more');
    one[0] = 'changed';
  }
  expect(codec.decode(bytes)).toStrictEqual({ known: list, open: list });
});

describe('encodeInto', () => {
  it('says so if a message takes more bytes than there are', () => {
    const text = (count: number) =>
      `message goes ${count} bytes beyond the room that its codec asked for: it changed while it was read`;
    const matching = (message: string): unknown =>
      expect.objectContaining({ code: 'ERR_MESSAGE_VALUE', message, origin: 'local' });
    const target = Buffer.alloc(4);
    expect(codecOf(bytes(rest)).encodeInto(Buffer.alloc(3, 7), target, 1)).toBe(4);
    expect(() => codecOf(bytes(rest)).encodeInto(Buffer.alloc(10), target, 0)).toThrow(matching(text(6)));
    expect(() => codecOf(utf8(rest)).encodeInto('x'.repeat(10), target, 1)).toThrow(matching(text(7)));
    expect(codecOf(struct({})).encodeInto({}, target, 0)).toBe(0);
  });

  it('writes what the second look at a message finds', () => {
    const codec = codecOf(struct({ a: u8 }));
    const changing = () => {
      let looks = 0;
      return Object.defineProperty({ a: 0 }, 'a', { get: () => (looks++ === 0 ? 'x' : 5) });
    };
    const target = Buffer.alloc(3);
    expect(codec.encodeInto(changing(), target, 1)).toBe(2);
    expect(target.toString('hex')).toBe('000500');
    expect(codec.encodeInto(changing(), target, 2)).toBe(3);
    expect(() => codec.encodeInto(changing(), target, 3)).toThrow('message goes 1 bytes beyond the room');
  });
});

it('knows its limits, its names and what it was made with', () => {
  const limits = { elements: 1, empty: 2, depth: 3, text: 4, summed: 5 };
  const codec = codecOf(u8, { limits });
  expect(codec.declaration.limits).toEqual(limits);
  expect(codecOf(u8).declaration.limits).toEqual({ elements: 1_000_000, empty: 1_000, text: 10_000_000 });
  expect(codec.types).toEqual([]);
  expect(messages(u8, { a: message(1), b: message(2) }).types).toEqual(['a', 'b']);
  expect(codec).not.toHaveProperty('with');
  expect(codecOf(bytes(rest)).detached).toBe(false);
  expect(codecOf(bytes(rest)).measure).toBe(undefined);
  expect(Object.create(codec).encodeInto).toBe(undefined);
});

it('works where generating code is forbidden', () => {
  const script = `
    import { clientMessages } from './dist/drone/index.js';
    import { array, codecOf, struct, u8, utf8 } from './dist/index.js';
    const codec = codecOf(struct({ list: array(utf8(u8), u8) }));
    const bytes = codec.encode({ list: ['a', 'bc'] });
    console.log(JSON.stringify([
      clientMessages.source() ?? 'none',
      Buffer.from(clientMessages.encode({ type: 'move', x: 1, y: -1 })).toString('hex'),
      clientMessages.decode(Buffer.from('020161', 'hex')),
      codec.bound({ list: ['a', 'bc'] }) >= bytes.length,
      codec.decode(Buffer.from(bytes)),
    ]));`;
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script];
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const printed = execFileSync(process.execPath, flags, { cwd: root, encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual([
    'none',
    '0101000000ffffffff',
    { type: 'write', text: 'a' },
    true,
    { list: ['a', 'bc'] },
  ]);
});

it('takes bytes that lie in the middle of a chunk as views of it', () => {
  const codec = codecOf(struct({ data: bytes(u8), list: array(u8, u8) }));
  const chunk = hex('ff 02 aabb 01 05 ff');
  const { data } = codec.decode(chunk, 1, 6);
  chunk[2] = 0xcc;
  expect(data).toEqual(hex('ccbb'));
});
