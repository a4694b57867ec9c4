import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CaptureMessages, decodeCapture } from '../../src/captures/decode-capture.ts';
import { DirectionDecoder } from '../../src/captures/direction-decoder.ts';
import { drone } from '../../src/drone/protocol.ts';
import {
  cobs,
  codecFrom,
  delimiter,
  type Framing,
  fixedLength,
  headed,
  lengthPrefix,
  line,
  measured,
  message,
  messages,
  packets,
  selfDelimiting,
  slip,
  stuffed,
  u8,
  utf8,
} from '../../src/index.ts';
import { eventLine, headerLine } from '../../src/protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { CaptureMismatch, expectCapture } from '../../src/testing/expect-capture.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-decode-'));
const text = codecFrom<string>({
  decode: (bytes) => String(bytes),
  encode: (message) => Buffer.from(message),
});

/** Frames of these texts on the wire. */
function wire(framing: Framing, texts: readonly string[]): Buffer {
  const writer = framing.writer();
  return Buffer.concat(
    texts.map((one) => {
      const bytes = Buffer.alloc(writer.bound(one.length));
      return bytes.subarray(0, writer.write(bytes, 0, Buffer.from(one), 0, one.length));
    }),
  );
}

/** The results for the bytes without those from `from` to `to`. */
function through(framing: Framing, bytes: Buffer, from: number, to: number): unknown[] {
  const decoder = new DirectionDecoder<string>(framing, text as never);
  const results = [
    ...decoder.data(bytes.subarray(0, from)),
    ...decoder.gap(to - from),
    ...decoder.data(bytes.subarray(to)),
  ];
  return results.map((result) => {
    if (result.kind === 'message') return result.message;
    return result.kind === 'lost' ? { lost: result.length, goesOn: result.goesOn } : result.error.code;
  });
}

