import { safeText } from '../../bytes/show.ts';
import { arrows, limits, toMermaid } from '../../protocol/session/picture.ts';
import type { Session } from '../../protocol/session/session.ts';
import type { SessionTable, StateTable } from '../../protocol/session/table.ts';
import { type Block, heading, names, paragraph, type State, say, type Text } from './block.ts';

// biome-ignore lint/suspicious/noExplicitAny: any session
type AnySession = Session<any, any, any, any>;

/** Which message is legal in which state: the diagram, and a table for each state. */
export function sessionBlocks(session: AnySession): Block[] {
  const { table } = session;
  const all = [...table.states.values()];
  const { ready, initial, farewell } = table;
  return [
    paragraph([
      'The states are those of the server’s side of one connection. The label of an arrow has the messages that a client sends and, after the slash, the server’s answers; “otherwise” is any message without an arrow of its own.',
    ]),
    {
      is: 'states',
      initial: safeText(initial.name),
      states: all.map(stateOf),
      mermaid: withoutFinalRows(toMermaid(session)),
    },
    paragraph(
      say`A connection begins in ${initial.name}.${ready === initial ? [] : say` The handshake is over in ${ready.name}; a server may close a connection that takes too long to get there.`}`,
    ),
    paragraph([orderWords(all, initial)]),
    ...(farewell === undefined
      ? []
      : [paragraph(['Before it closes because of a fault, the server may send a farewell.'])]),
    ...all.flatMap((state) => stateBlocks(state, table)),
  ];
}

/** Which side sends when, in words. */
function orderWords(all: readonly StateTable[], initial: StateTable): string {
  const taking = all.filter(({ final }) => !final);
  const rows = taking.flatMap(({ on, otherwise }) => [
    ...on.values(),
    ...(otherwise === undefined ? [] : [otherwise]),
  ]);
  const isConcurrent = rows.some(({ concurrent }) => concurrent !== undefined);
  const decides = rows.some(({ outcomes }) => outcomes === undefined || outcomes.size > 1);
  const breaks = taking.some(({ otherwise }) => otherwise === undefined);
  return [
    initial.onEnter === undefined ? 'The server sends no greeting.' : 'The server may send first.',
    isConcurrent
      ? 'A client need not wait for an answer before it sends the next message. The server takes messages in the order of arrival; if the protocol allows several in flight, their answers may overtake each other.'
      : 'A client need not wait for an answer before it sends the next message: the server takes messages one at a time, and answers them in order.',
    ...(decides ? ['If several answers or states are named, the server decides which.'] : []),
    ...(breaks
      ? [
          'A message that a state does not accept breaks the protocol: the server closes the connection once its answers to earlier messages are sent.',
        ]
      : []),
  ].join(' ');
}

/** The diagram without the arrows of final states: the answers of their rows are never sent. */
function withoutFinalRows(mermaid: string): string {
  const lines = mermaid.split('\n');
  const final = lines.flatMap((line) => / (\S+) --> \[\*\]$/.exec(line)?.slice(1) ?? []);
  return lines
    .filter((line) => !final.some((id) => line.trim().startsWith(`${id} --> `) && !line.endsWith('[*]')))
    .join('\n');
}

function stateOf(state: StateTable): State {
  const leaving = [...(state.final ? [] : arrows(state))].flatMap(([to, labels]) =>
    [...labels].map((label) => ({ label: safeText(label), to: safeText(to) })),
  );
  const { deadline } = state;
  const ends =
    deadline !== undefined && deadline.row === undefined ? [{ label: limits(deadline), to: undefined }] : [];
  return { name: safeText(state.name), final: state.final, arrows: [...leaving, ...ends] };
}

function stateBlocks(state: StateTable, table: SessionTable): Block[] {
  const { name, final, deadline, postpone, onEnter, onEnd, unsolicited, line } = state;
  const rows = table.receives
    .filter((type) => !final && (state.receives === undefined || state.receives.has(type)))
    .map((type): Text[] => [say`${type}`, ...answers(state, type)]);
  const notes: Text[] = [];
  if (final)
    notes.push([
      'The last state: the answer to the message that led here is sent, and the server ends its side. It discards further input, unread and unanswered, until the client ends its side too.',
    ]);
  if (postpone !== undefined && postpone.size > 0)
    notes.push(say`${names([...postpone])} wait for the next state.`);
  if (onEnter !== undefined) notes.push(['The server may send first, on entering.']);
  if (onEnd !== undefined) notes.push(['The server may send messages when the client ends its side.']);
  if (unsolicited !== undefined && !final) {
    notes.push(
      unsolicited.size === 0
        ? ['Nothing is sent unasked.']
        : say`Unasked, the server may send ${names([...unsolicited], 'or')}.`,
    );
  }
  if (deadline !== undefined) {
    notes.push([
      `Deadline: ${limits(deadline)}. ${deadline.row === undefined ? 'Beyond it the server closes the connection.' : 'Beyond it the server acts as the diagram shows.'}`,
    ]);
  }
  if (line !== undefined) notes.push(['This state has a framing or a codec of its own.']);
  return [
    heading(3, say`State ${name}`),
    ...(rows.length === 0 ? [] : [{ is: 'table', head: ['message', 'answer', 'next state'], rows } as const]),
    ...(notes.length === 0 ? [] : [{ is: 'list', items: notes } as const]),
  ];
}

/** The answers to a message and the next state, with one line for each possible state. */
function answers(state: StateTable, type: string): [answer: Text, next: Text] {
  if (state.postpone?.has(type)) return [['none yet: it waits for the next state'], say`${state.name}`];
  const row = state.on.get(type) ?? state.otherwise;
  if (row === undefined) return [['breaks the protocol'], ['the connection is closed']];
  const { outcomes } = row;
  if (outcomes === undefined) {
    const all = [state.name, ...[...state.next].filter((next) => next !== state.name)];
    return [['any message, or none'], names(all, 'or')];
  }
  const each = [...outcomes].map(([to, { types, one, last }]): [Text, string] => {
    if (types.size === 0) return [['nothing'], to];
    const said = names([...types], 'or');
    if (last !== undefined) return [say`messages of ${said}, the last one ${names([...last], 'or')}`, to];
    return [one ? said : say`any number of ${said}`, to];
  });
  const answer = each.flatMap(([said, to], index) => {
    const where: Text = each.length > 1 ? say` (then ${to})` : [];
    return [...(index === 0 ? [] : [', or ']), ...said, ...where];
  });
  return [
    answer,
    names(
      each.map(([, to]) => to),
      'or',
    ),
  ];
}
