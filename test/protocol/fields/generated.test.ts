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
struct({ a: u16be, b: u32le, c: bytes(2), t: utf8(u8), d: u8 })
  function decode(b, s, e) {
    try {
      return decodeMessage(b, s, e);
    } catch {
      return FAILED;
    }
  }
struct({ l: array(utf8(1), 2), m: array(bytes(1), u8), n: array(array(u8, 1), u8), u: array(union(u8, { a: message(1) }), u8) })
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 3) return FAILED;
    if (2 > e - p) return FAILED;
    const v1 = k0[2 < 64 ? 2 : 64].slice();
    for (let i0 = 0; i0 < 2; i0++) {
      const v2 = p;
      const v3 = p + 1;
      const v4 = k1(b, v2, v3);
      if (v4 === undefined) return FAILED;
      const v5 = v4;
      if (i0 < 64) v1[i0] = v5;
      else v1.push(v5);
      p += 1;
    }
    if (e - p < 1) return FAILED;
    const v6 = b[p];
    p += 1;
    if (v6 > e - p) return FAILED;
    const v8 = k0[v6 < 64 ? v6 : 64].slice();
    for (let i7 = 0; i7 < v6; i7++) {
      const v9 = p;
      const v10 = p + 1;
      const v11 = b.subarray(v9, v10);
      const v12 = v11;
      if (i7 < 64) v8[i7] = v12;
      else v8.push(v12);
      p += 1;
    }
    if (e - p < 1) return FAILED;
    const v13 = b[p];
    p += 1;
    if (v13 > e - p) return FAILED;
    const v15 = k0[v13 < 64 ? v13 : 64].slice();
    for (let i14 = 0; i14 < v13; i14++) {
      if (1 > e - p) return FAILED;
      const v17 = [];
      for (let i16 = 0; i16 < 1; i16++) {
        const v18 = b[p];
        v17.push(v18);
        p += 1;
      }
      const v19 = v17;
      if (i14 < 64) v15[i14] = v19;
      else v15.push(v19);
    }
    if (e - p < 1) return FAILED;
    const v20 = b[p];
    p += 1;
    if (v20 > e - p) return FAILED;
    const v22 = k0[v20 < 64 ? v20 : 64].slice();
    for (let i21 = 0; i21 < v20; i21++) {
      const v23 = b[p];
      p += 1;
      let v24 = undefined;
      switch (v23) {
        case 1: {
          v24 = new k2("a");
          break;
        }
        default: return FAILED;
      }
      const v25 = v24;
      if (i21 < 64) v22[i21] = v25;
      else v22.push(v25);
    }
    if (p !== e) return FAILED;
    return new k3(v1, v8, v15, v22);
  }
bytes(size(i8, { nullAt: -1 }))
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 1) return FAILED;
    const v0 = (b[p]) << 24 >> 24;
    if (v0 < -1) return FAILED;
    p += 1;
    let v1 = null;
    if (v0 >= 0) {
      if (v0 > e - p) return FAILED;
      const v2 = p;
      p += v0;
      const v3 = b.subarray(v2, p);
      v1 = v3;
    }
    if (p !== e) return FAILED;
    return v1;
  }
bytes(size(u8, { add: 0 }))
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 1) return FAILED;
    const v0 = b[p];
    p += 1;
    if (v0 > e - p) return FAILED;
    const v1 = p;
    p += v0;
    const v2 = b.subarray(v1, p);
    if (p !== e) return FAILED;
    return v2;
  }
bytes(u8, { max: 255 })
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 1) return FAILED;
    const v0 = b[p];
    p += 1;
    if (v0 > e - p) return FAILED;
    const v1 = p;
    p += v0;
    const v2 = b.subarray(v1, p);
    if (p !== e) return FAILED;
    return v2;
  }
codecOf(array(u8, u8), { limits: { elements: 255 } })
  function decode(b, s, e) {
    try {
      return decodeMessage(b, s, e);
    } catch {
      return FAILED;
    }
  }
array(u16be, u16be)
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    if (e - p < 2) return FAILED;
    const v0 = b[p] << 8 | b[p + 1];
    p += 2;
    if (v0 * 2 > e - p) return FAILED;
    const v2 = [];
    ms0 = mp0 = p;
    mi0 = 0;
    for (let i1 = 0; i1 < v0; i1++) {
      const v3 = b[p] << 8 | b[p + 1];
      v2.push(v3);
      p += 2;
      if ((i1 & 255) === 255) {
        mi0 = i1 + 1;
        mp0 = p;
      }
    }
    if (p !== e) return FAILED;
    return v2;
  }
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8") }), b: bytes("h.n") })
  function decodeMessage(b, s, e) {
    let p = s;
    const z = 0;
    const v0 = p;
    if (e - p < 2) return FAILED;
    const v1 = p;
    const v2 = b[p];
    const v3 = p + 1;
    const v4 = b[p + 1];
    const v5 = p + 2;
    if (k0(k1, b, v1, v3, v3) !== v4) return FAILED;
    const v6 = p + 2;
    if (!(v2 >= 0 && v2 <= 10000000)) return FAILED;
    p += 2;
    if (v2 > e - p) return FAILED;
    const v7 = p;
    p += v2;
    const v8 = b.subarray(v7, p);
    if (p !== e) return FAILED;
    return new k3(new k2(v2, v4), v8);
  }
