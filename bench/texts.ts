/** Ways to write the texts of many short messages: the reason for `src/protocol/fields/engine/gathered-texts.ts`. */
import { encodeUtf8 } from '../src/bytes/utf8.ts';
import { TextWriter } from '../src/protocol/fields/engine/gathered-texts.ts';
import { median, table } from './measure.ts';

const ROUNDS = 9;
const REPEATS = 4_000;
const TEXTS = 128;
const LONGEST = 255;

const gathered = new TextWriter();
const target = Buffer.alloc(TEXTS * (1 + LONGEST));
const texts = new Array<string>(TEXTS);

/** Concatenated again each time, as answers are: a string that was read once stays flat. */
function make(from: number): void {
  for (let i = 0; i < TEXTS; i++) texts[i] = `MOVING_TO(${((from + i) * 7919) % 100_000}, ${-from - i})`;
}

/** Each after a byte with its length. */
function write(put: (at: number, text: string) => number): void {
  let at = 0;
  for (let i = 0; i < TEXTS; i++) {
    const length = put(at + 1, texts[i]!);
    target[at] = length;
    at += 1 + length;
  }
}

const encode = (at: number, text: string): number => encodeUtf8(target, at, text, LONGEST);

const WAYS: Record<string, () => void> = {
  'a loop over each': () => write(encode),
  '`Buffer.write` for each': () => write((at, text) => target.write(text, at)),
  [`gathered, ${TEXTS} at a time`]: () => {
    gathered.begin(target);
    write((at, text) => gathered.write(target, at, text, LONGEST));
    gathered.end();
  },
};

export async function benchTexts(): Promise<string> {
  const times = new Map<string, number[]>([...Object.keys(WAYS), ''].map((name) => [name, []]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, way] of [...Object.entries(WAYS), ['', () => {}] as const]) {
      const start = performance.now();
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        make(repeat * TEXTS);
        way();
      }
      if (round >= 0) times.get(name)!.push(((performance.now() - start) * 1e6) / (REPEATS * TEXTS));
    }
  }
  const making = median(times.get('')!);
  const rows = Object.keys(WAYS).map((name) => [name, (median(times.get(name)!) - making).toFixed(0)]);
  return `### Writing a text that was just put together, ns each\n\n${table(['way', '`MOVING_TO(…, …)`'], rows)}`;
}
