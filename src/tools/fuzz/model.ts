import { showThrown } from '../../bytes/show.ts';
import { Conversation } from '../../protocol/conversation.ts';
import type { ServerProtocol } from '../../protocol/protocol.ts';

/** The answers of the declared session itself: its handlers run beside the judged server and receive the same bytes. */
export class Model {
  // biome-ignore lint/suspicious/noExplicitAny: of any protocol
  readonly #conversation: Conversation<any, any>;
  readonly #said: (bytes: Buffer) => void;

  /** @param said - called with the bytes that the session sends */
  // biome-ignore lint/suspicious/noExplicitAny: of any protocol
  constructor(protocol: ServerProtocol<any, any>, said: (bytes: Buffer) => void) {
    this.#conversation = new Conversation(protocol);
    this.#said = said;
    this.#conversation.onAnswers = () => this.#take();
    this.#take();
  }

  /** Whether a handler has not answered yet. */
  get isWorking(): boolean {
    return this.#conversation.isWorking;
  }

  /** Why the model cannot continue, if its own code is the reason. */
  get failure(): string | undefined {
    const { error } = this.#conversation as { error: { code?: string } | undefined };
    return error?.code === 'ERR_HANDLER' ? showThrown(error) : undefined;
  }

  sent(bytes: Buffer): void {
    if (this.#conversation.final) return;
    this.#conversation.receive(Buffer.from(bytes));
    this.#take();
  }

  ended(): void {
    if (this.#conversation.final) return;
    this.#conversation.ended();
    this.#take();
  }

  dispose(): void {
    this.#conversation.onAnswers = undefined;
    this.#conversation.dispose();
  }

  #take(): void {
    for (let bytes = this.#conversation.take(); bytes !== undefined; bytes = this.#conversation.take()) {
      this.#said(Buffer.from(bytes));
    }
  }
}
