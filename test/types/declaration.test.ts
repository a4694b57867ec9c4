import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const project = mkdtempSync(path.join(tmpdir(), 'wirepipe-consumer-'));
afterAll(() => rmSync(project, { recursive: true }));

const tsc = (...args: string[]): string => {
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  try {
    return execFileSync(process.execPath, [compiler, ...args], { cwd: project, encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
};

// A link would not do: TypeScript names the types of a linked package by its files.
it('a package that exports what it declares compiles with declaration: true', { timeout: 300_000 }, () => {
  const installed = path.join(project, 'node_modules/wirepipe');
  mkdirSync(installed, { recursive: true });
  cpSync(path.join(root, 'package.json'), path.join(installed, 'package.json'));
  mkdirSync(path.join(project, 'node_modules/@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(project, 'node_modules', name));
  }
  const emit = ['--emitDeclarationOnly', '--outDir', path.join(installed, 'dist')];
  expect(tsc('-p', path.join(root, 'tsconfig.build.json'), ...emit)).toBe('');

  const text = readFileSync(path.join(import.meta.dirname, 'consumer.ts'), 'utf8');
  writeFileSync(path.join(project, 'consumer.ts'), text.replace('../../src/index.ts', 'wirepipe'));
  writeFileSync(path.join(project, 'package.json'), '{"type":"module"}');
  const flags = '--strict --declaration --module nodenext --target es2023 --types node';
  expect(tsc(...flags.split(' '), 'consumer.ts')).toBe('');

  const declared = readFileSync(path.join(project, 'consumer.d.ts'), 'utf8');
  expect(declared).toContain('export declare const clientMessages: w.DeclaredCodec<');
  expect(declared).not.toContain('import("');
  // Messages are plain objects, in declarations as in the compiler's errors.
  expect(declared).not.toMatch(/MessagesOut|MessagesIn|StructOut|StructIn/);
});