describe('a gap', () => {
  test('inside a frame whose length is known costs that frame', () => {
    const framing = lengthPrefix({ lengthFieldLength: 2 });
    const bytes = wire(framing, ['one', 'two', 'three', 'four']);
    //  03 00 o n e 03 00 t w o 05 00 t h r e e 04 00 f o u r
    //  0           5           10              17
    expect(through(framing, bytes, 7, 9)).toEqual(['one', { lost: 2, goesOn: true }, 'three', 'four']);
    expect(through(framing, bytes, 12, 17)).toEqual(['one', 'two', { lost: 5, goesOn: true }, 'four']);
    expect(through(framing, bytes, 13, 15)).toEqual(['one', 'two', { lost: 2, goesOn: true }, 'four']);
  });

  test('inside a length field, or beyond the frame: a length prefix cannot find the next frame, and reports that', () => {
    const framing = lengthPrefix({ lengthFieldLength: 2 });
    const bytes = wire(framing, ['one', 'two', 'three', 'four']);
    for (const [from, to] of [
      [5, 6],
      [6, 8],
      [7, 11],
      [5, 10],
    ] as const) {
      expect(through(framing, bytes, from, to)).toEqual(['one', { lost: to - from, goesOn: false }]);
    }
  });

  test('with a varint as the length', () => {
    const framing = lengthPrefix({ lengthFieldLength: 'varint' });
    const bytes = wire(framing, ['x'.repeat(300), 'next']);
    expect(through(framing, bytes, 50, 60)).toEqual([{ lost: 10, goesOn: true }, 'next']);
    expect(through(framing, bytes, 1, 2)).toEqual([{ lost: 1, goesOn: false }]);
  });

  test('between frames of fixed length costs only the frames it touches', () => {
    const framing = fixedLength(4);
    const bytes = wire(framing, ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']);
    expect(through(framing, bytes, 4, 8)).toEqual([
      'aaaa',
      { lost: 4, goesOn: true },
      'cccc',
      'dddd',
      'eeee',
    ]);
    expect(through(framing, bytes, 5, 14)).toEqual(['aaaa', { lost: 9, goesOn: true }, 'eeee']);
    expect(through(framing, bytes, 5, 6)).toEqual([
      'aaaa',
      { lost: 1, goesOn: true },
      'cccc',
      'dddd',
      'eeee',
    ]);
  });

  test.each([
    ['line', line()],
    ['slip', slip()],
    ['cobs', cobs()],
  ])('%s: goes on behind the next mark', (_, framing) => {
    const bytes = wire(framing, ['one', 'two', 'three', 'four']);
    const first = wire(framing, ['one', 'two']).length;
    const results = through(framing, bytes, first - 2, first + 2);
    expect(results.slice(0, 2)).toEqual(['one', { lost: 4, goesOn: true }]);
    expect(results.at(-1)).toBe('four');
    expect(results).not.toContain('two');
    expect(results).not.toContain('three');
  });

  const xor = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum ^ byte, 0);
  /** AA, the length of the whole packet, data, and a byte that makes the XOR of all bytes 0. */
  const packet = (data: string): Buffer => {
    const bytes = Buffer.from(`\xaa\0${data}\0`, 'latin1');
    bytes[1] = bytes.length;
    bytes[bytes.length - 1] = xor(bytes);
    return bytes;
  };
  const summed = {
    start: [0xaa],
    length: { offset: 1, width: 1 },
    valid: (bytes: Buffer) => xor(bytes) === 0,
  };

  test.each([
    ['packets', packets({ kinds: [summed], maxFrameLength: 255 })],
    [
      'packets that take noise for an error',
      packets({ kinds: [summed], maxFrameLength: 255, onNoise: 'error' }),
    ],
    [
      'measured, with a sum',
      measured({
        measure: (bytes, start, end) =>
          end - start < 2 ? undefined : bytes[start] === 0xaa ? bytes[start + 1]! : 0,
        valid: summed.valid,
        onNoise: 'discard',
        maxFrameLength: 255,
      }),
    ],
  ])('%s: the next one is found', (_, framing) => {
    const [one, two, three, four] = ['one', 'two', 'three', 'four'].map(packet) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ];
    const bytes = Buffer.concat([one, two, three, four]);
    const [second, third, fourth] = [6, 12, 20];
    const shown = [one, three, four].map((frame) => frame.toString());
    // Inside a packet, its length, its checksum; and the whole packet.
    for (const [from, to] of [
      [second + 3, second + 5],
      [second + 1, second + 2],
      [third - 1, third],
      [second, third],
    ] as const) {
      expect({ from, results: through(framing, bytes, from, to) }).toEqual({
        from,
        results: [shown[0], { lost: to - from, goesOn: true }, shown[1], shown[2]],
      });
    }
    // Across a packet boundary, and from the middle of one packet to the middle of another.
    for (const to of [third + 1, third + 3, fourth]) {
      expect(through(framing, bytes, second + 3, to)).toEqual([
        shown[0],
        { lost: to - second - 3, goesOn: true },
        shown[2],
      ]);
    }
  });

  test('a whole packet after a false start, before the gap, is not lost', () => {
    const framing = packets({ kinds: [summed], maxFrameLength: 255 });
    // AA FF announces 255 bytes.
    const bytes = Buffer.concat([
      Buffer.from([0xaa, 0xff]),
      packet('one'),
      Buffer.from('gap'),
      packet('two'),
    ]);
    expect(through(framing, bytes, 8, 11)).toEqual([
      packet('one').toString(),
      { lost: 3, goesOn: true },
      packet('two').toString(),
    ]);
  });

  test.each([
    ['stuffed', stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20 })],
    [
      'stuffed, which drops what is invalid',
      stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20, onInvalid: 'discard' }),
    ],
    ['delimiter', delimiter({ delimiter: '\r\n' })],
  ])('%s: goes on behind the next mark, wherever the gap ends', (_, framing) => {
    const texts = ['one', 't~}wo', 'th~ree', 'four', 'five'];
    const bytes = wire(framing, texts);
    const first = wire(framing, texts.slice(0, 1)).length;
    const third = wire(framing, texts.slice(0, 3)).length;
    for (let from = first + 1; from < third; from++) {
      for (let to = from + 1; to <= third; to++) {
        const results = through(framing, bytes, from, to);
        const lost = results.findIndex((result) => typeof result === 'object');
        expect(results[lost]).toEqual({ lost: to - from, goesOn: true });
        expect(results.slice(0, lost)).toEqual(texts.slice(0, lost));
        expect(results.at(-1)).toBe('five');
        for (const one of results.slice(lost + 1)) expect(texts).toContain(one);
      }
    }
  });

  test('a start mark: decoding resumes with the first frame that begins after the gap', () => {
    for (const onInvalid of ['discard', 'error'] as const) {
      const framing = delimiter({ start: ':', delimiter: '\r\n', onInvalid });
      const bytes = wire(framing, ['one', 'two', 'three']);
      const name = onInvalid;
      expect({ name, results: through(framing, bytes, 8, 9) }).toEqual({
        name,
        results: ['one', { lost: 1, goesOn: true }, 'three'],
      });
      expect(through(framing, bytes, 6, 12)).toEqual(['one', { lost: 6, goesOn: true }, 'three']);
    }
  });

  test('a stuffed frame with a length: the next start is found', () => {
    // XBee API 2: 7E · length 2, of the data · data · sum 1, all escaped but the first
    const framing = stuffed({
      flag: 0x7e,
      escape: 0x7d,
      xor: 0x20,
      onInvalid: 'discard',
      length: { offset: 0, width: 2, byteOrder: 'big', add: 2 },
    });
    const payload = (data: string): Buffer =>
      Buffer.concat([Buffer.from([0, data.length]), Buffer.from(data)]);
    const writer = framing.writer();
    const bytes = Buffer.concat(
      ['one', 't~wo', 'three'].map((data) => {
        const target = Buffer.alloc(64);
        return target.subarray(0, writer.write(target, 0, payload(data), 0, payload(data).length));
      }),
    );
    const shown = [payload('one').toString(), payload('three').toString()];
    for (const [from, to] of [
      [8, 9],
      [10, 11],
      [7, 12],
    ] as const) {
      expect(through(framing, bytes, from, to)).toEqual([
        shown[0],
        { lost: to - from, goesOn: true },
        shown[1],
      ]);
    }
  });

  test.each([
    ['headed', headed({ end: ':', length: { column: 0 }, trailer: 1 }), '3:one,3:two,5:three,4:four,', 6, 1],
    [
      'measured',
      measured({ measure: (all, start) => 1 + all[start]!, maxFrameLength: 256 }),
      '\x03one\x03two\x05three\x04four',
      4,
      0,
    ],
    [
      'selfDelimiting',
      selfDelimiting(messages(u8, { text: message(3, { text: utf8(u8) }) })),
      '\x03\x03one\x03\x03two\x03\x05three',
      5,
      1,
    ],
  ])(
    '%s: inside a frame whose length is known it costs that frame, and elsewhere it says that it cannot go on',
    (_, framing, sent, second, known) => {
      const bytes = Buffer.from(sent, 'latin1');
      const inside = second + known + 1;
      const results = through(framing, bytes, inside, inside + 1);
      expect(results[1]).toEqual({ lost: 1, goesOn: true });
      expect(results.length).toBeGreaterThan(2);
      expect(results[2]).toContain('three');
      expect(through(framing, bytes, second, second + 1).slice(1)).toEqual([{ lost: 1, goesOn: false }]);
      // Beyond the frame.
      expect(through(framing, bytes, inside, inside + 6).slice(1)).toEqual([{ lost: 6, goesOn: false }]);
    },
  );

  test('two in one frame, and one in a frame of 100 kB', () => {
    const framing = lengthPrefix();
    const bytes = wire(framing, ['x'.repeat(100_000), 'next']);
    const decoder = new DirectionDecoder<string>(framing, text as never);
    const results = [
      ...decoder.data(bytes.subarray(0, 1_000)),
      ...decoder.gap(1_000),
      ...decoder.data(bytes.subarray(2_000, 3_000)),
      ...decoder.gap(50_000),
      ...decoder.data(bytes.subarray(53_000)),
    ];
    expect(results.map(({ kind }) => kind)).toEqual(['lost', 'lost', 'message']);
    expect(results.at(-1)).toEqual({ kind: 'message', message: 'next', offset: 100_008 });
  });

  test('any gap: no message is invented, and no earlier message is lost', () => {
    const framings = fc.constantFrom(
      lengthPrefix({ lengthFieldLength: 1 }),
      line(),
      slip(),
      cobs(),
      fixedLength(5),
      stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20 }),
      delimiter({ start: ':', delimiter: '\n' }),
      packets({ kinds: [{ start: ':', length: { offset: 1, width: 1, add: 2 } }] }),
    );
    fc.assert(
      fc.property(
        framings,
        fc.array(fc.stringMatching(/^[a-z]{5}$/), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        (framing, words, a, b) => {
          // A packet is a mark and its length.
          const texts = framing.name === 'packets' ? words.map((word) => `:\x05${word}`) : words;
          const bytes = wire(framing, texts);
          const [from, to] = [a % bytes.length, b % bytes.length].toSorted((x, y) => x - y) as [
            number,
            number,
          ];
          if (from === to) return;
          const results = through(framing, bytes, from, to);
          const lost = results.findIndex((result) => typeof result === 'object');
          expect(results.slice(0, lost)).toEqual(texts.slice(0, lost));
          const behind = results.slice(lost + 1);
          expect(behind).toEqual(behind.length === 0 ? [] : texts.slice(-behind.length));
        },
      ),
      { numRuns: 500 },
    );
  });
});

