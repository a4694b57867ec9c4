import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { followYaml } from '../../src/captures/follow-yaml.ts';
import { hexDump, toHexDump } from '../../src/captures/hex-dump.ts';
import { type LineLogOptions, lineLog } from '../../src/captures/line-log.ts';
import { type LineParser, parseLines } from '../../src/captures/line-parser.ts';
import { readCapture } from '../../src/captures/read-capture.ts';
import { socatLog } from '../../src/captures/socat-log.ts';
import { CaptureError } from '../../src/errors.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { isThere } from '../support/programs.ts';
import { root } from '../support/run.ts';

async function parse(text: string, parser: LineParser): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  // In small pieces: lines are cut anywhere.
  const chunks = Buffer.from(text)
    .toString('latin1')
    .match(/.{1,7}/gs);
  for await (const event of parseLines(
    (chunks ?? []).map((chunk) => Buffer.from(chunk, 'latin1')),
    parser,
  )) {
    events.push(event);
  }
  return events;
}

/** `time side bytes`, a line for each chunk. */
async function data(text: string, parser: LineParser): Promise<string[]> {
  return (await parse(text, parser))
    .filter((event) => event.event === 'data')
    .map(({ time, from, bytes }) => `${time} ${from} ${bytes.toString('latin1')}`);
}

const YAML = `peers:
  - peer: 0
    host: 10.0.0.1
    port: 5000
  - peer: 1
    host: 2001:db8::2
    port: 80
packets:
  - packet: 4
    peer: 0
    timestamp: 1700000000.250000000
    data: !!binary |
      aGVsbG8g
      d29ybGQ=
  - packet: 6
    peer: 1
    timestamp: 1700000000.500000000
    data: !!binary |
      WzIwIGJ5dGVzIG1pc3NpbmcgaW4gY2FwdHVyZSBmaWxlXQA=
`;

describe("tshark's follow", () => {
  test('chunks with times and sides, and missing bytes as a gap', async () => {
    expect(await parse(YAML, followYaml())).toEqual([
      { event: 'open', time: 0, connection: 0, client: '10.0.0.1:5000', server: '[2001:db8::2]:80' },
      { event: 'data', time: 0, connection: 0, from: 'client', bytes: Buffer.from('hello world') },
      { event: 'gap', time: 0.25, connection: 0, from: 'server', length: 20 },
    ]);
  });

  test('cut off', async () => {
    const cut = parse(YAML.slice(0, YAML.indexOf('d29y') + 3), followYaml());
    await expect(cut).rejects.toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED' });
    await expect(parse('no yaml\n', followYaml())).rejects.toMatchObject({
      code: 'ERR_CAPTURE_FORMAT',
      line: 1,
    });
    await expect(parse('', followYaml())).rejects.toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED' });
  });

  test.skipIf(!isThere('tshark'))('the same events as from the packets', async () => {
    const file = path.join(root, 'test/fixtures/dns_tcp.pcap');
    const { stdout } = spawnSync('tshark', ['-q', '-r', file, '-z', 'follow,tcp,yaml,0'], {
      encoding: 'utf8',
    });
    const theirs = (await parse(stdout, followYaml())).filter(({ event }) => event === 'data');
    const ours: CaptureEvent[] = [];
    for await (const event of readCapture(file)) if (event.event === 'data') ours.push(event);
    expect(theirs.length).toBe(2);
    expect(theirs.map((event) => ({ ...event, time: 0 }))).toEqual(
      ours.map((event) => ({ ...event, time: 0 })),
    );
  });
});

