/** Framings of real protocols, with bytes from their specifications. */
import { describe, test } from 'vitest';
import {
  checksumByName,
  delimiter,
  type Framing,
  fixedLength,
  lengthPrefix,
  line,
  packets,
  slip,
  stuffed,
} from '../../../src/index.ts';
import { type FramingVector, verifyFraming } from '../../../src/testing/index.ts';
import { hex } from '../../support/hex.ts';

interface Row {
  protocol: string;
  /** Where the layout, and where not said otherwise the bytes, stand. */
  source: string;
  framing: Framing;
  vectors: FramingVector[];
}

const BGP_MARKER = 'FFFFFFFF FFFFFFFF FFFFFFFF FFFFFFFF';
const TS_NULL_PACKET = Buffer.concat([
  hex('47  # sync', '1F FF  # PID: null packet', '10  # payload only'),
  Buffer.alloc(184, 0xff),
]);

/** GSM 07.10 sends the ones' complement of it. */
const crc8 = checksumByName('CRC-8/ROHC');
/** The FCS over these bytes, as text. */
function fcs(header: string): string[] {
  const bytes = hex(header);
  return [(crc8.compute(bytes, 0, bytes.length) ^ 0xff).toString(16).padStart(2, '0')];
}

const ROWS: Row[] = [
  {
    protocol: 'BGP-4',
    source:
      'RFC 4271 §4.1: the length counts marker, length and type, 19 to 4096; §4.4 KEEPALIVE, §4.5 NOTIFICATION',
    framing: lengthPrefix({
      lengthFieldOffset: 16,
      lengthFieldLength: 2,
      byteOrder: 'big',
      lengthIncludes: 'header',
      initialBytesToStrip: 0,
      maxFrameLength: 4096 - 18,
    }),
    vectors: [
      {
        name: 'KEEPALIVE, NOTIFICATION',
        bytes: hex(
          `${BGP_MARKER}  # marker`,
          '0013  # length 19',
          '04  # KEEPALIVE',
          `${BGP_MARKER}  # marker`,
          '0015  # length 21',
          '03  # NOTIFICATION',
          '06 02  # cease, administrative shutdown (RFC 4486)',
        ),
        frames: [hex(BGP_MARKER, '0013 04'), hex(BGP_MARKER, '0015 03 06 02')],
        canonical: true,
      },
      {
        name: 'a length of 17 ends inside the header',
        bytes: hex(BGP_MARKER, '0011 04'),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
      {
        name: 'a length of 4097',
        bytes: hex(BGP_MARKER, '1001 02'),
        frames: [],
        error: 'ERR_FRAME_TOO_LONG',
      },
    ],
  },
  {
    protocol: 'DNS over TCP',
    source: 'RFC 1035 §4.2.2 (two-byte length), §4.1 (message), the name F.ISI.ARPA of §4.1.4',
    framing: lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' }),
    vectors: [
      {
        name: 'a question',
        bytes: hex(
          '001C  # length 28',
          '1234 0100  # ID, recursion desired',
          '0001 0000 0000 0000  # one question',
          '01 "F" 03 "ISI" 04 "ARPA" 00  # QNAME',
          '0001 0001  # A, IN',
        ),
        frames: [hex('1234 0100 0001 0000 0000 0000', '01 "F" 03 "ISI" 04 "ARPA" 00', '0001 0001')],
        canonical: true,
      },
      { name: 'cut off behind the length', bytes: hex('001C'), frames: [], error: 'ERR_FRAME_TRUNCATED' },
    ],
  },
  {
    protocol: 'PostgreSQL, after start-up',
    source:
      'PostgreSQL documentation, Frontend/Backend Protocol, Message Formats: Byte1 type, Int32 length including itself',
    framing: lengthPrefix({
      lengthFieldOffset: 1,
      byteOrder: 'big',
      lengthAdjustment: -4,
      initialBytesToStrip: 0,
    }),
    vectors: [
      {
        name: 'AuthenticationOk, ReadyForQuery, Sync',
        bytes: hex('"R" 00000008 00000000  # Ok', '"Z" 00000005 "I"  # idle', '"S" 00000004'),
        frames: [hex('"R" 00000008 00000000'), hex('"Z" 00000005 "I"'), hex('"S" 00000004')],
        canonical: true,
      },
      {
        name: 'a length that does not even hold itself',
        bytes: hex('"S" 00000003'),
        frames: [],
        error: 'ERR_FRAME_LENGTH',
      },
    ],
  },
  {
    protocol: 'OpenFlow 1.3',
    source: 'OpenFlow Switch Specification 1.3.0 §7.1, ofp_header: the length includes the header of 8 bytes',
    framing: lengthPrefix({
      lengthFieldOffset: 2,
      lengthFieldLength: 2,
      byteOrder: 'big',
      lengthIncludes: 'header',
      initialBytesToStrip: 0,
    }),
    vectors: [
      {
        name: 'OFPT_HELLO, OFPT_ECHO_REQUEST',
        bytes: hex('04 00 0008 00000001  # version, type, length, xid', '04 02 000A 00000002 "hi"'),
        frames: [hex('04 00 0008 00000001'), hex('04 02 000A 00000002 "hi"')],
        canonical: true,
      },
    ],
  },
  {
    protocol: 'LDP',
    source: 'RFC 5036 §3.1: version, PDU length without both; §3.5.4 keepalive message',
    framing: lengthPrefix({
      lengthFieldOffset: 2,
      lengthFieldLength: 2,
      byteOrder: 'big',
      maxFrameLength: 4096,
    }),
    vectors: [
      {
        name: 'a keepalive',
        bytes: hex(
          '0001  # version',
          '000E  # PDU length 14',
          'C0000201 0000  # LDP identifier: 192.0.2.1, label space 0',
          '0201 0004 00000007  # keepalive, length, message id',
        ),
        frames: [hex('C0000201 0000', '0201 0004 00000007')],
      },
    ],
  },
  {
    protocol: 'SSH agent',
    source: 'draft-miller-ssh-agent §3: uint32 length, byte type, contents',
    framing: lengthPrefix({ byteOrder: 'big', maxFrameLength: 262_144 }),
    vectors: [
      {
        name: 'SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENT_SUCCESS',
        bytes: hex('00000001 0B', '00000001 06'),
        frames: [hex('0B'), hex('06')],
        canonical: true,
      },
      { name: 'text', bytes: hex('"GET / HTTP/1.1"'), frames: [], error: 'ERR_FRAME_TOO_LONG' },
    ],
  },
  {
    protocol: 'gRPC messages',
    source:
      'gRPC over HTTP/2, Length-Prefixed-Message: compressed flag, 4-byte length; body from the Protocol Buffers encoding guide',
    framing: lengthPrefix({ lengthFieldOffset: 1, byteOrder: 'big', initialBytesToStrip: 0 }),
    vectors: [
      {
        name: 'field 1 = 150, and an empty message',
        bytes: hex('00 00000003 08 96 01', '00 00000000'),
        frames: [hex('00 00000003 08 96 01'), hex('00 00000000')],
        canonical: true,
      },
    ],
  },
  {
    protocol: 'MQTT 3.1.1',
    source:
      'OASIS MQTT 3.1.1 §2.2 fixed header, §2.2.3 remaining length (values of table 2.4), §3.1 CONNECT, §3.12 PINGREQ',
    framing: lengthPrefix({
      lengthFieldOffset: 1,
      lengthFieldLength: 'varint',
      initialBytesToStrip: 0,
      maxFrameLength: 268_435_455,
    }),
    vectors: [
      {
        name: 'CONNECT, PINGREQ',
        bytes: hex('10 0C  # CONNECT, 12 bytes', '0004 "MQTT" 04 02 003C 0000', 'C0 00  # PINGREQ'),
        frames: [hex('10 0C 0004 "MQTT" 04 02 003C 0000'), hex('C0 00')],
        canonical: true,
      },
      {
        name: 'PUBLISH of 128 bytes, whose length takes two',
        bytes: Buffer.concat([hex('30 80 01', '0001 "t"'), Buffer.alloc(125, 0x61)]),
        frames: [Buffer.concat([hex('30 80 01', '0001 "t"'), Buffer.alloc(125, 0x61)])],
        canonical: true,
      },
      {
        name: 'a remaining length of five bytes',
        bytes: hex('30 FF FF FF FF 01'),
        frames: [],
        error: 'ERR_FRAME_TOO_LONG',
      },
    ],
  },
  {
    protocol: 'Protocol Buffers, delimited',
    source:
      'Protocol Buffers techniques, Streaming Multiple Messages (writeDelimitedTo); body from the encoding guide',
    framing: lengthPrefix({ lengthFieldLength: 'varint' }),
    vectors: [
      {
        name: 'field 1 = 150, and an empty message',
        bytes: hex('03 08 96 01', '00'),
        frames: [hex('08 96 01'), hex()],
        canonical: true,
      },
      { name: 'a length that is not minimal', bytes: hex('83 00 08 96 01'), frames: [hex('08 96 01')] },
    ],
  },
  {
    protocol: 'TPKT',
    source: 'RFC 1006 §6: version 3, reserved, length including this header; X.224 §13.7 data TPDU',
    framing: lengthPrefix({
      lengthFieldOffset: 2,
      lengthFieldLength: 2,
      byteOrder: 'big',
      lengthIncludes: 'header',
    }),
    vectors: [
      {
        name: 'a data TPDU without data',
        bytes: hex('03 00 0007  # version, reserved, length 7', '02 F0 80  # DT, end of TSDU'),
        frames: [hex('02 F0 80')],
      },
    ],
  },
  {
    protocol: 'Modbus/TCP',
    source:
      'MODBUS Messaging on TCP/IP 1.0b §3.1.3 (MBAP header); PDU from MODBUS Application Protocol 1.1b3 §6.3',
    framing: lengthPrefix({
      lengthFieldOffset: 4,
      lengthFieldLength: 2,
      byteOrder: 'big',
      initialBytesToStrip: 0,
      maxFrameLength: 254,
    }),
    vectors: [
      {
        name: 'read holding registers 108 to 110',
        bytes: hex('0001 0000  # transaction, protocol', '0006  # length 6', '11  # unit', '03 006B 0003'),
        frames: [hex('0001 0000 0006 11 03 006B 0003')],
        canonical: true,
      },
    ],
  },
  {
    protocol: 'Redis, replies without bulk strings',
    source: 'Redis serialization protocol specification: simple strings, errors, integers end with CR LF',
    framing: delimiter({ delimiter: '\r\n' }),
    vectors: [
      {
        name: 'OK, 1000, an error',
        bytes: hex('"+OK" 0D0A', '":1000" 0D0A', '"-ERR unknown command" 0D0A'),
        frames: [hex('"+OK"'), hex('":1000"'), hex('"-ERR unknown command"')],
        canonical: true,
      },
    ],
  },
  {
    protocol: 'NMEA 0183',
    source:
      'NMEA 0183: a sentence is at most 82 characters, from $ to CR LF; the GLL sentence, checksum by its rule (XOR)',
    framing: line({ maxFrameLength: 80 }),
    vectors: [
      {
        name: 'GLL',
        bytes: hex(
          '"$GPGLL,4916.45,N,12311.12,W,225444,A*31" 0D0A',
          '"$GPGLL,4916.45,N,12311.12,W,225445,A*30" 0D0A',
        ),
        frames: [
          hex('"$GPGLL,4916.45,N,12311.12,W,225444,A*31"'),
          hex('"$GPGLL,4916.45,N,12311.12,W,225445,A*30"'),
        ],
      },
    ],
  },
  {
    protocol: 'SLIP',
    source: 'RFC 1055: END 0300, ESC 0333, ESC_END 0334, ESC_ESC 0335 (octal)',
    framing: slip({ start: 'end' }),
    vectors: [
      {
        name: 'a packet with END and ESC inside',
        bytes: hex('C0', '45 DB DC 00 DB DD', 'C0'),
        frames: [hex('45 C0 00 DB')],
        canonical: true,
      },
    ],
  },
  {
    protocol: 'MPEG transport stream',
    source: 'ISO/IEC 13818-1 §2.4.3.2: packets of 188 bytes; null packet, PID 0x1FFF',
    framing: fixedLength(188),
    vectors: [
      {
        name: 'two null packets',
        bytes: Buffer.concat([TS_NULL_PACKET, TS_NULL_PACKET]),
        frames: [TS_NULL_PACKET, TS_NULL_PACKET],
        canonical: true,
      },
    ],
  },
  {
    protocol: 'GSM 07.10, basic option',
    source:
      '3GPP TS 27.010 §5.2: flag F9, address, control, length of 7 or 15 bits, information, FCS; §5.2.1.6: the FCS of UIH frames is over the header',
    framing: packets({
      kinds: {
        frame: {
          start: [0xf9],
          header: 5,
          // The closing flag may open the next frame, so it is none of this one.
          length: ([, , , first = 0, second = 0]) =>
            first & 1 ? 5 + (first >> 1) : 6 + (first >> 1) + (second << 7),
          valid: (frame) => {
            const isUih = (frame[2]! & 0xef) === 0xef;
            const end = isUih ? (frame[3]! & 1 ? 4 : 5) : frame.length - 1;
            return (crc8.compute(frame, 1, end) ^ 0xff) === frame.at(-1);
          },
        },
      },
      maxFrameLength: 1_509,
    }),
    vectors: [
      {
        name: 'SABM and UA of the control channel, which share a flag; the last flag begins nothing',
        bytes: hex('F9 03 3F 01 1C', 'F9 03 73 01 D7', 'F9'),
        frames: [hex('F9 03 3F 01 1C'), hex('F9 03 73 01 D7')],
        error: 'ERR_FRAME_TRUNCATED',
      },
      {
        name: 'UIH: AT CR, and 130 bytes, whose length takes two bytes',
        bytes: Buffer.concat([
          hex('F9 07 EF 07 "AT" 0D', ...fcs('07 EF 07')),
          hex('F9 F9 07 EF 04 01'),
          Buffer.alloc(130, 0xf9),
          hex(...fcs('07 EF 04 01')),
        ]),
        frames: [
          hex('F9 07 EF 07 "AT" 0D', ...fcs('07 EF 07')),
          Buffer.concat([hex('F9 07 EF 04 01'), Buffer.alloc(130, 0xf9), hex(...fcs('07 EF 04 01'))]),
        ],
        discarded: ['ERR_FRAME_NOISE'],
      },
    ],
  },
  {
    protocol: 'GSM 07.10, advanced option',
    source: '3GPP TS 27.010 §5.2.6: flag 7E, control octet 7D, the sixth bit complemented; no length',
    framing: stuffed({
      flag: 0x7e,
      escape: 0x7d,
      xor: 0x20,
      valid: (frame) =>
        (crc8.compute(frame, 0, (frame[1]! & 0xef) === 0xef ? 2 : frame.length - 1) ^ 0xff) === frame.at(-1),
    }),
    vectors: [
      {
        name: 'SABM and UA; a flag and an escape as information',
        bytes: hex(
          '7E 03 3F',
          ...fcs('03 3F'),
          '7E 7E 03 73',
          ...fcs('03 73'),
          '7E',
          '07 EF 7D 5E 7D 5D',
          ...fcs('07 EF'),
          '7E',
        ),
        frames: [
          hex('03 3F', ...fcs('03 3F')),
          hex('03 73', ...fcs('03 73')),
          hex('07 EF 7E 7D', ...fcs('07 EF')),
        ],
      },
    ],
  },
  {
    protocol: 'MSP, versions 1 and 2',
    source:
      'MultiWii Serial Protocol: $M, direction, size, command, payload, XOR; iNav wiki, MSP V2: $X, type, flag, function, size, payload, CRC-8/DVB-S2, with its example',
    framing: packets({
      kinds: {
        v1: { start: '$M', length: { offset: 3, add: 6 }, valid: { checksum: 'XOR-8', from: 3 } },
        v2: {
          start: '$X',
          length: { offset: 6, width: 2, byteOrder: 'little', add: 9 },
          valid: { checksum: 'CRC-8/DVB-S2', from: 3 },
        },
      },
      maxFrameLength: 512,
    }),
    vectors: [
      {
        name: 'API_VERSION of version 1, and "Hello flying world" of version 2',
        bytes: hex(
          '"$M<" 00 01 01',
          '"$M>" 03 01 00 02 05 05',
          '"$X>" A5 4242 1200 48656C6C6F20666C79696E6720776F726C64 82',
        ),
        frames: [
          hex('"$M<" 00 01 01'),
          hex('"$M>" 03 01 00 02 05 05'),
          hex('"$X>" A5 4242 1200 48656C6C6F20666C79696E6720776F726C64 82'),
        ],
        canonical: true,
      },
      {
        name: 'a wrong sum costs that packet; text and a false start between',
        bytes: hex('"boot\\r"', '"$M<" 00 01 02', '"$$M<" 00 01 01', '"$M<" 00 01 01'),
        frames: [hex('"$M<" 00 01 01'), hex('"$M<" 00 01 01')],
        discarded: ['ERR_FRAME_NOISE'],
      },
    ],
  },
];

describe.each(ROWS)('$protocol', ({ framing, vectors }) => {
  test('reads its specification', () => verifyFraming(framing, vectors));
});
