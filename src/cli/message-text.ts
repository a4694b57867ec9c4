import { safeText, show, showThrown } from '../bytes/show.ts';
import { plain } from '../protocol/recording/plain.ts';
import type { DeclaredField } from './declared-fields.ts';
import { UsageError } from './usage-error.ts';

/** The messages that can be typed, with their fields; undefined if the codec does not declare them. */
export type Typed = ReadonlyMap<string, readonly DeclaredField[]> | undefined;

/**
 * Parse a message typed on a line.
 *
 *     move 10 20                       values in declaration order
 *     move x=10 y=20                   or by name
 *     write Hello there                a text at the end takes the rest of the line
 *     list [{"id":1,"name":"a b"}]     lists and structures as JSON, without spaces outside of quotes or with
 *     {"type":"move","x":10,"y":20}    or the whole message as JSON; bytes in hex, 64-bit numbers as strings or numbers
 *
 * @throws UsageError of one line that says what was expected
 */
export function parseMessage(line: string, typed: Typed): object {
  const text = line.trim();
  if (text.startsWith('{')) return messageFrom(parseJson(text, 'message'), typed);
  const [, type = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(text) ?? [];
  if (typed === undefined) {
    throw new UsageError(`not a message: ${show(text)} (expected JSON: the codec declares no fields)`);
  }
  const fields = typed.get(type);
  if (fields === undefined) {
    throw new UsageError(
      `not a message: ${show(text)} (expected ${[...typed.keys()].join(', ')}; quote each message)`,
    );
  }
  const words = wordsOf(rest, fields);
  const given = byName(words, fields) ?? inOrder(rest, words, fields);
  if (given === undefined || fields.some(({ name, isOptional }) => !isOptional && !given.has(name))) {
    throw new UsageError(
      `not a message: ${show(text)} (expected ${formOf(type, fields)}; quote each message)`,
    );
  }
  const values = fields
    .filter(({ name }) => given.has(name))
    .map((field) => [field.name, typedValue(given.get(field.name)!, field, `${type}.${field.name}`)]);
  return { type, ...Object.fromEntries(values) };
}

/** The form in which a message is typed: `move x y`. */
export function formOf(type: string, fields: readonly DeclaredField[]): string {
  return [type, ...fields.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name))].join(' ');
}

/** A message on one line, as it could be typed, with control characters escaped. */
export function showMessage(message: object): string {
  const { type, ...fields } = message as { type?: unknown } & Record<string, unknown>;
  const entries = Object.entries(fields);
  const [first] = entries;
  if (entries.length === 1 && typeof first?.[1] === 'string') return safeText(`${String(type)} ${first[1]}`);
  let text = type === undefined ? '' : String(type);
  for (const [name, value] of entries) {
    const shown = plain(value);
    const isBare = typeof value === 'bigint' || value instanceof Uint8Array || typeof shown === 'number';
    text += `${text === '' ? '' : ' '}${name}=${isBare ? shown : JSON.stringify(shown)}`;
  }
  return safeText(text);
}

/** The message of a JSON value, which has the form that `plain` gives. */
function messageFrom(value: unknown, typed: Typed): object {
  if (typed === undefined) return value as object;
  const { type } = value as { type?: unknown };
  const fields = typeof type === 'string' ? typed.get(type) : undefined;
  if (fields === undefined) {
    throw new UsageError(`not a message: type ${show(type)} (expected ${[...typed.keys()].join(', ')})`);
  }
  return { type, ...(structureFrom(value as object, fields, type as string) as object) };
}

function structureFrom(value: object, fields: readonly DeclaredField[], path: string): unknown {
  return Object.fromEntries(
    fields
      .filter(({ name }) => Object.hasOwn(value, name))
      .map((field) => {
        const own = (value as Record<string, unknown>)[field.name];
        return [field.name, valueFrom(own, field, `${path}.${field.name}`)];
      }),
  );
}

