import { showThrown } from '../bytes/show.ts';
import { TimeoutError } from '../errors.ts';
import type { FollowedConnection } from '../net/server-fleet.ts';
import type { Codec } from '../protocol/codec.ts';
import { type Known, Requests, type RequestsOptions } from '../protocol/session/requests.ts';
import { DONE, type Outcome, refused, unknown } from './outcome.ts';

/** The settings that all devices of a gateway share. */
export interface CommandSettings {
  /** The messages that devices send. */
  readonly replies: Codec<object, never>;
  /** The messages that devices receive. */
  readonly commands: Codec<unknown, object>;
  readonly rules: RequestsOptions<object, object>;
  readonly known: Known;
  /** The most commands that wait for one device, not counting those in flight. */
  readonly maxQueued: number;
  /**
   * Milliseconds after which a late reply is not expected any more. Its number is then free. Without numbers the connection is
   * ended, since the next reply could be the late one.
   */
  readonly quarantine: number;
}

/** A command that waits for its turn, or for its reply. */
interface Ticket {
  readonly isSend: boolean;
  readonly settle: (outcome: Outcome) => void;
  timer: NodeJS.Timeout | undefined;
  isSent: boolean;
}

/**
 * The commands of one device, on one connection: sent in order, as many at a time as the rules allow. Each command is settled
 * once, and sent at most once.
 *
 *     add ──▶ queue ──▶ sent ──▶ replied | unknown
 *               └─────────▶ refused
 */
export class DeviceCommands {
  readonly #connection: FollowedConnection;
  readonly #settings: CommandSettings;
  readonly #requests: Requests<object, object, Ticket>;
  readonly #tickets = new Set<Ticket>();
  #sent = 0;
  /** The peer accepts nothing for now: backpressure. */
  #isBlocked = false;
  #isOver = false;
  /** Runs while a reply without a number is late. */
  #late: NodeJS.Timeout | undefined;
  readonly #quarantined = new Set<NodeJS.Timeout>();
  #settled: (() => void) | undefined;

  constructor(connection: FollowedConnection, settings: CommandSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#requests = new Requests(settings.rules, settings.known);
  }

