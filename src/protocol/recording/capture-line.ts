import { asBuffer } from '../../bytes/buffer.ts';
import { show } from '../../bytes/show.ts';
import { CaptureError } from '../../errors.ts';
import { aBuffer, aText, type Check, checkMembers, natural, oneOf, requireIterable } from '../../options.ts';
import type { CaptureEvent, CaptureHeader, DataEvent } from './events.ts';

export const FORMAT = 'wirepipe capture';
/** What is written. A reader skips what it does not know; what changes the meaning of a line gets another number. */
const VERSION = 2;
/** Version 1 has all bytes as hexadecimal. */
const KNOWN: readonly unknown[] = [1, VERSION];
/**
 * Chunks of at most this many bytes are written in hexadecimal, which can be searched; longer ones in base64, which is
 * shorter and faster.
 */
const LONGEST_HEX = 512;

/** The first line of a capture file, with its line end. */
export function headerLine(header: CaptureHeader): string {
  checkHeader('headerLine', header);
  const { protocol, start, by } = header;
  return `${JSON.stringify({ format: FORMAT, version: VERSION, protocol, start, by })}\n`;
}

/**
 * The line of an event, with its line end. A chunk of more than 512 bytes is written in the field `base64`.
 *
 * @example
 * eventLine({ event: 'data', time: 0.25, connection: 0, from: 'client', bytes: Buffer.from('hi') });
 * // '{"time":0.25,"connection":0,"event":"data","from":"client","bytes":"6869"}\n'
 */
export function eventLine(event: CaptureEvent): string {
  checkEvent('eventLine', event);
  const { head, long, tail } = linePieces(
    'bytes' in event ? { ...event, bytes: asBuffer(event.bytes) } : event,
  );
  return long === undefined ? head : head + long.toString('base64') + tail;
}

/** A line as one text, or as two texts with `long` between them as base64. */
export interface LinePieces {
  readonly head: string;
  readonly long?: Buffer;
  readonly tail: string;
}

/** The pieces of an event's line, for a writer that does not convert a long chunk to one string. */
export function linePieces(event: CaptureEvent): LinePieces {
  // Most events are chunks; JSON.stringify would cost more than the rest of a small one.
  if (event.event === 'data') {
    const { time, connection, from, bytes } = event;
    const head = `{"time":${time},"connection":${connection},"event":"data","from":"${from}",`;
    if (bytes.length > LONGEST_HEX) return { head: `${head}"base64":"`, long: bytes, tail: TAIL };
    return { head: `${head}"bytes":"${bytes.toString('hex')}${TAIL}`, tail: '' };
  }
  // The order of the fields is fixed, so that files can be compared line by line.
  const {
    time,
    connection,
    event: kind,
    bytes,
    ...rest
  } = event as Exclude<CaptureEvent, DataEvent> & { connection?: number; bytes?: Buffer };
  const first = { time, connection, event: kind, ...rest };
  if (bytes === undefined || bytes.length <= LONGEST_HEX) {
    return { head: `${JSON.stringify({ ...first, bytes: bytes?.toString('hex') })}\n`, tail: '' };
  }
  return {
    head: JSON.stringify({ ...first, base64: '' }).slice(0, -TAIL.length + 1),
    long: bytes,
    tail: TAIL,
  };
}

/** The end of a line after its text. */
const TAIL = '"}\n';

/** Parse and check the first line. Throws a `CaptureError`. */
export function parseHeader(text: string): CaptureHeader {
  const value = parseObject(text, 1);
  if (value?.format !== FORMAT) {
    throw new CaptureError('ERR_CAPTURE_FORMAT', `line 1 is not the header of a '${FORMAT}'`, {
      line: 1,
      actual: text.slice(0, 40),
    });
  }
  if (!KNOWN.includes(value.version)) {
    const message = `a '${FORMAT}' of version ${show(value.version)}: versions ${KNOWN.join(' and ')} are known`;
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

/** Parse the event of a line; undefined for an unknown kind of event. Throws a `CaptureError` that names the line. */
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
      const isShort = given !== undefined || value.base64 === undefined;
      const bytes = isShort ? fromHex(given) : fromBase64(value.base64);
      if (bytes === undefined) throw damaged(isShort ? `${name} is not hexadecimal` : 'base64 is not base64');
      result[name] = bytes;
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

/** The fields of each event beside time and connection, with their types. */
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

/** @throws TypeError for a value that is not the header of a capture */
export function checkHeader(where: string, header: CaptureHeader): void {
  checkMembers(where, 'a header', header, {}, { protocol: aText, start: aText, by: aText });
}

const seconds: Check = (name, value) => {
  if (!Number.isFinite(value)) throw new TypeError(`${name} must be a number of seconds, got ${show(value)}`);
};

/** The checks of the fields in `SHAPES`. */
const CHECKS: Readonly<Record<string, Check>> = {
  text: aText,
  bytes: aBuffer,
  count: natural,
  side: oneOf('client', 'server'),
};

/**
 * Refuse a value that is not an event of a capture. An event of an unknown kind passes: a later version may know it.
 *
 * @throws TypeError or RangeError
 */
export function checkEvent(where: string, event: CaptureEvent): void {
  checkMembers(where, 'an event', event, { event: aText });
  const shape = Object.hasOwn(SHAPES, event.event) ? SHAPES[event.event]! : undefined;
  if (shape === undefined) return;
  seconds(`${where}: time`, event.time);
  if (event.event !== 'datagram') natural(`${where}: connection`, event.connection);
  for (const [name, check] of Object.entries(shape)) {
    const value = (event as unknown as Readonly<Record<string, unknown>>)[name];
    if (value === undefined && check.startsWith('?')) continue;
    CHECKS[check.replace('?', '')]!(`${where}: ${name}`, value);
  }
}

/** The events, each of them checked. */
export function* checkedEvents(
  where: string,
  events: Iterable<CaptureEvent>,
): Generator<CaptureEvent, void, undefined> {
  requireIterable(where, 'events', events);
  for (const event of events) {
    checkEvent(where, event);
    yield event;
  }
}

function fromHex(text: unknown): Buffer | undefined {
  const isHex = typeof text === 'string' && text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text);
  return isHex ? Buffer.from(text, 'hex') : undefined;
}

function fromBase64(text: unknown): Buffer | undefined {
  const isBase64 = typeof text === 'string' && text.length % 4 === 0 && /^[0-9a-zA-Z+/]*={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}

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
