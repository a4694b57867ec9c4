import type { CommanderError } from 'commander';

/**
 * The argument parser's error on one line, with a hint.
 *
 *     error: unknown option '--prot'\n(Did you mean --port?)   →   unknown option: --prot (did you mean --port?)
 */
export function parseProblem({ code, message }: CommanderError): string {
  const [problem = '', near] = message.replace(/^error: /, '').split(/\n(?=\(Did you mean [^\n]*\?\)$)/);
  const help = near === undefined ? '(try --help)' : near.replace('(Did', '(did');
  const [, quoted = ''] = /'([\s\S]*)'/.exec(problem) ?? [];
  // commander quotes an option as declared: '--port <number>'.
  if (code === 'commander.optionMissingArgument') return `${quoted.split(' ')[0]} wants a value ${help}`;
  if (code === 'commander.unknownOption') return `unknown option: ${quoted} ${help}`;
  if (code === 'commander.unknownCommand') return `no such command: ${quoted} ${help}`;
  return `${problem} ${help}`;
}
