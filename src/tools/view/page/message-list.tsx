import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Conversation } from './conversation.ts';

/** The height of a row in pixels, as in the style. */
const ROW = 24;
/** Rows above and below the visible ones that are rendered in advance. */
const SPARE = 10;

interface Props {
  readonly conversation: Conversation;
  /** The events shown, by index. */
  readonly shown: readonly number[];
  /** The index in `shown` of the selected event. */
  readonly at: number;
  readonly marked: number | undefined;
  readonly select: (at: number) => void;
}

/** Two lanes in time, the state between them. Only the rows in view are elements. */
export function MessageList({ conversation, shown, at, marked, select }: Props): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const [window, setWindow] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = list.current!;
    const measure = (): void => setWindow({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = list.current!;
    const top = at * ROW;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + ROW - element.clientHeight;
    }
    // New messages never scroll the list away from the selected one.
  }, [at]);

  const page = Math.max(1, Math.floor(window.height / ROW) - 1);
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: shown.length - 1,
    };
    const to = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    select(Math.min(shown.length - 1, Math.max(0, to)));
  };

  const first = Math.max(0, Math.floor(window.top / ROW) - SPARE);
  const last = Math.min(shown.length, Math.ceil((window.top + window.height) / ROW) + SPARE);
  const rows: JSX.Element[] = [];
  for (let place = first; place < last; place++) {
    const index = shown[place]!;
    rows.push(
      <Row
        key={index}
        conversation={conversation}
        index={index}
        place={place}
        count={shown.length}
        isSelected={place === at}
        isMarked={index === marked}
        select={select}
      />,
    );
  }
  return (
    <div
      ref={list}
      id="messages"
      role="listbox"
      aria-label="messages"
      tabIndex={0}
      aria-activedescendant={shown.length > 0 ? `row-${at}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div class="rows" style={{ height: `${shown.length * ROW}px` }}>
        {rows}
      </div>
    </div>
  );
}

interface RowProps {
  readonly conversation: Conversation;
  readonly index: number;
  readonly place: number;
  readonly count: number;
  readonly isSelected: boolean;
  readonly isMarked: boolean;
  readonly select: (at: number) => void;
}

function Row({ conversation, index, place, count, isSelected, isMarked, select }: RowProps): JSX.Element {
  const event = conversation.event(index);
  const isBad = event.is !== 'message' || event.error !== undefined || event.breach !== undefined;
  const line = conversation.line(index);
  const lane = (from: 'client' | 'server', arrow: string): JSX.Element => (
    <span class={`lane ${from}`}>
      {event.from === from && <>{from === 'client' ? `${line} ${arrow}` : `${arrow} ${line}`}</>}
    </span>
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list handles the keys
    <div
      id={`row-${place}`}
      class={`row ${isBad ? 'bad' : ''} ${isMarked ? 'marked' : ''}`}
      style={{ transform: `translateY(${place * ROW}px)` }}
      role="option"
      tabIndex={-1}
      aria-selected={isSelected}
      aria-posinset={place + 1}
      aria-setsize={count}
      aria-label={`${event.from}, ${line}`}
      onClick={() => select(place)}
    >
      <span class="time">{event.time.toFixed(1)}</span>
      {lane('client', '→')}
      <span class="state">{event.is === 'message' ? event.state : event.is}</span>
      {lane('server', '←')}
    </div>
  );
}
