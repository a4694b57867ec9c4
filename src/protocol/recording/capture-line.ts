import { CaptureError } from '../../errors.ts';
import type { CaptureEvent, CaptureHeader, DataEvent } from './events.ts';

export const FORMAT = 'wirepipe capture';
/** A reader knows files of this version. What is added later is passed over by it; what changes has another number. */
export const VERSION = 1;

/** The first line of a capture file, with its line end. */
export function headerLine(header: CaptureHeader): string {
  const { protocol, start, by } = header;
  return `${JSON.stringify({ format: FORMAT, version: VERSION, protocol, start, by })}\n`;
}

/**
 * The line of an event, with its line end.
 *
 * @example
 * eventLine({ event: 'data', time: 0.25, connection: 0, from: 'client', bytes: Buffer.from('hi') });
 * // '{"time":0.25,"connection":0,"event":"data","from":"client","bytes":"6869"}\n'
 */
export function eventLine(event: CaptureEvent): string {
  // The order of the fields is always the same: files can be compared line by line.
  const { time, event: kind, connection, bytes, ...rest } = event as CaptureEvent & Partial<DataEvent>;
  return `${JSON.stringify({ time, connection, event: kind, ...rest, bytes: bytes?.toString('hex') })}\n`;
}

/** What the first line says, checked. Throws a `CaptureError`. */
export function parseHeader(text: string): CaptureHeader {
  const value = parseObject(text, 1);
  if (value?.format !== FORMAT) {
    throw new CaptureError('ERR_CAPTURE_FORMAT', `line 1 is not the header of a '${FORMAT}'`, {
      line: 1,
      actual: text.slice(0, 40),
    });
  }
  if (value.version !== VERSION) {
    const message = `a '${FORMAT}' of version ${value.version}: only version ${VERSION} is known`;
    throw new CaptureError('ERR_CAPTURE_VERSION', message, {
      line: 1,
      actual: value.version,
      expected: VERSION,
    });
  }
  const { protocol, start, by } = value;
  return Object.fromEntries(
    Object.entries({ protocol, start, by }).filter(([, one]) => typeof one === 'string'),
  );
}

/** The event of a line; undefined where it is of a kind that is not known. Throws a `CaptureError` that names the line. */
export function parseEvent(text: string, line: number): CaptureEvent | undefined {
  const value = parseObject(text, line);
  const damaged = (what: string): CaptureError =>
    new CaptureError('ERR_CAPTURE_DAMAGED', `line ${line}: ${what}`, { line });
  if (value === undefined) throw damaged('not a JSON object');
  const { event, time, connection, from } = value;
  const shape = typeof event === 'string' && Object.hasOwn(SHAPES, event) ? SHAPES[event]! : undefined;
  if (shape === undefined) {
    if (typeof event !== 'string') throw damaged('an event without a name');
    return undefined;
  }
  if (typeof time !== 'number' || !Number.isFinite(time)) throw damaged('time is not a number of seconds');
  const result: Record<string, unknown> = { event, time };
  if (event !== 'datagram') {
    if (!Number.isSafeInteger(connection) || (connection as number) < 0)
      throw damaged('connection is not a number from 0');
    result.connection = connection;
  }
  for (const [name, check] of Object.entries(shape)) {
    const given = value[name];
    if (given === undefined && check.startsWith('?')) continue;
    const kind = check.replace('?', '');
    if (kind === 'side') {
      if (from !== 'client' && from !== 'server') throw damaged("from is neither 'client' nor 'server'");
      result.from = from;
    } else if (kind === 'bytes') {
      if (typeof given !== 'string' || given.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(given)) {
        throw damaged(`${name} is not hexadecimal`);
      }
      result[name] = Buffer.from(given, 'hex');
    } else if (kind === 'count') {
      if (!Number.isSafeInteger(given) || (given as number) < 0) throw damaged(`${name} is not a count`);
      result[name] = given;
    } else {
      if (typeof given !== 'string') throw damaged(`${name} is not a text`);
      result[name] = given;
    }
  }
  return result as unknown as CaptureEvent;
}

/** Beside time and connection: the fields of each event, and what they hold. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  open: { client: '?text', server: '?text' },
  data: { from: 'side', bytes: 'bytes' },
  gap: { from: 'side', length: 'count' },
  conflict: { from: 'side', offset: 'count', length: 'count' },
  end: { from: 'side' },
  reset: { from: 'side' },
  state: { state: 'text' },
  error: { code: '?text', message: 'text' },
  close: {},
  datagram: { source: 'text', target: 'text', bytes: 'bytes' },
};

function parseObject(text: string, line: number): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CaptureError(
      line === 1 ? 'ERR_CAPTURE_FORMAT' : 'ERR_CAPTURE_DAMAGED',
      `line ${line}: not JSON`,
      { line, cause },
    );
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
