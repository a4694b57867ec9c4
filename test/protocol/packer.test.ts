import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { serverMessages } from '../../src/drone/index.ts';
import {
  array,
  bounded,
  type Codec,
  checksum,
  cobs,
  delimiter,
  type FrameWriter,
  type Framing,
  lengthPrefix,
  line,
  message,
  messages,
  optional,
  type ProtocolError,
  rest,
  slip,
  struct,
  u8,
  u16be,
  u32be,
  utf8,
  varuint,
} from '../../src/index.ts';
import { Packer } from '../../src/protocol/packer.ts';
import { collectGarbage } from '../support/collect-garbage.ts';

/** What one packer has handed on, and may still be read. */
interface Side {
  readonly packer: Packer;
  readonly handedOn: { bytes: Buffer; copy: Buffer }[];
}

const action = fc.record({
  side: fc.nat({ max: 3 }),
  length: fc.oneof(fc.nat({ max: 200 }), fc.integer({ min: 1_000, max: 90_000 })),
  frames: fc.integer({ min: 1, max: 6 }),
  /** Whether whoever takes it lets go of it at once, keeps it, or is a user. */
  to: fc.constantFrom('free', 'kept', 'user'),
});

test('output of a packer stays unchanged until it is released, whatever else is written', () => {
  const writer = lengthPrefix({ lengthFieldLength: 3, byteOrder: 'big' }).writer();
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const sides: Side[] = Array.from({ length: 4 }, () => ({ packer: new Packer(), handedOn: [] }));
      for (const [i, { side, length, frames, to }] of actions.entries()) {
        const { packer, handedOn } = sides[side]!;
        const bytes = Buffer.alloc(length * frames, i + 1);
        const bounds = Array.from({ length: 2 * frames }, (_, k) => ((k + 1) >> 1) * length);
        const batch = { bytes, bounds, count: frames, runStart: 0, runEnd: bytes.length };
        let written = 0;
        for (let index = 0; index < frames; ) {
          index = packer.writeFrames(writer, batch, index);
          const taken = packer.take(to !== 'user')!;
          written += taken.length;
          packer.given(to === 'free');
          if (to !== 'free') handedOn.push({ bytes: taken, copy: Buffer.from(taken) });
          if (to === 'user') expect(taken.buffer.byteLength).toBe(taken.length);
        }
        expect(written).toBe(frames * (3 + length));
        for (const side of sides) {
          for (const { bytes, copy } of side.handedOn) expect(bytes.equals(copy)).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});

describe('messages with texts, many at once', () => {
  const notes = messages(u8, {
    note: message(1, {
      title: utf8(u8),
      lines: array(utf8(u16be), u8),
      author: optional(struct({ name: utf8(varuint), age: u8 })),
      box: bounded(u8, struct({ label: utf8(u8) })),
    }),
    blank: message(2),
  });
  const summed = messages(u8, {
    note: message(1, { text: utf8(u8), sum: checksum(u32be, 'CRC-32/ISO-HDLC') }),
  });
  const moved = messages(u8, {
    note: message(1, { box: bounded(varuint, struct({ texts: array(utf8(u8), u8) })) }),
  });

  const ascii = fc.string({ unit: 'binary-ascii', maxLength: 60, size: 'max' });
  const any = fc.oneof(
    { weight: 12, arbitrary: ascii },
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom('\u{1f681}', '\xe9a', '\ud800', 'x'.repeat(300)),
  );
  const answer = (text: fc.Arbitrary<string>) => fc.record({ type: fc.constantFrom('ok', 'error'), text });
  const note = (text: fc.Arbitrary<string>) =>
    fc.oneof(
      fc.record({
        type: fc.constant('note'),
        title: text,
        lines: fc.array(text, { maxLength: 4 }),
        author: fc.option(fc.record({ name: text, age: fc.integer({ min: 0, max: 256 }) }), {
          nil: undefined,
        }),
        box: fc.record({ label: text }),
      }),
      fc.constant({ type: 'blank' }),
    );
  const sum = (text: fc.Arbitrary<string>) => fc.record({ type: fc.constant('note'), text });
  const move = (text: fc.Arbitrary<string>) =>
    fc.record({
      type: fc.constant('note'),
      box: fc.record({ texts: fc.array(text, { maxLength: 6, size: 'max' }) }),
    });
  type Make = (text: fc.Arbitrary<string>) => fc.Arbitrary<unknown>;
  const kinds: [string, Codec<unknown, never>, Make][] = [
    ['the drone’s answers', serverMessages, answer],
    ['texts in all places', notes, note],
    ['texts that are summed', summed, sum],
    ['texts that move', moved, move],
  ];

  const prefixed = lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' });

  /** What is written, and what is refused behind it. */
  function write(
    packer: Packer,
    codec: Codec<unknown, never>,
    list: readonly never[],
    writer: FrameWriter = prefixed.writer(),
  ): [Buffer, string] {
    const written: Buffer[] = [];
    let refused = '';
    try {
      for (let index = 0; index < list.length; ) {
        index = packer.writeMessages(codec, writer, list, index);
        written.push(Buffer.from(packer.take() ?? []));
      }
    } catch (error) {
      refused = `${(error as ProtocolError).code} ${(error as Error).message}`;
      written.push(Buffer.from(packer.take() ?? []));
    }
    return [Buffer.concat(written), refused];
  }

  /** A payload behind its length, and before the sum of its bytes. */
  const summing: Framing = {
    name: 'summing',
    maxFrameLength: 65_535,
    reader: () => {
      throw new TypeError('writes only');
    },
    writer: () => ({
      headerLength: 2,
      bound: (length) => length + 3,
      write(target, at, source, start, end) {
        target.set(source.subarray(start, end), at + 2);
        return this.seal!(target, at, at + 2 + end - start);
      },
      seal(target, at, end) {
        target.writeUInt16BE(end - at - 2, at);
        target[end] = target.subarray(at + 2, end).reduce((sum, byte) => (sum + byte) & 0xff, 0);
        return end + 1;
      },
    }),
  };
  const framings: [string, Framing][] = [
    ['a length prefix', prefixed],
    [
      'a length field that the payload brings',
      lengthPrefix({ lengthFieldLength: 2, initialBytesToStrip: 0 }),
    ],
    ['a varint', lengthPrefix({ lengthFieldLength: 'varint' })],
    ['a short limit', lengthPrefix({ maxFrameLength: 40 })],
    ['lines', line()],
    ['lines that keep their end', line({ stripDelimiter: false })],
    ['CR LF', delimiter({ delimiter: '\r\n' })],
    ['SLIP', slip()],
    ['COBS', cobs()],
    ['a framing that sums', summing],
  ];

  test.each(kinds.flatMap((kind) => framings.map(([name, framing]) => [...kind, name, framing] as const)))(
    '%s: as one by one (%#: %4$s)',
    (_, codec, make, _name, framing) => {
      const writer = framing.writer();
      const list = fc.oneof(fc.array(make(ascii), { maxLength: 40 }), fc.array(make(any), { maxLength: 40 }));
      fc.assert(
        fc.property(fc.array(list, { maxLength: 3 }), (lists) => {
          const packer = new Packer();
          for (const list of lists as never[][]) {
            const [bytes, refused] = write(packer, codec, list, writer);
            const single = new Packer();
            const expected: Buffer[] = [];
            let error = '';
            for (const message of list) {
              const [written, reason] = write(single, codec, [message], writer);
              expected.push(written);
              error = reason;
              if (reason !== '') break;
            }
            expect(bytes.equals(Buffer.concat(expected))).toBe(true);
            expect(refused).toBe(error);
          }
        }),
        { numRuns: 60 },
      );
    },
  );

  test('a codec made of another one is not bypassed', () => {
    const turned = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x80));
    const encode = (message: never): Buffer => turned(serverMessages.encode(message));
    const encodeInto = (message: never, target: Buffer, at: number): number => {
      const end = serverMessages.encodeInto(message, target, at);
      target.set(turned(target.subarray(at, end)), at);
      return end;
    };
    const list = Array.from({ length: 20 }, (_, i) => ({ type: 'ok', text: `text ${i}` })) as never[];
    const expected = Buffer.concat(
      list.map((one) => {
        const payload = encode(one);
        return Buffer.concat([Buffer.from([0, payload.length]), payload]);
      }),
    );
    const made: Codec<unknown, never>[] = [
      { ...serverMessages, encode },
      { ...serverMessages, encode, encodeInto, bound: serverMessages.bound },
      Object.assign(Object.create(serverMessages), { encode }),
      new Proxy(serverMessages, {
        get: (codec, name) => (name === 'encode' ? encode : Reflect.get(codec, name, made)),
      }),
    ];
    for (const codec of made) {
      const [bytes] = write(new Packer(), codec, list);
      expect(bytes.equals(expected)).toBe(true);
      expect([codec.detached, codec.maxLength, codec.encodeRun]).toEqual([undefined, undefined, undefined]);
    }
  });

  test('a message that grows is refused where there is no room for it', () => {
    const open = messages(u8, { say: message(1, { text: utf8(rest) }) });
    const growing = (reads = 0) => ({
      type: 'say',
      get text() {
        return 'g'.repeat(reads++ % 2 === 0 ? 1 : 47);
      },
    });
    const packer = new Packer();
    // From the beginning of a slab: of its 69,632 bytes, 32 are left behind 1,392 frames of 50.
    packer.given(true);
    const list = Array.from({ length: 1_800 }, () => growing());
    const [bytes, refused] = write(packer, open, list as never[]);
    expect(refused).toMatch(/^ERR_MESSAGE_VALUE message goes \d+ bytes beyond/);
    expect(bytes.length).toBe(1_392 * 50);
    expect(write(packer, open, [{ type: 'say', text: 'on' }] as never[])[0]).toHaveLength(5);
  });

  test('a message that changes while it is read', () => {
    const flaky = (reads = 0) => ({
      type: 'note',
      title: 'changes',
      get lines() {
        // First it is measured.
        return reads++ === 1 ? ['not this', 2] : ['one', 'two'];
      },
      box: { label: 'label' },
    });
    const steady = { ...flaky() };
    const list = Array.from({ length: 12 }, (_, i) => (i % 5 === 4 ? flaky() : steady));
    const [bytes] = write(new Packer(), notes, list as never[]);
    const [expected] = write(new Packer(), notes, list.map(() => steady) as never[]);
    expect(bytes.equals(expected)).toBe(true);
  });

  test('a message that encodes another one while it is read', () => {
    const inner = new Packer();
    const nested: Buffer[] = [];
    const list = Array.from({ length: 20 }, (_, i) => ({
      type: 'ok',
      get text() {
        if (i % 2 === 0) return `out ${i}`;
        nested.push(Buffer.from(serverMessages.encode({ type: 'ok', text: `own ${i}` })));
        const answers = Array.from({ length: 5 }, () => ({ type: 'ok', text: `in ${i}` }) as const);
        inner.writeMessages(serverMessages, prefixed.writer(), answers, 0);
        return `out ${i}`;
      },
    }));
    const [bytes] = write(new Packer(), serverMessages, list as never[]);
    const plain = list.map((_, i) => ({ type: 'ok', text: `out ${i}` }));
    expect(bytes.toString('latin1')).toBe(
      write(new Packer(), serverMessages, plain as never[])[0].toString('latin1'),
    );
    expect(nested[0]!.toString('latin1')).toBe('\x80\x05own 1');
    const within = inner.take()!.toString('latin1');
    expect(within.startsWith('\0\x06\x80\x04in 1\0\x06\x80\x04in 1')).toBe(true);
  });
});

