import { safeText } from '../bytes/show.ts';
import { type Change, type Comparison, compareProtocols } from '../tools/compat/compare-protocols.ts';
import { DocumentError } from '../tools/json/document-error.ts';
import { loadVersion, versionForms } from './load-version.ts';
import { print } from './print.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

/** Sample messages of each codec to run through the other version, in both directions. */
const RUNS = 200;

/** `compat`: say what changed between two versions of a protocol, and which peers it breaks. */
export const compat: Verb = (program) => {
  program
    .command('compat')
    .description('say what changed between two versions of a protocol, and which peers it breaks')
    .argument('<old>', versionForms)
    .argument('<new>', 'the other version')
    .option('--json', 'print the comparison as JSON')
    .addHelpText(
      'after',
      `${examples(
        'wirepipe compat wirepipe.lock.json ./chat.ts',
        'wirepipe compat ./v1.ts ./v2.ts --json | jq .changes',
      )}\n\nexit status: 0 if every change is safe, 1 if one breaks a peer, 2 for wrong arguments`,
    )
    .action(run);
};

async function run(older: string, newer: string, options: { json?: boolean }): Promise<void> {
  const versions = [await loadVersion(older), await loadVersion(newer)] as const;
  const { sampleMessages } = await import('../fuzz/good-messages.ts');
  const comparison = compared(...versions, { examples: (codec) => sampleMessages(codec, RUNS, 1) });
  if (options.json) {
    const replacer = (_: string, value: unknown): unknown =>
      typeof value === 'bigint' ? String(value) : value;
    await print([JSON.stringify(comparison, replacer)]);
  } else {
    await print(
      comparison.changes.length === 0
        ? ['nothing changed']
        : comparison.changes.flatMap((change) => [...linesOf(change)]),
    );
  }
  if (!comparison.isSafe) process.exitCode = 1;
}

/** A malformed document is a wrong argument. */
function compared(...given: Parameters<typeof compareProtocols>): Comparison {
  try {
    return compareProtocols(...given);
  } catch (error) {
    if (error instanceof DocumentError) throw new UsageError(error.message);
    throw error;
  }
}

function* linesOf({ path, breaks, reason, shown, trace }: Change): Generator<string> {
  const verdict = breaks.length === 0 ? 'safe' : `breaks ${breaks.join(' and ')}`;
  yield safeText(`${verdict}: ${path}: ${reason}`);
  if (shown !== undefined) {
    yield safeText(`    the ${shown.by} version writes ${shown.bytes || 'nothing'}`);
    yield safeText(`    the ${shown.by === 'old' ? 'new' : 'old'} version: ${shown.outcome}`);
  }
  if (trace !== undefined) {
    const messages = trace.messages.map(({ from, type }) => `${from} ${type}`).join(', ');
    yield safeText(`    the ${trace.by} version allows: ${messages}`);
    yield safeText(`    the ${trace.by === 'old' ? 'new' : 'old'} version: ${trace.outcome}`);
  }
}
