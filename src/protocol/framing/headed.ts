import { readDigits } from '../../bytes/digits.ts';
import { show } from '../../bytes/show.ts';
import { anything, type Check, checkOptions, integer, natural } from '../../options.ts';
import { framingCall } from './call.ts';
import { type InnerCursor, MORE, NONE, type PacketKind } from './candidate.ts';
import { indexOfBytes } from './delimiter-search.ts';
import type { Framing } from './framing.ts';
import type { HeadedLayout } from './layout.ts';
import { type Bytes, toBytes } from './mark.ts';
import { type Measuring, MeasuringReader, MeasuringWriter } from './measuring-reader.ts';

/** The length of the body, in a named field of the header: `Content-Length: 42`. */
export interface HeaderField {
  /** The name, or several names for the same field; upper or lower case. */
  field: string | readonly string[];
  /** The separator of fields. Default LF; a CR before it belongs to it. */
  fieldEnd?: string | undefined;
  /** The separator of a name and its value. Default `':'`. */
  nameEnd?: string | undefined;
  /** The base of the digits. Default 10. */
  base?: 10 | 16 | undefined;
  /** Bytes of the body that the length does not count. Default 0. */
  add?: number | undefined;
  /** The length if there is no such field. Default: the field is required. */
  otherwise?: number | undefined;
}

/** The length of the body, in a column of the header: `MSG subject 1 42`. */
export interface HeaderColumn {
  /** The index of the column, from 0; a negative index counts from the end. */
  column: number;
  /** The separator of columns. Default a space. */
  columnEnd?: string | undefined;
  base?: 10 | 16 | undefined;
  add?: number | undefined;
  /** The length if there is no such column. Default: the column is required. */
  otherwise?: number | undefined;
}

/** A function of the header, without its end; returns undefined if the header has no length. */
export type HeaderLength = HeaderField | HeaderColumn | ((header: Buffer) => number | undefined);

export interface HeadedOptions {
  /** The bytes that end the header. */
  end: Bytes;
  /** Which occurrence ends the header: 2 for the second. Default 1. */
  endCount?: number | undefined;
  /** The length of the body. */
  length: HeaderLength;
  /** Bytes after the body that belong to the frame. Default 0. */
  trailer?: number | undefined;
  /** The bytes that end a body whose header has no length; they belong to the frame. Default: a length is required. */
  until?: Bytes | undefined;
  /** Bytes that are skipped where a header may begin, such as the line ends that keep a connection open. */
  ignore?: Bytes | undefined;
  /** The most bytes of a frame: header, end, body and trailer. Default 10,000,000. */
  maxFrameLength?: number | undefined;
  /** The most bytes of a header, its end included. Default 65,536. */
  maxHeaderLength?: number | undefined;
}

/**
 * Frames with a text header that ends with a delimiter and gives the length of the body after it.
 *
 *     │ Content-Length: 5 CR LF │ CR LF │ hello │
 *     ├ header ─────────────────┤ end ──┤ body ─┤ trailer
 *
 * A frame is all of these bytes. A header with no length, or with two different ones, is `ERR_FRAME_LENGTH`. The writer checks
 * the length in a payload, and writes the payload unchanged.
 *
 * @throws TypeError or RangeError for invalid options.
 *
 * @example
 * headed({ end: '\r\n\r\n', length: { field: 'Content-Length' } }); //                       Language Server Protocol
 * headed({ end: ':', length: { column: 0 }, trailer: 1 }); //                                netstrings: 5:hello,
 * headed({ end: '\x01', endCount: 2, length: { field: '9', nameEnd: '=', fieldEnd: '\x01' }, trailer: 7 }); // FIX
 */
export function headed(options: HeadedOptions): Framing {
  checkOptions('headed', options, HEADED_OPTIONS);
  const { endCount = 1, trailer = 0, maxFrameLength = 10_000_000, maxHeaderLength = 65_536 } = options;
  const headed: Headed = {
    end: toBytes('headed: end', options.end),
    endCount,
    length: lengthOf(options.length),
    trailer,
    until: options.until === undefined ? undefined : toBytes('headed: until', options.until),
    maximum: maxFrameLength,
    maxHeader: Math.min(maxHeaderLength, maxFrameLength),
  };
  const kind: PacketKind = {
    name: 'headed',
    mark: undefined,
    header: 1,
    maximum: maxFrameLength,
    validity: undefined,
    measure: headedMeasure(headed),
  };
  const ignored = options.ignore === undefined ? [] : [...toBytes('headed: ignore', options.ignore)];
  const isIgnored = new Uint8Array(256);
  for (const byte of ignored) isIgnored[byte] = 1;
  const measuring: Measuring = { kinds: [kind], skipsNoise: false, maxFrameLength, isIgnored, inParts: true };
  const writer = new MeasuringWriter(measuring);
  const { end, until } = headed;
  return {
    name: 'headed',
    maxFrameLength,
    inParts: true,
    layout: {
      kind: 'headed',
      end: [...end],
      endCount,
      length: headed.length.layout,
      trailer,
      ...(until && { until: [...until] }),
      ignored,
      maximum: maxFrameLength,
      maxHeader: headed.maxHeader,
    },
    call: framingCall('headed', options),
    reader: (readerOptions) => new MeasuringReader(measuring, readerOptions),
    writer: () => writer,
  };
}

const HEADED_OPTIONS: Readonly<Record<keyof HeadedOptions, Check>> = {
  end: anything,
  endCount: integer(1),
  length: anything,
  trailer: natural,
  until: anything,
  ignore: anything,
  maxFrameLength: integer(1),
  maxHeaderLength: integer(1),
};

