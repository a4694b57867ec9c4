import type { CrcParameters } from '../../bytes/checksum.ts';

/**
 * A framing as plain data: everything that a generator of documentation, of a dissector or of a `.ksy` needs. Bytes are arrays of
 * numbers, lengths are in bytes, and everything survives JSON.
 */
export type FramingLayout =
  | LengthFieldLayout
  | DelimiterLayout
  | StuffedLayout
  | PacketsLayout
  | HeadedLayout
  | {
      readonly kind: 'fixedLength';
      /** The length of every frame. */
      readonly length: number;
    }
  | {
      /** Consistent overhead byte stuffing: blocks of a count and data, and a zero after the frame. */
      readonly kind: 'cobs';
      readonly delimiter: 0;
      readonly maximum: number;
      readonly valid?: ValidLayout;
    }
  | {
      /** A function finds the length, or the message's own declaration does (`selfDelimiting`). */
      readonly kind: 'measured';
      readonly by: 'function' | 'declaration';
      readonly maximum: number;
      readonly skipsNoise: boolean;
      readonly valid?: ValidLayout;
    };

/** An unsigned number that gives the length of something. */
export interface LengthFieldData {
  /** Its offset from the first byte of the frame on the wire. */
  readonly offset: number;
  /** In bytes, or digits; 0 if it depends on the value. */
  readonly width: number;
  readonly form: 'binary' | 'varint' | '7/16/64' | 'decimal' | 'hexadecimal';
  /** The most bytes of a varint. */
  readonly maxWidth?: number;
  /** For a binary field. */
  readonly order?: 'little' | 'big';
  /** The bits that hold the length, side by side, if not all of them do. */
  readonly mask?: number;
}

/** `lengthPrefix`. */
export interface LengthFieldLayout {
  readonly kind: 'lengthPrefix';
  readonly field: LengthFieldData;
  /** Added to the field's value to give the bytes after the field. */
  readonly adjustment: number;
  /** For a field without a fixed width: its own width counts as well. */
  readonly countsItself: boolean;
  /** Leading bytes that are not given out; `'header'`: everything up to and including the field. */
  readonly strips: number | 'header';
  /** The most bytes after the field. */
  readonly maximum: number;
}

/** `delimiter` and `line`. */
export interface DelimiterLayout {
  readonly kind: 'delimiter';
  /** The earliest counts, and at the same place the longest. */
  readonly delimiters: readonly (readonly number[])[];
  readonly stripsDelimiter: boolean;
  readonly start?: readonly number[];
  readonly stripsStart: boolean;
  /** Bytes after the delimiter that belong to the frame. */
  readonly trailer: number;
  /** The most bytes before the delimiter. */
  readonly maximum: number;
  readonly skipsNoise: boolean;
  readonly unterminated: 'error' | 'emit' | 'drop';
  readonly valid?: ValidLayout;
}

/** `slip` and `stuffed`. */
export interface StuffedLayout {
  readonly kind: 'stuffed';
  /** The end of a frame; for a frame with its own length, its beginning. */
  readonly delimiter: number;
  /** Opens a frame. Bytes before it are noise. */
  readonly start?: number;
  /** The byte that the writer puts before a frame. */
  readonly opensWith?: number;
  readonly escape: number;
  /** The escaped bytes, each with its code after the escape. */
  readonly escapes: readonly (readonly [byte: number, code: number])[];
  /** Any byte may be escaped, XORed with this. */
  readonly xor?: number;
  readonly ignored: readonly number[];
  readonly forbidden: readonly number[];
  readonly cancel?: number;
  /** Whether two delimiters with nothing between them make a frame. */
  readonly emptyFrames: boolean;
  /** If the payload contains its own length: the field in it, and what is added to give the payload's length. */
  readonly length?: { readonly field: LengthFieldData; readonly add: number };
  /** The most bytes of a payload. */
  readonly maximum: number;
  readonly valid?: ValidLayout;
}

/** `packets`. */
export interface PacketsLayout {
  readonly kind: 'packets';
  readonly kinds: readonly PacketLayout[];
  readonly skipsNoise: boolean;
  readonly maximum: number;
}

export interface PacketLayout {
  readonly name: string;
  /** Fixed bytes at the beginning, and the bits of them that count if not all do. */
  readonly start?: { readonly bytes: readonly number[]; readonly mask?: readonly number[] };
  /** The bytes needed to know the length. */
  readonly header: number;
  readonly length:
    | { readonly by: 'number'; readonly length: number }
    | { readonly by: 'field'; readonly field: LengthFieldData; readonly add: number }
    | { readonly by: 'end'; readonly end: readonly number[]; readonly trailer: number }
    | { readonly by: 'function' };
  readonly maximum: number;
  readonly valid?: ValidLayout;
}

/** `headed`. */
export interface HeadedLayout {
  readonly kind: 'headed';
  /** The end of the header, at its `endCount`-th occurrence. */
  readonly end: readonly number[];
  readonly endCount: number;
  readonly length:
    | {
        readonly by: 'field';
        readonly names: readonly string[];
        readonly fieldEnd: string;
        readonly nameEnd: string;
        readonly base: 10 | 16;
        readonly add: number;
        readonly otherwise?: number;
      }
    | {
        readonly by: 'column';
        readonly column: number;
        readonly columnEnd: string;
        readonly base: 10 | 16;
        readonly add: number;
        readonly otherwise?: number;
      }
    | { readonly by: 'function' };
  readonly trailer: number;
  /** The end of a body whose header has no length. */
  readonly until?: readonly number[];
  /** Bytes skipped before a header. */
  readonly ignored: readonly number[];
  readonly maximum: number;
  readonly maxHeader: number;
}

/** What makes a frame valid. Offsets are in the frame as it is given out; negative ones count from its end. */
export type ValidLayout =
  | {
      readonly by: 'checksum';
      readonly checksum: string;
      /** The width of the sum in bits. */
      readonly bits: number;
      /** The parameters of a checksum that is a CRC. */
      readonly crc?: CrcParameters;
      readonly order?: 'little' | 'big';
      readonly form: 'binary' | 'decimal' | 'hexadecimal';
      readonly at: number;
      readonly from: number;
      readonly to: number;
    }
  | { readonly by: 'function' };