describe('socat', () => {
  const LOG = `2026/11/25 18:00:00 socat[1] N starting
> 2026/11/25 18:00:00.000123  length=18 from=0 to=17
 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef
 20 0a                                             .
--
< 2026/11/25 18:00:01.000123  length=2 from=0 to=1
 61 62                                            ab
--
`;

  test('chunks with times and sides', async () => {
    expect(await data(LOG, socatLog())).toEqual(['0 client 0123456789abcdef \n', '1 server ab']);
  });

  test('cut off', async () => {
    const cut = parse(LOG.slice(0, LOG.indexOf(' 20 0a')), socatLog());
    await expect(cut).rejects.toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED', expected: 18, actual: 16 });
  });

  test.skipIf(!isThere('socat'))('as the program writes it', async () => {
    // Into a file: a write to a pipe that a signal interrupts loses a byte, as socat 1.7.4 writes.
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'wirepipe-socat-')), 'log');
    const log = openSync(file, 'w');
    const child = spawn('socat', ['-x', '-v', '-', 'EXEC:cat'], { stdio: ['pipe', 'ignore', log] });
    closeSync(log);
    const sent = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256));
    child.stdin!.end(sent);
    await once(child, 'close');
    const events = await parse(readFileSync(file, 'utf8'), socatLog());
    for (const side of ['client', 'server']) {
      const chunks = events.filter((event) => event.event === 'data' && event.from === side);
      expect(Buffer.concat(chunks.map((event) => (event as { bytes: Buffer }).bytes))).toEqual(sent);
    }
  });
});

describe('any log, by a regular expression', () => {
  test.each<[string, string, RegExp, LineLogOptions | undefined, string[]]>([
    [
      'candump -L',
      '(1700000000.500000) can0 123#0102\n(1700000001.000000) can0 456#\n',
      /^\((?<time>[\d.]+)\) \S+ [0-9A-F]+#(?<data>[0-9A-F]*)$/,
      undefined,
      ['0 client \x01\x02', '0.5 client '],
    ],
    [
      "Saleae's CSV",
      'Time [s],Value,Parity Error,Framing Error\n0.001000,0x68,,\n0.001087,0x69,,\n',
      /^(?<time>[\d.]+),(?<data>0x\w\w),/,
      undefined,
      ['0 client h', '0.000087 client i'],
    ],
    [
      'a serial monitor',
      '[18:00:00.250] TX: 68 65\r\n[18:00:00.500] RX: 6f 6B\r\n-- closed\r\n',
      /^\[(?<time>[\d:.]+)\] (?<dir>\w+): (?<data>.*)$/,
      undefined,
      ['0 client he', '0.25 server ok'],
    ],
    [
      'text with escapes, words of its own for the sides, dates',
      '2026-11-25T18:00:00.000Z host "AT\\r\\n"\n2026-11-25T18:00:01.500Z modem "OK\\x00\\\\n"\n',
      /^(?<time>\S+) (?<dir>\w+) "(?<data>.*)"$/,
      { client: ['host'], data: 'text' },
      ['0 client AT\r\n', '1.5 server OK\0\\n'],
    ],
    ['no time and no side', 'a: 1,2, ff\n', /: (?<data>.*)/g, { from: 'server' }, ['0 server \x01\x02ÿ']],
  ])('%s', async (_, text, pattern, options, expected) => {
    expect(await data(text, lineLog(pattern, options))).toEqual(expected);
  });

  test('half a byte, and an invalid time', async () => {
    await expect(parse('x\na: 123\n', lineLog(/a: (?<data>.*)/))).rejects.toMatchObject({
      code: 'ERR_CAPTURE_DAMAGED',
      line: 2,
    });
    await expect(parse('noon 12\n', lineLog(/(?<time>\w+) (?<data>.*)/))).rejects.toMatchObject({ line: 1 });
  });

  test('an expression without data, and unknown options', () => {
    expect(() => lineLog(/x/)).toThrow(TypeError);
    expect(() => lineLog(/(?<data>x)/, { clients: [] } as LineLogOptions)).toThrow("did you mean 'client'");
  });
});

