import { Problem } from '../engine/problem.ts';
import type { FloatField } from '../field.ts';
import type { ByteOrder, Kind } from '../kind.ts';
import { declare } from '../node.ts';

interface Float {
  /** In bytes. */
  readonly width: 4 | 8;
  readonly order: ByteOrder;
}

// One float and its bytes, for the generated code: it writes one and reads the other to convert.
const SINGLE: Float32Array = new Float32Array(1);
const SINGLE_BYTES: Uint8Array = new Uint8Array(SINGLE.buffer);
const DOUBLE: Float64Array = new Float64Array(1);
const DOUBLE_BYTES: Uint8Array = new Uint8Array(DOUBLE.buffer);
const HOST_ORDER: ByteOrder = hostOrder();

export const FLOAT: Kind<Float> = {
  name: 'float',
  size: ({ width }) => ({ min: width, max: width }),
  shape: ({ width, order }) => ({ is: 'float', width, order }),
  call: ({ width, order }) => ({ maker: width === 4 ? `f32${order}` : `f64${order}` }),

  read({ width, order }, walk) {
    const at = walk.take(width);
    if (width === 4) return order === 'le' ? walk.bytes.readFloatLE(at) : walk.bytes.readFloatBE(at);
    return order === 'le' ? walk.bytes.readDoubleLE(at) : walk.bytes.readDoubleBE(at);
  },

  write({ width, order }, value, walk) {
    if (typeof value !== 'number') throw new Problem('ERR_FIELD_RANGE', 'a number', value);
    const at = walk.take(width);
    if (width === 4) {
      walk.written = () => Math.fround(value);
      if (order === 'le') walk.target.writeFloatLE(value, at);
      else walk.target.writeFloatBE(value, at);
    } else if (order === 'le') walk.target.writeDoubleLE(value, at);
    else walk.target.writeDoubleBE(value, at);
  },

  decode({ width, order }, out) {
    out.need(width);
    const view = out.constant(width === 4 ? SINGLE_BYTES : DOUBLE_BYTES);
    for (let index = 0; index < width; index++) {
      const from = order === HOST_ORDER ? index : width - 1 - index;
      out.line(`${view}[${index}] = b[${out.here(from)}];`);
    }
    const value = out.define(`${out.constant(width === 4 ? SINGLE : DOUBLE)}[0]`);
    out.advance(width);
    return { value };
  },

  encode({ width, order }, value, out) {
    out.refuse(`typeof ${value} !== 'number'`);
    out.line(`${out.constant(width === 4 ? SINGLE : DOUBLE)}[0] = ${value};`);
    const view = out.constant(width === 4 ? SINGLE_BYTES : DOUBLE_BYTES);
    for (let index = 0; index < width; index++) {
      const from = order === HOST_ORDER ? index : width - 1 - index;
      out.line(`t[${out.here(index)}] = ${view}[${from}];`);
    }
    out.advance(width);
    if (width === 4) out.written = `Math.fround(${value})`;
  },
};

function hostOrder(): ByteOrder {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'le' : 'be';
}

function float(width: Float['width'], order: ByteOrder): FloatField {
  return declare<Float, FloatField>(FLOAT, { width, order });
}

/** IEEE 754 single precision, little-endian. Encoding rounds to the nearest single. */
export const f32le: FloatField = float(4, 'le');
/** IEEE 754 single precision, big-endian. Encoding rounds to the nearest single. */
export const f32be: FloatField = float(4, 'be');
/** IEEE 754 double precision, little-endian. */
export const f64le: FloatField = float(8, 'le');
/** IEEE 754 double precision, big-endian. */
export const f64be: FloatField = float(8, 'be');
