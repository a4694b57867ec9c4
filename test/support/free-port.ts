import net from 'node:net';

// Each worker of the test runner has ports of its own.
const LOWEST = 10_000 + 1_000 * (Number(process.env.VITEST_POOL_ID ?? 0) % 20);
const given = new Set<number>();

/**
 * A port of 127.0.0.1 that is free, for a program that cannot say which one the system gave it. It lies below the ports
 * that the system gives away: nobody else gets it before the program listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * 1_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = net.createServer().once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (!isFree || given.has(port)) continue;
    given.add(port);
    return port;
  }
}
