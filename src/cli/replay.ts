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
} from './endpoint.ts';
import { loadProtocol, protocolOption } from './load-protocol.ts';
import { showMessage } from './message-text.ts';
import { captureFileEvents } from './recording.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

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
  program
    .command('replay')
    .description(
      "take the client's part of a recorded conversation against a server, or the server's against a client, and say where the live one differs",
    )
    .argument('<file>', 'a capture (of tap or recordTo, pcap, pcapng; also packed by gzip); - is stdin')
    .option('--to <place>', `take the client's part, against the server at ${endpointForms}`)
    .option('--listen <place>', "take the server's part, against the first client that comes there")
    .addOption(protocolOption())
    .addOption(whole('--connection <number>', 'which connection of the capture').default(0))
    .option(
      '--bind <path...>',
      'fields that differ from run to run: the live value is sent in place of the recorded one; fields joined by = are a group',
    )
    .option('--speed <times>', 'so many times as fast as recorded (default: without a pause)', speedOf)
    .addOption(
      new Option(
        '--how <how>',
        'where what is sent is cut; recorded: the bytes as they are, also where they are no messages',
      )
        .choices(['messages', 'recorded', 'coalesced', 'every', 'random'])
        .default('messages'),
    )
    .addOption(whole('--length <bytes>', 'of --how every: the pieces (default: 1)', 1))
    .addOption(whole('--seed <number>', 'of --how random (default: 1)'))
    .addOption(whole('--timeout <ms>', 'the longest wait for a message that was recorded').default(5_000))
    .option('--json', 'print the difference as a line of JSON')
    .option('--ca <file>', 'of --to tls: the authority to trust')
    .option('--servername <name>', 'of --to tls: the name that the certificate has to have')
    .option('--insecure', 'of --to tls: take any certificate')
    .option('--cert <file>', 'of --listen tls: our certificate, in PEM')
    .option('--key <file>', 'of --listen tls: its key')
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
    throw new UsageError('replay wants --to PLACE or --listen PLACE, one of them');
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

/** An option whose value is a whole number of at least `least`. */
export function whole(flags: string, description: string, least = 0): Option {
  return new Option(flags, description).argParser((text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new UsageError(`${flags.split(' ')[0]} wants a whole number from ${least}, got '${text}'`);
  });
}

function speedOf(text: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--speed wants a number above 0, got '${text}'`);
}
