import { safeText } from '../bytes/show.ts';
import { endpointText, Flows } from '../captures/flows.ts';
import { isLinkTypeRead } from '../captures/ip-packet.ts';
import { packetReader } from '../captures/packet-reader.ts';
import { readChunks } from '../captures/read-chunks.ts';
import { CaptureError } from '../errors.ts';
import { print } from './print.ts';
import { StreamSummary } from './stream-summary.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

/** `streams`: print what the TCP connections of capture files carried, one line per direction. */
export const streams: Verb = (program) => {
  program
    .command('streams')
    .description('print a summary of each direction of each TCP connection in pcap and pcapng files')
    .argument('<file...>', 'captures, plain or gzip; several files are read as one, in this order')
    .option('--json', 'print one JSON object per line, with digests and the offsets of gaps')
    .addHelpText(
      'after',
      examples('wirepipe streams flight.pcapng', 'wirepipe streams --json flight.pcap.gz'),
    )
    .action(run);
};

async function run(files: string[], { json = false }: { json?: boolean }): Promise<void> {
  const all: StreamSummary[] = [];
  const flows = new Flows({
    stream(direction) {
      const summary = new StreamSummary(direction);
      all.push(summary);
      return summary;
    },
  });
  const faults: string[] = [];
  for (const file of files) {
    const fault = await read(file, flows);
    if (fault !== undefined) faults.push(`${file}: ${fault}`);
  }
  flows.finish();
  const seen = all.filter(({ direction }) => direction.firstPacket > 0);
  seen.sort((a, b) => a.direction.firstPacket - b.direction.firstPacket);
  await print(json ? jsonLines(seen) : table(seen));
  for (const fault of faults) console.error(`wirepipe: ${safeText(fault)}`);
  if (faults.length > 0) process.exitCode = 1;
}

/**
 * Feed the packets of a file to the flows. Returns why the file could not be read to its end; undefined if it could.
 */
async function read(file: string, flows: Flows): Promise<string | undefined> {
  const reader = packetReader();
  let known = 0;
  let strange: number | undefined;
  const take = (chunk: Buffer): void => {
    reader.push(chunk);
    while (reader.next()) {
      if (flows.packet(reader.packet)) known++;
      else if (!isLinkTypeRead(reader.packet.linkType)) strange = reader.packet.linkType;
    }
    if (reader.error !== undefined) throw reader.error;
  };
  try {
    await readChunks(file, take);
    reader.end();
    if (reader.error !== undefined) throw reader.error;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isWrongFile = code === 'ERR_CAPTURE_FORMAT' || code === 'ERR_CAPTURE_VERSION';
    if (error instanceof CaptureError && !isWrongFile) return message;
    throw new UsageError(`${file}: ${reason(code) ?? message}`);
  }
  if (strange !== undefined && known === 0) {
    throw new UsageError(`${file}: its packets have link type ${strange}, which is not supported`);
  }
  return undefined;
}

function reason(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EISDIR':
      return 'it is a directory';
    case 'EACCES':
      return 'permission denied';
    default:
      return undefined;
  }
}

function* jsonLines(summaries: readonly StreamSummary[]): Generator<string> {
  for (const summary of summaries) yield summary.toJson();
}

function* table(summaries: readonly StreamSummary[]): Generator<string> {
  const rows = summaries.map(({ direction, gaps, offset }) => {
    const { connection, from, to, present, syn, fin, rst, conflicts } = direction;
    const flags = [syn && 'SYN', fin && 'FIN', rst && 'RST'].filter(Boolean).join(' ');
    const lost = offset - present;
    return [
      String(connection),
      endpointText(from),
      endpointText(to),
      String(present),
      flags,
      gaps.length === 0 ? '' : `${lost} missing in ${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'}`,
      conflicts === 0 ? '' : String(conflicts),
    ];
  });
  const all = [['stream', 'from', 'to', 'bytes', 'flags', 'gaps', 'conflicts'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  for (const row of all) {
    const cells = row.map((cell, i) =>
      i === 0 || i === 3 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
    );
    yield cells.join('  ').trimEnd();
  }
}
