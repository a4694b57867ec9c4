import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { type FrameError, LimitError, TimeoutError } from '../errors.ts';
import type { ReadCounts } from '../protocol/conversation.ts';
import type { ServerProtocol } from '../protocol/protocol.ts';
import type { ConnectionObserver } from '../protocol/recording/observer.ts';
import type { Said } from '../protocol/session/declaration.ts';
import { lingered } from '../streams/farewell.ts';
import { Responder } from '../streams/responder.ts';
import type { UpgradeHost } from '../streams/upgrade-host.ts';
import { channels } from './channels.ts';
import type { Leaving } from './drain.ts';
import { flushed } from './flushed.ts';
import type { Follower } from './follower.ts';
import type { LimitStruck, ServerLimits } from './limits.ts';
import { Link, type Linked, type LinkSettings } from './link.ts';
import { observe } from './observe.ts';
import type { Peer } from './peer.ts';
import { judgeUpgrade, type Upgrade, type Upgrades } from './upgrades.ts';

/** A connection's run through the session. */
export interface Machine<ServerMessage, State extends string, Context> {
  /** The session's state. */
  readonly state: State;
  /** The error that ended the session, from the peer or from our own code. */
  readonly error: Error | undefined;
  /** The value that the handlers of this connection share. */
  readonly context: Context;
  /** Whether a message is being answered. */
  readonly isBusy: boolean;
  /**
   * Send a message that is not an answer. Returns false if the caller should wait for the peer: `await ready()` before the next
   * one. Throws a `StateError` (`origin: 'local'`) if the state does not allow the message.
   */
  send(message: ServerMessage): boolean;
  /** Resolves when the peer takes messages again, or the connection is gone. */
  ready(): Promise<void>;
  /**
   * End the session without an error: received messages are answered first, then `say` gives the last messages, and our side
   * ends. No effect once the session is over.
   *
   * @example earlier.machine.leave(() => ({ type: 'disconnect', reason: 'sessionTakenOver' }));
   */
  leave(say?: (context: Context) => Said<ServerMessage>): void;
}

/** One peer of a `Server`. */
export interface Connection<_ClientMessage, ServerMessage, State extends string, Context> {
  /** The stream that carries the protocol: a socket, TLS over one, or the stream given to `accept`. */
  readonly stream: Duplex;
  /** The same stream, for the properties that only sockets have. */
  readonly socket: net.Socket;
  /** The other end. */
  readonly peer: Peer;
  /** The peer's address and port; empty on a Unix socket. */
  readonly remote: string;
  /** The session: its `state`, its `context`, and `send` for messages that are not answers. */
  readonly machine: Machine<ServerMessage, State, Context>;
  /** Counts of what was received: frames, frames that were not messages, frames that the framing skipped, and bytes of noise. */
  readonly counts: ReadCounts;
}

/** Events of a connection that its server handles. */
export interface ConnectionEvents<C> {
  limit(connection: C, struck: LimitStruck): void;
  /** Once, at the end. */
  end(connection: C, error: NodeJS.ErrnoException | undefined): void;
  /** A frame was not a message, and is skipped. */
  invalid(connection: C, error: Error, frame: Buffer): void;
  /** Called for what the framing skips; undefined without a listener. */
  readonly onDiscard: ((connection: C, error: FrameError) => void) | undefined;
  /** The function that should take over the connection has failed. */
  failed(connection: C, cause: unknown): void;
}

/** Milliseconds in which a newly connected peer is expected to send something. */
const FIRST_WORD = 1_000;

