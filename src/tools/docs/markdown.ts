import { safeText } from '../../bytes/show.ts';
import type { Block, Code, Text } from './block.ts';
import { toAsciiPacket, toMermaidPacket } from './packet.ts';

/** The page as GitHub Markdown. Pictures are Mermaid; with `rfc`, byte diagrams are drawn in characters. */
export function toMarkdownPage(blocks: readonly Block[], style: { readonly rfc: boolean }): string {
  return `${blocks.map((block) => blockText(block, style.rfc)).join('\n\n')}\n`;
}

function blockText(block: Block, rfc: boolean): string {
  switch (block.is) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${inline(block.text)}`;
    case 'text':
      return inline(block.text);
    case 'list':
      return block.items.map((item) => `- ${inline(item)}`).join('\n');
    case 'table':
      return [
        `| ${block.head.join(' | ')} |`,
        `| ${block.head.map(() => '---').join(' | ')} |`,
        ...block.rows.map(
          (row) => `| ${row.map((cell) => inline(cell).replaceAll('|', '\\|')).join(' | ')} |`,
        ),
      ].join('\n');
    case 'code':
      return fenced('text', block.text);
    case 'packet': {
      const { text, legend } = rfc ? toAsciiPacket(block.cells) : toMermaidPacket(block.cells);
      const keys = legend.map(([key, label]): Text => [{ code: key }, ' is ', { code: label }]);
      const picture = fenced(rfc ? 'text' : 'mermaid', text);
      return keys.length === 0
        ? picture
        : `${picture}\n\n${keys.map((key) => `- ${inline(key)}`).join('\n')}`;
    }
    case 'states':
      return fenced('mermaid', block.mermaid.trimEnd().split('\n').map(safeText).join('\n'));
  }
}

function inline(text: Text): string {
  return text.map((part) => (typeof part === 'string' ? plain(part) : span(part))).join('');
}

function plain(text: string): string {
  return text.replace(/[\\`*<[\]]/g, '\\$&');
}

/** Code between backticks; more backticks than the code contains in a row. */
function span({ code }: Code): string {
  if (code.trim() === '') return code === '' ? '(empty)' : `\` ${code} \``;
  const fence = '`'.repeat(longestRun(code) + 1);
  const edge = code.startsWith('`') || code.endsWith('`') ? ' ' : '';
  return `${fence}${edge}${code}${edge}${fence}`;
}

function fenced(language: string, text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
