/** The verbs for recordings other than decode: replay, diff, shrink. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/protocol.ts';
import { connect, createServer } from '../../src/index.ts';
import { eventLine, headerLine } from '../../src/protocol/recording/capture-line.ts';
import type { CaptureEvent, Side } from '../../src/protocol/recording/events.ts';
import { cli, lineOf, run, start } from '../support/run.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-recordings-'));
const wirepipe = (...args: string[]) => run([...cli, ...args]);

function data(from: Side, text: string, time = 0): CaptureEvent {
  return { event: 'data', time, connection: 0, from, bytes: Buffer.from(text, 'latin1') };
}

function capture(name: string, events: readonly CaptureEvent[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, headerLine({}) + events.map(eventLine).join(''));
  return file;
}

const HELLO = data('client', '\x07\0\0\0\x02\x05HELLO');
const AUTH_OK = data('server', '\x09\0\0\0\x80\x07AUTH_OK', 0.001);
const MOVE = data('client', '\x09\0\0\0\x01\x0a\0\0\0\x14\0\0\0', 0.002);
const MOVING = data('server', '\x13\0\0\0\x80\x11MOVING_TO(10, 20)', 0.003);
const QUIT = data('client', '\x01\0\0\0\0', 0.004);
const BYE = data('server', '\x05\0\0\0\x80\x03BYE', 0.005);
const END: CaptureEvent = { event: 'end', time: 0.006, connection: 0, from: 'client' };
const flight = capture('flight.ndjson', [HELLO, AUTH_OK, MOVE, MOVING, QUIT, BYE, END]);
const other = capture('other.ndjson', [
  HELLO,
  AUTH_OK,
  data('client', '\x09\0\0\0\x01\x0b\0\0\0\x14\0\0\0'),
  data('server', '\x13\0\0\0\x80\x11MOVING_TO(11, 20)'),
  BYE,
  END,
]);

const server = createServer(drone);
let port = '';
beforeAll(async () => {
  await server.listen({ port: 0, host: '127.0.0.1' });
  port = String((server.address() as AddressInfo).port);
});
afterAll(() => server.close({ deadline: 1 }));

/** A slow machine may answer late. */
const TO = ['--timeout', '60000', '--to'];

