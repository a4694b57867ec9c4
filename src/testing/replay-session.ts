import { checkOptions, natural, requireMethods } from '../options.ts';
import { Conversation } from '../protocol/conversation.ts';
import { swapped } from '../protocol/direction.ts';
import { requireProtocol, type ServerProtocol } from '../protocol/protocol.ts';
import { checkedEvents } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import type { Session } from '../protocol/session/session.ts';

/** What a session sent, and how it ended. */
export interface SessionReplay {
  /** The bytes sent by the session. */
  readonly sent: Buffer;
  /** The state at the end. */
  readonly state: string;
  /** The error that ended the session; undefined if it ended cleanly. */
  readonly error: Error | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: of either side
type AnyConversation = Conversation<any, any, string, any>;

/** A deadline or a named timer; `at` is when it expires, in milliseconds. */
interface Alarm {
  at: number;
  readonly ring: () => void;
}

export interface ReplaySessionOptions<Received, Sent> {
  /** Which connection of the capture. Default 0. */
  connection?: number | undefined;
  /** The client's own session, as `connect` takes it: then it receives what the server of the capture sent. */
  // biome-ignore lint/suspicious/noExplicitAny: a replay need not know what its handlers keep
  session?: Session<Sent, Received, any, any> | undefined;
}

/**
 * Replay what the client of a capture sent into the session of a protocol, or what the server sent into a client's
 * session. There is no stream and no socket, and the clock follows the times of the capture: an hour of silence takes
 * no time, and deadlines pass when they did.
 *
 * @example
 * const whole = await replaySession(recut(events, { how: 'coalesced' }), drone);
 * const bytes = await replaySession(recut(events, { how: 'every' }), drone);
 * expect(bytes.sent).toEqual(whole.sent);
 */
export async function replaySession<Received, Sent>(
  events: readonly CaptureEvent[],
  protocol: ServerProtocol<Received, Sent>,
  options: ReplaySessionOptions<Received, Sent> = {},
): Promise<SessionReplay> {
  requireProtocol(protocol);
  checkOptions('replaySession', options, {
    connection: natural,
    session: (name, value) => requireMethods(name, 'a session', value, 'start'),
  });
  const { connection = 0, session } = options;
  const conversation: AnyConversation =
    session === undefined
      ? new Conversation(protocol)
      : new Conversation({
          name: protocol.name,
          ...swapped(protocol),
          clientMessages: protocol.serverMessages,
          serverMessages: protocol.clientMessages,
          session,
        });
  const sender: Side = session === undefined ? 'client' : 'server';
  const sent: Buffer[] = [];
  const alarms = new Map<string, Alarm>();
  let now = 0;
  let entries = -1;
  let taken = 0;

  const arm = (name: string, milliseconds: number | null | undefined, ring: () => void): void => {
    alarms.delete(name);
    if (milliseconds != null && milliseconds !== Infinity) alarms.set(name, { at: now + milliseconds, ring });
  };
  const limit = (kind: 'within' | 'idle'): void =>
    arm(`limit ${kind}`, conversation.deadline?.[kind], () => conversation.timeout(kind));
  const settle = async (): Promise<void> => {
    for (;;) {
      for (let bytes = conversation.take(); bytes !== undefined; bytes = conversation.take()) {
        sent.push(Buffer.from(bytes));
      }
      const pending = conversation.settled();
      if (pending === undefined) break;
      await pending;
    }
    if (conversation.entries !== entries || conversation.deadline === undefined) {
      entries = conversation.entries;
      limit('within');
      limit('idle');
      alarms.delete('limit frame');
    }
    if (conversation.taken !== taken) limit('idle');
    if (!conversation.isInsideFrame) alarms.delete('limit frame');
    else if (!alarms.has('limit frame') || conversation.taken !== taken) {
      arm('limit frame', conversation.deadline?.frame, () => conversation.timeout('frame'));
    }
    taken = conversation.taken;
    for (const [name, milliseconds] of conversation.takeTimers() ?? []) {
      arm(`timer ${name}`, milliseconds, () => conversation.expire(name));
    }
  };
  /** Fire the alarms that expire by then, in order. */
  const until = async (time: number): Promise<void> => {
    for (;;) {
      const [first] = [...alarms].sort(([, a], [, b]) => a.at - b.at);
      if (first === undefined || first[1].at > time || conversation.final) break;
      const [name, { at, ring }] = first;
      alarms.delete(name);
      now = at;
      ring();
      await settle();
    }
    now = Math.max(now, time);
  };

  await settle();
  let start: number | undefined;
  for (const event of checkedEvents('replaySession', events)) {
    if (event.event === 'datagram' || event.connection !== connection) continue;
    start ??= event.time;
    await until((event.time - start) * 1_000);
    if (event.event === 'data' && event.from === sender) conversation.receive(event.bytes);
    else if (event.event === 'end' && event.from === sender) conversation.ended();
    await settle();
  }
  const { state, error } = conversation;
  conversation.dispose(error);
  return { sent: Buffer.concat(sent), state, error };
}
