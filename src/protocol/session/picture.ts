import type { Outcome } from './outcome.ts';
import type { Session } from './session.ts';
import { type DeadlineTable, type SessionTable, type StateTable, type TableRow, tableOf } from './table.ts';

// biome-ignore lint/suspicious/noExplicitAny: any session
type AnySession = Session<any, any, any, any>;

/**
 * The session as a Mermaid state diagram: an arrow is labelled `messages / answers`, as in UML.
 *
 *     locked --> open: write / ok
 *
 * A row without `outcomes` is an arrow to every state that may follow, without its answers. Messages that a state does not accept
 * are not drawn; see `toMarkdown`.
 *
 * @example writeFileSync('session.mmd', toMermaid(drone.session));
 */
export function toMermaid(session: AnySession): string {
  const { initial, states } = tableOf(session, 'toMermaid');
  const ids = new Map([...states.keys()].map((name, i) => [name, identifier(name, i)]));
  const id = (name: string): string => ids.get(name)!;
  const lines = ['stateDiagram-v2'];
  for (const [name, known] of ids) if (known !== name) lines.push(`state "${escaped(name)}" as ${known}`);
  lines.push(`[*] --> ${id(initial.name)}`);
  for (const state of states.values()) {
    for (const [to, labels] of arrows(state)) {
      for (const label of labels) lines.push(`${id(state.name)} --> ${id(to)}: ${escaped(label)}`);
    }
    if (state.deadline !== undefined && state.deadline.row === undefined) {
      lines.push(`${id(state.name)} --> [*]: ${limits(state.deadline)}`);
    }
    if (state.final) lines.push(`${id(state.name)} --> [*]`);
  }
  return `${lines.join('\n    ')}\n`;
}

/**
 * The session as a Markdown table: a row for each message, a column for each state. A cell shows the answer, and the next state
 * if it is another one; `waits` is a message that the next state takes, `✗` one that breaks the protocol. The last rows, if they
 * apply: the messages sent on entering, the messages that may be sent unasked, and the deadlines.
 *
 * @example writeFileSync('session.md', toMarkdown(drone.session));
 */
export function toMarkdown(session: AnySession): string {
  const { states, receives } = tableOf(session, 'toMarkdown');
  const columns = [...states.values()];
  const rows = receives.map((type) => [code(type), ...columns.map((state) => cell(state, type))]);
  const apply = (head: string, tell: (state: StateTable) => string): void => {
    const cells = columns.map(tell);
    if (cells.some((text) => text !== '')) rows.push([head, ...cells]);
  };
  apply('*on entering*', ({ onEnter }) => (onEnter === undefined ? '' : 'speaks'));
  apply('*when the peer ends*', ({ onEnd }) => (onEnd === undefined ? '' : 'speaks'));
  apply('*sent unasked*', (state) => unasked(session.table, state));
  apply('*deadline*', ({ deadline }) => {
    if (deadline === undefined) return '';
    return `${limits(deadline)}${deadline.row === undefined ? ': the end' : ': handled'}`;
  });
  const head = ['', ...columns.map(({ name, final }) => `${code(name)}${final ? ' (final)' : ''}`)];
  return aligned([head, ...rows]);
}

/** A Markdown table with aligned columns, as formatters write it. */
function aligned([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i]!.length)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...rows]
    .map((cells) => `| ${cells.map((text, i) => text.padEnd(widths[i]!)).join(' | ')} |\n`)
    .join('');
}

/** The states that follow, each with the labels `messages / answers` of its arrows; messages with the same answers share an arrow. */
export function arrows(state: StateTable): Map<string, Set<string>> {
  const types = new Map<string, Map<string, string[]>>();
  const add = (type: string, to: string, answers: string): void => {
    const byAnswers = types.get(to) ?? types.set(to, new Map()).get(to)!;
    byAnswers.set(answers, [...(byAnswers.get(answers) ?? []), type]);
  };
  const addRow = (type: string, row: TableRow<never> | undefined): void => {
    if (row === undefined) return;
    for (const to of following(state, row)) {
      const outcome = row.outcomes?.get(to);
      add(type, to, outcome === undefined ? '' : ` / ${spoken(outcome)}`);
    }
  };
  for (const [type, row] of state.on) addRow(type, row);
  addRow('otherwise', state.otherwise);
  if (state.deadline !== undefined) addRow(limits(state.deadline), state.deadline.row);
  for (const [timer, row] of state.timers ?? []) addRow(`timer ${timer}`, row);
  return new Map(
    [...types].map(([to, byAnswers]) => [
      to,
      new Set([...byAnswers].map(([answers, names]) => `${names.join(', ')}${answers}`)),
    ]),
  );
}

/** The states that may follow from a row, as declared. */
function following(state: StateTable, row: TableRow<never>): Iterable<string> {
  return row.outcomes?.keys() ?? [state.name, ...state.next];
}

function cell(state: StateTable, type: string): string {
  if (state.postpone?.has(type)) return 'waits';
  const row = state.on.get(type) ?? state.otherwise;
  if (row === undefined) return '✗';
  return [...following(state, row)]
    .map((to) => {
      const outcome = row.outcomes?.get(to);
      const answers = outcome === undefined ? 'any' : spoken(outcome, code);
      return to === state.name ? answers : `${answers} → ${code(to)}`;
    })
    .join('<br>');
}

function spoken({ types, one, last }: Outcome, show: (type: string) => string = (type) => type): string {
  if (types.size === 0) return 'nothing';
  if (last !== undefined) {
    const before = [...types].filter((type) => !last.has(type)).map(show);
    return [
      ...(before.length > 0 ? [`${before.join(' or ')} …`] : []),
      [...last].map(show).join(' or '),
    ].join(', ');
  }
  return `${[...types].map(show).join(' or ')}${one ? '' : ' …'}`;
}

function unasked(table: SessionTable, { unsolicited, final }: StateTable): string {
  if (unsolicited === undefined || final) return '';
  if (unsolicited.size === 0) return 'nothing';
  return unsolicited.size === table.sends?.size ? 'anything' : [...unsolicited].map(code).join(', ');
}

/** The limits of a state in words. */
export function limits({ within, idle, frame }: DeadlineTable): string {
  const told = [
    [within, 'in the state'],
    [idle, 'idle'],
    [frame, 'in a frame'],
  ] as const;
  return told
    .filter(([limit]) => limit !== Infinity)
    .map(([limit, what]) => `${limit} ms ${what}`)
    .join(', ');
}

function code(name: string): string {
  return `\`${name.replaceAll('|', '\\|').replaceAll('\n', ' ')}\``;
}

/** Words with a meaning in Mermaid cannot name a state. */
const RESERVED = new Set(['state', 'note', 'end', 'as', 'class', 'classDef', 'direction', 'style']);

function identifier(name: string, index: number): string {
  return /^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name) ? name : `state${index}`;
}

/** The text with Mermaid's syntax replaced by entity codes. */
function escaped(text: string): string {
  return text.replace(/[#;:"<>\n]/g, (character) => `#${character.charCodeAt(0)};`);
}
