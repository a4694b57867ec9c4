import { show } from '../../../bytes/show.ts';
import type { Absent, Field } from '../field.ts';
import type { Kind } from '../kind.ts';
import { declare } from '../node.ts';

interface Padding {
  readonly size: number;
  /** The multiple to pad to; 0 where the size is given. */
  readonly to: number;
}

export const PADDING: Kind<Padding> = {
  name: 'padding',
  size: ({ size, to }) => (to === 0 ? { min: size, max: size } : { min: 0, max: to - 1 }),
  shape: ({ size, to }) => ({ is: 'fixed', bytes: new Uint8Array(size), ...(to > 0 && { to }) }),
  traits: ({ to }) => ({ absent: true, aligned: to > 0 }),

  read(node, walk) {
    walk.take(sizeAt(node, walk.at - walk.start));
    return undefined;
  },

  write(node, _, walk) {
    const count = sizeAt(node, walk.at);
    const at = walk.take(count);
    walk.target.fill(0, at, at + count);
  },

  decode({ size, to }, out) {
    if (to === 0) {
      out.need(size);
      out.advance(size);
    } else {
      out.settle();
      out.line(`p += (${to} - ((p - s) % ${to})) % ${to};`);
      out.fail(`p > ${out.end}`);
    }
    return { value: 'undefined' };
  },

  encode({ size, to }, _, out) {
    if (to === 0) {
      if (size > 0) out.line(`t.fill(0, ${out.here()}, ${out.here(size)});`);
      out.advance(size);
      return;
    }
    out.settle();
    const count = out.define(`(${to} - ((p - s) % ${to})) % ${to}`);
    out.line(`t.fill(0, p, p + ${count});`);
    out.line(`p += ${count};`);
  },
};

/** How many bytes stand at an offset in the frame. */
function sizeAt({ size, to }: Padding, offset: number): number {
  return to === 0 ? size : (to - (offset % to)) % to;
}

/**
 * Bytes that mean nothing: written as zeros, ignored on decode, not part of the message. `{ to: 4 }` pads to
 * the next multiple of four, counted from the start of the frame.
 */
export function padding(size: number | { to: number }): Field<Absent> {
  const isGiven = typeof size === 'number';
  const [count, to] = isGiven ? [size, 0] : [0, size?.to];
  if (!Number.isSafeInteger(count) || count < 0 || (!isGiven && !(Number.isSafeInteger(to) && to > 0))) {
    throw new RangeError(
      `padding: expected a number of bytes, or { to: n } with n of 1 or more, got ${show(size)}`,
    );
  }
  return declare(PADDING, { size: count, to });
}
