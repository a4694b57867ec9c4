import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { Duplex, pipeline } from 'node:stream';
import {
  Conversation,
  createServer,
  FrameDecoder,
  MessageDecoder,
  MessageEncoder,
  type Protocol,
  type ProtocolError,
  StateMachine,
} from '../../src/index.ts';
import { Responder } from '../../src/streams/responder.ts';

// biome-ignore lint/suspicious/noExplicitAny: any protocol
export type AnyProtocol = Protocol<any, any, any, any>;

/** What a peer sees of the server, and what the server's owner is told. */
export interface Outcome {
  /** All that was sent, in hex. */
  readonly bytes: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** One way to run the server's side of a connection: the peer sends these chunks, then ends its side. */
export type Face = (protocol: AnyProtocol, chunks: readonly Buffer[]) => Promise<Outcome>;

function outcome(bytes: readonly Buffer[], error: unknown): Outcome {
  const { code, message } = (error ?? {}) as Partial<ProtocolError>;
  return { bytes: Buffer.concat(bytes).toString('hex'), code, message };
}

/** A wire in memory: gives the chunks, one a turn, and collects what is written. */
function wire(chunks: readonly Buffer[], received: Buffer[]): Duplex {
  let given = 0;
  return new Duplex({
    read() {
      setImmediate(() => this.push(given < chunks.length ? chunks[given++]! : null));
    },
    write(chunk: Buffer, _, callback) {
      received.push(Buffer.from(chunk));
      callback();
    },
  });
}

const overStages =
  (stages: (protocol: AnyProtocol, duplex: Duplex) => readonly Duplex[]): Face =>
  (protocol, chunks) =>
    new Promise((resolve) => {
      const received: Buffer[] = [];
      const duplex = wire(chunks, received);
      pipeline([duplex, ...stages(protocol, duplex), duplex] as never, (error?: Error | null) =>
        resolve(outcome(received, error)),
      );
    });

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

  async 'a Conversation'(protocol, chunks) {
    const conversation = new Conversation(protocol);
    const received: Buffer[] = [];
    const take = async (): Promise<void> => {
      for (;;) {
        for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take()) {
          received.push(bytes);
        }
        const pending = conversation.settled();
        if (pending === undefined) return;
        await pending;
      }
    };
    await take();
    for (const chunk of chunks) {
      conversation.receive(chunk);
      await take();
    }
    conversation.ended();
    await take();
    return outcome(received, conversation.error);
  },

  async 'a Conversation that is given all at once'(protocol, chunks) {
    const conversation = new Conversation(protocol);
    for (const chunk of chunks) conversation.receive(chunk);
    conversation.ended();
    const received: Buffer[] = [];
    for (;;) {
      const bytes = conversation.take();
      if (bytes !== undefined) received.push(bytes);
      else if (conversation.settled() === undefined) return outcome(received, conversation.error);
      else await conversation.settled();
    }
  },

  async createServer(protocol, chunks) {
    const server = createServer(protocol, { noDelay: true });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const end = new Promise<unknown>((resolve) => server.once('connectionEnd', (_, error) => resolve(error)));
    const { port } = server.address() as AddressInfo;
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    for (const chunk of chunks) {
      socket.write(chunk);
      // So that it comes as it was cut, more often than not.
      await new Promise(setImmediate);
    }
    socket.end();
    const [error] = await Promise.all([end, once(socket, 'close')]);
    await server.close();
    return outcome(received, error);
  },
};