test('a message that goes beyond its room: by how many bytes', () => {
  const writer = lengthPrefix({ lengthFieldLength: 2 }).writer();
  const codec = (beyond: number): Codec<unknown, unknown> => ({
    decode: () => 1,
    encode: () => Buffer.of(1),
    bound: () => 100_000,
    encodeInto: (_, { length }) => length + beyond,
  });
  expect(() => new Packer().writeMessage(codec(3), writer, 1)).toThrow('message goes 3 bytes beyond what');
  const packer = new Packer();
  expect(packer.writeMessage({ ...codec(0), bound: () => 98 }, lengthPrefix().writer(), 1)).toBe(true);
});

describe('codecs and framings that count wrongly', () => {
  /** Two bytes of length before the payload. */
  const writer = lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' }).writer();
  const one = (change: object): Codec<unknown, unknown> => ({
    decode: () => 1,
    encode: () => Buffer.from('x'),
    bound: () => 1,
    encodeInto(_, target, at) {
      target[at] = 0x78;
      return at + 1;
    },
    ...change,
  });
  const framing = (change: object): FrameWriter => ({
    headerLength: 1,
    bound: (length) => length + 1,
    write(target, at, source, start, end) {
      target[at] = end - start;
      target.set(source.subarray(start, end), at + 1);
      return at + 1 + end - start;
    },
    seal(target, at, end) {
      target[at] = end - at - 1;
      return end;
    },
    ...change,
  });
  const beyond =
    /^message goes \d+ bytes beyond what its codec asked for: it changed, or the codec's bound is wrong$/;
  const nowhere =
    /^message ends at .+, which is no offset behind its beginning at \d+: its codec or framing is wrong$/;

  test.each<[string, object, FrameWriter, RegExp]>([
    [
      'a codec that ends before its beginning',
      { encodeInto: (_: unknown, __: Buffer, at: number) => at - 1 },
      writer,
      nowhere,
    ],
    [
      'in the middle of a byte',
      { encodeInto: (_: unknown, __: Buffer, at: number) => at + 0.5 },
      writer,
      nowhere,
    ],
    ['nowhere', { encodeInto: () => undefined }, writer, nowhere],
    ['beyond the memory', { encodeInto: (_: unknown, { length }: Buffer) => length + 1 }, writer, beyond],
    ['a run that ends before its beginning', { encodeRun: () => ({ index: 1, at: -1 }) }, writer, nowhere],
    ['a run beyond the memory', { encodeRun: () => ({ index: 1, at: 1e6 }) }, writer, beyond],
    ['a framing that ends before the payload', {}, framing({ seal: (_: Buffer, at: number) => at }), nowhere],
    ['one beyond the memory', {}, framing({ seal: ({ length }: Buffer) => length + 5 }), beyond],
    [
      'one that writes backwards',
      { encodeInto: undefined },
      framing({ write: (_: Buffer, at: number) => at - 1 }),
      nowhere,
    ],
    [
      'one that writes beyond the memory',
      { encodeInto: undefined },
      framing({ write: ({ length }: Buffer) => length + 1 }),
      beyond,
    ],
    [
      'a codec without a bound',
      { bound: () => Number.NaN },
      writer,
      /^message takes at most NaN bytes, which is no length: its codec's or framing's bound is wrong$/,
    ],
    [
      'a bound without end',
      { bound: () => Infinity },
      framing({}),
      /^message takes at most Infinity bytes, /,
    ],
    ['a bound below 0', { bound: () => -5 }, framing({}), /^message takes at most -4 bytes, /],
  ])('%s is refused, and none of its bytes are given out', (_, change, framing, message) => {
    const packer = new Packer();
    if (!('bound' in change)) packer.writeMessage(one({}), writer, 'x');
    const before = packer.length;
    expect(() => packer.writeMessages(one(change), framing, ['x'], 0)).toThrow(
      expect.objectContaining({
        code: 'ERR_MESSAGE_VALUE',
        origin: 'local',
        message: expect.stringMatching(message),
      }),
    );
    expect(packer.length).toBe(before);
    expect(packer.take()?.length ?? 0).toBe(before);
    expect(packer.take()).toBeUndefined();
  });
});

