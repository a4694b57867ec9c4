import { show, showThrown } from '../../bytes/show.ts';
import { isProtocolError } from '../../errors.ts';
import type { Codec } from '../../protocol/codec.ts';
import { fromClient, fromServer, type ProtocolLines } from '../../protocol/direction.ts';
import type { ServerProtocol } from '../../protocol/protocol.ts';
import { DirectionFrames, type FrameResult } from '../../protocol/recording/direction-frames.ts';
import { plain } from '../../protocol/recording/plain.ts';
import { expectations } from '../../protocol/session/expects.ts';
import { Mirror } from '../../protocol/session/mirror.ts';
import type { SessionTable } from '../../protocol/session/table.ts';
import type { Finding, FindingKind } from './finding.ts';
import { Model } from './model.ts';
import type { Refusal } from './refusal.ts';
import { openTable, strictTable } from './strict-table.ts';

/** What a judge has to know of a protocol: the result of `defineProtocol`, with or without a session. */
export interface JudgedProtocol extends ProtocolLines {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: of any protocol
  readonly clientMessages: Codec<any, any> & { readonly types?: readonly string[] };
  // biome-ignore lint/suspicious/noExplicitAny: of any protocol
  readonly serverMessages: Codec<any, any> & { readonly types?: readonly string[] };
  readonly session?: { readonly table: SessionTable } | undefined;
  readonly replies?: { readonly expects?: unknown } | undefined;
}

/** The rules that a server has to follow. */
export interface Law {
  readonly protocol: JudgedProtocol;
  /** The table, as `strictTable` makes it. */
  readonly table: SessionTable;
  readonly refusal: Refusal;
  /** Whether its answers must equal those of the declared session's handlers. */
  readonly exact: boolean;
}

/**
 * The law for a protocol.
 *
 * @param unasked - whether a state without `unsolicited` may send anything unasked
 * @throws TypeError for a session with a state that has its own framing or codecs: the judge does not follow them
 */
export function lawOf(
  protocol: JudgedProtocol,
  refusal: Refusal,
  { exact = false, unasked = false }: { exact?: boolean | undefined; unasked?: boolean | undefined } = {},
): Law {
  const { session } = protocol;
  if (session?.table.hasLines) {
    const state = [...session.table.states.values()].find(({ line }) => line !== undefined)!.name;
    throw new TypeError(
      `fuzz: state '${state}' of ${protocol.name} has a framing or codecs of its own, which is not followed`,
    );
  }
  if (exact && session === undefined)
    throw new TypeError('fuzz: exact needs a session, whose handlers answer');
  return { protocol, table: strictTable(session?.table ?? openTable(), unasked), refusal, exact };
}

/**
 * Judges one connection to a server by the bytes sent and received. The client's side of the session (`Mirror`) says which
 * messages may come. Sent bytes are read as the declaration says, however they are cut, up to the first mistake; the server has
 * to refuse that mistake.
 *
 *     sent ──▶ frames ──▶ messages ──▶ mirror ◀── messages ◀── frames ◀── received
 *                 └──── a fault ──▶ refusal
 */
export class Judge {
  readonly #law: Law;
  readonly #mirror: Mirror<object, object, string>;
  readonly #ours: DirectionFrames;
  readonly #theirs: DirectionFrames;
  readonly #model: Model | undefined;
  /** The payloads that the server and the model have sent, if values are compared. */
  readonly #said: Buffer[] = [];
  readonly #modelled: Buffer[] = [];
  #compared = 0;
  /** The first mistake, which the server has to refuse. */
  #fault: string | undefined;
  /** Refusals still outstanding, for a server that continues after a mistake. */
  #refusals = 0;
  /** True if nothing more can be judged, except that received bytes must be messages. */
  #isLost = false;
  /** The type of the last message sent. */
  #last = '';
  #hasEnded = false;
  #isOver = false;
  /** Received messages. */
  readonly #received: unknown[] = [];

