import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Flows } from '../../src/captures/flows.ts';
import { readCapture } from '../../src/captures/read-capture.ts';
import { flowsOf } from '../support/flows.ts';
import { hex } from '../support/hex.ts';
import {
  type Captured,
  ethernet,
  frame,
  ipv4,
  ipv6,
  type PcapOptions,
  pcap,
  type Segment,
  tcp,
  u16,
  u32,
  udp,
} from '../support/packets.ts';

/** The output of the client's direction, or of all directions, for these packets. */
function client(...packets: (Captured | Uint8Array)[]): (string | number)[] | undefined {
  return flowsOf(pcap(packets)).streams[0]?.events;
}

function all(packets: (Captured | Uint8Array)[], options?: PcapOptions): (string | number)[][] {
  return flowsOf(pcap(packets, options)).streams.map(({ events }) => events);
}

/** From the server, 10.0.0.2:80, back to the client. */
function back(segment: Segment): Buffer {
  return frame({ from: '10.0.0.2', to: '10.0.0.1', sport: 80, dport: 5000, ...segment });
}

const SYN = frame({ seq: 99, flags: 'S' });
const SYN_ACK = back({ seq: 499, ack: 100, flags: 'SA' });
const HELLO = frame({ seq: 100, ack: 500, payload: 'hello ' });
const WORLD = frame({ seq: 106, ack: 500, payload: 'world' });
const FIN = frame({ seq: 111, ack: 500, flags: 'FA' });

