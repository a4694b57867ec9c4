#!/usr/bin/env node
import { showThrown } from '../bytes/show.ts';
import { UsageError } from './arguments.ts';
import { fly } from './fly.ts';
import { send } from './send.ts';
import { serve } from './serve.ts';

const USAGE = `usage: wirepipe                                  fly the demonstration
       wirepipe serve [--port N [--host H] | --socket PATH]
                                                    keep serving a simulated drone
       wirepipe send (--port N [--host H] | --socket PATH) 'COMMAND'…
                                                    talk to one: 'write HELLO' 'move 10 20' 'changeColor 1 2 3' quit
exit status: 0, 1 when it failed (an answer that says error is an answer), 2 for wrong arguments`;

const VERBS: Record<string, (args: string[]) => Promise<number>> = { fly, send, serve };

/** Run a verb; answers the exit status: 0 when all went well, 1 when it did not, 2 for wrong arguments. */
async function main(args: string[]): Promise<number> {
  const [first = 'fly'] = args;
  if (first === 'help' || args.includes('--help') || args.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const verb = Object.hasOwn(VERBS, first) ? VERBS[first] : undefined;
    if (verb === undefined) throw new UsageError(`no such command: ${first} (try --help)`);
    return await verb(args.slice(1));
  } catch (error) {
    console.error(`wirepipe: ${showThrown(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
