/** A drone server by hand, with bugs that can be planted: each is found, played again, and shown by the test that is made of it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drone } from '../../../src/drone/protocol.ts';
import { failingTest } from '../../../src/fuzz/failing-test.ts';
import { type FuzzOptions, type FuzzReport, fuzz } from '../../../src/fuzz/fuzz.ts';
import { createServer } from '../../../src/net/server.ts';
import { eventLine, headerLine } from '../../../src/protocol/recording/capture-line.ts';
import { freePort } from '../../support/free-port.ts';
import { lineOf, root, run, start } from '../../support/run.ts';

const SERVER = path.join(import.meta.dirname, 'drone-server.mjs');

/** The bugs, with what is found of them. */
const BUGS: readonly (readonly [bug: string, kinds: readonly string[]])[] = [
  ['off by one in a length', ['accepted']],
  ['missing maximum', ['accepted', 'dead']],
  ['crash on an empty message', ['dead']],
  ['crash on an unknown discriminant', ['dead']],
  ['state skipped', ['answer', 'value']],
  ['keeps what it was sent', ['memory']],
  ['wrong byte order at a boundary', ['value']],
  ['text not validated', ['accepted']],
  ['answers twice when coalesced', ['answer', 'value']],
  ['loses a message that is split in its length', ['silence', 'answer', 'value']],
  ['hangs on a half-closed connection', ['open']],
  ['answers after the end', ['answer']],
];

const judging = { exact: true, timeout: 1_000 } as const;

function options(port: number, more: Partial<FuzzOptions> = {}): FuzzOptions {
  return {
    ...judging,
    connect: () => net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
    values: { 'handshake.write': { type: 'write', text: 'HELLO' } },
    seed: 1,
    ...more,
  };
}

function byHand(bug = ''): { child: ReturnType<typeof start>; port: Promise<number> } {
  const child = start([process.execPath, SERVER, '0', bug]);
  return { child, port: lineOf(child, /(\d+)\n/).then(([, port]) => Number(port)) };
}

let folder: string;
beforeAll(() => {
  // Inside the package, so that the tests that are made import it by its name.
  mkdirSync(path.join(root, 'reports'), { recursive: true });
  folder = mkdtempSync(path.join(root, 'reports/fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('bugs planted in a server by hand', () => {
  test.each(BUGS)('%s', async (bug, kinds) => {
    const port = await freePort();
    const isMemory = kinds.includes('memory');
    const report = await fuzz(
      drone,
      options(port, {
        run: `${process.execPath} ${SERVER} ${port} '${bug}'`,
        failures: 1,
        seconds: 60,
        shrinkTime: 150,
        ...(isMemory ? { kinds: ['floods'], flood: 1_048_576, memory: 48 } : { flood: 65_536 }),
      }),
    );
    const [failure] = report.failures;
    expect(kinds).toContain(failure?.kind);
    expect(failure?.repeats).toBe(true);
    if (isMemory) return;

    const name = bug.replaceAll(' ', '-');
    const text = headerLine({ protocol: 'drone' }) + failure!.events.map(eventLine).join('');
    writeFileSync(path.join(folder, `${name}.ndjson`), text);
    const made = failingTest({
      title: failure!.text,
      capture: `${name}.ndjson`,
      module: 'wirepipe/drone',
      name: 'drone',
      place: { host: '127.0.0.1', port: 1 },
      judging: { ...judging, gap: 30 },
    });
    const file = path.join(folder, `${name}.test.mjs`);
    writeFileSync(file, made);
    const { child, port: buggy } = byHand(bug);
    process.env.PORT = String(await buggy);
    const { status, stdout } = await run([process.execPath, file]);
    child.kill('SIGKILL');
    expect(stdout).toMatch(/^[#ℹ] fail 1$/m);
    expect(status).toBe(1);
  });

  test('the generated tests pass against the server without the bug', async () => {
    const { child, port } = byHand();
    process.env.PORT = String(await port);
    const names = BUGS.filter(([, kinds]) => !kinds.includes('memory')).map(([bug]) =>
      bug.replaceAll(' ', '-'),
    );
    const all = path.join(folder, 'all.mjs');
    writeFileSync(all, names.map((name) => `await import('./${name}.test.mjs');\n`).join(''));
    const { status, stdout } = await run([process.execPath, all]);
    child.kill('SIGKILL');
    expect(stdout).toMatch(new RegExp(`^[#ℹ] pass ${names.length}$`, 'm'));
    expect(status).toBe(0);
  });
});

describe('servers without a bug', () => {
  const expectClean = ({ failures, reached, unreached, unsent, attacks }: FuzzReport): void => {
    expect(failures).toEqual([]);
    expect(reached).toEqual(['handshake', 'authenticated']);
    expect([...unreached, ...unsent]).toEqual([]);
    for (const [kind, count] of Object.entries(attacks)) {
      if (kind !== 'floods') expect(count, kind).toBeGreaterThan(0);
    }
  };
  const few = { seconds: 60, attacks: 60, timeout: 10_000 };

  test('by hand', async () => {
    const { child, port } = byHand();
    expectClean(await fuzz(drone, options(await port, few)));
    child.kill('SIGKILL');
  });

  test('our server, also when it rarely gets the processor', async () => {
    const server = createServer(drone);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as net.AddressInfo;
    expectClean(await fuzz(drone, options(port, few)));
    await server.close();
  });

  test('a flood whose answers are not read is held back, and answered once they are read', async () => {
    const { child, port } = byHand();
    const flood = { ...few, attacks: 2, kinds: ['floods'] as const, flood: 524_288, pid: child.pid! };
    const report = await fuzz(drone, options(await port, flood));
    expect(report.failures).toEqual([]);
    expect(report.attacks.floods).toBe(2);
    child.kill('SIGKILL');
  });
});

test('the same seed makes the same attacks', async () => {
  const { child, port } = byHand();
  const address = { port: await port, host: '127.0.0.1', allowHalfOpen: true };
  const sent = async (seed: number): Promise<string[]> => {
    const pieces: string[] = [];
    const connect = (): net.Socket => {
      const socket = net.connect(address);
      const write = socket.write.bind(socket);
      socket.write = (bytes: Uint8Array) => {
        pieces.push(Buffer.from(bytes).toString('hex'));
        return write(bytes);
      };
      return socket;
    };
    await fuzz(drone, { ...options(address.port), connect, timeout: 10_000, seed, attacks: 20 });
    return pieces;
  };
  const first = await sent(3);
  expect(await sent(3)).toEqual(first);
  expect(await sent(4)).not.toEqual(first);
  child.kill('SIGKILL');
});
