import { FleetError } from '../errors.ts';
import type { Refused, Unknown } from './outcome.ts';

/** The error for a command that did not get its reply. */
export function commandError(
  outcome: Refused | Unknown,
  device: string,
  message: unknown,
  cause?: unknown,
): FleetError {
  const { type: messageType } = (message ?? {}) as { type?: string };
  const details = { origin: 'local', device, messageType, ...(cause !== undefined && { cause }) } as const;
  if (outcome.type === 'unknown') {
    const text = `'${messageType}' may have been executed, or may still be: ${outcome.text}`;
    return new FleetError('ERR_COMMAND_UNKNOWN', text, details);
  }
  const { reason, text } = outcome;
  return new FleetError('ERR_COMMAND_REFUSED', `'${messageType}' was not sent (${reason}): ${text}`, {
    ...details,
    reason,
  });
}
