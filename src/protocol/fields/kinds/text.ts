import { show } from '../../../bytes/show.ts';
import { decodeUtf8, hasLoneSurrogate } from '../../../bytes/utf8.ts';
import { anything, requireObjectOf } from '../../../options.ts';
import { Problem, tooLong } from '../engine/problem.ts';
import {
  DEFAULT_MAX_BYTES,
  type Field,
  type FieldLimits,
  type Filled,
  maximum,
  type Nothing,
  type Size,
  type Until,
} from '../field.ts';
import type { Kind, Source } from '../kind.ts';
import { declare } from '../node.ts';
import { endedSource, foreseenBy, isLiteral, longest, mostBytes } from '../source.ts';

export type TextEncoding = 'utf8' | 'ascii' | 'latin1' | 'utf16le' | 'utf16be';

/** How text lies in its bytes. */
interface Form {
  readonly encoding: TextEncoding;
  /** What its size counts. Characters are code points; in UTF-16 they are units of two bytes. */
  readonly unit: 'bytes' | 'characters';
  /** The ASCII character that fills the text up to its size, at its end. */
  readonly pad: string | undefined;
}

/** Beyond this length an error gives the length of a text as it is in JavaScript: counting its bytes would take too long. */
export const LONG = 1_000_000;

interface Text {
  readonly size: Source;
  readonly max: number;
  readonly form: Form;
}

/** The fewest and the most bytes of a character. */
const WIDTHS: Readonly<Record<TextEncoding, readonly [least: number, most: number]>> = {
  utf8: [1, 4],
  ascii: [1, 1],
  latin1: [1, 1],
  utf16le: [2, 2],
  utf16be: [2, 2],
};

export const TEXT: Kind<Text> = {
  name: 'text',
  size: ({ size, max, form }) => longest(size, max, ...widths(form)),
  shape: ({ size, max, form }) => ({ is: 'text', length: size.extent, max, form }),
  call: ({ size, max, form }) => ({ maker: 'text', size: size.extent, max, ...form }),
  foreseen({ size, form }) {
    const [least, most] = widths(form);
    return least === most ? foreseenBy(size, most) : undefined;
  },
  references: ({ size }) => size.references('size'),
  traits: ({ size }) => ({ takesRest: size.takesRest, mayTakeRest: size.mayTakeRest }),
  text: ({ size, max, form }) => mostBytes(size, max) * widths(form)[1],

  read({ size, max, form }, walk) {
    const count = walk.measure(size, max, form.unit);
    if (count === null) return null;
    const at = walk.at;
    const end = endOf(form, walk.bytes, at, walk.end, count);
    // Too few bytes are there. How many more are needed shows only when they arrive.
    if (end < 0) walk.take(Math.max(count * widths(form)[0], walk.end - at + 1));
    walk.take(end - at);
    size.readEnd?.(walk);
    walk.count('text', end - at);
    const text = decodeText(form, walk.bytes, at, end);
    if (text !== undefined) return text;
    const code = form.encoding === 'utf8' ? 'ERR_MESSAGE_UTF8' : 'ERR_MESSAGE_VALUE';
    throw new Problem(code, `text in ${form.encoding}`, 'other bytes', { at, got: 'other bytes' });
  },

  write({ size, max, form }, value, walk) {
    if (walk.isNull(size, value)) return;
    if (typeof value !== 'string') throw new Problem('ERR_FIELD_RANGE', 'a string', value);
    const limit = mostBytes(size, max);
    if (value.length > LONG && value.length > 2 * limit) throw tooLong(limit, value.length, form.unit);
    const bytes = encodeText(form, size, value);
    if (bytes === undefined) {
      const code = form.encoding === 'utf8' ? 'ERR_MESSAGE_UTF8' : 'ERR_FIELD_RANGE';
      throw new Problem(code, `text that ${form.encoding} can say`, value);
    }
    walk.measured(size, countOf(form, bytes), max, form.unit);
    walk.count('text', bytes.length);
    const start = walk.at;
    walk.append(bytes);
    size.writeEnd?.(walk, start);
    if (form.pad !== undefined) walk.written = () => withoutPad(value, form);
    if (size.takesRest) walk.exhaust();
  },

  decode({ size, max, form }, out) {
    return out.measured(size, max, (count) => {
      const known = out.constant(form);
      out.settle();
      const end = out.define(`${out.constant(endOf)}(${known}, b, p, ${out.end}, ${count})`);
      out.fail(`${end} < 0`);
      out.count('text', `${end} - p`);
      const text = out.define(`${out.constant(decodeText)}(${known}, b, p, ${end})`);
      out.fail(`${text} === undefined`);
      out.line(`p = ${end};`);
      size.decodeEnd?.(out);
      return text;
    });
  },

  encode({ size, max, form }, value, out) {
    out.unlessNull(size, value, () => {
      const known = out.constant(form);
      out.refuse(`typeof ${value} !== 'string' || ${value}.length > ${2 * mostBytes(size, max)}`);
      const bytes = out.define(`${out.constant(encodeText)}(${known}, ${out.constant(size)}, ${value})`);
      out.refuse(`${bytes} === undefined`);
      out.measured(size, out.define(`${out.constant(countOf)}(${known}, ${bytes})`), max);
      out.count('text', `${bytes}.length`);
      out.settle();
      const start = size.encodeEnd && out.define('p');
      out.line(`t.set(${bytes}, p);`);
      out.line(`p += ${bytes}.length;`);
      if (start !== undefined) size.encodeEnd!(out, start);
      if (form.pad !== undefined) out.written = `${out.constant(withoutPad)}(${value}, ${known})`;
      if (size.takesRest) out.exhaust();
    });
  },

  bound({ size, max, form }, value, out) {
    const most = mostBytes(size, max) * widths(form)[1];
    out.fixed(size.size.max + (isLiteral(size) ? most : 0));
    if (isLiteral(size)) return;
    out.settle();
    out.line(`if (typeof ${value} === 'string') n += Math.min(3 * ${value}.length, ${most});`);
  },
};

