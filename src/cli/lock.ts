import { toJSON } from '../tools/json/to-json.ts';
import { loadVersion, versionForms } from './load-version.ts';
import { examples, type Verb } from './verb.ts';
import { writeWhole } from './write-whole.ts';

/** `lock`: write a protocol as data, for a later `compat`. */
export const lock: Verb = (program) => {
  program
    .command('lock')
    .description('write a protocol as a JSON document, to compare later versions with')
    .argument('<protocol>', versionForms)
    .option('--out <file>', 'the file to write, replaced atomically', 'wirepipe.lock.json')
    .addHelpText('after', examples('wirepipe lock ./chat.ts', 'wirepipe lock ./chat.ts --out chat-1.0.json'))
    .action(async (protocol: string, { out }: { out: string }) => {
      const version = await loadVersion(protocol);
      const document = 'format' in version ? version : toJSON(version);
      await writeWhole(out, `${JSON.stringify(document, null, 2)}\n`);
    });
};
