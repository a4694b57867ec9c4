import { safeText } from '../../bytes/show.ts';

/**
 * A page as data, before it becomes Markdown or HTML. Only `Code` may hold text from a declaration, and a renderer escapes it.
 * All other text is this tool's own.
 */
export type Text = readonly (string | Code)[];
export interface Code {
  readonly code: string;
}

export type Block =
  | { readonly is: 'heading'; readonly level: 1 | 2 | 3 | 4; readonly text: Text }
  | { readonly is: 'text'; readonly text: Text }
  | { readonly is: 'list'; readonly items: readonly Text[] }
  | { readonly is: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly Text[])[] }
  | { readonly is: 'code'; readonly text: string }
  | { readonly is: 'packet'; readonly cells: readonly Cell[] }
  | {
      readonly is: 'states';
      readonly initial: string;
      readonly states: readonly State[];
      readonly mermaid: string;
    };

/** A field in a byte diagram. */
export interface Cell {
  readonly label: string;
  /** Undefined if the size differs from message to message. */
  readonly bits: number | undefined;
}

/** A state in a state diagram, with the arrows that leave it. */
export interface State {
  readonly name: string;
  readonly final: boolean;
  /** An arrow without `to` leads to the end of the connection. */
  readonly arrows: readonly { readonly label: string; readonly to: string | undefined }[];
}

export type Words = string | number | Code | Text;

/**
 * Text with names in it: an interpolated string becomes code.
 *
 * @example say`as many bytes as ${'length'} says`
 */
export function say(parts: TemplateStringsArray, ...values: readonly Words[]): Text {
  const text: (string | Code)[] = [];
  for (const [index, part] of parts.entries()) {
    if (part !== '') text.push(part);
    const value = values[index];
    if (value === undefined) continue;
    if (typeof value === 'string') text.push(code(value));
    else if (typeof value === 'number') text.push(grouped(value));
    else if ('code' in value) text.push(value);
    else text.push(...value);
  }
  return text;
}

/** A name or a value on one line, without characters that a terminal or a page would act on. */
export function code(text: string): Code {
  return { code: safeText(text) };
}

/** Texts one after the other. */
export function join(texts: readonly Text[], between = ' '): Text {
  return texts.flatMap((text, index) => (index === 0 ? text : [between, ...text]));
}

/** Names in a list: `a`, `b` and `c`. */
export function names(all: readonly string[], last = 'and'): Text {
  return all.flatMap((name, index) => {
    if (index === 0) return [code(name)];
    return [index === all.length - 1 ? ` ${last} ` : ', ', code(name)];
  });
}

/** A number with thousands separators: 10,000,000. */
export function grouped(value: number | bigint): string {
  const text = String(value);
  return /^-?\d+$/.test(text) ? text.replace('-', '−').replace(/\B(?=(\d{3})+$)/g, ',') : text;
}

/** `1 byte`, `4 bytes`. */
export function count(value: number, unit: string): string {
  return `${grouped(value)} ${unit}${value === 1 ? '' : 's'}`;
}

/** Bytes in hex, with spaces. */
export function hexOf(bytes: ArrayLike<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

export function heading(level: 1 | 2 | 3 | 4, text: Text): Block {
  return { is: 'heading', level, text };
}

export function paragraph(text: Text): Block {
  return { is: 'text', text };
}
