import type { Side } from '../protocol/recording/events.ts';
import type { Fault } from '../testing/faults.ts';
import { UsageError } from './usage-error.ts';

export const faultForms =
  "'after 2 move: reset', 'first 3 login: drop', 'server ok: delay 200'; the faults are reset, end, stall, drop, delay MS, split N, merge, corrupt FIELD";

/** The message types of each side; undefined if its codec does not list them. */
export type MessageNames = Readonly<Record<Side, readonly string[] | undefined>>;

const DONE = ['reset', 'end', 'stall', 'drop', 'delay', 'split', 'merge', 'corrupt'] as const;

/**
 * Parse a fault of the command line.
 *
 *     fault   which ':' what
 *     which   ['after'] [N | 'first' N | 'every'] ['client' | 'server'] (type | '*')
 *     what    'reset' · 'end' · 'stall' · 'drop' · 'delay' ms · 'split' [bytes] · 'merge' · 'corrupt' [field | byte]
 *
 * The side may be left out if only one side has messages of that type. '*' without a side means both.
 *
 * @throws UsageError, in one line, for anything else
 */
export function parseFault(text: string, names: MessageNames): Fault[] {
  const fail = (problem: string): never => {
    throw new UsageError(`--fault '${text}': ${problem} (as in ${faultForms})`);
  };
  const [, which = '', what = ''] = /^([^:]+):\s*(.+?)\s*$/s.exec(text) ?? fail('expected WHICH: WHAT');
  const words = which.trim().split(/\s+/);
  if (words[0] === 'after' || words[0] === 'at') words.shift();
  const count: Pick<Fault, 'nth' | 'first'> = {};
  if (words[0] === 'first') {
    words.shift();
    count.first = numberOf(words.shift()) ?? fail("expected a number after 'first'");
  } else if (words[0] === 'every') words.shift();
  else if (/^\d+$/.test(words[0] ?? ''))
    count.nth = numberOf(words.shift()) ?? fail('expected a number from 1');
  const side = words[0] === 'client' || words[0] === 'server' ? (words.shift() as Side) : undefined;
  const [type, ...more] = words;
  if (type === undefined || more.length > 0) return fail("expected the type of a message, or '*'");
  return sidesOf(type, side, names, fail).map((from) => ({
    from,
    ...(type !== '*' && { on: type }),
    ...count,
    ...actionOf(what, fail),
  }));
}

/** A fault in a few words, for the line printed when it strikes. */
export function faultText({ do: what, ms = 10, length = 1, field, at }: Fault): string {
  switch (what) {
    case 'delay':
      return `delayed by ${ms} ms`;
    case 'split':
      return `split into pieces of ${length} ${length === 1 ? 'byte' : 'bytes'}`;
    case 'merge':
      return 'merged with the next message';
    case 'drop':
      return 'dropped';
    case 'corrupt':
      return `corrupted: ${field ?? (at === undefined ? 'its last byte' : `its byte ${at}`)}`;
    case 'stall':
      return 'nothing passes after it';
    case 'reset':
      return 'the connection is reset after it';
    default:
      return 'its side ends after it';
  }
}

function sidesOf(
  type: string,
  side: Side | undefined,
  names: MessageNames,
  fail: (problem: string) => never,
): Side[] {
  const sides = side === undefined ? (['client', 'server'] as const) : [side];
  if (type === '*') return [...sides];
  const having = sides.filter((one) => names[one]?.includes(type) ?? true);
  if (having.length > 0) return having;
  const known = sides.flatMap((one) => names[one] ?? []);
  return fail(`there is no message '${type}', only ${known.join(', ')}`);
}

function actionOf(
  text: string,
  fail: (problem: string) => never,
): Pick<Fault, 'do' | 'ms' | 'length' | 'at' | 'field'> {
  const [name = '', operand, ...more] = text.split(/\s+/);
  const what = DONE.find((one) => one === name);
  if (what === undefined || more.length > 0) return fail(`expected one of ${DONE.join(', ')}`);
  if (operand === undefined) return what === 'delay' ? fail('expected milliseconds') : { do: what };
  if (what === 'corrupt') {
    return /^\d+$/.test(operand) ? { do: what, at: Number(operand) } : { do: what, field: operand };
  }
  if (what === 'delay') return { do: what, ms: numberOf(operand) ?? fail('expected milliseconds') };
  if (what === 'split') return { do: what, length: numberOf(operand) ?? fail('expected a number of bytes') };
  if (what === 'stall' || what === 'reset' || what === 'end') {
    return /^\d{1,9}$/.test(operand) ? { do: what, at: Number(operand) } : fail('expected a number of bytes');
  }
  return fail(`'${what}' takes no value`);
}

/** A whole number from 1 to 999,999,999; undefined for anything else. */
function numberOf(text: string | undefined): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text ?? '') ? Number(text) : undefined;
}