describe('hexadecimal', () => {
  test.each([
    [
      '00000000  68 65 6c 6c 6f 20 77 6f  72 6c 64 0a              |hello world.|\n0000000c\n',
      'hello world\n',
    ],
    ['00000000: 6865 6c6c 6f20 776f 726c 640a            hello world.\n', 'hello world\n'],
    ['000000 68 65 6c 6c 6f 20 77 6f 72 6c 64 0a\n00000c\n', 'hello world\n'],
    ['68656c6c6f # a comment\n20 776f 72\n6c640a', 'hello world\n'],
    ['0x68, 0x65, 0x6c', 'hel'],
    // '#' and '|' as the text of bytes, not as a comment or a bar.
    ['00000000  00 23 7c 23 00                                    |.#|#.|', '\0#|#\0'],
  ])('%j', async (text, expected) => {
    const lines = await data(text, hexDump());
    expect(lines.map((line) => line.replace('0 client ', '')).join('')).toBe(expected);
  });

  test('a printed dump is read back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        const events = await parse(toHexDump(bytes), hexDump());
        const chunks = events.flatMap((event) => (event.event === 'data' ? [event.bytes] : []));
        expect(Buffer.concat(chunks)).toEqual(Buffer.from(bytes));
      }),
    );
    expect(toHexDump(Buffer.from('hello world\n'))).toBe(
      '00000000  68 65 6c 6c 6f 20 77 6f  72 6c 64 0a              |hello world.|',
    );
  });
});

describe('hostile text', () => {
  test.each<[string, () => LineParser, (n: number) => string[]]>([
    ['marks of a comment before a line separator', hexDump, (n) => [`${'#'.repeat(n)}\u2028x\n`]],
    ['bars before a line separator', hexDump, (n) => [`00000000  61  ${'|'.repeat(n)}\u2028|\n`]],
    ['a time of many digits', () => lineLog(/(?<time>\S+) (?<data>.*)/), (n) => [`${'1'.repeat(n)}x 61\n`]],
    // A line in small pieces.
    ['a long line', hexDump, (n) => Array<string>(n / 4).fill('61'.repeat(128))],
  ])('%s costs no more than its length', async (_, parser, text) => {
    const cost = async (n: number): Promise<number> => {
      const chunks = text(n).map((one) => Buffer.from(one));
      const start = process.cpuUsage();
      try {
        for await (const _event of parseLines(chunks, parser()));
      } catch (error) {
        expect(error).toBeInstanceOf(CaptureError);
      }
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    await cost(1_000);
    const few = await cost(10_000);
    // The least of three: the collection of garbage counts, too.
    const many = Math.min(await cost(40_000), await cost(40_000), await cost(40_000));
    expect(many).toBeLessThan(9 * Math.max(few, 10_000));
  });

  test('an invalid clock of socat, and a chunk larger than memory', async () => {
    for (const [clock, length] of [
      ['19:01', 1],
      ['19:01:01', 1e12],
    ] as const) {
      const text = `> 2026/11/25 ${clock}  length=${length} from=0 to=5\n 68\n`;
      await expect(parse(text, socatLog())).rejects.toMatchObject({ code: 'ERR_CAPTURE_DAMAGED', line: 1 });
    }
  });

  test('a packet of a YAML file that is longer than any line may be', async () => {
    const line = `${'A'.repeat(4_000_000)}\n`;
    const chunks = [
      Buffer.from(YAML.slice(0, YAML.indexOf('aGVs'))),
      ...Array<Buffer>(9).fill(Buffer.from(line)),
    ];
    const read = async (): Promise<void> => {
      for await (const _ of parseLines(chunks, followYaml()));
    };
    await expect(read()).rejects.toMatchObject({ code: 'ERR_CAPTURE_DAMAGED', line: 21 });
  });
});

test('any text gives events or one coded error', async () => {
  const line = fc.oneof(
    fc.constantFrom(...YAML.split('\n')),
    fc.string(),
    fc.constantFrom('> 2026/11/25 18:00:00.1  length=3 from=0 to=2', ' 61 62 63', '--'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line), async (lines) => {
      for (const parser of [followYaml(), socatLog(), hexDump(), lineLog(/(?<time>\S+) (?<data>.*)/)]) {
        await parse(lines.join('\n'), parser).catch((error) => expect(error).toBeInstanceOf(CaptureError));
      }
    }),
  );
});