describe('the headers before TCP', () => {
  const segment = tcp({ seq: 100, payload: 'hello' });
  const v4 = ipv4('10.0.0.1', '10.0.0.2', segment);
  const v6 = ipv6(1, 2, segment);

  test.each<[string, Uint8Array, number]>([
    ['Ethernet, its padding left out', ethernet(v4), 1],
    ['Ethernet and IPv6', ethernet(v6), 1],
    ['a VLAN', ethernet(v4, 0x8100), 1],
    ['a VLAN in a VLAN', ethernet(v4, 0x88a8, 0x8100), 1],
    ['the old tag of QinQ', ethernet(v6, 0x9100, 0x8100), 1],
    ['802.3 with SNAP', Buffer.concat([Buffer.alloc(12), u16(53), hex('aaaa03 000000 0800'), v4]), 1],
    ['PPPoE', Buffer.concat([Buffer.alloc(12), hex('8864 1100 0001 002f 0021'), v4]), 1],
    ['Linux cooked', Buffer.concat([hex('0000 0001 0006 020202020202 0000 0800'), v4]), 113],
    [
      'Linux cooked, with a VLAN',
      Buffer.concat([hex('0000 0001 0006 020202020202 0000 8100 0007 86dd'), v6]),
      113,
    ],
    ['Linux cooked 2', Buffer.concat([hex('0800 0000 00000003 0001 00 06 0202020202020000'), v4]), 276],
    ['loopback, little-endian', Buffer.concat([hex('02000000'), v4]), 0],
    ['loopback, big-endian', Buffer.concat([hex('0000001e'), v6]), 0],
    ['loopback of OpenBSD', Buffer.concat([hex('00000002'), v4]), 108],
    ['raw IPv4', v4, 101],
    ['raw IPv6', v6, 101],
    ['raw, by the old number', v4, 12],
    ['IPv4', v4, 228],
    ['IPv6', v6, 229],
    ['IPv4 with options', ethernet(ipv4('10.0.0.1', '10.0.0.2', segment, { options: hex('01010100') })), 1],
    [
      'TCP with options',
      ethernet(ipv4('1.2.3.4', '5.6.7.8', tcp({ options: hex('020405b4 01010101'), payload: 'hello' }))),
      1,
    ],
    [
      'no length: a segment that the network card cuts',
      ipv4('10.0.0.1', '10.0.0.2', segment, { totalLength: 0 }),
      101,
    ],
    ['no length, IPv6', ipv6(1, 2, segment, 6, 0), 101],
    [
      'IPv6 with hop-by-hop, routing, destination and authentication headers',
      ipv6(
        1,
        2,
        Buffer.concat([
          hex('2b 00 010400000000'),
          hex('3c 00 000000000000'),
          hex('33 01 0104000000000000 000000000000'),
          hex('06 01 0000 00000001 00000001'),
          segment,
        ]),
        0,
      ),
      229,
    ],
    [
      'IPv6 with the header of a fragment that is whole',
      ipv6(1, 2, Buffer.concat([hex('06 00 0000 00000007'), segment]), 44),
      229,
    ],
  ])('%s', (_, bytes, linkType) => {
    expect(all([bytes], { linkType })).toEqual([['hello']]);
  });

  test('addresses, with brackets around IPv6', () => {
    const { streams } = flowsOf(pcap([ethernet(v4), ethernet(v6)]));
    expect(streams.map(({ stream, from, to }) => [stream, from, to])).toEqual([
      [0, '10.0.0.1:5000', '10.0.0.2:80'],
      [1, '[2001:db8::1]:5000', '[2001:db8::2]:80'],
    ]);
  });

  test.each([
    ['00000000000000000000000000000001', '[::1]'],
    ['00000000000000000000000000000000', '[::]'],
    ['20010db8000000010001000100010001', '[2001:db8:0:1:1:1:1:1]'],
    ['20010000000000010000000000000001', '[2001:0:0:1::1]'],
    ['00000000000000000000ffff0a000001', '[::ffff:10.0.0.1]'],
    ['fe800000000000000abc000000000000', '[fe80::abc:0:0:0]'],
  ])('%s is written %s', (address, text) => {
    const packet = ipv6(1, 2, segment);
    packet.set(hex(address), 8);
    expect(flowsOf(pcap([packet], { linkType: 229 })).streams[0]?.from).toBe(`${text}:5000`);
  });

  test('packets that are not IP, or cut in a header, are skipped', () => {
    const arp = Buffer.concat([Buffer.alloc(12), hex('0806'), Buffer.alloc(46)]);
    const bytes = ethernet(v4);
    const packets = Array.from({ length: 48 }, (_, length) => ({
      bytes: bytes.subarray(0, length),
      original: bytes.length,
    }));
    expect(all([arp, ...packets])).toEqual([]);
    expect(all([ethernet(v6).subarray(0, 60)])).toEqual([]);
  });

  test('fragments of IPv4, in any order, duplicated, interleaved with another datagram', () => {
    const payload = Buffer.concat([tcp({ seq: 100, payload: 'x'.repeat(44) })]);
    const part = (from: number, to: number, id = 7): Buffer =>
      ethernet(
        ipv4('10.0.0.1', '10.0.0.2', payload.subarray(from, to), {
          id,
          fragmentOffset: from,
          more: to < payload.length,
        }),
      );
    const other = ethernet(
      ipv4('10.0.0.1', '10.0.0.2', udp(1, 2, 'other').subarray(0, 8), { id: 8, more: true, protocol: 17 }),
    );
    expect(all([part(24, 48), part(24, 48), other, part(48, 64), part(0, 24)])).toEqual([['x'.repeat(44)]]);
  });

  test('fragments of IPv6', () => {
    const payload = tcp({ seq: 100, payload: 'y'.repeat(28) });
    const part = (from: number, to: number): Buffer =>
      ipv6(
        1,
        2,
        Buffer.concat([
          Buffer.from([6, 0]),
          u16(from | (to < payload.length ? 1 : 0)),
          u32(9),
          payload.subarray(from, to),
        ]),
        44,
      );
    expect(all([part(32, 48), part(0, 32)], { linkType: 229 })).toEqual([['y'.repeat(28)]]);
  });

  test('a lost fragment is a gap, and the other fragments are delivered', () => {
    const payload = tcp({ seq: 100, payload: `${'a'.repeat(12)}${'b'.repeat(16)}${'c'.repeat(8)}` });
    const part = (from: number, to: number): Buffer =>
      ethernet(
        ipv4('10.0.0.1', '10.0.0.2', payload.subarray(from, to), {
          id: 7,
          fragmentOffset: from,
          more: to < payload.length,
        }),
      );
    expect(all([part(0, 32), part(48, 56)])).toEqual([['a'.repeat(12), 16, 'c'.repeat(8)]]);
  });

  test('UDP payloads, cut and fragmented', () => {
    const bytes = ethernet(ipv4('10.0.0.1', '10.0.0.2', udp(53, 9999, 'answer'), { protocol: 17 }));
    const long = udp(1, 2, 'z'.repeat(24));
    const part = (from: number, to: number): Buffer =>
      ethernet(
        ipv4('10.0.0.3', '10.0.0.2', long.subarray(from, to), {
          protocol: 17,
          fragmentOffset: from,
          more: to < long.length,
        }),
      );
    const six = ethernet(ipv6(1, 2, udp(5, 6, ''), 17));
    const { datagrams } = flowsOf(
      pcap([bytes, { bytes: bytes.subarray(0, 44), original: bytes.length }, part(0, 16), part(16, 32), six]),
    );
    expect(datagrams).toEqual([
      '10.0.0.1:53 > 10.0.0.2:9999: answer',
      '10.0.0.1:53 > 10.0.0.2:9999: an of 6',
      `10.0.0.3:1 > 10.0.0.2:2: ${'z'.repeat(24)}`,
      '[2001:db8::1]:5 > [2001:db8::2]:6: ',
    ]);
  });
});

