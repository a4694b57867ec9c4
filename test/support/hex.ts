/**
 * Bytes written as text, a field a line: `hex('00 13  # length 19', '04  # type KEEPALIVE')`. What stands behind `#` is
 * comment, what stands in quotes is ASCII.
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
