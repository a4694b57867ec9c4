import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { showThrown } from '../bytes/show.ts';
import { type Chunk, describeChunks } from '../tools/view/describe-chunks.ts';
import { isViewDocument, type ViewDocument } from '../tools/view/document.ts';
import { renderPage } from '../tools/view/render-page.ts';
import { loadProtocol, protocolOption } from './load-protocol.ts';
import { print } from './print.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { writeWhole } from './write-whole.ts';

/** `view`: make one page of HTML from a recorded conversation. */
export const view: Verb = (program) => {
  program
    .command('view')
    .description('make one self-contained page of HTML from a recorded conversation')
    .argument('<file>', 'recorded chunks (lines of JSON) or a document of the viewer (JSON); - is stdin')
    .addOption(protocolOption())
    .option('--out <page>', 'the file to write, replaced as a whole (default: stdout)')
    .option('--json', 'give the document of the viewer instead of the page')
    .addHelpText(
      'after',
      examples(
        'wirepipe view flight.jsonl --out flight.html',
        'wirepipe view flight.jsonl --json | jq .events[0]',
        'wirepipe view --protocol ./chat.ts - <chat.jsonl >chat.html',
      ),
    )
    .action(run);
};

async function run(file: string, options: { protocol: string; out?: string; json?: boolean }): Promise<void> {
  const text = await read(file);
  const document = documentOf(text) ?? (await describe(file, text, options.protocol));
  const output = options.json ? JSON.stringify(document) : renderPage(document);
  if (options.out === undefined) await print([output.trimEnd()]);
  else await writeWhole(options.out, output);
}

async function read(file: string): Promise<string> {
  try {
    return file === '-' ? await textOf(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${showThrown(error)}`);
  }
}

/** The document that a file holds as a whole, if it does. */
function documentOf(text: string): ViewDocument | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isViewDocument(value) ? value : undefined;
  } catch {
    // Several lines of JSON are no JSON.
    return undefined;
  }
}

async function describe(file: string, text: string, specifier: string): Promise<ViewDocument> {
  const chunks = text
    .split('\n')
    .map((line, index) => [line, index + 1] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, number]) => chunkOf(line, `${file}, line ${number}`));
  if (chunks.length === 0) throw new UsageError(`${file}: expected lines of JSON, got none`);
  const title = file === '-' ? 'stdin' : file.replace(/^.*[\\/]/, '');
  return describeChunks(await loadProtocol(specifier), chunks, { title });
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
      `${where}: expected a document of the viewer, or lines of {"at": ms, "from": "client" or "server", "bytes": hex}`,
    );
  }
  return { at, from, bytes: Buffer.from(bytes, 'hex') };
}
