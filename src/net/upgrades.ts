import type net from 'node:net';
import { StateError } from '../errors.ts';
import { anything, callback, checkOptions, oneOf } from '../options.ts';
import { quoted } from '../protocol/session/breach.ts';

/** What takes connections over when a reply of the session names an upgrade, by these names. */
export interface Upgrades<Owner> {
  readonly [name: string]: Upgrade<Owner>;
}

/** Takes over connections that go on with another protocol. */
export interface Upgrade<Owner> {
  /**
   * Bytes that have come behind the message that asked for the upgrade, before it was answered. `'refuse'`, the default, ends the
   * connection with `ERR_STATE_UNREAD`: in front of TLS they are what an attacker has put there (CVE-2011-0411). `'keep'` hands them over.
   */
  readonly unread?: 'refuse' | 'keep' | undefined;
  /**
   * Takes the connection over, once the answer has been flushed. The session is over, and what is spoken from now on, how it ends and
   * what fails is this function's to see to.
   *
   * @param socket - paused, without listeners of ours; a socket, or whatever else the protocol was spoken over
   * @param unread - what has come and was not read; empty under `'refuse'`
   * @param owner - the connection of the server, or the client, that it was
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

/** Why a connection may not go over to that protocol; undefined where it may. */
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
