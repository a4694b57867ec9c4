import { checkOptions, natural } from '../options.ts';
import { Conversation } from '../protocol/conversation.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';

/** What a session answered. */
export interface SessionReplay {
  /** The bytes that it sent. */
  readonly sent: Buffer;
  /** The state at the end. */
  readonly state: string;
  /** What ended it, unless that was peace. */
  readonly error: Error | undefined;
}

/** A limit or a named timer, and when it runs out, in milliseconds. */
interface Alarm {
  at: number;
  readonly ring: () => void;
}

/**
 * Replay what the client of a capture sent into the session of a protocol: no stream, no socket, and a clock that the times of the
 * capture set, so that an hour of silence takes no time and the limits of the session's states pass when they did.
 *
 * @param options - `connection`: which one of the capture; default 0
 *
 * @example
 * const whole = await replaySession(recut(events, { how: 'coalesced' }), drone);
 * const bytes = await replaySession(recut(events, { how: 'every' }), drone);
 * expect(bytes.sent).toEqual(whole.sent);
 */
export async function replaySession<Received, Sent>(
  events: readonly CaptureEvent[],
  protocol: Protocol<Received, Sent>,
  options: { connection?: number | undefined } = {},
): Promise<SessionReplay> {
  checkOptions('replaySession', options, { connection: natural });
  const { connection = 0 } = options;
  const conversation = new Conversation(protocol);
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
  /** Let the alarms ring that run out by then, in their order. */
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
  for (const event of events) {
    if (event.event === 'datagram' || event.connection !== connection) continue;
    start ??= event.time;
    await until((event.time - start) * 1_000);
    if (event.event === 'data' && event.from === 'client') conversation.receive(event.bytes);
    else if (event.event === 'end' && event.from === 'client') conversation.ended();
    await settle();
  }
  const { state, error } = conversation;
  conversation.dispose(error);
  return { sent: Buffer.concat(sent), state, error };
}
