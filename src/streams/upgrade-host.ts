import { StateError } from '../errors.ts';
import { quoted } from '../protocol/session/breach.ts';

/** What leads connections over to another protocol when a reply names an upgrade: a server, or a client. */
export interface UpgradeHost {
  /**
   * Whether the connection may go over: the reason why not. Asked before the answer is sent.
   * @param waiting - how many bytes have come behind the message that asked for it, as far as the stage knows
   */
  judge(name: string, waiting: number): Error | undefined;
  /** All that was answered has been given. Called at least once. */
  goOver(name: string): void;
}

/** A reply names an upgrade in a place where nothing can make it. */
export function noUpgrades(name: string, state: string): StateError {
  const text = `the session asks for the upgrade ${quoted(name)}, which only createServer and connect make`;
  return new StateError('ERR_STATE_UPGRADE', text, { origin: 'local', state });
}
