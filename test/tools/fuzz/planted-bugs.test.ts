/** A drone server by hand, with bugs that can be planted: each is found, played again, and shown by the test that is made of it. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drone } from '../../../src/drone/protocol.ts';
import { failingTest } from '../../../src/fuzz/failing-test.ts';
import { type FuzzOptions, type FuzzReport, fuzz } from '../../../src/fuzz/fuzz.ts';
import { replayAttack } from '../../../src/fuzz/replay-attack.ts';
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
    // The number of attacks ends a run, or the first failure: not the speed of the machine.
    seconds: 3_600,
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
      // A server that seldom gets the processor reads parts together, unless they are far apart.
      judging: { ...judging, gap: bug.includes('split') ? 100 : 30 },
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
  const few = { attacks: 60, timeout: 10_000 };

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

/**
 * A proxy of `port`. What comes within `late` milliseconds is one piece.
 *
 * @param passOf - makes a function for each connection, which returns what the server gets of a piece; `begins` is true for a piece
 * at the start of a frame
 */
async function proxyOf(
  port: number,
  late: () => number,
  passOf: () => (piece: Buffer, begins: boolean) => Buffer,
): Promise<net.Server> {
  const proxy = net.createServer({ allowHalfOpen: true }, (near) => {
    const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => near.destroy()).pipe(near);
    let frame = Buffer.alloc(0);
    const pass = passOf();
    near.on('error', () => far.destroy()).on('end', () => far.end());
    near.on('readable', async () => {
      if (late() > 0) await wait(late());
      const piece: Buffer | null = near.read();
      if (piece === null) return;
      const bytes = pass(piece, frame.length === 0);
      far.write(bytes);
      frame = Buffer.concat([frame, bytes]);
      while (frame.length >= 4 && frame.length >= 4 + frame.readUInt32LE(0)) {
        frame = frame.subarray(4 + frame.readUInt32LE(0));
      }
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return proxy;
}

describe('a server that reads late', () => {
  const server = createServer(drone);
  beforeAll(() => server.listen({ port: 0, host: '127.0.0.1' }));
  afterAll(() => server.close({ deadline: 1 }));
  const serverPort = (): number => (server.address() as net.AddressInfo).port;
  /** Find one failure in messages that are split. */
  const failureOf = async (proxy: net.Server): Promise<FuzzReport['failures'][number]> => {
    const { port } = proxy.address() as net.AddressInfo;
    const { failures } = await fuzz(
      drone,
      options(port, { kinds: ['splits'], gap: 1, timeout: 300, failures: 1, shrinkTime: 50 }),
    );
    expect(failures).toHaveLength(1);
    return failures[0]!;
  };

  test('a failure that needs parts which are read apart is repeated', async () => {
    let isLate = false;
    const proxy = await proxyOf(
      serverPort(),
      () => (isLate ? 15 : 0),
      () => {
        let hasLost = false;
        return (piece, begins) => {
          hasLost ||= begins && piece.length < 4;
          // Once it has failed, the server reads all parts together that are not far apart.
          isLate ||= hasLost;
          return hasLost ? Buffer.alloc(0) : piece;
        };
      },
    );
    expect(await failureOf(proxy)).toMatchObject({ repeats: true });
    proxy.close();
  });

  test('a failure that needs parts which are read together is shown by its capture', async () => {
    const proxy = await proxyOf(
      serverPort(),
      () => 30,
      () => (piece, begins) => {
        const first = begins && piece.length > 4 ? 4 + piece.readUInt32LE(0) : piece.length;
        // The first message is taken twice if another follows at once.
        return piece.length > first ? Buffer.concat([piece.subarray(0, first), piece]) : piece;
      },
    );
    const { events, repeats } = await failureOf(proxy);
    expect(repeats).toBe(true);
    const { connect } = options((proxy.address() as net.AddressInfo).port);
    // The parts of the capture are sent so far apart that each is read by itself.
    expect(await replayAttack(events, drone, { ...judging, connect, gap: 300 })).toBeDefined();
    proxy.close();
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
