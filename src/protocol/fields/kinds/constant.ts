import { hex } from '../../../bytes/hex.ts';
import { Problem } from '../engine/problem.ts';
import { fieldBytes } from '../engine/write-walk.ts';
import { type Absent, type AnyField, type Field, type FieldIn, valuedNodeOf } from '../field.ts';
import type { AnyNode, Kind } from '../kind.ts';
import { declare, link } from '../node.ts';

interface Constant {
  readonly base: AnyNode;
  readonly value: unknown;
  readonly bytes: Uint8Array;
}

/** Up to this length, bytes are compared and written one by one. */
const SHORT = 16;

export const CONSTANT: Kind<Constant> = {
  name: 'constant',
  size: ({ bytes }) => ({ min: bytes.length, max: bytes.length }),
  shape: ({ bytes }) => ({ is: 'fixed', bytes }),
  call: ({ base, value, bytes }) => ({ maker: 'constant', base, value, bytes }),
  traits: () => ({ absent: true }),

  read({ value, bytes }, walk) {
    const at = walk.take(bytes.length);
    const got = walk.bytes.subarray(at, walk.at);
    if (got.compare(bytes) !== 0) {
      const text = compact(got);
      const expected = `the constant ${compact(bytes)} (hex)`;
      throw new Problem('ERR_MESSAGE_VALUE', expected, text, { at, got: `${text} (hex)` });
    }
    return value;
  },

  write({ bytes }, _, walk) {
    walk.append(bytes);
  },

  decode({ bytes }, out) {
    const { length } = bytes;
    out.need(length);
    if (length > SHORT) {
      out.fail(`b.subarray(${out.here()}, ${out.here(length)}).compare(${out.constant(bytes)}) !== 0`);
    } else if (length > 0) {
      out.fail(Array.from(bytes, (byte, index) => `b[${out.here(index)}] !== ${byte}`).join(' || '));
    }
    out.advance(length);
    return { value: 'undefined' };
  },

  encode({ bytes }, _, out) {
    const { length } = bytes;
    if (length > SHORT) out.line(`t.set(${out.constant(bytes)}, ${out.here()});`);
    else for (const [index, byte] of bytes.entries()) out.line(`t[${out.here(index)}] = ${byte};`);
    out.advance(length);
  },
};

function compact(bytes: Uint8Array): string {
  return hex(bytes).replaceAll(' ', '');
}

/**
 * A value that is always the same: a magic number, a version, a reserved field. Checked on decode, written on
 * encode, and not part of the message.
 *
 * @example constant(u16be, 0xcafe); constant(utf8(4), 'RIFF');
 */
export function constant<F extends AnyField>(base: F, value: FieldIn<F>): Field<Absent> {
  const node = valuedNodeOf(base, 'constant(field)', 'a constant');
  if (node.facts.references.length > 0) {
    throw new TypeError('constant: the field may not refer to another');
  }
  link(node);
  return declare(CONSTANT, { base: node, value, bytes: fieldBytes(node, value) });
}
