/**
 * Checks that an echo server keeps the rules every peer of the benchmark keeps:
 *
 *     npx tsx bench/peers/check.ts COMMAND…
 *
 * starts `COMMAND… forwarded` and `COMMAND… rewritten`, each of which prints `listening PORT`, and prints a
 * line for each check. Every answer is awaited with the connection open, so that a server which holds bytes
 * back fails. Exit status 1 if a check failed, 2 for a wrong command line.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

type Mode = 'forwarded' | 'rewritten';

const MAX_FRAME_LENGTH = 10_000_000;
const CHECK_TIMEOUT_MS = 20_000;

let failures = 0;

async function main(command: string[]): Promise<number> {
  if (command.length === 0) {
    console.error('usage: npx tsx bench/peers/check.ts COMMAND…');
    return 2;
  }
  for (const mode of ['forwarded', 'rewritten'] as const) await checkServer(command, mode);
  return failures === 0 ? 0 : 1;
}

async function checkServer(command: string[], mode: Mode): Promise<void> {
  const server = spawn(command[0]!, [...command.slice(1), mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = await portOf(server);
    for (const [name, check] of checksFor(mode)) await report(`${mode}: ${name}`, port, check);
  } catch (error) {
    failures++;
    console.log(`FAILED  ${mode}: ${(error as Error).message}`);
  } finally {
    server.kill();
  }
}

/** The port from the server's first line. */
async function portOf(server: ChildProcess): Promise<number> {
  const lines = createInterface({ input: server.stdout! });
  const ended = once(server, 'exit').then(([code, signal]) => {
    throw new Error(`the server ended before it listened (${code ?? signal})`);
  });
  const [line] = await within(Promise.race([once(lines, 'line'), ended]), 'line `listening PORT`');
  const port = /^listening (\d+)$/.exec(line)?.[1];
  if (port === undefined) throw new Error(`expected \`listening PORT\`, got ${JSON.stringify(line)}`);
  return Number(port);
}

type Check = (client: Client, port: number) => Promise<void>;

function checksFor(mode: Mode): [name: string, check: Check][] {
  const exchange = async (client: Client, payloads: Buffer[]): Promise<void> => {
    client.send(Buffer.concat(payloads.map(question)));
    await client.expect(Buffer.concat(payloads.map((payload) => answer(mode, payload))));
  };
  const refusal = (prefix: number[]): Check => {
    return async (client) => {
      client.send(Buffer.concat([question(bytes(3)), Buffer.from(prefix)]));
      await client.expectClose(answer(mode, bytes(3)));
    };
  };
  const hundred = Array.from({ length: 100 }, (_, index) => bytes(index * 7));
  const checks: [string, Check][] = [
    ['an empty frame', (client) => exchange(client, [bytes(0)])],
    [
      'a byte at a time',
      async (client) => {
        for (const byte of question(bytes(9))) await client.sendNow(Buffer.of(byte));
        await client.expect(answer(mode, bytes(9)));
      },
    ],
    ['100 frames in one write', (client) => exchange(client, hundred)],
    ['a frame of 65,535 bytes', (client) => exchange(client, [bytes(0xffff)])],
    [
      'one frame, then another after the answer',
      async (client) => {
        await exchange(client, [bytes(64)]);
        await exchange(client, [bytes(64)]);
      },
    ],
    [
      '50 connections at once',
      async (_, port) => {
        const clients = await Promise.all(Array.from({ length: 50 }, () => Client.open(port)));
        try {
          await Promise.all(clients.map((client) => exchange(client, hundred)));
        } finally {
          for (const client of clients) client.close();
        }
      },
    ],
    [
      'the client ends: every answer comes before the end',
      async (client) => {
        const payloads = Array.from({ length: 100 }, () => bytes(60_000));
        client.end(Buffer.concat(payloads.map(question)));
        await client.expectClose(Buffer.concat(payloads.map((payload) => answer(mode, payload))));
      },
    ],
    ['10,000,001 bytes announced: refused', refusal([0x81, 0x96, 0x98, 0x00])],
    ['0xffffffff bytes announced: refused', refusal([0xff, 0xff, 0xff, 0xff])],
  ];
  if (mode === 'forwarded')
    checks.push(['a frame of 10,000,000 bytes', (client) => exchange(client, [bytes(MAX_FRAME_LENGTH)])]);
  else
    checks.push([
      'a frame of 65,536 bytes, which a u16 prefix cannot say: refused',
      async (client) => {
        client.send(question(bytes(0x10000)));
        await client.expectClose(Buffer.alloc(0));
      },
    ]);
  return checks;
}

async function report(name: string, port: number, check: Check): Promise<void> {
  let client: Client | undefined;
  try {
    client = await Client.open(port);
    await within(check(client, port), 'answer');
    console.log(`ok      ${name}`);
  } catch (error) {
    failures++;
    console.log(`FAILED  ${name}: ${(error as Error).message}`);
  } finally {
    client?.close();
  }
}

/** A connection that collects what comes back. */
class Client {
  readonly #socket: Socket;
  readonly #received: Buffer[] = [];
  #length = 0;
  #closed = false;
  #wake: () => void = () => {};

  static async open(port: number): Promise<Client> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Client(socket);
  }

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#length += chunk.length;
      this.#wake();
    });
    const closed = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('end', closed);
    // A server that closes with our bytes unread resets the connection: a refusal too.
    socket.on('error', closed);
  }

  send(data: Buffer): void {
    this.#socket.write(data);
  }

  /** Sends `data` and waits until the kernel has it and the loop has turned, so that it travels alone. */
  async sendNow(data: Buffer): Promise<void> {
    await new Promise((resolve) => this.#socket.write(data, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  end(data: Buffer): void {
    this.#socket.end(data);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Waits for exactly `expected`, the connection staying open. */
  async expect(expected: Buffer): Promise<void> {
    while (this.#length < expected.length && !this.#closed) await this.#change();
    this.#compare(expected);
    if (this.#closed) throw new Error('the connection was closed');
  }

  /** Waits for the server to close the connection, exactly `expected` having come before. */
  async expectClose(expected: Buffer): Promise<void> {
    while (!this.#closed) await this.#change();
    this.#compare(expected);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #compare(expected: Buffer): void {
    const received = Buffer.concat(this.#received);
    this.#received.length = this.#length = 0;
    if (received.equals(expected)) return;
    let at = 0;
    while (at < received.length && received[at] === expected[at]) at++;
    throw new Error(`expected ${expected.length} bytes, got ${received.length}, equal up to byte ${at}`);
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** `length` bytes with a period (251) that no power of two shares. */
function bytes(length: number): Buffer {
  const payload = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) payload[index] = index % 251;
  return payload;
}

function question(payload: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(payload.length);
  return Buffer.concat([prefix, payload]);
}

function answer(mode: Mode, payload: Buffer): Buffer {
  if (mode === 'forwarded') return question(payload);
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(payload.length);
  return Buffer.concat([prefix, payload]);
}

process.exitCode = await main(process.argv.slice(2));
