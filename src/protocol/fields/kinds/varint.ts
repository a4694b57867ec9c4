import {
  MAX_VARINT_LENGTH,
  readVarint,
  varintWidth,
  varintWidthAt,
  writeVarint,
} from '../../../bytes/varint.ts';
import { Problem } from '../engine/problem.ts';
import type { Field } from '../field.ts';
import type { Decoding, Encoding, Kind, Range } from '../kind.ts';
import { declare } from '../node.ts';
import { isInRange, requireInRange } from './integer.ts';

interface Varint {
  readonly zigzag: boolean;
}

export const VARINT: Kind<Varint> = {
  name: 'varint',
  size: () => ({ min: 1, max: MAX_VARINT_LENGTH }),
  shape: ({ zigzag }) => ({ is: 'varint', zigzag }),
  call: ({ zigzag }) => ({ maker: zigzag ? 'varint' : 'varuint' }),
  range,
  tag: (node) => ({ node, raw: (tag) => (isInRange(tag, range(node)) ? (tag as number) : undefined) }),

  read({ zigzag }, walk) {
    const start = walk.at;
    const width = varintWidthAt(walk.bytes, start, walk.end);
    // The varint is cut off at the end.
    if (width === 0) walk.at = walk.end;
    if (width < 0) {
      const expected = `a varint of at most ${MAX_VARINT_LENGTH} bytes`;
      throw new Problem('ERR_MESSAGE_VALUE', expected, 'more', { got: 'more' });
    }
    walk.take(Math.max(1, width));
    const value = readVarint(walk.bytes, start, width);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new Problem('ERR_MESSAGE_VALUE', 'a varint of at most 2^53 - 1', value, { at: start });
    }
    if (!zigzag) return value;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  },

  write(node, value, walk) {
    requireInRange(value, range(node));
    let left = value as number;
    if (node.zigzag) left = left < 0 ? -2 * left - 1 : 2 * left;
    const at = walk.take(varintWidth(left));
    writeVarint(walk.target, at, left);
  },

  decode({ zigzag }, out) {
    out.need(1);
    out.settle();
    const value = out.define('b[p]', 'let');
    out.line(`if (${value} < 128) p++;`);
    out.line('else {');
    out.line(`${value} = ${readVaruint(out)}(b, p, ${out.end});`);
    out.fail(`${value} < 0`);
    out.line('p = position;');
    out.line('}');
    if (!zigzag) return { value };
    return { value: out.define(`${value} % 2 === 0 ? ${value} / 2 : -(${value} + 1) / 2`) };
  },

  encode(node, value, out, sure) {
    const { min, max } = range(node);
    if (!sure) out.refuse(`!Number.isInteger(${value}) || ${value} < ${min} || ${value} > ${max}`);
    const raw = node.zigzag ? out.define(`${value} < 0 ? -2 * ${value} - 1 : 2 * ${value}`) : value;
    out.settle();
    out.line(`if (${raw} < 128) t[p++] = ${raw};`);
    out.line(`else p = ${writeVaruint(out)}(t, p, ${raw});`);
  },

  insert({ zigzag }, at, value, out) {
    const write = writeVaruint(out);
    out.settle();
    const length = out.define(`p - ${at} - 1`);
    const raw = zigzag ? out.define(`${value} < 0 ? -2 * ${value} - 1 : 2 * ${value}`) : value;
    out.line(`p = ${at};`);
    out.line(`if (${raw} < 128) t[p++] = ${raw};`);
    out.line('else {');
    const behind = out.define(`p + ${out.constant(varintWidth)}(${raw})`);
    out.line(`t.copyWithin(${behind}, p + 1, p + 1 + ${length});`);
    out.line(`p = ${write}(t, p, ${raw});`);
    out.line('}');
    out.line(`p += ${length};`);
  },
};

function range({ zigzag }: Varint): Range {
  return zigzag ? { min: -(2 ** 52), max: 2 ** 52 - 1 } : { min: 0, max: Number.MAX_SAFE_INTEGER };
}

function readVaruint(out: Decoding): string {
  return out.helper('readVaruint(b, p, e)', (line) => {
    line('let value = 0;');
    line('let scale = 1;');
    line(`for (let end = p + ${MAX_VARINT_LENGTH}; p < end && p < e; scale *= 128) {`);
    line('const byte = b[p++];');
    line('value += (byte & 127) * scale;');
    line('if (byte < 128) {');
    line('position = p;');
    line(`return value > ${Number.MAX_SAFE_INTEGER} ? -1 : value;`);
    line('}');
    line('}');
    line('return -1;');
  });
}

function writeVaruint(out: Encoding): string {
  return out.helper('writeVaruint(t, p, value)', (line) => {
    line('while (value > 2147483647) {');
    line('t[p++] = (value % 128) | 128;');
    line('value = Math.floor(value / 128);');
    line('}');
    line('while (value > 127) {');
    line('t[p++] = (value & 127) | 128;');
    line('value >>>= 7;');
    line('}');
    line('t[p++] = value;');
    line('return p;');
  });
}

/**
 * An unsigned integer in groups of seven bits, least significant first; the high bit is set on all but the last (LEB128,
 * protobuf's varint). 0 to 2⁵³ − 1. Written with as few bytes as possible; read at any width up to ten bytes.
 */
export const varuint: Field<number> = declare<Varint, Field<number>>(VARINT, { zigzag: false });
/** A signed integer as a `varuint` of its zigzag encoding (0, −1, 1, −2 … as 0, 1, 2, 3 …): −2⁵² to 2⁵² − 1. */
export const varint: Field<number> = declare<Varint, Field<number>>(VARINT, { zigzag: true });
