import { fixedLength, lengthPrefix } from 'wirepipe';

/**
 * A message: its type, and a length that counts itself and the rest (PostgreSQL 15, §55.2).
 *
 *     51 00 00 00 09 68 69 21 00
 *     │  └ 9         └ "hi!" and a NUL
 *     └ Q
 *
 * Both stay on the frame: the type is the tag. The framing fills in and checks the length, so the codec declares it as
 * padding.
 */
export const framing = lengthPrefix({
  lengthFieldOffset: 1,
  byteOrder: 'big',
  lengthAdjustment: -4,
  initialBytesToStrip: 0,
  maxFrameLength: 1_073_741_823,
});

/**
 * The first message of a client has no type: a length that counts itself, then at most 10,000 bytes.
 *
 *     00 00 00 08 04 d2 16 2f      SSLRequest
 *     │           └ 80877103
 *     └ 8
 */
export const startupFraming = lengthPrefix({
  byteOrder: 'big',
  lengthIncludes: 'header',
  maxFrameLength: 10_000,
});

/** The answer to a request for encryption is one byte. */
export const bareByte = fixedLength(1);
