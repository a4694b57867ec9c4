import { safeText } from '../bytes/show.ts';
import { type DocumentedProtocol, wireDocs } from '../tools/docs/wire-docs.ts';
import { gapText } from '../tools/gap.ts';
import { loadProtocol, protocolForms } from './load-protocol.ts';
import { print } from './print.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { writeWhole } from './write-whole.ts';

/** `docs`: write the wire documentation of a protocol. */
export const docs: Verb = (program) => {
  program
    .command('docs')
    .description('write the wire documentation of a protocol, for implementations in other languages')
    .argument('[protocol]', protocolForms, 'drone')
    .option('--rfc', 'draw byte diagrams as text, 32 bits per row, instead of Mermaid')
    .option('--html', 'write a self-contained HTML page instead of Markdown')
    .option('--out <page>', 'the file to write, replaced atomically (default: stdout)')
    .addHelpText(
      'after',
      examples(
        'wirepipe docs ./chat.ts --out docs/chat-wire.md',
        'wirepipe docs ./chat.ts --html --out chat.html',
      ),
    )
    .action(run);
};

async function run(
  specifier: string,
  options: { rfc?: boolean; html?: boolean; out?: string },
): Promise<void> {
  const { rfc = false, html = false, out } = options;
  if (rfc && html)
    throw new UsageError('--rfc: the diagrams of --html are drawn already; give one of the two');
  const protocol = (await loadProtocol(specifier)) as unknown as DocumentedProtocol;
  const { text, gaps } = wireDocs(protocol, { format: html ? 'html' : 'markdown', rfc });
  if (out === undefined) await print([text.trimEnd()]);
  else await writeWhole(out, text);
  for (const gap of gaps) console.error(`wirepipe: not on the page: ${safeText(gapText(gap))}`);
}
