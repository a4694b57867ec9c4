import type { Cell } from './block.ts';

/** Bits in a row of a byte diagram, as RFCs draw them. */
export const ROW = 32;

/** The most bits that are drawn of a field. */
const MOST = 4 * ROW;

/** A field where it is drawn, in bits from the first. A field of no fixed size, or a very long one, is drawn as the rest of its row. */
export interface Placed {
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** It is not drawn to scale. */
  readonly open: boolean;
}

/** Where each field of a diagram stands. */
export function place(cells: readonly Cell[]): Placed[] {
  const placed: Placed[] = [];
  let at = 0;
  for (const { label, bits } of cells) {
    if (bits === 0) continue;
    const open = bits === undefined || bits > MOST;
    const start = at;
    at += open ? openBits(at) : bits;
    const size = bits === undefined ? '' : ` (${bits / 8} bytes)`;
    placed.push({ label: open ? `${label}${size}` : label, start, end: at, open });
  }
  return placed;
}

/** To the end of the row, or of the next one where hardly any of it is left. */
function openBits(at: number): number {
  const left = ROW - (at % ROW);
  return left < ROW / 2 ? left + ROW : left;
}

/** What stands in the cells, and what the short names in it mean. */
export interface Labelled {
  readonly cells: readonly Placed[];
  readonly legend: readonly (readonly [key: string, label: string])[];
}

/** Short names for the fields whose names are too long for their cells. */
export function shorten(cells: readonly Placed[], charactersOf: (bits: number) => number): Labelled {
  const legend: [string, string][] = [];
  const shortened = cells.map((cell) => {
    const width = Math.max(...rowsOf(cell).map(([start, end]) => end - start));
    if (cell.label.length <= charactersOf(width)) return cell;
    const key = keyOf(legend.length);
    legend.push([key, cell.label]);
    return { ...cell, label: key };
  });
  return { cells: shortened, legend };
}

/** A, B, … Z, then a, b, … z, then numbers. */
function keyOf(index: number): string {
  if (index < 26) return String.fromCharCode(65 + index);
  return index < 52 ? String.fromCharCode(71 + index) : String(index);
}

/** The parts of a cell, one for each row that it reaches into. */
export function rowsOf({ start, end }: Pick<Placed, 'start' | 'end'>): [start: number, end: number][] {
  const rows: [number, number][] = [];
  for (let at = start; at < end; ) {
    const to = Math.min(end, (Math.floor(at / ROW) + 1) * ROW);
    rows.push([at, to]);
    at = to;
  }
  return rows;
}

/** A `packet` diagram of Mermaid. Bits are numbered where all sizes are fixed. */
export function toMermaidPacket(cells: readonly Cell[]): { text: string; legend: Labelled['legend'] } {
  const { cells: placed, legend } = shorten(place(cells), (bits) => 4 * bits);
  const isOpen = placed.some(({ open }) => open);
  const head = isOpen ? ['---', 'config:', '  packet:', '    showBits: false', '---'] : [];
  const lines = placed.map(({ label, start, end, open }) => {
    const range = end - start === 1 ? String(start) : `${start}-${end - 1}`;
    return `${range}: "${mermaidText(label)}${open ? ' …' : ''}"`;
  });
  return { text: [...head, 'packet', ...lines].join('\n'), legend };
}

/** A name without what Mermaid would read as syntax. */
function mermaidText(label: string): string {
  return label.replace(/["\\<>&#;%{}`$]/g, '·');
}

/**
 * The same in characters, as RFCs have it: a bit takes two columns.
 *
 *     |     Type      |          Length               |
 */
export function toAsciiPacket(cells: readonly Cell[]): { text: string; legend: Labelled['legend'] } {
  const { cells: placed, legend } = shorten(place(cells), (bits) => 2 * bits - 1);
  const total = placed.at(-1)?.end ?? 0;
  const at = (bit: number): Placed | undefined =>
    bit < 0 || bit >= total ? undefined : placed.find(({ start, end }) => bit >= start && bit < end);
  const lines: string[] = [
    ` ${Array.from({ length: ROW }, (_, bit) => (bit % 10 === 0 ? bit / 10 : ' ')).join(' ')}`.trimEnd(),
    ` ${Array.from({ length: ROW }, (_, bit) => bit % 10).join(' ')}`,
  ];
  for (let row = 0; row < total; row += ROW) {
    lines.push(border(row, at));
    let line = '';
    for (const cell of placed) {
      for (const [index, [start, end]] of rowsOf(cell).entries()) {
        if (start < row || start >= row + ROW) continue;
        const edge = cell.open ? '/' : '|';
        const label = labelled(cell, index) ? cell.label : '';
        line += `${edge}${centred(label, 2 * (end - start) - 1)}`;
        if (end === Math.min(total, row + ROW)) line += edge;
      }
    }
    lines.push(line);
  }
  lines.push(border(Math.ceil(total / ROW) * ROW, at));
  return { text: lines.join('\n'), legend };
}

/** Whether the name stands in that part of the cell: the longest one, the first of equals. */
export function labelled(cell: Placed, index: number): boolean {
  const widths = rowsOf(cell).map(([start, end]) => end - start);
  return widths.indexOf(Math.max(...widths)) === index;
}

/** The line above a row; none where a field goes on from the row before. */
function border(row: number, at: (bit: number) => Placed | undefined): string {
  const isLine = (bit: number): boolean => at(bit - ROW) !== at(bit);
  let text = '';
  let last = 0;
  for (let column = 0; column < ROW; column++) {
    const bit = row + column;
    if (at(bit) === undefined && at(bit - ROW) === undefined) break;
    const isCorner = column === 0 || isLine(bit) || isLine(bit - 1);
    text += `${isCorner ? '+' : ' '}${isLine(bit) ? '-' : ' '}`;
    last = bit;
  }
  return `${text}${isLine(last) || (last + 1) % ROW === 0 ? '+' : ''}`;
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - text.length) / 2);
  return `${' '.repeat(left)}${text}${' '.repeat(width - text.length - left)}`;
}
