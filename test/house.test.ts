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

/** What each room of `src` may import, beside itself. A room is the deepest folder listed here. */
const MAY_IMPORT: Record<string, string[]> = {
  errors: ['bytes'],
  bytes: [],
  options: ['bytes'],
  'protocol/framing': ['errors', 'options', 'bytes'],
  'protocol/fields': ['errors', 'options', 'bytes', 'protocol/codec'],
  'protocol/session': ['errors', 'options', 'bytes', 'protocol/codec'],
  protocol: ['errors', 'options', 'bytes', 'protocol/framing', 'protocol/fields', 'protocol/session'],
  streams: ['errors', 'options', 'bytes', 'protocol'],
  net: ['errors', 'options', 'bytes', 'protocol', 'streams'],
  captures: ['errors', 'options', 'bytes', 'protocol', 'streams'],
  testing: ['errors', 'options', 'bytes', 'protocol', 'streams'],
  tools: ['errors', 'options', 'bytes', 'protocol'],
  drone: ['errors', 'options', 'bytes', 'protocol'],
  cli: ['errors', 'options', 'bytes', 'protocol', 'streams', 'net', 'captures', 'testing', 'tools', 'drone'],
};

function imports(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)';/gm)].map((match) => match[1]!);
}

/** The rooms that a file is in, from the inside out: `protocol/framing`, then `protocol`; a file at the top is a room. */
function rooms(file: string): string[] {
  const parts = path.posix.relative('src', file).replace(/\.ts$/, '').split('/');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

test('imports point down', () => {
  const wrong: string[] = [];
  for (const file of files('src')) {
    const from = rooms(file).find((room) => room in MAY_IMPORT);
    if (from === undefined) continue;
    for (const target of imports(file).filter((target) => target.startsWith('.'))) {
      const to = rooms(path.posix.join(path.posix.dirname(file), target));
      const inside = to.find((room) => room in MAY_IMPORT) === from;
      if (!inside && !to.some((room) => MAY_IMPORT[from]?.includes(room))) {
        wrong.push(`${file} imports ${target}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('the index alone stands outside the rooms', () => {
  const outside = files('src').filter((file) => !rooms(file).some((room) => room in MAY_IMPORT));
  expect(outside).toEqual(['src/index.ts']);
});

test('the pure core imports nothing but itself', () => {
  const core = [...files('src/bytes'), ...files('src/protocol'), 'src/errors.ts'];
  const outside = core.flatMap((file) => imports(file).filter((target) => !target.startsWith('.')));
  expect(outside).toEqual([]);
  for (const file of core) {
    expect(read(file), file).not.toMatch(
      /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now)\b/,
    );
  }
});

test('stages do not import each other', () => {
  const shared = ['./stage.ts'];
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
