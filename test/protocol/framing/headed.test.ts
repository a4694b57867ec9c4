import { describe, expect, test } from 'vitest';
import { headed } from '../../../src/index.ts';
import { verifyFraming } from '../../../src/testing/index.ts';
import { pieces, readAll, thrown, writeOne } from '../../support/reading.ts';

const b = (...texts: string[]): Buffer => Buffer.from(texts.join(''), 'latin1');

describe('FIX: length and sum are decimal text, and the body may hold the delimiter (simplefix#16, quickfix#62, fixparser#14)', () => {
  const SOH = '\x01';
  const make = (body: string): Buffer => {
    const head = `8=FIX.4.4${SOH}9=${body.length}${SOH}${body}`;
    const sum = b(head).reduce((all, byte) => (all + byte) & 0xff, 0);
    return b(`${head}10=${String(sum).padStart(3, '0')}${SOH}`);
  };
  const framing = headed({
    end: SOH,
    endCount: 2,
    length: { field: '9', nameEnd: '=', fieldEnd: SOH },
    trailer: 7,
  });

  test('whole messages inside a message are its body', () => {
    const inner = make(`35=8${SOH}`).toString('latin1');
    const one = make(`35=n${SOH}212=${inner.length}${SOH}213=${inner}${SOH}`);
    const two = make(`35=0${SOH}`);
    return verifyFraming(framing, [
      { bytes: Buffer.concat([one, two]), frames: [one, two], canonical: true },
      { name: 'no length', bytes: b(`8=FIX.4.4${SOH}35=0${SOH}`), frames: [], error: 'ERR_FRAME_LENGTH' },
      {
        name: 'a length that is not a number',
        bytes: b(`8=FIX.4.4${SOH}9=5x${SOH}`),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
    ]);
  });
});

test('the Language Server Protocol: Content-Length, other fields, letters of either case', () =>
  verifyFraming(
    headed({
      end: '\r\n\r\n',
      length: { field: 'Content-Length' },
      maxFrameLength: 200,
      maxHeaderLength: 60,
    }),
    [
      {
        bytes: b('Content-Length: 2\r\n\r\n{}content-type: x\r\nCONTENT-LENGTH:0\r\n\r\n'),
        frames: [b('Content-Length: 2\r\n\r\n{}'), b('content-type: x\r\nCONTENT-LENGTH:0\r\n\r\n')],
        canonical: true,
      },
      {
        name: 'said twice alike',
        bytes: b('Content-Length: 1\r\nContent-Length: 1\r\n\r\nx'),
        frames: [b('Content-Length: 1\r\nContent-Length: 1\r\n\r\nx')],
      },
      {
        name: 'said twice differently',
        bytes: b('Content-Length: 1\r\nContent-Length: 2\r\n\r\nx'),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
      { name: 'negative', bytes: b('Content-Length: -1\r\n\r\n'), frames: [], error: 'ERR_FRAME_LENGTH' },
      { name: 'with a sign', bytes: b('Content-Length: +1\r\n\r\nx'), frames: [], error: 'ERR_FRAME_LENGTH' },
      {
        name: 'beyond what can be counted',
        bytes: b('Content-Length: 99999999999999999\r\n\r\nx'),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
      { name: 'too long', bytes: b('Content-Length: 999\r\n\r\n'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
      { name: 'a header without end', bytes: b('x'.repeat(80)), frames: [], error: 'ERR_FRAME_LENGTH' },
      {
        name: 'cut in the header',
        bytes: b('Content-Length: 2\r\n\r'),
        frames: [],
        error: 'ERR_FRAME_TRUNCATED',
      },
      {
        name: 'cut between header and body',
        bytes: b('Content-Length: 2\r\n\r\n'),
        frames: [],
        error: 'ERR_FRAME_TRUNCATED',
      },
    ],
  ));

test('SIP, RFC 3261: the compact name, and line ends that keep the connection open', () =>
  verifyFraming(
    headed({ end: '\r\n\r\n', length: { field: ['Content-Length', 'l'] }, ignore: '\r\n' }),
    [
      {
        bytes: b(
          '\r\n\r\nOPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nv=0\r\n\r\nSIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
        ),
        frames: [
          b('OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nv=0'),
          b('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
        ],
      },
    ],
    { truncation: 'any' },
  ));

test('netstrings: digits, a colon, the bytes, a comma', () =>
  verifyFraming(headed({ end: ':', length: { column: 0 }, trailer: 1 }), [
    { bytes: b('12:hello world!,0:,'), frames: [b('12:hello world!,'), b('0:,')], canonical: true },
    { name: 'no digits', bytes: b(':'), frames: [], error: 'ERR_FRAME_LENGTH' },
  ]));

test('HTTP chunks: hexadecimal, with an extension behind', () =>
  verifyFraming(headed({ end: '\r\n', length: { column: 0, columnEnd: ';', base: 16 }, trailer: 2 }), [
    {
      bytes: b('a;x=1\r\n0123456789\r\n0\r\n\r\n'),
      frames: [b('a;x=1\r\n0123456789\r\n'), b('0\r\n\r\n')],
      canonical: true,
    },
  ]));

test('NATS: a function of the header, since only some lines have a payload', () =>
  verifyFraming(
    headed({
      end: '\r\n',
      length: (header) => {
        const words = header.toString('latin1').split(' ');
        return words[0] === 'MSG' || words[0] === 'PUB' ? Number(words.at(-1)) + 2 : 0;
      },
    }),
    [
      {
        bytes: b('PING\r\nMSG a 1 5\r\nhello\r\n+OK\r\n'),
        frames: [b('PING\r\n'), b('MSG a 1 5\r\nhello\r\n'), b('+OK\r\n')],
        canonical: true,
      },
      { name: 'no number', bytes: b('MSG a 1 x\r\n'), frames: [], error: 'ERR_FRAME_LENGTH' },
    ],
  ));

test('STOMP 1.2: the body ends with NUL if no length is given, and line ends may come between frames', () =>
  verifyFraming(
    headed({ end: '\n\n', length: { field: 'content-length' }, trailer: 1, until: '\0', ignore: '\r\n' }),
    [
      {
        bytes: b('SEND\ndestination:/a\n\nhello\0\n\nSEND\ncontent-length:3\n\na\0b\0'),
        frames: [b('SEND\ndestination:/a\n\nhello\0'), b('SEND\ncontent-length:3\n\na\0b\0')],
      },
      { name: 'an empty body', bytes: b('CONNECT\n\n\0'), frames: [b('CONNECT\n\n\0')], canonical: true },
    ],
    { truncation: 'any' },
  ));

test('the longest header and the longest frame, and one byte more', () =>
  verifyFraming(
    headed({ end: ':', length: { column: -1 }, trailer: 1, maxHeaderLength: 4, maxFrameLength: 8 }),
    [
      { bytes: b('a 3:abc;', '00:;'), frames: [b('a 3:abc;'), b('00:;')], canonical: true },
      { name: 'a longer header', bytes: b('00:;', 'ab 0:;'), frames: [b('00:;')], error: 'ERR_FRAME_LENGTH' },
      {
        name: 'a longer frame',
        bytes: b('00:;', 'a 4:abcd;'),
        frames: [b('00:;')],
        error: 'ERR_FRAME_TOO_LONG',
      },
    ],
  ));

test('a body up to its end makes no frame that is too long', () =>
  verifyFraming(headed({ end: ':', length: { field: 'n', nameEnd: '=' }, until: '..', maxFrameLength: 8 }), [
    {
      bytes: b('a:bcde..', ':..', 'n=2:ab'),
      frames: [b('a:bcde..'), b(':..'), b('n=2:ab')],
      canonical: true,
    },
    { name: 'one byte more', bytes: b(':..', 'a:bcdef..'), frames: [b(':..')], error: 'ERR_FRAME_TOO_LONG' },
    { name: 'no end in sight', bytes: b(':..', 'a:bcdefg'), frames: [b(':..')], error: 'ERR_FRAME_TOO_LONG' },
  ]));

test('white space around fields and columns is removed, and names match in either case', () =>
  verifyFraming(headed({ end: ';', length: { field: 'N', fieldEnd: ',', nameEnd: '=' } }), [
    { bytes: b(' n = 2 ;ab', 'x,n=1,y=;a'), frames: [b(' n = 2 ;ab'), b('x,n=1,y=;a')], canonical: true },
    { name: 'another field that ends so', bytes: b('in=1;'), frames: [], error: 'ERR_FRAME_LENGTH' },
  ]));

test('a column that may be missing', () =>
  verifyFraming(headed({ end: '\n', length: { column: 1, otherwise: 0, add: 1 } }), [
    { bytes: b('get 2\nab\nping\n'), frames: [b('get 2\nab\n'), b('ping\n')], canonical: true },
  ]));

test('a header is searched once, however small the chunks', () => {
  const framing = headed({ end: '\r\n\r\n', length: { field: 'x', otherwise: 0 }, maxHeaderLength: 100_000 });
  const bytes = b(`${'\r\n\r'.repeat(30_000)}\n\r\n`);
  let looked = 0;
  const { indexOf } = Buffer.prototype;
  Buffer.prototype.indexOf = function (this: Buffer, ...args: Parameters<Buffer['indexOf']>) {
    looked += this.length;
    return indexOf.apply(this, args);
  } as Buffer['indexOf'];
  try {
    expect(readAll(framing, pieces(bytes, 7)).frames.length).toBe(1);
  } finally {
    Buffer.prototype.indexOf = indexOf;
  }
  expect(looked).toBeLessThan(3 * bytes.length);
});

test('the writer writes only payloads whose measured length is their own', () => {
  const framing = headed({ end: ':', length: { column: 0 }, trailer: 1 });
  expect(String(writeOne(framing, b('2:ab,')))).toBe('2:ab,');
  for (const payload of ['2:ab', '2:abc,', 'x:', '']) {
    expect(thrown(() => writeOne(framing, b(payload)))).toMatchObject({
      code: 'ERR_FRAME_LENGTH',
      origin: 'local',
    });
  }
});
