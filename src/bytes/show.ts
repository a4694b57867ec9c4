/** The most characters of a value that a text shows. */
const SHOWN = 40;

/** The most characters of the message of an error that was thrown. */
const THROWN = 400;

/** Characters that a terminal or a log would act on: controls, line ends, marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * A value in a few words, for the text of an error or a line of a log: at most about forty characters of it, on one line,
 * with control characters escaped. Never throws, whatever the value is: a Proxy, an object without a prototype, a getter
 * that throws.
 *
 * @example
 * show('a\nb');              // '"a\\nb"'
 * show([1, 2, 3]);           // 'an array of 3'
 * show(Object.create(null)); // 'an object'
 */
export function show(value: unknown): string {
  try {
    switch (typeof value) {
      case 'string':
        return safeText(JSON.stringify(cut(value)));
      case 'bigint':
        return cut(`${value}n`);
      case 'symbol':
        return safeText(cut(String(value)));
      case 'function':
        return 'a function';
      case 'object':
        if (value === null) return 'null';
        if (Array.isArray(value)) return `an array of ${value.length}`;
        return value instanceof Uint8Array ? `${value.length} bytes` : 'an object';
      default:
        return String(value);
    }
  } catch {
    return 'an object that cannot be shown';
  }
}

/** A name in single quotes, at most about forty characters of it; any other value as `show` says it. Never throws. */
export function showName(name: unknown): string {
  return typeof name === 'string' ? `'${safeText(cut(name))}'` : show(name);
}

/**
 * What was thrown, or what a promise was rejected with, on one line: the message of an Error, at most about 400 characters
 * of it; anything else as `show` says it. Never throws.
 */
export function showThrown(thrown: unknown): string {
  try {
    if (thrown instanceof Error) {
      const { message } = thrown;
      if (typeof message === 'string') return safeText(cut(message, THROWN));
    }
  } catch {
    // A getter or a Proxy threw: show the value as any other.
  }
  return show(thrown);
}

/** What was thrown, as an Error: itself, or an Error that shows it and has it as its `cause`. Never throws. */
export function asError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown;
  } catch {
    // A Proxy, which has its own idea of what it is an instance of.
  }
  return new Error(`${show(thrown)} was thrown`, { cause: thrown });
}

/** The text with each character that a terminal would act on as an escape sequence: `\u001b`. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function cut(text: string, length: number = SHOWN): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** A tag, or any number as protocols write it, for the text of an error: a number in hex, a name in quotes. */
export function showTag(tag: unknown): string {
  if (Number.isInteger(tag) && (tag as number) >= 0) {
    return `0x${(tag as number).toString(16).padStart(2, '0')}`;
  }
  return typeof tag === 'bigint' ? String(tag) : show(tag);
}
