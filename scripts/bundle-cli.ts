/**
 * Bundle the command line into dist/cli/main.js: its own files and the packages they import, with their licences beside
 * it. The library is not bundled but imported from dist, so that a protocol's module and the command line share one
 * copy. The page of `view` is bundled too.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { bundlePage } from './bundle-page.ts';
import { licencesOf } from './licences.ts';

const root = path.resolve(import.meta.dirname, '..');
const cli = path.join(root, 'src/cli');
const out = path.join(root, 'dist/cli');

/** A library file that imports a package: it is bundled with the command line, and loaded on demand. */
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
  // CommonJS packages load Node's modules with `require`.
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
