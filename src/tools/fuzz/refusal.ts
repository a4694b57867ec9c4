/** What a server does with bytes that are not a message, and with a message that its state does not accept. */
export interface Refusal {
  /** Whether it ends the connection. */
  readonly ends: 'always' | 'never' | 'maybe';
  /** The types of message that it may send in reply; undefined for any. */
  readonly says: ReadonlySet<string> | undefined;
}

/**
 * Parse the description of a refusal:
 *
 *     close              ends the connection and sends nothing except the farewell of the session
 *     close:error,bye    sends one of these messages before it ends the connection
 *     error              answers with this message and continues
 *     ignore             continues and sends nothing
 *     any                anything
 *
 * @param types - the types that servers may send, if they are known
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
