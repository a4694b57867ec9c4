import { safeText } from '../bytes/show.ts';
import type { DocumentedProtocol } from '../tools/docs/wire-docs.ts';
import { gapText } from '../tools/gap.ts';
import { toKsy } from '../tools/ksy/to-ksy.ts';
import { loadProtocol, protocolForms } from './load-protocol.ts';
import { print } from './print.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { writeWhole } from './write-whole.ts';

/** `ksy`: write a Kaitai Struct definition. */
export const ksy: Verb = (program) => {
  program
    .command('ksy')
    .description('write the messages of one direction as a Kaitai Struct definition (.ksy)')
    .argument('[protocol]', protocolForms, 'drone')
    .option('--from <side>', "whose messages: 'client' or 'server'", 'client')
    .option('--payload', 'describe a payload without its frame')
    .option('--out <file>', 'the file to write, replaced atomically (default: stdout)')
    .addHelpText(
      'after',
      examples(
        'wirepipe ksy ./chat.ts --out chat_client.ksy',
        'wirepipe ksy ./chat.ts --from server >chat_server.ksy',
      ),
    )
    .action(run);
};

async function run(
  specifier: string,
  options: { from: string; payload?: boolean; out?: string },
): Promise<void> {
  const { from, payload = false, out } = options;
  if (from !== 'client' && from !== 'server') throw new UsageError('--from: expected client or server');
  const protocol = (await loadProtocol(specifier)) as unknown as DocumentedProtocol;
  const { text, gaps } = toKsy(protocol, { from, frames: !payload });
  if (out === undefined) await print([text.trimEnd()]);
  else await writeWhole(out, text);
  for (const gap of gaps) console.error(`wirepipe: not expressed: ${safeText(gapText(gap))}`);
}
