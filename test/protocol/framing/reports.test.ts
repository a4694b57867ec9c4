/** Public bug reports of this field, declared: what each needs, with the right frames. Bytes are our own. */
import { describe, expect, test } from 'vitest';
import { delimiter, lengthPrefix } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';
import { readAll } from '../../support/reading.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('HL7 MLLP: VT message FS CR (oehf/ipf#106, nextgenhealthcare/connect#423, amida-tech/mllp#2)', () => {
  const one = 'MSH|^~\\&|A|B\rPID|1\r';
  const two = 'MSH|^~\\&|C|D\r';
  const framing = delimiter({ start: '\x0b', delimiter: '\x1c\r', maxFrameLength: 1_000_000 });

  test('text before the start byte is skipped, the start byte is checked and stripped, and written', () =>
    verifyFraming(framing, [
      {
        name: 'two messages',
        bytes: latin1(`\x0b${one}\x1c\r\x0b${two}\x1c\r`),
        frames: [latin1(one), latin1(two)],
        canonical: true,
      },
      {
        name: 'a log line before, bytes behind',
        bytes: latin1(`2007-07-12 log line\r\n\x0b${two}\x1c\r\r\n`),
        frames: [latin1(two)],
        discarded: ['ERR_FRAME_NOISE', 'ERR_FRAME_NOISE'],
        unterminated: true,
      },
      {
        name: 'FS with something else behind it is text',
        bytes: latin1('\x0bA\x1cB\x1c\r'),
        frames: [latin1('A\x1cB')],
        canonical: true,
      },
      { name: 'cut off', bytes: latin1('\x0bA\x1c'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
      { name: 'cut off behind VT', bytes: latin1('\x0b'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ]));

  test('noise says how much of it there was, and where', () => {
    const { discarded } = readAll(framing, [latin1(`ab\x0b${two}\x1c\r`), latin1('c\x0bd\x1c\r')]);
    expect(discarded).toMatchObject([
      {
        code: 'ERR_FRAME_NOISE',
        actual: 2,
        offset: 0,
        message: '2 bytes outside a frame, at stream offset 0',
      },
      { code: 'ERR_FRAME_NOISE', actual: 1, offset: 5 + two.length },
    ]);
  });
});

describe('ASTM E1381: STX text ETX, two check digits, CR LF', () => {
  test('the bytes after the delimiter belong to the frame', () =>
    verifyFraming(
      delimiter({ start: '\x02', delimiter: ['\x03', '\x17'], trailer: 4, maxFrameLength: 240 }),
      [
        {
          name: 'the last block of a message, and another',
          bytes: latin1('\x021H|\\^&\r\x03E5\r\n\x022L|1\x1703\r\n'),
          frames: [latin1('1H|\\^&\r\x03E5\r\n'), latin1('2L|1\x1703\r\n')],
          canonical: true,
        },
        {
          name: 'enquiry before, acknowledgements between',
          bytes: latin1('\x05\x021\x0331\r\n\x06\x06\x02\x03..\r\n'),
          frames: [latin1('1\x0331\r\n'), latin1('\x03..\r\n')],
          discarded: ['ERR_FRAME_NOISE', 'ERR_FRAME_NOISE'],
          decodeOnly: true,
        },
        { name: 'cut in the trailer', bytes: latin1('\x021\x033'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
      ],
    ));
});

describe('WebSocket lengths (crystal#1663, domoticz#6543, DandelionWebSockets.jl#13, cro-websocket#23)', () => {
  const served = lengthPrefix({
    lengthFieldOffset: 1,
    lengthFieldLength: '7/16/64',
    initialBytesToStrip: 0,
    maxFrameLength: 70_000,
  });
  /** FIN, binary; the length as it has to be written. */
  const frame = (length: number): Buffer => {
    const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    header[0] = 0x82;
    header[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
    if (length > 65_535) header.writeBigUInt64BE(BigInt(length), 2);
    else if (length > 125) header.writeUInt16BE(length, 2);
    return Buffer.concat([header, Buffer.alloc(length, 'x')]);
  };

  test('each step, whole and cut anywhere in the header', () =>
    verifyFraming(served, [
      ...[0, 1, 125, 126, 127].map((length) => ({
        name: String(length),
        bytes: Buffer.concat([frame(length), frame(2)]),
        frames: [frame(length), frame(2)],
        canonical: true,
      })),
      {
        name: 'a long way of writing 5',
        bytes: hex('82 7E 0005 "hello"'),
        frames: [hex('82 7E 0005 "hello"')],
      },
      { name: '2^32 + 5', bytes: hex('82 7F 0000000100000005'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      { name: '2^63', bytes: hex('82 7F 8000000000000000'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: '2^53', bytes: hex('82 7F 0020000000000000'), frames: [], error: 'ERR_FRAME_LENGTH' },
    ]));

  test.each([0x7fff, 0x8000, 0xffff, 0x10000])('%d bytes', (length) => {
    const bytes = frame(length);
    expect(readAll(served, [bytes.subarray(0, 3), bytes.subarray(3), bytes]).frames).toEqual([bytes, bytes]);
  });

  test('the top bit says that a masking key of four bytes follows, which the length does not count', () =>
    verifyFraming(
      lengthPrefix({
        lengthFieldOffset: 1,
        lengthFieldLength: '7/16/64',
        lengthAdjustment: 4,
        initialBytesToStrip: 0,
      }),
      [
        {
          name: 'a masked Hello, RFC 6455 section 5.7',
          bytes: hex('81 85 37FA213D 7F9F4D5158', '89 80 00000000'),
          frames: [hex('81 85 37FA213D 7F9F4D5158'), hex('89 80 00000000')],
          canonical: true,
        },
      ],
    ));

  test('stripped, the writer takes the shortest form', () =>
    verifyFraming(lengthPrefix({ lengthFieldLength: '7/16/64' }), [
      { bytes: hex('02 "hi" 00'), frames: [hex('"hi"'), hex()], canonical: true },
    ]));
});
