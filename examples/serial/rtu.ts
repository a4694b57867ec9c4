/** Modbus over a serial line (Modbus Application Protocol 1.1b3, Modbus over Serial Line 1.02): unit, PDU, CRC-16. */
import { checksum, messages, packets, u8, u16le } from 'wirepipe';
import { replyCases, requestCases } from '../modbus/pdu.ts';

// No byte marks the end of a frame: the length follows from the function code, and the checksum confirms it.
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

/** A slave reads requests and writes replies; a master does the reverse. */
export const framing = { reads: requestFrames, writes: replyFrames };

const around = { header: { unit: u8 }, trailer: { crc: checksum(u16le, 'CRC-16/MODBUS') } };

export const requests = messages(u8, requestCases, around);
export const replies = messages(u8, replyCases, around);
