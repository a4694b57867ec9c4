import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import {
  byKind,
  codecFrom,
  codecOf,
  constant,
  FrameDecoder,
  FrameEncoder,
  MessageDecoder,
  MessageEncoder,
  packets,
  struct,
  u8,
  u16be,
} from '../../src/index.ts';
import { hex } from '../support/hex.ts';
import { thrown } from '../support/reading.ts';

const ubx = codecOf(struct({ sync: constant(u16be, 0xb562), id: u8 }));
const nmea = codecFrom<string>({
  decode: (bytes) => String(bytes).slice(1, -2),
  encode: (text) => Buffer.from(`$${text}\r\n`),
});
const line = packets({
  kinds: {
    ubx: { start: [0xb5, 0x62], length: 3 },
    nmea: { start: '$', end: '\r\n' },
    ack: { start: [6], length: 1 },
  },
});
const messages = byKind({ ubx, nmea }, line);

test('each kind has its codec, both ways, through the stages', async () => {
  const bytes = hex('00 B562 07', '"$GP" 0D0A', 'FF B562 08');
  const decoder = Readable.from([bytes]).pipe(new FrameDecoder(line)).pipe(new MessageDecoder(messages));
  const received: unknown[] = [];
  for await (const message of decoder) received.push(message);
  expect(received).toEqual([
    { type: 'ubx', message: { id: 7 } },
    { type: 'nmea', message: 'GP' },
    { type: 'ubx', message: { id: 8 } },
  ]);
  const sent: Buffer[] = [];
  const encoder = Readable.from(received).pipe(new MessageEncoder(messages, { framing: line }));
  for await (const chunk of encoder) sent.push(chunk);
  expect(Buffer.concat(sent)).toEqual(hex('B562 07', '"$GP" 0D0A', 'B562 08'));
  expect(messages.types).toEqual(['ubx', 'nmea']);
  expect(new FrameEncoder(line).framing.kindOf?.(hex('06'), 0, 1)).toBe('ack');
});

test('messages with the same type are distinguished by kind', () => {
  const message = messages.decode(hex('B562 07'));
  // @ts-expect-error a text has no id
  void (message.type === 'nmea' && message.message.id);
  if (message.type === 'ubx') expect(message.message.id).toBe(7);
  // @ts-expect-error there is no such kind
  expect(thrown(() => messages.encode({ type: 'rtcm', message: 1 }))).toMatchObject({
    code: 'ERR_MESSAGE_UNKNOWN',
    origin: 'local',
    actual: 'rtcm',
  });
});

test('a frame of a kind without a codec, or without a kind, is an error', () => {
  expect(thrown(() => messages.decode(hex('06')))).toMatchObject({
    code: 'ERR_MESSAGE_UNKNOWN',
    message: 'no codec for the kind "ack"',
    actual: 'ack',
    expected: 'ubx, nmea',
    origin: 'peer',
  });
  expect(thrown(() => messages.decode(hex('B562')))).toMatchObject({
    code: 'ERR_MESSAGE_UNKNOWN',
    message: 'a frame of no kind',
    expected: 'ubx, nmea',
  });
  expect(thrown(() => messages.encode({ type: 'toString', message: 1 } as never))).toMatchObject({
    code: 'ERR_MESSAGE_UNKNOWN',
    message: 'type: expected one of ubx, nmea, got "toString"',
    expected: 'ubx, nmea',
  });
});

test('a message is detached if it is with every codec', () => {
  const views = { ...nmea, detached: false };
  expect(
    [byKind({ ubx }), byKind({ ubx, views }), byKind({ views })].map(({ detached }) => detached),
  ).toEqual([true, false, false]);
});

test('without the framing the codecs are tried in turn', () => {
  const tried = byKind({ ubx, nmea });
  expect(tried.decode(hex('B562 07'))).toEqual({ type: 'ubx', message: { id: 7 } });
  expect(tried.decode(hex('00 "$GP" 0D0A 00'), 1, 6)).toEqual({ type: 'nmea', message: 'GP' });
  expect(thrown(() => byKind({ ubx }).decode(hex('00')))).toMatchObject({ code: 'ERR_MESSAGE_SHORT' });
});

test.each<[string, () => unknown, string]>([
  ['no codecs', () => byKind({}), 'byKind: expected an object with a codec for each kind'],
  ['nothing', () => byKind(undefined as never), 'byKind: expected an object with a codec for each kind'],
  ['what is no codec', () => byKind({ ubx: {} as never }), 'byKind: ubx must be a codec, got an object'],
  ['no value', () => byKind({ ubx: undefined as never }), 'byKind: ubx must be a codec, got undefined'],
  [
    'a codec that only decodes',
    () => byKind({ ubx: { decode() {} } as never }),
    'byKind: ubx must be a codec, got an object',
  ],
  [
    'a kind that the framing does not have',
    () => byKind({ rtcm: ubx }, line),
    'byKind: the framing has no kind "rtcm"',
  ],
  [
    'a framing that is not one of packets',
    () => byKind({ ubx }, { ...line, layout: undefined }),
    'byKind: expected the framing to be one of packets()',
  ],
  [
    'a framing that tells no kinds',
    () => byKind({ ubx }, { ...line, kindOf: undefined } as never),
    'byKind: expected the framing to be one of packets()',
  ],
])('refuses %s', (_, make, text) => {
  expect(make).toThrow(new TypeError(text));
});