/** One connection of a server: a stream, the stage that answers on it, and the link that reads for them. */
export class ServedConnection<ClientMessage, ServerMessage, State extends string, Context>
  implements Connection<ClientMessage, ServerMessage, State, Context>, Leaving, Linked, UpgradeHost
{
  readonly stream: Duplex;
  readonly peer: Peer;
  readonly machine: Responder<ClientMessage, ServerMessage, State, Context>;
  readonly link: Link;
  readonly openedAt: number;
  readonly #events: ConnectionEvents<ServedConnection<ClientMessage, ServerMessage, State, Context>>;
  readonly #limits: LinkSettings['limits'];
  #reason: Error | undefined;
  #ended: (() => void) | undefined;
  #isOver = false;
  #seenBy: ConnectionObserver | undefined;
  #unobserve: (() => void) | undefined;
  #follower: Follower | undefined;
  readonly #upgrades: Upgrades<never> | undefined;
  readonly #fail: (error: Error) => void;
  readonly #closed: () => void;
  #isGoingOver = false;

  /** @param now - when the peer connected, in milliseconds of the clock that `sweep` uses */
  constructor(
    stream: Duplex,
    peer: Peer,
    protocol: ServerProtocol<ClientMessage, ServerMessage, State, Context>,
    context: Context | undefined,
    settings: LinkSettings,
    now: number,
    events: ConnectionEvents<ServedConnection<ClientMessage, ServerMessage, State, Context>>,
  ) {
    this.stream = stream;
    this.peer = peer;
    this.openedAt = now;
    this.#events = events;
    this.#limits = settings.limits;
    this.#upgrades = settings.upgrades;
    const { lingerTimeout } = settings.limits;
    this.machine = new Responder(protocol, {
      lingerTimeout,
      context,
      connection: this,
      idleGap: settings.idleGap,
      onInvalid: settings.onInvalid,
    });
    this.machine.observer = this;
    if (this.#upgrades !== undefined) this.machine.hostUpgrades(this);
    this.#fail = (error) => {
      this.#reason ??= error;
      stream.destroy();
    };
    this.#closed = () => this.#end();
    this.machine.on('error', this.#fail);
    stream.on('error', this.#fail).on('close', this.#closed);
    this.link = new Link(stream, this.machine, settings, now, this);
  }

  /** Let an observer see the bytes that pass. */
  observe(observer: ConnectionObserver): void {
    this.#seenBy = observer;
    this.#unobserve = observe(this.stream, 'server', observer);
  }

  /** Let a fleet follow what happens. */
  followedBy(follower: Follower): void {
    this.#follower = follower;
  }

  /** Part of `FollowedConnection`. */
  hold(isHeld: boolean): void {
    this.link.hold(isHeld);
  }

  get socket(): net.Socket {
    return this.stream as net.Socket;
  }

  get counts(): ReadCounts {
    return this.machine.counts;
  }

  get remote(): string {
    return this.peer.remote;
  }

  /** Fulfilled when the connection is over. */
  get ended(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#ended;
      this.#ended = () => {
        before?.();
        resolve();
      };
    });
  }

  /**
   * Answer the received messages, send the last messages, and end. A peer that has just connected and sent nothing yet probably
   * will: it gets its answer first.
   */
  leave(say: (context: Context) => Said<ServerMessage>): void {
    const settled = this.#follower?.leave();
    if (settled === undefined) this.#leave(say);
    else void settled.then(() => this.#leave(say));
  }

  #leave(say: (context: Context) => Said<ServerMessage>): void {
    const wait = this.link.bytesReceived > 0 ? 0 : this.openedAt + FIRST_WORD - performance.now();
    if (wait > 0) setTimeout(() => this.machine.leave(say), wait);
    else this.machine.leave(say);
  }

  cut(): void {
    this.stream.destroy();
  }

  /** End with an error: the session's `farewell` answers it. */
  abort(error: Error): void {
    if (this.machine.isOver) this.cut();
    else this.machine.abort(error);
  }

  /** Part of `ConversationObserver`. */
  invalid(error: Error, frame: Buffer): void {
    this.#events.invalid(this, error, frame);
  }

  /** Part of `ConversationObserver`. */
  get onDiscard(): ((error: FrameError) => void) | undefined {
    const tell = this.#events.onDiscard;
    return tell && ((error) => tell(this, error));
  }

  /** Part of `UpgradeHost`: a reply names an upgrade, and is about to be sent. */
  judge(name: string, waiting: number): Error | undefined {
    const { stream, machine } = this;
    const refusal = judgeUpgrade(this.#upgrades, name, waiting + stream.readableLength, machine.state);
    // Later bytes belong to the next protocol.
    if (refusal === undefined) this.link.release();
    return refusal;
  }

  /** Part of `UpgradeHost`: the answers are on their way. */
  goOver(name: string): void {
    if (this.#isGoingOver) return;
    this.#isGoingOver = true;
    flushed([this.machine, this.stream], this.#limits.lingerTimeout, (isFlushed) => {
      if (this.#isOver) return;
      if (isFlushed) this.#handOver(this.#upgrades![name]!);
      else this.stream.destroy(lingered(this.machine.state, this.#limits.lingerTimeout));
    });
  }

  #handOver({ take }: Upgrade<never>): void {
    const { stream, machine } = this;
    const { unread } = machine;
    machine.unpipe(stream);
    stream.off('error', this.#fail).off('close', this.#closed);
    this.#unobserve?.();
    this.#end();
    const failed = (cause: unknown): void => {
      stream.on('error', () => {}).destroy();
      this.#events.failed(this, cause);
    };
    try {
      Promise.resolve(take(stream as net.Socket, unread, this as never)).catch(failed);
    } catch (cause) {
      failed(cause);
    }
  }

  #end(): void {
    this.#isOver = true;
    // After a violation, a reset adds nothing: the violation is the reason.
    const error = this.machine.error ?? this.#reason;
    this.machine.destroy(error);
    this.link.close();
    if (error !== undefined && channels.fault.hasSubscribers)
      channels.fault.publish({ connection: this, error });
    this.#seenBy?.close(error);
    this.#follower?.end(error);
    this.#events.end(this, error);
    this.#ended?.();
  }

  /** Part of `SessionObserver`. */
  get seesMessages(): boolean {
    return this.#follower !== undefined || channels.message.hasSubscribers;
  }

  /** Part of `SessionObserver`. */
  message(message: unknown, state: string): void {
    this.#follower?.message(message, state);
    if (channels.message.hasSubscribers) channels.message.publish({ connection: this, message, state });
  }

  /** Part of `SessionObserver`. */
  transition(from: string, to: string): void {
    this.#seenBy?.state?.(to);
    this.#follower?.transition(from, to);
    if (channels.transition.hasSubscribers) channels.transition.publish({ connection: this, from, to });
  }

  /** Part of `Linked`. */
  struck(limit: keyof ServerLimits, action: 'closed' | 'paused', actual?: number): void {
    const max = this.#limits[limit];
    this.#events.limit(this, { limit, action, max, remote: this.remote });
    if (action === 'closed') this.abort(this.#error(limit, max, actual));
  }

  #error(limit: keyof ServerLimits, max: number, actual: number | undefined): Error {
    const { state } = this.machine;
    switch (limit) {
      case 'handshakeTimeout':
        return new TimeoutError(
          'ERR_TIMEOUT_HANDSHAKE',
          `the handshake was not over within ${max} ms, in state '${state}'`,
          { limit: max, state },
        );
      case 'frameTimeout':
        return new TimeoutError(
          'ERR_TIMEOUT_IDLE',
          `a frame begun ${max} ms ago is not complete, in state '${state}'`,
          { limit: max, state },
        );
      case 'idleTimeout':
        return new TimeoutError(
          'ERR_TIMEOUT_IDLE',
          `nothing came and nothing was taken in ${max} ms, in state '${state}'`,
          { limit: max, state },
        );
      default:
        return new LimitError('ERR_LIMIT_BYTES', `${actual} bytes are more than ${limit} ${max}`, {
          limit: max,
          actual,
          state,
        });
    }
  }
}
