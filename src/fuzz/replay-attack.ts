import { checkOptions, requireIterable } from '../options.ts';
import { checkEvent } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import type { Finding } from '../tools/fuzz/finding.ts';
import type { JudgedProtocol } from '../tools/fuzz/judge.ts';
import { JUDGING_CHECKS, type Judging, type JudgingOptions, judgingOf } from './judging.ts';
import { LiveConnection } from './live-connection.ts';

/** Milliseconds between two parts. An attack is replayed once, and parts that arrive together may show nothing. */
const GAP = 10;
/** This many bytes without an answer in between are a flood: answers are not read meanwhile. */
const A_FLOOD = 524_288;

/**
 * Send the client's bytes in a capture again, byte for byte and part by part. Judge the server's answers as `fuzz` does, then
 * hold a flawless conversation. If the server answered before the next part in the capture, that answer is waited for.
 *
 * @param events - a capture that `fuzz` made
 * @returns the server's mistake, or undefined
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
  requireIterable('replayAttack', 'events', events, 'async iterable');
  for await (const event of events) {
    checkEvent('replayAttack', event);
    all.push(event);
  }
  const mark = all.findIndex(({ event }) => event === 'state');
  return (await played(all, judging)) ?? afterwards(await played(all.slice(0, Math.max(mark, 0)), judging));
}

async function played(events: readonly CaptureEvent[], judging: Judging): Promise<Finding | undefined> {
  const live = await openConnection(judging);
  if (!(live instanceof LiveConnection)) return live;
  await playAgain(events, live);
  return live.finding;
}

/** A finding in a good conversation that follows a bad one. */
export function afterwards<F extends Finding | undefined>(finding: F): Finding | (F & undefined) {
  if (finding === undefined || finding.kind === 'dead') return finding as Finding;
  return {
    kind: 'unwell',
    text: `fails afterwards: in a flawless conversation it ${finding.text}`,
  };
}

/** Connect, or say why the server is dead. */
export async function openConnection({ law, patience, connect }: Judging): Promise<LiveConnection | Finding> {
  for (let tries = 0; ; tries++) {
    try {
      return new LiveConnection(await connect(), law, patience);
    } catch (error) {
      // All local ports are in use; some are free again after a second.
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
 * @param look - returns what is wrong with the server as a whole
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
  // Mistakes that only waiting shows would not show after we close.
  if (live.finding === undefined) live.end();
  await live.settle();
  const wrong = look();
  if (wrong !== undefined) live.blame(wrong);
  live.close();
}

/** The indices of the chunks that belong to a flood. */
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
