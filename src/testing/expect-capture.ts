import { readFile, writeFile } from 'node:fs/promises';
import { type DecodableProtocol, type DecodedEvent, decodeCapture } from '../captures/decode-capture.ts';
import { readCapture } from '../captures/read-capture.ts';
import { aText, checkOptions, flag } from '../options.ts';

export interface ExpectCaptureOptions {
  /** The file of expected messages. Default: the capture's name with `.messages` appended. */
  golden?: string | undefined;
  /** Rewrite the file instead of comparing. Default: true if the environment variable `UPDATE_CAPTURES` is set. */
  update?: boolean | undefined;
}

/** The messages of a capture differ from the expected ones; `differences` names each field. */
export class CaptureMismatch extends Error {
  override readonly name = 'CaptureMismatch';
  readonly differences: readonly string[];

  constructor(file: string, differences: readonly string[]) {
    super(`${file}: the messages differ\n${differences.map((one) => `  ${one}`).join('\n')}`);
    this.differences = differences;
  }
}

const MOST_SHOWN = 20;

/**
 * Decode a capture and compare its messages with the file of expected messages beside it, one message per line. The
 * file is written if it does not exist, or on request (`UPDATE_CAPTURES=1`). Works under any test runner.
 *
 * @throws CaptureMismatch if they differ, naming the fields
 *
 * @example
 * test('a flight', () => expectCapture('test/flight.pcapng', drone));
 */
export async function expectCapture<ClientMessage, ServerMessage>(
  file: string,
  protocol: DecodableProtocol<ClientMessage, ServerMessage>,
  options: ExpectCaptureOptions = {},
): Promise<void> {
  aText('expectCapture: file', file);
  checkOptions('expectCapture', options, { golden: aText, update: flag });
  const { golden = `${file}.messages`, update = Boolean(process.env.UPDATE_CAPTURES) } = options;
  const actual: string[] = [];
  for await (const event of decodeCapture(readCapture(file), protocol)) {
    const line = goldenLine(event);
    if (line !== undefined) actual.push(line);
  }
  const expected = update ? undefined : await readLines(golden);
  if (expected === undefined) {
    await writeFile(golden, actual.map((line) => `${line}\n`).join(''));
    return;
  }
  const differences = compare(expected, actual);
  if (differences.length > 0) throw new CaptureMismatch(file, differences);
}

async function readLines(file: string): Promise<string[] | undefined> {
  try {
    return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The line of an event, without its time, which differs from one recording to the next. */
function goldenLine(event: DecodedEvent<unknown, unknown>): string | undefined {
  switch (event.event) {
    case 'message':
      return toText({ connection: event.connection, from: event.from, message: event.message });
    case 'fault': {
      const { connection, from, error } = event;
      return toText({ connection, from, fault: error.code, path: error.path });
    }
    case 'lost': {
      const { connection, from, length, goesOn } = event;
      return toText({ connection, from, lost: length, goesOn });
    }
    case 'end':
    case 'reset':
      return toText({ connection: event.connection, from: event.from, event: event.event });
    default:
      return undefined;
  }
}

/** JSON, with a bigint as `{"$bigint":"…"}` and bytes as `{"$hex":"…"}`. */
function toText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, encoded) {
    const given = this[key];
    if (typeof given === 'bigint') return { $bigint: String(given) };
    if (given instanceof Uint8Array) return { $hex: Buffer.from(given).toString('hex') };
    if (typeof given === 'number' && !Number.isFinite(given)) return { $number: String(given) };
    return encoded;
  });
}

/** The differences, each with its line and the path of its field. */
function compare(expected: readonly string[], actual: readonly string[]): string[] {
  const differences: string[] = [];
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    if (differences.length >= MOST_SHOWN) return [...differences, '…'];
    const [theirs, ours] = [expected[i], actual[i]];
    if (theirs === ours) continue;
    if (theirs === undefined) differences.push(`line ${i + 1}: not expected: ${ours}`);
    else if (ours === undefined) differences.push(`line ${i + 1}: missing: ${theirs}`);
    else differences.push(...fields(parse(theirs), JSON.parse(ours), `line ${i + 1}: `));
  }
  return differences;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function fields(expected: unknown, actual: unknown, path: string): string[] {
  if (typeof expected === 'object' && typeof actual === 'object' && expected !== null && actual !== null) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => {
      const [theirs, ours] = [
        (expected as Record<string, unknown>)[key],
        (actual as Record<string, unknown>)[key],
      ];
      const place = Array.isArray(actual) ? `[${key}]` : key;
      const dot = path.endsWith(': ') || place.startsWith('[') ? '' : '.';
      return JSON.stringify(theirs) === JSON.stringify(ours)
        ? []
        : fields(theirs, ours, `${path}${dot}${place}`);
    });
  }
  return [
    `${path}: expected ${JSON.stringify(expected) ?? 'nothing'}, got ${JSON.stringify(actual) ?? 'nothing'}`,
  ];
}
