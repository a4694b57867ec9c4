import { type Block, code, heading, join, names, paragraph, type Text } from './block.ts';

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

/** What is wrong with a message, and the code of wirepipe's error. */
const RULES: Readonly<Record<Rule, readonly [about: string, error: string]>> = {
  short: [
    'the payload ends before the message is complete: inside a field, or before one',
    'ERR_MESSAGE_SHORT',
  ],
  unknown: ['a tag that no message of its sender has', 'ERR_MESSAGE_UNKNOWN'],
  trailing: ['bytes after a complete message, inside its frame', 'ERR_MESSAGE_TRAILING'],
  empty: ['a payload of no bytes', 'ERR_MESSAGE_EMPTY'],
  inner: ['bytes that are left inside a field with a size of its own', 'ERR_MESSAGE_TRAILING'],
  utf8: ['text that is not well-formed UTF-8', 'ERR_MESSAGE_UTF8'],
  text: ['bytes that are not text in its encoding', 'ERR_MESSAGE_VALUE'],
  name: ['a number without a name, if all must have one', 'ERR_MESSAGE_VALUE'],
  truth: ['a byte other than 0 and 1 for false or true', 'ERR_MESSAGE_VALUE'],
  constant: ['bytes or bits other than the constant ones', 'ERR_MESSAGE_VALUE'],
  bits: ['a set bit without a name', 'ERR_MESSAGE_VALUE'],
  digits: ['characters that are not a number', 'ERR_MESSAGE_VALUE'],
  varint: ['a varint of more bytes, or a larger number, than its type allows', 'ERR_MESSAGE_VALUE'],
  exact: ['a number beyond −(2^53 − 1) to 2^53 − 1', 'ERR_MESSAGE_VALUE'],
  tooLong: ['a size or a count beyond the limit of its field', 'ERR_FIELD_TOO_LONG'],
  size: ['a size or a count below 0', 'ERR_MESSAGE_VALUE'],
  tag: ['a tag of a choice that belongs to none of its cases', 'ERR_MESSAGE_VALUE'],
  sum: ['a wrong checksum', 'ERR_FRAME_CHECKSUM'],
  agreed: ['a number that does not agree with what it counts or repeats', 'ERR_MESSAGE_VALUE'],
  only: ['an earlier field with a value that this message does not allow', 'ERR_MESSAGE_VALUE'],
  made: ['bytes that the program refuses to convert', 'ERR_MESSAGE_VALUE'],
  terminator: ['no terminator before the end', 'ERR_MESSAGE_SHORT'],
  depth: ['a structure nested deeper than its limit', 'ERR_MESSAGE_LIMIT'],
};

/** Rules for which the list would name nearly every field. */
const EVERYWHERE: ReadonlySet<string> = new Set(['short']);

/** Rules for bytes that are not a message at all. */
const PAYLOAD: ReadonlySet<Rule> = new Set(['unknown', 'empty']);

/** The error cases of a codec's messages, with the fields that have them. */
export class Refusals {
  readonly #places: Map<Rule, Set<string>> = new Map();

  /** Record that the field at a path has that error case; without a path, that every message has it. */
  add(rule: Rule, path?: string): void {
    const places = this.#places.get(rule) ?? new Set();
    this.#places.set(rule, places);
    if (path !== undefined && !EVERYWHERE.has(rule)) places.add(path);
  }

  /** The paths of the fields that have the rule; an empty list if every message does, undefined if none does. */
  placesOf(rule: Rule): readonly string[] | undefined {
    const places = this.#places.get(rule);
    return places === undefined ? undefined : [...places];
  }
}

/** What is refused in one direction, or in one state. */
export interface PartRefusals {
  readonly title: Text;
  /** The names of its messages. */
  readonly types: readonly string[];
  readonly refusals: Refusals;
  /** Limits of its messages, and other statements about all of them. */
  readonly more: readonly Text[];
}

/** What readers have to refuse, in one table for all messages, and what writers have to. */
export function refusedBlocks(parts: readonly PartRefusals[]): Block[] {
  if (parts.length === 0) return [];
  const rows = (Object.keys(RULES) as Rule[]).flatMap((rule): Text[][] => {
    const places = placesIn(rule, parts);
    const [about, error] = RULES[rule];
    return places === undefined ? [] : [[[about], places, [code(error)]]];
  });
  const more = new Map<string, { text: Text; titles: Text[] }>();
  for (const { title, more: own } of parts) {
    for (const text of own) {
      const key = JSON.stringify(text);
      more.set(key, { text, titles: [...(more.get(key)?.titles ?? []), title] });
    }
  }
  const items = [...more.values()].map(({ text, titles }) =>
    titles.length === parts.length ? text : [...join(titles, ', '), ': ', ...lowered(text)],
  );
  return [
    heading(2, ['What is refused']),
    ...(rows.length === 0
      ? []
      : ([
          paragraph(['A reader has to refuse, in addition to “Framing”:']),
          { is: 'table', head: ['what', 'where', 'wirepipe’s error'], rows },
        ] as const)),
    paragraph([
      'Before it sends a byte, a writer has to refuse what a reader would refuse, and values that cannot be encoded: a number outside the range of its type, text that its encoding cannot hold, a text, a list or bytes beyond their length field or their limit, a payload that is too long for a frame.',
    ]),
    ...(items.length === 0 ? [] : [{ is: 'list', items } as const]),
  ];
}

/** Where a rule applies; undefined if nowhere. */
function placesIn(rule: Rule, parts: readonly PartRefusals[]): Text | undefined {
  const having = parts.flatMap(({ title, types, refusals }) => {
    const places = refusals.placesOf(rule);
    return places === undefined ? [] : [{ title, types, places }];
  });
  if (having.length === 0) return undefined;
  const of = PAYLOAD.has(rule) ? 'any payload' : 'any message';
  if (having.length === parts.length && having.every(({ places }) => places.length === 0)) return [of];
  // The name of a message tells who sends it, unless another part has a message of that name.
  const isUnique = parts.every(({ types }, index) =>
    parts.every((other, at) => at === index || !other.types.some((type) => types.includes(type))),
  );
  if (isUnique && having.every(({ places, types }) => places.length > 0 && types.length > 0))
    return names([...new Set(having.flatMap(({ places }) => places))]);
  if (parts.length === 1) return names(having[0]!.places);
  return join(
    having.map(
      ({ title, places }): Text => [
        ...(places.length === 0 ? [of] : names(places)),
        ' (',
        ...lowered(title),
        ')',
      ],
    ),
    '; ',
  );
}

function lowered([first, ...others]: Text): Text {
  return typeof first === 'string'
    ? [first.charAt(0).toLowerCase() + first.slice(1), ...others]
    : [first!, ...others];
}