describe('replay', () => {
  test('the client, against a server that answers the same', async () => {
    for (const how of [
      [],
      ['--how', 'coalesced'],
      ['--how', 'every'],
      ['--how', 'random', '--seed', '7'],
      ['--speed', '2'],
    ]) {
      const { status, stdout, stderr } = await wirepipe('replay', flight, ...TO, port, ...how);
      expect({ how, status, stdout, stderr }).toEqual({ how, status: 0, stdout: 'the same\n', stderr: '' });
    }
  });

  test('the first difference, as messages: status 1', async () => {
    const otherwise = capture('otherwise.ndjson', [
      HELLO,
      AUTH_OK,
      MOVE,
      data('server', '\x04\0\0\0\x80\x02OK'),
    ]);
    const { status, stdout } = await wirepipe('replay', otherwise, ...TO, port);
    expect(stdout).toBe('message 4 differs in text\n  recorded  ok OK\n  live      ok MOVING_TO(10, 20)\n');
    expect(status).toBe(1);
    const { stdout: json } = await wirepipe('replay', otherwise, ...TO, port, '--json');
    expect(JSON.parse(json)).toMatchObject({
      index: 3,
      path: 'text',
      expected: 'OK',
      actual: 'MOVING_TO(10, 20)',
    });
    // What may differ is named.
    const bound = await wirepipe('replay', otherwise, ...TO, port, '--bind', 'ok.text');
    expect(bound).toMatchObject({ status: 0, stdout: 'the same\n' });
  });

  test('the server, against a client', async () => {
    const child = start([...cli, 'replay', flight, '--listen', '127.0.0.1:0']);
    const [, at] = await lineOf(child, /:(\d+)\n/, 'stderr');
    const client = await connect(drone, { port: Number(at), host: '127.0.0.1' });
    await client.request({ type: 'write', text: 'HELLO' });
    client.send({ type: 'move', x: 10, y: 21 });
    const [out, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(out).toBe('message 3 differs in y\n  recorded  move x=10 y=20\n  live      move x=10 y=21\n');
    expect(status).toBe(1);
    client.destroy();
    await client.closed.catch(() => {});
  });

  test.each([
    ['neither --to nor --listen', 2, [flight]],
    ['both', 2, [flight, '--to', '1', '--listen', '2']],
    ['a connection that there is not', 2, [flight, '--to', '1', '--connection', '9']],
    ['a speed of nothing', 2, [flight, '--to', '1', '--speed', '0']],
    ['a file that is not there', 2, [path.join(folder, 'missing'), '--to', '1']],
    ['a server that is not there', 1, [flight, '--to', path.join(folder, 'nothing.sock')]],
  ])('%s: one line, status %i', async (_, expected, args) => {
    const { status, stdout, stderr } = await wirepipe('replay', ...args);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(expected);
  });
});

describe('diff', () => {
  const shown = (text: string): string[] => text.split('\n').map((line) => line.replace(/ +/g, ' '));

  test('equal except for times: no output, status 0', async () => {
    const late = capture(
      'late.ndjson',
      [HELLO, AUTH_OK, MOVE, MOVING, QUIT, BYE, END].map((event) => ({ ...event, time: event.time + 5 })),
    );
    expect(await wirepipe('diff', flight, late)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('field by field, and missing messages: status 1', async () => {
    const { status, stdout, stderr } = await wirepipe('diff', flight, other);
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(shown(stdout)).toEqual([
      expect.stringMatching(/^- .*→ authenticated move x=10 y=20$/),
      expect.stringMatching(/^\+ .*→ authenticated move x=11 y=20$/),
      ' x: 10 → 11',
      expect.stringMatching(/^- .*← authenticated ok MOVING_TO\(10, 20\)$/),
      expect.stringMatching(/^\+ .*← authenticated ok MOVING_TO\(11, 20\)$/),
      ' text: "MOVING_TO(10, 20)" → "MOVING_TO(11, 20)"',
      expect.stringMatching(/^- .*→ authenticated quit$/),
      '',
    ]);
    const { stdout: json } = await wirepipe('diff', flight, other, '--json', '--from', 'client');
    expect(
      json
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        is: 'changed',
        connection: 0,
        from: 'client',
        a: { type: 'move', x: 10, y: 20 },
        b: { type: 'move', x: 11, y: 20 },
        fields: [{ path: 'x', a: 10, b: 11 }],
      },
      { is: 'missing', connection: 0, from: 'client', a: { type: 'quit' } },
    ]);
  });

  test('ignored fields', async () => {
    const { status, stdout } = await wirepipe(
      'diff',
      flight,
      other,
      '--ignore',
      'move.x',
      'ok.text',
      '--where',
      'type = move or type = ok',
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  test.each([
    ['one file', [flight]],
    ['a file of another kind', [flight, 'package.json']],
  ])('%s: one line, status 2', async (_, args) => {
    const { status, stderr } = await wirepipe('diff', ...args);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(status).toBe(2);
  });
});

describe('shrink', () => {
  test('to the messages that pass a filter', async () => {
    const out = path.join(folder, 'small.ndjson.gz');
    const { status, stdout, stderr } = await wirepipe('shrink', flight, '--out', out, '--where', 'x = 10');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^7 events, \d+ bytes → 1 events, 13 bytes\n$/);
    expect((await wirepipe('decode', out)).stdout).toMatch(/^ +2\.0 ms {2}→ handshake {6}move x=10 y=20/);
  });

  test('while a command fails', async () => {
    const out = path.join(folder, 'command.ndjson');
    // The bytes of 'BY', one letter after the other.
    const { status, stdout } = await wirepipe('shrink', flight, '--out', out, '--fails', '! grep -q 4259');
    expect(status).toBe(0);
    expect(stdout).toMatch(/→ 1 events, 2 bytes\n$/);
  });

  test.each([
    ['neither a command nor a filter', [flight, '--out', path.join(folder, 'none')]],
    ['a filter that nothing passes', [flight, '--out', path.join(folder, 'none'), '--where', 'x = 77']],
    ['a command that does not fail', [flight, '--out', path.join(folder, 'none'), '--fails', 'true']],
    [
      'a command that is not there',
      [flight, '--out', path.join(folder, 'none'), '--fails', 'no-such-command-here'],
    ],
    ['no --out', [flight, '--where', 'x = 10']],
  ])('%s: one line, status 2, and nothing is written', async (_, args) => {
    const { status, stderr } = await wirepipe('shrink', ...args);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(status).toBe(2);
    expect(existsSync(path.join(folder, 'none'))).toBe(false);
  });
});
