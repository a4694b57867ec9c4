import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import {
  cobs,
  delimiter,
  FrameDecoder,
  type FrameError,
  type Framing,
  fixedLength,
  lengthPrefix,
  line,
  slip,
} from '../../src/index.ts';
import { cut, cuts, failure, outcome, same, type Target, target } from './target.ts';

/** Limits low enough to be met. */
const limit = fc.oneof(fc.nat(8), fc.nat(300));
const onTooLong = fc.constantFrom('error' as const, 'discard' as const);
const someBytes = fc.uint8Array({ minLength: 1, maxLength: 3 });

/** A framing with the call that makes it, for the report. Options that contradict each other are refused, and passed over. */
interface Made {
  call: string;
  framing: Framing;
}

function making<Options>(
  name: string,
  make: (options: Options) => Framing,
  options: fc.Arbitrary<Options>,
): fc.Arbitrary<Made> {
  return options
    .map((one) => {
      try {
        return { call: `${name}(${fc.stringify(one)})`, framing: make(one) };
      } catch (error) {
        if (error instanceof TypeError || error instanceof RangeError) return undefined;
        throw error;
      }
    })
    .filter((made) => made !== undefined);
}

/** Every framing there is; add yours here. */
export const framings: fc.Arbitrary<Made> = fc.oneof(
  {
    weight: 4,
    arbitrary: making(
      'lengthPrefix',
      lengthPrefix,
      fc.record(
        {
          lengthFieldLength: fc.constantFrom(
            1 as const,
            2 as const,
            3 as const,
            4 as const,
            8 as const,
            'varint' as const,
          ),
          byteOrder: fc.constantFrom('little' as const, 'big' as const),
          lengthFieldOffset: fc.nat(4),
          lengthAdjustment: fc.integer({ min: -9, max: 9 }),
          initialBytesToStrip: fc.nat(14),
          maxFrameLength: limit,
          onTooLong,
        },
        { requiredKeys: [] },
      ),
    ),
  },
  making(
    'delimiter',
    delimiter,
    fc.record(
      {
        delimiter: fc.oneof(someBytes, fc.array(someBytes, { minLength: 1, maxLength: 3 })),
        stripDelimiter: fc.boolean(),
        maxFrameLength: limit,
        unterminated: fc.constantFrom('error' as const, 'emit' as const, 'drop' as const),
        onTooLong,
      },
      { requiredKeys: ['delimiter'] },
    ),
  ),
  making('line', line, fc.record({ maxFrameLength: limit, onTooLong }, { requiredKeys: [] })),
  making('fixedLength', fixedLength, fc.integer({ min: 1, max: 20 })),
  making(
    'slip',
    slip,
    fc.record(
      {
        start: fc.nat(255),
        emptyFrames: fc.boolean(),
        maxFrameLength: limit,
        onTooLong,
        onInvalid: onTooLong,
      },
      { requiredKeys: [] },
    ),
  ),
  making(
    'cobs',
    cobs,
    fc.record({ maxFrameLength: limit, onTooLong, onInvalid: onTooLong }, { requiredKeys: [] }),
  ),
);

/** Bytes that mean something to some framing, and any others. */
const byte = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 5, 8, 0x0a, 0x0d, 0x7f, 0x80, 0xc0, 0xdb, 0xdc, 0xdd, 0xde, 0xff),
  fc.nat(255),
);
const payload = fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from(bytes));

/** What a framing makes of a stream. */
interface Reading {
  frames: string[];
  discarded: unknown[];
  error: unknown;
}

const told = (error: FrameError | undefined): unknown => error && [error.code, error.offset];

/** By `next()`, or by `take()` of at most so many. */
function read(framing: Framing, chunks: readonly Buffer[], most?: number): Reading {
  const discarded: unknown[] = [];
  const frames: string[] = [];
  const reader = framing.reader({ onDiscard: (error) => discarded.push(told(error)) });
  let received = 0;
  const drain = (): void => {
    if (most === undefined) {
      for (let frame = reader.next(); frame !== undefined; frame = reader.next())
        frames.push(frame.toString('hex'));
    } else {
      for (let batch = reader.take(most); batch !== undefined; batch = reader.take(most)) {
        const { bytes, bounds, count } = batch;
        if (count < 1) throw new Error('a batch of no frames');
        for (let i = 0; i < count; i++) frames.push(bytes.toString('hex', bounds[2 * i], bounds[2 * i + 1]));
      }
    }
    if (reader.buffered > received) throw new Error(`buffered ${reader.buffered} of ${received} bytes`);
  };
  for (const chunk of chunks) {
    received += chunk.length;
    reader.push(chunk);
    drain();
  }
  reader.end();
  drain();
  return { frames, discarded, error: told(reader.error) };
}

