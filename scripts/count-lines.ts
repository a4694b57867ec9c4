/**
 * `npx tsx scripts/count-lines.ts FILE…`: counts the lines of code per file and in total, without blank lines and
 * comments. The line counts in docs/mqtt.md and docs/postgres.md are made with it.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

/** The lines with something besides a comment. */
export function codeLines(text: string): number {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, text);
  const source = ts.createSourceFile('', text, ts.ScriptTarget.Latest);
  const lines = new Set<number>();
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan()) {
    const { line: first } = source.getLineAndCharacterOfPosition(scanner.getTokenStart());
    const { line: last } = source.getLineAndCharacterOfPosition(scanner.getTokenEnd());
    for (let line = first; line <= last; line++) lines.add(line);
  }
  return lines.size;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  let sum = 0;
  for (const file of process.argv.slice(2)) {
    const count = codeLines(readFileSync(file, 'utf8'));
    sum += count;
    console.log(`${String(count).padStart(6)} ${file}`);
  }
  console.log(`${String(sum).padStart(6)} together`);
}
