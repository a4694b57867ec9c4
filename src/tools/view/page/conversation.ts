import { parseWhere, type Where } from '../../where.ts';
import type { ViewDocument, ViewEvent, ViewMessage, ViewSpan } from '../document.ts';
import { fromDocumentValue } from '../document-value.ts';

/** What is asked of the list of messages. */
export interface Query {
  readonly search: string;
  readonly filter: string;
  readonly hidden: ReadonlySet<string>;
  /** The index of the connection, or undefined for all. */
  readonly connection: number | undefined;
}

/** How many colours the style has: `c0` … */
const COLOURS = 10;

/** The document, with what the page finds out about it once. */
export class Conversation {
  readonly document: ViewDocument;
  readonly types: readonly string[];
  /** Fields in the order in which they are first met, lists without their indices. */
  readonly #fields: ReadonlyMap<string, number>;
  readonly #lines: (string | undefined)[] = [];
  readonly #values: unknown[] = [];

  constructor(document: ViewDocument) {
    this.document = document;
    const firsts = new Map<string, ViewEvent>();
    for (const event of document.events) {
      const kind = kindOf(event);
      if (!firsts.has(kind)) firsts.set(kind, event);
    }
    this.types = [...firsts.keys()].sort();
    const messages = [...firsts.values()].filter((event) => event.is === 'message');
    const paths = messages.flatMap(({ spans }) => spans.map(([path]) => withoutIndices(path)));
    this.#fields = new Map([...new Set(paths)].map((path, place) => [path, place]));
  }

  event(index: number): ViewEvent {
    return this.document.events[index]!;
  }

  /** The class of a field's colour: the same for the field in every message, whatever its place in a list. */
  colour(path: string): string {
    return `c${(this.#fields.get(withoutIndices(path)) ?? 0) % COLOURS}`;
  }

  /** An event in a few words. */
  line(index: number): string {
    this.#lines[index] ??= lineOf(this.event(index));
    return this.#lines[index];
  }

  /** The message as it was decoded; an empty object where it was not. */
  value(index: number): object {
    const event = this.event(index);
    if (event.is === 'message' && event.value !== undefined)
      this.#values[index] ??= fromDocumentValue(event.value);
    return (this.#values[index] as object | undefined) ?? {};
  }

  /** The events that a query lets through, by index. Throws what `parseWhere` throws. */
  select({ search, filter, hidden, connection }: Query): number[] {
    const where: Where | undefined = filter.trim() === '' ? undefined : parseWhere(filter);
    const words = search.trim().toLowerCase();
    const bytes = words.replace(/\s/g, '');
    const found: number[] = [];
    for (const [index, event] of this.document.events.entries()) {
      if (hidden.has(kindOf(event))) continue;
      if (connection !== undefined && event.connection !== connection) continue;
      const isFound =
        words === '' ||
        this.line(index).toLowerCase().includes(words) ||
        (event.is === 'message' && event.bytes.includes(bytes));
      if (!isFound) continue;
      if (where !== undefined && !where(this.value(index), aboutOf(event))) continue;
      found.push(index);
    }
    return found;
  }
}

function withoutIndices(path: string): string {
  return path.replace(/\[\d+\]/g, '[]');
}

/** What `@names` of a filter stand for. */
function aboutOf(event: ViewEvent): object {
  const { connection, from, time } = event;
  return event.is === 'message'
    ? {
        connection,
        from,
        time,
        state: event.state,
        size: event.bytes.length / 2,
        error: event.error?.code,
        breach: event.breach,
      }
    : { connection, from, time, mark: event.is };
}

/** What an event is called in the list of types. */
export function kindOf(event: ViewEvent): string {
  if (event.is !== 'message') return `(${event.is})`;
  return event.type === '' ? '(not decoded)' : event.type;
}

/** The fields that hold no others. */
export function leavesOf({ spans }: ViewMessage): ViewSpan[] {
  return spans.filter(([path], index) => {
    const next = spans[index + 1]?.[0];
    return !(next?.startsWith(`${path}.`) || next?.startsWith(`${path}[`));
  });
}

/** A value of the document in a few words. */
export function valueText(json: unknown): string {
  const value = fromDocumentValue(json);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array)
    return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return typeof value === 'object' && value !== null ? JSON.stringify(json) : String(value);
}

function lineOf(event: ViewEvent): string {
  if (event.is !== 'message') return `${event.is}: ${event.text}`;
  if (event.error !== undefined) return `${event.type} ${event.error.code}: ${event.error.message}`.trim();
  const fields = leavesOf(event).filter(([path]) => path !== 'type');
  const words = fields.slice(0, 8).map(([path, , , value]) => `${path} ${cut(valueText(value))}`);
  return [event.type, ...words, ...(fields.length > 8 ? ['…'] : [])].join('  ');
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
