import { expect, it } from 'vitest';
import { codecFrom } from './vectors.ts';

/**
 * Declarations, and under each a function that is generated for it. What a function leaves out (checks that another one includes,
 * counters that cannot exceed a limit, steps of 0 bytes) changes nothing but its speed, so only its text shows it.
 */
const GENERATED = `
struct({ a: u16be, b: u32le, c: bytes(2), t: utf8(u8), d: u8 })
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 9) return FAILED;
    const v0 = b[p] << 8 | b[p + 1];
    const v1 = (b[p + 2] | b[p + 3] << 8 | b[p + 4] << 16 | b[p + 5] << 24) >>> 0;
    const v2 = p + 6;
    const v3 = p + 8;
    const v4 = b.subarray(v2, v3);
    const v5 = b[p + 8];
    p += 9;
    if (v5 > e - p) return FAILED;
    const v6 = p;
    p += v5;
    const v7 = k0(b, v6, p);
    if (v7 === undefined) return FAILED;
    if (e - p < 1) return FAILED;
    const v8 = b[p];
    if (p + 1 !== e) return FAILED;
    return new k1(v0, v1, v4, v7, v8);
  }
struct({ a: u16be, b: u32le, c: bytes(2), t: utf8(u8), d: u8 })
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    if (typeof m !== 'object' || m === null) return -1;
    const v9 = m["a"];
    if (v9 !== (v9 & 65535)) return -1;
    const v10 = p;
    t[v10] = v9 >>> 8;
    t[v10 + 1] = v9;
    const v11 = m["b"];
    if (v11 !== v11 >>> 0) return -1;
    const v12 = p + 2;
    t[v12] = v11;
    t[v12 + 1] = v11 >>> 8;
    t[v12 + 2] = v11 >>> 16;
    t[v12 + 3] = v11 >>> 24;
    const v13 = m["c"];
    if (!(v13 instanceof Uint8Array)) return -1;
    const v14 = k3(v13);
    if (v14 !== 2) return -1;
    p += 6;
    k4(t, p, v13, v14);
    p += v14;
    const v15 = m["t"];
    const v16 = p;
    if (typeof v15 !== 'string') return -1;
    const v17 = k5.write(t, p + 1, v15, 255);
    if (v17 < 0) return -1;
    p += 1;
    p += v17;
    t[v16] = v17;
    const v18 = m["d"];
    if (v18 !== (v18 & 255)) return -1;
    const v19 = p;
    t[v19] = v18;
    return p + 1;
  }
struct({ a: u16be, b: u32le, c: bytes(2), t: utf8(u8), d: u8 })
  function encode(m, t, s) {
    try {
      return encodeMessage(m, t, s);
    } catch {
      return -1;
    }
  }
struct({ a: u16be, b: u32le, c: bytes(2), t: utf8(u8), d: u8 })
  function boundOf(m) {
    let n = 0;
    const z = 0;
    n += 9;
    if (typeof m === 'object' && m !== null) {
      const v20 = m["t"];
      n += 1;
      if (typeof v20 === 'string') n += Math.min(3 * v20.length, 255);
    }
    return n;
  }
array(struct({ x: u8, y: bytes(u16be) }), u8)
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 1) return FAILED;
    const v0 = b[p];
    p += 1;
    if (v0 * 3 > e - p) return FAILED;
    const v2 = k0[v0 < 64 ? v0 : 64].slice();
    for (let i1 = 0; i1 < v0; i1++) {
      if (e - p < 3) return FAILED;
      const v3 = b[p];
      const v4 = b[p + 1] << 8 | b[p + 2];
      p += 3;
      if (v4 > e - p) return FAILED;
      const v5 = p;
      p += v4;
      const v6 = b.subarray(v5, p);
      const v7 = new k1(v3, v6);
      if (i1 < 64) v2[i1] = v7;
      else v2.push(v7);
    }
    if (p !== e) return FAILED;
    return v2;
  }
struct({ n: i8, b: bytes("n"), c: bytes(size(u8, { nullAt: 255 })), e: array(u8, 2) })
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 1) return FAILED;
    const v0 = (b[p]) << 24 >> 24;
    if (!(v0 >= 0 && v0 <= 10000000)) return FAILED;
    p += 1;
    if (v0 > e - p) return FAILED;
    const v1 = p;
    p += v0;
    const v2 = b.subarray(v1, p);
    if (e - p < 1) return FAILED;
    const v3 = b[p];
    const v4 = v3 === 255 ? -1 : v3 * 1 + 0;
    if (v4 < 0 && v3 !== 255) return FAILED;
    p += 1;
    let v5 = null;
    if (v4 >= 0) {
      if (v4 > e - p) return FAILED;
      const v6 = p;
      p += v4;
      const v7 = b.subarray(v6, p);
      v5 = v7;
    }
    if (e - p < 2) return FAILED;
    if (2 > e - p) return FAILED;
    const v9 = [];
    for (let i8 = 0; i8 < 2; i8++) {
      const v10 = b[p];
      v9.push(v10);
      p += 1;
    }
    if (p !== e) return FAILED;
    return new k0(v0, v2, v5, v9);
  }
struct({ n: i8, b: bytes("n"), c: bytes(size(u8, { nullAt: 255 })), e: array(u8, 2) })
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    if (typeof m !== 'object' || m === null) return -1;
    const v11 = p;
    let v12 = undefined;
    const v13 = m["b"];
    if (!(v13 instanceof Uint8Array)) return -1;
    const v14 = k2(v13);
    if (v14 > 127) return -1;
    if (v12 === undefined) {
      v12 = v14;
      t[v11] = v12;
    } else if (v12 !== v14) return -1;
    p += 1;
    k3(t, p, v13, v14);
    p += v14;
    const v15 = m["c"];
    if (v15 !== null) {
      if (!(v15 instanceof Uint8Array)) return -1;
      const v16 = k2(v15);
      if (v16 > 255) return -1;
      if (v16 === 255) return -1;
      const v17 = p;
      t[v17] = v16;
      p += 1;
      k3(t, p, v15, v16);
      p += v16;
    } else {
      const v18 = p;
      t[v18] = 255;
      p += 1;
    }
    const v19 = m["e"];
    if (!Array.isArray(v19)) return -1;
    const v20 = v19.length;
    if (v20 !== 2) return -1;
    for (let i21 = 0; i21 < v20; i21++) {
      const v22 = v19[i21];
      if (v22 !== (v22 & 255)) return -1;
      const v23 = p;
      t[v23] = v22;
      p += 1;
    }
    if (v12 === undefined) {
      t[v11] = 0;
    }
    return p;
  }
codecOf(bytes(rest), { trailing: "ignore" })
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    const v0 = e - p;
    if (v0 > 10000000) return FAILED;
    const v1 = p;
    p += v0;
    const v2 = b.subarray(v1, p);
    return v2;
  }
bytes(size(varuint, { unit: 4 }))
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    if (!(m instanceof Uint8Array)) return -1;
    const v4 = k1(m);
    if (v4 > 10000000) return -1;
    if ((v4 - 0) % 4 !== 0) return -1;
    const v5 = (v4 - 0) / 4;
    if (v5 < 128) t[p++] = v5;
    else p = writeVaruint(t, p, v5);
    k2(t, p, m, v4);
    p += v4;
    return p;
  }
`;

const rows = GENERATED.trim()
  .split(/\n(?! )/)
  .map((row): [string, string, string] => {
    const [declaration = '', ...lines] = row.split('\n').map((line) => line.replace(/^ {2}/, ''));
    return [declaration, /^function (\w+)/.exec(lines[0]!)![1]!, lines.join('\n')];
  });

it.each(rows)('%s: %s', (declaration, name, due) => {
  const source = codecFrom(declaration).source()!;
  expect(new RegExp(`^function ${name}\\([^]*?\\n}`, 'm').exec(source)![0]).toBe(due);
});
