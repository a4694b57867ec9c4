import { fixedLength, lengthPrefix } from 'wirepipe';

/**
 * A message: its type, and a length that counts itself and what follows (PostgreSQL 15, §55.2).
 *
 *     51 00 00 00 09 68 69 21 00
 *     │  └ 9         └ "hi!" and a NUL
 *     └ Q
 *
 * Both stay on the frame: the type is the tag, and the length is filled in and judged here, so that to the codec it is padding.
 */
export const framing = lengthPrefix({
  lengthFieldOffset: 1,
  byteOrder: 'big',
  lengthAdjustment: -4,
  initialBytesToStrip: 0,
  maxFrameLength: 1_073_741_823,
});

/**
 * What a client says first has no type: a length that counts itself, and at most 10,000 bytes.
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

/** A request for encryption is answered by one byte. */
export const bareByte = fixedLength(1);
