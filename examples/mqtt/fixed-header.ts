import { bits, bounded, type Fields, lengthPrefix, only, struct, u8, varuint } from 'wirepipe';

/**
 * The fixed header of every packet (MQTT 5.0 §2.1.1, MQTT 3.1.1 §2.2).
 *
 *     bit     7  6  5  4    3    2  1     0
 *     byte 1  packet type  dup  QoS    retain
 *     byte 2  remaining length, a varint of at most four bytes
 */
export const header = { flags: bits(u8, { kind: 4, dup: 1, qos: 2, retain: 1 }) };

/** The largest value of four groups of seven bits. */
export const MAX_REMAINING_LENGTH = 268_435_455;

/** One packet per frame, with its fixed header; the remaining length has this maximum. */
export const framingUpTo = (maxFrameLength: number) =>
  lengthPrefix({
    lengthFieldOffset: 1,
    lengthFieldLength: 'varint',
    maxLengthFieldLength: 4,
    initialBytesToStrip: 0,
    maxFrameLength,
  });
export const framing = framingUpTo(MAX_REMAINING_LENGTH);

/** Exactly the bytes that the remaining length counts. */
export function packet<F extends Fields>(fields: F) {
  return { packet: bounded(varuint, struct(fields), { max: MAX_REMAINING_LENGTH }) };
}

/** §2.1.3: only PUBLISH has flags; the flags of other packets are 0000 or 0010. */
export function reserved<const Qos extends 0 | 1>(qos: Qos) {
  return {
    reservedDup: only('flags.dup', 0),
    reservedQos: only('flags.qos', qos),
    reservedRetain: only('flags.retain', 0),
  };
}
