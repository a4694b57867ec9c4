/** The line of a GNSS receiver: NMEA 0183 sentences and UBX packets (u-blox), in any order, with noise between them. */
import {
  bounded,
  byKind,
  type Checksum,
  checksum,
  codecOf,
  constant,
  hexadecimal,
  i32le,
  message,
  messages,
  packets,
  rest,
  struct,
  text,
  u8,
  u16be,
  u16le,
  u32le,
} from 'wirepipe';

/** The checksum of UBX: two sums of eight bits (the algorithm of RFC 1145, modulo 256). */
const fletcher: Checksum = {
  name: 'Fletcher, modulo 256',
  width: 16,
  compute(data, from, to) {
    let [a, b] = [0, 0];
    for (let i = from; i < to; i++) b += a = (a + data[i]!) & 0xff;
    return a | ((b & 0xff) << 8);
  },
};

export const line = packets({
  kinds: {
    // $GNGLL,…*5F CR LF
    nmea: {
      start: '$',
      end: '\r\n',
      maxFrameLength: 82,
      valid: { checksum: 'XOR-8', digits: 'hexadecimal', from: 1, to: -5, at: -4 },
    },
    // b5 62 · class · id · length u16 · payload · sum
    ubx: {
      start: [0xb5, 0x62],
      length: { offset: 4, width: 2, byteOrder: 'little', add: 8 },
      valid: { checksum: fletcher, byteOrder: 'little', from: 2 },
    },
  },
  maxFrameLength: 1_024,
});

const sentence = codecOf(
  struct({
    dollar: constant(u8, 0x24),
    text: text(rest),
    star: constant(u8, 0x2a),
    sum: checksum(hexadecimal(2), 'XOR-8', { from: 'text', to: 'text' }),
    end: constant(u16be, 0x0d0a),
  }),
);

/** The tag is class and id: NAV-POSLLH, ACK-ACK. */
const ubx = messages(
  u16be,
  {
    // Degrees by 1e7, millimetres.
    position: message(0x0102, {
      at: bounded(
        u16le,
        struct({
          time: u32le,
          longitude: i32le,
          latitude: i32le,
          height: i32le,
          altitude: i32le,
          horizontalAccuracy: u32le,
          verticalAccuracy: u32le,
        }),
      ),
    }),
    acknowledged: message(0x0501, { what: bounded(u16le, struct({ class: u8, id: u8 })) }),
  },
  {
    header: { sync: constant(u16be, 0xb562) },
    trailer: { sum: checksum(u16le, fletcher, { after: 'sync' }) },
    otherwise: 'unknown',
  },
);

export const gnss = byKind({ nmea: sentence, ubx }, line);
