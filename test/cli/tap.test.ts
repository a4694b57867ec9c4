import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readCapture } from '../../src/captures/read-capture.ts';
import { recordTo } from '../../src/captures/recorder.ts';
import { parseFault } from '../../src/cli/fault-text.ts';
import { tapConnection } from '../../src/cli/tap-connection.ts';
import { drone } from '../../src/drone/protocol.ts';
import { type Client, connect, createServer } from '../../src/index.ts';
import { FaultPlan } from '../../src/testing/faults.ts';
import { wire } from '../../src/testing/index.ts';
import { Authority } from '../support/certificates.ts';
import { isThere } from '../support/programs.ts';
import { cli, lineOf, run, start } from '../support/run.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-tap-'));
const server = createServer(drone);
let port = 0;
beforeAll(async () => {
  await server.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = server.address() as net.AddressInfo);
});
afterAll(() => server.close({ deadline: 1 }));

interface Tapped {
  /** Where it listens, as it says. */
  readonly at: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** End it by a signal. Returns the printed lines, without times. */
  end(signal?: NodeJS.Signals): Promise<{ status: number | null; lines: string[]; stderr: string }>;
}

const running = new Set<ChildProcessWithoutNullStreams>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

/** Start a tap, and wait until it listens. */
async function tap(...args: string[]): Promise<Tapped> {
  const child = start([...cli, 'tap', ...args]);
  running.add(child);
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const closed = once(child, 'close').then(([status]) => status as number | null);
  const [, at] = await lineOf(child, /^tap: (.+) → .+\n/m, 'stderr');
  return {
    at: at!,
    child,
    async end(signal) {
      if (signal !== undefined) child.kill(signal);
      const status = await closed;
      const lines = (await stdout).split('\n').map((line) =>
        line
          .replace(/^ *[\d.]+ ms +/, '')
          .replace(/ +/g, ' ')
          .trim(),
      );
      return { status, lines, stderr: await stderr };
    },
  };
}

const portOf = (at: string): number => Number(/\d+$/.exec(at)![0]);

/** Send a controller's messages. Returns everything received until the connection is over. */
async function fly(
  place: net.NetConnectOpts,
  ...words: object[]
): Promise<{ answers: unknown[]; error: unknown }> {
  const answers: unknown[] = [];
  let client: Client<never, unknown> | undefined;
  try {
    client = (await connect(drone, place as never)) as never as Client<never, unknown>;
    for (const word of words) answers.push(await client.request(word as never, { timeout: 100_000 }));
    client.end();
    await client.closed;
    return { answers, error: undefined };
  } catch (error) {
    client?.destroy();
    await client?.closed.catch(() => {});
    return { answers, error };
  }
}

const HELLO = { type: 'write', text: 'HELLO' };
const move = (x: number) => ({ type: 'move', x, y: 0 });
const QUIT = { type: 'quit' };

