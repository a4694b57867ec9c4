/** RESP as examples/redis/resp.ts declares it, against redis-cli, redis-benchmark and redis-server. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { later, raw } from '../support/net.ts';
import { isThere } from '../support/programs.ts';
import { example, lineOf, run, start } from '../support/run.ts';

const hasTools = isThere('redis-cli') && isThere('redis-benchmark');
const hasServer = isThere('redis-server');
/** Programs start slowly on a busy machine. */
const LONG = { timeout: 120_000 };

/** Our server; answers its port. */
async function serving(): Promise<string> {
  const child = start(example('redis', 'server'));
  later(() => child.kill('SIGKILL'));
  const [, port = ''] = await lineOf(child, /listening on port (\d+)/);
  return port;
}

async function cli(port: string, ...words: string[]): Promise<string> {
  const { stdout, stderr } = await run(['redis-cli', '--no-raw', '-p', port, ...words]);
  return stdout + stderr;
}

describe.skipIf(!hasTools)('our server', () => {
  test('answers redis-cli', LONG, async () => {
    const port = await serving();
    expect(await cli(port, 'ping')).toBe('PONG\n');
    expect(await cli(port, 'set', 'a', 'two\r\nlines')).toBe('OK\n');
    expect(await cli(port, 'get', 'a')).toBe('"two\\r\\nlines"\n');
    expect(await cli(port, 'get', 'b')).toBe('(nil)\n');
    expect(await cli(port, 'set', 'n', '999999999999999999')).toBe('OK\n');
    expect(await cli(port, 'incr', 'n')).toBe('(integer) 1000000000000000000\n');
    expect(await cli(port, 'mget', 'a', 'b')).toBe('1) "two\\r\\nlines"\n2) (nil)\n');
    expect(await cli(port, 'fly')).toBe("(error) ERR unknown command 'fly'\n");
  });

  test('answers redis-benchmark, many at once', LONG, async () => {
    const port = await serving();
    const tests = ['-t', 'ping_mbulk,set,get,incr', '-n', '2000', '-c', '8', '-P', '16', '-d', '300'];
    const { stdout, stderr, status } = await run(['redis-benchmark', '-p', port, '--csv', ...tests]);
    expect(stderr).not.toMatch(/error/i);
    expect(status).toBe(0);
    expect(stdout.split('\n').filter((line) => /^"(PING_MBULK|SET|GET|INCR)"/.test(line))).toHaveLength(4);
  });

  test('sends an error to a client that breaks the protocol, and ends', LONG, async () => {
    const port = await serving();
    const { socket, closed } = await raw(Number(port));
    socket.write('*1\r\n$4\r\nPING\r\n+hello\r\n*1\r\n$x\r\n');
    const text = (await closed).toString('latin1');
    expect(text).toMatch(
      /^\+PONG\r\n-ERR Protocol error: a command is an array\r\n-ERR Protocol error: .+\r\n$/,
    );
  });
});

test.skipIf(!hasServer)('our client, against redis-server', LONG, async () => {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const server = start(['redis-server', '--port', String(port), '--save', '', '--bind', '127.0.0.1']);
  later(() => server.kill());
  await lineOf(server, /Ready to accept connections/);
  const { stdout, stderr, status } = await run(example('redis', 'client', String(port)));
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    '(simple) OK',
    "'hello, wörld'",
    '(nil)',
    '(error) ERR value is not an integer or out of range',
    '1',
    '1',
    "[1, [2, 'three', []], (nil)]",
    `['port', '${port}']`,
    '',
  ]);
  expect(status).toBe(0);
});
