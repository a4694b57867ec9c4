import type { Ask, TableReply, TableRow } from './table.ts';

/** The message was answered, and the state stays. */
export const ANSWERED: unique symbol = Symbol('answered');
/** No handler was asked. */
export const NOT_ASKED: unique symbol = Symbol('not asked');

/** V8 does not optimize very long functions. */
const MOST_ROWS = 64;

/**
 * A function that asks the handlers of one state. Most replies are a single message of the declared type, in a state that stays the
 * same. The function appends such an answer, and returns `ANSWERED`; any other reply it returns as it is. It leaves messages without
 * such a row to its caller (`NOT_ASKED`).
 *
 * It is generated, so that each row has a call of its own: V8 then compiles a handler together with the check of its reply, and does
 * not create the reply object (`docs/performance.md`). Where generating code is forbidden, and for a state with very many rows, it
 * asks none.
 */
export function generateAsk(on: ReadonlyMap<string, TableRow>): Ask {
  const rows = [...on].filter(
    ([, { answer, concurrent }]) => answer !== undefined && concurrent === undefined,
  );
  if (rows.length === 0 || rows.length > MOST_ROWS) return askNone;
  const cases = rows.map(([type, { answer }], index) => {
    const sends = `send?.type === ${JSON.stringify(answer)}`;
    return `case ${JSON.stringify(type)}: {
      const reply = row${index}.handle(message, context);
      if (reply === null || typeof reply !== 'object') return other(reply);
      const { send, next, timers, upgrade } = reply;
      if (!(${sends} && next === undefined && timers === undefined && upgrade === undefined)) return other(reply);
      answers.push(send);
      return ANSWERED;
    }`;
  });
  const text = `'use strict';
    return function ask(message, type, context, answers) {
      switch (type) {
        ${cases.join('')}
        default: return NOT_ASKED;
      }
    };`;
  try {
    const names = rows.map((_, index) => `row${index}`);
    const make = new Function('other', 'ANSWERED', 'NOT_ASKED', ...names, text);
    return make(other, ANSWERED, NOT_ASKED, ...rows.map(([, row]) => row)) as Ask;
  } catch (error) {
    if (error instanceof EvalError) return askNone;
    throw error;
  }
}

function askNone(): typeof NOT_ASKED {
  return NOT_ASKED;
}

/** Until a row calls this, V8 knows that the row's replies stay inside of it. */
function other(reply: TableReply): unknown {
  return reply;
}
