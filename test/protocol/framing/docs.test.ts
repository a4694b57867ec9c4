/** The pictures in docs/framing.md are true, and its table translates. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as exported from '../../../src/index.ts';
import {
  type Checksum,
  cobs,
  delimiter,
  type Framing,
  fixedLength,
  headed,
  json,
  lengthPrefix,
  line,
  measured,
  packets,
  slip,
  stuffed,
} from '../../../src/index.ts';
import { hex } from '../../support/hex.ts';
import { readAll } from '../../support/reading.ts';

const text = readFileSync(path.resolve(import.meta.dirname, '../../../docs/framing.md'), 'utf8');
const PICTURES = [...text.matchAll(/```js\n(.+?)\n```\n\n```text\n(.+?)\n```/gs)].map(
  ([, call, picture]) => [call!, picture!] as const,
);

const MAKERS = {
  cobs,
  delimiter,
  fixedLength,
  headed,
  lengthPrefix,
  line,
  measured,
  packets,
  slip,
  stuffed,
};

test('all pictures are found', () => {
  expect(PICTURES.length).toBe(24);
});

test.each(PICTURES)('%s', (call, picture) => {
  const framing = new Function(...Object.keys(MAKERS), `return ${call}`)(...Object.values(MAKERS)) as Framing;
  const bytes = (key: string): Buffer[] =>
    [...picture.matchAll(new RegExp(`^${key} *(.*)$`, 'gm'))].map((match) => hex(match[1]!));
  const { frames, error } = readAll(framing, bytes('before'));
  expect(error).toBeUndefined();
  expect(frames).toEqual(bytes('after'));
});

test('every framing is in the table', () => {
  const rows = [...text.matchAll(/^\| `(\w+)\(\w+\)`/gm)].map((match) => match[1]!);
  expect(rows.sort()).toEqual([...Object.keys(MAKERS), 'selfDelimiting'].sort());
});

test('the examples without pictures are right as well', () => {
  const xor: Checksum = { name: 'any', width: 16, compute: () => 0 };
  const scope: Record<string, unknown> = {
    ...exported,
    fletcher: xor,
    sentences: json(),
    ubxMessages: json(),
  };
  const examples = [...text.matchAll(/```ts\n((?:headed|const gnss = packets)\(.+?)```/gs)].map(
    (match) => match[1]!,
  );
  expect(examples.length).toBe(2);
  for (const example of examples) {
    const plain = example.replace('code!', 'code');
    new Function(...Object.keys(scope), `{ ${plain} }`)(...Object.values(scope));
  }
});

test('the prefaces are right as well', () => {
  const { message, messages, u8, defineSession, defineProtocol } = exported;
  const codec = messages(u8, { any: message(1) });
  const session = defineSession({ receives: codec, sends: codec, initial: 'a', states: { a: {} } });
  const parts = { name: 'x', framing: line(), clientMessages: codec, serverMessages: codec, session };
  const scope = {
    defineProtocol,
    http2: parts,
    amqp: parts,
    webSocket: parts,
    masked: lengthPrefix({ lengthFieldOffset: 1, lengthFieldLength: '7/16/64', lengthAdjustment: 4 }),
    unmasked: lengthPrefix({ lengthFieldOffset: 1, lengthFieldLength: '7/16/64' }),
  };
  const [, examples] = /```ts\n(defineProtocol\(.+?)```/s.exec(text)!;
  for (const example of examples!.trim().split('\n')) {
    const made = new Function(...Object.keys(scope), `return ${example}`)(...Object.values(scope));
    expect(made).toMatchObject({ name: 'x' });
  }
  expect(() => defineProtocol({ ...parts, framing: { reads: line() } as never })).toThrow(
    'framing.writes: expected',
  );
  expect(() => defineProtocol({ ...parts, preface: '' })).toThrow('preface must have at least one byte');
  expect(() => defineProtocol({ ...parts, preface: { clients: 'x' } as never })).toThrow(
    "did you mean 'client'?",
  );
});

describe('the table', () => {
  const layouts = fc.record({
    offset: fc.nat(3),
    width: fc.constantFrom(1 as const, 2 as const, 4 as const),
    adjustment: fc.integer({ min: -8, max: 8 }),
    skip: fc.nat(10),
    max: fc.integer({ min: 8, max: 40 }),
    bytes: fc.array(fc.nat(40), { minLength: 5, maxLength: 60 }),
    header: fc.oneof(fc.nat(10), fc.nat(50)),
  });

  /** What the two toolkits make of the first frame, from their documentation; `undefined` for an error, null for more. */
  type First = Buffer | undefined | null;

  function ours(make: () => Framing, bytes: Buffer): First {
    let framing: Framing;
    try {
      framing = make();
    } catch (error) {
      // Combinations that never give a frame are refused.
      expect(error).toBeInstanceOf(RangeError);
      return undefined;
    }
    const reader = framing.reader();
    reader.push(bytes);
    const frame = reader.next();
    return frame ?? (reader.error === undefined ? null : undefined);
  }

  test('Netty', () => {
    let frames = 0;
    fc.assert(
      fc.property(layouts, ({ offset, width, adjustment, skip, max, bytes: given, header: value }) => {
        const header = offset + width;
        // Netty asks for a maximum that holds at least the header.
        fc.pre(max >= header);
        const bytes = Buffer.from(given);
        if (bytes.length >= header) bytes.fill(0, offset, header).writeUInt8(value, header - 1);
        const netty = (): First => {
          if (bytes.length < header) return null;
          const frame = bytes.readUIntBE(offset, width) + adjustment + header;
          if (frame < header || frame > max || skip > frame) return undefined;
          return bytes.length < frame ? null : bytes.subarray(skip, frame);
        };
        const make = (): Framing =>
          lengthPrefix({
            byteOrder: 'big',
            lengthFieldLength: width,
            lengthFieldOffset: offset,
            lengthAdjustment: adjustment,
            initialBytesToStrip: skip,
            maxFrameLength: max - header,
          });
        const expected = netty();
        const actual = ours(make, bytes);
        // A combination that we refuse gives no frame there either.
        if (actual === undefined) expect(expected ?? undefined).toBeUndefined();
        else expect(actual).toEqual(expected);
        if (actual instanceof Buffer) frames++;
      }),
      { numRuns: 1_000 },
    );
    // Not vacuous: some of the combinations do give a frame.
    expect(frames).toBeGreaterThan(3);
  });

  test('tokio', () => {
    let frames = 0;
    fc.assert(
      fc.property(layouts, ({ offset, width, adjustment, skip, max, bytes: given, header: value }) => {
        const header = offset + width;
        const bytes = Buffer.from(given);
        if (bytes.length >= header) bytes.fill(0, offset, header).writeUInt8(value, header - 1);
        const tokio = (): First => {
          if (bytes.length < Math.max(header, skip)) return null;
          const field = bytes.readUIntBE(offset, width);
          const n = field + adjustment;
          if (field > max || n < 0) return undefined;
          return bytes.length < skip + n ? null : bytes.subarray(skip, skip + n);
        };
        const ourAdjustment = adjustment + skip - header;
        // A frame that ends inside its own header would be read again as the next one: nobody means that.
        fc.pre(max + ourAdjustment >= 0);
        fc.pre(bytes.length < header || bytes.readUIntBE(offset, width) + ourAdjustment >= 0);
        const make = (): Framing =>
          lengthPrefix({
            byteOrder: 'big',
            lengthFieldLength: width,
            lengthFieldOffset: offset,
            lengthAdjustment: ourAdjustment,
            initialBytesToStrip: skip,
            maxFrameLength: max + ourAdjustment,
          });
        const expected = tokio();
        const actual = ours(make, bytes);
        if (actual === undefined) expect(expected ?? undefined).toBeUndefined();
        else expect(actual).toEqual(expected);
        if (actual instanceof Buffer) frames++;
      }),
      { numRuns: 1_000 },
    );
    // Not vacuous: some of the combinations do give a frame.
    expect(frames).toBeGreaterThan(3);
  });
});

test('the loop over long frames is that of examples/upload.ts', () => {
  const example = readFileSync(path.resolve(import.meta.dirname, '../../../examples/upload.ts'), 'utf8');
  const [, loop = ''] = /```ts\n( {4}for await .+?)\n```/s.exec(text) ?? [];
  expect(loop.split('\n').length).toBeGreaterThan(4);
  expect(example).toContain(loop);
});
