import { Problem } from '../engine/problem.ts';
import { DEFAULT_MAX_BYTES, type Field, maximum } from '../field.ts';
import type { Kind } from '../kind.ts';
import { declare } from '../node.ts';
import { encodeText } from './utf8.ts';

interface CString {
  readonly max: number;
}

const NUL: Uint8Array = Uint8Array.of(0);

export const CSTRING: Kind<CString> = {
  name: 'cstring',
  size: ({ max }) => ({ min: 1, max: max + 1 }),
  shape: ({ max }) => ({ is: 'text', length: { from: 'terminator', bytes: NUL }, max }),
  call: ({ max }) => ({ maker: 'cstring', max }),
  text: ({ max }) => max,

  read({ max }, walk) {
    const reach = Math.min(walk.end, walk.at + max + 1);
    const { searched } = walk;
    const found = walk.bytes.subarray(walk.at + searched, reach).indexOf(0);
    const length = found < 0 ? found : searched + found;
    if (length < 0) walk.missed(reach);
    if (length < 0 && walk.end - walk.at <= max) {
      throw new Problem('ERR_MESSAGE_SHORT', 'a NUL byte', 'the end', { at: walk.end, got: 'the end' });
    }
    if (length < 0) {
      const expected = `a NUL byte after at most ${max} bytes`;
      throw new Problem('ERR_FIELD_TOO_LONG', expected, 'none', { got: 'none', limit: max });
    }
    const at = walk.take(length + 1);
    return walk.text(at, at + length);
  },

  write({ max }, value, walk) {
    const encoded = encodeText(value, max, walk.count.bind(walk, 'text'));
    if (encoded.includes(0)) throw new Problem('ERR_FIELD_RANGE', 'text without a NUL', value);
    walk.append(encoded);
    walk.append(NUL);
  },

  decode({ max }, out) {
    out.settle();
    const limit = out.define(`Math.min(${out.end}, p + ${max + 1})`);
    const nul = out.define('p', 'let');
    out.line(`while (${nul} < ${limit} && b[${nul}] !== 0) ${nul}++;`);
    out.fail(`${nul} === ${limit}`);
    const value = out.text('p', nul);
    out.line(`p = ${nul} + 1;`);
    return { value };
  },

  encode({ max }, value, out) {
    out.settle();
    out.refuse(`typeof ${value} !== 'string' || ${value}.includes('\\0')`);
    const length = out.putText('p', value, max);
    out.line(`t[p + ${length}] = 0;`);
    out.line(`p += ${length} + 1;`);
  },

  bound({ max }, value, out) {
    out.settle();
    out.line(`if (typeof ${value} === 'string') n += Math.min(3 * ${value}.length, ${max}) + 1;`);
  },
};

/** Text in UTF-8 up to a NUL byte, which is not part of the text; at most `max` bytes without the NUL. */
export function cstring(max = 65_535): Field<string> {
  return declare(CSTRING, { max: maximum('cstring', { max }, DEFAULT_MAX_BYTES) });
}
