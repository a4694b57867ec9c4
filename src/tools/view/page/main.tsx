import { type JSX, render } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ViewAddition, ViewDocument, ViewEvent } from '../document.ts';
import { eventKind } from '../show-event.ts';
import { Conversation } from './conversation.ts';
import { copy, FORMATS } from './copy.ts';
import { Difference } from './difference.tsx';
import { Frame } from './frame.tsx';
import { MessageList } from './message-list.tsx';

interface PageProps {
  readonly conversation: Conversation;
  /** The source of further events. */
  readonly live: EventSource | undefined;
}

function Page({ conversation, live }: PageProps): JSX.Element {
  const { title, connections, types } = conversation;
  const [count, setCount] = useState(conversation.count);
  const [isFollowing, setFollowing] = useState(false);
  const [isLive, setLive] = useState(live !== undefined);
  const [search, setSearch] = useState('');
  const [filter, setFilter] = useState('');
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [connection, setConnection] = useState<number | undefined>(undefined);
  const [selected, setSelected] = useState(0);
  const [field, setField] = useState<number | undefined>(undefined);
  const [marked, setMarked] = useState<number | undefined>(undefined);
  const [told, setTold] = useState('');
  const lastGood = useRef<readonly number[]>([]);
  const { shown, problem } = useMemo(() => {
    try {
      lastGood.current = conversation.select({ search, filter, hidden, connection });
      return { shown: lastGood.current, problem: '' };
    } catch (error) {
      // The list keeps the last valid filter while the filter is being typed.
      return { shown: lastGood.current, problem: (error as Error).message };
    }
  }, [conversation, count, search, filter, hidden, connection]);
  // Layout effects run with the change itself. A plain effect runs after the next paint: events that come before it would be
  // lost, and a key would be for the message that was selected before.
  useLayoutEffect(() => {
    if (live === undefined) return;
    live.onopen = () => setLive(true);
    live.onerror = () => setLive(false);
    live.onmessage = ({ data }) => {
      conversation.append(JSON.parse(data) as ViewAddition);
      setCount(conversation.count);
    };
  }, [live, conversation]);
  const newest = shown.at(-1);
  useLayoutEffect(() => {
    if (isFollowing && newest !== undefined) setSelected(newest);
  }, [isFollowing, newest]);
  // The selected event stays selected while the list shows it.
  const at = Math.max(0, shown.indexOf(selected));
  const index = shown[at];
  const event = index === undefined ? undefined : conversation.event(index);
  const select = (place: number): void => {
    setSelected(shown[place] ?? 0);
    setField(undefined);
    setTold('');
  };

  useLayoutEffect(() => {
    const onKeyDown = (pressed: KeyboardEvent): void => {
      const { target, key } = pressed;
      const isTyping = target instanceof HTMLInputElement && target.type !== 'checkbox';
      if (pressed.ctrlKey || pressed.altKey || pressed.metaKey) return;
      if (key === 'Escape') document.getElementById('messages')?.focus();
      else if (isTyping) return;
      else if (key === '/') document.getElementById('search')?.focus();
      else if (key === 'f') document.getElementById('filter')?.focus();
      else if (key === 'm') setMarked((before) => (before === index ? undefined : index));
      else return;
      pressed.preventDefault();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [index]);

  return (
    <>
      <header>
        <h1>{title}</h1>
        {live !== undefined && (
          <label>
            <input
              id="follow"
              type="checkbox"
              checked={isFollowing}
              onChange={() => setFollowing(!isFollowing)}
            />
            follow <span id="live">{isLive ? 'live' : 'ended'}</span>
          </label>
        )}
        <label>
          search{' '}
          <input
            id="search"
            type="search"
            value={search}
            onInput={(input) => setSearch(input.currentTarget.value)}
          />
        </label>
        <label>
          filter{' '}
          <input
            id="filter"
            type="search"
            placeholder="type = move and x > 10"
            aria-invalid={problem !== ''}
            value={filter}
            onInput={(input) => setFilter(input.currentTarget.value)}
          />
        </label>
        {connections.length > 1 && (
          <select
            aria-label="connection"
            onChange={(chosen) =>
              setConnection(
                chosen.currentTarget.value === '' ? undefined : Number(chosen.currentTarget.value),
              )
            }
          >
            <option value="">all connections</option>
            {connections.map(({ name }, place) => (
              <option key={place} value={place}>
                {name}
              </option>
            ))}
          </select>
        )}
        <details>
          <summary>types</summary>
          {types.map((type) => (
            <label key={type}>
              <input
                type="checkbox"
                checked={!hidden.has(type)}
                onChange={() => {
                  const next = new Set(hidden);
                  if (!next.delete(type)) next.add(type);
                  setHidden(next);
                }}
              />
              {type}
            </label>
          ))}
        </details>
        <span id="count" role="status">
          {shown.length} of {count}
        </span>
        {problem !== '' && <span role="alert">{problem}</span>}
      </header>
      <main>
        <MessageList conversation={conversation} shown={shown} at={at} marked={marked} select={select} />
        <section id="detail" aria-label="message">
          {event === undefined ? (
            <p>Nothing passes.</p>
          ) : (
            <>
              <h2>{eventKind(event)}</h2>
              <p>
                {connections[event.connection]?.name} · {event.from} · {event.time.toFixed(3)} ms
              </p>
              <Notes event={event} />
              {event.is === 'message' && (
                <>
                  <p class="actions">
                    {Object.entries(FORMATS).map(([name, format]) => (
                      <button
                        key={name}
                        type="button"
                        onClick={async () =>
                          setTold((await copy(format(event))) ? `copied as ${name}` : 'the browser refused')
                        }
                      >
                        copy as {name}
                      </button>
                    ))}
                    <button
                      type="button"
                      aria-pressed={marked === index}
                      onClick={() => setMarked(marked === index ? undefined : index)}
                    >
                      mark to compare
                    </button>
                    <span role="status">{told}</span>
                  </p>
                  <Frame conversation={conversation} message={event} field={field} select={setField} />
                  <Comparison conversation={conversation} marked={marked} index={index!} />
                </>
              )}
            </>
          )}
        </section>
      </main>
      <footer>
        ↑ ↓ PgUp PgDn Home End: messages · Tab: fields · / search · f filter · m mark to compare · Esc back to
        the messages
      </footer>
    </>
  );
}

function Notes({ event }: { readonly event: ViewEvent }): JSX.Element {
  if (event.is !== 'message') return <p class="problem">{event.text}</p>;
  return (
    <>
      {event.error && (
        <p class="problem">
          {event.error.code}: {event.error.message}
        </p>
      )}
      {event.breach && <p class="problem">{event.breach}</p>}
      {event.chunks && <p>came in {event.chunks} chunks</p>}
    </>
  );
}

interface ComparisonProps {
  readonly conversation: Conversation;
  readonly marked: number | undefined;
  readonly index: number;
}

function Comparison({ conversation, marked, index }: ComparisonProps): JSX.Element | null {
  if (marked === undefined || marked === index) return null;
  const a = conversation.event(marked);
  const b = conversation.event(index);
  return a.is === 'message' && b.is === 'message' ? <Difference a={a} b={b} /> : null;
}

const data = JSON.parse(document.getElementById('document')!.textContent!) as ViewDocument;
document.title = data.title;
const live = data.live === undefined ? undefined : new EventSource(`events?from=${data.live}`);
render(<Page conversation={new Conversation(data)} live={live} />, document.getElementById('page')!);
document.getElementById('messages')?.focus();
