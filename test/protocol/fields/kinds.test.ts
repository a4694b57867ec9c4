import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ProtocolError } from '../../../src/errors.ts';
import { compile } from '../../../src/protocol/fields/engine/compile.ts';
import { decodeByWalking } from '../../../src/protocol/fields/engine/read-walk.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import { encodeByWalking } from '../../../src/protocol/fields/engine/write-walk.ts';
import { kinds } from '../../../src/protocol/fields/kinds.ts';
import { everyNode } from '../../../src/protocol/fields/node.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { hex } from '../../support/hex.ts';
import { files, read } from '../../support/source.ts';
import { kindPages } from './kind-pages.ts';
import { codecFrom, evaluate, VECTORS } from './vectors.ts';

const bytesOf = (text: string): Buffer => hex(text.replaceAll('|', ' '));

function refusal(run: () => unknown): { code: string; message?: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error;
  }
  return { code: 'nothing was refused' };
}

const codeOf = (run: () => unknown): string => refusal(run).code;

test('every kind has vectors, a file, and a place in the list', () => {
  const names = kinds.map(({ name }) => name);
  expect(VECTORS.map(({ kind }) => kind).sort()).toEqual([...names].sort());
  const declared = files('src/protocol/fields/kinds').flatMap((file) =>
    [
      ...read(file).matchAll(
        /^export const [A-Z0-9_]+: Kind<[^\n]*\n\s+(?:\.\.\.[^\n]*\n\s+)?name: '(\w+)'/gm,
      ),
    ].map(([, name]) => name),
  );
  expect(declared.sort()).toEqual([...names].sort());
});

describe.each(VECTORS)('$kind', ({ kind, good, badBytes, badValues }) => {
  it.each(good)('%s: %s is %s', (declaration, code, text) => {
    const codec = codecFrom(declaration);
    const compiled = compile(codec.declaration)!;
    const bytes = bytesOf(text);
    const value = evaluate(code);
    // In the middle of other bytes, which are nobody's business.
    const chunk = Buffer.concat([Buffer.of(0xee, 0xee), bytes, Buffer.of(0xdd)]);
    const end = 2 + bytes.length;
    expect(compiled.decode(chunk, 2, end)).toStrictEqual(value);
    expect(decodeByWalking(codec.declaration, chunk, 2, end)).toStrictEqual(value);
    expect(trace(codec, chunk, 2, end).value).toStrictEqual(value);
    const target = Buffer.alloc(4 + compiled.bound(value), 0xee);
    expect(target.subarray(3, compiled.encode(value, target, 3))).toEqual(bytes);
    expect(target[3 + compiled.bound(value)]).toBe(0xee);
    expect(encodeByWalking(codec.declaration, value)).toEqual(bytes);
    expect(codec.encode(value)).toEqual(bytes);
    const { root } = codec.declaration;
    expect(root.facts.size.min).toBeLessThanOrEqual(bytes.length);
    expect(root.facts.size.max).toBeGreaterThanOrEqual(bytes.length);
    expect(everyNode(root).map((node) => node.kind.name)).toContain(kind);
    for (const node of everyNode(root)) expect(node.kind.shape(node).is).toBeTypeOf('string');
  });

  it.each(good)('%s: %s (%s) cut short anywhere', (declaration, _, text) => {
    const codec = codecFrom(declaration);
    const compiled = compile(codec.declaration)!;
    const bytes = bytesOf(text);
    for (let length = 0; length < bytes.length; length++) {
      const fast = compiled.decode(bytes, 0, length);
      const slow = codeOf(() => decodeByWalking(codec.declaration, bytes, 0, length));
      // Bytes that are cut off behind what takes the rest are missing there.
      if (/rest|keep/.test(declaration)) {
        if (slow !== 'nothing was refused') expect(typeof fast).toBe('symbol');
        else expect(codec.decode(codec.encode(fast))).toEqual(fast);
      } else {
        expect(slow).toMatch(/^ERR_MESSAGE_(SHORT|EMPTY)$/);
        expect(typeof fast).toBe('symbol');
      }
    }
  });

  it.each([...new Set(good.map(([declaration]) => declaration))])('%s: any value', (declaration) => {
    const codec = codecFrom(declaration);
    const custom = { letter: fc.constantFrom('a', 'z') };
    fc.assert(
      fc.property(arbitraryMessage(codec, { custom }), (value) => {
        const bytes = codec.encode(value);
        expect(encodeByWalking(codec.declaration, value)).toEqual(bytes);
        expect(codec.decode(bytes)).toStrictEqual(value);
        expect(decodeByWalking(codec.declaration, bytes, 0, bytes.length)).toStrictEqual(value);
        expect(codec.bound(value)).toBeGreaterThanOrEqual(bytes.length);
      }),
      { numRuns: 30 },
    );
  });

  if (badBytes.length > 0) {
    it.each(badBytes)('%s: the bytes %s are %s', (declaration, given, code, text) => {
      const codec = codecFrom(declaration);
      const bytes = bytesOf(given);
      const error = { code, message: text };
      expect(refusal(() => codec.decode(bytes))).toMatchObject(error);
      expect(refusal(() => decodeByWalking(codec.declaration, bytes, 0, bytes.length))).toMatchObject(error);
      expect(typeof compile(codec.declaration)!.decode(bytes, 0, bytes.length)).toBe('symbol');
      expect(trace(codec, bytes).error).toMatchObject(error);
    });
  }

  if (badValues.length > 0) {
    it.each(badValues)('%s: the value %s is %s', (declaration, value, code, text) => {
      const codec = codecFrom(declaration);
      const error = { code, message: text };
      expect(refusal(() => codec.encode(evaluate(value)))).toMatchObject(error);
      expect(refusal(() => encodeByWalking(codec.declaration, evaluate(value)))).toMatchObject(error);
      const compiled = compile(codec.declaration)!;
      expect(compiled.encode(evaluate(value), Buffer.alloc(1_000), 0)).toBe(-1);
    });
  }
});

test('docs/fields.md shows each kind as it is', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/fields.md'), 'utf8');
  const [, shown] = page.split('<!-- kinds: made by test/protocol/fields/kind-pages.ts -->\n');
  expect(shown).toBe(kindPages());
});