describe('TCP', () => {
  test('a connection, from SYN to FIN', () => {
    const packets = [SYN, SYN_ACK, HELLO, WORLD, back({ seq: 500, ack: 111, payload: 'hi' }), FIN];
    const { streams } = flowsOf(pcap([...packets, back({ seq: 502, ack: 112, flags: 'FA' })]));
    expect(streams).toEqual([
      {
        stream: 0,
        from: '10.0.0.1:5000',
        to: '10.0.0.2:80',
        isClient: true,
        events: ['hello world', '<end>'],
        conflicts: 0,
      },
      {
        stream: 0,
        from: '10.0.0.2:80',
        to: '10.0.0.1:5000',
        isClient: false,
        events: ['hi', '<end>'],
        conflicts: 0,
      },
    ]);
  });

  test.each<[string, Uint8Array[], (string | number)[]]>([
    ['a retransmission', [SYN, HELLO, HELLO, WORLD], ['hello world']],
    ['segments in the wrong order', [SYN, WORLD, HELLO], ['hello world']],
    [
      'an overlap with what was given',
      [SYN, HELLO, frame({ seq: 103, payload: 'lo world' })],
      ['hello world'],
    ],
    ['an overlap with what waits', [SYN, WORLD, frame({ seq: 100, payload: 'hello wo' })], ['hello world']],
    [
      'a segment inside one that waits',
      [SYN, WORLD, frame({ seq: 107, payload: 'orl' }), HELLO],
      ['hello world'],
    ],
    [
      'a segment round one that waits',
      [SYN, frame({ seq: 108, payload: 'r' }), frame({ seq: 106, payload: 'world' }), HELLO],
      ['hello world'],
    ],
    [
      'data on SYN and FIN',
      [frame({ seq: 99, flags: 'S', payload: 'hello ' }), frame({ seq: 106, flags: 'FA', payload: 'world' })],
      ['hello world', '<end>'],
    ],
    ['a missing segment', [SYN, HELLO, FIN], ['hello ', 5, '<end>']],
    ['a missing first segment', [SYN, WORLD], [6, 'world']],
    [
      'several missing',
      [SYN, frame({ seq: 103, payload: 'l' }), frame({ seq: 107, payload: 'o' })],
      [3, 'l', 3, 'o'],
    ],
    [
      'a far-ahead byte',
      [SYN, HELLO, frame({ seq: 1_600_000_100, payload: '!' })],
      ['hello ', 1_599_999_994, '!'],
    ],
    ['a late SYN', [HELLO, SYN, WORLD], ['hello world']],
    ['a SYN again', [SYN, SYN, HELLO, SYN, WORLD], ['hello world']],
    ['a FIN before the last data', [SYN, HELLO, FIN, WORLD], ['hello world', '<end>']],
    [
      'data behind the FIN',
      [SYN, HELLO, WORLD, FIN, frame({ seq: 111, payload: 'more' })],
      ['hello world', '<end>'],
    ],
    ['a reset', [SYN, HELLO, frame({ seq: 106, flags: 'R' })], ['hello ', '<reset>']],
    [
      'a reset that carries a reason',
      [SYN, HELLO, frame({ seq: 106, flags: 'RA', payload: 'too busy' })],
      ['hello ', '<reset>'],
    ],
    ['a reset behind a gap', [SYN, WORLD, frame({ seq: 111, flags: 'R' })], [6, 'world', '<reset>']],
    ['a join in the middle', [WORLD, FIN], ['world', '<end>']],
    ['a join in the middle, out of order', [WORLD, HELLO, FIN], ['hello world', '<end>']],
    ['no data at all', [SYN, SYN_ACK, frame({ seq: 100, ack: 500 })], []],
  ])('%s', (_, packets, events) => {
    expect(client(...packets)).toEqual(events);
  });

  test('the sequence number wraps', () => {
    const packets = Array.from({ length: 40 }, (_, i) =>
      frame({ seq: 0xffffff00 + 16 * i, payload: `${i}`.padStart(16) }),
    );
    const expected = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(16)).join('');
    const syn = frame({ seq: 0xfffffeff, flags: 'S' });
    expect(client(syn, ...packets)).toEqual([expected]);
    expect(client(syn, ...packets.toReversed())).toEqual([expected]);
    expect(client(syn, ...packets.toSpliced(16, 1))).toEqual([
      expected.slice(0, 256),
      16,
      expected.slice(272),
    ]);
  });

  test('more than 4 GiB', () => {
    const step = 15_000_000;
    // The network card splits these segments later; the snaplen has cut all except one byte of each.
    const packets = Array.from({ length: 400 }, (_, i) => {
      const segment = tcp({ seq: 100 + i * step, payload: 'x' });
      return { bytes: ipv4('10.0.0.1', '10.0.0.2', segment, { totalLength: 0 }), original: 40 + step };
    });
    const [events] = all(packets, { linkType: 101 });
    expect(events).toEqual(packets.flatMap(() => ['x', step - 1]));
  });

  describe('losses shown by acknowledgements', () => {
    test('bytes at the end that were never captured', () => {
      expect(client(SYN, SYN_ACK, HELLO, back({ seq: 500, ack: 111 }))).toEqual(['hello ', 5]);
      // The FIN has a sequence number too, but is not a byte.
      expect(client(SYN, SYN_ACK, HELLO, FIN, back({ seq: 500, ack: 112 }))).toEqual(['hello ', 5, '<end>']);
    });

    test('also shown by the sequence number of a later segment without data', () => {
      expect(client(SYN, HELLO, frame({ seq: 111 }))).toEqual(['hello ', 5]);
    });

    test('a FIN that was not captured, once both sides have ended', () => {
      const packets = [
        SYN,
        SYN_ACK,
        HELLO,
        back({ seq: 500, ack: 107, flags: 'FA' }),
        frame({ seq: 107, ack: 501 }),
      ];
      expect(client(...packets)).toEqual(['hello ']);
      // Also if both are missing: each side has acknowledged one number more than there are bytes.
      const neither = [SYN, SYN_ACK, HELLO, back({ seq: 501, ack: 107 }), frame({ seq: 107, ack: 501 })];
      expect(all(neither)).toEqual([['hello '], []]);
    });

    test('the start of a stream whose SYN was not captured', () => {
      expect(client(SYN_ACK, HELLO)).toEqual([]);
      expect(all([SYN_ACK, WORLD])[1]).toEqual([6, 'world']);
      expect(all([SYN, frame({ seq: 100, ack: 500 }), back({ seq: 502, payload: 'yz' })])[1]).toEqual([
        2,
        'yz',
      ]);
    });

    test('an acknowledgement far from all known numbers shows nothing', () => {
      expect(client(SYN, SYN_ACK, HELLO, back({ seq: 500, ack: 900_000_000 }))).toEqual(['hello ']);
    });
  });

  test('keep-alive probes are neither data nor conflicts', () => {
    const probes = [frame({ seq: 110 }), frame({ seq: 110, payload: '\0' })];
    const { streams } = flowsOf(
      pcap([SYN, SYN_ACK, HELLO, WORLD, ...probes, frame({ seq: 111, payload: '!' })]),
    );
    expect(streams[0]).toMatchObject({ events: ['hello world!'], conflicts: 0 });
    // In the middle of a connection: the other side has acknowledged that byte.
    expect(
      all([
        back({ seq: 500, ack: 111, payload: 'x' }),
        frame({ seq: 110, payload: '\0' }),
        frame({ seq: 111, payload: '!' }),
      ]),
    ).toEqual([['x'], ['!']]);
    expect(
      client(frame({ seq: 110 }), back({ seq: 500, ack: 111 }), frame({ seq: 111, payload: '!' })),
    ).toEqual(['!']);
  });

  test('of two texts for the same offsets the first counts, and the conflict is reported', () => {
    const wrong = frame({ seq: 100, payload: 'HELLO ' });
    expect(flowsOf(pcap([SYN, HELLO, wrong, WORLD])).streams[0]).toMatchObject({
      events: ['hello world'],
      conflicts: 1,
    });
    // The first one waits.
    expect(flowsOf(pcap([SYN, WORLD, frame({ seq: 104, payload: 'o WO' }), HELLO])).streams[0]).toMatchObject(
      {
        events: ['hello world'],
        conflicts: 1,
      },
    );
    // Also of the last byte, if it is not a probe: a probe comes once everything is acknowledged, and without PSH.
    const [b, wrongB] = ['b', 'B'].map((payload) => frame({ seq: 100, flags: 'PA', payload }));
    expect(flowsOf(pcap([SYN, b!, wrongB!])).streams[0]).toMatchObject({ events: ['b'], conflicts: 1 });
    // Long after, while the bytes are kept.
    const long = Array.from({ length: 9 }, (_, i) =>
      frame({ seq: 111 + 1_000 * i, payload: 'z'.repeat(1_000) }),
    );
    expect(flowsOf(pcap([SYN, HELLO, WORLD, ...long, wrong])).streams[0]?.conflicts).toBe(1);
    expect(flowsOf(pcap([SYN, HELLO, WORLD, ...long, wrong]), { history: 4_096 }).streams[0]?.conflicts).toBe(
      0,
    );
  });

  test('reused ports are a new connection', () => {
    const again = [frame({ seq: 9_000, flags: 'S' }), frame({ seq: 9_001, payload: 'again' })];
    const over = [back({ seq: 500, ack: 107, flags: 'FA' }), frame({ seq: 107, ack: 501 })];
    expect(all([SYN, SYN_ACK, HELLO, ...again])).toEqual([['hello '], [], ['again']]);
    // With the same numbers, once both sides have ended.
    const first = [SYN, SYN_ACK, HELLO, frame({ seq: 106, flags: 'FA' }), ...over];
    expect(all([...first, ...first])).toEqual([
      ['hello ', '<end>'],
      ['<end>'],
      ['hello ', '<end>'],
      ['<end>'],
    ]);
    // After a reset.
    expect(all([SYN, back({ seq: 0, ack: 100, flags: 'RA' }), SYN, HELLO])).toEqual([
      [],
      ['<reset>'],
      ['hello '],
    ]);
    // Without its SYN, by a distant number.
    expect(all([...first, frame({ seq: 2_000_000_000, payload: 'far' })]).at(-1)).toEqual(['far']);
  });

  test('a half-closed connection goes on', () => {
    const packets = [SYN, SYN_ACK, HELLO, frame({ seq: 106, flags: 'FA' })];
    const answers = ['a', 'b', 'c'].map((payload, i) => back({ seq: 500 + i, ack: 107, payload }));
    expect(all([...packets, ...answers, back({ seq: 503, ack: 107, flags: 'FA' })])).toEqual([
      ['hello ', '<end>'],
      ['abc', '<end>'],
    ]);
  });

  test('a packet cut by the snaplen leaves a gap', () => {
    const cut = { bytes: HELLO.subarray(0, 57), original: HELLO.length };
    // 14 of Ethernet, 20 of IP, 20 of TCP: three bytes are there. The padding is not cut off the payload.
    expect(client(SYN, cut, WORLD)).toEqual(['hel', 3, 'world']);
    expect(client(SYN, HELLO, { bytes: WORLD.subarray(0, 56), original: WORLD.length })).toEqual([
      'hello wo',
      3,
    ]);
    expect(client(SYN, { bytes: HELLO.subarray(0, 54), original: HELLO.length })).toEqual([6]);
    // A retransmission in smaller pieces fills part of the hole.
    expect(client(SYN, cut, frame({ seq: 103, payload: 'lo' }), WORLD)).toEqual(['hello', 1, 'world']);
  });

  test('an acknowledged missing segment is a gap after `patience` packets', () => {
    const rest = Array.from({ length: 10 }, (_, i) => back({ seq: 500 + i, ack: 111, payload: `${i}` }));
    const order: string[] = [];
    const flows = new Flows(
      {
        stream: ({ isClient }) => ({
          data: (bytes, start, end) =>
            order.push(`${isClient ? '>' : '<'}${bytes.toString('latin1', start, end)}`),
          gap: (length) => order.push(`gap ${length}`),
        }),
      },
      { patience: 4 },
    );
    feed(flows, [SYN, SYN_ACK, WORLD, ...rest]);
    expect(order).toEqual(['<0', '<1', '<2', '<3', '<4', 'gap 6', '>world', '<5', '<6', '<7', '<8', '<9']);
  });

  test('the bytes held after a hole are bounded', () => {
    const packets = Array.from({ length: 1_000 }, (_, i) =>
      frame({ seq: 106 + 1_000 * i, payload: Buffer.alloc(1_000, i) }),
    );
    let received = 0;
    let given = 0;
    let mostHeld = 0;
    const gaps: number[] = [];
    const flows = new Flows(
      {
        stream: () => ({
          data: (_, start, end) => {
            given += end - start;
          },
          gap: (length) => gaps.push(length),
        }),
      },
      { maxHeld: 100_000 },
    );
    feed(flows, [SYN, ...packets], () => {
      received += 1_000;
      mostHeld = Math.max(mostHeld, received - given);
    });
    expect(gaps).toEqual([6]);
    expect(given).toBe(1_000_000);
    expect(mostHeld).toBeLessThan(101_000);
  });

  test('connections beyond the limit: the one silent for the longest is closed', () => {
    const open: number[] = [];
    const closed: number[] = [];
    const flows = new Flows(
      {
        stream({ connection, isClient }) {
          if (isClient) open.push(connection);
          return { close: () => isClient && closed.push(connection) };
        },
      },
      { maxConnections: 100 },
    );
    feed(
      flows,
      Array.from({ length: 1_000 }, (_, i) => frame({ sport: 1_000 + i, flags: 'S' })),
      () => {
        expect(open.length - closed.length).toBeLessThanOrEqual(101);
      },
    );
    expect(closed.toSorted((a, b) => a - b)).toEqual(open);
  });
});

