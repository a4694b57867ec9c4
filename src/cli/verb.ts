import type { Command } from 'commander';

/**
 * A verb of the command line: adds its command, with its arguments, options, examples and action, to the program.
 *
 * The action resolves when the verb is done (exit status 0). It throws a `UsageError` for wrong arguments (2), anything else
 * for what failed (1), or sets `process.exitCode`.
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

/** The part of a verb's help that shows how it is used. */
export function examples(...lines: string[]): string {
  return `\nexamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
