import type { Checksum } from '../../bytes/checksum.ts';
import { safeText } from '../../bytes/show.ts';
import type { AnyNode } from '../../protocol/fields/kind.ts';
import type { Gap } from '../gap.ts';
import { type Cell, code, say, type Text } from './block.ts';
import type { Refusals, Rule } from './refusals.ts';
import type { TypeWords } from './types.ts';

/** The fields of one message, of one case of a choice, or of a structure with a section of its own. */
export interface Sheet {
  readonly title: Text;
  /** The message's name, if it begins at the start of a frame's payload. */
  readonly message: string | undefined;
  readonly cells: Cell[];
  readonly rows: Row[];
  /** Statements about it as a whole. */
  readonly notes: Text[];
  /** The offset of the next field; undefined if it differs from message to message. */
  next: number | undefined;
}

export interface Row {
  /** The offset from the first byte of the sheet; undefined if it differs from message to message. */
  readonly at: number | undefined;
  readonly name: string;
  readonly size: Text;
  readonly type: Text;
  readonly about: readonly Text[];
}

/** What is found in the declaration besides the sheets. */
export interface Findings {
  readonly types: Map<string, Text>;
  readonly sums: Map<string, Checksum>;
  readonly refusals: Refusals;
  readonly gaps: Gap[];
  readonly parameters: ReadonlyMap<string, number>;
}

/** Describes one codec: `sheets` holds what was described, in order. */
export class Describer {
  readonly sheets: Sheet[] = [];
  readonly findings: Findings;
  readonly #side: string;
  /** Structures with a section of their own, by the node. */
  readonly #known: Map<AnyNode, Text> = new Map();
  readonly #waiting: (() => void)[] = [];

  constructor(findings: Findings, side: string) {
    this.findings = findings;
    this.#side = side;
  }

  /** Describe a message: its own sheet, and the sheets of structures that occur in it for the first time. */
  message(title: Text, path: string, fill: (place: Place) => void): void {
    this.#sheet(title, path, fill, true);
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }

  #sheet(title: Text, path: string, fill: (place: Place) => void, isMessage = false): void {
    const sheet: Sheet = {
      title,
      message: isMessage ? path : undefined,
      cells: [],
      rows: [],
      notes: [],
      next: 0,
    };
    this.sheets.push(sheet);
    fill(new Place(this, sheet, path));
  }

  /** The title of a section for a structure that is described once, however often it occurs. */
  section(node: AnyNode, path: string, fill: (place: Place) => void): Text {
    let title = this.#known.get(node);
    if (title === undefined) {
      title = say`The structure ${path}`;
      const own = title;
      this.#known.set(node, own);
      this.#waiting.push(() => this.#sheet(own, path, fill));
    }
    return title;
  }

  gap(path: string, what: string, instead: string): void {
    this.findings.gaps.push({ where: `${this.#side}: ${path}`, what, instead });
  }
}

/** The place of the field under description. */
export class Place {
  readonly out: Describer;
  readonly sheet: Sheet;
  /** The message or structure that contains it, for lists of findings. */
  readonly home: string;
  /** The field's name in its sheet. */
  readonly name: string;
  /** Its conditions. */
  readonly when: readonly Text[];
  /** True if it has no cell of its own in the diagram. */
  readonly hidden: boolean;
  /** What follows it, for which it leaves room. */
  readonly behind: string | undefined;

  constructor(out: Describer, sheet: Sheet, home: string, more: Partial<Place> = {}) {
    this.out = out;
    this.sheet = sheet;
    this.home = home;
    this.name = more.name ?? '';
    this.when = more.when ?? [];
    this.hidden = more.hidden ?? false;
    this.behind = more.behind;
  }

  with(more: Partial<Place>): Place {
    const { name, when, hidden, behind } = this;
    return new Place(this.out, this.sheet, this.home, { name, when, hidden, behind, ...more });
  }

  /** A place inside this one, by name. */
  inside(name: string, more: Partial<Place> = {}): Place {
    return this.with({ name: this.name === '' ? name : `${this.name}.${name}`, ...more });
  }

  get path(): string {
    return this.name === '' ? this.home : `${this.home}.${this.name}`;
  }

  refuse(...rules: Rule[]): void {
    for (const rule of rules) this.out.findings.refusals.add(rule, this.path);
  }

  type({ name, about }: TypeWords): Text {
    this.out.findings.types.set(name, about);
    return [code(name)];
  }

  /** Add a row; `bytes` is undefined if the size is not fixed. */
  row(bytes: number | undefined, size: Text, type: Text, about: readonly Text[]): void {
    const { sheet, when, hidden } = this;
    const at = hidden ? undefined : sheet.next;
    if (!hidden)
      sheet.next = at === undefined || bytes === undefined || when.length > 0 ? undefined : at + bytes;
    const conditions = when.map((one) => say`Only if ${one}.`);
    sheet.rows.push({
      at,
      name: this.name === '' ? 'value' : this.name,
      size,
      type,
      about: [...conditions, ...about],
    });
  }

  /** Add a cell to the byte diagram. */
  draw(label: string, bits: number | undefined): void {
    if (!this.hidden)
      this.sheet.cells.push({
        label: label === '' ? 'value' : safeText(label),
        bits: this.when.length === 0 ? bits : undefined,
      });
  }
}
