import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile, FAILED } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import * as f from '../../../src/protocol/fields/kinds.ts';
import { codecOf, type DeclaredCodec, messages } from '../../../src/protocol/fields/messages.ts';
import { hex } from '../../support/hex.ts';

// biome-ignore lint/suspicious/noExplicitAny: of any value
type AnyCodec = DeclaredCodec<any>;

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

/** Both engines and both directions; `given` is what the encoder needs of the value. */
function expectBoth(codec: AnyCodec, given: unknown, text: string, value: unknown): void {
  const bytes = hex(text.replaceAll('|', ' '));
  const compiled = compile(codec.declaration)!;
  expect(encodeByWalking(codec.declaration, given)).toEqual(bytes);
  const target = Buffer.alloc(compiled.bound(given) + 8);
  expect(target.subarray(0, compiled.encode(given, target, 0))).toEqual(bytes);
  expect(codec.encode(value)).toEqual(bytes);
  expect(decodeByWalking(codec.declaration, bytes, 0, bytes.length)).toStrictEqual(value);
  expect(compiled.decode(bytes, 0, bytes.length)).toStrictEqual(value);
  expect(trace(codec, bytes).value).toStrictEqual(value);
}

/** Each byte of `summed` is under the checksum, and no other one: SUM-8 sees any change of a byte. */
function expectSummed(codec: AnyCodec, text: string, summed: readonly number[]): void {
  const bytes = hex(text.replaceAll('|', ' '));
  for (let at = 0; at < bytes.length; at++) {
    const wrong = Buffer.from(bytes);
    wrong[at]! ^= 0x01;
    const fast = compile(codec.declaration)!.decode(wrong, 0, wrong.length);
    const code = codeOf(() => codec.decode(wrong));
    expect(fast === FAILED).toBe(code !== 'nothing was refused');
    expect([at, code === 'ERR_FRAME_CHECKSUM']).toEqual([at, summed.includes(at)]);
  }
}

const sum8 = (range: f.ChecksumRange = {}) => f.checksum(f.u8, 'SUM-8', range);