struct({ h: struct({ n: u8, s: checksum(u8, "SUM-8") }), b: bytes("h.n") })
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    if (typeof m !== 'object' || m === null) return -1;
    const v9 = p;
    const v10 = p;
    var v11 = p;
    var v12 = undefined;
    const v13 = p + 1;
    const v14 = p + 2;
    const v15 = p + 2;
    const v16 = m["b"];
    if (!(v16 instanceof Uint8Array)) return -1;
    const v17 = k5(v16);
    if (v17 > 255) return -1;
    if (v12 === undefined) {
      v12 = v17;
      t[v11] = v12;
    } else if (v12 !== v17) return -1;
    p += 2;
    k6(t, p, v16, v17);
    p += v17;
    if (v12 === undefined) {
      t[v11] = 0;
    }
    const v18 = k0(k1, t, v10, v13, v13);
    t[v13] = v18;
    return p;
  }
struct({ h: bits(u8, { a: 4, n: 4 }), c: sizeOf(u8, "b"), b: bytes("h.n") })
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    if (typeof m !== 'object' || m === null) return -1;
    const v12 = p;
    const v13 = m["h"];
    if (typeof v13 !== 'object' || v13 === null) return -1;
    const v14 = v13["a"];
    if (v14 !== (v14 & 15)) return -1;
    const v15 = v14 << 4;
    var v16 = p;
    t[v16] = v15;
    var v17 = undefined;
    const v18 = p + 1;
    const v19 = p + 1;
    const v20 = m["c"];
    let v21 = undefined;
    const v22 = p + 2;
    const v23 = p + 2;
    const v24 = m["b"];
    if (!(v24 instanceof Uint8Array)) return -1;
    const v25 = k3(v24);
    if (v25 > 15) return -1;
    if (v17 === undefined) {
      v17 = v25;
      t[v16] |= v17;
    } else if (v17 !== v25) return -1;
    p += 2;
    k4(t, p, v24, v25);
    p += v25;
    const v26 = p;
    const v27 = v26 - (v23);
    if (!(Number.isInteger(v27) && v27 >= 0 && v27 <= 255)) return -1;
    if (v20 !== undefined && v20 !== v27) return -1;
    v21 = v27;
    t[v19] = v21;
    return p;
  }
struct({ c: letter })
  function decodeRun({ bytes: b, at, end, header: h }, most) {
    const { header, offset, width, little, adjustment, strip, shortest, longest } = h;
    const room = Math.min(most, Math.floor((end - at) / (header + shortest)));
    const messages = new Array(room);
    let count = 0, p = at;
    try {
      for (; count < room && end - p >= header; count++) {
        const body = k4(b, p + offset, width, little) + adjustment;
        const s = p + strip, e = p + header + body;
        if (e > end || body < shortest || body > longest) break;
        const message = decode(b, s, e);
        if (message === FAILED || message == null) break;
        messages[count] = message;
        p = e;
      }
    } catch {}
    if (count < room) messages.length = count;
    return { messages, at: p };
  }
bytes(size(mapped(u8, { decode: (n) => n, encode: (n) => n }), { nullAt: 9 }))
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    if (m !== null) {
      if (!(m instanceof Uint8Array)) return -1;
      const v6 = k2(m);
      if (v6 > 10000000) return -1;
      if (v6 === 9) return -1;
      if (!k3(k4, v6)) return -1;
      const v7 = k5(v6);
      if (v7 !== (v7 & 255)) return -1;
      const v8 = p;
      t[v8] = v7;
      p += 1;
      k6(t, p, m, v6);
      p += v6;
    } else {
      const v9 = k5(9);
      if (v9 !== (v9 & 255)) return -1;
      const v10 = p;
      t[v10] = v9;
      p += 1;
    }
    return p;
  }
bounded(varuint, union(u8, { a: message(1), b: message([2, 3]) }))
  function encodeMessage(m, t, s) {
    let p = s;
    const z = 0;
    const v6 = p;
    p += 1;
    const v7 = p;
    if (typeof m !== 'object' || m === null) return -1;
    switch (m.type) {
      case "a": {
        const v8 = p;
        t[v8] = 1;
        p += 1;
        break;
      }
      case "b": {
        const v9 = m.tag;
        if (!(v9 === 2 || v9 === 3)) return -1;
        if (v9 !== (v9 & 255)) return -1;
        const v10 = p;
        t[v10] = v9;
        p += 1;
        break;
      }
      default: return -1;
    }
    const v11 = p - v7;
    if (v11 > 10000000) return -1;
    const v12 = p - v6 - 1;
    p = v6;
    if (v11 < 128) t[p++] = v11;
    else {
      const v13 = p + k3(v11);
      t.copyWithin(v13, p + 1, p + 1 + v12);
      p = writeVaruint(t, p, v11);
    }
    p += v12;
    return p;
  }
struct({ a: bytes(40), b: bytes(40) })
  function boundOf(m) {
    let n = 0;
    const z = 0;
    n += 80;
    return n;
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
