import { StateError } from '../errors.ts';
import { quoted } from '../protocol/session/breach.ts';

/** Switches connections to another protocol when a reply names an upgrade: a server, or a client. */
export interface UpgradeHost {
  /**
   * Why the connection cannot switch; undefined if it can. Called before the answer is sent.
   * @param waiting - how many bytes follow the message that asked for it, as far as the stage knows
   */
  judge(name: string, waiting: number): Error | undefined;
  /** All answers have been given. Called at least once. */
  goOver(name: string): void;
}

/** A reply names an upgrade that nothing can make here. */
export function noUpgrades(name: string, state: string): StateError {
  const text = `the session asks for the upgrade ${quoted(name)}, which only createServer and connect make`;
  return new StateError('ERR_STATE_UPGRADE', text, { origin: 'local', state });
}
