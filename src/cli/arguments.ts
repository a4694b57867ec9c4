import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../options.ts';

/** Wrong arguments: one line on stderr, exit status 2. */
export class UsageError extends Error {}

/** Where a drone listens. */
export type Place = { port: number; host: string } | { path: string };

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  socket: { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

/** The `--port`, `--host` and `--socket` of a verb, and its other arguments; `place` is undefined when none is given. */
export function parsePlace(args: string[]): { place: Place | undefined; rest: string[] } {
  const { values, positionals: rest } = parse(args);
  const { port, host = '127.0.0.1', socket } = values;
  if (socket !== undefined) {
    if (port !== undefined || values.host !== undefined)
      throw new UsageError('give --port or --socket, not both');
    if (socket === '') throw new UsageError('--socket wants a path');
    return { place: { path: socket }, rest };
  }
  if (port === undefined) return { place: undefined, rest };
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new UsageError(`--port wants a number from 0 to 65535, got '${port}'`);
  }
  return { place: { port: Number(port), host }, rest };
}

function parse(args: string[]): {
  values: { port?: string; host?: string; socket?: string };
  positionals: string[];
} {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const option = /'(-[^\s'=]+)/.exec(message)?.[1];
    if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
      throw new UsageError(`${option} wants a value (try --help)`);
    const near = option && nearest(option.replace(/^-+/, ''), Object.keys(OPTIONS));
    const help = near === undefined ? 'try --help' : `did you mean --${near}?`;
    throw new UsageError(`unknown option: ${option ?? message} (${help})`);
  }
}

export function showPlace(place: Place): string {
  return 'path' in place ? place.path : `${place.host}:${place.port}`;
}
