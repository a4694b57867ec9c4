import type net from 'node:net';
import { StateError } from '../errors.ts';
import { anything, callback, checkOptions, oneOf } from '../options.ts';
import { quoted } from '../protocol/session/breach.ts';

/** The functions that take over connections when a reply of the session names an upgrade, by these names. */
export interface Upgrades<Owner> {
  readonly [name: string]: Upgrade<Owner>;
}

/** Takes over connections that continue with another protocol. */
export interface Upgrade<Owner> {
  /**
   * Bytes after the message that asked for the upgrade, received before it was answered. `'refuse'`, the default, ends the
   * connection with `ERR_STATE_UNREAD`: before TLS, an attacker can insert such bytes (CVE-2011-0411). `'keep'` passes them on.
   */
  readonly unread?: 'refuse' | 'keep' | undefined;
  /**
   * Takes over the connection, once the answer has been flushed. The session is over, and this function is responsible for the
   * stream, its end and its errors.
   *
   * @param socket - paused, and without our listeners; a socket, or the other stream that carried the protocol
   * @param unread - the received bytes that were not read; empty with `'refuse'`
   * @param owner - the server's connection, or the client
   */
  take(socket: net.Socket, unread: Buffer, owner: Owner): unknown;
}

/** The check of the option. */
export function upgradesCheck(name: string, upgrades: unknown): void {
  if (typeof upgrades !== 'object' || upgrades === null) throw new TypeError(`${name} must be an object`);
  for (const [key, upgrade] of Object.entries(upgrades)) {
    const where = `${name}.${key}`;
    checkOptions(where, upgrade, { unread: oneOf('refuse', 'keep'), take: anything });
    callback(`${where}: take`, (upgrade as { take?: unknown }).take);
  }
}

/** Why a connection cannot switch to that protocol; undefined if it can. */
export function judgeUpgrade(
  upgrades: Upgrades<never> | undefined,
  name: string,
  waiting: number,
  state: string,
): StateError | undefined {
  const upgrade = upgrades !== undefined && Object.hasOwn(upgrades, name) ? upgrades[name] : undefined;
  if (upgrade === undefined) {
    const text = `the session asks for the upgrade ${quoted(name)}, which is not among the upgrades`;
    const expected = Object.keys(upgrades ?? {});
    return new StateError('ERR_STATE_UPGRADE', text, { origin: 'local', state, actual: name, expected });
  }
  if (waiting === 0 || upgrade.unread === 'keep') return undefined;
  const text = `${waiting} bytes came before the upgrade to ${quoted(name)}`;
  return new StateError('ERR_STATE_UNREAD', text, { state, limit: 0, actual: waiting });
}
