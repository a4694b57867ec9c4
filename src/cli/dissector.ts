import { safeText } from '../bytes/show.ts';
import { toDissector } from '../tools/dissector/to-dissector.ts';
import { gapText } from '../tools/gap.ts';
import { loadProtocol, protocolForms } from './load-protocol.ts';
import { print } from './print.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { writeWhole } from './write-whole.ts';

/** `dissector`: make a dissector for Wireshark and tshark. */
export const dissector: Verb = (program) => {
  program
    .command('dissector')
    .description('make a dissector for Wireshark and tshark, in Lua')
    .argument('<protocol>', protocolForms)
    .option('--port <number>', "the server's port (default: none; set it in the preferences of Wireshark)")
    .option('--name <name>', "the prefix of field names in filters (default: the protocol's name)")
    .option('--out <file>', 'the file to write, replaced atomically (default: stdout)')
    .addHelpText(
      'after',
      examples(
        'wirepipe dissector drone --port 4000 --out drone.lua',
        "tshark -X lua_script:drone.lua -r flight.pcap -Y 'drone.move.x > 10'",
        'wirepipe dissector ./chat.ts >~/.local/lib/wireshark/plugins/chat.lua',
      ),
    )
    .action(run);
};

async function run(
  specifier: string,
  { port, name, out }: { port?: string; name?: string; out?: string },
): Promise<void> {
  const protocol = await loadProtocol(specifier);
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && !(Number.isInteger(number) && number >= 1 && number <= 65_535)) {
    throw new UsageError(`--port ${port}: expected a number from 1 to 65535`);
  }
  if (name !== undefined && !/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new UsageError(`--name ${name}: expected lower-case letters, digits and underscores`);
  }
  const { lua, gaps } = toDissector(protocol, { port: number, name });
  if (out === undefined) await print([lua.trimEnd()]);
  else await writeWhole(out, lua);
  for (const gap of gaps) console.error(`wirepipe: not in the dissector: ${safeText(gapText(gap))}`);
}
