import { parseWhere, type Where } from '../../where.ts';
import type { ViewAddition, ViewConnection, ViewDocument, ViewEvent } from '../document.ts';
import { fromDocumentValue } from '../document-value.ts';
import { aboutEvent, eventKind, eventLine } from '../show-event.ts';

/** Which messages the list shows. */
export interface Query {
  readonly search: string;
  readonly filter: string;
  readonly hidden: ReadonlySet<string>;
  /** The index of the connection, or undefined for all. */
  readonly connection: number | undefined;
}

/** The number of colours in the style: `c0` … */
const COLOURS = 10;

/** The document, with data that the page computes once. The document may grow. */
export class Conversation {
  readonly title: string;
  connections: readonly ViewConnection[];
  /** The kinds of events, in alphabetical order. */
  types: readonly string[] = [];
  readonly #events: ViewEvent[] = [];
  readonly #kinds = new Set<string>();
  /** Fields in the order of their first occurrence; lists without indices. */
  readonly #fields = new Map<string, number>();
  readonly #lines: (string | undefined)[] = [];
  readonly #values: unknown[] = [];

  constructor({ title, connections, events }: ViewDocument) {
    this.title = title;
    this.connections = connections;
    this.append({ connections, events });
  }

  append({ connections, events }: ViewAddition): void {
    this.connections = connections;
    for (const event of events) {
      this.#events.push(event);
      const kind = eventKind(event);
      if (this.#kinds.has(kind)) continue;
      this.#kinds.add(kind);
      this.types = [...this.#kinds].sort();
      if (event.is !== 'message') continue;
      for (const [path] of event.spans) {
        const field = withoutIndices(path);
        if (!this.#fields.has(field)) this.#fields.set(field, this.#fields.size);
      }
    }
  }

  /** The number of events. */
  get count(): number {
    return this.#events.length;
  }

  event(index: number): ViewEvent {
    return this.#events[index]!;
  }

  /** The colour class of a field: the same in every message, whatever its place in a list. */
  colour(path: string): string {
    return `c${(this.#fields.get(withoutIndices(path)) ?? 0) % COLOURS}`;
  }

  /** An event in a few words. */
  line(index: number): string {
    this.#lines[index] ??= eventLine(this.event(index));
    return this.#lines[index];
  }

  /** The decoded message; an empty object if it was not decoded. */
  value(index: number): object {
    const event = this.event(index);
    if (event.is === 'message' && event.value !== undefined)
      this.#values[index] ??= fromDocumentValue(event.value);
    return (this.#values[index] as object | undefined) ?? {};
  }

  /** The indices of the events that match a query. Throws what `parseWhere` throws. */
  select({ search, filter, hidden, connection }: Query): number[] {
    const where: Where | undefined = filter.trim() === '' ? undefined : parseWhere(filter);
    const words = search.trim().toLowerCase();
    const bytes = words.replace(/\s/g, '');
    const found: number[] = [];
    for (const [index, event] of this.#events.entries()) {
      if (hidden.has(eventKind(event))) continue;
      if (connection !== undefined && event.connection !== connection) continue;
      const isFound =
        words === '' ||
        this.line(index).toLowerCase().includes(words) ||
        (event.is === 'message' && event.bytes.includes(bytes));
      if (!isFound) continue;
      if (where !== undefined && !where(this.value(index), aboutEvent(event))) continue;
      found.push(index);
    }
    return found;
  }
}

function withoutIndices(path: string): string {
  return path.replace(/\[\d+\]/g, '[]');
}
