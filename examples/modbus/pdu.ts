/**
 * The PDUs of Modbus, the same on every transport, after the function code (Modbus Application Protocol 1.1b3, section
 * 6). Numbers are big-endian.
 */
import { array, bounded, bytes, enumeration, message, rest, u8, u16be } from 'wirepipe';

const read = { address: u16be, count: u16be };
const written = { address: u16be, value: u16be };
const registers = { registers: bounded(u8, array(u16be, rest)) };

/** Section 7. */
const exception = enumeration(
  u8,
  { illegalFunction: 1, illegalAddress: 2, illegalValue: 3, deviceFailure: 4 },
  { unknown: 'keep' },
);

/** By function code. */
export const requestCases = {
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
};

/** By function code. The `tag` of a failure is the failed function code with its highest bit set. */
export const replyCases = {
  coils: message(1, { coils: bytes(u8) }),
  holding: message(3, registers),
  input: message(4, registers),
  registerWritten: message(6, written),
  registersWritten: message(16, { address: u16be, count: u16be }),
  failed: message([0x81, 0x83, 0x84, 0x86, 0x90], { reason: exception }),
};
