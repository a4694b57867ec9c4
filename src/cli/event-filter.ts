import { type Command, Option } from 'commander';
import { showThrown } from '../bytes/show.ts';
import type { ViewEvent } from '../tools/view/document.ts';
import { aboutEvent } from '../tools/view/show-event.ts';
import { parseWhere } from '../tools/where.ts';
import { messageOf } from './event-lines.ts';
import { UsageError } from './usage-error.ts';

/** The values of the options that `withEventFilter` adds. */
export interface EventFilterOptions {
  where?: string;
  connection?: number;
  from?: 'client' | 'server';
}

/** Add `--where`, `--connection` and `--from` to a command; `eventFilter` reads them. */
export function withEventFilter(command: Command): Command {
  return command
    .option(
      '--where <filter>',
      "only messages that match, such as 'type = move and x > 10' or '@from = client'",
    )
    .addOption(
      new Option('--connection <number>', 'only this connection, counted from 0').argParser((text) => {
        if (/^\d{1,9}$/.test(text)) return Number(text);
        throw new UsageError(`--connection wants a number from 0, got '${text}'`);
      }),
    )
    .addOption(new Option('--from <side>', 'only what this side sent').choices(['client', 'server']));
}

/** @throws UsageError for a filter that does not parse */
export function eventFilter({ where, connection, from }: EventFilterOptions): (event: ViewEvent) => boolean {
  const filter = where === undefined ? undefined : parsed(where);
  return (event) =>
    (connection === undefined || event.connection === connection) &&
    (from === undefined || event.from === from) &&
    (filter === undefined || filter(messageOf(event), aboutEvent(event)));
}

function parsed(text: string): ReturnType<typeof parseWhere> {
  try {
    return parseWhere(text);
  } catch (error) {
    throw new UsageError(`--where: ${showThrown(error)}`);
  }
}