const EVENTS: CaptureEvent[] = [
  { event: 'open', time: 0, connection: 0, client: '10.0.0.1:5000', server: '10.0.0.2:80' },
  {
    event: 'data',
    time: 0.1,
    connection: 0,
    from: 'client',
    bytes: Buffer.from('\x07\0\0\0\x02\x05HEL', 'latin1'),
  },
  {
    event: 'data',
    time: 0.2,
    connection: 0,
    from: 'client',
    bytes: Buffer.from('LO\x01\0\0\0\x63', 'latin1'),
  },
  {
    event: 'data',
    time: 0.3,
    connection: 0,
    from: 'server',
    bytes: Buffer.from('\x09\0\0\0\x80\x07AUTH_OK', 'latin1'),
  },
  { event: 'data', time: 0.4, connection: 0, from: 'client', bytes: Buffer.from('\x09\0\0\0\x01', 'latin1') },
  { event: 'gap', time: 0.5, connection: 0, from: 'client', length: 8 },
  {
    event: 'data',
    time: 0.6,
    connection: 0,
    from: 'client',
    bytes: Buffer.from('\x01\0\0\0\0\x01\0', 'latin1'),
  },
  { event: 'end', time: 0.7, connection: 0, from: 'client' },
  { event: 'close', time: 0.8, connection: 0 },
];

