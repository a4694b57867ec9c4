/** A declared codec as its own framing. */
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  array,
  bits,
  bounded,
  bytes,
  codecOf,
  constant,
  cstring,
  custom,
  decimal,
  type Field,
  FrameDecoder,
  lazy,
  MessageDecoder,
  message,
  messages,
  optional,
  rest,
  selfDelimiting,
  size,
  struct,
  text,
  u8,
  u16be,
  u32be,
  union,
  until,
  utf8,
  varuint,
  when,
} from '../../src/index.ts';
import { verifyFraming } from '../../src/testing/index.ts';
import { hex } from '../support/hex.ts';
import { pieces, readAll, thrown, writeOne } from '../support/reading.ts';

describe('SOCKS 5, RFC 1928', () => {
  const address = union(u8, {
    v4: message(1, { octets: bytes(4) }),
    name: message(3, { text: utf8(u8) }),
    v6: message(4, { octets: bytes(16) }),
  });
  const request = codecOf(struct({ version: u8, command: u8, reserved: u8, address, port: u16be }));

  test('a request ends where its address says', () =>
    verifyFraming(selfDelimiting(request), [
      {
        name: 'by name and by number',
        bytes: hex('05 01 00 03 03 "a.b" 0050', '05 01 00 01 7F000001 01BB'),
        frames: [hex('05 01 00 03 03 "a.b" 0050'), hex('05 01 00 01 7F000001 01BB')],
        canonical: true,
      },
      { name: 'an address of no kind', bytes: hex('05 01 00 02 00'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'cut off', bytes: hex('05 01 00 03'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ]));

  test('through the stages, one byte at a time', async () => {
    const wire = hex('05 01 00 03 03 "a.b" 0050', '05 01 00 01 7F000001 01BB');
    const source = Readable.from([...pieces(wire, 1)]);
    const received: unknown[] = [];
    const decoder = source.pipe(new FrameDecoder(selfDelimiting(request))).pipe(new MessageDecoder(request));
    for await (const one of decoder) received.push(one.address);
    expect(received).toEqual([
      { type: 'name', text: 'a.b' },
      { type: 'v4', octets: hex('7F000001') },
    ]);
  });
});

describe('RESP 2 (redis.io, protocol specification): lines, counted bytes, arrays in arrays', () => {
  const crlf = constant(bytes(2), Buffer.from('\r\n'));
  const line = { line: text(until(crlf)) };
  const count = decimal(until(crlf), { signed: true });
  const bulk = bounded(size(count, { add: 2, nullAt: -1 }), struct({ data: bytes(rest), end: crlf }));
  type Value = { type: 'array'; items: readonly Value[] | null } | { type: 'bulk' } | { type: 'line' };
  const table = {
    line: message([0x2b, 0x2d, 0x3a], line),
    bulk: message(0x24, { bulk }),
    array: message(0x2a, {
      items: array(
        lazy((): Field<Value> => value),
        size(count, { nullAt: -1 }),
      ),
    }),
  };
  const value = union(u8, table) as unknown as Field<Value>;
  const framing = selfDelimiting(messages(u8, table), { maxFrameLength: 64 });
  const b = (text: string): Buffer => Buffer.from(text, 'latin1');
  const get = b('*2\r\n$3\r\nGET\r\n$1\r\na\r\n');
  const nested = b('*3\r\n:1\r\n*2\r\n+a\r\n*0\r\n$-1\r\n');

  test('a value ends where its declaration ends', () =>
    verifyFraming(framing, [
      { name: 'a command', bytes: get, frames: [get], canonical: true },
      {
        name: 'one behind the other: lines, nothing, no bytes, CR LF inside',
        bytes: b('+OK\r\n-ERR no\r\n:-7\r\n$-1\r\n$0\r\n\r\n$2\r\n\r\n\r\n*-1\r\n*0\r\n'),
        frames: ['+OK', '-ERR no', ':-7', '$-1', '$0\r\n', '$2\r\n\r\n', '*-1', '*0'].map((one) =>
          b(`${one}\r\n`),
        ),
        canonical: true,
      },
      {
        name: 'arrays in arrays',
        bytes: Buffer.concat([nested, get]),
        frames: [nested, get],
        canonical: true,
      },
      { name: 'no sign', bytes: b('+OK\r\nPING\r\n'), frames: [b('+OK\r\n')], error: 'ERR_FRAME_LENGTH' },
      { name: 'no count', bytes: b('$x\r\n'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'a negative count', bytes: b('*-2\r\n'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'no CR LF behind the bytes', bytes: b('$2\r\nabcd'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'more than the maximum', bytes: b('$64\r\n'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      { name: 'cut off', bytes: b('*2\r\n:1\r\n'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ]));
});

describe('ASN.1 BER (X.690 §8.1.3): lengths of one byte, or of as many as the first one says', () => {
  /** 05 · 81 80 · 84 00 00 00 05 */
  const length = custom<number>({
    name: 'BER length',
    minSize: 1,
    maxSize: 5,
    range: { min: 0, max: 0xffff_ffff },
    size: (value) => (value < 0x80 ? 1 : value < 0x100 ? 2 : 5),
    read(cursor) {
      const first = cursor.bytes[cursor.take(1)]!;
      if (first < 0x80) return first;
      if (first === 0x80 || first > 0x84) throw new RangeError('a length of 1 to 4 bytes');
      return cursor.bytes.readUIntBE(cursor.take(first & 0x7f), first & 0x7f);
    },
    write(cursor, value) {
      const width = value < 0x80 ? 0 : value < 0x100 ? 1 : 4;
      if (width > 0) cursor.target[cursor.at++] = 0x80 + width;
      cursor.target.writeUIntBE(value, cursor.at, width || 1);
      cursor.at += width || 1;
    },
  });
  const framing = selfDelimiting(codecOf(struct({ tag: u8, value: bytes(length) })), { maxFrameLength: 400 });
  // RFC 4511 §4.2: a simple bind of nobody, and its answer.
  const bind = hex('30 0C', '02 01 01  # message 1', '60 07  # bind', '02 01 03', '04 00', '80 00');
  const bound = hex('30 0C', '02 01 01', '61 07', '0A 01 00', '04 00', '04 00');
  const long = Buffer.concat([hex('30 81 C8'), Buffer.alloc(200, 5)]);

  test('LDAP messages', () =>
    verifyFraming(framing, [
      {
        name: 'a bind, and its answer',
        bytes: Buffer.concat([bind, bound]),
        frames: [bind, bound],
        canonical: true,
      },
      { name: 'a length of one more byte', bytes: Buffer.concat([long, bind]), frames: [long, bind] },
      {
        name: 'lengths of four bytes, as Active Directory has them',
        bytes: hex('30 84 00000003 02 01 07', '30 82 0000', '30 00'),
        frames: [hex('30 84 00000003 02 01 07'), hex('30 82 0000'), hex('30 00')],
      },
      {
        name: 'an indefinite length',
        bytes: hex('30 80 02 01 07 00 00'),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
      {
        name: 'more than the maximum',
        bytes: hex('30 84 00010000'),
        frames: [],
        error: 'ERR_FRAME_TOO_LONG',
      },
      { name: 'cut off in its length', bytes: hex('30 84 0000'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ]));
});

interface Tree {
  value: number;
  children: readonly Tree[];
}
const tree: Field<Tree> = struct({
  value: u8,
  children: array(
    lazy(() => tree),
    u8,
  ),
});

test('a tree, a list of lists, fields that others decide on: all that a message may hold', () =>
  verifyFraming(
    selfDelimiting(
      messages(u8, {
        tree: message(1, { root: tree }),
        lists: message(2, { count: u8, lists: array(array(u16be, u8), 'count') }),
        flags: message(3, {
          flags: bits(u8, { long: 1, rest: 7 }),
          length: optional(u32be, when('flags.long', 1)),
          name: cstring(),
        }),
        inside: message(4, { body: bounded(varuint, struct({ a: u8, b: bytes(rest) })) }),
        empty: message(5, {}),
      }),
    ),
    [
      {
        name: 'trees',
        bytes: hex('01 07 02  08 00  09 01 0A 00', '01 00 00'),
        frames: [hex('01 07 02 08 00 09 01 0A 00'), hex('01 00 00')],
        canonical: true,
      },
      {
        name: 'lists',
        bytes: hex('02 03  00  02 0001 0002  01 0003', '05', '02 00'),
        frames: [hex('02 03 00 02 0001 0002 01 0003'), hex('05'), hex('02 00')],
        canonical: true,
      },
      {
        name: 'flags',
        bytes: hex('03 80 00000001 "a" 00', '03 00 00'),
        frames: [hex('03 80 00000001 "a" 00'), hex('03 00 00')],
        canonical: true,
      },
      {
        name: 'inside',
        bytes: hex('04 03 01 0203', '04 01 01'),
        frames: [hex('04 03 01 0203'), hex('04 01 01')],
        canonical: true,
      },
      {
        name: 'a bound that cuts a field is malformed, not incomplete',
        bytes: hex('05', '04 00 01'),
        frames: [hex('05')],
        error: 'ERR_FRAME_LENGTH',
      },
    ],
  ));

test('linear in the input: an element is read at most twice, however small the chunks, at any depth', () => {
  let reads = 0;
  const counted = custom<number>({
    name: 'counted',
    size: () => 1,
    minSize: 1,
    read(cursor) {
      const at = cursor.take(1);
      reads++;
      return cursor.bytes[at]!;
    },
    write(cursor, value) {
      cursor.target[cursor.at++] = value;
    },
  });
  const framing = selfDelimiting(
    codecOf(struct({ before: array(counted, u16be), lists: array(array(counted, u16be), u16be) })),
  );
  const list = (count: number): Buffer =>
    Buffer.concat([Buffer.of(count >> 8, count & 0xff), Buffer.alloc(count, 1)]);
  const one = Buffer.concat([list(2_000), hex('0003'), list(1_000), list(0), list(3_000)]);
  const wire = Buffer.concat([one, one]);
  for (const size of [1, 2, 7, 1_400, wire.length]) {
    reads = 0;
    expect(readAll(framing, pieces(wire, size)).frames).toEqual([one, one]);
    expect(reads).toBeLessThanOrEqual(2 * wire.length);
  }
});

test('an encoded message is one frame, wherever it is cut', () => {
  const codec = messages(u8, {
    tree: message(1, { root: tree }),
    text: message(2, { texts: array(utf8(varuint), u8) }),
  });
  const framing = selfDelimiting(codec);
  const { trees } = fc.letrec<{ trees: Tree }>((tie) => ({
    trees: fc.oneof(
      { maxDepth: 4 },
      fc.record({ value: fc.nat(255), children: fc.constant([]) }),
      fc.record({ value: fc.nat(255), children: fc.array(tie('trees'), { maxLength: 3 }) }),
    ),
  }));
  const one = fc.oneof(
    trees.map((root) => ({ type: 'tree' as const, root })),
    fc
      .array(fc.string({ maxLength: 20 }), { maxLength: 5 })
      .map((texts) => ({ type: 'text' as const, texts })),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 5 }), fc.integer({ min: 1, max: 30 }), (given, size) => {
      const frames = given.map((each) => Buffer.from(codec.encode(each)));
      const wire = Buffer.concat(frames.map((frame) => writeOne(framing, frame)));
      expect(readAll(framing, pieces(wire, size))).toMatchObject({ frames, error: undefined });
    }),
    { numRuns: 200 },
  );
});

test('a codec whose messages have no end of their own is refused', () => {
  for (const codec of [
    codecOf(struct({ a: u8, b: bytes(rest) })),
    messages(u8, { a: message(1, {}) }, { trailing: 'keep' }),
    { decode: () => 1, encode: () => hex() },
    undefined,
  ]) {
    expect(() => selfDelimiting(codec as never)).toThrow(TypeError);
  }
  expect(() => selfDelimiting(codecOf(struct({ a: u8 })), { max: 1 } as object)).toThrow(TypeError);
  const framing = selfDelimiting(codecOf(struct({ a: u8 })), { maxFrameLength: 1 });
  expect(thrown(() => writeOne(framing, hex('01 02')))).toMatchObject({ origin: 'local' });
});
