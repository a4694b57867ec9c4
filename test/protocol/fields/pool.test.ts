import { describe, expect, it } from 'vitest';
import { bytes, custom, rest, struct, u8, u16be, utf8 } from '../../../src/protocol/fields/kinds.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';

/** The memory in which messages of all codecs lie one behind the other. */
const POOL = 8_192;

describe('encode() takes its memory from a pool', () => {
  const blob = codecOf(bytes(rest));

  it('one message begins where the one before ends', () => {
    const [first, second] = [blob.encode(new Uint8Array(5)), blob.encode(new Uint8Array(7))];
    const third = blob.encode(new Uint8Array(1));
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteOffset).toBe(first.byteOffset + 5);
    expect(third.byteOffset).toBe(second.byteOffset + 7);
  });

  it('a message shorter than its bound gives back the rest', () => {
    const text = codecOf(utf8(rest));
    // 10 characters take at most 30 bytes.
    const first = text.encode('0123456789');
    expect(blob.encode(new Uint8Array(1)).byteOffset).toBe(first.byteOffset + 10);
  });

  it('a refused message gives its memory back', () => {
    const pair = codecOf(struct({ a: bytes(16), b: u8 }));
    const first = blob.encode(new Uint8Array(1));
    expect(() => pair.encode({ a: new Uint8Array(16), b: 256 })).toThrow('b: expected');
    const next = blob.encode(new Uint8Array(1));
    expect(next.buffer).toBe(first.buffer);
    expect(next.byteOffset).toBeLessThanOrEqual(first.byteOffset + 1 + 17);
  });

  it('a new pool follows when the message does not fit, and not before; bytes given out keep their values', () => {
    const given = Array.from({ length: 40 }, (_, index) => blob.encode(new Uint8Array(1_000).fill(index)));
    for (const [index, one] of given.entries()) {
      expect(one).toEqual(Buffer.alloc(1_000, index));
      expect(one.buffer.byteLength).toBe(POOL);
    }
    const starts = given.filter((one, index) => index > 0 && one.buffer !== given[index - 1]!.buffer);
    for (const one of starts) expect(one.byteOffset).toBe(0);
    // Eight of 1,000 bytes fit into each.
    expect(starts.length).toBe(4 + (given[0]!.byteOffset + 8_000 > POOL ? 1 : 0));
  });

  it('a message that fills the rest exactly still lies in it', () => {
    const half = () => blob.encode(new Uint8Array(POOL / 2));
    half();
    const [one, two, three] = [half(), half(), half()];
    // The first of them begins a pool, unless the one before has.
    const [first, second] = one.byteOffset === 0 ? [one, two] : [two, three];
    expect(first.byteOffset).toBe(0);
    expect(second.byteOffset).toBe(POOL / 2);
    expect(second.buffer).toBe(first.buffer);
  });

  it('a message that a getter encodes meanwhile keeps its bytes', () => {
    // The next message begins a pool.
    while (blob.encode(new Uint8Array(POOL / 2)).byteOffset !== POOL / 2);
    const inner: Buffer[] = [];
    const message = {
      get a() {
        inner.push(blob.encode(new Uint8Array(100).fill(7)));
        return 1;
      },
    };
    expect(codecOf(struct({ a: u8 })).encode(message)).toEqual(Buffer.from([1]));
    expect(inner.length).toBeGreaterThan(0);
    blob.encode(new Uint8Array(100).fill(9));
    for (const one of inner) expect(one).toEqual(Buffer.alloc(100, 7));
  });

  it('half a pool lies in the pool, one byte more in memory of its own', () => {
    expect(blob.encode(new Uint8Array(POOL / 2)).buffer.byteLength).toBe(POOL);
    expect(blob.encode(new Uint8Array(POOL / 2 + 1)).buffer.byteLength).toBe(POOL / 2 + 1);
  });

  it('a custom field never writes into it', () => {
    const own = codecOf(
      custom<number>({
        name: 'own',
        read: (cursor) => cursor.read(u8),
        write: (cursor, value) => cursor.write(u8, value),
        size: () => 4,
      }),
    );
    const encoded = own.encode(7);
    expect(encoded).toEqual(Buffer.from([7]));
    expect(encoded.buffer.byteLength).toBe(4);
  });

  it('a message that grows after it was measured is whole, wherever in the pool it lies', () => {
    const codec = codecOf(struct({ id: u16be, text: utf8(u8), end: u8 }));
    for (let id = 0; id < 3_000; id++) {
      let looks = 0;
      const long = (id % 3 === 0 ? 'é' : 'x').repeat(1 + (id % 90));
      const message = {
        id,
        get text() {
          return looks++ === 0 ? '' : long;
        },
        end: 9,
      };
      expect(codec.decode(codec.encode(message))).toEqual({ id, text: long, end: 9 });
    }
  });
});
