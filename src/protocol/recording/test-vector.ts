/** A field of a vector: its path, its start and end offsets, and its value in a few words. */
export type VectorField = readonly [path: string, start: number, end: number, value: string];

/**
 * Literal bytes as TypeScript, with a line and a comment for each field. No value can end its comment.
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
 * @param indent - the indentation of each line except the first
 */
export function testVector(hex: string, fields: readonly VectorField[], indent = ''): string {
  const pieces: { hex: string; comments: string[] }[] = [];
  let at = 0;
  const add = (end: number, comments: string[]): void => {
    if (end > at) pieces.push({ hex: hex.slice(2 * at, 2 * end), comments });
    // Several fields share the bits of one byte.
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

/** A line end must not end the comment, and a direction mark must not reorder it. */
function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
