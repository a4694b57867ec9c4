import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Copier, copyBytes } from '../../src/bytes/copy.ts';
import type * as memory from '../../src/bytes/memory.ts';
import { allocate, BLOCK_LENGTH, Blocks, memoryOf, release } from '../../src/bytes/memory.ts';
import { lengthPrefix } from '../../src/protocol/framing/length-prefix.ts';

/** A module of its own, with nothing given away yet. */
async function fresh(): Promise<typeof memory> {
  vi.resetModules();
  return import('../../src/bytes/memory.ts');
}

afterEach(() => vi.unstubAllGlobals());

describe('memory', () => {
  test('what is released is allocated again, as long as it was', () => {
    const [a, b] = [allocate(1000), allocate(1000)];
    const longer = allocate(1001);
    expect([a.length, b.length, longer.length]).toEqual([1000, 1000, 1001]);
    release(longer);
    release(a);
    expect(allocate(1000)).toBe(a);
    expect(allocate(1000)).not.toBe(b);
    expect(allocate(1001)).toBe(longer);
  });

  test('buffers do not overlap', () => {
    const buffers = Array.from({ length: 100 }, (_, i) => allocate(1 + 37 * i));
    for (const [i, bytes] of buffers.entries()) bytes.fill(i);
    for (const [i, bytes] of buffers.entries()) expect(bytes.every((byte) => byte === i)).toBe(true);
  });

  test('the next one follows when it has been given away, and what lies in the old one stays', async () => {
    const { allocate, memoryOf, release } = await fresh();
    const first = allocate(1_000_000).fill(1);
    const buffers = [first];
    while (memoryOf(first, buffers.at(-1)!) !== undefined)
      buffers.push(allocate(1_000_000).fill(buffers.length));
    const last = buffers.at(-1)!;
    expect(buffers.length).toBe(34); // 33 of them go into 32 MiB
    expect(memoryOf(last, allocate(1))).toBeDefined();
    release(first);
    expect(allocate(1_000_000)).not.toBe(first);
    for (const [i, bytes] of buffers.slice(1).entries()) expect(bytes[999_999]).toBe(i + 1);
  });

  test('copies stay in the memory that they are of', async () => {
    const { allocate, memoryOf } = await fresh();
    const { Copier } = await import('../../src/bytes/copy.ts');
    const [to, from] = [allocate(100).fill(0), allocate(100).fill(1)];
    const copier = new Copier(to, from);
    copier.copy(0, 0, 10);
    let next = allocate(1_000_000);
    while (memoryOf(to, next) !== undefined) next = allocate(1_000_000);
    next.fill(2);
    copier.copy(10, 10, 90);
    expect(to.every((byte) => byte === 1)).toBe(true);
    expect(next.every((byte) => byte === 2)).toBe(true);
  });

  test.each([
    ['without WebAssembly', undefined],
    ['where it is refused', { Memory: class {}, Module: refuse, Instance: refuse }],
    ['where there is no room for it', { Memory: refuse, Module: class {}, Instance: class {} }],
  ])('%s, buffers are ordinary ones', async (_, WebAssembly) => {
    vi.stubGlobal('WebAssembly', WebAssembly);
    const { allocate, memoryOf, release, Blocks, BLOCK_LENGTH } = await fresh();
    const [a, b] = [allocate(100), allocate(100)];
    expect([a.length, memoryOf(a, b)]).toEqual([100, undefined]);
    release(a);
    expect(allocate(100)).not.toBe(a);
    expect(new Blocks().allocate()).toHaveLength(BLOCK_LENGTH);
  });

  function refuse(): never {
    throw new RangeError('refused');
  }

  test('one who needs more than will be let go of is given no more blocks', () => {
    const blocks = new Blocks();
    const handedOn: Buffer[] = [];
    for (let block = blocks.allocate(); block !== undefined; block = blocks.allocate()) {
      expect(handedOn).not.toContain(block);
      handedOn.push(block);
      blocks.handOn(block);
      blocks.handOn(block);
    }
    expect(handedOn.length).toBe(16);
    blocks.reclaim();
    expect(handedOn).toContain(blocks.allocate());
  });
});

