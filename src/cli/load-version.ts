import { readFile } from 'node:fs/promises';
import type { ProtocolJson, ProtocolParts } from '../tools/json/to-json.ts';
import { loadProtocol } from './load-protocol.ts';
import { UsageError } from './usage-error.ts';

/** The forms that `loadVersion` accepts, for the help. */
export const versionForms =
  'a module (./chat.ts, ./all.js#chat), a built-in protocol, or a document (*.json)';

/** Load a version of a protocol, from a module or from a document written by `wirepipe lock`. */
export async function loadVersion(given: string): Promise<ProtocolParts | ProtocolJson> {
  if (!given.endsWith('.json')) return (await loadProtocol(given)) as unknown as ProtocolParts;
  try {
    return JSON.parse(await readFile(given, 'utf8')) as ProtocolJson;
  } catch (error) {
    throw new UsageError(`${given}: expected a JSON document: ${(error as Error).message}`);
  }
}