/** How a length is read from a header. */
interface Length {
  readonly layout: HeadedLayout['length'];
  /** The length in the header; undefined if it has none; or what is wrong with it, in words. */
  read(header: Buffer): number | string | undefined;
}

function lengthOf(length: HeaderLength): Length {
  if (typeof length === 'function') {
    return {
      layout: { by: 'function' },
      read(header) {
        const answer: unknown = length(header);
        if (answer === undefined) return undefined;
        if (Number.isSafeInteger(answer) && (answer as number) >= 0) return answer as number;
        return `a length of ${show(answer)}`;
      },
    };
  }
  const common = { base: baseOf, add: integer(Number.MIN_SAFE_INTEGER), otherwise: natural };
  if (typeof length === 'object' && length !== null && 'column' in length) {
    const column = integer(Number.MIN_SAFE_INTEGER);
    checkOptions('headed: length', length, { ...common, column, columnEnd: separator });
    column('headed: length: column', length.column);
    return columnLength(length);
  }
  checkOptions('headed: length', length, {
    ...common,
    field: anything,
    fieldEnd: separator,
    nameEnd: separator,
  });
  return fieldLength(length);
}

const baseOf: Check = (name, value) => {
  if (value !== 10 && value !== 16) throw new RangeError(`${name} must be 10 or 16, got ${show(value)}`);
};

const separator: Check = (name, value) => {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${name} must be a text of at least one character, got ${show(value)}`);
  }
};

function fieldLength({
  field,
  fieldEnd = '\n',
  nameEnd = ':',
  base = 10,
  add = 0,
  otherwise,
}: HeaderField): Length {
  const names = typeof field === 'string' ? [field] : field;
  if (
    !Array.isArray(names) ||
    names.length === 0 ||
    names.some((name) => typeof name !== 'string' || name === '')
  ) {
    throw new TypeError(`headed: field must be a name or a list of names, got ${show(field)}`);
  }
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const rest = { base, add, ...(otherwise !== undefined && { otherwise }) };
  const layout = { by: 'field', names: [...names], fieldEnd, nameEnd, ...rest } as const;
  const read = (header: Buffer): number | string | undefined => {
    let found: number | undefined;
    for (const line of header.toString('latin1').split(fieldEnd)) {
      const at = line.indexOf(nameEnd);
      if (at < 0 || !wanted.has(line.slice(0, at).trim().toLowerCase())) continue;
      const value = digits(line.slice(at + nameEnd.length).trim(), base);
      if (value < 0) return `a ${names[0]} that is not a number`;
      if (found !== undefined && found !== value) return `two different values of ${names[0]}`;
      found = value;
    }
    return found === undefined ? otherwise : found + add;
  };
  return { layout, read };
}

function columnLength({ column, columnEnd = ' ', base = 10, add = 0, otherwise }: HeaderColumn): Length {
  const rest = { base, add, ...(otherwise !== undefined && { otherwise }) };
  const layout = { by: 'column', column, columnEnd, ...rest } as const;
  const read = (header: Buffer): number | string | undefined => {
    const text = header.toString('latin1').split(columnEnd).at(column);
    if (text === undefined) return otherwise;
    const value = digits(text.trim(), base);
    return value < 0 ? `no number in column ${column}` : value + add;
  };
  return { layout, read };
}

function digits(text: string, base: 10 | 16): number {
  const value = readDigits(Buffer.from(text, 'latin1'), 0, text.length, base);
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}

interface Headed {
  readonly end: Buffer;
  readonly endCount: number;
  readonly length: Length;
  readonly trailer: number;
  readonly until: Buffer | undefined;
  readonly maximum: number;
  readonly maxHeader: number;
}

function headedMeasure(headed: Headed): PacketKind['measure'] {
  const { end, endCount, length, trailer, until, maximum, maxHeader } = headed;

  /** The offset after the next `mark` from `cursor.at` on; 0 if it has not come. Moves the cursor past the searched bytes. */
  const search = (mark: Buffer, bytes: Buffer, start: number, stop: number, cursor: InnerCursor): number => {
    const found = indexOfBytes(bytes, mark, start + cursor.at, stop);
    if (found < 0) {
      cursor.at = Math.max(cursor.at, stop - start - mark.length + 1);
      cursor.needs = cursor.at + mark.length;
      return 0;
    }
    cursor.at = found + mark.length - start;
    return cursor.at;
  };

  return (bytes, start, stop, cursor) => {
    while (cursor.header === 0) {
      if (search(end, bytes, start, Math.min(stop, start + maxHeader), cursor) === 0) {
        if (cursor.needs > maxHeader) {
          cursor.problem = `a header that does not end within ${maxHeader} bytes`;
          return NONE;
        }
        return MORE;
      }
      const ends = ((cursor.state as number | undefined) ?? 0) + 1;
      cursor.state = ends;
      if (ends === endCount) cursor.header = cursor.at;
    }
    const { header } = cursor;
    if (cursor.at === header) {
      const said = length.read(bytes.subarray(start, start + header - end.length));
      if (typeof said === 'string') cursor.problem = said;
      else if (said === undefined) {
        if (until === undefined) cursor.problem = 'a header that says no length';
      } else if (said < 0) cursor.problem = `a negative length of ${said}`;
      else return header + said + trailer;
      if (cursor.problem !== undefined) return NONE;
    }
    const behind = search(until!, bytes, start, Math.min(stop, start + maximum), cursor);
    return behind === 0 ? MORE : behind;
  };
}
