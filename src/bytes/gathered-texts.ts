import { Copier } from './copy.ts';

/**
 * Short texts of many messages, written in one go. A text that was just put together of parts is a tree to V8: to read the
 * first character of each costs more than all the rest of a short message (`docs/performance.md`). Many of them joined are
 * read at once.
 *
 *     encode   │len│tag│ 9│·········│len│tag│ 7│·······│…     the places of ASCII texts are known without their bytes
 *     gathered  MOVING_TO(1, 2) COLOR_SET(…)                  one string, one call into the runtime
 *     write    │len│tag│ 9│MOVING_TO│…                        each piece to its place
 *
 * Whether all of it is ASCII is known at the end. If not, nothing is written, and the messages have to be encoded again.
 */

/** Longer ones are worth a call of their own. */
export const GATHERED_LENGTH = 48;

/** Where the texts go that are gathered now; whatever is encoded to another buffer meanwhile is none of them. */
export let gatheringFor: Buffer | undefined;
let text = '';
/** A place and a length for each. */
const places: number[] = [];
let count = 0;
let scratch: Buffer = Buffer.alloc(0);

/** Gather the texts that are encoded to that buffer from now on, until `writeGathered`. False while somebody else does. */
export function gatherTexts(target: Buffer): boolean {
  if (gatheringFor !== undefined) return false;
  gatheringFor = target;
  return true;
}

/** The text belongs at `target[at]`. It has fewer than `GATHERED_LENGTH` characters. */
export function gatherText(at: number, piece: string): void {
  text += piece;
  places[2 * count] = at;
  places[2 * count + 1] = piece.length;
  count++;
}

/** What is gathered for that buffer is not what belongs there: `writeGathered` shall write nothing. */
export function spoilGathered(target: Buffer): void {
  if (target === gatheringFor) gatherText(0, '\x80');
}

/** Write what was gathered to its places. False where it is not all ASCII, or spoilt: then nothing is written. */
export function writeGathered(): boolean {
  const target = gatheringFor!;
  const all = text;
  const pieces = count;
  gatheringFor = undefined;
  text = '';
  count = 0;
  // Room for any text of that length: one that is cut off would pass for shorter.
  if (scratch.length < 3 * all.length) scratch = Buffer.allocUnsafeSlow(6 * all.length);
  if (scratch.write(all) !== all.length) return false;
  const copier = new Copier(target, scratch);
  let from = 0;
  for (let i = 0; i < pieces; i++) {
    const length = places[2 * i + 1]!;
    copier.copy(places[2 * i]!, from, length);
    from += length;
  }
  return true;
}