describe('the range of a checksum', () => {
  it('begins and ends at paths: inside a header, and inside a body', () => {
    const codec = codecOf(
      f.struct({
        header: f.struct({ magic: f.u8, kind: f.u8 }),
        body: f.struct({ first: f.u8, last: f.u8, tail: f.u8 }),
        sum: sum8({ from: 'header.kind', to: 'body.last' }),
      }),
    );
    const given = { header: { magic: 0xf0, kind: 1 }, body: { first: 2, last: 3, tail: 0x70 } };
    expectBoth(codec, given, 'f0 01 | 02 03 70 | 06', { ...given, sum: 6 });
    expectSummed(codec, 'f0 01 | 02 03 70 | 06', [1, 2, 3, 5]);
  });

  it('begins after a path, goes through a bounded field, and is checked before it', () => {
    const codec = codecOf(
      f.struct({
        sum: sum8({ after: 'head.in.skipped', to: 'body.list' }),
        head: f.struct({ in: f.struct({ skipped: f.u8, n: f.u8 }) }),
        body: f.bounded('head.in.n', f.struct({ list: f.array(f.u8, f.u8), more: f.bytes(f.rest) })),
      }),
    );
    const given = { head: { in: { skipped: 9 } }, body: { list: [4, 5], more: Buffer.of(8) } };
    const value = { sum: 0x0f, head: { in: { skipped: 9, n: 4 } }, body: given.body };
    expectBoth(codec, given, '0f | 09 04 | 02 04 05 08', value);
  });

  it('is filled in first, where a structure round the checksum fills it in', () => {
    const codec = codecOf(
      f.struct({ h: f.struct({ n: f.u8, sum: sum8() }), b: f.bytes('h.n'), end: sum8({ from: 'h' }) }),
    );
    expectBoth(codec, { h: {}, b: Buffer.of(1, 2) }, '02 02 | 01 02 | 07', {
      h: { n: 2, sum: 2 },
      b: Buffer.of(1, 2),
      end: 7,
    });
    expectSummed(codec, '02 02 | 01 02 | 07', [0, 1, 2, 3, 4]);
  });

  it.each([
    [
      'a size that is adjusted',
      f.u16be,
      (path: string) => f.bytes(f.size(path, { add: -2, unit: 2 })),
      '0002',
    ],
    ['a count', f.u16be, (path: string) => f.array(f.u8, path), '0002'],
    ['digits', f.decimal(3), (path: string) => f.bytes(path), '303032'],
  ] as const)('is filled in first: %s', (_, number, use, said) => {
    const codec: AnyCodec = codecOf(
      f.struct({
        h: f.struct({ i: f.struct({ n: number, sum: f.checksum(f.u16le, 'CRC-16/MODBUS') }), all: sum8() }),
        b: use('h.i.n'),
      }),
    );
    const crc = f.checksum(f.u16le, 'CRC-16/MODBUS');
    const inner = codecOf(f.struct({ n: f.bytes(hex(said).length), sum: crc })).encode({ n: hex(said) });
    const all = inner.reduce((sum, byte) => sum + byte, 0) & 0xff;
    const b = said === '0002' && use('n').kind.name === 'array' ? [7, 8] : Buffer.of(7, 8);
    const bytes = codec.encode({ h: { i: {} }, b });
    expect(bytes.toString('hex')).toBe(`${inner.toString('hex')}${Buffer.of(all).toString('hex')}0708`);
    expect(encodeByWalking(codec.declaration, { h: { i: {} }, b })).toEqual(bytes);
    expect(codec.decode(bytes)).toMatchObject({ b });
  });

  it('holds a tag, a size that agrees, and bits that are filled in behind the checksum', () => {
    const codec = codecOf(
      f.struct({
        h: f.struct({
          first: f.bits(f.u8, { kind: 4, flags: 4 }),
          length: f.sizeOf(f.u8, 'body'),
          sum: sum8(),
        }),
        body: f.union('h.first.kind', { go: f.message(3, { x: f.u16be }) }),
      }),
    );
    const given = { h: { first: { flags: 1 } }, body: { type: 'go', x: 7 } };
    const value = { h: { first: { kind: 3, flags: 1 }, length: 2, sum: 0x33 }, body: given.body };
    expectBoth(codec, given, '31 02 33 | 0007', value);
  });

  it('covers fields of an enclosing structure: the body after a header, the length before a body', () => {
    const over = codecOf(
      f.struct({
        header: f.struct({ length: f.u8, bodySum: sum8({ from: 'body', to: 'body' }), sum: sum8() }),
        body: f.bytes('header.length'),
      }),
    );
    const body = Buffer.of(1, 2, 3);
    expectBoth(over, { header: {}, body }, '03 06 09 | 01 02 03', {
      header: { length: 3, bodySum: 6, sum: 9 },
      body,
    });
    // A length that counts the checksum, which goes over the length: Z-Wave and many serial links.
    const counted = codecOf(
      f.struct({
        length: f.u8,
        body: f.bounded('length', f.struct({ kind: f.u8, sum: sum8({ from: 'length' }) })),
      }),
    );
    expectBoth(counted, { body: { kind: 5 } }, '02 | 05 07', { length: 2, body: { kind: 5, sum: 7 } });
    expectSummed(counted, '02 | 05 07', [1, 2]);
  });

  it('comes and goes with an optional header', () => {
    const header = f.struct({ n: f.sizeOf(f.u8, 'b'), sum: sum8(), all: sum8({ from: 'has', to: 'b' }) });
    expect(() => f.struct({ has: f.bool, h: f.optional(header, f.when('has')), b: f.cstring() })).toThrow(
      'not over the checksum',
    );
    const item = f.struct({
      has: f.bool,
      h: f.optional(
        f.struct({ n: f.sizeOf(f.u8, 'b'), sum: sum8(), body: sum8({ from: 'b', to: 'b' }) }),
        f.when('has'),
      ),
      b: f.cstring(),
    });
    const list: AnyCodec = codecOf(f.array(item, f.u8));
    const given = [
      { has: true, h: {}, b: 'a' },
      { has: false, b: 'b' },
      { has: true, h: {}, b: '' },
    ];
    expectBoth(list, given, '03 | 01 02 02 61 61 00 | 00 62 00 | 01 01 01 00 00', [
      { has: true, h: { n: 2, sum: 2, body: 0x61 }, b: 'a' },
      { has: false, h: undefined, b: 'b' },
      { has: true, h: { n: 1, sum: 1, body: 0 }, b: '' },
    ]);
  });

  it('is moved as a whole by a growing size before it', () => {
    const codec = codecOf(
      f.bounded(f.varuint, f.struct({ h: f.struct({ n: f.u8, sum: sum8() }), b: f.bytes('h.n') })),
    );
    const b = Buffer.alloc(200, 1);
    const bytes = codec.encode({ h: {}, b });
    expect(bytes.subarray(0, 4).toString('hex')).toBe('ca01c8c8');
    expect(encodeByWalking(codec.declaration, { h: {}, b })).toEqual(bytes);
    expect(codec.decode(bytes)).toEqual({ h: { n: 200, sum: 200 }, b });
  });

  it('lies in each message, its header and its trailer', () => {
    const codec: AnyCodec = messages(
      'h.kind',
      { go: f.message(2, { body: f.bytes('h.length') }) },
      {
        header: { h: f.struct({ magic: f.u8, kind: f.u8, length: f.u8, sum: sum8({ from: 'kind' }) }) },
        trailer: { crc: sum8({ from: 'h.length', to: 'body' }) },
      },
    );
    const given = { type: 'go', h: { magic: 9 }, body: Buffer.of(7) };
    const value = { type: 'go', h: { magic: 9, kind: 2, length: 1, sum: 3 }, body: Buffer.of(7), crc: 11 };
    expectBoth(codec, given, '09 02 01 03 | 07 | 0b', value);
  });

  it('is lent from structure to structure, and made by the outermost', () => {
    // i.n is filled in by h, i.m by the whole: the inner sum has to wait for both.
    const codec = codecOf(
      f.struct({
        h: f.struct({ i: f.struct({ n: f.u8, m: f.u8, sum: sum8() }), data: f.bytes('i.n'), own: sum8() }),
        b: f.bytes('h.i.m'),
      }),
    );
    const given = { h: { i: {}, data: Buffer.of(5) }, b: Buffer.of(6, 7) };
    expectBoth(codec, given, '01 02 03 | 05 | 0b | 06 07', {
      h: { i: { n: 1, m: 2, sum: 3 }, data: Buffer.of(5), own: 11 },
      b: Buffer.of(6, 7),
    });
  });

  it('is that of a size, too', () => {
    const codec = codecOf(
      f.struct({
        size: f.sizeOf(f.u8, { from: 'a.y', to: 'b.p' }),
        a: f.struct({ x: f.u8, y: f.u16be }),
        b: f.struct({ p: f.cstring(), q: f.u8 }),
      }),
    );
    const value = { size: 5, a: { x: 1, y: 2 }, b: { p: 'ab', q: 3 } };
    expectBoth(codec, { ...value, size: undefined }, '05 | 01 0002 | 616200 03', value);
    expect(codeOf(() => codec.decode(hex('04 01 0002 616200 03')))).toBe('ERR_MESSAGE_VALUE');
  });

  it.each<[string, () => unknown, string]>([
    [
      'a field that is not there',
      () => codecOf(f.struct({ a: f.u8, s: sum8({ from: 'b' as never }) })),
      "no field 'b'",
    ],
    [
      'a member that is not there',
      () => f.struct({ a: f.struct({ x: f.u8 }), s: sum8({ from: 'a.y' as never }) }),
      "'a.y', which does not exist",
    ],
    [
      'a member of a number',
      () => f.struct({ a: f.u8, s: sum8({ from: 'a.y' as never }) }),
      'no fixed place',
    ],
    [
      'a member of an element',
      () => f.struct({ a: f.array(f.struct({ x: f.u8 }), 2), s: sum8({ from: 'a.x' as never }) }),
      'no fixed place',
    ],
    [
      'a member of what may be missing',
      () => f.struct({ a: f.optional(f.struct({ x: f.u8 })), s: sum8({ from: 'a.x' as never }) }),
      "inside 'a', which may be missing",
    ],
    [
      'a member of what moves',
      () => f.struct({ a: f.bounded(f.varuint, f.struct({ x: f.u8 })), s: sum8({ from: 'a.x' }) }),
      "inside 'a' (bounded)",
    ],
    [
      'a member behind the end of the range',
      () => f.struct({ a: f.struct({ x: f.u8, y: f.u8 }), s: sum8({ from: 'a.y', to: 'a.x' }) }),
      'run forward',
    ],
    [
      'the checksum, inside the range',
      () => f.struct({ a: f.struct({ x: f.u8, s: sum8({ to: 'b' }) }), b: f.u8 }),
      'not over',
    ],
    ['nothing', () => f.struct({ s: sum8(), a: f.u8 }), 'run forward'],
    [
      'a structure round a list',
      () => f.struct({ n: f.u8, l: f.array(f.struct({ s: sum8({ from: 'n' as never }) }), 2) }),
      'not into a list or a union',
    ],
    [
      'checksums of one another',
      () =>
        f.struct({
          a: f.struct({ s: sum8({ from: 'b', to: 'b' }) }),
          b: f.struct({ s: sum8({ from: 'a', to: 'a' }) }),
        }),
      'must be declared before it',
    ],
  ])('is refused where it is declared: %s', (_, declare, words) => {
    expect(declare).toThrow(words);
  });
});