describe('the memory of a packer', () => {
  const plain = lengthPrefix({ lengthFieldLength: 4, maxFrameLength: 1_000_000 });
  const raw: Codec<unknown, Uint8Array> = { decode: () => 1, encode: (bytes) => bytes };
  const SLAB = 69_632;

  test('68 KiB at a time, up to the last byte; a longer frame on its own', () => {
    const [none, half, long] = [Buffer.alloc(0), Buffer.alloc(SLAB / 2 - 4, 1), Buffer.alloc(SLAB, 2)];
    const written = (...list: Buffer[]): [count: number, length: number, memory: number] => {
      const packer = new Packer();
      // From the beginning of a slab.
      packer.given(true);
      const count = packer.writeMessages(raw, plain.writer(), list, 0);
      const { length } = packer;
      const taken = packer.take()!;
      expect([packer.length, taken.length]).toEqual([0, length]);
      return [count, length, taken.buffer.byteLength];
    };
    expect(written(half, half, none)).toEqual([2, SLAB, SLAB]);
    expect(written(half, half.subarray(1), none)).toEqual([2, SLAB - 1, SLAB - 1]);
    expect(written(half, half.subarray(4), none, none)).toEqual([3, SLAB, SLAB]);
    expect(written(half, long)).toEqual([1, SLAB / 2, SLAB / 2]);
    expect(written(long, none)).toEqual([1, SLAB + 4, SLAB + 4]);
  });

  test('a message without room is encoded once', () => {
    let encoded = 0;
    const counting: Codec<unknown, Uint8Array> = {
      ...raw,
      encode(bytes) {
        encoded++;
        return bytes;
      },
    };
    const packer = new Packer();
    const writer = plain.writer();
    const half = Buffer.alloc(40_000);
    expect(packer.writeMessage(counting, writer, half)).toBe(true);
    expect(packer.writeMessage(counting, writer, half)).toBe(false);
    expect(packer.take()).toHaveLength(40_004);
    expect(packer.writeMessage(counting, writer, half)).toBe(true);
    expect(packer.writeMessage(counting, writer, Buffer.of(7))).toBe(true);
    expect(encoded).toBe(3);
    expect(packer.take()!.at(-1)).toBe(7);
  });

  test('runs for the system share a slab, unless nobody keeps them: then each has a slab, which is used again', () => {
    const [one, other] = [new Packer(), new Packer()];
    const writer = plain.writer();
    const run = (packer: Packer, length = 4_096): Buffer => {
      packer.writeMessage(raw, writer, Buffer.alloc(length - 4, 1));
      return packer.take(true)!;
    };
    const shared = [run(one), run(other), run(one)];
    expect(new Set(shared.map(({ buffer }) => buffer)).size).toBe(1);
    expect(shared.map(({ byteOffset }) => byteOffset - shared[0]!.byteOffset)).toEqual([0, 4_096, 8_192]);
    // A longer frame between them has memory of its own.
    expect(run(one, 2 * SLAB).buffer).not.toBe(shared[0]!.buffer);
    expect(run(other).byteOffset - shared[0]!.byteOffset).toBe(3 * 4_096);
    for (const packer of [one, other]) packer.given(true);
    const own = [run(one), run(other)];
    expect(own.map(({ byteOffset }) => byteOffset)).toEqual([0, 0]);
    expect(own[0]!.buffer).not.toBe(own[1]!.buffer);
    one.given(true);
    expect(run(one).buffer).toBe(own[0]!.buffer);
    one.given(true);
    // A short run does not hold a whole slab, whose memory is written again.
    const short = run(one, 4_095);
    const text = short.toString('hex');
    expect(short.buffer.byteLength).toBe(4_095);
    expect(run(one, SLAB).buffer).toBe(own[0]!.buffer);
    expect(short.toString('hex')).toBe(text);
    one.given(true);
    expect(run(one).buffer).toBe(own[0]!.buffer);
    // A consumer kept it.
    one.given(false);
    expect(run(one).buffer).not.toBe(own[0]!.buffer);
  });

  test('a message without room in the rest of a shared slab goes to another, however it is encoded', () => {
    const texts = messages(u8, { say: message(1, { text: utf8(rest) }) });
    const writer = plain.writer();
    const say = { type: 'say', text: 'x'.repeat(2_999) };
    for (const [codec, one] of [
      [raw, Buffer.alloc(3_000)],
      [texts, say],
    ] as [Codec<unknown, unknown>, unknown][]) {
      // Up to the end of a slab; then a slab of which 2,000 bytes are left.
      for (const length of [SLAB, SLAB - 2_000]) {
        const before = new Packer();
        before.writeMessage(raw, writer, Buffer.alloc(length - 4));
        before.take(true);
      }
      const packer = new Packer();
      expect(packer.writeMessages(codec, writer, [one], 0)).toBe(1);
      expect(packer.length).toBe(3_004);
      expect(packer.take(true)).toMatchObject({ length: 3_004, byteOffset: 0 });
    }
  });

  test('a longer frame is not kept for reuse', async () => {
    const packer = new Packer();
    packer.given(true);
    const long = (): WeakRef<ArrayBufferLike> => {
      packer.writeMessage(raw, plain.writer(), Buffer.alloc(2 * SLAB));
      return new WeakRef(packer.take(true)!.buffer);
    };
    const memory = long();
    packer.given(true);
    await turn();
    collectGarbage();
    expect(memory.deref()).toBeUndefined();
  });

  test('bytes of other packers in a slab are neither given out nor overwritten', () => {
    const [one, other] = [new Packer(), new Packer()];
    const writer = plain.writer();
    one.given(true);
    one.writeMessage(raw, writer, Buffer.of(1));
    // From here on, a consumer keeps it, and the slab goes from hand to hand.
    one.given(false);
    const kept = one.take(true)!;
    const text = kept.toString('hex');
    expect(kept.byteOffset).toBe(0);
    other.writeMessage(raw, writer, Buffer.alloc(SLAB - 5 - 4, 2));
    const rest = other.take()!;
    expect([rest.length, rest[0], rest.at(-1)]).toEqual([SLAB - 5, (SLAB - 9) & 0xff, 2]);
    other.writeMessage(raw, writer, Buffer.of(3));
    other.given(true);
    const shared = other.take(true)!;
    expect([shared.buffer === kept.buffer, shared.byteOffset]).toEqual([true, 5]);
    other.given(true);
    other.writeMessage(raw, writer, Buffer.of(4));
    expect(other.take(true)!.buffer).not.toBe(kept.buffer);
    expect(kept.toString('hex')).toBe(text);
  });

  test('a bound beyond a slab, of which little is used', () => {
    const codec = {
      ...raw,
      bound: () => SLAB + 100,
      encodeInto: (_: unknown, target: Buffer, at: number) => target.write('x', at) + at,
    };
    const packer = new Packer();
    packer.writeMessage(codec as Codec<unknown, unknown>, plain.writer(), 'x');
    expect(packer.take()!.toString('hex')).toBe('0100000078');
  });

  test('a codec without a bound, or without its beginning, encodes on its own', () => {
    const fail = () => {
      throw new Error('not asked for');
    };
    for (const codec of [
      { ...raw, encodeInto: fail },
      { ...raw, bound: fail },
    ]) {
      const packer = new Packer();
      packer.writeMessage(codec as unknown as Codec<unknown, Uint8Array>, plain.writer(), Buffer.of(7));
      expect(packer.take()!.toString('hex')).toBe('0100000007');
    }
  });

  test('at most 64 slabs are kept', () => {
    const writer = plain.writer();
    const packers = Array.from({ length: 70 }, () => new Packer());
    const runs = (): Set<unknown> =>
      new Set(
        packers.map((packer) => {
          packer.writeMessage(raw, writer, Buffer.alloc(4_096));
          return packer.take(true)!.buffer;
        }),
      );
    for (const packer of packers) packer.given(true);
    const before = runs();
    expect(before.size).toBe(70);
    for (const packer of packers) packer.given(true);
    expect([...runs()].filter((one) => before.has(one))).toHaveLength(64);
  });
});