describe('tap', () => {
  test('prints the messages of both sides, records them, and ends cleanly', async () => {
    const out = path.join(folder, 'flight.ndjson.gz');
    const tapped = await tap('--listen', '0', '--to', String(port), '--out', out);
    const { answers } = await fly({ port: portOf(tapped.at) }, HELLO, move(10), QUIT);
    expect(answers).toHaveLength(3);
    // The file appears only when the tap is over.
    expect(existsSync(out)).toBe(false);
    const { status, lines, stderr } = await tapped.end('SIGINT');
    expect(stderr).toBe(`tap: ${tapped.at} → 127.0.0.1:${port}\n`);
    expect(lines).toEqual([
      '#0 → handshake write HELLO',
      '#0 ← handshake ok AUTH_OK',
      '#0 → authenticated move x=10 y=0',
      '#0 ← authenticated ok MOVING_TO(10, 0)',
      '#0 → authenticated quit',
      '#0 ← authenticated ok BYE',
      expect.stringMatching(/^#0 [→←] has ended its side$/),
      expect.stringMatching(/^#0 [→←] has ended its side$/),
      '',
    ]);
    expect(status).toBe(0);
    const decoded = await run([...cli, 'decode', out, '--where', 'type = move']);
    expect(decoded.stdout).toMatch(/→ authenticated {2}move x=10 y=0\n$/);
    expect(readdirSync(folder)).toEqual(['flight.ndjson.gz']);
  });

  test('says which side breaks the protocol', async () => {
    const wrong = net.createServer((socket) => {
      // length 1 · tag 63, which no message has · length 4 · ok · 2 · 'OK'
      socket.once('data', () => socket.end(Buffer.from('01000000630400000080024f4b', 'hex')));
    });
    wrong.listen(0, '127.0.0.1');
    await once(wrong, 'listening');
    const tapped = await tap(
      '--listen',
      '0',
      '--to',
      String((wrong.address() as net.AddressInfo).port),
      '--once',
    );
    await fly({ port: portOf(tapped.at) }, move(1));
    const { lines, status } = await tapped.end();
    expect(lines[0]).toMatch(
      /→ handshake move x=1 y=0 \(the client breaks the protocol: 'move' may not be sent in state 'handshake'/,
    );
    expect(lines[1]).toMatch(/← handshake ERR_MESSAGE_UNKNOWN/);
    expect(status).toBe(0);
    wrong.close();
  });

  test('filters, --json, --hex, --quiet', async () => {
    const [json, hex, quiet] = await Promise.all([
      tap('--listen', '0', '--to', String(port), '--once', '--json', '--where', 'type = move'),
      tap('--listen', '0', '--to', String(port), '--once', '--hex', '--from', 'server'),
      tap('--listen', '0', '--to', String(port), '--once', '--quiet'),
    ]);
    await Promise.all([json, hex, quiet].map(({ at }) => fly({ port: portOf(at) }, HELLO, move(7), QUIT)));
    const { lines } = await json.end();
    expect(lines.map((line) => line && JSON.parse(line))).toEqual([
      expect.objectContaining({
        connection: 0,
        from: 'client',
        message: move(7),
        bytes: '010700000000000000',
      }),
      '',
    ]);
    expect((await hex.end()).lines.slice(0, 3)).toEqual([
      '#0 ← handshake ok AUTH_OK',
      '0 80 type 128',
      '1 07 41 55 54 48 5f 4f 4b text "AUTH_OK"',
    ]);
    expect(await quiet.end()).toMatchObject({ status: 0, lines: [''] });
  });

  test('a reader that goes away ends it quietly', async () => {
    const place = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-tap-'));
    const options = [
      '--listen',
      path.join(folder, 'head.sock'),
      '--to',
      String(port),
      '--out',
      path.join(place, 'x'),
    ];
    const words = [...cli, 'tap', ...options].join(' ');
    const child = start(['bash', '-c', `${words} | head -1`]);
    running.add(child);
    const stderr = text(child.stderr);
    await lineOf(child, /→/, 'stderr');
    let isOver = false;
    child.once('close', () => {
      isOver = true;
    });
    // `head` may go away only when the first flight is printed; the tap learns of it from what it prints then.
    while (!isOver) await fly({ path: path.join(folder, 'head.sock') }, HELLO, move(1), move(2), QUIT);
    expect(await stderr).toMatch(/^tap: .*\n$/);
    // Nothing half-written is left.
    expect(readdirSync(place)).toEqual([]);
  });

  describe('faults', () => {
    test('after the second move: reset', async () => {
      const tapped = await tap(
        '--listen',
        '0',
        '--to',
        String(port),
        '--once',
        '--fault',
        'after 2 move: reset',
      );
      const { answers, error } = await fly({ port: portOf(tapped.at) }, HELLO, move(1), move(2), QUIT);
      expect(answers).toHaveLength(2);
      expect(error).toBeDefined();
      const { lines, status } = await tapped.end();
      expect(lines).toContain('#0 → fault: move: the connection is reset after it');
      expect(status).toBe(0);
    });

    test('drop, delay, corrupt a field, and split', async () => {
      const faults = ['2 move: drop', 'server ok: delay 60', '3 move: corrupt x', 'quit: split 2'];
      const tapped = await tap(
        ...['--listen', '0', '--to', String(port), '--once'],
        ...faults.flatMap((fault) => ['--fault', fault]),
      );
      const client = await connect(drone, { port: portOf(tapped.at) });
      const begun = performance.now();
      await client.request(HELLO as never);
      for (const x of [1, 2, 3]) client.send(move(x) as never);
      client.send(QUIT as never);
      const answers: string[] = [];
      for await (const { text } of client) answers.push(text);
      client.end();
      await client.closed;
      // The second is dropped, and the third has all bits of its x inverted.
      expect(answers).toEqual(['MOVING_TO(1, 0)', 'MOVING_TO(-4, 0)', 'BYE']);
      expect(performance.now() - begun).toBeGreaterThan(115);
      const { lines } = await tapped.end();
      expect(lines).toContain('#0 → fault: move: dropped');
      expect(lines).toContain('#0 → fault: move: corrupted: x');
      expect(lines).toContain('#0 → fault: quit: split into pieces of 2 bytes');
    });

    test('stall', async () => {
      const tapped = await tap('--listen', '0', '--to', String(port), '--fault', 'write: stall');
      const client = await connect(drone, { port: portOf(tapped.at) });
      await client.request(HELLO as never);
      const late = client.request(move(1) as never, { timeout: 150 });
      await expect(late).rejects.toMatchObject({ code: 'ERR_TIMEOUT_REQUEST' });
      client.destroy();
      await client.closed.catch(() => {});
      expect((await tapped.end('SIGTERM')).status).toBe(0);
    });
  });

  test.each([
    ['move: reset', [{ from: 'client', on: 'move', do: 'reset' }]],
    ['after 2 move: reset', [{ from: 'client', on: 'move', nth: 2, do: 'reset' }]],
    ['first 3 ok: drop', [{ from: 'server', on: 'ok', first: 3, do: 'drop' }]],
    ['every write: corrupt text', [{ from: 'client', on: 'write', do: 'corrupt', field: 'text' }]],
    ['1 client *: corrupt 3', [{ from: 'client', nth: 1, do: 'corrupt', at: 3 }]],
    [
      '*: delay 20',
      [
        { from: 'client', do: 'delay', ms: 20 },
        { from: 'server', do: 'delay', ms: 20 },
      ],
    ],
    ['quit: end 2', [{ from: 'client', on: 'quit', do: 'end', at: 2 }]],
  ])('%s', (text, faults) => {
    expect(parseFault(text, { client: ['move', 'write', 'quit'], server: ['ok'] })).toEqual(faults);
  });

  test('a codec that does not list its types may have any', () => {
    const names = { client: undefined, server: ['ok'] };
    expect(parseFault('odd: drop', names)).toEqual([{ from: 'client', on: 'odd', do: 'drop' }]);
  });

  describe('ends of every kind', () => {
    const authority = new Authority();
    const issued = authority.issue('tap');

    test('TLS to the server, a Unix socket for the client', async () => {
      const secure = createServer(drone);
      const listener = (await import('node:tls')).createServer(
        { cert: issued.cert, key: issued.key, allowHalfOpen: true } as object,
        (socket) => void secure.accept(socket),
      );
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const to = `tls:localhost:${(listener.address() as net.AddressInfo).port}`;
      const socket = path.join(folder, 'tap.sock');
      const trusted = await tap('--listen', socket, '--to', to, '--ca', authority.certFile, '--once');
      expect(trusted.at).toBe(socket);
      expect((await fly({ path: socket }, HELLO, QUIT)).answers).toHaveLength(2);
      expect((await trusted.end()).lines[0]).toBe('#0 → handshake write HELLO');

      const untrusted = await tap('--listen', '0', '--to', to, '--once');
      await fly({ port: portOf(untrusted.at) }, HELLO);
      const { status, stderr } = await untrusted.end();
      expect(stderr).toMatch(/^tap: .*\nwirepipe: #0: [^\n]*certificate[^\n]*\n$/);
      expect(status).toBe(1);
      listener.close();
    });

    test('TLS for the client', async () => {
      const certificates = ['--cert', issued.file, '--key', issued.file];
      const tapped = await tap(
        '--listen',
        'tls:127.0.0.1:0',
        '--to',
        String(port),
        '--once',
        ...certificates,
      );
      expect(tapped.at).toMatch(/^tls:127\.0\.0\.1:\d+$/);
      const client = await connect(drone, {
        port: portOf(tapped.at),
        tls: { ca: authority.cert, servername: 'localhost' },
      });
      expect(await client.request(HELLO as never)).toMatchObject({ text: 'AUTH_OK' });
      await client.request(QUIT as never);
      client.end();
      await client.closed;
      expect((await tapped.end()).lines[0]).toBe('#0 → handshake write HELLO');
    });

    test.skipIf(!isThere('socat'))('between two serial devices', async () => {
      const device = (name: string): string => path.join(folder, name);
      // Two lines: a program at one end, the tap at the other.
      const lines = ['near', 'far'].map((name) => {
        const pty = (end: string): string => `pty,rawer,link=${device(`${name}-${end}`)}`;
        return start(['socat', pty('program'), pty('tap')]);
      });
      for (const line of lines) running.add(line);
      for (const name of ['near-tap', 'far-tap']) while (!existsSync(device(name))) await wait(20);
      const tapped = await tap('--listen', device('near-tap'), '--to', device('far-tap'), '--json');
      const near = start(['socat', '-', `${device('near-program')},rawer`]);
      const far = start(['socat', '-', `${device('far-program')},rawer`]);
      running.add(near).add(far);
      const came = async (child: ChildProcessWithoutNullStreams, length: number): Promise<string> => {
        const bytes = await new Promise<Buffer>((resolve) => {
          let all = Buffer.alloc(0);
          child.stdout.on('data', (chunk: Buffer) => {
            all = Buffer.concat([all, chunk]);
            if (all.length >= length) resolve(all);
          });
        });
        return bytes.toString('hex');
      };
      const [atFar, atNear] = [came(far, 10), came(near, 8)];
      // Bytes that a line discipline would change: ^C, CR, LF, ^D.
      near.stdin.write(Buffer.from('060000000204030d0a04', 'hex'));
      expect(await atFar).toBe('060000000204030d0a04');
      far.stdin.write(Buffer.from('0400000080024f4b', 'hex'));
      expect(await atNear).toBe('0400000080024f4b');
      const { status, lines: printed } = await tapped.end('SIGTERM');
      expect(JSON.parse(printed[0]!)).toMatchObject({
        from: 'client',
        message: { type: 'write', text: '\u0003\r\n\u0004' },
      });
      expect(JSON.parse(printed[1]!)).toMatchObject({ from: 'server', message: { type: 'ok', text: 'OK' } });
      expect(status).toBe(0);
    });
  });

  test('many bytes in both directions, to a slow reader: all arrive in order', async () => {
    const size = 8_000_000;
    const echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const out = path.join(folder, 'echo.ndjson');
    const to = String((echo.address() as net.AddressInfo).port);
    const tapped = await tap('--listen', '0', '--to', to, '--quiet', '--once', '--out', out);
    const socket = net.connect({ port: portOf(tapped.at), host: '127.0.0.1', allowHalfOpen: true });
    // No two offsets have the same bytes, so memory reused too early would show.
    const sent = Buffer.from(Uint32Array.from({ length: size / 4 }, (_, i) => i).buffer);
    socket.end(sent);
    const got: Buffer[] = [];
    for await (const chunk of socket) {
      got.push(chunk as Buffer);
      if (got.length % 20 === 0) await wait(5);
    }
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    expect((await tapped.end()).status).toBe(0);
    // The tap waits for a slow disk: the recording is complete.
    const recorded: Record<string, Buffer[]> = { client: [], server: [] };
    for await (const event of readCapture(out)) {
      if (event.event === 'data') recorded[event.from]!.push(event.bytes);
    }
    expect(Buffer.concat(recorded.client!).equals(sent)).toBe(true);
    expect(Buffer.concat(recorded.server!).equals(sent)).toBe(true);
    echo.close();
  });

  test.each([
    ['text', [], /^\d+ messages( and \d marks?)? were left out: the reader of stdout was too slow$/],
    ['JSON', ['--json'], /^\{"mark":"left out","text":"\d+ messages( and \d marks?)? were left out: /],
  ])(
    'a reader of stdout that has stopped stops no connection, and is told what it missed: %s',
    async (_, how, told) => {
      // 20,000 moves, and as many answers: ten times as much text as fits into the pipe and the first piece.
      const count = 20_000;
      const child = start([...cli, 'tap', '--listen', '0', '--to', String(port), '--once', ...how]);
      running.add(child);
      child.stdout.pause();
      const [, at] = await lineOf(child, /:(\d+) → /, 'stderr');
      const socket = net.connect({ port: Number(at), host: '127.0.0.1' });
      // length 7 · write · 5 · 'HELLO'
      socket.write(Buffer.from('07000000020548454c4c4f', 'hex'));
      // length 9 · move · x 1 · y 2
      const moves = Buffer.alloc(13 * count, Buffer.from('09000000010100000002000000', 'hex'));
      socket.write(moves);
      // length 1 · quit
      socket.write(Buffer.from('0100000000', 'hex'));
      let answered = 0;
      for await (const chunk of socket) answered += (chunk as Buffer).length;
      // length 9 · ok · 7 · 'AUTH_OK', and so on; 'BYE' comes last.
      expect(answered).toBe(13 + count * (6 + 'MOVING_TO(1, 2)'.length) + 9);
      const lines = (await text(child.stdout)).trimEnd().split('\n');
      const marks = lines.filter((line) => told.test(line));
      const missed = marks.flatMap((line) =>
        [...line.matchAll(/(\d+) (message|mark)s?/g)].map(([, count]) => Number(count)),
      );
      expect(marks.length).toBeGreaterThan(0);
      // Two messages for each command, and the ends of both sides.
      expect(lines.length - marks.length + missed.reduce((sum, one) => sum + one, 0)).toBe(
        2 * (count + 2) + 2,
      );
    },
  );

  test('a terminal that takes nothing stops no connection', async () => {
    // `script` runs the tap on a pseudo-terminal, and stops reading it when nobody reads what `script` prints.
    const log = path.join(folder, 'terminal.log');
    const words = [...cli, 'tap', '--listen', '0', '--to', String(port), '--once'].map((word) => `'${word}'`);
    const child = start(['script', '-qec', `${words.join(' ')} 2> '${log}'`, '/dev/null']);
    running.add(child);
    child.stdout.pause();
    let told = '';
    while (!told.includes('→') && child.exitCode === null) {
      await wait(20);
      told = existsSync(log) ? readFileSync(log, 'utf8') : '';
    }
    const count = 20_000;
    const socket = net.connect({ port: portOf(told.split(' → ')[0]!), host: '127.0.0.1' });
    // length 7 · write · 5 · 'HELLO'
    socket.write(Buffer.from('07000000020548454c4c4f', 'hex'));
    // length 9 · move · x 1 · y 2
    socket.write(Buffer.alloc(13 * count, Buffer.from('09000000010100000002000000', 'hex')));
    // length 1 · quit
    socket.write(Buffer.from('0100000000', 'hex'));
    let answered = 0;
    for await (const chunk of socket) answered += (chunk as Buffer).length;
    expect(answered).toBe(13 + count * (6 + 'MOVING_TO(1, 2)'.length) + 9);
    expect(await text(child.stdout)).toMatch(
      /\d+ messages( and \d marks?)? were left out: the reader of stdout was too slow/,
    );
  });

  test('bytes go out before they are looked at', async () => {
    const [near, far] = [wire(), wire()];
    const seen: string[] = [];
    const write = far.client.write.bind(far.client) as (chunk: Buffer, done: () => void) => boolean;
    far.client.write = ((chunk: Buffer, done: () => void) => {
      seen.push(`written ${chunk.toString()}`);
      return write(chunk, done);
    }) as never;
    const isOver = new Promise<void>((resolve) =>
      tapConnection(
        { client: near.server, server: far.client },
        {
          data: (_, bytes) => void seen.push(`observed ${bytes.toString()}`),
          end: () => {},
          fault: () => {},
          close: () => resolve(),
          busy: () => undefined,
          keeps: true,
        },
      ),
    );
    near.client.end('hello');
    far.server.resume().end();
    near.client.resume();
    await isOver;
    expect(seen).toEqual(['written hello', 'observed hello']);
  });

  test('killed while it records: the lines in the partial file are complete', async () => {
    const place = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-tap-'));
    const echo = net.createServer((socket) => socket.pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const to = String((echo.address() as net.AddressInfo).port);
    const tapped = await tap('--listen', '0', '--to', to, '--quiet', '--out', path.join(place, 'x.ndjson'));
    const socket = net.connect({ port: portOf(tapped.at), host: '127.0.0.1' }).on('error', () => {});
    const sent = Buffer.from(Uint32Array.from({ length: 1_000_000 }, (_, i) => i).buffer);
    socket.write(sent);
    let came = 0;
    for await (const chunk of socket) {
      came += (chunk as Buffer).length;
      if (came >= sent.length) break;
    }
    const beside = path.join(place, `.${tapped.child.pid}.x.ndjson`);
    while ((statSync(beside, { throwIfNoEntry: false })?.size ?? 0) < 4_000_000) await wait(10);
    tapped.child.kill('SIGKILL');
    await once(tapped.child, 'close');
    expect(readdirSync(place)).toEqual([path.basename(beside)]);
    const recorded: Buffer[] = [];
    let fault: unknown;
    try {
      for await (const event of readCapture(beside)) {
        if (event.event === 'data' && event.from === 'client') recorded.push(event.bytes);
      }
    } catch (error) {
      fault = error;
    }
    if (fault !== undefined) expect(fault).toMatchObject({ code: 'ERR_CAPTURE_TRUNCATED' });
    const bytes = Buffer.concat(recorded);
    expect(bytes.length).toBeGreaterThan(1_000_000);
    expect(bytes.equals(sent.subarray(0, bytes.length))).toBe(true);
    echo.close();
  });

  test('the recording equals the bytes that passed, with any faults', async () => {
    const frame = (text: string): Buffer =>
      Buffer.concat([
        Buffer.from([text.length + 2, 0, 0, 0, 0x02, text.length]),
        Buffer.from(text, 'latin1'),
      ]);
    const direction = fc.record({
      texts: fc.array(fc.string({ unit: 'binary-ascii', maxLength: 200 }), { maxLength: 20 }),
      cuts: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
    });
    const fault = fc.constantFrom('*: split 3', '2 *: drop', 'write: corrupt 5', '3 *: merge', '4 *: reset');
    const faultsOf = fc.uniqueArray(fault, { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(direction, direction, faultsOf, async (toServer, toClient, texts) => {
        const file = path.join(folder, 'passed.ndjson');
        const recorder = recordTo(file);
        const faults = texts.flatMap((text) => parseFault(text, { client: ['write'], server: ['write'] }));
        const [near, far] = [wire(), wire()];
        const record = recorder.open({ protocol: drone })!;
        const over = new Promise<void>((resolve) =>
          tapConnection(
            { client: near.server, server: far.client },
            {
              data: (from, bytes) => record.data(from, bytes),
              end: (from) => record.end(from),
              fault: () => {},
              close: (error) => {
                record.close(error);
                resolve();
              },
              busy: () => recorder.busy(),
              keeps: false,
            },
            faults.length === 0 ? undefined : new FaultPlan(drone, faults),
          ),
        );
        const passed = { client: '', server: '' };
        for (const [from, sender, taker, plan] of [
          ['client', near.client, far.server, toServer],
          ['server', far.server, near.client, toClient],
        ] as const) {
          taker
            .on('error', () => {})
            .on('data', (chunk: Buffer) => (passed[from] += chunk.toString('latin1')));
          const all = Buffer.concat(plan.texts.map(frame));
          for (let at = 0, i = 0; at < all.length; i++) {
            const size = plan.cuts[i % plan.cuts.length]!;
            sender.write(all.subarray(at, at + size));
            at += size;
          }
          sender.end();
        }
        await over;
        await recorder.close();
        const recorded = { client: '', server: '' };
        for await (const event of readCapture(file)) {
          if (event.event === 'data') recorded[event.from] += event.bytes.toString('latin1');
        }
        // Of what is on its way when a connection is reset, some does not arrive.
        for (const from of ['client', 'server'] as const) {
          if (texts.includes('4 *: reset')) expect(recorded[from].startsWith(passed[from])).toBe(true);
          else expect(recorded[from]).toBe(passed[from]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test.skipIf(!existsSync('/dev/full'))(
    'a disk that is full: the bytes pass, one line, status 1',
    async () => {
      const tapped = await tap(
        '--listen',
        '0',
        '--to',
        String(port),
        '--quiet',
        '--once',
        '--out',
        '/dev/full',
      );
      const { answers } = await fly({ port: portOf(tapped.at) }, HELLO, move(1), QUIT);
      expect(answers).toHaveLength(3);
      const { status, stderr } = await tapped.end();
      expect(stderr).toMatch(/^tap: .*\nwirepipe: ENOSPC[^\n]*\n$/);
      expect(status).toBe(1);
    },
  );

  test('an absent server: one line, status 1, and the recording is complete', async () => {
    const out = path.join(folder, 'refused.ndjson');
    const tapped = await tap(
      '--listen',
      '0',
      '--to',
      path.join(folder, 'nothing.sock'),
      '--once',
      '--out',
      out,
    );
    await fly({ port: portOf(tapped.at) }, HELLO);
    const { status, stderr } = await tapped.end();
    expect(stderr).toMatch(/^tap: .*\nwirepipe: #0: connect ENOENT [^\n]*\n$/);
    expect(status).toBe(1);
    expect((await run([...cli, 'decode', out])).status).toBe(0);
  });

  test.each([
    ['no --to', ['--listen', '0']],
    ['a place that is none', ['--listen', 'here:now', '--to', '1']],
    ['a port beyond 65535', ['--listen', '99999', '--to', '1']],
    ['TLS without a certificate', ['--listen', 'tls:0', '--to', '1']],
    [
      'a certificate that is none',
      ['--listen', 'tls:0', '--to', '1', '--cert', 'package.json', '--key', 'package.json'],
    ],
    ['a fault without a message', ['--listen', '0', '--to', '1', '--fault', 'reset']],
    ['a fault with a message that there is not', ['--listen', '0', '--to', '1', '--fault', '2 mov: reset']],
    ['a fault that there is not', ['--listen', '0', '--to', '1', '--fault', 'move: explode']],
    [
      'a folder that is not there',
      ['--listen', '0', '--to', '1', '--out', path.join(folder, 'no/such/file')],
    ],
    ['a filter that does not parse', ['--listen', '0', '--to', '1', '--where', 'x >']],
  ])('%s: one line, status 2', async (_, args) => {
    const { status, stdout, stderr } = await run([...cli, 'tap', ...args]);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  test('an address in use: one line, status 1', async () => {
    const { status, stderr } = await run([...cli, 'tap', '--listen', String(port), '--to', '1']);
    expect(stderr).toMatch(/^wirepipe: listen EADDRINUSE[^\n]*\n$/);
    expect(status).toBe(1);
  });
});
