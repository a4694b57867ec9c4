import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { Option } from 'commander';
import { safeText } from '../bytes/show.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import { plain } from '../protocol/recording/plain.ts';
import { type ReplayDifference, type ReplayOptions, replay as replayEvents } from '../testing/replay.ts';
import {
  dial,
  type Endpoint,
  endpointForms,
  listenAt,
  parseEndpoint,
  showEndpoint,
  type TlsOptions,
  withTlsListen,
  withTlsTo,
} from './endpoint.ts';
import { loadProtocol, protocolOption } from './load-protocol.ts';
import { showMessage } from './message-text.ts';
import { captureFileEvents, captureForms } from './recording.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { whole } from './whole-number.ts';

interface ReplayVerbOptions extends TlsOptions {
  protocol: string;
  to?: string;
  listen?: string;
  connection: number;
  bind?: string[];
  speed?: number;
  how: NonNullable<ReplayOptions['how']>;
  length?: number;
  seed?: number;
  timeout: number;
  json?: boolean;
}

/** `replay`: play one side of a recorded conversation against a live peer. */
export const replay: Verb = (program) => {
  const command = program
    .command('replay')
    .description(
      "replay the client's side of a recorded conversation against a server, or the server's side against a client, and print the first difference",
    )
    .argument('<file>', `${captureForms}; - is stdin`)
    .option('--to <place>', `replay the client's side against the server at ${endpointForms}`)
    .option('--listen <place>', "replay the server's side against the first client that connects here")
    .addOption(protocolOption())
    .addOption(whole('--connection <number>', 'the connection of the capture, counted from 0').default(0))
    .option(
      '--bind <path...>',
      'fields that differ from run to run: a live value replaces the recorded one in later messages; fields joined by = share values',
    )
    .option('--speed <times>', 'a multiple of the recorded speed (default: no pauses)', speedOf)
    .addOption(
      new Option(
        '--how <how>',
        'where to cut the sent bytes; recorded sends the recorded chunks, even if they are not messages',
      )
        .choices(['messages', 'recorded', 'coalesced', 'every', 'random'])
        .default('messages'),
    )
    .addOption(whole('--length <bytes>', 'for --how every: bytes per piece (default: 1)', 1))
    .addOption(whole('--seed <number>', 'for --how random (default: 1)'))
    .addOption(
      whole('--timeout <ms>', 'the longest wait for a recorded message, in milliseconds').default(5_000),
    )
    .option('--json', 'print the difference as a line of JSON');
  withTlsListen(withTlsTo(command))
    .addHelpText(
      'after',
      examples(
        'wirepipe replay flight.ndjson --to 4000',
        'wirepipe replay flight.pcap --connection 3 --to 4000 --how random --seed 7',
        'wirepipe replay chat.ndjson --protocol ./chat.ts --listen 4001 --bind hello.token=use.token reply.time',
      ),
    )
    .action(run);
};

async function run(file: string, options: ReplayVerbOptions): Promise<void> {
  if ((options.to === undefined) === (options.listen === undefined)) {
    throw new UsageError('replay wants either --to PLACE or --listen PLACE');
  }
  const side: Side = options.to === undefined ? 'server' : 'client';
  const place =
    options.to === undefined ? parseEndpoint('--listen', options.listen!) : parseEndpoint('--to', options.to);
  const protocol = await loadProtocol(options.protocol);
  const { connection, how, length, seed, speed, timeout, bind = [] } = options;
  const events: CaptureEvent[] = [];
  for await (const event of captureFileEvents(file)) {
    if (event.event !== 'datagram' && event.connection === connection) events.push(event);
  }
  if (!events.some(({ event }) => event === 'data')) {
    throw new UsageError(`${file}: nothing was sent on connection ${connection}`);
  }
  const stream = side === 'client' ? await dial(place, options) : await firstClient(place, options);
  const difference = await replayEvents(events, protocol as never, side, stream, {
    connection,
    bind: bind.map((paths) => (paths.includes('=') ? paths.split('=') : paths)),
    how,
    length,
    seed,
    speed,
    timeout,
  });
  stream.destroy();
  if (difference === undefined) {
    if (!options.json) console.log('the same');
    return;
  }
  process.exitCode = 1;
  if (options.json) console.log(JSON.stringify(plain(difference)));
  else for (const line of differenceLines(difference)) console.log(line);
}

async function firstClient(place: Endpoint, options: TlsOptions): Promise<Duplex> {
  let come!: (stream: Duplex) => void;
  const first = new Promise<Duplex>((resolve) => {
    come = resolve;
  });
  const listening = await listenAt(place, options, (stream) => come(stream));
  console.error(`replay: ${safeText(showEndpoint(listening.endpoint))}`);
  const stream = await Promise.race([first, once(process, 'SIGINT').then(() => process.exit(1))]);
  if (place.kind !== 'serial') listening.close();
  return stream;
}

function* differenceLines({ index, path, recorded, message }: ReplayDifference): Generator<string> {
  yield safeText(`message ${index + 1} differs${path === '' ? '' : ` in ${path}`}`);
  yield `  recorded  ${recorded === undefined ? 'the end' : shown(recorded)}`;
  yield `  live      ${message === undefined ? 'nothing' : shown(message)}`;
}

function shown(message: unknown): string {
  const isObject = typeof message === 'object' && message !== null && !(message instanceof Uint8Array);
  return isObject ? showMessage(message) : safeText(JSON.stringify(plain(message)));
}

function speedOf(text: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--speed wants a number above 0, got '${text}'`);
}
