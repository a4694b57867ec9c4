import type { DeclaredCodec } from '../../protocol/fields/messages.ts';
import type { Shown } from './change.ts';

type Codec = Pick<DeclaredCodec<unknown>, 'decode' | 'encode'>;

/** What the other version makes of a message that one version writes, where that is not the message itself. */
export function failureOf(
  by: 'old' | 'new',
  message: unknown,
  writer: Codec,
  reader: Codec,
  ignoresNames: boolean,
): Shown | undefined {
  let bytes: Buffer;
  let sent: unknown;
  try {
    bytes = Buffer.from(writer.encode(message));
    sent = writer.decode(bytes);
    // What is of no kind is nobody's to read.
    if (typeOf(sent) === 'unknown') return undefined;
  } catch {
    // It is no message of its own version: it shows nothing.
    return undefined;
  }
  const shown = (outcome: string): Shown => ({ by, message: sent, bytes: bytes.toString('hex'), outcome });
  let got: unknown;
  try {
    got = reader.decode(bytes);
  } catch (error) {
    const { code, message: text } = error as { code?: string; message: string };
    return shown(code === undefined ? text : `${code}: ${text}`);
  }
  const isSame = typeOf(got) === 'unknown' || ignoresNames || isShared(sent, got);
  if (!isSame) return shown('it is read as another message');
  return undefined;
}

function typeOf(message: unknown): unknown {
  return (message as { type?: unknown } | null)?.type;
}

/** Whether two values are the same in what both have, member by member. */
function isShared(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, index) => isShared(one, b[index]));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  return Object.keys(a).every(
    (name) =>
      !Object.hasOwn(b, name) ||
      isShared((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}
