import { type Command, Option } from 'commander';
import { showThrown } from '../bytes/show.ts';
import { type FuzzReport, fuzz as fuzzServer } from '../fuzz/fuzz.ts';
import { replayAttack } from '../fuzz/replay-attack.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { ATTACK_KINDS, type AttackKind } from '../tools/fuzz/attacks.ts';
import {
  dial,
  type Endpoint,
  endpointForms,
  parseEndpoint,
  showEndpoint,
  type TlsOptions,
  withTlsTo,
} from './endpoint.ts';
import { fuzzModule } from './fuzz-in-process.ts';
import { FailureFiles, failureLines, reportLines } from './fuzz-report.ts';
import { valuesOf } from './fuzz-values.ts';
import { loadProtocol, protocolForms } from './load-protocol.ts';
import { captureFileEvents } from './recording.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { whole } from './whole-number.ts';

interface FuzzVerbOptions extends TlsOptions {
  to?: string;
  using: string[];
  seconds: number;
  attacks?: number;
  seed: number;
  only?: AttackKind[];
  refusal: string;
  exact?: boolean;
  unasked?: boolean;
  timeout: number;
  run?: string;
  pid?: number;
  memory: number;
  flood: number;
  failures: number;
  out?: string;
  replay?: string;
  inProcess?: string;
  corpus?: string;
  json?: boolean;
}

/** `fuzz`: attack a server with messages made from its protocol's declaration. */
export const fuzz: Verb = (program) => {
  withAttack(
    withServer(
      program
        .command('fuzz')
        .description(
          "attack a server with input made from its protocol's declaration, and report crashes, hangs, answers that the session does not allow, and invalid input that is accepted",
        )
        .argument('[protocol]', protocolForms, 'drone'),
    ),
  )
    .option(
      '--out <file>',
      'write the capture of the first failure here and the others beside it (-2, -3, …), each with a test (.test.mjs)',
    )
    .option('--replay <file>', 'replay the capture of a failure, and say whether it still fails')
    .option(
      '--in-process <module>',
      'without a server: call the exports of a module (framings, codecs, protocols, functions) with random bytes, guided by code coverage',
    )
    .option('--corpus <folder>', 'for --in-process: a folder of initial inputs, to which new ones are added')
    .option('--json', 'print failures and the report as lines of JSON')
    .addHelpText(
      'after',
      `${examples(
        "wirepipe fuzz --to 4000 --using 'handshake: write HELLO' --seconds 10",
        "wirepipe fuzz ./chat.ts --to 4000 --using ./tokens.js --run 'node server.js 4000' --out failure.ndjson",
        'wirepipe fuzz ./chat.ts --to 4000 --only fields frames --refusal close:error --seed 7',
        'wirepipe fuzz --to 4000 --exact --replay failure.ndjson',
        'wirepipe fuzz --in-process ./targets.mjs --corpus corpus --seconds 30',
      )}

exit status: 0 if nothing was found, 1 if something was found or the server cannot be reached, 2 for wrong arguments`,
    )
    .action(run);
};

function withServer(command: Command): Command {
  const server = command
    .option('--to <place>', `the server, at ${endpointForms}`)
    .option('--run <command>', 'a command that runs the server; it is watched, and restarted when it dies')
    .addOption(whole('--pid <number>', 'the process of the server, to watch its memory', 1))
    .addOption(
      whole('--memory <MiB>', 'how much more memory the process may hold than at the start', 1).default(256),
    );
  return withTlsTo(server);
}

function withAttack(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--using <value...>',
        "valid messages that lead to further states, such as 'handshake: write HELLO' or 'write HELLO', or a module that exports them",
      ).default([], 'for the built-in drone, its token'),
    )
    .addOption(whole('--seconds <number>', 'how long to attack, in seconds').default(60))
    .addOption(whole('--attacks <number>', 'the most attacks'))
    .addOption(whole('--seed <number>', 'the same seed makes the same attacks').default(1))
    .addOption(new Option('--only <kind...>', 'only these kinds of attacks').choices(ATTACK_KINDS))
    .option(
      '--refusal <how>',
      'how the server refuses input: close, ignore, any, TYPE (it answers with that type, and goes on) or close:TYPE',
      'close',
    )
    .option('--exact', "answers must equal those of the declared session's handlers, values included")
    .option('--unasked', 'states that do not declare their unsolicited messages may send any')
    .addOption(
      whole('--timeout <ms>', 'the longest wait for an expected answer, in milliseconds', 1).default(2_000),
    )
    .addOption(whole('--flood <bytes>', 'the size of a flood', 1).default(16_777_216))
    .addOption(whole('--failures <number>', 'stop after this many different failures', 1).default(10));
}

async function run(specifier: string, options: FuzzVerbOptions): Promise<void> {
  const { inProcess } = options;
  if (inProcess !== undefined) {
    if (options.to !== undefined) throw new UsageError('fuzz wants either --to PLACE or --in-process MODULE');
    await fuzzModule({ ...options, inProcess });
    return;
  }
  const place = placeOf(options);
  const protocol = await loadProtocol(specifier);
  const connect = () => dial(place, options);
  const { refusal, exact, unasked, timeout, seed, seconds, attacks, pid, memory, flood, failures } = options;
  const judging = { refusal, exact, unasked, timeout };
  if (options.replay !== undefined) {
    await replayFailure(options.replay, protocol, { connect, ...judging }, options.json === true);
    return;
  }
  const { values, custom } = await valuesOf(options.using, specifier, protocol);
  const { goodMessages } = await import('../fuzz/good-messages.ts');
  const messages = used(() => goodMessages(protocol.clientMessages, seed, custom));
  const files = new FailureFiles(options.out, { specifier, protocol, place, judging });
  let found = 0;
  if (!options.json) console.error(`attacking ${protocol.name} at ${showEndpoint(place)}, seed ${seed}`);
  let report: FuzzReport;
  try {
    report = await fuzzServer(protocol as never, {
      connect,
      ...judging,
      values,
      messages,
      seed,
      seconds,
      attacks,
      kinds: options.only,
      run: options.run,
      pid,
      memory,
      flood,
      failures,
      async onFailure(failure) {
        const written = await files.write(failure, ++found);
        for (const line of failureLines(failure, found, written, options.json === true)) console.log(line);
      },
    });
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(showThrown(error));
    throw error;
  }
  for (const line of reportLines(report, options.json === true)) console.log(line);
  if (found > 0) process.exitCode = 1;
}

async function replayFailure(
  file: string,
  protocol: Awaited<ReturnType<typeof loadProtocol>>,
  judging: Parameters<typeof replayAttack>[2],
  isJson: boolean,
): Promise<void> {
  const events: CaptureEvent[] = [];
  for await (const event of captureFileEvents(file)) events.push(event);
  const finding = await replayAttack(events, protocol as never, judging);
  if (finding !== undefined) process.exitCode = 1;
  if (isJson) console.log(JSON.stringify(finding ?? { kind: 'nothing' }));
  else console.log(finding === undefined ? 'nothing wrong' : `${finding.kind}: it ${finding.text}`);
}

function placeOf({ to }: FuzzVerbOptions): Endpoint {
  if (to === undefined) throw new UsageError('fuzz wants --to PLACE, or --in-process MODULE');
  return parseEndpoint('--to', to);
}

/** A declaration that cannot be used is a wrong argument. */
function used<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw new UsageError(showThrown(error));
  }
}
