import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DecodableProtocol } from '../../src/captures/decode-capture.ts';
import { toTestVectors } from '../../src/captures/to-test-vectors.ts';
import { drone } from '../../src/drone/protocol.ts';
import { bytes, i64le, lengthPrefix, message, messages, u8, utf8 } from '../../src/index.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { testVector } from '../../src/protocol/recording/test-vector.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-vectors-'));

function data(from: 'client' | 'server', ...frames: Buffer[]): CaptureEvent {
  return { event: 'data', time: 0, connection: 0, from, bytes: Buffer.concat(frames) };
}

test('literal bytes with a comment for each field', () => {
  const events = [
    // 9 bytes: move, x 10, y -2; 3 bytes: write, one byte that is no UTF-8
    data('client', Buffer.from('09000000010a000000feffffff', 'hex'), Buffer.from('030000000201ff', 'hex')),
    data('server', Buffer.from('0400000080024f4b', 'hex')),
  ];
  expect(toTestVectors(events, drone)).toBe(`export const VECTORS = [
  {
    from: 'client',
    message: { type: "move", x: 10, y: -2 },
    bytes: Buffer.from(
      [
        '01', // type: 1
        '0a000000', // x: 10
        'feffffff', // y: -2
      ].join(''),
      'hex',
    ),
  },
  {
    from: 'client',
    error: 'ERR_MESSAGE_UTF8',
    bytes: Buffer.from(
      [
        '02', // type: 2
        '01ff',
      ].join(''),
      'hex',
    ),
  },
  {
    from: 'server',
    message: { type: "ok", text: "OK" },
    bytes: Buffer.from(
      [
        '80', // type: 128
        '024f4b', // text: "OK"
      ].join(''),
      'hex',
    ),
  },
];
`);
});

test('bytes without a field have no comment, and fields of the same bytes share a line', () => {
  const fields = [
    ['high', 1, 2, '5'],
    ['low', 1, 2, '1\n\u202e'],
    ['none', 2, 2, ''],
  ] as const;
  expect(testVector('00a1ff', fields)).toBe(`Buffer.from(
  [
    '00',
    'a1', // high: 5, low: 1\\u{a}\\u{202e}
    'ff',
  ].join(''),
  'hex',
)`);
});

test('for any values, the module runs and gives the bytes and the messages', async () => {
  const codec = messages(u8, { all: message(1, { number: i64le, raw: bytes(u8), text: utf8(u8) }) });
  const protocol = { framing: lengthPrefix(), clientMessages: codec, serverMessages: codec };
  const nasty = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom('\n*/', "'+process.exit(3)+'", '\u2028;x', '\u202e', '`', '\\', '\ud83d\ude00'),
  );
  const one = fc.record({
    type: fc.constant('all' as const),
    number: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    raw: fc.uint8Array({ maxLength: 8 }).map((raw) => Buffer.from(raw)),
    text: nasty,
  });
  const samples = fc.sample(fc.array(one, { maxLength: 5 }), {
    numRuns: 30,
    seed: Number(process.env.WIREPIPE_SEED ?? 1),
  });
  for (const [index, sent] of samples.entries()) {
    const frames = sent.map((value) => {
      const payload = codec.encode(value);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(payload.length);
      return Buffer.concat([head, payload]);
    });
    const text = toTestVectors(
      [data('client', ...frames)],
      protocol as unknown as DecodableProtocol<unknown, unknown>,
    );
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    const file = path.join(folder, `vectors-${index}.mjs`);
    writeFileSync(file, text);
    const { VECTORS } = (await import(pathToFileURL(file).href)) as {
      VECTORS: { message: unknown; bytes: Buffer }[];
    };
    expect(VECTORS.map(({ message }) => message)).toEqual(sent);
    expect(VECTORS.map(({ bytes: literal }) => codec.decode(literal))).toEqual(sent);
  }
});
