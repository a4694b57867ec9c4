/**
 * Modbus over TCP (Modbus Messaging on TCP/IP 1.0b, section 3.1.3):
 *
 *     transaction u16 · protocol 0 · length u16 │ unit u8 · function code u8 · the rest │
 *                                               └──────────── length ─────────────────┘
 */
import { constant, lengthPrefix, messages, padding, u8, u16be } from 'wirepipe';
import { replyCases, requestCases } from './pdu.ts';

export const framing = lengthPrefix({
  lengthFieldOffset: 4,
  lengthFieldLength: 2,
  byteOrder: 'big',
  initialBytesToStrip: 0,
  maxFrameLength: 254,
});

/** The framing fills in the length. */
const header = { transaction: u16be, protocol: constant(u16be, 0), length: padding(2), unit: u8 };

export const requests = messages(u8, requestCases, { header });
export const replies = messages(u8, replyCases, { header });

/** A reply has the transaction number of its request. */
export const protocol = {
  framing,
  clientMessages: requests,
  serverMessages: replies,
  replies: { id: 'transaction' },
} as const;
