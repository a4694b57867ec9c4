import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packetReader } from '../../src/captures/packet-reader.ts';
import { CaptureError } from '../../src/errors.ts';
import { hex } from '../support/hex.ts';
import { block, interfaceBlock, option, packetBlock, pcap, section } from '../support/packets.ts';

interface Read {
  packets: {
    bytes: string;
    original: number;
    linkType: number;
    interfaceId: number;
    time: [number, number];
  }[];
  error: CaptureError | undefined;
}

/** Read a file in chunks of that size, as a program would. */
function read(file: Uint8Array, chunkLength = file.length || 1): Read {
  const reader = packetReader();
  const packets: Read['packets'] = [];
  const chunk = Buffer.alloc(chunkLength);
  for (let at = 0; at < file.length; at += chunkLength) {
    // The same memory for each chunk: the reader must not hold it.
    const length = Math.min(chunkLength, file.length - at);
    chunk.set(file.subarray(at, at + length));
    reader.push(chunk.subarray(0, length));
    while (reader.next()) {
      const { bytes, start, end, originalLength, linkType, interfaceId, seconds, nanoseconds } =
        reader.packet;
      packets.push({
        bytes: bytes.toString('hex', start, end),
        original: originalLength,
        linkType,
        interfaceId,
        time: [seconds, nanoseconds],
      });
    }
  }
  reader.end();
  return { packets, error: reader.error };
}

const LITTLE_MICROSECONDS = hex(
  'd4c3b2a1 0200 0400 00000000 00000000  # magic, version 2.4, reserved',
  'ffff0000 01000000  # snaplen 65535, Ethernet',
  '00f15365 01000000 02000000 02000000  # 1700000000 s, 1 µs, 2 of 2 bytes',
  'abcd',
  '01f15365 40420f00 01000000 05000000  # 1700000001 s, 1000000 µs: one second too many, 1 of 5 bytes',
  'ef',
);

describe('pcap', () => {
  test('little-endian, microseconds', () => {
    const { packets, error } = read(LITTLE_MICROSECONDS);
    expect(error).toBeUndefined();
    expect(packets).toEqual([
      { bytes: 'abcd', original: 2, linkType: 1, interfaceId: 0, time: [1_700_000_000, 1_000] },
      { bytes: 'ef', original: 5, linkType: 1, interfaceId: 0, time: [1_700_000_002, 0] },
    ]);
  });

  test('big-endian, nanoseconds, and a link type with the length of the check sequence in it', () => {
    const { packets, error } = read(
      hex(
        'a1b23c4d 0002 0004 00000000 00000000',
        '00040000 44000065  # four bytes of check sequence; 101 is raw IP',
        '6553f100 3b9ac9ff 00000001 00000001  # 999,999,999 ns',
        '45',
      ),
    );
    expect(error).toBeUndefined();
    expect(packets).toEqual([
      { bytes: '45', original: 1, linkType: 101, interfaceId: 0, time: [1_700_000_000, 999_999_999] },
    ]);
  });

  test('from the patched libpcap, with eight more bytes before each packet', () => {
    const { packets } = read(
      hex(
        '34cdb2a1 0200 0400 00000000 00000000 ffff0000 01000000 00f15365 00000000 01000000 01000000 0100000000080000 aa',
      ),
    );
    expect(packets.map(({ bytes }) => bytes)).toEqual(['aa']);
  });

  test('version 3', () => {
    const { error } = read(hex('d4c3b2a1 0300 0000 00000000 00000000 ffff0000 01000000'));
    expect(error).toMatchObject({ code: 'ERR_CAPTURE_VERSION', actual: 3, expected: 2 });
  });

  test('an impossible length is an error from the header alone, after the packets before it', () => {
    const file = Buffer.concat([LITTLE_MICROSECONDS, hex('00f15365 00000000 ffffff7f ffffff7f')]);
    const { packets, error } = read(file);
    expect(packets).toHaveLength(2);
    expect(error).toMatchObject({
      code: 'ERR_CAPTURE_DAMAGED',
      offset: 59,
      actual: 0x7fffffff,
      limit: 262_144,
    });
  });

  test('a packet longer than a wrong snaplen', () => {
    const file = pcap([Buffer.alloc(1_000, 7)]);
    file.writeUInt32LE(68, 16);
    expect(read(file).packets[0]?.bytes).toHaveLength(2_000);
  });
});

