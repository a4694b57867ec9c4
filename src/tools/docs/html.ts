import { createHash } from 'node:crypto';
import type { Block, Text } from './block.ts';
import { drawPacket } from './draw-packet.ts';
import { drawStates } from './draw-states.ts';
import { element, escapeText } from './element.ts';

/**
 * The page as one self-contained HTML file: no script, no request. Pictures are drawn here, since Mermaid would be a script of
 * several megabytes. The page's Content-Security-Policy allows only its own style, by hash.
 */
export function toHtmlPage(title: string, blocks: readonly Block[]): string {
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const contents = blocks.flatMap((block, index) =>
    block.is === 'heading' && (block.level === 2 || block.level === 3) ? [{ ...block, index }] : [],
  );
  const links = contents.map(({ text, level, index }) =>
    element('li', { class: `level${level}` }, element('a', { href: `#s${index}` }, inline(text))),
  );
  const [first, ...others] = blocks.map(blockHtml);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${first}
<nav aria-label="contents"><ul>${links.join('')}</ul></nav>
${others.join('\n')}
</main>
</body>
</html>
`;
}

function blockHtml(block: Block, index: number): string {
  switch (block.is) {
    case 'heading':
      return element(`h${block.level}`, { id: `s${index}` }, inline(block.text));
    case 'text':
      return element('p', {}, inline(block.text));
    case 'list':
      return element('ul', {}, block.items.map((item) => element('li', {}, inline(item))).join(''));
    case 'table': {
      const head = block.head.map((text) => element('th', {}, escapeText(text))).join('');
      const rows = block.rows.map((row) =>
        element('tr', {}, row.map((cell) => element('td', {}, inline(cell))).join('')),
      );
      const table = element('table', {}, `<thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody>`);
      return element('div', { class: 'wide' }, table);
    }
    case 'code':
      return element('pre', {}, escapeText(block.text));
    case 'packet':
      return drawPacket(block.cells);
    case 'states':
      return drawStates(block);
  }
}

function inline(text: Text): string {
  return text
    .map((part) => (typeof part === 'string' ? escapeText(part) : element('code', {}, escapeText(part.code))))
    .join('');
}

const STYLE = `
:root { color-scheme: light dark; --line: #8a8f98; --box: #eef1f5; --ink: #1b1f24; --paper: #ffffff; --soft: #59616b; }
@media (prefers-color-scheme: dark) { :root { --line: #6b7280; --box: #23272e; --ink: #e6e8eb; --paper: #14171a; --soft: #9aa2ad; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
code, pre { font: 0.9em/1.45 ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--box); padding: 0.75rem; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: 0.25rem 0.5rem; text-align: left; vertical-align: top; }
.wide { overflow-x: auto; }
nav ul { list-style: none; padding: 0; columns: 3 14rem; }
nav .level3 { padding-left: 1rem; }
svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px ui-monospace, monospace; }
svg .bit { fill: var(--soft); font-size: 10px; }
svg .box { fill: var(--box); stroke: var(--line); }
svg .open { stroke-dasharray: 4 3; }
svg .line { fill: none; stroke: var(--line); }
svg .head { fill: var(--line); }
svg .name { font-weight: bold; }
`;
