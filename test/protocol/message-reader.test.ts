import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import {
  array,
  type Codec,
  codecFrom,
  codecOf,
  delimiter,
  type Framing,
  lengthPrefix,
  MessageReader,
  message,
  messages,
  type ProtocolError,
  rest,
  u8,
  u16be,
  utf8,
} from '../../src/index.ts';

const lists = messages(
  u8,
  {
    empty: message(0),
    list: message(1, { items: array(u16be, u8) }),
    text: message(2, { text: utf8(rest) }),
  },
  { limits: { elements: 3, text: 5 } },
);
/** Messages of any length from 0 on. */
const texts = codecOf(utf8(rest), { limits: { text: 6 } });
const byHand = codecFrom({ decode: (bytes: Buffer) => bytes.toString('hex'), encode: () => Buffer.alloc(0) });

const codecs: Record<string, Codec<unknown, never>> = {
  drone: drone.clientMessages as Codec<unknown, never>,
  lists: lists as Codec<unknown, never>,
  texts: texts as Codec<unknown, never>,
  'by hand': byHand as Codec<unknown, never>,
};

const framings: Record<string, Framing> = {
  'four bytes': lengthPrefix({ maxFrameLength: 40 }),
  'one byte': lengthPrefix({ lengthFieldLength: 1, maxFrameLength: 40 }),
  'three bytes, big-endian': lengthPrefix({ lengthFieldLength: 3, byteOrder: 'big', maxFrameLength: 40 }),
  'with a header that stays': lengthPrefix({
    lengthFieldLength: 2,
    byteOrder: 'big',
    lengthFieldOffset: 1,
    lengthAdjustment: 2,
    initialBytesToStrip: 0,
    maxFrameLength: 40,
  }),
  'that counts itself': lengthPrefix({ lengthFieldLength: 2, lengthIncludes: 'header', maxFrameLength: 40 }),
  'that skips what is too long': lengthPrefix({
    lengthFieldLength: 1,
    maxFrameLength: 6,
    onTooLong: 'discard',
  }),
  'a varint': lengthPrefix({ lengthFieldLength: 'varint', maxFrameLength: 40 }),
  'a delimiter': delimiter({ delimiter: '\n', maxFrameLength: 40 }),
};

/** What comes of a stream, frame by frame. */
function oneByOne(framing: Framing, codec: Codec<unknown, never>, bytes: Buffer): unknown[] {
  const results: unknown[] = [];
  const reader = framing.reader();
  reader.push(bytes);
  reader.end();
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    try {
      results.push(codec.decode(frame));
    } catch (error) {
      results.push((error as ProtocolError).code);
    }
  }
  if (reader.error !== undefined) results.push(`${reader.error.code} at ${reader.error.offset}`);
  return results;
}

/** The same by a `MessageReader`, with the stream cut at these places. */
function inRuns(framing: Framing, codec: Codec<unknown, never>, bytes: Buffer, cuts: number[]): unknown[] {
  const results: unknown[] = [];
  const reader = new MessageReader(framing, codec);
  const take = (): void => {
    for (;;) {
      try {
        const some = reader.take();
        if (some === undefined) return;
        expect(some.length).toBeGreaterThan(0);
        results.push(...some);
      } catch (error) {
        results.push((error as ProtocolError).code);
      }
    }
  };
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) {
    // Memory that is used for nothing else, and written into once the messages are taken.
    const chunk = Buffer.from(bytes.subarray(places[i - 1], places[i]));
    reader.push(chunk);
    take();
    chunk.fill(0xee);
  }
  reader.end();
  take();
  if (reader.error !== undefined) results.push(`${reader.error.code} at ${reader.error.offset}`);
  return results;
}

const payloads = fc.array(
  fc.oneof(
    fc.constantFrom(
      '00',
      '0101000000feffffff',
      '02023132',
      '0300ff00',
      '',
      '01',
      '0203616263',
      '0104',
      '616263',
      '80',
    ),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  ),
  { maxLength: 80 },
);

