import { once } from 'node:events';
import { safeText } from '../bytes/show.ts';
import { FaultPlan } from '../testing/faults.ts';
import type { ViewEvent } from '../tools/view/document.ts';
import {
  dial,
  endpointForms,
  listenAt,
  parseEndpoint,
  showEndpoint,
  type TlsOptions,
  withTlsListen,
  withTlsTo,
} from './endpoint.ts';
import { type EventFilterOptions, eventFilter, withEventFilter } from './event-filter.ts';
import { EventLines } from './event-lines.ts';
import { faultForms, type MessageNames, parseFault } from './fault-text.ts';
import { LiveOutput } from './live-output.ts';
import { LivePage } from './live-page.ts';
import { type LoadedProtocol, loadProtocol, protocolOption } from './load-protocol.ts';
import { TapRecording } from './tap-recording.ts';
import { TappedConversations } from './tapped-conversations.ts';
import { examples, type Verb } from './verb.ts';

interface TapOptions extends EventFilterOptions, TlsOptions {
  protocol: string;
  listen: string;
  to: string;
  out?: string;
  redact?: string[];
  fault?: string[];
  hex?: boolean;
  json?: boolean;
  quiet?: boolean;
  once?: boolean;
  view?: boolean;
}

/** `tap`: stand between a client and a server; print and record their messages, and inject faults. */
export const tap: Verb = (program) => {
  const command = withEventFilter(
    program
      .command('tap')
      .description('stand between a client and a server: print their messages, record them, inject faults')
      .requiredOption('--listen <place>', `where clients connect: ${endpointForms}`)
      .requiredOption('--to <place>', 'the server, in one of the same forms')
      .addOption(protocolOption()),
  )
    .option(
      '--out <file>',
      'record into this capture file (gzip if it ends in .gz), which appears when tap ends',
    )
    .option('--redact <path...>', "fields to record as '*', such as login.password")
    .option('--fault <fault>', `a fault to inject, may be repeated: ${faultForms}`, collect)
    .option('--hex', "show each message's bytes, field by field")
    .option('--json', 'print each message as a line of JSON')
    .option('--quiet', 'do not print the messages')
    .option('--view', 'show the messages on a live web page, on this machine only, and print its address')
    .option('--once', 'exit after the first connection');
  withTlsTo(withTlsListen(command))
    .addHelpText(
      'after',
      examples(
        'wirepipe tap --listen 4001 --to 4000 --out flight.ndjson.gz',
        "wirepipe tap --listen 4001 --to 4000 --fault 'after 2 move: reset' --fault 'ok: delay 200'",
        'wirepipe tap --listen 4001 --to 4000 --view --quiet',
        'wirepipe tap --listen 1883 --to tls:broker.example:8883 --protocol ./mqtt.ts',
        'wirepipe tap --listen /tmp/app.sock --to /run/db.sock --protocol ./db.ts --json',
        'wirepipe tap --listen /dev/ttyUSB0 --to /dev/ttyUSB1 --protocol ./modbus.ts --hex',
      ),
    )
    .action(run);
};

async function run(options: TapOptions): Promise<void> {
  const [listen, to] = [parseEndpoint('--listen', options.listen), parseEndpoint('--to', options.to)];
  const passes = eventFilter(options);
  const protocol = await loadProtocol(options.protocol);
  const faults = (options.fault ?? []).flatMap((text) => parseFault(text, namesOf(protocol)));
  const lines = new EventLines(options);
  const recording = options.out === undefined ? undefined : new TapRecording(options.out, options.redact);
  const page = options.view
    ? await LivePage.open({ title: `${showEndpoint(listen)} → ${showEndpoint(to)}`, protocol: protocol.name })
    : undefined;
  const output = options.quiet
    ? undefined
    : new LiveOutput((messages, marks) => lines.leftOut(messages, marks));
  const show = (event: ViewEvent, connection: string): void => {
    page?.add(event, connection);
    if (output !== undefined && passes(event))
      output.add(() => lines.of(event, true), event.is === 'message');
  };
  const conversations = new TappedConversations(protocol, {
    dial: () => dial(to, options),
    faults: faults.length > 0 ? new FaultPlan(protocol, faults) : undefined,
    recording,
    spans: options.hex === true || page !== undefined,
    show: output === undefined && page === undefined ? undefined : show,
    busy: () => output?.busy(),
  });
  const told = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    const listening = await listenAt(listen, options, (stream) => void conversations.take(stream));
    const title = `${showEndpoint(listening.endpoint)} → ${showEndpoint(to)}`;
    console.error(`tap: ${safeText(title)}`);
    if (page !== undefined) {
      // Port 0 has become a real port by now.
      page.title = title;
      console.error(`tap: ${page.url}`);
    }
    await (options.once ? Promise.race([told, conversations.first]) : told);
    listening.close();
  } finally {
    await conversations.close();
    page?.close();
  }
  // A terminal being read would keep the process alive.
  if (listen.kind === 'serial' || to.kind === 'serial') process.exit();
}

function namesOf({ clientMessages, serverMessages }: LoadedProtocol): MessageNames {
  return { client: typesOf(clientMessages), server: typesOf(serverMessages) };
}

function typesOf({
  types,
}: {
  readonly types?: readonly string[] | undefined;
}): readonly string[] | undefined {
  return types === undefined || types.length === 0 ? undefined : types;
}

function collect(value: string, all: readonly string[] = []): string[] {
  return [...all, value];
}