/** The fewest and the most bytes of one unit of the size. */
function widths({ encoding, unit }: Form): readonly [least: number, most: number] {
  return unit === 'bytes' ? [1, 1] : WIDTHS[encoding];
}

/** Where the text that begins at `start` ends; −1 if its end is beyond `end`. */
function endOf(form: Form, bytes: Uint8Array, start: number, end: number, count: number): number {
  const [least, most] = widths(form);
  if (least === most) return count * most > end - start ? -1 : start + count * most;
  let at = start;
  for (let left = count; left > 0; left--) {
    if (at >= end) return -1;
    at++;
    while (at < end && (bytes[at]! & 0xc0) === 0x80) at++;
  }
  return lastIsWhole(bytes, start, at, end) ? at : -1;
}

/** Whether the last character of `bytes[start, at)` is complete, or cannot be completed because other bytes follow. */
function lastIsWhole(bytes: Uint8Array, start: number, at: number, end: number): boolean {
  if (at < end || at === start) return true;
  let lead = at - 1;
  while (lead > start && (bytes[lead]! & 0xc0) === 0x80) lead--;
  const byte = bytes[lead]!;
  return at - lead >= (byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4);
}

/** The number that the size gives for these bytes. */
function countOf(form: Form, bytes: Uint8Array): number {
  const [least, most] = widths(form);
  if (least === most) return bytes.length / most;
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++;
  return count;
}

/** The text in the bytes, without its padding; undefined if the bytes are not text. */
function decodeText({ encoding, pad }: Form, bytes: Buffer, start: number, end: number): string | undefined {
  const text = decodeFilled(encoding, bytes, start, end);
  return text === undefined || pad === undefined ? text : withoutPad(text, { pad });
}

function withoutPad(text: string, { pad }: Pick<Form, 'pad'>): string {
  let length = text.length;
  while (length > 0 && text[length - 1] === pad) length--;
  return text.slice(0, length);
}

function decodeFilled(encoding: TextEncoding, bytes: Buffer, start: number, end: number): string | undefined {
  switch (encoding) {
    case 'utf8':
      return decodeUtf8(bytes, start, end);
    case 'ascii':
      for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return undefined;
      return bytes.toString('latin1', start, end);
    case 'latin1':
      return bytes.toString('latin1', start, end);
    default: {
      if ((end - start) % 2 !== 0) return undefined;
      const units = bytes.subarray(start, end);
      const text = (encoding === 'utf16be' ? Buffer.from(units).swap16() : units).toString('utf16le');
      return hasLoneSurrogate(text) ? undefined : text;
    }
  }
}

