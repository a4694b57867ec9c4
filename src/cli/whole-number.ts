import { Option } from 'commander';
import { UsageError } from './usage-error.ts';

/** An option whose value is a whole number from `least` to 999,999,999. */
export function whole(flags: string, description: string, least = 0): Option {
  return new Option(flags, description).argParser((text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new UsageError(
      `${flags.split(' ')[0]} wants a whole number from ${least} to 999999999, got '${text}'`,
    );
  });
}
