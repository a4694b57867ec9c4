import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { showThrown } from '../bytes/show.ts';
import type { FuzzOptions } from '../fuzz/fuzz.ts';
import { declaredFields } from './declared-fields.ts';
import type { LoadedProtocol } from './load-protocol.ts';
import { parseMessage } from './message-text.ts';
import { UsageError } from './usage-error.ts';

/** The messages that open a connection of the built-in protocols. */
const BUILT_IN: Readonly<Record<string, Values>> = {
  drone: { 'handshake.write': { type: 'write', text: 'HELLO' } },
};

type Values = NonNullable<FuzzOptions['values']>;

/** Valid messages, and arbitraries of custom fields, given by the user. */
export interface Given {
  readonly values: Values;
  // biome-ignore lint/suspicious/noExplicitAny: arbitraries of the user's copy of fast-check
  readonly custom: any;
}

/**
 * Read the values of `--using`: modules and messages.
 *
 *     ./tokens.js                   exports values, by default or by that name: { 'handshake.write': { … }, login: ({ received }) => ({ … }) };
 *                                   and custom: { field: an arbitrary of fast-check }
 *     write HELLO                   the message of its type in any state
 *     handshake: write HELLO        in that state
 *
 * @throws UsageError for anything else
 */
export async function valuesOf(
  using: readonly string[],
  specifier: string,
  protocol: LoadedProtocol,
): Promise<Given> {
  const states = new Set(protocol.session?.states);
  const typed = declaredFields(protocol.clientMessages);
  const values: Record<string, Values[string]> = { ...BUILT_IN[specifier] };
  let custom: unknown;
  for (const text of using) {
    if (/\.[cm]?[jt]s$/.test(text) && existsSync(text)) {
      const module = await load(text);
      Object.assign(values, module.values ?? module.default);
      custom = module.custom ?? custom;
      continue;
    }
    const [, state, rest = ''] = /^([^\s:{]+):\s*(.*)$/s.exec(text) ?? [undefined, undefined, text];
    if (state !== undefined && !states.has(state)) {
      const names = [...states].join(', ') || 'none';
      throw new UsageError(`--using '${text}': no such file, and no state '${state}' (there are: ${names})`);
    }
    const message = parseMessage(rest, typed) as { type: string };
    values[state === undefined ? message.type : `${state}.${message.type}`] = message;
  }
  return { values, custom };
}

async function load(file: string): Promise<{ values?: Values; default?: Values; custom?: unknown }> {
  try {
    return await import(pathToFileURL(path.resolve(file)).href);
  } catch (error) {
    throw new UsageError(`--using ${file}: cannot load the module: ${showThrown(error)}`);
  }
}