test('a framing that writes nothing in place gets whole messages', () => {
  const packer = new Packer();
  const writer = slip().writer();
  const list = Array.from({ length: 5 }, (_, i) => ({ type: 'ok', text: `${i}\u00c0` }) as const);
  expect(packer.writeMessages(serverMessages, writer, list, 0)).toBe(5);
  const expected = new Packer();
  for (const one of list) {
    const payload = Buffer.from(serverMessages.encode(one));
    const batch = { bytes: payload, bounds: [0, payload.length], count: 1 };
    // One batch behind the other.
    expected.writeFrames(writer, { ...batch, runStart: 0, runEnd: payload.length }, 0);
  }
  const bytes = packer.take()!;
  expect(bytes.equals(expected.take()!)).toBe(true);
  expect(bytes.filter((byte) => byte === 0xc0)).toHaveLength(5);
});

test('messages are written in runs only by a framing that has both parts for it', () => {
  const encodeRun = vi.fn();
  const codec: Codec<unknown, Uint8Array> = { decode: () => 1, encode: (bytes) => bytes, encodeRun };
  const prefixed = Object.defineProperty(lengthPrefix().writer(), 'seal', { value: undefined });
  const sealing = Object.defineProperty(slip().writer(), 'seal', { value: vi.fn() });
  for (const writer of [slip().writer(), prefixed, sealing]) {
    const packer = new Packer();
    expect(packer.writeMessages(codec, writer, [Buffer.of(7), Buffer.of(8)], 0)).toBe(2);
  }
  expect(encodeRun).not.toHaveBeenCalled();
});

