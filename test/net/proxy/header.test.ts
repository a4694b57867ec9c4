import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { FrameError, ProtocolError } from '../../../src/errors.ts';
import type { ProxyHeader } from '../../../src/net/proxy/header.ts';
import { readProxyHeader } from '../../../src/net/proxy/read-header.ts';
import { takeProxyHeader } from '../../../src/net/proxy/take-header.ts';
import { writeProxyHeader } from '../../../src/net/proxy/write-header.ts';
import { hex } from '../../support/hex.ts';

const SIGNATURE = '0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a';

const VECTORS: Record<string, { bytes: Buffer; header: ProxyHeader }> = {
  'v1 TCP4': {
    bytes: Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n'),
    header: {
      version: 1,
      command: 'proxy',
      transport: 'tcp4',
      source: { address: '192.0.2.1', port: 56324 },
      destination: { address: '198.51.100.1', port: 443 },
    },
  },
  'v1 TCP6': {
    bytes: Buffer.from('PROXY TCP6 2001:db8::1 ::1 1 65535\r\n'),
    header: {
      version: 1,
      command: 'proxy',
      transport: 'tcp6',
      source: { address: '2001:db8::1', port: 1 },
      destination: { address: '::1', port: 65535 },
    },
  },
  'v1 UNKNOWN': {
    bytes: Buffer.from('PROXY UNKNOWN ffff:f...f 1 2 whatever\r\n'),
    header: { version: 1, command: 'proxy', transport: 'unknown' },
  },
  'v2 TCP4': {
    bytes: hex(
      SIGNATURE,
      '21', // version 2, PROXY
      '11', // IPv4, stream
      '00 0c', // 12 bytes follow
      'c0 00 02 01', // from 192.0.2.1
      'c6 33 64 01', // to 198.51.100.1
      'dc 04 01 bb', // ports 56324, 443
    ),
    header: {
      version: 2,
      command: 'proxy',
      transport: 'tcp4',
      source: { address: '192.0.2.1', port: 56324 },
      destination: { address: '198.51.100.1', port: 443 },
    },
  },
  'v2 TCP6 with TLVs': {
    bytes: hex(
      SIGNATURE,
      '21 21', // version 2, PROXY; IPv6, stream
      '00 52', // 82 bytes follow
      '20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01', // from 2001:db8::1
      '00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 01', // to ::ffff:192.0.2.1
      '00 01 00 02', // ports 1, 2
      '01 00 02 68 32', // ALPN "h2"
      '02 00 01 61', // AUTHORITY "a"
      '05 00 02 00 ff', // UNIQUE_ID 00 ff
      '04 00 01 00', // NOOP
      'e0 00 00', // a type of somebody's own, empty
      '20 00 11', // SSL, 17 bytes
      '03 00 00 00 00', // TLS with a certificate, verified
      '22 00 05 70 69 6c 6f 74', // CN "pilot"
      '21 00 01 33', // version "3"
      '30 00 02 6e 73', // NETNS "ns"
    ),
    header: {
      version: 2,
      command: 'proxy',
      transport: 'tcp6',
      source: { address: '2001:db8::1', port: 1 },
      destination: { address: '::ffff:192.0.2.1', port: 2 },
      alpn: 'h2',
      authority: 'a',
      uniqueId: hex('00 ff'),
      namespace: 'ns',
      tls: { certificate: 'connection', verified: true, commonName: 'pilot', version: '3' },
      others: [{ type: 0xe0, value: Buffer.alloc(0) }],
    },
  },
  'v2 LOCAL, with TLVs that are ignored and a right CRC32C': {
    bytes: hex(
      SIGNATURE,
      '20 00', // version 2, LOCAL; unknown
      '00 07', // 7 bytes follow
      '03 00 04', // CRC32C
      'a9 b8 7e 8f',
    ),
    header: { version: 2, command: 'local', transport: 'unknown', checksum: true },
  },
  'v2 LOCAL, with bytes that are no TLVs': {
    bytes: hex(SIGNATURE, '20 11 00 02', 'ff ff'),
    header: { version: 2, command: 'local', transport: 'unknown' },
  },
  'v2 Unix sockets': {
    bytes: Buffer.concat([
      hex(SIGNATURE, '21 31', '00 d8'), // version 2, PROXY; Unix, stream; 216 bytes follow
      Buffer.concat([Buffer.from('/run/a.sock')], 108),
      Buffer.alloc(108, 'b'), // a path that fills its place has no NUL
    ]),
    header: {
      version: 2,
      command: 'proxy',
      transport: 'unix',
      source: { address: '/run/a.sock', port: 0 },
      destination: { address: 'b'.repeat(108), port: 0 },
    },
  },
};

