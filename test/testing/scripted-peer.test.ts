import { once } from 'node:events';
import { type AddressInfo, connect as dial, createServer as listen, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { drone } from '../../src/drone/protocol.ts';
import { connect, createServer } from '../../src/index.ts';
import { type Fault, FaultPlan } from '../../src/testing/faults.ts';
import { ScriptMismatch, scriptedPeer } from '../../src/testing/scripted-peer.ts';
import { wire } from '../../src/testing/wire.ts';

const HELLO = { type: 'write', text: 'HELLO' } as const;
const move = (x: number) => ({ type: 'move', x, y: 0 }) as const;

/** The chunks that the server's end reads of what the client sends, and how it ends. */
async function through(
  faults: readonly Fault[],
  script: (send: (x: number) => Promise<void>) => Promise<void>,
) {
  const ends = wire(new FaultPlan(drone, faults));
  const chunks: string[] = [];
  let ending = 'open';
  ends.server
    .on('data', (chunk) => chunks.push(chunk.toString('hex')))
    .on('end', () => {
      ending = 'end';
    })
    .on('error', (error) => {
      ending = (error as NodeJS.ErrnoException).code!;
    });
  // A wire that has stalled accepts nothing more.
  const timeout = faults.some(({ do: what }) => what === 'stall') ? 20 : 30_000;
  const peer = scriptedPeer(drone, 'client', ends.client, { timeout });
  await script((x) => peer.send(move(x)));
  for (let turns = 0; turns < 20; turns++) await turn();
  return { chunks, ending };
}

// Length 9, tag 1, x, y.
const bytesOf = (x: number): string => `0900000001${x.toString(16).padStart(2, '0')}00000000000000`;

describe('faults keyed on messages, over a wire in memory', () => {
  const three = async (send: (x: number) => Promise<void>): Promise<void> => {
    for (const x of [1, 2, 3]) await send(x);
  };

  test('after the second `move`, reset', async () => {
    const result = await through([{ from: 'client', on: 'move', nth: 2, do: 'reset' }], three);
    expect(result).toEqual({ chunks: [bytesOf(1), bytesOf(2)], ending: 'ECONNRESET' });
  });

  test('in the middle of the second one', async () => {
    const result = await through([{ from: 'client', on: 'move', nth: 2, do: 'reset', at: 3 }], three);
    expect(result).toEqual({ chunks: [bytesOf(1), '090000'], ending: 'ECONNRESET' });
  });

  test.each<[string, Fault, string[], string]>([
    [
      'none of that type',
      { from: 'client', on: 'quit', do: 'drop' },
      [bytesOf(1), bytesOf(2), bytesOf(3)],
      'open',
    ],
    ['none of that side', { from: 'server', do: 'drop' }, [bytesOf(1), bytesOf(2), bytesOf(3)], 'open'],
    ['drop the first two', { from: 'client', first: 2, do: 'drop' }, [bytesOf(3)], 'open'],
    ['merge', { from: 'client', nth: 1, do: 'merge' }, [bytesOf(1) + bytesOf(2), bytesOf(3)], 'open'],
    [
      'split',
      { from: 'client', nth: 3, do: 'split', length: 5 },
      [bytesOf(1), bytesOf(2), '0900000001', '0300000000', '000000'],
      'open',
    ],
    [
      'corrupt',
      { from: 'client', nth: 2, do: 'corrupt', at: 4 },
      [bytesOf(1), bytesOf(2).replace('0900000001', '09000000fe'), bytesOf(3)],
      'open',
    ],
    ['stall', { from: 'client', nth: 1, do: 'stall', at: 6 }, ['090000000101'], 'open'],
    ['end', { from: 'client', nth: 1, do: 'end' }, [bytesOf(1)], 'end'],
    ['delay', { from: 'client', nth: 1, do: 'delay', ms: 2 }, [bytesOf(1), bytesOf(2), bytesOf(3)], 'open'],
  ])('%s', async (_, fault, chunks, ending) => {
    expect(await through([fault], three)).toEqual({ chunks, ending });
  });

  test('a delay holds back what follows', async () => {
    const { client, server } = wire(new FaultPlan(drone, [{ from: 'client', nth: 1, do: 'delay', ms: 60 }]));
    const start = performance.now();
    client.write(Buffer.from(bytesOf(1), 'hex'));
    await once(server, 'data');
    expect(performance.now() - start).toBeGreaterThan(50);
  });

  test('an unknown option', () => {
    expect(() => new FaultPlan(drone, [{ from: 'client', do: 'splitt' } as never])).toThrow("'split' or");
    expect(() => new FaultPlan(drone, [{ from: 'client', do: 'drop', nht: 1 } as never])).toThrow(
      "did you mean 'nth'",
    );
  });

  test('splitting and merging lose nothing, however the messages are cut on their way in', () => {
    const kinds = fc.constantFrom<Fault['do']>('split', 'merge', 'delay');
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            do: kinds,
            nth: fc.integer({ min: 1, max: 5 }),
            length: fc.integer({ min: 1, max: 9 }),
          }),
        ),
        fc.array(fc.nat(52)),
        (faults, places) => {
          const plan = new FaultPlan(
            drone,
            faults.map((fault) => ({ ...fault, from: 'client' })),
          );
          const direction = plan.direction('client');
          const bytes = Buffer.from([1, 2, 3, 4].map(bytesOf).join(''), 'hex');
          const cuts = [0, ...places.toSorted((a, b) => a - b), bytes.length];
          const steps = cuts.slice(1).flatMap((to, i) => direction.chunk(bytes.subarray(cuts[i], to)));
          steps.push(...direction.end());
          expect(Buffer.concat(steps.flatMap((step) => (step.step === 'bytes' ? [step.bytes] : [])))).toEqual(
            bytes,
          );
        },
      ),
    );
  });
});

