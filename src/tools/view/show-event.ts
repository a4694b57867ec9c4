import { hex } from '../../bytes/hex.ts';
import type { ViewEvent, ViewMessage, ViewSpan } from './document.ts';
import { fromDocumentValue } from './document-value.ts';

/** The values of `@names` in a filter. */
export function aboutEvent(event: ViewEvent): object {
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

/** The name of an event in the list of types. */
export function eventKind(event: ViewEvent): string {
  if (event.is !== 'message') return `(${event.is})`;
  if (event.type !== '') return event.type;
  // A codec with a single kind of message need not name it.
  return event.error === undefined ? '(message)' : '(not decoded)';
}

/** The fields without children. */
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
  if (value instanceof Uint8Array) return hex(value);
  return typeof value === 'object' && value !== null ? JSON.stringify(json) : String(value);
}

/** An event in a few words. */
export function eventLine(event: ViewEvent): string {
  if (event.is !== 'message') return `${event.is}: ${event.text}`;
  if (event.error !== undefined) return `${event.type} ${event.error.code}: ${event.error.message}`.trim();
  const fields = leavesOf(event).filter(([path]) => path !== 'type');
  const words = fields.slice(0, 8).map(([path, , , value]) => `${path} ${cut(valueText(value))}`);
  if (fields.length === 0 && event.type === '') return cut(valueText(event.value));
  return [event.type, ...words, ...(fields.length > 8 ? ['…'] : [])].join('  ').trim();
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
