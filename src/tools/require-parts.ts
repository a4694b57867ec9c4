import { anObject, aText, checkMembers } from '../options.ts';
import { requireLines } from '../protocol/direction.ts';
import { tableOf } from '../protocol/session/table.ts';

/**
 * Refuse a value that does not have the parts of a protocol that tools read. The session may be missing.
 *
 * @throws TypeError `toKsy: expected a protocol, as defineProtocol() makes it, got null`
 */
export function requireParts(
  where: string,
  protocol: Parameters<typeof requireLines>[1] & { readonly session?: unknown },
): void {
  requireLines(where, protocol, 'decode', 'encode');
  checkMembers(where, 'a protocol', protocol, { name: aText }, { replies: anObject });
  const { session } = protocol;
  if (session !== undefined) tableOf(session as Parameters<typeof tableOf>[0], where);
}