  /**
   * Send a command as soon as possible, and settle it with its reply, or once it is sent (`isSend`).
   *
   * @param timeout - milliseconds from now, for the wait and the reply together
   */
  add(message: object, isSend: boolean, timeout: number, settle: (outcome: Outcome) => void): void {
    if (this.#isOver) {
      settle(refused('absent', 'the connection of the device is over'));
      return;
    }
    const requests = this.#requests;
    if (this.#tickets.size - this.#sent >= this.#settings.maxQueued) {
      settle(refused('queue', `${this.#settings.maxQueued} commands already wait for the device`));
      return;
    }
    try {
      const count = isSend ? 'one' : requests.count(message);
      if (count === 'many' || count === 'any') {
        settle(refused('invalid', 'many messages answer it: only send it'));
        return;
      }
    } catch (error) {
      settle(refused('invalid', showThrown(error)));
      return;
    }
    const ticket: Ticket = { isSend, settle, timer: undefined, isSent: false };
    if (timeout !== Infinity) ticket.timer = setTimeout(() => this.#timeUp(ticket), timeout);
    this.#tickets.add(ticket);
    requests.add(ticket, message);
    this.#pump();
  }

  /** A message was received: settle the command that it answers. Returns whether it is a reply, even to a command that was given up. */
  receive(message: object): boolean {
    const belongs = this.#requests.receive(message);
    if (belongs === 'message') return false;
    if (!this.#requests.holding) this.#stopWaiting();
    if (belongs !== 'late') {
      let outcome: Outcome;
      try {
        // A copy: the message may be a view of memory that is reused.
        outcome = {
          type: 'replied',
          message: Buffer.from(this.#settings.replies.encode(message as never)),
        };
      } catch (error) {
        outcome = unknown(`the device answered with a message that cannot be encoded: ${showThrown(error)}`);
      }
      this.#settle(belongs.ticket, outcome);
    }
    this.#pump();
    return true;
  }

  /** The state has changed, or the peer accepts messages again: waiting commands may be sent. */
  proceed(): void {
    this.#pump();
  }

  /** Refuse the waiting commands. Returns a promise that is fulfilled when none is in flight; undefined if none is. */
  leave(): Promise<void> | undefined {
    this.#isOver = true;
    for (const ticket of this.#tickets) {
      if (ticket.isSent) continue;
      this.#requests.abandon(ticket);
      this.#settle(ticket, refused('absent', 'the gateway lets the device go'));
    }
    if (this.#tickets.size === 0) return undefined;
    return new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  /** The connection is over. */
  end(): void {
    this.#isOver = true;
    this.#stopWaiting();
    for (const timer of this.#quarantined) clearTimeout(timer);
    for (const ticket of this.#tickets) {
      const outcome = ticket.isSent
        ? unknown('the connection of the device ended before the reply came')
        : refused('absent', 'the connection of the device is over');
      this.#settle(ticket, outcome);
    }
  }

  #pump(): void {
    const requests = this.#requests;
    const { machine } = this.#connection;
    while (!this.#isBlocked && !this.#isOver) {
      const next = requests.next();
      if (next === undefined) return;
      const { ticket, request } = next;
      // For a message that is only sent, the rules need not say what answers it.
      const isRefused = next.refused !== undefined;
      if (isRefused && !ticket.isSend) {
        this.#settle(ticket, refused('invalid', showThrown(next.refused)));
        continue;
      }
      let isTaken: boolean;
      try {
        // A message that cannot be encoded must not reach the session, because it would end the connection.
        this.#settings.commands.encode(request);
        isTaken = machine.send(request);
      } catch (error) {
        requests.revoke(ticket);
        this.#settle(ticket, refusal(error));
        continue;
      }
      if (ticket.isSend && !isRefused && next.unanswered !== true) this.#expectNothing(ticket, request);
      if (ticket.isSend || next.unanswered === true) {
        this.#settle(ticket, DONE);
      } else {
        ticket.isSent = true;
        this.#sent++;
      }
      if (!isTaken) {
        this.#isBlocked = true;
        void machine.ready().then(() => {
          this.#isBlocked = false;
          this.#pump();
        });
      }
    }
  }

  /** Nothing waits for the reply to a message that was only sent. It takes no place of a command. */
  #expectNothing(ticket: Ticket, message: object): void {
    const requests = this.#requests;
    if (requests.isNumbered(ticket)) {
      requests.abandon(ticket, true);
      this.#quarantine(ticket);
    } else {
      requests.revoke(ticket);
      requests.sent(message, true);
    }
  }

  #timeUp(ticket: Ticket): void {
    const requests = this.#requests;
    if (!ticket.isSent) {
      requests.abandon(ticket);
      this.#settle(ticket, refused('queue', 'its time was over before its turn came'));
      return;
    }
    const isNumbered = requests.isNumbered(ticket);
    requests.abandon(ticket, true);
    this.#settle(ticket, unknown('the device has not answered in time'));
    if (isNumbered) {
      this.#quarantine(ticket);
      return;
    }
    requests.hold();
    this.#late ??= setTimeout(() => this.#endLate(), this.#settings.quarantine).unref();
  }

  /** Free the number of a given-up request once its reply cannot come any more. */
  #quarantine(ticket: Ticket): void {
    const timer = setTimeout(() => {
      this.#quarantined.delete(timer);
      this.#requests.release(ticket);
      this.#pump();
    }, this.#settings.quarantine).unref();
    this.#quarantined.add(timer);
  }

  #endLate(): void {
    const limit = this.#settings.quarantine;
    const text = `no reply within ${limit} ms after its time was over: the next one could be that of another command`;
    this.#connection.abort(new TimeoutError('ERR_TIMEOUT_REQUEST', text, { limit }));
  }

  #stopWaiting(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
  }

  #settle(ticket: Ticket, outcome: Outcome): void {
    if (!this.#tickets.delete(ticket)) return;
    clearTimeout(ticket.timer);
    if (ticket.isSent) this.#sent--;
    ticket.settle(outcome);
    if (this.#tickets.size === 0) this.#settled?.();
  }
}

function refusal(error: unknown): Outcome {
  const { code } = error as { code?: unknown };
  if (code === 'ERR_STATE_CLOSED') return refused('absent', 'the connection of the device is over');
  if (code === 'ERR_STATE_UNEXPECTED') return refused('state', showThrown(error));
  return refused('invalid', showThrown(error));
}
