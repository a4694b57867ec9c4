import { CaptureError } from '../errors.ts';
import { aText } from '../options.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import { clockSeconds } from './line-log.ts';
import type { LineParser } from './line-parser.ts';

/** The most bytes of a chunk. */
const LONGEST_CHUNK = 16_777_216;

/**
 * Reads one connection from the stderr of `socat -x` or `socat -x -v`. `>` marks bytes from socat's first address to
 * its second; they count as the client's.
 *
 *     > 2026/11/25 19:01:01.000340298  length=6 from=0 to=5
 *      68 65 6c 6c 6f 0a                                hello.
 *     --
 */
export function socatLog(): LineParser {
  return new SocatLog();
}

class SocatLog implements LineParser {
  #start: number | undefined;
  #time = 0;
  #from: Side = 'client';
  #bytes: number[] = [];
  /** The length announced by the chunk's head; undefined between chunks. */
  #length: number | undefined;
  #isOpen = false;

  line(text: string): readonly CaptureEvent[] {
    aText('line', text);
    const head = /^([<>]) (\d{4})\/(\d\d)\/(\d\d) ([\d:.]+)\s+length=(\d+)/.exec(text);
    if (head !== null) {
      this.#whole();
      const [, direction, year, month, day, clock = '', length] = head;
      const time = clockSeconds(clock);
      if (time === undefined) {
        throw new CaptureError('ERR_CAPTURE_DAMAGED', 'time is not a clock', { actual: clock.slice(0, 40) });
      }
      const seconds = Date.UTC(Number(year), Number(month) - 1, Number(day)) / 1_000 + time;
      this.#start ??= seconds;
      this.#time = Math.round((seconds - this.#start) * 1e6) / 1e6;
      this.#from = direction === '>' ? 'client' : 'server';
      this.#length = Number(length);
      if (this.#length > LONGEST_CHUNK) {
        const text = `a chunk of ${length} bytes: the most is ${LONGEST_CHUNK}`;
        throw new CaptureError('ERR_CAPTURE_DAMAGED', text, { limit: LONGEST_CHUNK, actual: this.#length });
      }
      this.#bytes = [];
      return this.#chunk();
    }
    if (this.#length === undefined) {
      // socat prints its own messages between chunks.
      return [];
    }
    // A line has at most sixteen bytes; the text column after them may look like bytes too.
    const [, digits = ''] = /^((?: [0-9a-f]{2}){1,16})(?:\s|$)/.exec(text) ?? [];
    const room = this.#length - this.#bytes.length;
    for (const byte of digits.trim().split(' ').slice(0, room))
      if (byte !== '') this.#bytes.push(Number.parseInt(byte, 16));
    return this.#chunk();
  }

  end(): readonly CaptureEvent[] {
    this.#whole();
    return [];
  }

  #chunk(): CaptureEvent[] {
    if (this.#bytes.length < this.#length!) return [];
    this.#length = undefined;
    const time = this.#time;
    const data: CaptureEvent = {
      event: 'data',
      time,
      connection: 0,
      from: this.#from,
      bytes: Buffer.from(this.#bytes),
    };
    if (this.#isOpen) return [data];
    this.#isOpen = true;
    return [{ event: 'open', time, connection: 0 }, data];
  }

  #whole(): void {
    if (this.#length === undefined) return;
    const [expected, actual] = [this.#length, this.#bytes.length];
    const text = `a chunk of ${expected} bytes of which ${actual} are there`;
    throw new CaptureError('ERR_CAPTURE_TRUNCATED', text, { expected, actual });
  }
}
