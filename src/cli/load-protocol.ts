import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Option } from 'commander';
import { showThrown } from '../bytes/show.ts';
import { drone } from '../drone/protocol.ts';
import type { Codec } from '../protocol/codec.ts';
import type { FramingPair, Preface } from '../protocol/direction.ts';
import type { Framing } from '../protocol/framing/framing.ts';
import type { MessageSource } from '../protocol/session/declaration.ts';
import type { Session } from '../protocol/session/session.ts';
import { UsageError } from './usage-error.ts';

/** A protocol exported by a module. */
export interface LoadedProtocol {
  readonly name: string;
  readonly framing: Framing | FramingPair;
  readonly preface?: Preface | undefined;
  readonly clientMessages: MessageSource<Codec<object>>;
  readonly serverMessages: MessageSource<Codec<object>>;
  readonly session?: Session<object, object, string, unknown>;
}

const BUILT_IN: Readonly<Record<string, LoadedProtocol>> = {
  drone: drone as unknown as LoadedProtocol,
};

/** The forms of a protocol, for the help. */
export const protocolForms = 'a module (./my-protocol.ts, ./all.js#name) or a built-in protocol (drone)';

/** The option `--protocol MODULE`, whose value `loadProtocol` takes. */
export function protocolOption(): Option {
  return new Option('--protocol <module>', protocolForms).default('drone');
}

/**
 * Load a protocol by its built-in name, or from a module: the export named by `#name`, else the default export, else
 * the only exported protocol. A path is relative to the current folder.
 *
 * @throws UsageError of one line, for a path that does not exist, a module that cannot be loaded, and a module that
 *   exports no protocol or several
 */
export async function loadProtocol(specifier: string): Promise<LoadedProtocol> {
  if (Object.hasOwn(BUILT_IN, specifier)) return BUILT_IN[specifier]!;
  const { file, picked } = fileAndExport(specifier);
  const where = `--protocol ${specifier}`;
  if (!existsSync(file)) {
    const names = Object.keys(BUILT_IN).join(', ');
    throw new UsageError(
      `${where}: no such file (expected a module's path, or a built-in protocol: ${names})`,
    );
  }
  const exported = await load(file, where);
  if (picked !== undefined) {
    if (isProtocol(exported[picked])) return exported[picked];
    throw new UsageError(
      `${where}: the module exports no protocol '${picked}'${list(protocolsOf(exported))}`,
    );
  }
  if (isProtocol(exported.default)) return exported.default;
  const found = protocolsOf(exported);
  if (found.length === 1) return exported[found[0]!] as LoadedProtocol;
  throw new UsageError(
    found.length === 0
      ? `${where}: the module exports no protocol (expected the result of defineProtocol, as the default export or a named one)`
      : `${where}: the module exports several protocols${list(found)}; pick one, as in ${specifier}#${found[0]}`,
  );
}

/** `./all.js#chat` → the file, and the name of the export. A file whose name contains the `#` takes precedence. */
function fileAndExport(specifier: string): { file: string; picked: string | undefined } {
  const hash = specifier.lastIndexOf('#');
  if (hash < 0 || existsSync(specifier)) return { file: path.resolve(specifier), picked: undefined };
  return { file: path.resolve(specifier.slice(0, hash)), picked: specifier.slice(hash + 1) };
}

async function load(file: string, where: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      const isTypeScript = /\.[cm]?ts$/.test(file);
      throw new UsageError(
        isTypeScript
          ? `${where}: TypeScript needs Node 22.18 or later, this is ${process.version}; give the module as JavaScript`
          : `${where}: expected a module of JavaScript or TypeScript`,
      );
    }
    throw new UsageError(`${where}: cannot load the module: ${showThrown(error)}`);
  }
}

function protocolsOf(exported: Record<string, unknown>): string[] {
  return Object.keys(exported).filter((name) => isProtocol(exported[name]));
}

function list(names: readonly string[]): string {
  return names.length === 0 ? '' : `: ${names.join(', ')}`;
}

/** True if a value has the parts of a protocol, even if another copy of the package made it. */
function isProtocol(value: unknown): value is LoadedProtocol {
  const { name, framing, clientMessages, serverMessages } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    [framing, ...Object.values(framing ?? {})].some((one) => has(one, 'reader', 'writer')) &&
    has(clientMessages, 'decode', 'encode') &&
    has(serverMessages, 'decode', 'encode')
  );
}

function has(part: unknown, ...methods: string[]): boolean {
  return methods.every((name) => typeof (part as Record<string, unknown> | undefined)?.[name] === 'function');
}