describe('copies', () => {
  const ordinary = (length: number) => Buffer.alloc(length);
  const pairs: [string, (length: number) => Buffer, (length: number) => Buffer][] = [
    ['within the memory', allocate, allocate],
    ['out of the memory', ordinary, allocate],
    ['into the memory', allocate, ordinary],
    ['beside the memory', ordinary, ordinary],
  ];

  test.each(pairs)('%s: any length, at any place', (name, allocateTo, allocateFrom) => {
    const [to, from] = [allocateTo(2_000), allocateFrom(2_000)];
    expect(memoryOf(to, from) !== undefined).toBe(name === 'within the memory');
    for (let i = 0; i < from.length; i++) from[i] = (i * 31) >> 3;
    const copier = new Copier(to, from);
    for (const copy of [
      (at: number, start: number, length: number) => copier.copy(at, start, length),
      (at: number, start: number, length: number) => copyBytes(to, at, from, start, start + length),
    ]) {
      for (let length = 0; length < 600; length++) {
        to.fill(0xee);
        const [at, start] = [length % 13, length % 7];
        copy(at, start, length);
        const expected = Buffer.alloc(to.length, 0xee);
        from.copy(expected, at, start, start + length);
        if (!to.equals(expected)) expect.fail(`${length} bytes from ${start} to ${at}`);
      }
    }
  });

  test.each(pairs)('%s: nothing beyond the two buffers', (_, allocateTo, allocateFrom) => {
    const neighbours = [allocateFrom(64).fill(0x5e)];
    const from = allocateFrom(64).fill(1);
    neighbours.push(allocateFrom(64).fill(0x5e), allocateTo(64).fill(0x5e));
    const to = allocateTo(64).fill(2);
    neighbours.push(allocateTo(64).fill(0x5e));
    const copier = new Copier(to, from);
    for (const [at, start, length] of [
      [0, 1, 64],
      [0, 64, 1],
      [1, 0, 64],
      [64, 0, 1],
      [-1, 0, 2],
      [0, -1, 2],
      [0, 4, -2],
      [0, 0, 2 ** 32],
      [0, 2 ** 32, 4],
      [2 ** 32, 0, 4],
    ] as const) {
      expect(() => copier.copy(at, start, length), `${length} from ${start} to ${at}`).toThrow(RangeError);
    }
    expect(to.every((byte) => byte === 2)).toBe(true);
    for (const bytes of neighbours) expect(bytes.every((byte) => byte === 0x5e)).toBe(true);
  });
});

describe('a reader whose memory is used again', () => {
  test('gives the same frames as any, whatever their length and however they are cut', () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 3_900, max: 70_000 }));
    const cuts = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(length, { maxLength: 12 }), cuts, (lengths, cuts) => {
        const payloads = lengths.map((length, i) => Buffer.alloc(length, i + 1));
        const writer = lengthPrefix().writer();
        const wire = Buffer.concat(
          payloads.map((payload) => {
            const frame = Buffer.alloc(writer.bound(payload.length));
            writer.write(frame, 0, payload, 0, payload.length);
            return frame;
          }),
        );
        // Two that take turns: what one of them holds the other must not be given.
        const readers = [lengthPrefix().reader(), lengthPrefix().reader()] as const;
        const frames: [Buffer[], Buffer[]] = [[], []];
        for (let at = 0, i = 0; at < wire.length; i++) {
          const end = at + cuts[i % cuts.length]!;
          for (const side of [0, 1] as const) {
            readers[side].push(Buffer.from(wire.subarray(at, end)));
            for (let frame = readers[side].next(); frame !== undefined; frame = readers[side].next()) {
              frames[side].push(Buffer.from(frame));
            }
            readers[side].reclaim!();
          }
          at = end;
        }
        for (const side of frames) {
          expect(side.length).toBe(payloads.length);
          for (const [i, frame] of side.entries()) expect(frame.equals(payloads[i]!)).toBe(true);
        }
      }),
    );
  });

  test('leaves what it gave alone until then', () => {
    const reader = lengthPrefix().reader();
    reader.reclaim!();
    const frames: Buffer[] = [];
    for (let i = 0; i < 40; i++) {
      const wire = Buffer.alloc(4 + 50_000, i);
      wire.writeUInt32LE(50_000);
      for (const half of [wire.subarray(0, 25_000), wire.subarray(25_000)]) {
        reader.push(half);
        const frame = reader.next();
        if (frame !== undefined) frames.push(frame);
      }
    }
    expect(frames.length).toBe(40);
    for (const [i, frame] of frames.entries()) expect(frame.equals(Buffer.alloc(50_000, i))).toBe(true);
    expect(BLOCK_LENGTH).toBeGreaterThan(50_004);
  });
});
