import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer } from 'wirepipe';
import { loadProtocol } from '../../src/cli/load-protocol.ts';
import { cli, ended, lineOf, type Ran, root, run, start } from '../support/run.ts';

const folder = path.join(root, 'test/fixtures/protocols');
const counter = path.join(folder, 'counter.mjs');

let server: ReturnType<typeof createServer>;
let port = '';
beforeAll(async () => {
  server = createServer((await loadProtocol(counter)) as never);
  await server.listen({ port: 0, host: '127.0.0.1' });
  port = String((server.address() as AddressInfo).port);
});
afterAll(() => server.close());

const send = (...args: string[]) => run([...cli, 'send', '--port', port, '--protocol', counter, ...args]);

describe('send, with a protocol from a module', () => {
  test('prints each answer', async () => {
    expect(await send('add 5 dozen', 'note key=0aff text=a note of words', 'read')).toEqual({
      status: 0,
      stdout: 'total value=60 note=\ntotal value=60 note=0aff\ntotal value=60 note=0aff\n',
      stderr: '',
    });
  });

  test('--json: a line of JSON for each', async () => {
    expect(
      await send(
        '--json',
        'add 18446744073709551615 piece',
        '{"type":"list","items":[{"id":1,"name":"Ann"}]}',
      ),
    ).toEqual({
      status: 0,
      stdout: '{"type":"total","value":"18446744073709551615","note":""}\n{"type":"refused","why":"Ann"}\n',
      stderr: '',
    });
  });

  test('--replies 0 waits for no answer', async () => {
    expect(await send('--replies', '0', 'read')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('--timeout: one line, status 1', async () => {
    const { status, stderr } = await send('--replies', '2', '--timeout', '500', 'read');
    expect(stderr).toBe("wirepipe: no answer to 'read' within 500 ms\n");
    expect(status).toBe(1);
  });

  test('a protocol other than the server’s: one line, status 1', async () => {
    const { status, stdout, stderr } = await run([
      ...cli,
      'send',
      '--port',
      port,
      '--timeout',
      '500',
      'write HELLO',
    ]);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(status).toBe(1);
  });

  test('TypeScript is read where Node strips types; elsewhere one line says so, status 2', async () => {
    const refused = await run([
      ...cli,
      'send',
      '--port',
      port,
      '--protocol',
      path.join(folder, 'typed.ts'),
      'fly',
    ]);
    expect(refused.status).toBe(2);
    expect(refused.stderr.replace(/^\(node.*\n(.*\n)?/, '')).toMatch(
      'typescript' in process.features && process.features.typescript
        ? /^wirepipe: not a message: "fly" \(expected quit, move/
        : /^wirepipe: --protocol .*typed\.ts: TypeScript needs Node 22\.18 or later, this is v[\d.]+; give the module as JavaScript\n$/,
    );
  });

  test.each([
    ['a module that is not there', ['--protocol', './none.js', 'quit']],
    ['a module without a protocol', ['--protocol', path.join(folder, 'none.mjs'), 'quit']],
    ['a module that throws', ['--protocol', path.join(folder, 'broken.mjs'), 'quit']],
    ['a value that does not fit', ['add 18446744073709551616 piece']],
    ['a name that is not declared', ['add 1 score']],
    ['a wait that is not a number', ['--timeout', 'long', 'read']],
  ])('%s: one line, status 2, nothing sent', async (_, args) => {
    const { status, stdout, stderr } = await send(...args);
    expect(stderr).toMatch(/^wirepipe: [^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

/** Run `repl`, with its input. */
function repl(input: string, ...args: string[]): Promise<Ran> {
  return ended(start([...cli, 'repl', '--port', port, '--protocol', counter, ...args]), input);
}

describe('repl', () => {
  test('sends the lines of a pipe, and prints the answers', async () => {
    expect(await repl('add 5 dozen\n\nread')).toEqual({
      status: 0,
      stdout: 'total value=60 note=\ntotal value=60 note=\n',
      stderr: '',
    });
  });

  test('.help and .state', async () => {
    const { stdout } = await repl('.help\n.state\n');
    expect(stdout).toBe('add amount unit\nnote key text\nlist items\nread\nopen\n');
  });

  test('--json', async () => {
    expect((await repl('read', '--json')).stdout).toBe('{"type":"total","value":"0","note":""}\n');
  });

  test('a wrong line from a pipe: the answers before it, one line, status 2', async () => {
    expect(await repl('read\nland\nread\n')).toEqual({
      status: 2,
      stdout: 'total value=0 note=\n',
      stderr: 'wirepipe: not a message: "land" (expected add, note, list, read; quote each message)\n',
    });
  });

  test('a server that hangs up ends it, status 0', async () => {
    const other = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const child = start([...cli, 'repl', '--port', String((other.address() as AddressInfo).port)]);
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    other.close();
    expect(status).toBe(0);
  });

  test('on a terminal: Tab completes names, a wrong line is reported and ignored', async () => {
    const words = [...cli, 'repl', '--port', port, '--protocol', counter].join(' ');
    const child = start(['script', '-qec', `env NO_COLOR=1 TERM=xterm ${words}`, '/dev/null']);
    await lineOf(child, />/);
    const wrong = lineOf(child, /not a message: "land"/);
    child.stdin.write('land\n');
    await wrong;
    const answer = lineOf(child, /← total value=24/);
    // A Tab after each part: the message, the field, the enumerated value.
    // One at a time: a Tab inside of what comes at once, as when a text is pasted, completes nothing.
    for (const [part, shown] of [
      ['ad\t', /add /],
      ['am\t', /amount=/],
      ['2 ', /2 /],
      ['u\t', /unit=/],
      ['d\t', /dozen /],
    ] as const) {
      const isShown = lineOf(child, shown);
      child.stdin.write(part);
      await isShown;
    }
    child.stdin.write('\n');
    await answer;
    const status = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.stdin.write('\u0004');
    expect(await status).toBe(0);
  });
});