describe('many frames at once', () => {
  const SLAB = 69_632;
  const framing = lengthPrefix({ lengthFieldLength: 4 });

  /** What is written of so many frames of that length, and which of them `writeAll` was asked to write. */
  function write(length: number, count: number, change: Partial<FrameWriter> = {}, packer = new Packer()) {
    const plain = framing.writer();
    const calls: [from: number, to: number][] = [];
    const writer: FrameWriter = {
      ...plain,
      bound: (length) => plain.bound(length),
      write: (...all) => plain.write(...all),
      writeAll(target, at, source, bounds, from, to) {
        calls.push([from, to]);
        return plain.writeAll!(target, at, source, bounds, from, to);
      },
      ...change,
    };
    const bytes = Buffer.alloc(length * count);
    for (let i = 0; i < count; i++) bytes.fill(i + 1, i * length, (i + 1) * length);
    const bounds = Array.from({ length: 2 * count }, (_, k) => ((k + 1) >> 1) * length);
    // Bounds that are lent may have others behind those of the batch.
    bounds.push(0, length);
    const batch = { bytes, bounds, count, runStart: 0, runEnd: bytes.length };
    // From the beginning of a slab.
    packer.given(true);
    const index = packer.writeFrames(writer, batch, 0);
    const taken = packer.take()!;
    const expected = Buffer.concat(
      Array.from({ length: index }, (_, i) => {
        const frame = Buffer.alloc(4 + length, i + 1);
        frame.writeUInt32LE(length, 0);
        return frame;
      }),
    );
    expect(taken.equals(expected)).toBe(true);
    return { index, calls };
  }

  test('as many as surely have room, by halves; the others one by one', () => {
    expect(write(10_000, 20)).toEqual({ index: 6, calls: [[0, 5]] });
    expect(write(1_000, 100)).toEqual({
      index: 69,
      calls: [
        [0, 50],
        [50, 62],
        [62, 66],
      ],
    });
  });

  test('up to the last byte; four of them, not three', () => {
    expect(write(SLAB / 4 - 4, 4)).toEqual({ index: 4, calls: [[0, 4]] });
    expect(write(SLAB / 4 - 3, 4)).toEqual({ index: 3, calls: [] });
    expect(write(5, 4)).toEqual({ index: 4, calls: [[0, 4]] });
    expect(write(5, 3)).toEqual({ index: 3, calls: [] });
    expect(write(SLAB, 1)).toEqual({ index: 1, calls: [] });
  });

  test('one by one, where it fails, or ends nowhere, or is not there', () => {
    const fail = () => {
      throw new Error('one of them is refused');
    };
    for (const writeAll of [fail, () => -1, () => SLAB + 1, () => 0.5, undefined]) {
      expect(write(5, 8, { writeAll } as never)).toEqual({ index: 8, calls: [] });
    }
  });

  test('they begin in the rest of a shared slab where they fit, and in another where they do not', () => {
    const plain = framing.writer();
    const run = (length: number, count: number): Buffer => {
      const packer = new Packer();
      const bytes = Buffer.alloc(length * count);
      const bounds = Array.from({ length: 2 * count }, (_, k) => ((k + 1) >> 1) * length);
      packer.writeFrames(plain, { bytes, bounds, count, runStart: 0, runEnd: bytes.length }, 0);
      return packer.take(true)!;
    };
    const first = run(SLAB - 4, 1);
    const [a, b, c] = [run(40_000, 1), run(10_000, 2), run(10_000, 3)];
    expect(a.buffer).not.toBe(first.buffer);
    expect([b.buffer === a.buffer, b.byteOffset - a.byteOffset]).toEqual([true, 40_004]);
    expect([c.buffer === a.buffer, c.length]).toEqual([false, 30_012]);
  });
});
