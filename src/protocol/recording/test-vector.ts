/** A field of a vector: its path, the byte it begins at, the byte behind its last, and its value in a few words. */
export type VectorField = readonly [path: string, start: number, end: number, value: string];

/**
 * Literal bytes as TypeScript, a line and a comment for each field. Whatever the values are, a comment stays a comment on its line.
 *
 *     Buffer.from(
 *       [
 *         '01', // type: 1
 *         '0a000000', // x: 10
 *       ].join(''),
 *       'hex',
 *     )
 *
 * @param hex - the bytes, two digits each
 * @param fields - in the order of their bytes, none inside another
 * @param indent - what stands before each line but the first
 */
export function testVector(hex: string, fields: readonly VectorField[], indent = ''): string {
  const pieces: { hex: string; comments: string[] }[] = [];
  let at = 0;
  const add = (end: number, comments: string[]): void => {
    if (end > at) pieces.push({ hex: hex.slice(2 * at, 2 * end), comments });
    // Several fields in the bits of one byte.
    else pieces.at(-1)?.comments.push(...comments);
    at = Math.max(at, end);
  };
  for (const [path, start, end, value] of fields) {
    if (start > at) add(start, []);
    if (end > start) add(end, [`${path}: ${value}`.replace(/[^\x20-\x7e]/gu, escaped)]);
  }
  if (hex.length > 2 * at) add(hex.length / 2, []);
  const lines = pieces.map((piece) => {
    const comment = piece.comments.length === 0 ? '' : ` // ${piece.comments.join(', ')}`;
    return `    '${piece.hex}',${comment}`;
  });
  return ['Buffer.from(', '  [', ...lines, "  ].join(''),", "  'hex',", ')'].join(`\n${indent}`);
}

/** A line end or a mark of direction must not end the comment, nor turn it. */
function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
