import { CaptureError } from '../errors.ts';
import { aText, checkOptions, listOf, oneOf } from '../options.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import type { LineParser } from './line-parser.ts';

export interface LineLogOptions {
  /**
   * The values of `dir` that mark bytes of the client, in any case. Default `>`, `->`, `-->`, `tx`, `out`, `sent`,
   * `send`, `write`, `w`, `client`, `→`.
   */
  client?: readonly string[] | undefined;
  /** The direction of lines without one. Default `'client'`. */
  from?: Side | undefined;
  /**
   * The notation of `data`: `'hex'` (digits, with anything between bytes), or `'text'` with the escapes `\n`, `\r`,
   * `\t`, `\0`, `\\`, `\xNN`. Default `'hex'`.
   */
  data?: 'hex' | 'text' | undefined;
}

/** The longest time, in characters. */
const LONGEST_TIME = 64;

const CLIENT = ['>', '->', '-->', '→', 'tx', 'out', 'sent', 'send', 'write', 'w', 'client'];

/**
 * Reads one connection from a log of any form, by a regular expression with the group `data` and, optionally, `dir` and
 * `time`. Lines that do not match are skipped. `time` is a number of seconds, a clock (`18:00:00.250`), or an ISO 8601
 * date.
 *
 * @throws TypeError if the expression has no group `data`
 *
 * @example
 * // candump -L: (1700000000.123456) can0 123#0102
 * lineLog(/^\((?<time>[\d.]+)\) \S+ [0-9A-F]+#(?<data>[0-9A-F]*)$/);
 */
export function lineLog(pattern: RegExp, options: LineLogOptions = {}): LineParser {
  checkOptions('lineLog', options, {
    client: listOf(aText),
    from: oneOf('client', 'server'),
    data: oneOf('hex', 'text'),
  });
  if (!(pattern instanceof RegExp) || !pattern.source.includes('(?<data>')) {
    throw new TypeError('lineLog: expected a regular expression with the group (?<data>…)');
  }
  return new LineLog(new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')), options);
}

class LineLog implements LineParser {
  readonly #pattern: RegExp;
  readonly #client: ReadonlySet<string>;
  readonly #from: Side;
  readonly #isText: boolean;
  #start: number | undefined;
  #time = 0;
  #isOpen = false;

  constructor(pattern: RegExp, { client = CLIENT, from = 'client', data = 'hex' }: LineLogOptions) {
    this.#pattern = pattern;
    this.#client = new Set(client.map((one) => one.toLowerCase()));
    this.#from = from;
    this.#isText = data === 'text';
  }

  line(text: string): readonly CaptureEvent[] {
    aText('line', text);
    const groups = this.#pattern.exec(text)?.groups;
    if (groups === undefined || groups.data === undefined) return [];
    const { time, dir, data } = groups;
    if (time !== undefined) this.#setTime(time);
    const from =
      dir === undefined ? this.#from : this.#client.has(dir.trim().toLowerCase()) ? 'client' : 'server';
    const bytes = this.#isText ? textBytes(data) : hexBytes(data);
    const event: CaptureEvent = { event: 'data', time: this.#time, connection: 0, from, bytes };
    if (this.#isOpen) return [event];
    this.#isOpen = true;
    return [{ event: 'open', time: this.#time, connection: 0 }, event];
  }

  end(): readonly CaptureEvent[] {
    return [];
  }

  #setTime(text: string): void {
    // Backtracking in a longer text would take the square of its length.
    const seconds =
      text.length > LONGEST_TIME
        ? Number.NaN
        : /^\d*\.?\d+(e[-+]?\d+)?$/i.test(text)
          ? Number(text)
          : (clockSeconds(text) ?? Date.parse(text) / 1_000);
    if (!Number.isFinite(seconds)) {
      throw new CaptureError('ERR_CAPTURE_DAMAGED', 'time is neither seconds, nor a clock, nor a date', {
        actual: text.slice(0, LONGEST_TIME),
      });
    }
    this.#start ??= seconds;
    this.#time = Math.round((seconds - this.#start) * 1e6) / 1e6;
  }
}

/** `18:00:00.25` as seconds; undefined if the text is not a time of day. */
export function clockSeconds(text: string): number | undefined {
  const match = /^(\d{1,2}):(\d\d):(\d\d(?:[.,]\d+)?)$/.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes, seconds = ''] = match;
  return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds.replace(',', '.'));
}

/** `0x68 0x65`, `68:65`, `6865`, `68, 65`: pairs of digits, separated by anything except digits. */
export function hexBytes(text: string): Buffer {
  const digits = text
    .replace(/0x/gi, ' ')
    .replace(/[^0-9a-fA-F]+/g, ' ')
    .trim();
  const words = digits === '' ? [] : digits.split(' ');
  const odd = words.find((word) => word.length % 2 !== 0 && word.length > 1);
  if (odd !== undefined) {
    throw new CaptureError('ERR_CAPTURE_DAMAGED', 'data has half a byte', { actual: odd.slice(0, 40) });
  }
  return Buffer.from(words.map((word) => (word.length === 1 ? `0${word}` : word)).join(''), 'hex');
}

function textBytes(text: string): Buffer {
  const plain: Record<string, string> = { n: '\n', r: '\r', t: '\t', 0: '\0', '\\': '\\' };
  const pieces = text.split(/(\\x[0-9a-fA-F]{2}|\\[nrt0\\])/);
  return Buffer.concat(
    pieces.map((piece, index) => {
      if (index % 2 === 0) return Buffer.from(piece);
      return piece.startsWith('\\x') ? Buffer.from(piece.slice(2), 'hex') : Buffer.from(plain[piece[1]!]!);
    }),
  );
}
