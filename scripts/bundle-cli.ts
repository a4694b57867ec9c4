/**
 * Bundle the command line into dist/cli/main.js: its own files and the packages they import, whose licences go beside it. The
 * library stays outside, as imports of dist: a protocol's module and the command line then share one copy of it.
 * The page that `view` gives is bundled with it.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { bundlePage } from './bundle-page.ts';
import { licencesOf } from './licences.ts';

const root = path.resolve(import.meta.dirname, '..');
const cli = path.join(root, 'src/cli');
const out = path.join(root, 'dist/cli');

/** A file of the library that brings a package along: it is bundled with the command line, and loaded when it is needed. */
const bundled = path.join(root, 'src/fuzz/good-messages.ts');

rmSync(out, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [path.join(cli, 'main.ts')],
  outfile: path.join(out, 'main.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  metafile: true,
  // Packages of CommonJS ask for Node's modules by `require`.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
  },
  plugins: [
    {
      name: 'library',
      setup({ onResolve }) {
        onResolve({ filter: /^\.\.?\// }, ({ path: target, resolveDir }) => {
          const file = path.resolve(resolveDir, target);
          if (file === bundled) return { path: './good-messages.js', external: true };
          if (!resolveDir.startsWith(cli) || file.startsWith(`${cli}${path.sep}`)) return undefined;
          const built = path.relative(cli, file).replaceAll(path.sep, '/').replace(/\.ts$/, '.js');
          return { path: built, external: true };
        });
      },
    },
  ],
});

const { metafile: fastCheck } = await build({
  entryPoints: [bundled],
  outfile: path.join(out, 'good-messages.js'),
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  metafile: true,
});

const inputs = { ...metafile.inputs, ...fastCheck.inputs };
writeFileSync(path.join(out, 'LICENSES.txt'), licencesOf({ ...metafile, inputs }));
await bundlePage();
