import type { Session } from '../../protocol/session/session.ts';
import type { StateTable } from '../../protocol/session/table.ts';
import { type Block, code, heading, hexOf, paragraph, say, type Text } from './block.ts';
import type { Made } from './trials.ts';

interface Step {
  readonly message: string;
  readonly answer: string;
  readonly next: string;
}

/** A conversation in bytes that the table allows: in each state one message that stays there, and one that leads on. */
// biome-ignore lint/suspicious/noExplicitAny: any session
export function transcriptBlocks({ table }: Session<any, any, any, any>, made: readonly Made[]): Block[] {
  const { initial, states, receives } = table;
  if (initial.onEnter !== undefined) return [];
  const frames = (side: Made['side']): Map<string, Buffer> =>
    new Map(
      made.flatMap((one) =>
        (one.side !== side && one.side !== 'both') || one.type === undefined
          ? []
          : [[one.type, one.frame] as const],
      ),
    );
  const [sent, answered] = [frames('client'), frames('server')];
  const rows: Text[][] = [];
  const seen = new Set([initial.name]);
  let state: StateTable | undefined = initial;
  while (state !== undefined && !state.final && state.line === undefined) {
    const steps: Step[] = stepsFrom(state, receives).filter(
      ({ message, answer }) => sent.has(message) && answered.has(answer),
    );
    const { name } = state;
    const on = steps.filter(({ next }) => !seen.has(next));
    const onward: Step | undefined = on.find(({ next }) => !states.get(next)!.final) ?? on[0];
    for (const step of [steps.find(({ next }) => next === name), onward]) {
      if (step === undefined) continue;
      rows.push([
        say`${step.message}: ${code(hexOf(sent.get(step.message)!))}`,
        say`${step.answer}: ${code(hexOf(answered.get(step.answer)!))}`,
        say`${step.next}`,
      ]);
    }
    state = onward === undefined ? undefined : states.get(onward.next);
    if (state !== undefined) seen.add(state.name);
  }
  if (rows.length < 2) return [];
  return [
    heading(3, ['A conversation']),
    paragraph(say`It begins in ${initial.name}. The contents of the messages are made up.`),
    { is: 'table', head: ['the client sends', 'the server answers', 'state then'], rows },
  ];
}

/** The steps that may follow in a state, if one answer is declared. */
function stepsFrom(
  { on, otherwise, postpone, receives: taken }: StateTable,
  receives: readonly string[],
): Step[] {
  return receives.flatMap((message) => {
    const row = on.get(message) ?? otherwise;
    if (row?.outcomes === undefined || postpone?.has(message)) return [];
    if (taken !== undefined && !taken.has(message)) return [];
    return [...row.outcomes].flatMap(([next, { types, one, last }]) => {
      const [answer] = types;
      return one && last === undefined && answer !== undefined ? [{ message, answer, next }] : [];
    });
  });
}
