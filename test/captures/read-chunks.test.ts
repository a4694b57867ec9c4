import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readChunks, readChunksSync } from '../../src/captures/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'read-chunks-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(bytes: Uint8Array): string {
  const file = path.join(folder, 'file');
  writeFileSync(file, bytes);
  return file;
}

/** More than the longest read, and no multiple of it. */
const BYTES = Buffer.alloc(1_500_001, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));

const readers: Record<string, (file: string, take: (chunk: Buffer) => void) => Promise<void>> = {
  readChunks,
  readChunksSync: async (file, take) => readChunksSync(file, take),
};

describe.each(Object.keys(readers))('%s', (name) => {
  const read = readers[name]!;

  test.each([0, 1, 131_072, BYTES.length])('gives the %i bytes of a file in order', async (length) => {
    const chunks: Buffer[] = [];
    await read(fileOf(BYTES.subarray(0, length)), (chunk) => chunks.push(Buffer.from(chunk)));
    expect(Buffer.concat(chunks).equals(BYTES.subarray(0, length))).toBe(true);
    expect(chunks.every((chunk) => chunk.length > 0)).toBe(true);
  });

  test('says that there is no such file', async () => {
    await expect(read(path.join(folder, 'missing'), () => {})).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('passes on what `take` throws, at once, and closes the file', async () => {
    const file = fileOf(BYTES);
    const open = readdirSync('/dev/fd').length;
    let calls = 0;
    const take = (): never => {
      calls++;
      throw new Error('full');
    };
    await expect(read(file, take)).rejects.toThrow('full');
    expect([calls, readdirSync('/dev/fd').length]).toEqual([1, open]);
  });
});

test('only `readChunks` decompresses', async () => {
  const packed = gzipSync(BYTES);
  const file = fileOf(packed);
  const [unpacked, plain]: Buffer[][] = [[], []];
  await readChunks(file, (chunk) => unpacked!.push(Buffer.from(chunk)));
  readChunksSync(file, (chunk) => plain!.push(Buffer.from(chunk)));
  expect([Buffer.concat(unpacked!).equals(BYTES), Buffer.concat(plain!).equals(packed)]).toEqual([
    true,
    true,
  ]);
});
