import { StringDecoder } from 'node:string_decoder';
import { CaptureError } from '../errors.ts';
import { aBuffer, requireIterable, requireMethods } from '../options.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';

/**
 * Reads a capture in another program's text format, line by line.
 *
 * `line` and `end` return events in order. They throw a `CaptureError`; `parseLines` adds the line number.
 */
export interface LineParser {
  line(text: string): readonly CaptureEvent[];
  /** The file is over. */
  end(): readonly CaptureEvent[];
}

/** The longest line of a text format, in characters. */
export const LONGEST_LINE = 33_600_000;

/**
 * The events of a text in another program's format: a stage of `stream.pipeline`.
 *
 * @throws CaptureError with its `line` if the text is damaged or cut off, after the events before the fault
 *
 * @example
 * const log = lineLog(/^(?<time>\S+) (?<dir>TX|RX): (?<data>.*)$/, { client: ['TX'] });
 * for await (const event of parseLines(createReadStream('serial.log'), log)) …
 */
export async function* parseLines(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  parser: LineParser,
): AsyncGenerator<CaptureEvent, void, undefined> {
  requireIterable('parseLines', 'chunks and texts', source, 'async iterable');
  requireMethods('parseLines', 'a parser, such as hexDump()', parser, 'line', 'end');
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let count = 0;
  /** What the parser gives. */
  const take = (work: () => readonly CaptureEvent[]): readonly CaptureEvent[] => {
    try {
      const events = work();
      requireIterable('parseLines: the parser', 'events', events);
      return events;
    } catch (error) {
      throw atLine(error, count);
    }
  };
  const parse = (text: string): readonly CaptureEvent[] => {
    count++;
    return take(() => parser.line(text.endsWith('\r') ? text.slice(0, -1) : text));
  };
  for await (const chunk of source) {
    const text = typeof chunk === 'string' ? chunk : decoder.write(chunkOf(chunk));
    rest += text;
    // Only a chunk that ends a line is worth joining what came before.
    const lines = text.includes('\n') ? rest.split('\n') : [];
    if (lines.length > 0) rest = lines.pop()!;
    if (rest.length > LONGEST_LINE) {
      const line = count + 1;
      throw new CaptureError(
        'ERR_CAPTURE_DAMAGED',
        `line ${line} is longer than ${LONGEST_LINE} characters`,
        { line },
      );
    }
    for (const line of lines) yield* parse(line);
  }
  rest += decoder.end();
  if (rest !== '') yield* parse(rest);
  yield* take(() => parser.end());
}

function chunkOf(chunk: Uint8Array): Buffer {
  aBuffer('parseLines: chunk', chunk);
  return Buffer.from(chunk);
}

function atLine(error: unknown, line: number): unknown {
  if (!(error instanceof CaptureError) || error.line !== undefined) return error;
  const { code, message, expected, actual } = error;
  return new CaptureError(code, `line ${line}: ${message}`, { line, expected, actual, cause: error });
}
