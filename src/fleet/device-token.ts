import { show } from '../bytes/show.ts';
import { FleetError } from '../errors.ts';

/** The most bytes of a device's name in UTF-8. Its token then has at most 171 characters. */
const LONGEST = 128;

/**
 * The name of a device as a part of subjects and keys: base64url of its UTF-8, so that NATS gives none of its characters a
 * meaning.
 *
 * @throws FleetError (`ERR_FLEET_DEVICE`) for a name that is empty, longer than 128 bytes, or not well-formed Unicode
 *
 * @example deviceToken('pump *.1'); // 'cHVtcCAqLjE'
 */
export function deviceToken(device: string): string {
  if (typeof device !== 'string' || device === '') throw wrong('a text that is not empty', device);
  // All lone surrogates would become the same bytes.
  if (/\p{Surrogate}/u.test(device)) throw wrong('well-formed Unicode', device);
  const length = Buffer.byteLength(device);
  if (length > LONGEST) throw wrong(`at most ${LONGEST} bytes of UTF-8`, device, `${length} bytes`);
  return Buffer.from(device).toString('base64url');
}

/** The name of the device with this token. */
export function deviceOf(token: string): string {
  return Buffer.from(token, 'base64url').toString();
}

function wrong(expected: string, actual: unknown, got = show(actual)): FleetError {
  return new FleetError('ERR_FLEET_DEVICE', `the name of a device must be ${expected}, got ${got}`, {
    expected,
    actual,
  });
}
