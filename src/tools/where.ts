import { hexDigits } from '../bytes/hex.ts';
import { aText } from '../options.ts';

/** Whether a message matches. `about` holds facts beside its fields, such as `@state`. Never throws. */
export type Where = (message: object, about?: object) => boolean;

/** A filter that cannot be parsed; `offset` is the place in its text, in characters. */
export class WhereError extends SyntaxError {
  override readonly name: string = 'WhereError';
  readonly offset: number;

  constructor(text: string, offset: number, problem: string) {
    const rest = text.slice(offset, offset + 20);
    super(`${problem} ${rest === '' ? 'at the end' : `at '${rest}'`} of the filter`);
    this.offset = offset;
  }
}

/** The deepest nesting of parentheses and `not`. */
const MAX_DEPTH = 100;

/** A word: anything except spaces, quotes, parentheses and comparison signs. */
const TOKEN =
  /\s*(?:(?<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<sign>==|!=|<=|>=|[=<>~()])|(?<word>[^\s'"=<>~!()]+))/suy;

/** A path: names joined by dots, each with any number of `[3]` and `[]`. */
const PATH = /^@?[^.[\]]+(?:\[\d*\])*(?:\.[^.[\]]+(?:\[\d*\])*)*$/u;

interface Token {
  readonly kind: 'text' | 'sign' | 'word';
  readonly value: string;
  readonly at: number;
}

/**
 * Parse a filter over the fields of messages. Nothing is evaluated as code.
 *
 *     or           and { 'or' and }
 *     and          not { 'and' not }
 *     not          'not' not | '(' or ')' | comparison
 *     comparison   path [ ('=' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '~') value ]
 *     path         type · x · items[3].key · items[].key (any item) · text.length · @state (about the message)
 *     value        a number, true, false, a word, a text in quotes (with \ before a quote or a backslash), bytes in hex
 *
 * A path alone matches if the field is present and is not false. A comparison matches only if the field is present and has the
 * type of the value: numbers with numbers (64-bit ones exactly), texts with texts, bytes with hex. `~` means "contains" and
 * ignores case.
 *
 * @throws WhereError for a text that is not a filter
 *
 * @example
 * const where = parseWhere('type = move and x > 10');
 * where({ type: 'move', x: 11, y: 0 }); // true
 */
export function parseWhere(text: string): Where {
  aText('parseWhere: the filter', text);
  const tokens = tokensOf(text);
  let next = 0;
  const fail = (problem: string): never => {
    throw new WhereError(text, tokens[next]?.at ?? text.length, problem);
  };
  /** Whether the next token is this word or sign; if so, consume it. */
  const takes = (value: string): boolean => {
    const token = tokens[next];
    const found = token !== undefined && token.kind !== 'text' && token.value === value;
    if (found) next++;
    return found;
  };
  const anyOf = (depth: number): Where => {
    const parts = [allOf(depth)];
    while (takes('or')) parts.push(allOf(depth));
    return parts.length === 1 ? parts[0]! : (message, about) => parts.some((part) => part(message, about));
  };
  const allOf = (depth: number): Where => {
    const parts = [one(depth)];
    while (takes('and')) parts.push(one(depth));
    return parts.length === 1 ? parts[0]! : (message, about) => parts.every((part) => part(message, about));
  };
  const one = (depth: number): Where => {
    if (depth > MAX_DEPTH) fail(`expected at most ${MAX_DEPTH} levels`);
    if (takes('not')) {
      const negated = one(depth + 1);
      return (message, about) => !negated(message, about);
    }
    if (!takes('(')) return comparison();
    const inside = anyOf(depth + 1);
    if (!takes(')')) fail("expected ')'");
    return inside;
  };
  const comparison = (): Where => {
    const token = tokens[next];
    if (token?.kind !== 'word' || RESERVED.has(token.value) || !PATH.test(token.value)) {
      return fail('expected the name of a field');
    }
    next++;
    const path = stepsOf(token.value);
    const operator = tokens[next];
    const compare = operator?.kind === 'sign' ? COMPARISONS.get(operator.value) : undefined;
    if (compare === undefined) return (message, about) => values(path, message, about).some(isSet);
    next++;
    const literal = tokens[next];
    if (
      literal === undefined ||
      literal.kind === 'sign' ||
      (literal.kind === 'word' && RESERVED.has(literal.value))
    ) {
      return fail('expected a value');
    }
    next++;
    const operand = operandOf(literal);
    return (message, about) => values(path, message, about).some((value) => compare(value, operand));
  };
  const where = anyOf(0);
  if (next < tokens.length) fail("expected 'and', 'or' or the end");
  return where;
}

const RESERVED: ReadonlySet<string> = new Set(['and', 'or', 'not']);

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex + /^\s*/.exec(text.slice(pattern.lastIndex))![0].length;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw new WhereError(text, at, 'expected a name, a value or a comparison');
    if (groups.text !== undefined) {
      const value = groups.text.slice(1, -1).replace(/\\(.)/gsu, '$1');
      tokens.push({ kind: 'text', value, at });
    } else if (groups.sign !== undefined) tokens.push({ kind: 'sign', value: groups.sign, at });
    else tokens.push({ kind: 'word', value: groups.word!, at });
  }
  return tokens;
}

interface Steps {
  readonly about: boolean;
  /** A name, an index in a list, or every index. */
  readonly steps: readonly (string | number | undefined)[];
}

function stepsOf(path: string): Steps {
  const about = path.startsWith('@');
  const parts = [...path.slice(about ? 1 : 0).matchAll(/\[(\d*)\]|[^.[\]]+/gu)];
  return {
    about,
    steps: parts.map(([name, index]) => {
      if (index === undefined) return name;
      return index === '' ? undefined : Number(index);
    }),
  };
}

/** The values at a path: none if a field is missing, several after `[]`. */
function values({ about: isAbout, steps }: Steps, message: object, about: object | undefined): unknown[] {
  let found: unknown[] = [isAbout ? about : message];
  for (const step of steps) {
    found = found.flatMap((value) => {
      if (step === undefined) return Array.isArray(value) ? value : [];
      if (typeof step === 'number') return isList(value) && step < value.length ? [value[step]] : [];
      return property(value, step);
    });
  }
  return found.filter((value) => value !== undefined);
}

function property(value: unknown, name: string): unknown[] {
  if (name === 'length' && (typeof value === 'string' || isList(value))) return [value.length];
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
  return [(value as Record<string, unknown>)[name]];
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || value instanceof Uint8Array;
}

function isSet(value: unknown): boolean {
  return value !== false && value !== null;
}

/** The value to compare with, in a form for each type of field. */
interface Operand {
  readonly text: string;
  readonly number: number | bigint | undefined;
  readonly truth: boolean | undefined;
  /** Lower-case hex, two digits a byte. */
  readonly hex: string | undefined;
}

function operandOf({ kind, value }: Token): Operand {
  const bare = value.replace(/^0x/i, '').toLowerCase();
  return {
    text: value,
    number: kind === 'word' ? numberOf(value) : undefined,
    truth: value === 'true' ? true : value === 'false' ? false : undefined,
    hex: /^(?:[0-9a-f]{2})*$/.test(bare) ? bare : undefined,
  };
}

function numberOf(text: string): number | bigint | undefined {
  const match = /^(-?)(\d+|0x[0-9a-f]+)n?$/i.exec(text);
  if (match !== null) {
    const whole = BigInt(match[2]!);
    return match[1] === '-' ? -whole : whole;
  }
  return /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** Less than 0, 0, or more than 0; undefined if the two cannot be compared. */
function order(value: unknown, operand: Operand): number | undefined {
  switch (typeof value) {
    case 'number':
    case 'bigint': {
      const other = operand.number;
      if (other === undefined || Number.isNaN(value)) return undefined;
      return value < other ? -1 : value > other ? 1 : 0;
    }
    case 'string':
      return value < operand.text ? -1 : value > operand.text ? 1 : 0;
    case 'boolean':
      return operand.truth === undefined ? undefined : Number(value) - Number(operand.truth);
    default: {
      if (!(value instanceof Uint8Array) || operand.hex === undefined) return undefined;
      const own = hexDigits(value);
      return own < operand.hex ? -1 : own > operand.hex ? 1 : 0;
    }
  }
}

function contains(value: unknown, operand: Operand): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(operand.text.toLowerCase());
  if (!(value instanceof Uint8Array) || operand.hex === undefined) return false;
  const own = hexDigits(value);
  for (let at = own.indexOf(operand.hex); at >= 0; at = own.indexOf(operand.hex, at + 1)) {
    if (at % 2 === 0) return true;
  }
  return false;
}

type Comparison = (value: unknown, operand: Operand) => boolean;

function ordered(passes: (order: number) => boolean): Comparison {
  return (value, operand) => {
    const found = order(value, operand);
    return found !== undefined && passes(found);
  };
}

const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ['=', ordered((found) => found === 0)],
  ['==', ordered((found) => found === 0)],
  ['!=', ordered((found) => found !== 0)],
  ['<', ordered((found) => found < 0)],
  ['<=', ordered((found) => found <= 0)],
  ['>', ordered((found) => found > 0)],
  ['>=', ordered((found) => found >= 0)],
  ['~', contains],
]);
