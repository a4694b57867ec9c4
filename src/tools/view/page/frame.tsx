import type { JSX } from 'preact';
import type { ViewMessage, ViewSpan } from '../document.ts';
import { leavesOf, valueText } from '../show-event.ts';
import type { Conversation } from './conversation.ts';

/** The most bytes, and the most fields, of one message that are shown. */
const MOST_BYTES = 4_096;
const MOST_FIELDS = 1_000;

interface Props {
  readonly conversation: Conversation;
  readonly message: ViewMessage;
  /** The index of the selected field in `message.spans`. */
  readonly field: number | undefined;
  readonly select: (field: number | undefined) => void;
}

/** A message's bytes, coloured by field, and its fields as a tree. A field that is selected in one is selected in the other. */
export function Frame({ conversation, message, field, select }: Props): JSX.Element {
  const selected = field === undefined ? undefined : message.spans[field];
  return (
    <div class="frame">
      <Bytes conversation={conversation} message={message} selected={selected} select={select} />
      <p class="place" role="status">
        {selected === undefined ? `${message.bytes.length / 2} bytes` : placeOf(selected)}
      </p>
      <Fields conversation={conversation} message={message} field={field} select={select} />
    </div>
  );
}

function placeOf([path, start, end]: ViewSpan): string {
  const size = end - start;
  return `${path}: offset ${start}, ${size} byte${size === 1 ? '' : 's'}`;
}

interface BytesProps {
  readonly conversation: Conversation;
  readonly message: ViewMessage;
  readonly selected: ViewSpan | undefined;
  readonly select: (field: number | undefined) => void;
}

function Bytes({ conversation, message, selected, select }: BytesProps): JSX.Element {
  const length = message.bytes.length / 2;
  const fields = new Array<ViewSpan | undefined>(Math.min(length, MOST_BYTES));
  for (const span of leavesOf(message)) fields.fill(span, span[1], span[2]);
  const lines: JSX.Element[] = [];
  for (let from = 0; from < fields.length; from += 16) {
    const bytes: JSX.Element[] = [];
    for (let at = from; at < Math.min(from + 16, fields.length); at++) {
      const span = fields[at];
      const isSelected = selected !== undefined && selected[1] <= at && at < selected[2];
      const isBad = message.error?.offset === at;
      bytes.push(
        // biome-ignore lint/a11y/useKeyWithClickEvents: the tree of fields is the way by keyboard
        // biome-ignore lint/a11y/noStaticElementInteractions: as above
        <span
          key={at}
          class={`byte ${span ? conversation.colour(span[0]) : ''} ${isSelected ? 'selected' : ''} ${isBad ? 'wrong' : ''}`}
          data-at={at}
          onClick={() => select(span === undefined ? undefined : message.spans.indexOf(span))}
        >
          {message.bytes.slice(2 * at, 2 * at + 2)}
        </span>,
      );
    }
    lines.push(
      <div key={from}>
        <span class="offset">{from.toString(16).padStart(4, '0')}</span>
        {bytes}
      </div>,
    );
  }
  return (
    <section class="bytes" aria-label="bytes in hex">
      {lines}
      {length > MOST_BYTES && <p>… {length - MOST_BYTES} more bytes: copy them as hex</p>}
    </section>
  );
}

function Fields({ conversation, message, field, select }: Props): JSX.Element {
  const spans = message.spans.slice(0, MOST_FIELDS);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    select(Math.min(spans.length - 1, Math.max(0, (field ?? -1) + step)));
  };
  return (
    <div
      class="fields"
      role="tree"
      aria-label="fields"
      tabIndex={0}
      onKeyDown={onKeyDown}
      aria-activedescendant={field === undefined ? undefined : `field-${field}`}
    >
      {spans.map(([path, start, end, value], index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the tree handles the keys
        <div
          key={path}
          id={`field-${index}`}
          class="field"
          role="treeitem"
          tabIndex={-1}
          aria-level={depthOf(path)}
          aria-selected={index === field}
          aria-label={`${path} ${valueText(value)}, offset ${start}, size ${end - start}`}
          style={{ paddingLeft: `${depthOf(path)}em` }}
          onClick={() => select(index)}
        >
          <span class={`name ${conversation.colour(path)}`}>
            {path.replace(/^.*(?=[.[])/, '').replace(/^\./, '')}
          </span>
          {value !== null && <span class="value">{valueText(value)}</span>}
        </div>
      ))}
      {message.spans.length > MOST_FIELDS && <p>… {message.spans.length - MOST_FIELDS} more fields</p>}
    </div>
  );
}

function depthOf(path: string): number {
  return path.split(/[.[]/).length;
}