describe.each(Object.entries(VECTORS))('%s', (_, { bytes, header }) => {
  test('is read whole, and with bytes after it', () => {
    expect(readProxyHeader(bytes)).toEqual({ header, length: bytes.length });
    const behind = Buffer.concat([bytes, Buffer.from([0x0d, 0x0a, 1])]);
    expect(readProxyHeader(behind)).toEqual({ header, length: bytes.length });
  });

  test('cut at any byte, waits for the rest', () => {
    for (let end = 0; end < bytes.length; end++)
      expect(readProxyHeader(bytes.subarray(0, end))).toBeUndefined();
  });
});

test('the unique id of a header is a copy, not a view of the input', () => {
  const bytes = Buffer.from(VECTORS['v2 TCP6 with TLVs']!.bytes);
  const { header } = readProxyHeader(bytes)!;
  bytes.fill(0);
  expect(header.uniqueId).toEqual(hex('00 ff'));
});

describe('invalid headers', () => {
  const v2 = VECTORS['v2 TCP4']!.bytes;
  const changed = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(v2);
    bytes[at] = value;
    return bytes;
  };
  test.each([
    ['another protocol', Buffer.from('G'), 0],
    ['a wrong signature', changed(4, 1).subarray(0, 5), 4],
    ['version 3', changed(12, 0x31).subarray(0, 13), 12],
    ['command 2', changed(12, 0x22).subarray(0, 13), 12],
    ['family 4', changed(13, 0x41).subarray(0, 14), 13],
    ['too short for its addresses, judged from the length alone', changed(15, 11).subarray(0, 16), 14],
    ['a TLV that reaches beyond', Buffer.concat([changed(15, 15), hex('01 00 01')]), 28],
    ['the start of a TLV', Buffer.concat([changed(15, 13), hex('01')]), 28],
    ['a CRC32C of three bytes', Buffer.concat([changed(15, 18), hex('03 00 03 00 00 00')]), 31],
    ['a TLS part that is cut', Buffer.concat([changed(15, 16), hex('20 00 01 01')]), 31],
    [
      'a unique id that is too long',
      Buffer.concat([changed(15, 144), hex('05 00 81'), Buffer.alloc(129)]),
      31,
    ],
    ['a v1 line without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(93)}`), 107],
    ['v1 UDP4', Buffer.from('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n'), 0],
    ['v1 with an IPv6 address as TCP4', Buffer.from('PROXY TCP4 ::1 192.0.2.2 1 2\r\n'), 0],
    ['v1 with a zone', Buffer.from('PROXY TCP6 fe80::1%lo ::1 1 2\r\n'), 0],
    ['v1 with a port out of range', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n'), 0],
    ['v1 with a leading zero', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n'), 0],
    ['v1 with one word more', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n'), 0],
    ['v1 without addresses', Buffer.from('PROXY TCP4\r\n'), 0],
  ])('%s', (_, bytes, offset) => {
    let thrown: unknown;
    try {
      readProxyHeader(bytes);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FrameError);
    expect(thrown).toMatchObject({ code: 'ERR_PROXY_HEADER', origin: 'peer', offset });
  });

  test('a wrong checksum, LOCAL or not', () => {
    const right = VECTORS['v2 LOCAL, with TLVs that are ignored and a right CRC32C']!.bytes;
    const wrong = Buffer.from(right);
    wrong[22]! ^= 1;
    expect(() => readProxyHeader(wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_CHECKSUM', offset: 19, expected: right.readUInt32BE(19) }),
    );
  });
});

const text = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' });
const port = fc.nat(65_535);
const place = {
  tcp4: fc.record({ address: fc.ipV4(), port }),
  udp4: fc.record({ address: fc.ipV4(), port }),
  tcp6: fc.record({ address: fc.ipV6(), port }),
  udp6: fc.record({ address: fc.ipV6(), port }),
  unix: fc.record({ address: text, port: fc.constant(0) }),
};
const tls = fc.record(
  {
    certificate: fc.constantFrom('none' as const),
    verified: fc.constant(false),
    version: text,
    commonName: text,
    cipher: text,
    signatureAlgorithm: text,
    keyAlgorithm: text,
  },
  { requiredKeys: ['certificate', 'verified'] },
);
const version2 = fc.constantFrom(...(Object.keys(place) as (keyof typeof place)[])).chain((transport) =>
  fc.record(
    {
      version: fc.constant(2 as const),
      command: fc.constant('proxy' as const),
      transport: fc.constant(transport),
      source: place[transport],
      destination: place[transport],
      alpn: text,
      authority: text,
      uniqueId: fc.uint8Array({ maxLength: 128 }).map((bytes) => Buffer.from(bytes)),
      namespace: text,
      tls,
      checksum: fc.constant(true),
      others: fc.array(
        fc.record({
          type: fc.integer({ min: 0xe0, max: 0xff }),
          value: fc.uint8Array().map((b) => Buffer.from(b)),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    },
    { requiredKeys: ['version', 'command', 'transport', 'source', 'destination'] },
  ),
);

test('a header that comes byte by byte is gathered in linear work', () => {
  const bytes = Buffer.alloc(16 + 20_000);
  // the signature · LOCAL · unspecified · 20,000 bytes
  Buffer.from('0d0a0d0a000d0a515549540a20004e20', 'hex').copy(bytes);
  const sent = Buffer.concat([bytes, Buffer.from('hello')]);
  let at = 0;
  let unread: Buffer | undefined;
  const socket = Object.assign(new EventEmitter(), {
    read: () => sent.subarray(at, ++at),
    unshift: (rest: Buffer) => {
      unread = rest;
    },
  });
  const results: unknown[] = [];
  takeProxyHeader(socket as never, (...result) => results.push(result));
  const allocated = vi.spyOn(Buffer, 'allocUnsafe');
  try {
    while (results.length === 0 && at < sent.length) socket.emit('readable');
    expect(allocated.mock.calls.reduce((sum, [size]) => sum + size, 0)).toBeLessThan(4 * bytes.length);
  } finally {
    allocated.mockRestore();
  }
  expect(results).toEqual([[undefined, { version: 2, command: 'local', transport: 'unknown' }]]);
  expect([at, unread, socket.listenerCount('readable')]).toEqual([bytes.length, undefined, 0]);
});

test('every written header is read back', () => {
  fc.assert(
    fc.property(version2, (header) => {
      const bytes = writeProxyHeader(header);
      const read = readProxyHeader(bytes)!;
      expect(read.length).toBe(bytes.length);
      // Addresses have several spellings: written again they give the same bytes.
      expect(writeProxyHeader(read.header)).toEqual(bytes);
      const { source: _, destination: __, ...rest } = read.header;
      const { source: ___, destination: ____, ...written } = header;
      expect(rest).toEqual(written);
    }),
  );
  for (const { header } of Object.values(VECTORS).filter(({ header }) => header.version === 1)) {
    expect(readProxyHeader(writeProxyHeader(header))?.header).toEqual(header);
  }
});

test('a header that cannot be written is refused', () => {
  const { header } = VECTORS['v2 TCP4']!;
  const source = { address: '::1', port: 1 };
  expect(() => writeProxyHeader({ ...header, source })).toThrow(TypeError);
  expect(() => writeProxyHeader({ ...header, source: undefined })).toThrow(TypeError);
  expect(() => writeProxyHeader({ ...header, source: { address: '192.0.2.1', port: 65_536 } })).toThrow(
    RangeError,
  );
  expect(() => writeProxyHeader({ ...header, version: 1, transport: 'udp4' })).toThrow(TypeError);
  expect(() => writeProxyHeader({ ...header, version: 1, command: 'local' })).toThrow(TypeError);
  expect(() => writeProxyHeader({ ...header, authority: 'x'.repeat(65_536) })).toThrow(RangeError);
});

test('any bytes give a header, a request for more bytes, or a coded error', () => {
  const start = fc.constantFrom(hex(SIGNATURE), hex(SIGNATURE, '21'), Buffer.from('PROXY '), Buffer.alloc(0));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => {
      const bytes = Buffer.concat([head, rest]);
      try {
        const read = readProxyHeader(bytes);
        if (read === undefined) return;
        expect(read.length).toBeLessThanOrEqual(bytes.length);
        // The header ends where it ends, whatever follows, and not before.
        expect(readProxyHeader(bytes.subarray(0, read.length))).toEqual(read);
        expect(readProxyHeader(bytes.subarray(0, read.length - 1))).toBeUndefined();
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});
