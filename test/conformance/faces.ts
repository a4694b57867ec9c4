import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { Duplex, pipeline } from 'node:stream';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';
import {
  Conversation,
  createServer,
  FrameDecoder,
  MessageDecoder,
  MessageEncoder,
  type Protocol,
  type ProtocolError,
  type Server,
  StateMachine,
} from '../../src/index.ts';
import { Responder } from '../../src/streams/responder.ts';
import { chunkings } from '../../src/testing/chunkings.ts';

// biome-ignore lint/suspicious/noExplicitAny: any protocol
export type AnyProtocol = Protocol<any, any, any, any>;

/** What a peer sees of the server, and what the server's owner sees. */
export interface Outcome {
  /** All that was sent, in hex. */
  readonly bytes: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** Once the peer has received so many bytes, so much time passes. */
export interface Pause {
  readonly received: number;
  readonly milliseconds: number;
}

/** What a peer does before it ends its side. Where there are pauses, `setTimeout` has to be a fake. */
export type Script = readonly (Buffer | Pause)[];

/** The ways of cutting what a peer sends: whole, byte by byte, in two at every place, and at random. */
export function* cuts(script: Script, random = 4): Generator<{ name: string; script: Script }> {
  const whole = joined(script);
  const bytes = Buffer.concat(whole.filter((step) => Buffer.isBuffer(step)));
  for (const { name, chunks } of chunkings(bytes, { random })) yield { name, script: woven(whole, chunks) };
}

/** The same script, with all bytes between two pauses in one piece. */
function joined(script: Script): Script {
  const steps: (Buffer | Pause)[] = [];
  for (const step of script) {
    const before = steps.at(-1);
    if (Buffer.isBuffer(step) && Buffer.isBuffer(before))
      steps.push(Buffer.concat([steps.pop() as Buffer, step]));
    else steps.push(step);
  }
  return steps;
}

/** The same script, its bytes cut as the chunks are; a pause cuts, too. */
function woven(script: Script, chunks: readonly Buffer[]): Script {
  const steps: (Buffer | Pause)[] = [];
  let index = 0;
  let at = 0;
  for (const step of script) {
    if (!Buffer.isBuffer(step)) {
      steps.push(step);
      continue;
    }
    for (let missing = step.length; missing > 0; ) {
      const piece = chunks[index]!.subarray(at, at + missing);
      missing -= piece.length;
      at += piece.length;
      if (at === chunks[index]!.length) {
        index++;
        at = 0;
      }
      if (piece.length > 0) steps.push(piece);
    }
  }
  return steps;
}

/** One way to run the server's side of a connection. */
export type Face = (protocol: AnyProtocol, script: Script) => Promise<Outcome>;

function outcome(bytes: readonly Buffer[], error: unknown): Outcome {
  const { code, message } = (error ?? {}) as Partial<ProtocolError>;
  return { bytes: Buffer.concat(bytes).toString('hex'), code, message };
}

/** Wait until the peer has received what the pause says. */
async function heard({ received }: Pause, bytes: readonly Buffer[]): Promise<void> {
  const count = (): number => bytes.reduce((sum, { length }) => sum + length, 0);
  for (let turns = 0; count() < received; turns++) {
    if (turns === 5_000) throw new Error(`the peer has received ${count()} bytes, not ${received}`);
    // A system that does much else may take longer than some turns to carry bytes.
    await (turns < 500 ? turn() : sleep(5));
  }
}

/** Let time pass for the timers of streams, which look at the event loop once more before they call. */
async function pass({ milliseconds }: Pause): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let turns = 0; turns < 3; turns++) await turn();
}

/** A wire in memory: gives the chunks, one a turn, and collects what is written. */
function wire(script: Script, received: Buffer[]): Duplex {
  const steps = script[Symbol.iterator]();
  const give = async (duplex: Duplex): Promise<void> => {
    for (;;) {
      await turn();
      const { value, done } = steps.next();
      if (done || Buffer.isBuffer(value)) {
        duplex.push(done ? null : value);
        return;
      }
      await heard(value, received);
      await pass(value);
    }
  };
  return new Duplex({
    read() {
      give(this).catch((error) => this.destroy(error));
    },
    write(chunk: Buffer, _, callback) {
      received.push(Buffer.from(chunk));
      callback();
    },
  });
}

const overStages =
  (stages: (protocol: AnyProtocol, duplex: Duplex) => readonly Duplex[]): Face =>
  (protocol, script) =>
    new Promise((resolve) => {
      const received: Buffer[] = [];
      const duplex = wire(script, received);
      pipeline([duplex, ...stages(protocol, duplex), duplex] as never, (error?: Error | null) =>
        resolve(outcome(received, error)),
      );
    });

/** A conversation and the clock that it does not have. */
class Driven {
  readonly received: Buffer[] = [];
  readonly conversation: Conversation<unknown, unknown>;
  readonly #timers = new Map<string, number>();
  #now = 0;
  #entries = 0;
  #enteredAt = 0;
  #taken = 0;
  #takenAt = 0;

  constructor(protocol: AnyProtocol) {
    this.conversation = new Conversation(protocol);
  }

