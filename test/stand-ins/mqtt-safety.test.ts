/** What a hostile peer can do to the adapter, and to mqtt-packet beside it. */
import mqttPacket, { type Packet } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import * as adapter from '../../examples/mqtt/mqtt-packet/index.ts';
import { runNode } from './programs.ts';

interface Seen {
  packets: object[];
  errors: string[];
}

function seen(make: typeof adapter.parser | typeof mqttPacket.parser, bytes: string, version = 4): Seen {
  const parser = (make as typeof adapter.parser)({ protocolVersion: version });
  const all: Seen = { packets: [], errors: [] };
  parser.on('packet', (packet: Packet) => all.packets.push(packet));
  parser.on('error', (error: Error) => all.errors.push(error.message));
  parser.parse(Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
  return all;
}
const ours = (bytes: string, version?: number): Seen => seen(adapter.parser, bytes, version);
const theirs = (bytes: string, version?: number): Seen => seen(mqttPacket.parser, bytes, version);

describe('a length below what its packet needs', () => {
  test('PUBACK without an identifier: mqtt-packet invents one', () => {
    expect(theirs('40 00').packets).toMatchObject([{ cmd: 'puback', messageId: -1 }]);
    expect(ours('40 00')).toEqual({ packets: [], errors: ['Cannot parse messageId'] });
  });

  test('… or reads it from the next packet', () => {
    // PUBACK of no bytes · PINGREQ
    expect(theirs('40 00 c0 00').packets).toMatchObject([
      { cmd: 'puback', messageId: 0xc000 },
      { cmd: 'pingreq' },
    ]);
    expect(ours('40 00 c0 00')).toEqual({ packets: [], errors: ['Cannot parse messageId'] });
  });

  test('properties longer than their packet: mqtt-packet reads into the next packet', () => {
    // PUBLISH of 6 bytes: topic t, properties of 8 bytes, one payload byte · PUBLISH of 7 bytes, whose first ones are a property
    const bytes = '3006 0001 74 08 01 00  3007 0001 74 00 616263';
    const { packets, errors } = theirs(bytes, 5);
    expect([...packets.map((one) => (one as { properties?: object }).properties), ...errors]).not.toEqual([]);
    expect(ours(bytes, 5)).toEqual({ packets: [], errors: ['Cannot parse property code type'] });
  });
});

test('bytes after the fields of a packet are refused', () => {
  // PINGREQ of one byte; DISCONNECT of two
  expect(theirs('c001 00').packets).toMatchObject([{ cmd: 'pingreq' }]);
  for (const bytes of ['c001 00', 'e002 0000']) {
    const { packets, errors } = ours(bytes);
    expect([packets.length, errors.length]).toEqual([0, 1]);
  }
});

test('a topic that is not UTF-8: mqtt-packet publishes under another name', () => {
  // PUBLISH to a topic of the bytes ff 61
  expect(theirs('3004 0002 ff61').packets).toMatchObject([{ topic: '\ufffda' }]);
  expect(ours('3004 0002 ff61')).toEqual({ packets: [], errors: ['Cannot parse topic'] });
});

test.each(['30 05 0009 616263', '30 03 ffff 61', '10 0c 0004 4d515454 04 02 0000 ffff'])(
  'a string that its packet does not hold: %s',
  (bytes) => {
    const { packets, errors } = ours(bytes);
    expect([packets.length, errors.length]).toEqual([0, 1]);
  },
);

test('a packet after a bad one is not read, but the next chunk is', () => {
  const parser = adapter.parser();
  const packets: string[] = [];
  const errors: Error[] = [];
  parser
    .on('packet', ({ cmd }: Packet) => packets.push(cmd))
    .on('error', (error: Error) => errors.push(error));
  // PINGREQ · a packet of kind 0 · PINGREQ
  parser.parse(Buffer.from('c000 0000 c000'.replaceAll(' ', ''), 'hex'));
  expect(packets).toEqual(['pingreq']);
  expect(errors.map(({ message }) => message)).toEqual(['Not supported']);
  expect(errors[0]!.cause).toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN', origin: 'peer' });
  parser.parse(Buffer.from('d000', 'hex'));
  expect(packets).toEqual(['pingreq', 'pingresp']);
});

test.each(['10 ff ff ff ff', '30 80 80 80 80 00'])('a length of more than four bytes: %s', (bytes) => {
  expect(ours(bytes)).toEqual({ packets: [], errors: ['Invalid variable byte integer'] });
});

test('256 MB announced, and sent byte by byte: at most twice the received bytes are held, not a hundred times', async () => {
  const held = async (replaced: Record<string, string>): Promise<number> => {
    const { output, status } = await runNode('test/stand-ins/held-memory.cjs', {
      replaced,
      flags: ['--expose-gc'],
    });
    expect(status, output).toBe(0);
    const result = JSON.parse(output) as { received: number; held: number };
    return result.held / result.received;
  };
  const [byOurs, byTheirs] = await Promise.all([
    held({ 'mqtt-packet': 'examples/mqtt/mqtt-packet/index.ts' }),
    held({}),
  ]);
  expect(byOurs).toBeLessThan(4);
  expect(byTheirs).toBeGreaterThan(50);
}, 120_000);

test('an endless stream of packets, cut anywhere, leaves no memory held', () => {
  const parser = adapter.parser();
  let count = 0;
  parser.on('packet', () => count++);
  // PUBLISH of 10 bytes: topic test, payload test
  const stream = Buffer.from('300a00047465737474657374', 'hex');
  const many = Buffer.concat(Array.from({ length: 2_000 }, () => stream));
  for (let at = 0, size = 1; at < many.length; at += size, size = (size % 97) + 1) {
    parser.parse(many.subarray(at, at + size));
  }
  expect(count).toBe(2_000);
  expect(parser.parse(Buffer.alloc(0))).toBe(0);
});
