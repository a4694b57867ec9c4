import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { showThrown } from '../bytes/show.ts';
import { type Direction, endpointText, Flows } from '../captures/flows.ts';
import { packetReader } from '../captures/packet-reader.ts';
import {
  type Chunk,
  describeChunks,
  type Gap,
  type RecordedConnection,
} from '../tools/view/describe-chunks.ts';
import { isViewDocument, type ViewDocument } from '../tools/view/document.ts';
import { loadProtocol } from './load-protocol.ts';
import { UsageError } from './usage-error.ts';

/** What `readRecording` reads, for the help. */
export const recordingForms =
  'a capture (pcap, pcapng), recorded chunks (lines of JSON) or a document of view (JSON); - is stdin';

/**
 * Read a recording as a whole, and describe it by a protocol.
 *
 * @throws UsageError, in one line, for a file that cannot be read and one of another kind
 */
export async function readRecording(file: string, protocol: string): Promise<ViewDocument> {
  const bytes = await read(file);
  const title = file === '-' ? 'stdin' : file.replace(/^.*[\\/]/, '');
  if (!/^\s*\{/.test(bytes.toString('latin1', 0, 100))) {
    return describeChunks(await loadProtocol(protocol), captured(file, bytes), { title });
  }
  const text = bytes.toString();
  const document = documentOf(text);
  if (document !== undefined) return document;
  const chunks = text
    .split('\n')
    .map((line, index) => [line, index + 1] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, number]) => chunkOf(line, `${file}, line ${number}`));
  return describeChunks(await loadProtocol(protocol), [{ name: title, chunks }], { title });
}

async function read(file: string): Promise<Buffer> {
  try {
    const bytes = file === '-' ? await buffer(process.stdin) : await readFile(file);
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${showThrown(error)}`);
  }
}

/** The connections of a capture, what was sent on each in the order of the packets that gave it. */
function captured(file: string, bytes: Buffer): RecordedConnection[] {
  const found = new Map<number, { name: string; chunks: (Chunk | Gap)[] }>();
  const reader = packetReader();
  let start: number | undefined;
  let now = 0;
  const add = (
    { connection, isClient, from, to }: Direction,
    event: { bytes: Uint8Array } | { missing: number },
  ): void => {
    const [client, server] = isClient ? [from, to] : [to, from];
    const name = `${endpointText(client)} → ${endpointText(server)}`;
    const known = found.get(connection) ?? { name, chunks: [] };
    found.set(connection, known);
    known.chunks.push({ at: now, from: isClient ? 'client' : 'server', ...event });
  };
  const flows = new Flows({
    stream: (direction) => ({
      data: (memory, from, to) => add(direction, { bytes: Buffer.from(memory.subarray(from, to)) }),
      gap: (missing) => add(direction, { missing }),
    }),
  });
  reader.push(bytes);
  while (reader.next()) {
    const { seconds, nanoseconds } = reader.packet;
    const time = seconds * 1e3 + nanoseconds / 1e6;
    start ??= time;
    now = time - start;
    flows.packet(reader.packet);
  }
  reader.end();
  flows.finish();
  if (reader.error !== undefined) {
    throw new UsageError(`${file}: expected ${recordingForms}: ${showThrown(reader.error)}`);
  }
  return [...found.values()];
}

/** The document that a text holds as a whole, if it does. */
function documentOf(text: string): ViewDocument | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isViewDocument(value) ? value : undefined;
  } catch {
    // Several lines of JSON are no JSON.
    return undefined;
  }
}

function chunkOf(line: string, where: string): Chunk {
  let value: { at?: unknown; from?: unknown; bytes?: unknown } | null = null;
  try {
    value = JSON.parse(line);
  } catch {
    // Refused below, as JSON of another kind is.
  }
  const { at, from, bytes } = value ?? {};
  const isHex = typeof bytes === 'string' && /^([\da-f]{2})*$/i.test(bytes);
  if (typeof at !== 'number' || (from !== 'client' && from !== 'server') || !isHex) {
    throw new UsageError(
      `${where}: expected a document of view, or lines of {"at": ms, "from": "client" or "server", "bytes": hex}`,
    );
  }
  return { at, from, bytes: Buffer.from(bytes, 'hex') };
}
