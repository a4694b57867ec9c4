/** Consecutive frames at the start of `bytes[at, end)`, for a codec that reads frames and messages in one pass. */
export interface FrameRun {
  readonly bytes: Buffer;
  readonly at: number;
  readonly end: number;
  /** The header that all these frames have. */
  readonly header: FixedHeader;
}

/**
 * A header of a fixed width: where its length field stands, and which lengths are within the limits. All in bytes.
 *
 *     │ header                              │ after the header: the field's value + adjustment, from shortest to longest │
 *     ├── offset ──┤ length field, of width │
 *     ├── strip ────┤ the payload begins here
 */
export interface FixedHeader {
  /** The length of the header. */
  readonly header: number;
  /** The offset of the length field in it. */
  readonly offset: number;
  /** The width of that field, and its byte order. */
  readonly width: number;
  readonly little: boolean;
  /** Added to the value of the field, this gives the number of bytes after the header. */
  readonly adjustment: number;
  /** The offset of the payload in the frame. */
  readonly strip: number;
  /** The fewest bytes after the header, and the most. */
  readonly shortest: number;
  readonly longest: number;
}
