import path from 'node:path';
import { expect, test } from 'vitest';
import { circles, exportsOf, files, importsOf, read, stateOf } from './support/source.ts';

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
  testing: ['errors', 'options', 'bytes', 'protocol', 'streams', 'captures'],
  tools: ['errors', 'options', 'bytes', 'protocol'],
  fleet: ['errors', 'options', 'bytes', 'protocol', 'net'],
  fuzz: ['errors', 'options', 'bytes', 'protocol', 'captures', 'testing', 'tools'],
  drone: ['errors', 'options', 'bytes', 'protocol'],
  cli: [
    'errors',
    'options',
    'bytes',
    'protocol',
    'streams',
    'net',
    'captures',
    'testing',
    'tools',
    'fuzz',
    'drone',
  ],
};

function imports(file: string): string[] {
  return importsOf(read(file));
}

/** The files of our own that a file imports, types included. */
function dependencies(file: string): string[] {
  const own = imports(file).filter((target) => target.startsWith('.'));
  return own.map((target) => path.posix.join(path.posix.dirname(file), target));
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
    for (const target of dependencies(file)) {
      const to = rooms(target);
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

test('no circle of files, type imports counted', () => {
  const graph = new Map(files('src').map((file) => [file, dependencies(file)]));
  expect(circles(graph)).toEqual([]);
});

test('the engine of the fields imports no kind of field', () => {
  const kinds = files('src/protocol/fields/engine').flatMap((file) =>
    dependencies(file).filter((target) => target.startsWith('src/protocol/fields/kinds/')),
  );
  expect(kinds).toEqual([]);
});

/** What outlives a call without belonging to an object, and why it must. */
const STATE: Record<string, Record<string, string>> = {
  'src/bytes/accumulator.ts': {
    pool: 'memory that short rooms are cut from, as Buffer.allocUnsafe does it',
    poolUsed: 'as pool',
  },
  'src/bytes/checksum.ts': {
    made: 'tables of 256 entries, made when a sum is first asked for; never changed',
  },
  'src/bytes/copy.ts': {
    seen: 'consecutive copies share their buffers: the views of the last two are kept',
    copier: 'as seen',
  },
  'src/bytes/utf8.ts': {
    narrow: 'the characters of one short text, while it is read: each call writes before it reads',
    isWide: 'a guess which of two ways reads the next text faster; both give the same text',
  },
  'src/bytes/trust.ts': { trusted: 'classes that keep no views, weakly' },
  'src/net/lent-reads.ts': {
    busy: 'a bound on all sockets that read into memory of their own',
    lent: 'what belongs to a socket, weakly',
  },
  'src/protocol/direction.ts': { known: 'the prefaces of a protocol as bytes, weakly' },
  'src/protocol/fields/engine/problem.ts': {
    places: 'where the byte lies that an error is about, weakly',
    gotTexts: 'what an error says that it got, weakly',
  },
  'src/protocol/fields/kinds/custom.ts': {
    declarations: 'fields that a cursor has read or written, judged once; weakly',
  },
  'src/protocol/fields/kinds/float.ts': {
    SINGLE: 'eight bytes through which generated code turns a float into bytes',
    SINGLE_BYTES: 'as SINGLE',
    DOUBLE: 'as SINGLE',
    DOUBLE_BYTES: 'as SINGLE',
  },
  'src/protocol/fields/messages.ts': {
    pool: 'memory that short messages are cut from, as Buffer.allocUnsafe does it',
    poolUsed: 'as pool',
  },
  'src/protocol/framing/length-prefix-reader.ts': {
    locations: 'offsets of the frames of a batch, copied before anyone else can run',
  },
  'src/protocol/packer.ts': {
    slab: 'memory that short outputs are cut from',
    slabAt: 'as slab',
    free: 'slabs to be used again',
  },
  'src/streams/lease.ts': { isKept: 'set and unset within one call' },
};

test('a module has no state but what is listed with its reason', () => {
  const found = files('src').flatMap((file) => stateOf(read(file)).map((name) => `${file}: ${name}`));
  const listed = Object.entries(STATE).flatMap(([file, names]) =>
    Object.keys(names).map((name) => `${file}: ${name}`),
  );
  expect(found.sort()).toEqual(listed.sort());
});

/** Files of several exports that are named after what these have in common. */
const NAMED_AFTER_A_SUBJECT: Record<string, string> = {
  'src/bytes/integers.ts': 'unsigned integers of fixed width: read, write',
  'src/protocol/framing/violations.ts': 'the errors that several framings make',
  'src/cli/terminal.ts': 'whether stdout takes colours, and what happens when its reader goes away',
  'src/streams/farewell.ts': 'how an output ends before its input: endBehind, Linger',
  'src/streams/lease.ts': 'memory lent for the length of one call: lend, keep',
  'src/protocol/session/breach.ts': "what breaks a session's table, in words",
  'src/protocol/session/picture.ts': 'a session as a picture: Mermaid or Markdown',
};

test('a file is named after what it exports', () => {
  const stems = (name: string): string[] =>
    name
      .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .split(/[-_]/)
      .map((word) => word.slice(0, 5).replace(/s$/, ''));
  const strangers = files('src').filter((file) => {
    const exported = exportsOf(read(file));
    const named = stems(path.posix.basename(file, '.ts'));
    const isNamed = exported.some((name) => stems(name).some((stem) => named.includes(stem)));
    return exported.length > 0 && !isNamed && NAMED_AFTER_A_SUBJECT[file] === undefined;
  });
  expect(strangers).toEqual([]);
});

test('the pure core imports nothing but itself', () => {
  const core = [...files('src/bytes'), ...files('src/protocol'), 'src/errors.ts'];
  const outside = core.flatMap((file) =>
    imports(file)
      .filter((target) => !target.startsWith('.'))
      .map((target) => `${file} ${target}`),
  );
  // Memory that many share must not be transferred to another thread.
  expect(outside).toEqual(['src/bytes/shared-memory.ts node:worker_threads']);
  for (const file of core) {
    expect(read(file), file).not.toMatch(
      /\b(setTimeout|setInterval|setImmediate|Date\.now|performance\.now)\b/,
    );
  }
});

test('stages do not import each other', () => {
  const shared = [
    './stage.ts',
    './lease.ts',
    './deadlines.ts',
    './farewell.ts',
    './named-timers.ts',
    './steering.ts',
    './upgrade-host.ts',
    './timer.ts',
    './frame-stream.ts',
    './incoming-frame.ts',
    './outgoing-frame.ts',
  ];
  // What a stage is made of.
  const base = ['stage', 'outlet', 'farewell', 'lease', 'deadlines', 'timer', 'steering'].map(
    (name) => `src/streams/${name}.ts`,
  );
  const allowed: Record<string, string[]> = {
    'src/streams/length-prefix-decoder.ts': ['./frame-decoder.ts'],
    'src/streams/length-prefix-encoder.ts': ['./frame-encoder.ts'],
  };
  for (const file of files('src/streams').filter((file) => !base.includes(file))) {
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

test('every package that a file imports by name is declared', () => {
  const { devDependencies } = JSON.parse(read('package.json'));
  const undeclared = ['src', 'test', 'bench', 'scripts', 'examples']
    .flatMap((folder) => files(folder, /\.(ts|mjs)$/))
    .flatMap((file) => {
      const named = read(file).matchAll(/^(?:import|export|\}) (?:.* from )?'((?!node:)[@\w][^']*)'/gm);
      const packages = [...named].map(([, name]) => /^(@[^/]+\/)?[^/]+/.exec(name!)![0]);
      return packages.filter((name) => name !== 'wirepipe' && !(name in devDependencies));
    });
  expect([...new Set(undeclared)]).toEqual([]);
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

test('ARCHITECTURE.md leads to the lines that it names, and names every room', () => {
  const map = read('ARCHITECTURE.md');
  const rows = [...map.matchAll(/^\| .* \| `(src\/[\w./-]+)` \| `([^`]+)` \|$/gm)];
  expect(rows.length).toBeGreaterThan(5);
  for (const [, file, words] of rows) expect(read(file!), file).toContain(words!);
  const folders = new Set(
    files('src').map((file) => path.posix.dirname(file).split('/').slice(0, 3).join('/')),
  );
  const isRoom = (folder: string): boolean => path.posix.relative('src', folder) in MAY_IMPORT;
  expect([...folders].filter((folder) => isRoom(folder) && !map.includes(`\`${folder}\``))).toEqual([]);
});

test('only the command line prints', () => {
  const printing = files('src').filter((file) => {
    const code = read(file).replace(/^\s*(\/\/|\*|\/\*\*).*$/gm, '');
    return !file.startsWith('src/cli/') && /\bconsole\.|process\.std(out|err)/.test(code);
  });
  expect(printing).toEqual([]);
});

test('docs/security.md names tests that are there', () => {
  const named = [...read('docs/security.md').matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)];
  expect(named.length).toBeGreaterThan(20);
  const missing = named.filter(([, file, name]) => !read(file!).includes(name!));
  expect(missing.map(([text]) => text)).toEqual([]);
});
