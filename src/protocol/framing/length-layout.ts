import type { LengthField } from './length-field.ts';

/** The options of `lengthPrefix`, checked and normalized. */
export interface LengthLayout {
  /** The length field; undefined for a plain unsigned integer of `width` bytes, the common case that readers inline. */
  readonly field: LengthField | undefined;
  /** Width of the length field in bytes; 0 if it depends on the value. */
  readonly width: number;
  readonly little: boolean;
  readonly offset: number;
  /** Header length in bytes. For a field without a fixed width: the offset only. */
  readonly header: number;
  /** Bytes to strip. For a field without a fixed width that is stripped too: the offset only. */
  readonly strip: number;
  /** Whether a field without a fixed width is stripped. */
  readonly stripsField: boolean;
  readonly adjustment: number;
  /** Whether a field without a fixed width counts itself: its own width is part of the adjustment. */
  readonly countsField: boolean;
  readonly maxFrameLength: number;
  readonly discards: boolean;
  /** `Framing.wire`: set if everything around a frame follows from its length, and all of it is stripped. */
  readonly wire: string | undefined;
}
