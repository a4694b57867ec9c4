import type { DecodableProtocol } from '../captures/decode-capture.ts';
import { recutAtFrames } from '../captures/recut.ts';
import { callback } from '../options.ts';
import { requireLines } from '../protocol/direction.ts';
import { checkedEvents } from '../protocol/recording/capture-line.ts';
import type { CaptureEvent, DataEvent } from '../protocol/recording/events.ts';

/**
 * The smallest capture that still fails. Whole messages are left out first (with a protocol), then chunks and other
 * events, then bytes.
 *
 * @param fails - returns true if a capture shows the fault; called many times
 * @throws TypeError if the given capture does not fail
 *
 * @example
 * const small = await shrinkCapture(events, async (some) => (await run(some)) === 'wrong', drone);
 */
export async function shrinkCapture(
  events: readonly CaptureEvent[],
  fails: (events: readonly CaptureEvent[]) => boolean | Promise<boolean>,
  protocol?: DecodableProtocol<unknown, unknown>,
): Promise<CaptureEvent[]> {
  let smallest = [...checkedEvents('shrinkCapture', events)];
  callback('shrinkCapture: fails', fails);
  if (protocol !== undefined) requireLines('shrinkCapture', protocol, 'decode');
  if (!(await fails(events))) throw new TypeError('shrinkCapture: the given capture does not fail');
  if (protocol !== undefined) {
    const cut = recutAtFrames(events, protocol);
    if (await fails(cut)) smallest = cut;
  }
  smallest = await fewest(smallest, fails);
  for (let index = 0; index < smallest.length; index++) {
    const event = smallest[index]!;
    if (event.event !== 'data') continue;
    const before = smallest.slice(0, index);
    const behind = smallest.slice(index + 1);
    const withBytes = (bytes: readonly number[]): CaptureEvent[] => [
      ...before,
      { ...event, bytes: Buffer.from(bytes) } satisfies DataEvent,
      ...behind,
    ];
    const bytes = await fewest([...event.bytes], (some) => fails(withBytes(some)));
    smallest = withBytes(bytes);
  }
  return smallest;
}

/** Delta debugging: leave out halves, then smaller parts, as long as it still fails. */
async function fewest<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => boolean | Promise<boolean>,
): Promise<Item[]> {
  let smallest = [...items];
  let size = Math.ceil(smallest.length / 2);
  while (size >= 1 && smallest.length > 0) {
    let hasShrunk = false;
    for (let at = 0; at < smallest.length; ) {
      const without = smallest.toSpliced(at, size);
      if (await fails(without)) {
        smallest = without;
        hasShrunk = true;
      } else {
        at += size;
      }
    }
    // Repeat with single items as long as that helps.
    if (size === 1 && !hasShrunk) break;
    size = size === 1 ? 1 : Math.ceil(Math.min(size, smallest.length) / 2);
  }
  return smallest;
}
