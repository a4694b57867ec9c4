import { safeText } from '../bytes/show.ts';
import { plain } from '../protocol/recording/plain.ts';
import type { ViewEvent, ViewMessage } from '../tools/view/document.ts';
import { fromDocumentValue } from '../tools/view/document-value.ts';
import { eventLine, leavesOf, valueText } from '../tools/view/show-event.ts';
import { showMessage } from './message-text.ts';
import { paint } from './terminal.ts';

/** Formats the events of a conversation as readable lines, or as lines of JSON. */
export class EventLines {
  readonly #json: boolean;
  readonly #hex: boolean;
  /** The time of the last event, which many events of a chunk share, and its text. */
  #time = Number.NaN;
  #timeText = '';

  constructor({ json = false, hex = false }: { json?: boolean; hex?: boolean }) {
    this.#json = json;
    this.#hex = hex;
  }

  /**
   * The line of an event, and with `--hex` the lines of its fields after it.
   *
   * @param withConnection - true to show the connection's number, since there are several
   */
  of(event: ViewEvent, withConnection: boolean): string {
    if (this.#json) return jsonLine(event);
    if (event.time !== this.#time) {
      this.#time = event.time;
      this.#timeText = paint('dim', `${event.time.toFixed(1).padStart(9)} ms`);
    }
    const connection = withConnection ? `#${event.connection} ` : '';
    const arrow = event.from === 'client' ? TO_SERVER : TO_CLIENT;
    const state = safeText(((event.is === 'message' && event.state) || '').padEnd(13));
    const line = `${this.#timeText}  ${connection}${arrow} ${state}  ${textOf(event)}`;
    return this.#hex && event.is === 'message' ? [line, ...fieldsOf(event)].join('\n') : line;
  }

  /** The line that stands for messages, and marks of other events, that were not printed. */
  leftOut(messages: number, marks: number): string {
    const counts = [
      ...(messages > 0 ? [`${messages} message${messages === 1 ? '' : 's'}`] : []),
      ...(marks > 0 ? [`${marks} mark${marks === 1 ? '' : 's'}`] : []),
    ];
    const verb = messages + marks === 1 ? 'was' : 'were';
    const text = `${counts.join(' and ')} ${verb} left out: the reader of stdout was too slow`;
    return this.#json ? JSON.stringify({ mark: 'left out', text }) : paint('red', text);
  }
}

const TO_SERVER = paint('cyan', '→');
const TO_CLIENT = paint('green', '←');

/** The message of an event; an empty object if it has none. */
export function messageOf(event: ViewEvent): object {
  const value = event.is === 'message' ? fromDocumentValue(event.value) : undefined;
  return typeof value === 'object' && value !== null ? value : {};
}

function jsonLine(event: ViewEvent): string {
  const { connection, from, time } = event;
  if (event.is !== 'message') {
    return JSON.stringify({ connection, from, time, mark: event.is, text: event.text });
  }
  const { state, bytes, error, breach } = event;
  const message = error === undefined ? plain(fromDocumentValue(event.value)) : undefined;
  return JSON.stringify({ connection, from, time, state, message, bytes, error, breach });
}

function textOf(event: ViewEvent): string {
  if (event.is === 'end') return paint('dim', safeText(event.text));
  if (event.is !== 'message' || event.error !== undefined) return paint('red', safeText(eventLine(event)));
  // The sender broke the protocol with this message.
  const breach =
    event.breach === undefined
      ? ''
      : paint('red', safeText(`  (the ${event.from} breaks the protocol: ${event.breach})`));
  const message = fromDocumentValue(event.value);
  const isObject = typeof message === 'object' && message !== null && !(message instanceof Uint8Array);
  return `${isObject ? showMessage(message) : safeText(valueText(event.value))}${breach}`;
}

/** The bytes of a message, one line per field: offset, bytes, path, value. */
function* fieldsOf(message: ViewMessage): Generator<string> {
  const line = (at: number, end: number, text: string): string => {
    const bytes = message.bytes.slice(2 * at, 2 * end).replace(/(..)(?=.)/g, '$1 ');
    return safeText(`${' '.repeat(14)}${String(at).padStart(5)}  ${bytes.padEnd(24)}  ${text}`).trimEnd();
  };
  let at = 0;
  for (const [path, start, end, value] of leavesOf(message)) {
    if (start > at) yield line(at, start, '');
    yield line(start, end, `${path} ${valueText(value)}`);
    at = Math.max(at, end);
  }
  if (at < message.bytes.length / 2) yield line(at, message.bytes.length / 2, '');
}