  constructor(law: Law) {
    this.#law = law;
    const { protocol, table, exact } = law;
    const { of } = expectations((protocol.replies?.expects ?? {}) as never, protocol.session?.table);
    this.#mirror = new Mirror(table, of);
    const ours = fromClient(protocol);
    const theirs = fromServer(protocol);
    this.#ours = new DirectionFrames(ours.framing, false, ours.preface);
    this.#theirs = new DirectionFrames(theirs.framing, false, theirs.preface);
    if (!exact) return;
    const frames = new DirectionFrames(theirs.framing, false, theirs.preface);
    this.#model = new Model(protocol as unknown as ServerProtocol<unknown, unknown>, (bytes) => {
      for (const result of frames.data(bytes)) {
        if (result.kind === 'frame') this.#modelled.push(payloadOf(result));
      }
    });
  }

  /** The states that the server may be in. */
  get states(): readonly string[] {
    return this.#mirror.states;
  }

  /** The messages received from the server. */
  get received(): readonly unknown[] {
    return this.#received;
  }

  /** Whether something had to be refused, or nothing more can be judged. Good messages then prove nothing. */
  get isBroken(): boolean {
    return this.#fault !== undefined || this.#isLost;
  }

  /** Whether the server has ended the connection. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the table leaves open if the last message is answered: the server may send something or not. */
  get mayAnswer(): boolean {
    if (this.#last === '' || this.#isLost) return false;
    return this.states.some(
      (name) => this.#law.table.states.get(name)!.on.get(this.#last)?.outcomes === undefined,
    );
  }

  /** Record sent bytes. */
  sent(bytes: Buffer): void {
    if (this.#isLost) return;
    this.#model?.sent(bytes);
    for (const result of this.#ours.data(Buffer.from(bytes))) this.#take(result);
  }

  /** Record that our side was half-closed. */
  ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#isLost) return;
    this.#model?.ended();
    for (const result of this.#ours.end()) this.#take(result);
  }

  /** Stop following what is sent; received bytes must still be messages. */
  lose(): void {
    this.#isLost = true;
  }

  /** Judge received bytes; returns what is wrong with them. */
  receive(bytes: Buffer): Finding | undefined {
    let finding: Finding | undefined;
    for (const result of this.#theirs.data(Buffer.from(bytes))) finding ??= this.#judge(result);
    return finding ?? this.#compare();
  }

  /** The server has ended or reset the connection; returns what is wrong with that. */
  over(how: 'end' | 'reset'): Finding | undefined {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    if (this.#fault !== undefined || this.#isLost) return undefined;
    const verb = how === 'end' ? 'ended' : 'reset';
    const states = this.states.map((name) => this.#law.table.states.get(name)!);
    const [broken] = how === 'end' ? this.#theirs.end().filter(({ kind }) => kind === 'fault') : [];
    if (broken?.kind === 'fault') return found('garbage', `ended inside a frame: ${broken.error.message}`);
    const missing = this.#compare(true);
    if (missing !== undefined) return missing;
    // A state with a deadline may end the session at any time.
    if (states.some(({ deadline }) => deadline !== undefined)) return undefined;
    if (this.#mirror.owes) {
      return found('ended', `${verb} the connection, and has not answered '${this.#last}'`);
    }
    if ((this.#hasEnded && how === 'end') || states.some(({ final }) => final)) return undefined;
    return found('ended', `${verb} the connection in state '${this.states.join(' or ')}'`);
  }

  /** What the server still owes: the finding if nothing more comes. */
  get owed(): Finding | undefined {
    if (this.#isOver) return undefined;
    const { ends, says } = this.#law.refusal;
    if (this.#fault !== undefined && !this.#isLost) {
      if (ends === 'always') {
        return found('accepted', `continues after a mistake that it has to refuse: ${this.#fault}`);
      }
      if (this.#refusals > 0 && says?.size !== 0) return found('silence', `does not refuse ${this.#fault}`);
    }
    if (this.#hasEnded) return found('open', 'does not end its side of the connection after ours has ended');
    if (this.#isLost) return undefined;
    if (this.#mirror.owes) return found('silence', `does not answer '${this.#last}'`);
    const finals = this.states.filter((name) => this.#law.table.states.get(name)!.final);
    if (finals.length === this.states.length) {
      return found('open', `does not end the connection in state '${finals.join(' or ')}'`);
    }
    return this.#compare(true);
  }

  dispose(): void {
    this.#model?.dispose();
  }

  #take(result: FrameResult): void {
    if (this.#isLost || result.kind === 'noise' || result.kind === 'lost') return;
    const { ends } = this.#law.refusal;
    // Nothing is read after a mistake that ends the connection.
    if (this.#fault !== undefined && ends === 'always') return;
    if (result.kind === 'fault') {
      this.#refuse(`${result.error.code}: ${result.error.message}`);
      if (ends !== 'always') this.#isLost = true;
      return;
    }
    let message: object;
    try {
      message = this.#law.protocol.clientMessages.decode(result.bytes, result.start, result.end) as object;
    } catch (error) {
      // A user's codec may throw any value.
      this.#refuse(isProtocolError(error) ? `${error.code}: ${error.message}` : showThrown(error));
      return;
    }
    const { type = '' } = message as { type?: string };
    try {
      this.#mirror.send(message);
      this.#last = type;
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  #refuse(what: string): void {
    this.#fault ??= what;
    if (this.#law.refusal.ends === 'maybe') this.#isLost = true;
    else this.#refusals++;
  }

  #judge(result: FrameResult): Finding | undefined {
    if (result.kind === 'noise' || result.kind === 'lost') return undefined;
    if (result.kind === 'fault')
      return found('garbage', `sent bytes that are not a frame: ${result.error.message}`);
    let message: object;
    try {
      message = this.#law.protocol.serverMessages.decode(result.bytes, result.start, result.end) as object;
    } catch (error) {
      const bytes = result.bytes
        .subarray(result.start, Math.min(result.end, result.start + 40))
        .toString('hex');
      return found('garbage', `sent bytes that are not a message: ${showThrown(error)} (${bytes})`);
    }
    if (this.#received.length < MOST_KEPT) this.#received.push(message);
    if (this.#isLost) return undefined;
    if (this.#model !== undefined) this.#said.push(payloadOf(result));
    try {
      this.#mirror.receive(message);
      return undefined;
    } catch (error) {
      return this.#mayBeSaid(message) ? undefined : this.#unexpected(message, error as Error);
    }
  }

  /** Whether the message may report a mistake of ours, or be a farewell. */
  #mayBeSaid(message: object): boolean {
    const { type = '' } = message as { type?: string };
    if (this.#fault !== undefined) {
      const { ends, says } = this.#law.refusal;
      if ((says?.has(type) ?? true) && (ends === 'always' || this.#refusals > 0)) {
        this.#refusals--;
        return true;
      }
    }
    return (
      this.#hasEnded && this.states.some((name) => this.#law.table.states.get(name)!.onEnd !== undefined)
    );
  }

  #unexpected(message: object, { message: why }: Error): Finding {
    if (this.#fault === undefined) return found('answer', `sent ${textOf(message)}: ${why}`);
    return found(
      'accepted',
      `answered ${textOf(message)} to a mistake that it has to refuse: ${this.#fault}`,
    );
  }

  /** Compare with the model, as far as both have answered. With `isLast`, the server sends nothing more. */
  #compare(isLast = false): Finding | undefined {
    const model = this.#model;
    // `close` says what a model does with a mistake.
    if (
      model === undefined ||
      this.#isLost ||
      (this.#fault !== undefined && this.#law.refusal.ends !== 'always')
    ) {
      return undefined;
    }
    if (model.failure !== undefined) return undefined;
    const said = this.#said;
    const modelled = this.#modelled;
    for (; this.#compared < Math.min(said.length, modelled.length); this.#compared++) {
      const [theirs, expected] = [said[this.#compared]!, modelled[this.#compared]!];
      const [one, other] = [this.#canonical(theirs), this.#canonical(expected)];
      if (one.equals(other)) continue;
      return found(
        'value',
        `answered ${this.#shown(theirs)}, where the declared session answers ${this.#shown(expected)}`,
      );
    }
    if (model.isWorking || this.#fault !== undefined) return undefined;
    if (said.length > modelled.length) {
      return found(
        'value',
        `sent ${this.#shown(said[modelled.length]!)}, where the declared session sends nothing`,
      );
    }
    if (isLast && said.length < modelled.length) {
      return found('silence', `does not send ${this.#shown(modelled[said.length]!)}`);
    }
    return undefined;
  }

  /** The payload as our own codec writes it, since a value may have several encodings. */
  #canonical(payload: Buffer): Buffer {
    const { serverMessages } = this.#law.protocol;
    try {
      return Buffer.from(serverMessages.encode(serverMessages.decode(payload)));
    } catch {
      return payload;
    }
  }

  #shown(payload: Buffer): string {
    return textOf(this.#law.protocol.serverMessages.decode(payload) as object);
  }
}

/** The most received messages that are kept for making the next ones. */
const MOST_KEPT = 1_000;

function payloadOf({ bytes, start, end }: Extract<FrameResult, { kind: 'frame' }>): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}

function found(kind: FindingKind, text: string): Finding {
  return { kind, text };
}

function textOf(message: object): string {
  const text = JSON.stringify(plain(message)) ?? show(message);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