describe('MessageReader', () => {
  describe.each(Object.keys(framings))('%s', (name) => {
    const framing = framings[name]!;
    test.each(Object.keys(codecs))('gives the same as the frames one by one: %s', (which) => {
      const codec = codecs[which]!;
      fc.assert(
        fc.property(
          payloads,
          fc.uint8Array({ maxLength: 9 }),
          fc.array(fc.nat(), { maxLength: 9 }),
          (all, tail, cuts) => {
            const writer = framing.writer();
            const frames = all.flatMap((payload) => {
              const source = Buffer.from(payload, 'hex');
              const target = Buffer.alloc(writer.bound(source.length));
              try {
                return [target.subarray(0, writer.write(target, 0, source, 0, source.length))];
              } catch {
                return [];
              }
            });
            const bytes = Buffer.concat([...frames, tail]);
            expect(inRuns(framing, codec, bytes, cuts)).toEqual(oneByOne(framing, codec, bytes));
          },
        ),
        { numRuns: 40 },
      );
    });
  });

  test('reads many frames at once, and continues after an invalid one', () => {
    const reader = new MessageReader(drone.framing, drone.clientMessages);
    const quit = Buffer.from([1, 0, 0, 0, 0]);
    const wrong = Buffer.from([1, 0, 0, 0, 9]);
    reader.push(
      Buffer.concat([quit, quit, wrong, ...Array.from({ length: 70 }, () => quit), quit.subarray(0, 3)]),
    );
    expect(reader.take()).toEqual([{ type: 'quit' }, { type: 'quit' }]);
    expect(() => reader.take()).toThrow(
      expect.objectContaining({ code: 'ERR_MESSAGE_UNKNOWN', streamOffset: 14 }),
    );
    expect(reader.take()).toHaveLength(64);
    expect(reader.take()).toHaveLength(6);
    expect(reader.take()).toBeUndefined();
    expect([reader.buffered, reader.error]).toEqual([3, undefined]);
    reader.end();
    expect(reader.take()).toBeUndefined();
    expect(reader.error).toMatchObject({ code: 'ERR_FRAME_TRUNCATED', offset: 365 });
  });

  test('takes many frames at once where the framing has no header of a fixed width, too', () => {
    const line = (text: string) => Buffer.concat([Buffer.from([2]), Buffer.from(text), Buffer.from('\n')]);
    const sent = Buffer.concat(Array.from({ length: 200 }, () => line('abc')));
    for (const framing of [delimiter({ delimiter: '\n' }), lengthPrefix({ lengthFieldLength: 'varint' })]) {
      let takes = 0;
      const counted = {
        ...framing,
        reader: () => {
          const frames = framing.reader();
          const take = frames.take.bind(frames);
          frames.take = (limit) => {
            takes++;
            return take(limit);
          };
          return frames;
        },
      };
      const reader = new MessageReader(counted, lists);
      // 04 │ 02 "abc", with a varint before it
      reader.push(framing.name === 'delimiter' ? sent : Buffer.from('0402616263'.repeat(200), 'hex'));
      let count = 0;
      for (let all = reader.take(); all !== undefined; all = reader.take()) count += all.length;
      expect([count, reader.error]).toEqual([200, undefined]);
      expect(takes).toBeLessThan(10);
    }
  });

  test('the same by hand: messages, the error of the next frame, and on behind it', () => {
    const codec = codecFrom({
      decode: (bytes: Buffer) => {
        if (bytes[0] === 0x78) throw new Error('no x');
        return `${bytes}`;
      },
      encode: () => Buffer.alloc(0),
    });
    const reader = new MessageReader(delimiter({ delimiter: ';' }), codec);
    reader.push(Buffer.from('a;b;x;x;c;d;e'));
    expect(reader.take()).toEqual(['a', 'b']);
    for (let i = 0; i < 2; i++) expect(() => reader.take()).toThrow('the frame cannot be decoded: no x');
    expect(reader.take()).toEqual(['c', 'd']);
    expect([reader.take(), reader.buffered]).toEqual([undefined, 1]);
    reader.push(Buffer.from(`${';'.repeat(70)}x;`));
    // The first began in an earlier chunk.
    expect([reader.take()?.length, reader.take()?.length, reader.take()?.length]).toEqual([1, 64, 5]);
    expect(() => reader.take()).toThrow('no x');
    expect(reader.take()).toBeUndefined();
  });

  test('a framing whose runs cannot be gone on with is read frame by frame', () => {
    for (const part of ['goOn', 'run'] as const) {
      const { framing, clientMessages } = drone;
      const poor: Framing = {
        name: 'poor',
        maxFrameLength: framing.maxFrameLength,
        writer: () => framing.writer(),
        reader(options) {
          const reader = framing.reader(options);
          Object.defineProperty(reader, part, { value: undefined });
          return reader;
        },
      };
      const reader = new MessageReader(poor, clientMessages);
      reader.push(Buffer.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0]));
      expect([reader.take(), reader.take()]).toEqual([[{ type: 'quit' }, { type: 'quit' }], undefined]);
    }
  });

  test('refuses a codec that decodes nothing', () => {
    const nothing = codecFrom({ decode: () => undefined, encode: () => Buffer.alloc(0) });
    const reader = new MessageReader(drone.framing, nothing);
    reader.push(Buffer.from([1, 0, 0, 0, 0]));
    expect(() => reader.take()).toThrow(expect.objectContaining({ code: 'ERR_MESSAGE_VALUE' }));
  });

  test('stops if a codec claims to have read more bytes than there are', () => {
    const codec = { ...byHand, decodeRun: () => ({ messages: ['x'], at: 99 }) };
    const reader = new MessageReader(drone.framing, codec as never);
    reader.push(Buffer.from([1, 0, 0, 0, 0]));
    expect(() => reader.take()).toThrow(new RangeError('at: expected 0 to 5, got 99'));
  });

  test('does not go on where a codec says that it read more than a frame of two chunks', () => {
    const decodeRun = ({ at, end }: { at: number; end: number }): unknown =>
      end < 5 ? { messages: [], at } : { messages: ['x'], at: 99 };
    const codec = { ...byHand, decodeRun };
    const reader = new MessageReader(drone.framing, codec as never);
    reader.push(Buffer.from([1, 0, 0]));
    expect(reader.take()).toBeUndefined();
    reader.push(Buffer.from([0, 0, 1]));
    expect(() => reader.take()).toThrow(new RangeError('at: expected 5, got 99'));
  });

  test('reads a frame of two chunks with the frames behind it, and copies no more than that frame', () => {
    const seen: [at: number, end: number][] = [];
    const decodeRun: Codec<unknown, never>['decodeRun'] = (run, most) => {
      seen.push([run.at, run.end]);
      return drone.clientMessages.decodeRun!(run, most);
    };
    const reader = new MessageReader(drone.framing, { ...drone.clientMessages, decodeRun } as never);
    reader.push(Buffer.from([1, 0, 0]));
    expect(reader.take()).toBeUndefined();
    reader.push(Buffer.from([0, 0, 1, 0, 0, 0, 0, 1]));
    expect(reader.take()).toEqual([{ type: 'quit' }]);
    expect(reader.take()).toEqual([{ type: 'quit' }]);
    expect(reader.take()).toBeUndefined();
    expect(reader.buffered).toBe(1);
    expect(seen.slice(0, 3)).toEqual([
      [0, 3],
      [0, 5],
      [2, 8],
    ]);
  });
});