  /** Take what there is until no handler is at work. */
  async settle(): Promise<void> {
    const { conversation } = this;
    for (;;) {
      this.take();
      const pending = conversation.settled();
      if (pending === undefined) return;
      // A handler may wait for what the peer has yet to send.
      const isLate = await Promise.race([pending, this.#later()]);
      if (isLate === true && !conversation.isBusy) return;
    }
  }

  take(): void {
    const { conversation } = this;
    for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take()) {
      this.received.push(bytes);
    }
    if (conversation.entries !== this.#entries) this.#enteredAt = this.#takenAt = this.#now;
    if (conversation.taken !== this.#taken) this.#takenAt = this.#now;
    this.#entries = conversation.entries;
    this.#taken = conversation.taken;
    for (const [name, delay] of conversation.takeTimers() ?? []) {
      if (delay === null) this.#timers.delete(name);
      else this.#timers.set(name, this.#now + delay);
    }
  }

  /** Let so many milliseconds pass: what runs out runs out in its order. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const { conversation } = this;
      const { within = Infinity, idle = Infinity } = conversation.deadline ?? {};
      const due: [at: number, call: () => void][] = [
        [
          this.#enteredAt + within,
          () => {
            // It starts anew if the state stays.
            this.#enteredAt = this.#now;
            conversation.timeout('within');
          },
        ],
        [
          this.#takenAt + idle,
          () => {
            this.#takenAt = this.#now;
            conversation.timeout('idle');
          },
        ],
        ...[...this.#timers].map(([name, at]): [number, () => void] => [
          at,
          () => {
            this.#timers.delete(name);
            conversation.expire(name);
          },
        ]),
      ];
      const [at, call] = due.reduce((first, next) => (next[0] < first[0] ? next : first));
      if (at > end) break;
      this.#now = at;
      call();
      await this.settle();
    }
    this.#now = end;
  }

  async #later(): Promise<true> {
    for (let turns = 0; turns < 20; turns++) await turn();
    return true;
  }
}

/** What a connection ended with, once it has. */
interface End {
  readonly promise: Promise<unknown>;
  readonly resolve: (error: unknown) => void;
}

/** A server, and how its connections ended, by the address of the peer. */
class Served {
  // biome-ignore lint/suspicious/noExplicitAny: any protocol
  readonly server: Server<any, any, any, any>;
  readonly #ends = new Map<string, End>();

  constructor(protocol: AnyProtocol) {
    this.server = createServer(protocol, { noDelay: true });
    this.server.on('connectionEnd', ({ remote }, error) => this.#end(remote).resolve(error));
  }

  /** The error that the connection ended with. A peer may ask before or after. */
  async ended(remote: string): Promise<unknown> {
    const error = await this.#end(remote).promise;
    this.#ends.delete(remote);
    return error;
  }

  #end(remote: string): End {
    const known = this.#ends.get(remote);
    if (known !== undefined) return known;
    let resolve!: (error: unknown) => void;
    const promise = new Promise<unknown>((done) => {
      resolve = done;
    });
    const end = { promise, resolve };
    this.#ends.set(remote, end);
    return end;
  }
}

/** Listening servers; one serves all scripts of its protocol. */
const servers = new Map<AnyProtocol, Promise<Served>>();

function serve(protocol: AnyProtocol): Promise<Served> {
  const known = servers.get(protocol);
  if (known !== undefined) return known;
  const served = new Served(protocol);
  const listening = served.server.listen({ port: 0, host: '127.0.0.1' }).then(() => served);
  servers.set(protocol, listening);
  return listening;
}

/** Close the servers of `createServer`. */
export async function closeServers(): Promise<void> {
  for (const served of servers.values()) await (await served).server.close();
  servers.clear();
}

export const FACES: Readonly<Record<string, Face>> = {
  'the four stages under pipeline': overStages(
    ({ framing, preface, clientMessages, session, serverMessages }, duplex) => {
      const { reads, writes } = 'reads' in framing ? framing : { reads: framing, writes: framing };
      const { client, server } = (preface ?? {}) as { client?: string; server?: string };
      if (server !== undefined) duplex.write(server);
      return [
        new FrameDecoder(reads, { preface: client }),
        new MessageDecoder(clientMessages),
        new StateMachine(session),
        new MessageEncoder(serverMessages, { framing: writes }),
      ];
    },
  ),

  'a Responder under pipeline': overStages((protocol) => [new Responder(protocol)]),

  async 'a Conversation'(protocol, script) {
    const driven = new Driven(protocol);
    const { conversation, received } = driven;
    await driven.settle();
    for (const step of script) {
      if (Buffer.isBuffer(step)) {
        conversation.receive(step);
        await driven.settle();
      } else {
        await heard(step, received);
        await driven.pass(step.milliseconds);
      }
    }
    conversation.ended();
    await driven.settle();
    conversation.dispose(conversation.error);
    return outcome(received, conversation.error);
  },

  async 'a Conversation that is given all that comes at once'(protocol, script) {
    const driven = new Driven(protocol);
    const { conversation, received } = driven;
    for (const step of script) {
      if (Buffer.isBuffer(step)) {
        conversation.receive(step);
      } else {
        await driven.settle();
        await heard(step, received);
        await driven.pass(step.milliseconds);
      }
    }
    conversation.ended();
    await driven.settle();
    conversation.dispose(conversation.error);
    return outcome(received, conversation.error);
  },

  async createServer(protocol, script) {
    const served = await serve(protocol);
    const { port } = served.server.address() as AddressInfo;
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const closed = once(socket, 'close');
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    await once(socket, 'connect');
    const end = served.ended(`127.0.0.1:${socket.localPort}`);
    for (const step of script) {
      if (Buffer.isBuffer(step)) {
        socket.write(step);
        // So that it comes as it was cut, more often than not.
        await turn();
      } else {
        await heard(step, received);
        await pass(step);
      }
    }
    socket.end();
    const [error] = await Promise.all([end, closed]);
    return outcome(received, error);
  },
};
