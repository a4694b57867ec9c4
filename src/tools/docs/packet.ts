import type { Cell } from './block.ts';

/** Bits in a row of a byte diagram, as RFCs draw them. */
export const ROW = 32;

/** The most bits of one field that are drawn. */
const MOST = 4 * ROW;

/** A field as it is drawn, in bits from the first. A field without a fixed size, or a very long one, is drawn to the end of its row. */
export interface Placed {
  readonly label: string;
  readonly start: number;
  readonly end: number;
  /** True if it is not drawn to scale. */
  readonly open: boolean;
}

/** The place of each field in a diagram. */
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

/** The bits to the end of the row, or to the end of the next row if hardly any are left. */
function openBits(at: number): number {
  const left = ROW - (at % ROW);
  return left < ROW / 2 ? left + ROW : left;
}

/** The texts in the cells, and the meaning of the short names among them. */
export interface Labelled {
  readonly cells: readonly Placed[];
  readonly legend: readonly (readonly [key: string, label: string])[];
}

/** Short names for fields whose names are too long for their cells. */
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

/** The parts of a cell, one for each row that it crosses. */
export function rowsOf({ start, end }: Pick<Placed, 'start' | 'end'>): [start: number, end: number][] {
  const rows: [number, number][] = [];
  for (let at = start; at < end; ) {
    const to = Math.min(end, (Math.floor(at / ROW) + 1) * ROW);
    rows.push([at, to]);
    at = to;
  }
  return rows;
}

/** A Mermaid `packet` diagram. Bits are numbered if all sizes are fixed. */
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

/** A name without the characters that Mermaid reads as syntax. */
function mermaidText(label: string): string {
  return label.replace(/["\\<>&#;%{}`$]/g, '·');
}

/**
 * The same in characters, as in RFCs: a bit takes two columns.
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

/** Whether the name belongs in that part of the cell: the longest part, or the first of several equal ones. */
export function labelled(cell: Placed, index: number): boolean {
  const widths = rowsOf(cell).map(([start, end]) => end - start);
  return widths.indexOf(Math.max(...widths)) === index;
}

/** The line above a row; empty where a field continues from the row before. */
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