/** Read to the end without destroying the stream, as `toArray` and `for await` do. */
async function readAll(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await once(stream, 'end');
  return text;
}

describe('wire', () => {
  test('half-close in both directions', async () => {
    const { client, server } = wire();
    client.end('hi');
    expect(await readAll(server)).toBe('hi');
    server.end('yes');
    expect(await readAll(client)).toBe('yes');
  });

  test('backpressure: writing waits for the reader, and nothing is lost', async () => {
    const { client, server } = wire();
    let accepted = 0;
    while (client.write(Buffer.alloc(10_000))) accepted++;
    expect(accepted).toBeLessThan(20);
    client.end();
    expect(await readAll(server)).toHaveLength((accepted + 1) * 10_000);
  });

  test('destroying an end ends the other; with an error it resets the other; writing fails', async () => {
    const calm = wire();
    calm.client.destroy();
    expect(await readAll(calm.server)).toBe('');
    const failing = once(calm.server, 'error');
    calm.server.write('x');
    expect((await failing)[0]).toMatchObject({ code: 'EPIPE' });

    const hard = wire();
    hard.client.on('error', () => {}).destroy(new Error('x'));
    expect((await once(hard.server, 'error'))[0]).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a scripted peer', () => {
  test('over TCP, with createServer', async () => {
    const server = createServer(drone);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as AddressInfo;
    const peer = scriptedPeer(drone, 'client', dial(port, '127.0.0.1'), { timeout: 60_000 });
    await peer.play([
      { send: HELLO },
      { expect: { type: 'ok', text: 'AUTH_OK' } },
      { send: move(1) },
      { expect: { type: 'ok' } },
      { send: { type: 'quit' } },
      { expect: { text: 'BYE' } },
      { do: 'expect end' },
      { do: 'end' },
    ]);
    await server.close({ deadline: 1 });
  });

  test('as a server that resets after the second `move`, and fails the first two attempts to log in', async () => {
    const faults = new FaultPlan(drone, [
      { from: 'client', on: 'write', first: 2, do: 'reset' },
      { from: 'client', on: 'move', nth: 2, do: 'reset' },
    ]);
    const server = listen((socket: Socket) => {
      const peer = scriptedPeer(drone, 'server', socket, { faults, timeout: 30_000 });
      void (async () => {
        for (;;) {
          await peer.expect();
          await peer.send({ type: 'ok', text: 'yes' });
        }
      })().catch(() => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const attempts: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await connect(drone, { port, host: '127.0.0.1' });
      client.closed.catch(() => {});
      const said: unknown[] = [];
      try {
        said.push((await client.request(HELLO)).text);
        said.push((await client.request(move(1))).text);
        said.push((await client.request(move(2))).text);
      } catch {
        said.push('failed');
      }
      attempts.push(said);
    }
    // The reset comes behind the message: whether its answer still arrives is up to the race that a reset is.
    expect(attempts.slice(0, 2)).toEqual([['failed'], ['failed']]);
    expect((attempts[2] as string[]).slice(0, 2)).toEqual(['yes', 'yes']);
    server.close();
  });

  test('says the step and the field that differs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { client, server } = wire();
    const near = scriptedPeer(drone, 'client', client);
    const far = scriptedPeer(drone, 'server', server, { timeout: 30 });
    await near.send(move(4));
    const script = [{ expect: { type: 'move', x: 3 } as const }];
    const error = await far.play(script).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ScriptMismatch);
    expect(error).toMatchObject({
      message: 'step 1: x: expected 3, got 4 in {"type":"move","x":4,"y":0}',
      path: 'x',
      expected: 3,
      actual: 4,
    });
    const silence = expect(far.expect({ type: 'quit' })).rejects.toThrow(
      'expected {"type":"quit"}, got nothing within 30 ms',
    );
    await vi.advanceTimersByTimeAsync(30);
    await silence;
    await near.send(move(5));
    await expect(far.expectEnd()).rejects.toThrow('expected the end, got {"type":"move","x":5,"y":0}');
    await near.end();
    await expect(far.expect({ type: 'quit' })).rejects.toThrow('expected {"type":"quit"}, got the end');
  });

  test('a message corrupted on its way', async () => {
    const faults = new FaultPlan(drone, [{ from: 'client', do: 'corrupt', at: 4 }]);
    const { client, server } = wire(faults);
    await scriptedPeer(drone, 'client', client).send(HELLO);
    await expect(scriptedPeer(drone, 'server', server).expect(HELLO)).rejects.toThrow('0xfd');
  });
});
