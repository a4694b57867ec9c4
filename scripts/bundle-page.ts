import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { licencesOf } from './licences.ts';

const root = path.resolve(import.meta.dirname, '..');
const page = path.join(root, 'src/tools/view/page');

/**
 * Bundle the viewer's page into dist/tools/view/page.html, with script and style inline; only these are allowed, by
 * their hashes. A comment has the licences of the bundled packages.
 */
export async function bundlePage(): Promise<void> {
  const { outputFiles, metafile } = await build({
    entryPoints: [path.join(page, 'main.tsx'), path.join(page, 'style.css')],
    outdir: 'page',
    write: false,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    metafile: true,
  });
  const built = (ending: string): string =>
    outputFiles.find((file) => file.path.endsWith(ending))!.text.trim();
  const script = built('main.js');
  const style = built('style.css');
  // Either would end its element early.
  if (script.includes('</script') || style.includes('</style')) throw new Error('the page ends itself');

  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
  const html = readFileSync(path.join(page, 'page.html'), 'utf8')
    .replace('POLICY', () => policy)
    .replace('/* style */', () => style)
    .replace('/* script */', () => script)
    .replace('</html>', () => `<!--\n${licencesOf(metafile)}-->\n</html>`);
  mkdirSync(path.join(root, 'dist/tools/view'), { recursive: true });
  writeFileSync(path.join(root, 'dist/tools/view/page.html'), html);
}
