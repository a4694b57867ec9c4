import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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

test('what a packer handed on stays as it is until it is let go of, whoever else writes', () => {
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
