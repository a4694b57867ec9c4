/** A text or bytes as a Lua string. Anything but printable ASCII becomes `\ddd`, so that no name can end the string. */
export function luaString(value: string | Uint8Array): string {
  const bytes = Buffer.from(value as string);
  let text = '"';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
  }
  return `${text}"`;
}

/** A number in Lua syntax. */
export function luaNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'math.huge';
  if (value === Number.NEGATIVE_INFINITY) return '-math.huge';
  return Number.isNaN(value) ? '0/0' : String(value);
}

/** A field's value as the dissector holds it. A 64-bit number that a double does not hold exactly is a string of its digits. */
export function luaValue(value: number | bigint | string | boolean): string {
  if (typeof value === 'number') return luaNumber(value);
  if (typeof value === 'string') return luaString(value);
  if (typeof value === 'boolean') return String(value);
  return value >= -(2n ** 53n) && value <= 2n ** 53n ? String(value) : luaString(String(value));
}

/** A Lua table of named parts; undefined parts are left out. */
export function luaTable(parts: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parts).filter(([, text]) => text !== undefined);
  return `{ ${given.map(([name, text]) => `${name} = ${text}`).join(', ')} }`;
}

/** A comment line. No text in it can end the comment. */
export function luaComment(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get in
  return `-- ${text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')}`;
}
