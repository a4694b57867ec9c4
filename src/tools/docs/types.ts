import type { ByteOrder, Shape } from '../../protocol/fields/kind.ts';
import { grouped, say, type Text } from './block.ts';

/** A type of single values: its name on the page, and its meaning. */
export interface TypeWords {
  readonly name: string;
  readonly about: Text;
}

const ORDER: Readonly<Record<ByteOrder, string>> = {
  be: 'most significant byte first (big-endian)',
  le: 'least significant byte first (little-endian)',
};

export function integerType({
  width,
  signed,
  order,
}: Pick<Extract<Shape, { is: 'integer' }>, 'width' | 'signed' | 'order'>): TypeWords {
  const ordered = width === 1 ? '' : order;
  const sign = signed ? 'a signed whole number in two’s complement' : 'an unsigned whole number';
  const [min, max] = signed
    ? [-(2n ** BigInt(8 * width - 1)), 2n ** BigInt(8 * width - 1) - 1n]
    : [0n, 2n ** BigInt(8 * width) - 1n];
  const lies = width === 1 ? 'in one byte' : `in ${width} bytes, ${ORDER[order]}`;
  return {
    name: `${signed ? 'i' : 'u'}${8 * width}${ordered}`,
    about: [`${sign} ${lies}: ${grouped(min)} to ${grouped(max)}`],
  };
}

export function floatType({ width, order }: Extract<Shape, { is: 'float' }>): TypeWords {
  return {
    name: `f${8 * width}${order}`,
    about: [`a number of IEEE 754, binary${8 * width}, in ${width} bytes, ${ORDER[order]}`],
  };
}

export function varintType({
  zigzag,
  signed,
  order = 'le',
  big,
}: Extract<Shape, { is: 'varint' }>): TypeWords {
  const sign = zigzag ? 'zigzag' : signed ? 'signed' : 'unsigned';
  const first = order === 'le' ? 'least' : 'most';
  const example = order === 'le' ? 'ac 02' : '82 2c';
  const groups = say`groups of seven bits, the ${[first]} significant group first, one in each byte; the highest bit of a byte is set where another byte follows (300 in groups is ${example}). At most 10 bytes`;
  const most = big
    ? ' and 64 bits'
    : `; a number beyond ${sign === 'unsigned' ? '2^53 − 1' : 'what 53 bits hold'} is refused`;
  const read =
    sign === 'zigzag'
      ? '. The groups hold 0, −1, 1, −2, 2 … as 0, 1, 2, 3, 4 … (zigzag)'
      : sign === 'signed'
        ? '. The groups hold two’s complement: the highest bit of the last group is the sign'
        : '';
  return {
    name: `${sign} varint${big ? '64' : ''}${order === 'be' ? ', big-endian' : ''}`,
    about: [...groups, `${most}${read}. A sender writes as few bytes as will do`],
  };
}

const TEXTS = {
  utf8: [
    'UTF-8',
    'well-formed UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF. Every other character is text, U+0000 and a leading U+FEFF too',
  ],
  ascii: ['ASCII', 'the characters U+0000 to U+007F, in one byte each'],
  latin1: ['ISO 8859-1', 'the characters U+0000 to U+00FF, in one byte each'],
  utf16le: [
    'UTF-16LE',
    'UTF-16 in units of two bytes, least significant byte first, without a byte order mark',
  ],
  utf16be: [
    'UTF-16BE',
    'UTF-16 in units of two bytes, most significant byte first, without a byte order mark',
  ],
} as const;

export function textType(encoding: keyof typeof TEXTS): TypeWords {
  const [name, about] = TEXTS[encoding];
  return { name: `text, ${name}`, about: [about] };
}
