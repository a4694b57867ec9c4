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
} from './endpoint.ts';
import { fuzzModule } from './fuzz-in-process.ts';
import { FailureFiles, failureLines, reportLines } from './fuzz-report.ts';
import { valuesOf } from './fuzz-values.ts';
import { loadProtocol } from './load-protocol.ts';
import { captureFileEvents } from './recording.ts';
import { whole } from './replay.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

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
          'attack a server by what its protocol declares, and say what it does wrong: crashes, hangs, answers that the session does not allow, mistakes that it takes',
        )
        .argument('[protocol]', 'a module (./my-protocol.ts, ./all.js#name) or a built-in one', 'drone'),
    ),
  )
    .option(
      '--out <file>',
      'write the capture of a failure here, those of others beside it (-2, -3, …), and a test (.test.mjs) beside each',
    )
    .option('--replay <file>', 'play the capture of a failure again, and say whether it still fails')
    .option(
      '--in-process <module>',
      'no server: give what the module exports (framings, codecs, protocols, functions) random bytes, led by the code they reach',
    )
    .option('--corpus <folder>', 'of --in-process: inputs to begin with; new ones are added')
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

exit status of fuzz: 0 when nothing was found, 1 when something was, or the server cannot be reached, 2 for wrong arguments`,
    )
    .action(run);
};

function withServer(command: Command): Command {
  return command
    .option('--to <place>', `the server, at ${endpointForms}`)
    .option(
      '--run <command>',
      'a command that runs the server: it is watched, and started again when it has died',
    )
    .addOption(whole('--pid <number>', "the server's process, whose memory is watched", 1))
    .addOption(
      whole('--memory <MiB>', 'what the process may hold beyond what it held at the start', 1).default(256),
    )
    .option('--ca <file>', 'of --to tls: the authority to trust')
    .option('--servername <name>', 'of --to tls: the name that the certificate has to have')
    .option('--insecure', 'of --to tls: take any certificate');
}

function withAttack(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--using <value...>',
        "good messages that lead on, such as 'handshake: write HELLO' or 'write HELLO', or a module that exports them",
      ).default([], 'of the built-in drone its token'),
    )
    .addOption(whole('--seconds <number>', 'how long to attack').default(60))
    .addOption(whole('--attacks <number>', 'how many attacks at the most'))
    .addOption(whole('--seed <number>', 'the same seed makes the same attacks').default(1))
    .addOption(new Option('--only <kind...>', 'only these kinds of attacks').choices(ATTACK_KINDS))
    .option(
      '--refusal <how>',
      'what the server does with what it does not take: close, ignore, any, TYPE (answers with it, and goes on) or close:TYPE',
      'close',
    )
    .option('--exact', "the answers have to be those of the declared session's handlers, their values too")
    .option('--unasked', 'states that do not name what they send unasked may send anything')
    .addOption(whole('--timeout <ms>', 'the longest wait for an answer that is owed', 1).default(2_000))
    .addOption(whole('--flood <bytes>', 'of a flood', 1).default(16_777_216))
    .addOption(whole('--failures <number>', 'how many different failures end it', 1).default(10));
}

async function run(specifier: string, options: FuzzVerbOptions): Promise<void> {
  const { inProcess } = options;
  if (inProcess !== undefined) {
    if (options.to !== undefined)
      throw new UsageError('fuzz wants --to PLACE or --in-process MODULE, one of them');
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
