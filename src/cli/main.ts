#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { safeText, showThrown } from '../bytes/show.ts';
import { compat } from './compat.ts';
import { decode } from './decode.ts';
import { diff } from './diff.ts';
import { dissector } from './dissector.ts';
import { docs } from './docs.ts';
import { fly } from './fly.ts';
import { fuzz } from './fuzz.ts';
import { ksy } from './ksy.ts';
import { lock } from './lock.ts';
import { parseProblem } from './parse-problem.ts';
import { repl } from './repl.ts';
import { replay } from './replay.ts';
import { send } from './send.ts';
import { serve } from './serve.ts';
import { shrink } from './shrink.ts';
import { streams } from './streams.ts';
import { tap } from './tap.ts';
import { endWithReader } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import type { Verb } from './verb.ts';
import { view } from './view.ts';

/** The verbs, in the order of the help. To add a verb, add a file and a line here. */
const VERBS: readonly Verb[] = [
  fly,
  serve,
  send,
  repl,
  streams,
  decode,
  view,
  tap,
  replay,
  diff,
  shrink,
  compat,
  lock,
  dissector,
  docs,
  fuzz,
  ksy,
];

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

function programOf(verbs: readonly Verb[]): Command {
  const program = new Command('wirepipe')
    .description(
      'Work with a binary protocol from the shell. Without a command, wirepipe runs the demonstration (fly).',
    )
    .version(version)
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ styleTitle: (title) => title.toLowerCase() })
    .configureOutput({ writeErr: () => {} })
    .exitOverride()
    .addHelpText(
      'after',
      '\nexit status: 0 for success, also if the server answers with an error; 1 for a failure; 2 for wrong arguments',
    );
  for (const verb of verbs) verb(program);
  return program;
}

/** Run a verb. Returns the exit status: 0 for success, 1 for a failure, 2 for wrong arguments. */
async function main(args: readonly string[]): Promise<number> {
  try {
    await programOf(VERBS).parseAsync(args.length === 0 ? ['fly'] : args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      console.error(`wirepipe: ${safeText(parseProblem(error))}`);
      return 2;
    }
    console.error(`wirepipe: ${showThrown(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

endWithReader();
process.exitCode = await main(process.argv.slice(2));
