import { type Command, Option } from 'commander';
import { UsageError } from './usage-error.ts';

/** The address of a server. */
export type Place = { port: number; host: string } | { path: string };

/** The values of the options that `withPlace` adds. */
export interface PlaceOptions {
  port?: number;
  host?: string;
  socket?: string;
}

/** Add `--port`, `--host` and `--socket` to a command; `placeOf` reads them. */
export function withPlace(command: Command): Command {
  return command
    .addOption(new Option('--port <number>', 'TCP port').argParser(portOf).conflicts('socket'))
    .addOption(new Option('--host <address>', 'TCP host (default: 127.0.0.1)').conflicts('socket'))
    .addOption(new Option('--socket <path>', 'Unix socket').argParser(pathOf));
}

/** The place named by the options; undefined if they name none. */
export function placeOf({ port, host = '127.0.0.1', socket }: PlaceOptions): Place | undefined {
  if (socket !== undefined) return { path: socket };
  return port === undefined ? undefined : { port, host };
}

/** The place to connect to: it is required, and its port is not 0. */
export function destinationOf(options: PlaceOptions): Place {
  const place = placeOf(options);
  if (place === undefined) throw new UsageError('a server wants --port N or --socket PATH');
  if ('port' in place && place.port === 0) {
    throw new UsageError('--port wants a number from 1 to 65535 to connect to');
  }
  return place;
}

export function showPlace(place: Place): string {
  return 'path' in place ? place.path : `${place.host}:${place.port}`;
}

function pathOf(text: string): string {
  if (text === '' || isOption(text)) throw new UsageError('--socket wants a value (try --help)');
  return text;
}

function portOf(text: string): number {
  if (isOption(text)) throw new UsageError('--port wants a value (try --help)');
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new UsageError(`--port wants a number from 0 to 65535, got '${text}'`);
  }
  return Number(text);
}

/** The parser takes the next word as the value even if it is another option. */
function isOption(text: string): boolean {
  return /^--?[a-z]/i.test(text);
}
