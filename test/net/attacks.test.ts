import type net from 'node:net';
import { describe, expect, test } from 'vitest';
import { createServer } from '../../src/index.ts';
import { echo, echoing, frame, LOGIN } from '../support/echo.ts';
import { later, listening, type Raw, raw, until } from '../support/net.ts';

/** The median of the milliseconds that a polite client waits for `count` answers, one after the other. */
async function latency(peer: Raw, count: number): Promise<number> {
  const waits: number[] = [];
  for (let i = 0; i < count; i++) {
    const before = peer.bytes().length;
    const from = performance.now();
    peer.socket.write(echo('?'));
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (peer.bytes().length === before + 6) resolve();
        else peer.socket.once('data', look);
      };
      peer.socket.once('data', look);
    });
    waits.push(performance.now() - from);
  }
  return waits.sort((a, b) => a - b)[count >> 1]!;
}

async function polite(port: number): Promise<Raw> {
  const peer = await raw(port, { noDelay: true });
  peer.socket.write(LOGIN);
  await until(() => peer.bytes().length === 5);
  return peer;
}

const long = frame(2, Buffer.alloc(900_000));

/** Attackers that stall: what each of them does with its connection. */
const STALLS: Record<string, (socket: net.Socket) => void> = {
  'that connect and say nothing': () => {},
  'that hold most of a long frame': (socket) => socket.write(Buffer.concat([LOGIN, long.subarray(0, -1)])),
  'that do not read their answers': (socket) => {
    socket.pause();
    socket.write(Buffer.concat([LOGIN, ...Array<Buffer>(200).fill(frame(4, Buffer.from([64])))]));
  },
};

describe('a well-behaved client keeps its latency beside 100 attackers', () => {
  test.each(Object.entries(STALLS))('%s', async (_, attack) => {
    const server = createServer(echoing(), {
      maxTotalHeldBytes: 10_000_000,
      handshakeTimeout: Infinity,
      frameTimeout: Infinity,
    });
    // Connections of its own to a server of its own, for the same rounds: the machine has its moods.
    const quiet = createServer(echoing());
    const beside = await polite(await listening(quiet));
    const port = await listening(server);
    const peer = await polite(port);
    const crowd = await Promise.all(Array.from({ length: 100 }, () => raw(port)));
    for (const { socket } of crowd) attack(socket);
    await until(() => server.connections.size === 101);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const ratio = async (): Promise<number> => {
      const ratios: number[] = [];
      for (let round = 0; round < 9; round++) {
        const alone = await latency(beside, 40);
        ratios.push((await latency(peer, 40)) / alone);
      }
      return ratios.sort((a, b) => a - b)[4]!;
    };
    // A machine that is busy with something else tells little: measured again, a server that is slow stays slow.
    let best = Infinity;
    for (let i = 0; i < 4 && best >= 1.5; i++) best = Math.min(best, await ratio());
    expect(best).toBeLessThan(1.5);
    expect(server.connections.size).toBe(101);
  });
});

test('a peer that sends one byte at a time costs memory in proportion to its bytes', async () => {
  const server = createServer(echoing(), { frameTimeout: 200, lingerTimeout: 100 });
  const port = await listening(server);
  const crowd = await Promise.all(Array.from({ length: 50 }, () => raw(port)));
  let at = 0;
  const timer = setInterval(() => {
    for (const { socket } of crowd) socket.write(long.subarray(at, at + 1));
    at++;
  }, 10);
  later(() => clearInterval(timer));
  await until(() => server.stats().accepted === 50 && server.connections.size === 0);
  expect(server.stats()).toMatchObject({ heldBytes: 0, limits: { frameTimeout: 50 } });
});
