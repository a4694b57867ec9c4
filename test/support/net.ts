import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Close something when the test is over. */
export function later(close: () => unknown): void {
  open.push(close);
}

interface Listening {
  listen(target: net.ListenOptions): Promise<void>;
  address(): AddressInfo | string | null;
  close(options: { deadline: number }): Promise<unknown>;
}

/** Let a server listen on a free port until the test is over. Returns the port. */
export async function listening(server: Listening): Promise<number> {
  await server.listen({ port: 0, host: '127.0.0.1' });
  later(() => server.close({ deadline: 1 }));
  return (server.address() as AddressInfo).port;
}

/** A plain socket, and the bytes it has received. */
export interface Raw {
  readonly socket: net.Socket;
  /** All that has come so far. */
  bytes(): Buffer;
  /** Resolves when the socket is closed, with the received bytes. */
  readonly closed: Promise<Buffer>;
}

/** Connect a plain socket that ends when the other side ends. */
export async function raw(port: number, options: Partial<net.TcpNetConnectOpts> = {}): Promise<Raw> {
  const socket = net.connect({ port, host: '127.0.0.1', ...options });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  const bytes = (): Buffer => Buffer.concat(chunks);
  const closed = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(bytes())));
  later(() => socket.destroy());
  await once(socket, 'connect');
  return { socket, bytes, closed };
}

/** Resolves once the condition holds; gives up after a minute, so that what never comes is named. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 12_000) throw new Error(`still not: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
