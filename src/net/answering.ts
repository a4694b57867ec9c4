import type { Readable, Writable } from 'node:stream';
import type { Protocol } from '../protocol/protocol.ts';
import type { ConnectionInfo } from '../protocol/session/declaration.ts';
import { FrameDecoder } from '../streams/frame-decoder.ts';
import { MessageDecoder } from '../streams/message-decoder.ts';
import { MessageEncoder } from '../streams/message-encoder.ts';
import { join } from '../streams/stage.ts';
import { StateMachine } from '../streams/state-machine.ts';

/** What answers on one connection, as its link knows it: bytes in, bytes out. */
export interface Answering {
  readonly input: Writable;
  readonly output: Readable;
  /** Bytes that have come and belong to no message yet. */
  readonly held: number;
  /** Messages that have been taken. */
  readonly taken: number;
  /** Whether a message is being answered. */
  readonly isBusy: boolean;
  /** Whether the handshake is over, see `ready` of a session. */
  readonly isReady: boolean;
  /** Whether nothing is answered any more: what is left is to be delivered, and the peer to end. */
  readonly isOver: boolean;
}

/** The four stages of a protocol, joined, for one connection. */
export class Stages<ClientMessage, ServerMessage, State extends string, Context> implements Answering {
  readonly input: FrameDecoder;
  readonly machine: StateMachine<ClientMessage, ServerMessage, State, Context>;
  readonly output: MessageEncoder<ServerMessage>;
  readonly #messages: MessageDecoder<ClientMessage>;

  constructor(
    {
      framing,
      clientMessages,
      serverMessages,
      session,
    }: Protocol<ClientMessage, ServerMessage, State, Context>,
    options: {
      lingerTimeout: number;
      context?: Context | undefined;
      connection?: ConnectionInfo | undefined;
    },
  ) {
    const { lingerTimeout } = options;
    this.input = new FrameDecoder(framing, { lingerTimeout });
    this.#messages = new MessageDecoder(clientMessages, { lingerTimeout });
    this.machine = new StateMachine(session, options);
    this.output = new MessageEncoder(serverMessages, { framing, lingerTimeout });
    join(this.input, this.#messages, this.machine, this.output);
  }

  get held(): number {
    return this.input.buffered + this.input.writableLength;
  }

  get taken(): number {
    return this.machine.taken;
  }

  get isBusy(): boolean {
    return this.machine.isBusy;
  }

  get isReady(): boolean {
    return this.machine.isReady;
  }

  get isOver(): boolean {
    return this.machine.isOver;
  }

  onError(listener: (error: Error) => void): void {
    for (const stage of [this.input, this.#messages, this.machine, this.output]) stage.on('error', listener);
  }

  destroy(): void {
    for (const stage of [this.input, this.#messages, this.machine, this.output]) stage.destroy();
  }
}
