import type { Command } from 'commander';

/**
 * A verb of the command line: a function that adds its command, with arguments, options, examples and action, to the
 * program.
 *
 * The action resolves when the verb is done (exit status 0). It throws a `UsageError` for wrong arguments (2) and any
 * other error for a failure (1), or sets `process.exitCode`.
 *
 * @example
 * export const size: Verb = (program) => {
 *   program
 *     .command('size')
 *     .description('print the size of a file')
 *     .argument('<file>', 'the file')
 *     .addHelpText('after', examples('wirepipe size flight.bin'))
 *     .action(async (file: string) => console.log((await stat(file)).size));
 * };
 */
export type Verb = (program: Command) => void;

/** The examples at the end of a verb's help. */
export function examples(...lines: string[]): string {
  return `\nexamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
