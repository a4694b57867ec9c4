/** Random messages of random declarations, in every framing, cut anywhere: tshark shows, message by message, what we decode. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as f from '../../../src/protocol/fields/kinds.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';
import { cobs } from '../../../src/protocol/framing/cobs.ts';
import { delimiter } from '../../../src/protocol/framing/delimiter.ts';
import { fixedLength } from '../../../src/protocol/framing/fixed-length.ts';
import type { Framing } from '../../../src/protocol/framing/framing.ts';
import { headed } from '../../../src/protocol/framing/headed.ts';
import { lengthPrefix } from '../../../src/protocol/framing/length-prefix.ts';
import { line } from '../../../src/protocol/framing/line.ts';
import { packets } from '../../../src/protocol/framing/packets.ts';
import { selfDelimiting } from '../../../src/protocol/framing/self-delimiting.ts';
import { slip } from '../../../src/protocol/framing/slip.ts';
import { stuffed } from '../../../src/protocol/framing/stuffed.ts';
import { arbitraryFrame, arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { toDissector } from '../../../src/tools/dissector/to-dissector.ts';
import { arbitraryCodec, customValues } from '../../protocol/fields/declarations.ts';
import { isThere } from '../../support/programs.ts';
import { disagreement } from './agrees.ts';
import { Conversations } from './conversation.ts';
import { type Layer, tshark } from './tshark.ts';

// biome-ignore lint/suspicious/noExplicitAny: any codec
type AnyCodec = DeclaredCodec<any>;

const seed = Number(process.env.WIREPIPE_SEED ?? 1);

/** Numbers that follow from the seed. */
let state = (seed * 2_654_435_761) >>> 0;
function below(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** A frame as we cut it, and as it stands on the wire. */
interface Sent {
  readonly payload: Buffer;
  readonly wire: Buffer;
  readonly from: 'client' | 'server';
}

function framed(framing: Framing, payload: Buffer): Buffer | undefined {
  const writer = framing.writer();
  const target = Buffer.alloc(writer.bound(payload.length) + 16);
  try {
    return target.subarray(0, writer.write(target, 0, payload, 0, payload.length));
  } catch {
    return undefined;
  }
}

/** The frame that our own reader cuts of it; undefined where it cuts none, or another number. */
function reread(framing: Framing, wire: Buffer): Buffer | undefined {
  const reader = framing.reader();
  reader.push(wire);
  const found = reader.next();
  return found && reader.next() === undefined && reader.buffered === 0 ? Buffer.from(found) : undefined;
}

/** Send the frames in runs, each cut anywhere. */
function send(conversations: Conversations, connection: number, frames: readonly Sent[]): void {
  for (let at = 0; at < frames.length; ) {
    const { from } = frames[at]!;
    let to = at + 1;
    while (to < frames.length && frames[to]!.from === from) to++;
    const bytes = Buffer.concat(frames.slice(at, to).map(({ wire }) => wire));
    const lengths: number[] = [];
    for (let left = bytes.length; left > 0; left -= lengths.at(-1)!)
      lengths.push(1 + below(below(3) === 0 ? 9 : 200));
    conversations.send(connection, from, bytes, ...lengths);
    at = to;
  }
}

/** The layers that are frames, and not noise or faults. */
function framesOf(layers: readonly Layer[], name: string): Layer[] {
  return layers.filter(
    (layer) => layer.name === name && layer.items.some((item) => item.name === `${name}.from`),
  );
}

const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8] as const;

/** Every framing that has any payload. */
const ANY: Readonly<Record<string, Framing>> = {
  ...Object.fromEntries(
    LENGTHS.flatMap((width) => [
      [`u${8 * width}le`, lengthPrefix({ lengthFieldLength: width })],
      [
        `u${8 * width}be`,
        lengthPrefix({ lengthFieldLength: width, byteOrder: 'big', lengthIncludes: 'header' }),
      ],
    ]),
  ),
  varint: lengthPrefix({ lengthFieldLength: 'varint' }),
  'varint of 3 bytes, behind 2': lengthPrefix({
    lengthFieldLength: 'varint',
    maxLengthFieldLength: 3,
    lengthFieldOffset: 2,
    lengthIncludes: 'header',
  }),
  'as in WebSocket': lengthPrefix({ lengthFieldLength: '7/16/64' }),
  decimal: lengthPrefix({ lengthFieldLength: 5, base: 10 }),
  hexadecimal: lengthPrefix({ lengthFieldLength: 4, base: 16, lengthAdjustment: 3 }),
  'some bits': lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', mask: 0x3ffc }),
  'a header of 3': lengthPrefix({ lengthFieldOffset: 3, lengthFieldLength: 2, lengthAdjustment: -1 }),
  'CR LF': delimiter({ delimiter: '\r\n' }),
  'CR, or CR LF': delimiter({ delimiter: ['\r', '\r\n'], maxFrameLength: 4_000 }),
  'between marks': delimiter({ start: '\x02\x02', delimiter: '\x03' }),
  lines: line(),
  cobs: cobs({ valid: { checksum: 'SUM-8', at: -1 } }),
  slip: slip(),
  'slip with a start': slip({ start: 0xc1 }),
  HDLC: stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20 }),
};

