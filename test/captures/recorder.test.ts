import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, pipeline, Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { BLOCK, BlockFile, newBlock } from '../../src/captures/block-file.ts';
import { eventReader } from '../../src/captures/event-reader.ts';
import { LineBlocks } from '../../src/captures/line-blocks.ts';
import { readCapture } from '../../src/captures/read-capture.ts';
import { Recorder, recordTo } from '../../src/captures/recorder.ts';
import { Tap } from '../../src/captures/tap.ts';
import { drone } from '../../src/drone/protocol.ts';
import {
  connect,
  createServer,
  LengthPrefixDecoder,
  MessageDecoder,
  type ServerOptions,
} from '../../src/index.ts';
import { eventLine } from '../../src/protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../../src/protocol/recording/events.ts';
import { hex } from '../support/hex.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-recorder-'));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(
  options: Pick<ServerOptions, 'record' | 'flightRecorder'>,
): Promise<{ port: number; ended: Promise<Error | undefined> }> {
  const server = createServer(drone, options);
  closing.push(() => server.close({ deadline: 1 }));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const ended = once(server, 'connectionEnd').then(([, error]) => error as Error | undefined);
  return { port: (server.address() as AddressInfo).port, ended };
}

async function collect(file: string): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  for await (const event of readCapture(file)) events.push(event);
  return events;
}

/** All bytes of a side, joined. */
function bytesOf(events: readonly CaptureEvent[], side: 'client' | 'server'): string {
  const chunks = events.flatMap((event) =>
    event.event === 'data' && event.from === side ? [event.bytes] : [],
  );
  return Buffer.concat(chunks).toString('latin1');
}

const HELLO = '\x07\0\0\0\x02\x05HELLO';
const AUTH_OK = '\x09\0\0\0\x80\x07AUTH_OK';
const QUIT = '\x01\0\0\0\0';
const BYE = '\x05\0\0\0\x80\x03BYE';

