import { isDeepStrictEqual } from 'node:util';
import { show } from '../../bytes/show.ts';
import type { DeclaredCodec } from '../../protocol/fields/messages.ts';
import type { Shown } from './change.ts';
import type { Difference } from './shared-values.ts';

type Codec = Pick<DeclaredCodec<unknown>, 'decode' | 'encode'>;

/** Where two versions read different values in the same bytes, if they do. */
export type Compare = (old: unknown, now: unknown) => Difference | undefined;

/** A message that the other version does not read as it is. */
export interface Failure {
  readonly shown: Shown;
  /** Where the values differ; undefined where the other version refuses the message. */
  readonly path?: string;
}

/** What the other version makes of a message that one version writes, where that is not the message itself. */
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
    // It is no message of its own version: it shows nothing.
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
  // Another place on the wire, by accident with the same value, shows nothing.
  if (found === undefined || areAlike(sent, got)) return undefined;
  const [was, is] = by === 'old' ? [found.old, found.new] : [found.new, found.old];
  return {
    shown: shown(`${found.path || 'the message'} is read as ${show(is)}, not ${show(was)}`),
    path: found.path,
  };
}

/** Whether two values cannot be told apart: the same members, those that are undefined aside. */
function areAlike(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  if (a instanceof Uint8Array || b instanceof Uint8Array) return isDeepStrictEqual(a, b);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) =>
    areAlike((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}

/** Whether a message is of no declared kind, or a union in it is: its writer promises nothing to a reader. */
function holdsUnknown(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return (value as { type?: unknown }).type === 'unknown' || Object.values(value).some(holdsUnknown);
}