describe.skipIf(!isThere('tshark'))('tshark', () => {
  test('shows messages as we decode them, for random declarations in every framing', () => {
    const names = Object.keys(ANY);
    const scripts: Record<string, string> = {};
    const conversations = new Conversations();
    const all: { name: string; framing: string; codec: AnyCodec; sent: Sent[]; isLossy: boolean }[] = [];
    const codecs = fc.sample(arbitraryCodec(), { numRuns: names.length, seed }) as AnyCodec[];
    for (const [index, codec] of codecs.entries()) {
      const kind = names[index % names.length]!;
      const name = `stream${index}`;
      const framing = ANY[kind]!;
      const payloads = fc.sample(arbitraryFrame(codec, { custom: customValues }), {
        numRuns: 10,
        seed: seed + index,
      });
      const sent: Sent[] = [];
      for (const payload of payloads) {
        const wire = framed(framing, kind === 'cobs' ? withSum(payload) : payload);
        const read = wire && reread(framing, wire);
        if (wire === undefined || read === undefined) continue;
        sent.push({ wire, payload: read, from: below(2) === 0 ? 'client' : 'server' });
      }
      const port = 40_000 + index;
      const protocol = { name, framing, clientMessages: codec, serverMessages: codec };
      const { lua, gaps } = toDissector(protocol, { port });
      scripts[name] = lua;
      conversations.open(index, port);
      send(conversations, index, sent);
      all.push({ name, framing: kind, codec, sent, isLossy: gaps.length > 0 });
    }

    const run = tshark(scripts, conversations.bytes(), Object.keys(scripts));
    expect(run.problems.replace(/^Running as user.*\n/, '')).toBe('');
    expect(run.text).not.toContain('Lua Error');
    let count = 0;
    const wrong: string[] = [];
    for (const { name, framing, codec, sent, isLossy } of all) {
      const layers = framesOf(run.layers, name);
      if (layers.length !== sent.length)
        wrong.push(`${framing}: ${sent.length} frames, tshark has ${layers.length}`);
      for (const [index, { payload, wire, from }] of sent.slice(0, layers.length).entries()) {
        const { hex, at, items } = layers[index]!;
        const about = `${framing}, ${from}, ${payload.toString('hex')}`;
        // An opening mark ends a frame of nothing before it.
        if (!wire.toString('hex').endsWith(hex)) wrong.push(`${about}: tshark has the frame ${hex}`);
        if (!items.some((item) => item.name === `${name}.from` && item.value === from))
          wrong.push(`${about}: not from ${from}`);
        const isCopy = ['cobs', 'slip', 'slip with a start', 'HDLC'].includes(framing);
        const place = isCopy ? 0 : at + placeOf(framing, wire, payload);
        const problem = disagreement(codec, payload, items, name, place, isLossy);
        if (problem !== undefined) wrong.push(`${about}: ${problem}`);
        count++;
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(count).toBeGreaterThan(7 * names.length);
  });

  test('cuts packets with marks, lengths and checksums', () => {
    const scripts: Record<string, string> = {};
    const conversations = new Conversations();
    const all: { name: string; codec: AnyCodec; sent: Sent[]; isCopy: boolean }[] = [];
    for (const [index, [kind, { framing, codec, payloads, noise }]] of Object.entries(OWN).entries()) {
      const name = `own${index}`;
      const port = 45_000 + index;
      const { lua, gaps } = toDissector(
        { name, framing, clientMessages: codec, serverMessages: codec },
        { port },
      );
      expect([kind, gaps]).toEqual([kind, []]);
      scripts[name] = lua;
      conversations.open(index, port);
      const sent = payloads.map((payload): Sent => {
        const wire = framed(framing, payload)!;
        expect([kind, reread(framing, wire)]).toEqual([kind, payload]);
        return { payload, wire, from: 'client' };
      });
      // Noise stands in front of each frame, and goes with it.
      send(
        conversations,
        index,
        sent.map((one) => ({ ...one, wire: Buffer.concat([Buffer.from(noise), one.wire]) })),
      );
      all.push({ name, codec, sent, isCopy: kind === 'HDLC with a length' });
    }
    const run = tshark(scripts, conversations.bytes(), Object.keys(scripts));
    expect(run.problems.replace(/^Running as user.*\n/, '')).toBe('');
    expect(run.text).not.toContain('Lua Error');
    for (const { name, codec, sent, isCopy } of all) {
      const layers = framesOf(run.layers, name);
      expect([name, layers.map(({ hex }) => hex)]).toEqual([
        name,
        sent.map(({ wire }) => wire.toString('hex')),
      ]);
      for (const [index, { payload }] of sent.entries()) {
        const { at, items } = layers[index]!;
        expect([name, disagreement(codec, payload, items, name, isCopy ? 0 : at)]).toEqual([name, undefined]);
      }
    }
  });

  test('reports a frame with a wrong checksum', () => {
    const { framing, codec, payloads } = OWN['NMEA 0183']!;
    const conversations = new Conversations();
    conversations.open(0, 4_000);
    const wrong = Buffer.from(payloads[0]!);
    wrong[3]! ^= 1;
    conversations.send(0, 'client', Buffer.concat([payloads[0]!, wrong]));
    const { lua } = toDissector(
      { name: 'nmea', framing, clientMessages: codec, serverMessages: codec },
      { port: 4_000 },
    );
    const { layers } = tshark({ nmea: lua }, conversations.bytes(), ['nmea']);
    const codes = layers.map(({ items }) => items.find(({ name }) => name === 'nmea.error.code')?.value);
    expect(codes).toEqual([undefined, 'ERR_FRAME_CHECKSUM']);
  });
});

const anyBytes = f.struct({ all: f.bytes(f.rest) });
const ubx = codecOf(
  f.struct({
    sync: f.constant(f.u16be, 0xb562),
    length: f.u8,
    data: f.bytes('length'),
    sum: f.checksum(f.u16le, 'CRC-16/MODBUS'),
  }),
) as AnyCodec;
const told = codecOf(
  f.struct({ length: f.sizeOf(f.u16be, { to: f.rest }), data: f.bytes(f.rest) }),
) as AnyCodec;
const point = codecOf(f.struct({ name: f.utf8(f.u8), x: f.i32be })) as AnyCodec;
const fixed = codecOf(f.struct({ a: f.u16be, b: f.u32le })) as AnyCodec;
const text = codecOf(anyBytes) as AnyCodec;

function some(codec: AnyCodec): Buffer[] {
  return fc
    .sample(arbitraryMessage(codec), { numRuns: 8, seed })
    .map((one) => Buffer.from(codec.encode(one)));
}

/** Framings that look into the payload, with payloads that they take. */
const OWN: Readonly<
  Record<string, { framing: Framing; codec: AnyCodec; payloads: Buffer[]; noise: string | Uint8Array }>
> = {
  'of one length': { framing: fixedLength(6), codec: fixed, payloads: some(fixed), noise: '' },
  'marks, a length and a sum': {
    framing: packets({
      kinds: {
        ubx: {
          start: { bytes: [0xb5, 0x60], mask: [0xff, 0xf0] },
          length: { offset: 2, add: 5 },
          valid: { checksum: 'CRC-16/MODBUS', byteOrder: 'little' },
        },
        nmea: { start: '$', end: '\r\n', maxFrameLength: 82 },
      },
    }),
    codec: ubx,
    payloads: some(ubx),
    // A mark with no packet behind it.
    noise: Uint8Array.of(0, 0xb5, 0x62, 0, 1, 2, 3),
  },
  'NMEA 0183': {
    framing: delimiter({
      ...{ start: '$', stripStart: false, delimiter: '*', trailer: 4 },
      valid: { checksum: 'XOR-8', digits: 'hexadecimal', from: 1, at: -4, to: -5 },
    }),
    codec: text,
    payloads: ['GPGLL,4916.45,N', 'x'].map((body) => {
      const sum = [...Buffer.from(body)].reduce((before, byte) => before ^ byte, 0);
      return Buffer.from(`$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`);
    }),
    noise: 'noise',
  },
  'Language Server Protocol': {
    framing: headed({ end: '\r\n\r\n', length: { field: 'Content-Length' }, ignore: '\n' }),
    codec: text,
    payloads: ['hello', '', 'x'.repeat(300)].map((body) =>
      Buffer.from(`Type: a\r\ncontent-length : ${body.length}\r\n\r\n${body}`),
    ),
    noise: '',
  },
  netstrings: {
    framing: headed({ end: ':', length: { column: 0 }, trailer: 1 }),
    codec: text,
    payloads: ['5:hello,', '0:,'].map((one) => Buffer.from(one)),
    noise: '',
  },
  'HDLC with a length': {
    framing: stuffed({
      flag: 0x7e,
      escape: 0x7d,
      xor: 0x20,
      length: { offset: 0, width: 2, byteOrder: 'big' },
    }),
    codec: told,
    payloads: [...some(told), Buffer.from('00067e7d7e00', 'hex')],
    noise: '',
  },
  'its declaration': { framing: selfDelimiting(point), codec: point, payloads: some(point), noise: '' },
};

function withSum(payload: Buffer): Buffer {
  return Buffer.concat([payload, Buffer.of(payload.reduce((sum, byte) => (sum + byte) & 0xff, 0))]);
}

/** Where the payload stands in the frame. */
function placeOf(framing: string, wire: Buffer, payload: Buffer): number {
  if (framing === 'between marks') return 2;
  if (['CR LF', 'CR, or CR LF', 'lines'].includes(framing)) return 0;
  return wire.length - payload.length;
}
