import { isDeepStrictEqual } from 'node:util';
import { show } from '../../bytes/show.ts';
import type { DeclaredCodec } from '../../protocol/fields/messages.ts';
import type { Shown } from './change.ts';
import type { Difference } from './shared-values.ts';

type Codec = Pick<DeclaredCodec<unknown>, 'decode' | 'encode'>;

/** Returns where two versions read different values from the same bytes, if they do. */
export type Compare = (old: unknown, now: unknown) => Difference | undefined;

/** A message that the other version does not read as it is. */
export interface Failure {
  readonly shown: Shown;
  /** Where the values differ; undefined if the other version refuses the message. */
  readonly path?: string;
}

/** How the other version fails to read a message; undefined if it reads the same message. */
export function failureOf(
  by: 'old' | 'new',
  message: unknown,
  writer: Codec,
  reader: Codec,
  compare: Compare,
): Failure | undefined {
  let bytes: Buffer;
  let sent: unknown;
  try {
    bytes = Buffer.from(writer.encode(message));
    sent = writer.decode(bytes);
    if (holdsUnknown(sent)) return undefined;
  } catch {
    // Its own version does not read it, so it shows nothing.
    return undefined;
  }
  const shown = (outcome: string): Shown => ({ by, message: sent, bytes: bytes.toString('hex'), outcome });
  let got: unknown;
  try {
    got = reader.decode(bytes);
  } catch (error) {
    const { code, message: text } = error as { code?: string; message: string };
    return { shown: shown(code === undefined ? text : `${code}: ${text}`) };
  }
  const found = by === 'old' ? compare(sent, got) : compare(got, sent);
  // The same value at another place on the wire shows nothing.
  if (found === undefined || areAlike(sent, got)) return undefined;
  const [was, is] = by === 'old' ? [found.old, found.new] : [found.new, found.old];
  return {
    shown: shown(`${found.path || 'the message'} is read as ${show(is)}, not ${show(was)}`),
    path: found.path,
  };
}

/** Whether two values look the same; members that are undefined do not count. */
function areAlike(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (a instanceof Uint8Array || b instanceof Uint8Array) return isDeepStrictEqual(a, b);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) =>
    areAlike((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}

/** Whether a message, or a union in it, has an undeclared tag: its writer promises nothing to a reader. */
function holdsUnknown(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return (value as { type?: unknown }).type === 'unknown' || Object.values(value).some(holdsUnknown);
}
