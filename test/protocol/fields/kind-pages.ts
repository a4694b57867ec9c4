import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type KindVectors, VECTORS } from './vectors.ts';

const MARKER = '<!-- kinds: made by test/protocol/fields/kind-pages.ts -->\n';

/** The part of `docs/fields.md` that shows each kind of field. */
export function kindPages(): string {
  return `\n${VECTORS.map(pageOf).join('\n')}`;
}

function pageOf({ kind, about, type, limits, good, badBytes, badValues }: KindVectors): string {
  const bad = [...badBytes, ...badValues];
  const codes = [...new Set(bad.map(([, , code]) => code))];
  return [
    `### ${kind}`,
    '',
    about,
    '',
    `- **type** ${type}`,
    `- **limits** ${limits}`,
    `- **errors** ${codes.map((code) => `[\`${code}\`](errors.md#${code.toLowerCase()})`).join(', ') || 'none of its own'}`,
    '',
    '| declaration | value | bytes |',
    '| --- | --- | --- |',
    ...good.map((cells) => row(cells)),
    '',
    ...(bad.length === 0
      ? []
      : [
          '| declaration | refused | with |',
          '| --- | --- | --- |',
          ...bad.map(([declaration, given, code]) => row([declaration, given, code])),
          '',
        ]),
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => `\`${cell === '' ? ' ' : cell.replaceAll('|', '\\|')}\``).join(' | ')} |`;
}

/** `tsx test/protocol/fields/kind-pages.ts` writes it. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = path.resolve(import.meta.dirname, '../../../docs/fields.md');
  const [guide] = readFileSync(file, 'utf8').split(MARKER);
  writeFileSync(file, `${guide}${MARKER}${kindPages()}`);
}
