import { readFileSync } from 'node:fs';
import type { ViewDocument } from './document.ts';

/**
 * The document as one self-contained HTML page. Its Content-Security-Policy allows only the page's own script and style, by hash;
 * the document is only data. A live page may request more from its own server, and from no other.
 */
export function renderPage(document: ViewDocument): string {
  const page = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
  // `<` could end the element that holds the data. JSON allows it to be escaped anywhere.
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