function feed(flows: Flows, packets: readonly Uint8Array[], then: () => void = () => {}): void {
  for (const packet of packets) {
    const bytes = Buffer.from(packet);
    flows.packet({
      bytes,
      start: 0,
      end: bytes.length,
      originalLength: bytes.length,
      linkType: 1,
      interfaceId: 0,
      seconds: 0,
      nanoseconds: 0,
    });
    // The memory is written into again.
    bytes.fill(0xdd);
    then();
  }
  flows.finish();
}

describe('any capture', () => {
  const bytes = fc.uint8Array({ maxLength: 90 });

  test('any packets of any link type do no harm', () => {
    const linkType = fc.constantFrom(0, 1, 12, 101, 108, 113, 228, 229, 276, 147);
    fc.assert(
      fc.property(fc.array(bytes), linkType, (packets, type) => {
        flowsOf(pcap(packets, { linkType: type }));
      }),
    );
  });

  test('any changed bytes of headers do no harm', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 14, max: 60 }), fc.nat(255))), (changes) => {
        const packets = [SYN, SYN_ACK, HELLO, WORLD, FIN, back({ seq: 500, ack: 112, flags: 'FA' })].map(
          (one) => Buffer.from(one),
        );
        for (const [packet, at, value] of changes) packets[packet]![at] = value;
        flowsOf(pcap(packets));
      }),
      { numRuns: 300 },
    );
  });

  /**
   * Segments of one direction, then edited: a byte with at least one copy is delivered, and every other byte is
   * reported as a gap.
   */
  test('the output is what was sent, and every loss is reported', () => {
    const edit = fc.record({
      kind: fc.constantFrom('drop', 'swap', 'double', 'cut', 'split', 'join'),
      at: fc.nat(),
      to: fc.nat(),
    });
    const model = fc.record({
      first: fc.constantFrom(0, 99, 0xfffffff0, 0x7ffffff0, 0xffffffff),
      lengths: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
      edits: fc.array(edit, { maxLength: 12 }),
      withFin: fc.boolean(),
    });
    fc.assert(
      fc.property(model, ({ first, lengths, edits, withFin }) => {
        const sent = Buffer.from(
          Array.from({ length: lengths.reduce((a, b) => a + b, 0) }, (_, i) => (i * 7 + 13) % 251),
        );
        let segments: { start: number; end: number; captured: number }[] = [];
        let at = 0;
        for (const length of lengths) {
          segments.push({ start: at, end: at + length, captured: length });
          at += length;
        }
        for (const { kind, at, to } of edits) {
          if (segments.length === 0) break;
          const [i, j] = [at % segments.length, to % segments.length];
          const { start, end } = segments[i]!;
          if (kind === 'drop') segments = segments.toSpliced(i, 1);
          else if (kind === 'swap') [segments[i], segments[j]] = [segments[j]!, segments[i]!];
          else if (kind === 'double') segments.splice(j, 0, { ...segments[i]! });
          else if (kind === 'cut') segments[i]!.captured = to % (end - start + 1);
          else if (kind === 'split') {
            const middle = start + (to % (end - start + 1));
            if (middle > start && middle < end) {
              segments.splice(j, 0, { start: middle, end, captured: end - middle });
            }
          } else {
            const longer = Math.min(sent.length, end + (to % 30));
            segments.push({ start, end: longer, captured: longer - start });
          }
        }
        const packets: Captured[] = [{ bytes: frame({ seq: first, flags: 'S' }) }];
        for (const { start, end, captured } of segments) {
          const whole = frame({ seq: first + 1 + start, ack: 1, payload: sent.subarray(start, end) });
          packets.push({ bytes: whole.subarray(0, 54 + captured), original: whole.length });
        }
        if (withFin) packets.push({ bytes: frame({ seq: first + 1 + sent.length, flags: 'FA' }) });

        const present = new Array<boolean>(sent.length).fill(false);
        let known = withFin ? sent.length : 0;
        for (const { start, end, captured } of segments) {
          present.fill(true, start, start + captured);
          known = Math.max(known, end);
        }
        const expected: (string | number)[] = [];
        for (let from = 0; from < known; ) {
          let to = from;
          while (to < known && present[to] === present[from]) to++;
          expected.push(present[from] ? sent.toString('latin1', from, to) : to - from);
          from = to;
        }
        if (withFin) expected.push('<end>');
        const [stream] = flowsOf(pcap(packets)).streams;
        expect(joined(stream!.events)).toEqual(joined(expected));
        expect(stream!.conflicts).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  /** Both directions of a complete connection; then packets of any kind are lost, duplicated, and reordered. */
  test('however packets of a connection are lost, doubled or reordered, no byte is invented or misplaced', () => {
    const talk = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 30 })), {
      minLength: 1,
      maxLength: 20,
    });
    const edit = fc.tuple(
      fc.constantFrom('drop', 'double', 'swap'),
      fc.nat(),
      fc.integer({ min: 1, max: 5 }),
    );
    const start = fc.tuple(fc.integer(), fc.integer());
    const turn = Array.from({ length: 7 }, (): [boolean, number] => [false, 1]);
    fc.assert(
      fc.property(talk, start, fc.array(edit, { maxLength: 6 }), ([...turns], [one, two], edits) => {
        const sent: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
        const first = [one >>> 0, two >>> 0] as const;
        const packets: { bytes: Buffer; side: 0 | 1; from: number; to: number }[] = [];
        const add = (side: 0 | 1, flags: string, length = 0): void => {
          const [mine, theirs] = [sent[side], sent[1 - side]!];
          const payload = Buffer.from(
            Array.from({ length }, (_, i) => ((mine.length + i) * (side === 0 ? 7 : 11) + 5) % 251),
          );
          const fin = flags.includes('A') ? 1 : 0;
          const make = side === 0 ? frame : back;
          packets.push({
            bytes: make({
              seq: first[side] + fin + mine.length + ended[side]!,
              ack: first[1 - side]! + 1 + theirs.length + ended[1 - side]!,
              flags,
              payload,
            }),
            side,
            from: mine.length,
            to: mine.length + length,
          });
          sent[side] = Buffer.concat([mine, payload]);
        };
        const ended = [0, 0];
        add(0, 'S');
        packets.push({
          bytes: back({ seq: first[1], ack: first[0] + 1, flags: 'SA' }),
          side: 1,
          from: 0,
          to: 0,
        });
        add(0, 'A');
        for (const [side, length] of turns) {
          add(side ? 0 : 1, 'PA', length);
          add(side ? 1 : 0, 'A');
        }
        add(0, 'FA');
        ended[0] = 1;
        add(1, 'A');
        add(1, 'FA');
        ended[1] = 1;
        add(0, 'A');

        let captured = packets.slice();
        for (const [kind, at, step] of edits) {
          const i = at % captured.length;
          const j = Math.min(captured.length - 1, i + step);
          if (kind === 'drop' && captured.length > 1) captured = captured.toSpliced(i, 1);
          else if (kind === 'double') captured.splice(j, 0, captured[i]!);
          else [captured[i], captured[j]] = [captured[j]!, captured[i]!];
        }
        const { streams } = flowsOf(pcap(captured.map(({ bytes }) => bytes)));
        for (const side of [0, 1] as const) {
          const present = new Array<boolean>(sent[side].length).fill(false);
          for (const packet of captured) if (packet.side === side) present.fill(true, packet.from, packet.to);
          const told = streams.find(({ from }) => from.startsWith(side === 0 ? '10.0.0.1' : '10.0.0.2'));
          if (told === undefined) continue;
          expect(told.conflicts).toBe(0);
          // Without an earlier SYN, a stream begins with a captured byte: the first one, unless the peer had already
          // acknowledged a later one.
          const own = captured.filter((packet) => packet.side === side);
          const hasStart = own.findIndex(({ bytes }) => (bytes[47]! & 2) !== 0) === 0;
          const starts = hasStart ? [0] : [0, ...present.keys()].filter((i) => i === 0 || present[i]);
          const ends = starts.map((start) => endOf(told.events, start, sent[side], present));
          const at = ends.find((end) => end !== undefined);
          expect(at, `${JSON.stringify(told.events)} of ${JSON.stringify(present)}`).toBeDefined();
          // A lost FIN may look like a lost byte, since it has a number too.
          const hasFin = told.events.includes('<end>');
          expect(at).toBeLessThanOrEqual(sent[side].length + (hasFin ? 0 : 1));
        }
      }),
      {
        numRuns: 400,
        // The first byte comes before its SYN and after its acknowledgement, like a keep-alive probe.
        examples: [
          [
            turn,
            [0, 0],
            [
              ['double', 0, 2],
              ['swap', 1033667075, 4],
            ],
          ],
        ],
      },
    );
  });

  /** The end of a stream that begins with sent byte `start`; undefined if it cannot have begun there. */
  function endOf(
    events: readonly (string | number)[],
    start: number,
    sent: Buffer,
    present: readonly boolean[],
  ): number | undefined {
    let at = start;
    let given = 0;
    for (const event of events) {
      if (typeof event === 'number') {
        if (present.slice(at, at + event).includes(true)) return undefined;
        at += event;
      } else if (event !== '<end>') {
        if (event !== sent.toString('latin1', at, at + event.length)) return undefined;
        at += event.length;
        given += event.length;
      }
    }
    return given === present.slice(start).filter((one) => one).length ? at : undefined;
  }

  function joined(events: readonly (string | number)[]): (string | number)[] {
    const all: (string | number)[] = [];
    for (const event of events) {
      const last = all.at(-1);
      if (typeof last === 'number' && typeof event === 'number') all.push((all.pop() as number) + event);
      else all.push(event);
    }
    return all;
  }
});

test.each([
  [{ maxConections: 5 }, 'readCapture: there is no option "maxConections"; did you mean \'maxConnections\'?'],
  [
    { maxConnections: 'all' },
    'readCapture: maxConnections must be an integer of at least 1, or Infinity, got "all"',
  ],
  [{ maxHeld: NaN }, 'readCapture: maxHeld must be an integer of at least 0, or Infinity, got NaN'],
  [{ history: Infinity }, 'readCapture: history must be an integer of at least 0, got Infinity'],
  [null, 'readCapture: expected an object of options, got null'],
])('wrong limits %j are refused: a comparison with them would never stop anything', async (options, text) => {
  await expect(readCapture('none', options as never).next()).rejects.toMatchObject({ message: text });
  if (options === null) return;
  expect(() => new Flows({ stream: () => ({}) }, options as never)).toThrow(
    text.replace('readCapture', 'Flows'),
  );
});
