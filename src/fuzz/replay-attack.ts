import { checkOptions } from '../options.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import type { Finding } from '../tools/fuzz/finding.ts';
import type { JudgedProtocol } from '../tools/fuzz/judge.ts';
import { JUDGING_CHECKS, type Judging, type JudgingOptions, judgingOf } from './judging.ts';
import { LiveConnection } from './live-connection.ts';

/** Milliseconds between two pieces: it is played once, and pieces that arrive together may show nothing. */
const GAP = 10;
/** So many bytes without a word of the server in between are a flood: its answers are not read meanwhile. */
const A_FLOOD = 524_288;

/**
 * Send again what the client of a capture has sent, byte for byte and piece by piece, and judge what the server answers, as `fuzz` does:
 * then a conversation without a mistake. Where the server had answered before the next piece, its answer is waited for.
 *
 * @param events - a capture that `fuzz` made
 * @returns what the server does wrong, or undefined
 *
 * @example
 * const connect = () => net.connect({ port: 4000, allowHalfOpen: true });
 * assert.equal(await replayAttack(readCapture('failure-1.ndjson'), drone, { connect }), undefined);
 */
export async function replayAttack(
  events: Iterable<CaptureEvent> | AsyncIterable<CaptureEvent>,
  protocol: JudgedProtocol,
  options: JudgingOptions,
): Promise<Finding | undefined> {
  checkOptions('replayAttack', options, JUDGING_CHECKS);
  const judging = judgingOf(protocol, { ...options, gap: options.gap ?? GAP });
  const all: CaptureEvent[] = [];
  for await (const event of events) all.push(event);
  const mark = all.findIndex(({ event }) => event === 'state');
  return (await played(all, judging)) ?? afterwards(await played(all.slice(0, Math.max(mark, 0)), judging));
}

async function played(events: readonly CaptureEvent[], judging: Judging): Promise<Finding | undefined> {
  const live = await openConnection(judging);
  if (!(live instanceof LiveConnection)) return live;
  await playAgain(events, live);
  return live.finding;
}

/** What is wrong with a good conversation, behind a bad one. */
export function afterwards<F extends Finding | undefined>(finding: F): Finding | (F & undefined) {
  if (finding === undefined || finding.kind === 'dead') return finding as Finding;
  return {
    kind: 'unwell',
    text: `has spoilt itself: in a conversation without a mistake it ${finding.text}`,
  };
}

/** Connect, or say why the server is dead. */
export async function openConnection({ law, patience, connect }: Judging): Promise<LiveConnection | Finding> {
  for (let tries = 0; ; tries++) {
    try {
      return new LiveConnection(await connect(), law, patience);
    } catch (error) {
      // All ports of ours are used up: some are free again after a second.
      if ((error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL' && tries < 100) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      return { kind: 'dead', text: `takes no connections: ${(error as Error).message}` };
    }
  }
}

/**
 * Play the client's part again, and close the connection.
 *
 * @param look - what is wrong with the server as a whole
 */
export async function playAgain(
  events: readonly CaptureEvent[],
  live: LiveConnection,
  look: () => Finding | undefined = () => undefined,
): Promise<void> {
  const floods = floodsIn(events);
  let hasSpoken = false;
  for (const [index, event] of events.entries()) {
    if (live.finding !== undefined) break;
    if (event.event === 'state') {
      await live.settle();
      live.mark(event.state);
      hasSpoken = false;
    }
    if (event.event === 'datagram' || !('from' in event)) continue;
    if (event.from === 'server') {
      hasSpoken = true;
      continue;
    }
    if (hasSpoken) await live.settle();
    hasSpoken = false;
    if (event.event === 'data') {
      if (floods.has(index)) await live.flood(event.bytes, event.bytes.length, look);
      else await live.send(event.bytes);
    } else if (event.event === 'end') live.end();
    else if (event.event === 'reset') live.reset();
  }
  await live.settle();
  // What is found out by waiting would not show behind our end.
  if (live.finding === undefined) live.end();
  await live.settle();
  const wrong = look();
  if (wrong !== undefined) live.blame(wrong);
  live.close();
}

/** The places of the chunks that belong to a flood. */
function floodsIn(events: readonly CaptureEvent[]): ReadonlySet<number> {
  const floods = new Set<number>();
  let run: number[] = [];
  let length = 0;
  for (const [index, event] of [...events.entries(), [-1, undefined] as const]) {
    if (event?.event === 'data' && event.from === 'client') {
      run.push(index);
      length += event.bytes.length;
    } else {
      if (length > A_FLOOD) for (const place of run) floods.add(place);
      run = [];
      length = 0;
    }
  }
  return floods;
}
