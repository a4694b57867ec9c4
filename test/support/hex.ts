/**
 * Bytes written as text, one field per line: `hex('00 13  # length 19', '04  # type KEEPALIVE')`. `#` begins a comment;
 * quoted text is ASCII.
 */
export function hex(...lines: string[]): Buffer {
  return Buffer.concat(
    lines.flatMap((line) =>
      [...line.replace(/#.*$/, '').matchAll(/"([^"]*)"|([0-9a-fA-F]+)/g)].map(([, text, digits]) =>
        text !== undefined ? Buffer.from(text) : Buffer.from(digits!, 'hex'),
      ),
    ),
  );
}