describe('recording a server and a client', () => {
  test('every chunk with its side, transitions, ends and addresses', async () => {
    const [theirs, ours] = [path.join(folder, 'server.ndjson.gz'), path.join(folder, 'client.ndjson')];
    const [recorder, clients] = [recordTo(theirs), recordTo(ours)];
    const { port, ended } = await serve({ record: recorder });
    const client = await connect(drone, { port, host: '127.0.0.1', record: clients });
    expect(await client.request({ type: 'write', text: 'HELLO' })).toEqual({ type: 'ok', text: 'AUTH_OK' });
    expect(await client.request({ type: 'quit' })).toEqual({ type: 'ok', text: 'BYE' });
    client.end();
    await client.closed;
    await ended;
    await Promise.all([recorder.close(), clients.close()]);

    for (const file of [theirs, ours]) {
      const events = await collect(file);
      expect(bytesOf(events, 'client')).toBe(HELLO + QUIT);
      expect(bytesOf(events, 'server')).toBe(AUTH_OK + BYE);
      expect(events[0]).toEqual({
        event: 'open',
        time: expect.any(Number),
        connection: 0,
        client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        server: `127.0.0.1:${port}`,
      });
      expect(events.filter(({ event }) => event === 'end')).toHaveLength(2);
      expect(events.at(-1)).toMatchObject({ event: 'close' });
      const times = events.map(({ time }) => time);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
    const states = (await collect(theirs)).flatMap((event) => (event.event === 'state' ? [event.state] : []));
    expect(states).toEqual(['authenticated', 'closing']);
    const header = readFileSync(ours, 'utf8').split('\n')[0]!;
    expect(JSON.parse(header)).toMatchObject({ format: 'wirepipe capture', version: 2, protocol: 'drone' });
  });

  test('the error that ended a connection', async () => {
    const file = path.join(folder, 'error.ndjson');
    const recorder = recordTo(file);
    const { port, ended } = await serve({ record: recorder });
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.end(hex('01 00 00 00', '63'));
    await ended;
    await recorder.close();
    const events = await collect(file);
    expect(events.find(({ event }) => event === 'error')).toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' });
  });

  test('a file that cannot be written ends only the recording', async () => {
    const recorder = recordTo(path.join(folder, 'no', 'folder'));
    const { port } = await serve({ record: recorder });
    const client = await connect(drone, { port, host: '127.0.0.1' });
    expect(await client.request({ type: 'write', text: 'HELLO' })).toMatchObject({ type: 'ok' });
    client.destroy();
    await expect(recorder.close()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a disk that is too slow costs a gap, and delays no connection', async () => {
    const written: string[] = [];
    let release: (() => void) | undefined;
    const slow = new Writable({
      write(chunk, _, callback) {
        written.push(String(chunk));
        if (release === undefined) release = callback;
        else callback();
      },
    });
    const recorder = new Recorder(slow, { maxPending: 1_000 });
    const seen = recorder.open({ protocol: drone })!;
    for (let i = 0; i < 100; i++) seen.data('client', Buffer.alloc(100, i));
    release?.();
    await new Promise((resolve) => setImmediate(resolve));
    seen.data('client', Buffer.from('after'));
    seen.close(undefined);
    await recorder.close();
    const reader = eventReader();
    reader.push(Buffer.from(written.join('')));
    let total = 0;
    const kinds: string[] = [];
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      kinds.push(event.event);
      if (event.event === 'data') total += event.bytes.length;
      if (event.event === 'gap') total += event.length;
    }
    expect(total).toBe(10_005);
    expect(kinds.slice(-3)).toEqual(['gap', 'data', 'close']);
  });
});

describe('lines in blocks', () => {
  test('are the lines of the events, for any lengths and any speed of writing', async () => {
    const lengths = fc.array(
      fc.oneof(fc.nat(600), fc.nat(20_000), fc.integer({ min: 200_000, max: 700_000 })),
    );
    await fc.assert(
      fc.asyncProperty(lengths, fc.array(fc.nat(3)), async (sizes, delays) => {
        const written: Buffer[] = [];
        const out = new Writable({
          // A late callback shows memory that is reused too early.
          write(chunk: Buffer, _, callback) {
            const wait = delays.pop() ?? 0;
            setTimeout(() => {
              written.push(Buffer.from(chunk));
              callback();
            }, wait);
          },
        });
        const lines = new LineBlocks(out);
        let expected = '';
        for (const [index, size] of sizes.entries()) {
          const event: CaptureEvent =
            index % 3 === 2
              ? { event: 'error', time: index, connection: 0, message: 'é'.repeat(size) }
              : {
                  event: 'data',
                  time: index,
                  connection: 0,
                  from: 'client',
                  bytes: Buffer.alloc(size, index),
                };
          expected += eventLine(event);
          lines.add(event);
          if (index % 2 === 0) await lines.busy();
        }
        lines.end();
        await once(out, 'finish');
        expect(Buffer.concat(written).toString() === expected).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test('go into a file as they are, in whole blocks and in parts of one', async () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.nat(700) },
        { weight: 4, arbitrary: fc.integer({ min: 10_000, max: 2_500_000 }) },
        // Longer than what is written behind the last write.
        { weight: 1, arbitrary: fc.constant('pause' as const) },
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const file = path.join(folder, 'blocks.ndjson');
        const out = new BlockFile(file);
        const lines = new LineBlocks(out);
        let expected = '';
        for (const [time, step] of all.entries()) {
          if (step === 'pause') {
            await new Promise((resolve) => setTimeout(resolve, 60));
            continue;
          }
          const from = time % 2 === 0 ? 'client' : 'server';
          const bytes = Buffer.alloc(step, `${time} and on`);
          const event: CaptureEvent = { event: 'data', time, connection: 0, from, bytes };
          expected += eventLine(event);
          lines.add(event);
        }
        lines.end();
        await once(out, 'close');
        expect(readFileSync(file, 'utf8') === expected).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  test('are in the file soon, though it is not closed', async () => {
    const file = path.join(folder, 'soon.ndjson');
    const recorder = recordTo(file);
    const seen = recorder.open({ protocol: drone })!;
    for (let i = 0; i < 3; i++) {
      seen.data('client', Buffer.from(`${i}`));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const isThere = (): boolean => existsSync(file) && readFileSync(file, 'utf8').endsWith('"bytes":"32"}\n');
    while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
    await recorder.close();
  });

  test('a file that cannot be written blocks no caller', async () => {
    const out = new Writable({ write: (_, __, callback) => setImmediate(callback, new Error('no space')) });
    const failed = once(out, 'error');
    const lines = new LineBlocks(out);
    const bytes = Buffer.alloc(2_000_000);
    lines.add({ event: 'data', time: 0, connection: 0, from: 'client', bytes });
    await lines.busy();
    await failed;
    lines.add({ event: 'data', time: 0, connection: 0, from: 'client', bytes });
    expect(lines.busy()).toBeUndefined();
  });
});

describe('a file of blocks', () => {
  test.each([
    ['memory that a direct write takes', newBlock],
    ['any other memory', () => Buffer.from(new ArrayBuffer(BLOCK + 1), 1)],
  ])('holds what was written, from %s', async (_, memory) => {
    const file = path.join(folder, 'block');
    const out = new BlockFile(file);
    const parts: string[] = [];
    for (const length of [BLOCK, 10, BLOCK - 10, BLOCK, BLOCK, 3]) {
      const part = memory().fill(`${parts.length} and on`).subarray(0, length);
      parts.push(part.toString('latin1'));
      out.write(part);
    }
    out.end();
    await once(out, 'close');
    expect(readFileSync(file, 'latin1') === parts.join('')).toBe(true);
  });

  test.skipIf(!existsSync('/dev/full'))('a disk that is full ends the recording', async () => {
    const recorder = recordTo('/dev/full');
    const seen = recorder.open({ protocol: drone })!;
    for (let i = 0; i < 40; i++) {
      seen.data('client', Buffer.alloc(100_000));
      await recorder.busy();
    }
    seen.close(undefined);
    await expect(recorder.close()).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

describe('redaction', () => {
  async function record(chunks: readonly Buffer[], redact: readonly string[]): Promise<CaptureEvent[]> {
    const file = path.join(folder, `redacted-${Math.random()}.ndjson`);
    const recorder = recordTo(file, { redact });
    const seen = recorder.open({ protocol: drone })!;
    for (const chunk of chunks) seen.data('client', chunk);
    seen.close(undefined);
    await recorder.close();
    return collect(file);
  }

  test('a field by its path, also if cut into single bytes', async () => {
    const sent = Buffer.from(`${HELLO}\x09\0\0\0\x01\x01\0\0\0\x02\0\0\0`, 'latin1');
    const expected = `\x07\0\0\0\x02\x05*****\x09\0\0\0\x01\x01\0\0\0\x02\0\0\0`;
    for (let size = 1; size <= sent.length; size++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < sent.length; at += size) chunks.push(sent.subarray(at, at + size));
      const events = await record(chunks, ['write.text']);
      expect(bytesOf(events, 'client')).toBe(expected);
      expect(events.filter(({ event }) => event === 'data')).toHaveLength(chunks.length);
    }
  });

  test('incomplete frames, and frames that cannot be decoded, are masked', async () => {
    expect(bytesOf(await record([Buffer.from(HELLO.slice(0, 8), 'latin1')], ['write.text']), 'client')).toBe(
      '********',
    );
    const unknown = Buffer.from(`\x02\0\0\0\x63\x63${HELLO}`, 'latin1');
    expect(bytesOf(await record([unknown], ['move.x']), 'client')).toBe(`\x02\0\0\0**${HELLO}`);
    const tooLong = Buffer.from('\xff\xff\xff\xffsecret', 'latin1');
    expect(bytesOf(await record([tooLong], ['write.text']), 'client')).toBe('*'.repeat(10));
  });
});

describe('the flight recorder', () => {
  test('the error that ends a connection has its last bytes and transitions', async () => {
    const { port, ended } = await serve({ flightRecorder: { bytes: 10_000 } });
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    socket.write(Buffer.from(HELLO, 'latin1'));
    await once(socket, 'data');
    socket.end(hex('01 00 00 00', '63'));
    const error = (await ended) as Error & { flight: string };
    expect(error).toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' });
    const reader = eventReader();
    reader.push(Buffer.from(error.flight));
    const events: CaptureEvent[] = [];
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
    expect(reader.error).toBeUndefined();
    expect(bytesOf(events, 'client')).toBe(`${HELLO}\x01\0\0\0\x63`);
    expect(bytesOf(events, 'server')).toContain(AUTH_OK);
    expect(events.filter(({ event }) => event === 'state')).toMatchObject([{ state: 'authenticated' }]);
    expect(events.find(({ event }) => event === 'error')).toMatchObject({ code: 'ERR_MESSAGE_UNKNOWN' });
    // Not among what a log prints.
    expect(Object.keys(error)).not.toContain('flight');
  });

  test('keeps at most its limit, and reports dropped bytes as a gap', async () => {
    const { port, ended } = await serve({ flightRecorder: { bytes: 500 } });
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    for (let i = 0; i < 100; i++) {
      socket.write(Buffer.from(HELLO, 'latin1'));
      await once(socket, 'data');
    }
    socket.end(hex('01 00 00 00', '63'));
    const { flight } = (await ended) as Error & { flight: string };
    expect(flight.length).toBeLessThan(3_000);
    const gap = flight.split('\n').find((text) => text.includes('"gap","from":"client"'))!;
    const kept = [...flight.matchAll(/"from":"client","bytes":"(\w*)"/g)].reduce(
      (sum, [, text]) => sum + text!.length / 2,
      0,
    );
    expect(JSON.parse(gap).length + kept).toBe(100 * HELLO.length + 5);
  });

  test('is off by default', async () => {
    const { port, ended } = await serve({});
    net
      .connect(port, '127.0.0.1')
      .on('error', () => {})
      .end(hex('01 00 00 00', '63'));
    expect(Object.hasOwn((await ended)!, 'flight')).toBe(false);
  });
});

describe('a tap', () => {
  const sent = Buffer.from(`${HELLO}${QUIT}`.repeat(100), 'latin1');

  test('sees chunks, frames and messages between stages, and changes nothing', async () => {
    const seen = { bytes: 0, frames: 0, messages: 0 };
    const got: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      pipeline(
        Readable.from([sent.subarray(0, 777), sent.subarray(777)]),
        new Tap('bytes', (_, start, end) => {
          seen.bytes += end - start;
        }),
        new LengthPrefixDecoder(),
        new Tap('frames', () => {
          seen.frames++;
        }),
        new MessageDecoder(drone.clientMessages),
        new Tap('messages', () => {
          seen.messages++;
        }),
        new Writable({
          objectMode: true,
          write(message, _, callback) {
            got.push(message);
            callback();
          },
        }),
        (error) => (error ? reject(error) : resolve()),
      );
    });
    expect(seen).toEqual({ bytes: sent.length, frames: 200, messages: 200 });
    expect(got).toHaveLength(200);
    expect(got.slice(0, 2)).toEqual([{ type: 'write', text: 'HELLO' }, { type: 'quit' }]);
  });

  test('lets a fault pass', async () => {
    const frames: string[] = [];
    const run = new Promise((resolve) => {
      pipeline(
        Readable.from([hex('01 00 00 00 61', 'ff ff ff ff')]),
        new LengthPrefixDecoder(),
        new Tap('frames', (bytes, start, end) => frames.push(bytes.toString('latin1', start, end))),
        new PassThrough({ objectMode: true }),
        resolve,
      ).resume();
    });
    expect(await run).toMatchObject({ code: 'ERR_FRAME_TOO_LONG' });
    expect(frames).toEqual(['a']);
  });
});
