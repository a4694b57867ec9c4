/**
 * `npx tsx scripts/count-lines.ts FILE…`: lines of code of each file and of all, without blank lines and comments. This is how the
 * declarations and session tables of `examples/mqtt` and `examples/postgres` are counted.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

/** The lines that have something on them besides a comment. */
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
