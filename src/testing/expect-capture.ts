import { readFile, writeFile } from 'node:fs/promises';
import { type DecodableProtocol, type DecodedEvent, decodeCapture } from '../captures/decode-capture.ts';
import { readCapture } from '../captures/read-capture.ts';
import { anything, checkOptions, flag } from '../options.ts';

export interface ExpectCaptureOptions {
  /** The file of expected messages. Default: the capture's name with `.messages` behind it. */
  golden?: string | undefined;
  /** Write the file anew instead of comparing. Default: whether the environment has `UPDATE_CAPTURES`. */
  update?: boolean | undefined;
}

/** What a capture decodes to differs from what is expected; `differences` names each field. */
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
 * Decode a capture and compare its messages with those that are kept beside it, a line for each. The file is written where there is
 * none, or on request (`UPDATE_CAPTURES=1`). For any test runner: it throws where they differ, field by field.
 *
 * @throws CaptureMismatch where they differ
 *
 * @example
 * test('a flight', () => expectCapture('test/flight.pcapng', drone));
 */
export async function expectCapture<ClientMessage, ServerMessage>(
  file: string,
  protocol: DecodableProtocol<ClientMessage, ServerMessage>,
  options: ExpectCaptureOptions = {},
): Promise<void> {
  checkOptions('expectCapture', options, { golden: anything, update: flag });
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

/** What of an event is the same whenever the capture is read: no times, which differ from one recording to the next. */
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

/** JSON; a bigint as `{"$bigint":"…"}`, bytes as `{"$hex":"…"}`. */
function toText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, encoded) {
    const given = this[key];
    if (typeof given === 'bigint') return { $bigint: String(given) };
    if (given instanceof Uint8Array) return { $hex: Buffer.from(given).toString('hex') };
    if (typeof given === 'number' && !Number.isFinite(given)) return { $number: String(given) };
    return encoded;
  });
}

/** What differs, with the line and the path of each field. */
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