/** Convert a JSON value to the field's type. A value that does not fit stays unchanged, for the codec to refuse. */
function valueFrom(value: unknown, field: DeclaredField, path: string): unknown {
  const { takes, inside } = field;
  if (typeof value === 'string' && takes !== 'text' && takes !== 'name' && takes !== 'json') {
    return typedValue(value, field, path);
  }
  if (takes === 'bigint' && Number.isSafeInteger(value)) return BigInt(value as number);
  if (takes !== 'json' || inside.length === 0 || typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return structureFrom(value, inside, path);
  return value.map((item, index) => valueFrom(item, inside[0]!, `${path}[${index}]`));
}

/** Convert a word to the field's type. */
function typedValue(word: string, field: DeclaredField, path: string): unknown {
  const expected = (what: string): never => {
    throw new UsageError(`${path}: expected ${what}, got ${show(word)}`);
  };
  const isWhole = /^-?(\d+|0x[\da-f]+)$/i.test(word);
  switch (field.takes) {
    case 'number':
      if (isWhole) return Number(BigInt(word.replace('-', ''))) * (word.startsWith('-') ? -1 : 1);
      return word !== '' && !Number.isNaN(Number(word))
        ? Number(word)
        : word === 'NaN'
          ? NaN
          : expected('a number');
    case 'bigint':
      if (!isWhole) return expected('a whole number');
      return BigInt(word.replace('-', '')) * (word.startsWith('-') ? -1n : 1n);
    case 'boolean':
      return word === 'true' ? true : word === 'false' ? false : expected('true or false');
    case 'bytes': {
      const digits = word.replace(/^0x/i, '');
      return /^([\da-f]{2})*$/i.test(digits) ? Buffer.from(digits, 'hex') : expected('bytes in hex');
    }
    case 'name':
      return field.names.includes(word) || !isWhole ? word : Number(word);
    case 'text':
      return unquoted(word);
    default:
      return valueFrom(parseJson(word, path), field, path);
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: expected JSON: ${showThrown(error)}`);
  }
}

function unquoted(word: string): string {
  if (!/^"[\s\S]*"$/.test(word)) return word;
  try {
    return JSON.parse(word) as string;
  } catch {
    return word;
  }
}

/** Split a text at spaces, except inside double quotes, brackets and braces. */
function wordsOf(text: string, fields: readonly DeclaredField[]): string[] {
  const words: string[] = [];
  let word = '';
  let depth = 0;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"|\s+|[\s\S]/g)) {
    if (/^[[{]$/.test(part)) depth++;
    else if (/^[\]}]$/.test(part)) depth--;
    if (depth > 0 || !/^\s/.test(part)) word += part;
    else if (word !== '') {
      words.push(word);
      word = '';
    }
  }
  if (word !== '') words.push(word);
  // A last text field given by name takes the rest of the line, as one given in order does.
  const last = fields.at(-1);
  const at = words.findIndex((one) => last?.takes === 'text' && one.startsWith(`${last.name}=`));
  if (at < 0 || at === words.length - 1 || words.slice(at + 1).some((one) => isNamed(one, fields)))
    return words;
  return [...words.slice(0, at), words.slice(at).join(' ')];
}

function isNamed(word: string, fields: readonly DeclaredField[]): boolean {
  return fields.some(({ name }) => word.startsWith(`${name}=`));
}

function byName(words: readonly string[], fields: readonly DeclaredField[]): Map<string, string> | undefined {
  if (words.length === 0 || !words.every((word) => isNamed(word, fields))) return undefined;
  return new Map(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
}

function inOrder(
  rest: string,
  words: readonly string[],
  fields: readonly DeclaredField[],
): Map<string, string> | undefined {
  const given = new Map<string, string>();
  for (const [index, { name, takes }] of fields.entries()) {
    if (takes === 'text' && index === fields.length - 1) {
      const before = words.slice(0, index);
      if (before.length < index) return given;
      const from = before.reduce((at, word) => rest.indexOf(word, at) + word.length, 0);
      given.set(name, rest.slice(from).trim());
      return given;
    }
    const word = words[index];
    if (word !== undefined) given.set(name, word);
  }
  return words.length > fields.length ? undefined : given;
}
