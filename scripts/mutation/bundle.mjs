// Bundles the tests whose paths begin with one of TESTS, and the sources that they import, into one script.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

// These tests run other programs, read the mutated sources, or count work over megabytes.
const LEFT_OUT = /^test\/((examples|house|readme|docs)|protocol\/framing\/limits)\.test\.ts$/;

/** A script that evaluates to `{ collect, files }`; `files` has a function for each test file that loads it. */
export async function bundle(root, starts) {
  const tests = readdirSync(path.join(root, 'test'), { recursive: true })
    .map((file) => `test/${file}`)
    .filter((file) => file.endsWith('.test.ts') && !LEFT_OUT.test(file))
    .filter((file) => starts.some((start) => file.startsWith(start)))
    .sort();
  const loads = tests.map((file) => `${JSON.stringify(file)}: () => require('./${file}')`);
  const { outputFiles } = await build({
    stdin: {
      contents: `export { collect } from 'vitest';\nexport const files = { ${loads.join(', ')} };`,
      resolveDir: root,
    },
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    // package.json says that modules have no side effects, but tests have.
    ignoreAnnotations: true,
    plugins: [{ name: 'tests', setup: (build) => replace(build) }],
  });
  return outputFiles[0].text;
}

function replace({ onResolve, onLoad }) {
  const beside = (name) => ({ path: path.join(import.meta.dirname, name) });
  onResolve({ filter: /^vitest$/ }, () => beside('vitest-in-process.mjs'));
  onResolve({ filter: /^fast-check$/ }, ({ importer }) =>
    importer.endsWith('few-draws.mjs') ? { external: true } : beside('few-draws.mjs'),
  );
  // A script has no `import.meta`.
  onLoad({ filter: /\.ts$/ }, ({ path: file }) => ({
    loader: 'ts',
    contents: readFileSync(file, 'utf8')
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
      .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file))),
  }));
}
