import { code, names, type Text } from './block.ts';

export type Rule =
  | 'short'
  | 'unknown'
  | 'trailing'
  | 'empty'
  | 'inner'
  | 'utf8'
  | 'text'
  | 'name'
  | 'truth'
  | 'constant'
  | 'bits'
  | 'digits'
  | 'varint'
  | 'exact'
  | 'tooLong'
  | 'size'
  | 'tag'
  | 'sum'
  | 'agreed'
  | 'only'
  | 'made'
  | 'terminator'
  | 'depth';

/** What is wrong with a message, and wirepipe's error for it. */
const RULES: Readonly<Record<Rule, readonly [about: string, error: string]>> = {
  short: ['the payload ends inside a field', 'ERR_MESSAGE_SHORT'],
  unknown: ['a tag that no message has', 'ERR_MESSAGE_UNKNOWN'],
  trailing: ['bytes behind a complete message, inside its frame', 'ERR_MESSAGE_TRAILING'],
  empty: ['a payload of no bytes', 'ERR_MESSAGE_EMPTY'],
  inner: ['bytes that are left inside a field with a size of its own', 'ERR_MESSAGE_TRAILING'],
  utf8: ['text that is not well-formed UTF-8 (overlong forms and surrogates too)', 'ERR_MESSAGE_UTF8'],
  text: ['bytes that its encoding does not have', 'ERR_MESSAGE_VALUE'],
  name: ['a number without a name, where all have one', 'ERR_MESSAGE_VALUE'],
  truth: ['a byte other than 0 and 1, where it says false or true', 'ERR_MESSAGE_VALUE'],
  constant: ['bytes or bits other than the constant ones', 'ERR_MESSAGE_VALUE'],
  bits: ['a set bit that has no name', 'ERR_MESSAGE_VALUE'],
  digits: ['characters that write no number', 'ERR_MESSAGE_VALUE'],
  varint: ['a varint of more bytes, or a larger number, than its type has', 'ERR_MESSAGE_VALUE'],
  exact: ['a number beyond −(2^53 − 1) to 2^53 − 1', 'ERR_MESSAGE_VALUE'],
  tooLong: ['a size or a count beyond the limit of its field', 'ERR_FIELD_TOO_LONG'],
  size: ['a size or a count below 0', 'ERR_MESSAGE_VALUE'],
  tag: ['a tag of a choice that none of its cases has', 'ERR_MESSAGE_VALUE'],
  sum: ['a wrong checksum', 'ERR_FRAME_CHECKSUM'],
  agreed: ['a number that does not agree with what it tells of', 'ERR_MESSAGE_VALUE'],
  only: ['an earlier field with a value that this message does not permit', 'ERR_MESSAGE_VALUE'],
  made: ['bytes of which the value cannot be made', 'ERR_MESSAGE_VALUE'],
  terminator: ['no terminator before the end', 'ERR_MESSAGE_SHORT'],
  depth: ['a structure nested deeper than its limit', 'ERR_MESSAGE_LIMIT'],
};

/** Rules of which a list of fields would name nearly all. */
const EVERYWHERE: ReadonlySet<string> = new Set(['short']);

/** The error cases of a codec's messages, with the fields that have them. */
export class Refusals {
  readonly #places: Map<Rule, Set<string>> = new Map();

  /** Note that the field at a path has that error case; without a path, every message. */
  add(rule: Rule, path?: string): void {
    const places = this.#places.get(rule) ?? new Set();
    this.#places.set(rule, places);
    if (path !== undefined && !EVERYWHERE.has(rule)) places.add(path);
  }

  /** A row for each: what, where, wirepipe's error. */
  rows(): Text[][] {
    return (Object.keys(RULES) as Rule[])
      .filter((rule) => this.#places.has(rule))
      .map((rule) => {
        const [about, error] = RULES[rule];
        const places = [...this.#places.get(rule)!];
        return [[about], places.length === 0 ? ['any message'] : names(places), [code(error)]];
      });
  }
}