/** The bytes of a text, padded to its size; undefined if the encoding cannot represent it. */
function encodeText(form: Form, size: Source, text: string): Uint8Array | undefined {
  const bytes = encodeFilled(form.encoding, text);
  if (bytes === undefined || form.pad === undefined) return bytes;
  const missing = size.range.max - countOf(form, bytes);
  if (missing <= 0) return bytes;
  const [width] = WIDTHS[form.encoding];
  const fill = encodeFilled(
    form.encoding,
    form.pad.repeat(form.unit === 'bytes' ? missing / width : missing),
  )!;
  return Buffer.concat([bytes, fill]);
}

function encodeFilled(encoding: TextEncoding, text: string): Buffer | undefined {
  switch (encoding) {
    case 'utf8':
      return hasLoneSurrogate(text) ? undefined : Buffer.from(text);
    case 'ascii':
    case 'latin1': {
      const most = encoding === 'ascii' ? 0x7f : 0xff;
      for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > most) return undefined;
      return Buffer.from(text, 'latin1');
    }
    default: {
      if (hasLoneSurrogate(text)) return undefined;
      const bytes = Buffer.from(text, 'utf16le');
      return encoding === 'utf16be' ? bytes.swap16() : bytes;
    }
  }
}

export interface TextOptions extends FieldLimits {
  /** Default `'utf8'`. */
  encoding?: TextEncoding;
  /** An ASCII character that fills the text up to its size, added on encode and removed on decode. The size must then be a number. */
  pad?: string;
  /** What the size counts: `'bytes'` (the default) or characters, which are code points; in UTF-16 they are units of two bytes. */
  unit?: 'bytes' | 'characters';
}

/**
 * Text in one of five encodings, with its size in bytes or characters. Bytes that are not text in the encoding are refused, and
 * so is text that the encoding cannot represent.
 *
 * @example text(8, { encoding: 'ascii', pad: ' ' }); text(u16be, { encoding: 'utf16be', unit: 'characters' });
 */
export function text<const S extends Size | Until>(
  size: S,
  options: TextOptions = {},
): Field<string | Nothing<S>, string | Nothing<S>, Filled<S>> {
  requireObjectOf('text', 'an object of options', options);
  const { encoding = 'utf8', pad, unit = 'bytes' } = options;
  if (typeof encoding !== 'string' || !Object.hasOwn(WIDTHS, encoding)) {
    throw new TypeError(`text: encoding: expected ${Object.keys(WIDTHS).join(', ')}, got ${show(encoding)}`);
  }
  if (unit !== 'bytes' && unit !== 'characters') {
    throw new TypeError(`text: unit: expected 'bytes' or 'characters', got ${show(unit)}`);
  }
  const source = endedSource(size, 'text', WIDTHS[encoding][0]);
  const max = maximum('text', options, DEFAULT_MAX_BYTES, {
    encoding: anything,
    pad: anything,
    unit: anything,
  });
  if (source.readEnd !== undefined && unit === 'characters') {
    throw new TypeError(
      "text: what ends at a terminator is counted in bytes; expected unit 'bytes' for until",
    );
  }
  if (source.takesRest && unit === 'characters') {
    throw new TypeError("text: what is left is counted in bytes; expected unit 'bytes' for rest");
  }
  if (pad !== undefined) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is a common one
    if (typeof pad !== 'string' || !/^[\x00-\x7f]$/.test(pad)) {
      throw new TypeError(`text: pad: expected one ASCII character, got ${show(pad)}`);
    }
    if (!isLiteral(source)) throw new TypeError('text: pad: expected a number as the size');
    if (unit === 'bytes' && source.range.max % WIDTHS[encoding][0] !== 0) {
      throw new RangeError(`text: pad: expected an even number of bytes in ${encoding}`);
    }
  }
  return declare(TEXT, { size: source, max, form: Object.freeze({ encoding, unit, pad }) });
}
