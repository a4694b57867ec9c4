import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drone } from '../../../src/drone/protocol.ts';
import { describeChunks } from '../../../src/tools/view/describe-chunks.ts';
import { fromDocumentValue, toDocumentValue } from '../../../src/tools/view/document-value.ts';

const protocol = drone as never;
const from = (side: 'client' | 'server', at: number, hex: string) => ({
  at,
  from: side,
  bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
});

describe('describeChunks', () => {
  test('messages with their time, state, bytes and fields', () => {
    const { events } = describeChunks(
      protocol,
      [
        {
          name: 'one',
          chunks: [
            // length 7 · write · 5 · 'HELLO', in two chunks
            from('client', 1, '07 00 00'),
            from('client', 2, '00 02 05 48 45 4c 4c 4f'),
            // length 4 · ok · 2 · 'hi'
            from('server', 3, '04 00 00 00 80 02 68 69'),
          ],
        },
      ],
      { title: 'flight' },
    );
    expect(events).toEqual([
      {
        is: 'message',
        connection: 0,
        from: 'client',
        time: 2,
        type: 'write',
        state: 'handshake',
        bytes: '020548454c4c4f',
        spans: [
          ['type', 0, 1, 2],
          ['text', 1, 7, 'HELLO'],
        ],
        value: { type: 'write', text: 'HELLO' },
        chunks: 2,
      },
      expect.objectContaining({ from: 'server', time: 3, type: 'ok', value: { type: 'ok', text: 'hi' } }),
    ]);
  });

  test('a bad message is reported, and the next ones are decoded; a bad frame ends its direction', () => {
    const { events } = describeChunks(
      protocol,
      [
        {
          name: 'one',
          chunks: [
            // length 3 · write · 1 · ff; length 1 · quit
            from('client', 1, '03 00 00 00 02 01 ff 01 00 00 00 00'),
            // a length of 2^31
            from('client', 2, '00 00 00 80 00'),
            from('client', 3, '01 00 00 00 00'),
            from('server', 4, '01 00'),
          ],
        },
      ],
      { title: 'flight' },
    );
    expect(events).toMatchObject([
      { is: 'message', type: '', bytes: '0201ff', error: { code: 'ERR_MESSAGE_UTF8', offset: 2 } },
      { is: 'message', type: 'quit', breach: expect.stringContaining("'quit'") },
      { is: 'limit', from: 'client', time: 2, text: expect.stringMatching(/^ERR_FRAME_TOO_LONG/) },
      { is: 'fault', from: 'server', time: 4, text: expect.stringMatching(/^ERR_FRAME_TRUNCATED/) },
    ]);
  });

  test('connections are merged by time; a gap ends its direction', () => {
    const quit = from('client', 2, '01 00 00 00 00');
    const { connections, events } = describeChunks(
      protocol,
      [
        {
          name: 'a',
          chunks: [from('client', 1, '01 00'), { at: 3, from: 'client', missing: 9 }, { ...quit, at: 4 }],
        },
        { name: 'b', chunks: [quit] },
      ],
      { title: 'two' },
    );
    expect(connections).toEqual([{ name: 'a' }, { name: 'b' }]);
    expect(events).toMatchObject([
      { is: 'message', connection: 1, time: 2, type: 'quit' },
      {
        is: 'gap',
        connection: 0,
        time: 3,
        from: 'client',
        text: expect.stringMatching(/^9 bytes are missing/),
      },
    ]);
  });

  test('any bytes give a document of JSON', () => {
    const chunk = fc.record({
      at: fc.nat(),
      from: fc.constantFrom('client' as const, 'server' as const),
      bytes: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
        const document = describeChunks(protocol, [{ name: 'one', chunks }], { title: 'any' });
        expect(JSON.parse(JSON.stringify(document))).toEqual(document);
      }),
    );
  });
});

test('a value becomes JSON, and the same JSON again', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.boolean(),
      fc.double(),
      fc.bigInt(),
      fc.constant(null),
      fc.constant(undefined),
      fc.uint8Array({ maxLength: 9 }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.constantFrom('$', 'a'), fc.string()), tie('value'), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    ),
  })).value;
  fc.assert(
    fc.property(value, (one) => {
      expect(fromDocumentValue(JSON.parse(JSON.stringify(toDocumentValue(one))))).toEqual(one);
    }),
    { numRuns: 500 },
  );
});

test('a value that is JSON already is not copied; what contains another value is', () => {
  const message = { type: 'list', items: [{ id: 1, name: 'a' }, null, [true, 2.5]] };
  expect(toDocumentValue(message)).toBe(message);
  expect(fromDocumentValue(message)).toBe(message);
  const items = [{ id: 1n }, { id: 2 }];
  const converted = toDocumentValue(items) as unknown[];
  expect(converted).toEqual([{ id: { $: '1n' } }, { id: 2 }]);
  expect(converted[1]).toBe(items[1]);
  // Its own toJSON would say something else.
  expect(toDocumentValue(new Date(0))).toEqual({});
  expect(
    toDocumentValue(
      new (class Point {
        x = 1;
      })(),
    ),
  ).toEqual({ x: 1 });
});