/** By the stage, under an iterator. */
async function decode(framing: Framing, chunks: readonly Buffer[]): Promise<Reading> {
  const discarded: unknown[] = [];
  const frames: string[] = [];
  let error: unknown;
  const decoder = new FrameDecoder(framing).on('discard', (each: FrameError) => discarded.push(told(each)));
  try {
    await pipeline(
      Readable.from(chunks, { objectMode: false }),
      decoder,
      async (source: AsyncIterable<Buffer>) => {
        for await (const frame of source) frames.push(frame.toString('hex'));
      },
    );
  } catch (thrown) {
    const { code, offset } = failure(thrown);
    error = [code, offset];
  }
  return { frames, discarded, error };
}

/** The bytes given up by `detach` in the middle, read by a new reader. */
function upgraded(
  framing: Framing,
  chunks: readonly Buffer[],
  at: number,
): { frames: string[]; code: unknown } {
  const first = chunks.slice(0, at);
  const frames: string[] = [];
  const reader = framing.reader();
  for (const chunk of first) {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next())
      frames.push(frame.toString('hex'));
  }
  if (reader.error !== undefined) return { frames, code: reader.error.code };
  const rest = read(framing, [reader.detach(), ...chunks.slice(at)]);
  return { frames: [...frames, ...rest.frames], code: (rest.error as unknown[] | undefined)?.[0] };
}

const inputs = framings.chain(({ call, framing }) =>
  fc.record({
    framing: fc.constant({ call, framing, [fc.toStringMethod]: () => call }),
    parts: fc.array(
      fc.oneof(
        payload.map((one) => ({ frame: one })),
        payload.map((raw) => ({ raw })),
      ),
      { maxLength: 6 },
    ),
    cuts,
    most: fc.integer({ min: 1, max: 4 }),
  }),
);

export const reading: Target = target(
  'framings',
  'A framing gives the same frames, skips and error by next(), by take() and by the stage, for every way of cutting the input.',
  inputs,
  async ({ framing: { framing }, parts, cuts: places, most }) => {
    const writer = framing.writer();
    const pieces = parts.map((part) => {
      if ('raw' in part) return part.raw;
      const room = Buffer.alloc(writer.bound(part.frame.length) + 2, 0xee);
      const end = outcome(() => writer.write(room, 0, part.frame, 0, part.frame.length));
      return 'value' in end ? room.subarray(0, end.value) : part.frame;
    });
    const bytes = Buffer.concat(pieces);
    const whole = read(framing, [bytes]);
    const chunks = cut(bytes, places);
    same(read(framing, chunks), whole, 'cut, by next()');
    same(read(framing, chunks, most), whole, `cut, by take(${most})`);
    same(read(framing, [bytes], most), whole, `whole, by take(${most})`);
    same(await decode(framing, chunks), whole, 'cut, by the stage');
  },
);

export const writing: Target = target(
  'payloads',
  'What a framing writes it reads back, one frame for each payload; what it refuses it refuses with a FrameError of origin "local".',
  inputs,
  ({ framing: { framing, call }, parts, cuts: places, most }) => {
    const writer = framing.writer();
    const sent: string[] = [];
    const written: Buffer[] = [];
    for (const part of parts) {
      const source = 'raw' in part ? part.raw : part.frame;
      const bound = writer.bound(source.length);
      const room = Buffer.alloc(bound + 8, 0xee);
      try {
        const end = writer.write(room, 4, source, 0, source.length);
        if (end - 4 > bound) throw new Error(`wrote ${end - 4} bytes where bound() said ${bound}`);
        written.push(room.subarray(4, end));
        sent.push(source.toString('hex'));
      } catch (error) {
        failure(error);
        if ((error as FrameError).origin !== 'local') throw error;
      }
      if (room.readUInt32BE(0) !== 0xeeeeeeee) throw new Error('wrote before its place');
    }
    const bytes = Buffer.concat(written);
    const got = read(framing, cut(bytes, places), most);
    // What stays on the frame, a length or a delimiter, the writer sets itself; what was read then gives the same bytes again.
    const again = got.frames.map((frame) => {
      const source = Buffer.from(frame, 'hex');
      const room = Buffer.alloc(writer.bound(source.length));
      return room.subarray(0, writer.write(room, 0, source, 0, source.length));
    });
    same(Buffer.concat(again), bytes, 'written again');
    const isKept = /"initialBytesToStrip"|"stripDelimiter":false/.test(call);
    if (isKept && got.frames.length === sent.length) got.frames = sent;
    same(got, { frames: sent, discarded: [], error: undefined }, 'read back');
    const chunks = cut(bytes, places);
    same(
      upgraded(framing, chunks, Math.floor(chunks.length / 2)),
      { frames: read(framing, chunks).frames, code: undefined },
      'after detach()',
    );
  },
);
