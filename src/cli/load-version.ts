import { readFile } from 'node:fs/promises';
import type { ProtocolJson, ProtocolParts } from '../tools/json/to-json.ts';
import { loadProtocol } from './load-protocol.ts';
import { UsageError } from './usage-error.ts';

/** What `loadVersion` takes, for the help. */
export const versionForms =
  'a module (./chat.ts, ./all.js#chat), a built-in protocol, or a document (*.json)';

/** A version of a protocol: as a module gives it, or the document that `wirepipe lock` has written. */
export async function loadVersion(given: string): Promise<ProtocolParts | ProtocolJson> {
  if (!given.endsWith('.json')) return (await loadProtocol(given)) as unknown as ProtocolParts;
  try {
    return JSON.parse(await readFile(given, 'utf8')) as ProtocolJson;
  } catch (error) {
    throw new UsageError(`${given}: expected a document of JSON: ${(error as Error).message}`);
  }
}