test('the messages of a capture, with losses and faults', async () => {
  const events: unknown[] = [];
  for await (const event of decodeCapture(EVENTS, drone)) events.push(event);
  expect(events).toMatchObject([
    { event: 'open' },
    { event: 'message', time: 0.2, from: 'client', message: { type: 'write', text: 'HELLO' }, offset: 4 },
    { event: 'fault', from: 'client', error: { code: 'ERR_MESSAGE_UNKNOWN' } },
    { event: 'message', time: 0.3, from: 'server', message: { type: 'ok', text: 'AUTH_OK' } },
    { event: 'lost', from: 'client', length: 8, discarded: 5, goesOn: true },
    { event: 'message', from: 'client', message: { type: 'quit' } },
    { event: 'fault', from: 'client', error: { code: 'ERR_FRAME_TRUNCATED' } },
    { event: 'end', from: 'client' },
    { event: 'close' },
  ]);
});

describe('expectCapture', () => {
  const file = path.join(folder, 'flight.ndjson');
  writeFileSync(file, headerLine({}) + EVENTS.map(eventLine).join(''));
  const golden = `${file}.messages`;

  test('writes the expected messages once, then compares them, and names each field that differs', async () => {
    await expectCapture(file, drone);
    expect(readFileSync(golden, 'utf8')).toBe(
      [
        '{"connection":0,"from":"client","message":{"type":"write","text":"HELLO"}}',
        '{"connection":0,"from":"client","fault":"ERR_MESSAGE_UNKNOWN"}',
        '{"connection":0,"from":"server","message":{"type":"ok","text":"AUTH_OK"}}',
        '{"connection":0,"from":"client","lost":8,"goesOn":true}',
        '{"connection":0,"from":"client","message":{"type":"quit"}}',
        '{"connection":0,"from":"client","fault":"ERR_FRAME_TRUNCATED"}',
        '{"connection":0,"from":"client","event":"end"}',
        '',
      ].join('\n'),
    );
    await expectCapture(file, drone);

    const changed = readFileSync(golden, 'utf8').replace('HELLO', 'HULLO');
    const lines = changed.split('\n');
    writeFileSync(
      golden,
      `${[
        ...lines.slice(0, 4),
        '{"connection":0,"from":"client","message":{"type":"quit","why":1}}',
        ...lines.slice(5),
      ].join('\n')}more\n`,
    );
    const error = await expectCapture(file, drone).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CaptureMismatch);
    expect(error.differences).toEqual([
      'line 1: message.text: expected "HULLO", got "HELLO"',
      'line 5: message.why: expected 1, got nothing',
      'line 8: missing: more',
    ]);
    expect(error.message).toContain(file);

    await expectCapture(file, drone, { update: true });
    await expectCapture(file, drone);
  });

  test('unknown options, and a missing file', async () => {
    await expect(expectCapture(file, drone, { gold: 'x' } as object)).rejects.toThrow(
      "did you mean 'golden'",
    );
    await expect(expectCapture(`${file}.absent`, drone)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('more connections than maxConnections', () => {
  const frame = Buffer.from('0100000000', 'hex'); // length 1 · quit
  const data = (connection: number, bytes: Buffer): CaptureEvent => ({
    ...{ event: 'data', time: connection, connection, from: 'client' },
    bytes,
  });

  test('the one that was silent the longest counts as ended, and no other', () => {
    const decoder = new CaptureMessages(drone, { maxConnections: 2 });
    expect(decoder.event(data(0, frame.subarray(0, 3)))).toEqual([]);
    expect(decoder.event(data(1, frame.subarray(0, 3)))).toEqual([]);
    // The first search marks the two, and drops the older one.
    expect(decoder.event(data(2, frame))).toMatchObject([
      { event: 'fault', connection: 0, from: 'client', time: 2, error: { code: 'ERR_FRAME_TRUNCATED' } },
      { event: 'message', connection: 2, message: { type: 'quit' } },
    ]);
    // A connection that goes on is not forgotten, however many others come.
    for (let connection = 3; connection < 20; connection++) {
      decoder.event(data(1, Buffer.alloc(0)));
      expect(decoder.event(data(connection, frame))).toMatchObject([{ event: 'message', connection }]);
    }
    expect(decoder.event(data(1, frame.subarray(3)))).toMatchObject([{ event: 'message', connection: 1 }]);
  });

  test('a connection that was closed counts no more; the option is checked', async () => {
    const events = Array.from({ length: 10 }, (_, connection): CaptureEvent[] => [
      data(connection, frame),
      { event: 'close', time: connection, connection },
    ]).flat();
    const seen: unknown[] = [];
    for await (const { event } of decodeCapture(events, drone, { maxConnections: 1 })) seen.push(event);
    expect(seen.filter((event) => event === 'fault')).toEqual([]);
    expect(seen.filter((event) => event === 'message').length).toBe(10);
    expect(() => new CaptureMessages(drone, { maxConnections: 0 })).toThrow(
      new RangeError('CaptureMessages: maxConnections must be an integer of at least 1, got 0'),
    );
  });
});
