import type { Cell } from './block.ts';
import { element, escapeText } from './element.ts';
import { labelled, place, ROW, rowsOf, shorten } from './packet.ts';

const BIT = 24;
const HEIGHT = 30;
const TOP = 16;

/** A byte diagram as SVG: rows of 32 bits, as in RFCs. A field that is not drawn to scale has a broken edge. */
export function drawPacket(cells: readonly Cell[]): string {
  const { cells: placed, legend } = shorten(place(cells), (bits) => Math.floor((bits * BIT) / 7.3) - 1);
  const total = placed.at(-1)?.end ?? 0;
  const numbers = Array.from({ length: Math.min(total, ROW) }, (_, bit) =>
    element('text', { class: 'bit', x: bit * BIT + BIT / 2, y: 11, 'text-anchor': 'middle' }, String(bit)),
  );
  const shapes = placed.flatMap((cell) =>
    rowsOf(cell).map(([start, end], index) => {
      const [x, y] = [(start % ROW) * BIT, TOP + Math.floor(start / ROW) * HEIGHT];
      const width = (end - start) * BIT;
      const box = element('rect', {
        class: cell.open ? 'box open' : 'box',
        x: x + 1,
        y,
        width,
        height: HEIGHT,
      });
      if (!labelled(cell, index)) return box;
      const middle = { x: x + 1 + width / 2, y: y + HEIGHT / 2 + 4, 'text-anchor': 'middle' };
      return box + element('text', middle, escapeText(cell.label));
    }),
  );
  const height = TOP + Math.ceil(total / ROW) * HEIGHT + 2;
  const label = `byte diagram: ${placed.map((cell) => cell.label).join(', ')}`;
  const size = { width: ROW * BIT + 2, height, viewBox: `0 0 ${ROW * BIT + 2} ${height}` };
  const svg = element('svg', { ...size, role: 'img', 'aria-label': label }, [...numbers, ...shapes].join(''));
  const keys = legend.map(
    ([key, name]) => `<li><code>${escapeText(key)}</code> is <code>${escapeText(name)}</code></li>`,
  );
  return keys.length === 0 ? svg : `${svg}<ul>${keys.join('')}</ul>`;
}
