/** What a server does with bytes that are no message, and with a message that its state does not take. */
export interface Refusal {
  /** Whether it ends the connection. */
  readonly ends: 'always' | 'never' | 'maybe';
  /** The types of message that it may say about it; undefined: any. */
  readonly says: ReadonlySet<string> | undefined;
}

/**
 * Read what a refusal is from a text:
 *
 *     close              ends the connection, and says nothing but the farewell of the session
 *     close:error,bye    says one of these before it ends the connection
 *     error              answers with that, and goes on
 *     ignore             goes on, and says nothing
 *     any                whatever it likes
 *
 * @param types - what servers may send, where that is known
 * @throws TypeError for a type that servers do not send
 */
export function parseRefusal(text: string, types?: readonly string[], hasFarewell = false): Refusal {
  if (text === 'any') return { ends: 'maybe', says: undefined };
  if (text === 'ignore') return { ends: 'never', says: new Set() };
  if (text === 'close') return { ends: 'always', says: hasFarewell ? undefined : new Set() };
  const [, close, list = ''] = /^(close:)?(.*)$/s.exec(text) ?? [];
  const says = list.split(',').map((type) => type.trim());
  const unknown = says.find((type) => type === '' || types?.includes(type) === false);
  if (unknown !== undefined) {
    throw new TypeError(
      `refusal: expected 'close', 'ignore', 'any' or types that the server sends${types ? ` (${types.join(', ')})` : ''}, got '${text}'`,
    );
  }
  return { ends: close === undefined ? 'never' : 'always', says: new Set(says) };
}
