import { CaptureError } from '../errors.ts';
import { aText } from '../options.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { type LineParser, LONGEST_LINE } from './line-parser.ts';

/**
 * Reads one connection from the output of `tshark -q -r FILE -z follow,tcp,yaml,0`; `tls`, `http`, `udp` or `quic` may
 * replace `tcp`. Peer 0, the sender of the first packet, is the client.
 *
 *     peers:                          packets:
 *       - peer: 0                       - packet: 4
 *         host: 192.168.1.11              peer: 0
 *         port: 33779                     timestamp: 1591780863.847322941
 *                                         data: !!binary |
 *                                           ADhDGQEg…
 */
export function followYaml(): LineParser {
  return new FollowYaml();
}

class FollowYaml implements LineParser {
  readonly #hosts: string[] = [];
  readonly #ports: string[] = [];
  #peer = 0;
  #part: 'start' | 'peers' | 'packets' = 'start';
  #isOpen = false;
  #start: number | undefined;
  #time = 0;
  /** The base64 text of the current packet. */
  #text: string | undefined;

  line(text: string): readonly CaptureEvent[] {
    aText('line', text);
    const [, key = '', value = ''] = /^[\s-]*(\w+):\s*(.*)$/.exec(text) ?? [];
    if (this.#text !== undefined && key === '' && text.trim() !== '') {
      this.#text += text.trim();
      if (this.#text.length <= LONGEST_LINE) return [];
      const message = `the data of a packet are longer than ${LONGEST_LINE} characters`;
      throw new CaptureError('ERR_CAPTURE_DAMAGED', message, { limit: LONGEST_LINE });
    }
    const done = key === '' ? [] : this.#packet();
    if (key === 'peers' || key === 'packets') this.#part = key;
    else if (key === 'peer') this.#peer = numberOf(key, value);
    else if (key === 'host') this.#hosts[this.#peer] = value;
    else if (key === 'port') this.#ports[this.#peer] = value;
    else if (key === 'timestamp') {
      const seconds = numberOf(key, value);
      this.#start ??= seconds;
      this.#time = Math.round((seconds - this.#start) * 1e6) / 1e6;
    } else if (key === 'data') this.#text = '';
    else if (this.#part === 'start' && text.trim() !== '' && !text.startsWith('=')) {
      throw new CaptureError(
        'ERR_CAPTURE_FORMAT',
        "expected 'peers:', as tshark's follow,tcp,yaml prints it",
      );
    }
    return done;
  }

  end(): readonly CaptureEvent[] {
    if (this.#part === 'start')
      throw new CaptureError('ERR_CAPTURE_TRUNCATED', "the file ends before 'peers:'");
    return this.#packet();
  }

  #packet(): CaptureEvent[] {
    const text = this.#text;
    if (text === undefined) return [];
    this.#text = undefined;
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
      throw new CaptureError('ERR_CAPTURE_TRUNCATED', 'the data of a packet are no whole base64');
    }
    const events: CaptureEvent[] = [];
    if (!this.#isOpen) {
      this.#isOpen = true;
      const [client, server] = [this.#endpoint(0), this.#endpoint(1)];
      events.push({ event: 'open', time: this.#time, connection: 0, client, server });
    }
    const bytes = Buffer.from(text, 'base64');
    const from = this.#peer === 0 ? 'client' : 'server';
    // tshark writes this text in place of missing bytes.
    const missing = /^\[(\d+) bytes missing in capture file\]/.exec(bytes.toString('latin1', 0, 60));
    if (missing === null) events.push({ event: 'data', time: this.#time, connection: 0, from, bytes });
    else events.push({ event: 'gap', time: this.#time, connection: 0, from, length: Number(missing[1]) });
    return events;
  }

  #endpoint(peer: number): string | undefined {
    const host = this.#hosts[peer];
    if (host === undefined) return undefined;
    return `${host.includes(':') ? `[${host}]` : host}:${this.#ports[peer] ?? 0}`;
  }
}

function numberOf(key: string, value: string): number {
  const number = Number(value);
  if (value === '' || !Number.isFinite(number))
    throw new CaptureError('ERR_CAPTURE_DAMAGED', `${key} is not a number`);
  return number;
}
