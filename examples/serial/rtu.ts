/** Modbus over a serial line (Modbus Application Protocol 1.1b3, Modbus over Serial Line 1.02): unit, PDU, CRC-16. */
import {
  array,
  bounded,
  bytes,
  checksum,
  enumeration,
  type Framing,
  message,
  messages,
  packets,
  rest,
  u8,
  u16be,
  u16le,
} from 'wirepipe';

// Nothing on the line says where a frame ends: its length follows from the function, and the checksum confirms it.
const valid = { checksum: 'CRC-16/MODBUS', byteOrder: 'little' } as const;

const requestFrames = packets({
  kinds: {
    request: {
      header: 7,
      length: ([, code = 0, , , , , size = 0]) =>
        code >= 1 && code <= 6 ? 8 : code === 15 || code === 16 ? 9 + size : undefined,
      valid,
    },
  },
  maxFrameLength: 256,
});

const replyFrames = packets({
  kinds: {
    reply: {
      header: 3,
      length: ([, code = 0, size = 0]) =>
        code & 0x80 ? 5 : code >= 1 && code <= 4 ? 5 + size : [5, 6, 15, 16].includes(code) ? 8 : undefined,
      valid,
    },
  },
  maxFrameLength: 256,
});

/** What a master reads and writes, and what a slave does. */
export const masterFraming: Framing = { ...replyFrames, writer: () => requestFrames.writer() };
export const slaveFraming: Framing = { ...requestFrames, writer: () => replyFrames.writer() };

const around = { header: { unit: u8 }, trailer: { crc: checksum(u16le, 'CRC-16/MODBUS') } };
const read = { address: u16be, count: u16be };
const written = { address: u16be, value: u16be };
const registers = { registers: bounded(u8, array(u16be, rest)) };

export const requests = messages(
  u8,
  {
    readCoils: message(1, read),
    readHolding: message(3, read),
    readInput: message(4, read),
    writeRegister: message(6, written),
    writeRegisters: message(16, {
      address: u16be,
      count: u16be,
      size: u8,
      values: bounded('size', array(u16be, 'count')),
    }),
  },
  around,
);

const FAILURES = { illegalFunction: 1, illegalAddress: 2, illegalValue: 3, deviceFailure: 4 };

export const replies = messages(
  u8,
  {
    coils: message(1, { coils: bytes(u8) }),
    holding: message(3, registers),
    input: message(4, registers),
    registerWritten: message(6, written),
    registersWritten: message(16, { address: u16be, count: u16be }),
    failed: message([0x81, 0x83, 0x84, 0x86, 0x90], {
      reason: enumeration(u8, FAILURES, { unknown: 'keep' }),
    }),
  },
  around,
);
