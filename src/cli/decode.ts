import { type EventFilterOptions, eventFilter, withEventFilter } from './event-filter.ts';
import { EventLines } from './event-lines.ts';
import { EventStats } from './event-stats.ts';
import { protocolOption } from './load-protocol.ts';
import { Printer, print } from './print.ts';
import { openRecording, recordingForms } from './recording.ts';
import { examples, type Verb } from './verb.ts';

interface DecodeOptions extends EventFilterOptions {
  protocol: string;
  hex?: boolean;
  json?: boolean;
  stats?: boolean;
}

/** `decode`: print the messages of recordings, one per line. */
export const decode: Verb = (program) => {
  withEventFilter(
    program
      .command('decode')
      .description(
        'print the messages of recordings, one per line: time, connection, direction, state, message',
      )
      .argument('<file...>', recordingForms)
      .addOption(protocolOption()),
  )
    .option('--hex', "show each message's bytes, field by field")
    .option('--json', 'print each message as a line of JSON')
    .option('--stats', 'count messages by type instead: their number, sizes in bytes, and rates per second')
    .addHelpText(
      'after',
      examples(
        "wirepipe decode flight.pcap --where 'type = move and x > 10'",
        'wirepipe decode --connection 3 --from client --hex flight.ndjson.gz',
        'wirepipe decode --stats flight.jsonl',
      ),
    )
    .action(run);
};

async function run(files: string[], options: DecodeOptions): Promise<void> {
  const passes = eventFilter(options);
  const lines = new EventLines(options);
  for (const file of files) {
    const recording = await openRecording(file, options.protocol, {
      spans: options.hex === true,
      isAlone: options.stats === true,
    });
    const stats = new EventStats();
    const printer = new Printer();
    for await (const event of recording.events) {
      if (!passes(event)) continue;
      if (options.stats) stats.add(event);
      else {
        const full = printer.add(lines.of(event, recording.connections.length > 1));
        if (full !== undefined) await full;
      }
    }
    await printer.flush();
    if (options.stats) await print(options.json ? [JSON.stringify(stats.all())] : stats.table());
    if (recording.fault === undefined) continue;
    console.error(`wirepipe: ${recording.fault}`);
    process.exitCode = 1;
  }
}
