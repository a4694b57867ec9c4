import { Copier } from './copy.ts';

/**
 * Short texts of many messages, written in one go. V8 keeps a text that was joined from parts as a tree, and reading its first
 * character makes a flat copy: more work than all the rest of a short message (`docs/performance.md`). Many such texts, joined,
 * are flattened by one call.
 *
 *     encode   │len│tag│ 9│·········│len│tag│ 7│·······│…     the places of ASCII texts are known without their bytes
 *     gathered  MOVING_TO(1, 2) COLOR_SET(…)                  one string, one call into the runtime
 *     write    │len│tag│ 9│MOVING_TO│…                        each piece to its place
 *
 * Only the end shows whether all texts are ASCII. If they are not, nothing is written, and the messages are encoded again.
 */

/** A text of so many characters or more is written by a call of its own. */
export const GATHERED_LENGTH = 48;

/** The buffer whose texts are gathered now. A text that is encoded to another buffer meanwhile is written at once. */
export let gatheringFor: Buffer | undefined;
let text = '';
/** A place and a length for each. */
const places: number[] = [];
let count = 0;
let scratch: Buffer = Buffer.alloc(0);

/** Gather the texts that are encoded to that buffer from now on, until `writeGathered`. False while texts are gathered for another buffer. */
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

/** What was gathered for that buffer is not what belongs there: `writeGathered` will write nothing. */
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
  // Room for any text of that length: a text that is cut off would look like a shorter one.
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
