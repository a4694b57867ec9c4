/** Every relative link of the pages leads to a file that is there, and its anchor to a heading of that file. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');
const files = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' }).split('\0');
const pages = files.filter(
  (file) => /^[^/]+\.md$|^docs\/|^examples\//.test(file) && existsSync(path.join(root, file)),
);

/** A page without its code, in which a bracket is not a link. */
function proseOf(text: string): string {
  return text
    .replace(/^(\s*)(```+)[^\n]*\n[\s\S]*?^\1\2$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
}

/** The anchors of the headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const prose = proseOf(readFileSync(path.join(root, page), 'utf8'));
  const anchors = new Set<string>();
  for (const [, heading] of prose.matchAll(/^#{1,6} +(.*)$/gm)) {
    const text = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/ /g, '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** The links in the text of a page that lead to nothing. */
function brokenLinks(page: string, text: string): string[] {
  const links = [...proseOf(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link]) => link!);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : path.join(path.dirname(page), decodeURI(file));
    if (!existsSync(path.join(root, target))) return true;
    return anchor !== undefined && (!target.endsWith('.md') || !anchorsOf(target).has(anchor));
  });
}

test('the pages are found', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/errors.md']));
});

test.each(pages)('each link of %s leads somewhere', (page) => {
  expect(brokenLinks(page, readFileSync(path.join(root, page), 'utf8'))).toEqual([]);
});

test('a link to a file or a heading that is not there is found', () => {
  const text = `[a](errors.md#err_frame_too_long) [b](https://example.com/x) \`[c](no-code.md)\`
[d](no-such-page.md) [e](errors.md#err_no_such) [f](#no-such-heading) [g](../src/index.ts#no-heading)`;
  expect(brokenLinks('docs/fields.md', text)).toEqual([
    'no-such-page.md',
    'errors.md#err_no_such',
    '#no-such-heading',
    '../src/index.ts#no-heading',
  ]);
});
