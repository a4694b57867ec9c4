import { readFileSync } from 'node:fs';
import type { ViewDocument } from './document.ts';

/**
 * The document as one HTML page that holds all it needs and loads nothing. Its Content-Security-Policy lets only the
 * page's own script and style run, by their hashes; the document is data, whatever it holds. A live one may ask its own server
 * for more, and no other.
 */
export function renderPage(document: ViewDocument): string {
  const page = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
  // `<` could end the element that holds the data; in JSON it may be escaped wherever it stands.
  const data = JSON.stringify(document)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  const allowed =
    document.live === undefined
      ? page
      : page.replace("default-src 'none';", "default-src 'none'; connect-src 'self';");
  return allowed.replace('"document goes here"', () => data);
}