describe('pcapng', () => {
  test('two sections in different byte orders, interfaces with their own clocks, and skipped blocks', () => {
    const file = Buffer.concat([
      section(),
      block(0x0bad, Buffer.from('unknown')), // an unknown block
      interfaceBlock(1),
      interfaceBlock(
        113,
        Buffer.concat([
          option(2, Buffer.from('eth0')), // if_name
          option(9, Buffer.from([9])), // if_tsresol: nanoseconds
          option(0x7777, Buffer.from('unknown')),
          option(0, Buffer.alloc(0)),
        ]),
      ),
      packetBlock({ bytes: hex('aa bb cc'), units: 1_700_000_000_123_456n }),
      packetBlock({ bytes: hex('dd'), interfaceId: 1, units: 1_700_000_000_123_456_789n, original: 90 }),
      block(5, Buffer.alloc(20)), // interface statistics
      section(true),
      interfaceBlock(
        101,
        Buffer.concat([
          option(9, Buffer.from([0x8a]), true), // 2^-10 seconds
          option(14, hex('ffffffffffffff9c'), true), // 100 seconds earlier
        ]),
        true,
      ),
      packetBlock({ bytes: hex('45'), units: (1_700_000_000n << 10n) + 512n }, true),
    ]);
    const { packets, error } = read(file);
    expect(error).toBeUndefined();
    expect(packets).toEqual([
      { bytes: 'aabbcc', original: 3, linkType: 1, interfaceId: 0, time: [1_700_000_000, 123_456_000] },
      { bytes: 'dd', original: 90, linkType: 113, interfaceId: 1, time: [1_700_000_000, 123_456_789] },
      { bytes: '45', original: 1, linkType: 101, interfaceId: 0, time: [1_699_999_900, 500_000_000] },
    ]);
  });

  test('simple and old packet blocks', () => {
    const file = Buffer.concat([
      section(),
      interfaceBlock(1),
      block(3, hex('03000000 aabbcc')), // original length, bytes
      // interface, drops, time, captured and original length, bytes
      block(2, hex('0000 0000 180a0600 00004e9b 01000000 04000000 ee')),
    ]);
    const { packets, error } = read(file);
    expect(error).toBeUndefined();
    expect(packets.map(({ bytes, original }) => [bytes, original])).toEqual([
      ['aabbcc', 3],
      ['ee', 4],
    ]);
  });

  test.each([
    [
      'two lengths that differ',
      Buffer.concat([section(), hex('01000000 14000000 0100 0000 00000000 18000000')]),
      28,
    ],
    [
      'a length that is no multiple of four',
      Buffer.concat([section(), hex('01000000 15000000 00000000')]),
      28,
    ],
    ['a length below twelve', Buffer.concat([section(), hex('01000000 08000000 00000000')]), 28],
    ['an interface that is not described', Buffer.concat([section(), packetBlock({ bytes: hex('aa') })]), 28],
    ['no byte order', hex('0a0d0d0a 1c000000 00000000'), 0],
    [
      'more bytes than its block has',
      Buffer.concat([
        section(),
        interfaceBlock(1),
        block(6, hex('00000000 00000000 00000000 ff000000 ff000000')),
      ]),
      48,
    ],
    ['a packet block of 2 GiB', Buffer.concat([section(), hex('06000000 00000080 00000000')]), 28],
  ])('%s', (_, file, offset) => {
    expect(read(file).error).toMatchObject({ code: 'ERR_CAPTURE_DAMAGED', offset });
  });

  test('version 2', () => {
    const file = section();
    file.writeUInt16LE(2, 12);
    expect(read(file).error).toMatchObject({ code: 'ERR_CAPTURE_VERSION', actual: 2, expected: 1 });
  });

  test('more interfaces than a section may have', () => {
    const many = (count: number): Buffer =>
      Buffer.concat([section(), ...Array<Buffer>(count).fill(interfaceBlock(1))]);
    expect(read(many(65_536), 65_536).error).toBeUndefined();
    expect(read(many(65_537), 65_536).error).toMatchObject({ code: 'ERR_CAPTURE_DAMAGED', actual: 65_537 });
  });

  test('a file that ends inside a skipped block', () => {
    const file = Buffer.concat([section(), block(0x0bad, Buffer.alloc(100))]);
    expect(read(file.subarray(0, 60)).error).toMatchObject({
      code: 'ERR_CAPTURE_TRUNCATED',
      offset: 28,
      expected: 112,
      actual: 32,
    });
  });
});

