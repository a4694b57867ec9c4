import { safeText } from '../bytes/show.ts';
import { renderPage } from '../tools/view/render-page.ts';
import { protocolOption } from './load-protocol.ts';
import { print } from './print.ts';
import { readRecordings, recordingForms } from './recording.ts';
import { examples, type Verb } from './verb.ts';
import { writeWhole } from './write-whole.ts';

/** `view`: make an HTML page of recorded conversations. */
export const view: Verb = (program) => {
  program
    .command('view')
    .description('make a self-contained HTML page of recorded conversations')
    .argument('<file...>', recordingForms)
    .addOption(protocolOption())
    .option('--out <page>', 'the file to write, replaced atomically (default: stdout)')
    .option('--json', "print the viewer's document (JSON) instead of the page")
    .addHelpText(
      'after',
      examples(
        'wirepipe view flight.pcap --out flight.html',
        'wirepipe view near.ndjson far.ndjson --out both.html',
        'wirepipe view flight.jsonl --json | jq .events[0]',
        'wirepipe view --protocol ./chat.ts - <chat.jsonl >chat.html',
      ),
    )
    .action(run);
};

async function run(
  files: string[],
  options: { protocol: string; out?: string; json?: boolean },
): Promise<void> {
  const { document, faults } = await readRecordings(files, options.protocol);
  const output = options.json ? JSON.stringify(document) : renderPage(document);
  if (options.out === undefined) await print([output.trimEnd()]);
  else await writeWhole(options.out, output);
  for (const fault of faults) console.error(safeText(`wirepipe: ${fault}`));
  if (faults.length > 0) process.exitCode = 1;
}
