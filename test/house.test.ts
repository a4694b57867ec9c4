import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

function files(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file));
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

/** What each folder of `src` may import, beside itself; `errors` stands for the file of that name. */
const MAY_IMPORT: Record<string, string[]> = {
  errors: [],
  protocol: ['errors'],
  streams: ['protocol', 'errors'],
  net: ['streams', 'protocol', 'errors'],
  captures: ['streams', 'protocol', 'errors'],
  testing: ['streams', 'protocol', 'errors'],
  drone: ['streams', 'protocol', 'errors'],
  cli: ['net', 'captures', 'drone', 'streams', 'protocol', 'errors'],
};

function imports(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)';/gm)].map((match) => match[1]!);
}

function room(file: string): string {
  const inside = path.posix.relative('src', file);
  return inside.includes('/') ? inside.split('/')[0]! : inside.replace('.ts', '');
}

test('imports point down', () => {
  const wrong: string[] = [];
  for (const file of files('src')) {
    const from = room(file);
    if (from === 'index') continue;
    for (const target of imports(file)) {
      if (!target.startsWith('.')) continue;
      const to = room(path.posix.join(path.posix.dirname(file), target));
      if (to !== from && !MAY_IMPORT[from]?.includes(to)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the pure core imports nothing but itself', () => {
  const outside = files('src/protocol').flatMap((file) =>
    imports(file).filter((target) => !target.startsWith('.')),
  );
  expect(outside).toEqual([]);
  for (const file of files('src/protocol')) {
    expect(read(file), file).not.toMatch(
      /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now)\b/,
    );
  }
});

test('stages do not import each other', () => {
  const shared = ['./stage.ts', './output.ts'];
  const allowed: Record<string, string[]> = {
    'src/streams/length-prefix-decoder.ts': ['./frame-decoder.ts'],
    'src/streams/length-prefix-encoder.ts': ['./frame-encoder.ts'],
  };
  for (const file of files('src/streams')) {
    const siblings = imports(file).filter((target) => target.startsWith('./') && !shared.includes(target));
    expect(siblings, file).toEqual(allowed[file] ?? []);
  }
});

test('nobody imports the index, and examples import the package by name', () => {
  for (const file of files('src')) {
    expect(
      imports(file).filter((target) => target.endsWith('/index.ts')),
      file,
    ).toEqual([]);
  }
  for (const file of files('examples')) {
    expect(
      imports(file).filter((target) => target.includes('../src') || target.includes('dist/')),
      file,
    ).toEqual([]);
  }
});

test('the package has no runtime dependency, and pins what it is built with', () => {
  const manifest = JSON.parse(read('package.json'));
  expect(manifest.dependencies).toBeUndefined();
  for (const [name, version] of Object.entries(manifest.devDependencies)) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
  }
});

test('every code has its heading in docs/errors.md, and a test that reaches it', () => {
  const codes = [...read('src/errors.ts').matchAll(/'(ERR_[A-Z0-9_]+)'/g)].map((match) => match[1]!);
  const unique = [...new Set(codes)];
  const headings = [...read('docs/errors.md').matchAll(/^## (ERR_\w+)$/gm)].map((match) => match[1]!);
  expect(headings.sort()).toEqual(unique.sort());
  const tests = files('test')
    .filter((file) => !file.endsWith('house.test.ts'))
    .map(read)
    .join('\n');
  expect(unique.filter((code) => !tests.includes(code))).toEqual([]);
});