describe('any file', () => {
  const pcapng = Buffer.concat([
    section(),
    interfaceBlock(1),
    block(0x0bad, Buffer.alloc(30)),
    packetBlock({ bytes: Buffer.alloc(70, 1) }),
    packetBlock({ bytes: Buffer.alloc(7, 2) }),
  ]);

  test.each([
    ['pcap', LITTLE_MICROSECONDS],
    ['pcapng', pcapng],
  ])('%s: in chunks of every size the same', (_, file) => {
    const whole = read(file);
    for (let size = 1; size < file.length; size++) expect(read(file, size)).toEqual(whole);
  });

  test.each([
    ['pcap', LITTLE_MICROSECONDS, [24, 42, 59]],
    ['pcapng', pcapng, [28, 48, 92, 196, 236]],
  ])(
    '%s: cut off at every byte, the complete packets are given and the rest is reported',
    (_, file, whole) => {
      for (let length = 4; length < file.length; length++) {
        const cut = file.subarray(0, length);
        const { packets, error } = read(cut, 5);
        expect(packets).toEqual(read(file).packets.slice(0, packets.length));
        if (whole.includes(length)) expect(error, `${length}`).toBeUndefined();
        else expect(error?.code, `${length}`).toBe('ERR_CAPTURE_TRUNCATED');
      }
    },
  );

  test.each([[''], ['0a0d'], ['89504e470d0a1a0a'], ['1f8b0800']])('%s is not a capture', (text) => {
    expect(read(hex(text)).error).toMatchObject({ code: 'ERR_CAPTURE_FORMAT' });
  });

  test('any bytes give packets or one coded error', () => {
    const head = fc.constantFrom(
      Buffer.alloc(0),
      LITTLE_MICROSECONDS.subarray(0, 24),
      pcap([], { bigEndian: true }),
      section(),
      Buffer.concat([section(), interfaceBlock(1)]),
      Buffer.concat([section(true), interfaceBlock(1, undefined, true)]),
    );
    fc.assert(
      fc.property(
        head,
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 64 }),
        (start, rest, size) => {
          const { error } = read(Buffer.concat([start, rest]), size);
          if (error !== undefined) expect(error).toBeInstanceOf(CaptureError);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('one changed byte gives packets or one coded error', () => {
    fc.assert(
      fc.property(fc.nat(pcapng.length - 1), fc.nat(255), (at, value) => {
        const file = Buffer.from(pcapng);
        file[at] = value;
        const { error } = read(file, 64);
        if (error !== undefined) expect(error).toBeInstanceOf(CaptureError);
      }),
      { numRuns: 500 },
    );
  });

  test('nothing is allocated from an announced length', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) {
      // A packet of 200 kB, a block of 16 MB: announced but absent.
      read(Buffer.concat([LITTLE_MICROSECONDS, hex('00f15365 00000000 400d0300 400d0300')]), 7);
      read(Buffer.concat([section(), hex('06000000 00000001 00000000')]), 7);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });
});
