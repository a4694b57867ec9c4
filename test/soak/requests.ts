/**
 * Requests without end over a connection that loses, delays, repeats and invents replies: none may hang, and none may get
 * another's reply.
 */
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Client, lengthPrefix, message, messages, u8, u16be, u32be } from '../../src/index.ts';

const framing = lengthPrefix({ lengthFieldLength: 1 });
const clientMessages = messages(u8, {
  ask: message(1, { id: u16be, n: u32be }),
  list: message(2, { id: u16be, n: u32be, rows: u8 }),
});
const serverMessages = messages(u8, {
  answer: message(1, { id: u16be, n: u32be }),
  row: message(2, { id: u16be, n: u32be, row: u8 }),
  end: message(3, { id: u16be, n: u32be }),
});
type Reply = Parameters<typeof serverMessages.encode>[0];

/** How many requests ended in each way. */
export interface RequestsResult {
  answered: number;
  listed: number;
  timedOut: number;
  aborted: number;
  left: number;
  /** What came that no request had asked for, or had been given up. */
  strays: number;
  seed: number;
}

/** @throws Error for a reply that was another's, or a request that does not end */
export async function requests(count: number, seed: number): Promise<RequestsResult> {
  const random = mulberry32(seed);
  const chance = (probability: number): boolean => random() < probability;
  const result: RequestsResult = {
    answered: 0,
    listed: 0,
    timedOut: 0,
    aborted: 0,
    left: 0,
    strays: 0,
    seed,
  };
  const wire = new Wire((bytes) => {
    const asked = clientMessages.decode(bytes);
    const { id, n } = asked;
    if (chance(0.01)) return;
    const delay = chance(0.02) ? 60 : random() * 4;
    const replies: Reply[] =
      asked.type === 'ask'
        ? [{ type: 'answer', id, n }]
        : [
            ...Array.from({ length: asked.rows }, (_, row) => ({ type: 'row', id, n, row }) as const),
            { type: 'end', id, n },
          ];
    if (chance(0.01)) replies.push({ type: 'answer', id: (id + 30_000) & 0xffff, n: 0xffffffff });
    later(delay, () => {
      for (const reply of replies) wire.answer(serverMessages.encode(reply));
      // A duplicate comes at once or a little later: the number is free by then.
      if (chance(0.01)) later(random() * 4, () => wire.answer(serverMessages.encode(replies.at(-1)!)));
    });
  });
  const client = new Client({ framing, clientMessages, serverMessages }, wire, {
    replies: {
      id: 'id',
      timeout: 40,
      quarantine: 1_000,
      expects: { ask: { one: 'answer' }, list: { until: 'end', of: 'row' } },
    },
  });
  client.messages.on('data', () => result.strays++);

  const ended = (error: unknown): void => {
    const { code, name } = error as { code?: string; name?: string };
    if (code === 'ERR_TIMEOUT_REQUEST') result.timedOut++;
    else if (name === 'AbortError') result.aborted++;
    else throw error;
  };
  const ask = async (n: number): Promise<void> => {
    const controller = chance(0.02) ? new AbortController() : undefined;
    if (controller !== undefined) later(random() * 8, () => controller.abort());
    try {
      const reply = await client.request({ type: 'ask', n }, { signal: controller?.signal });
      if (reply.n !== n) throw new Error(`request ${n} got the reply to ${reply.n}, seed ${seed}`);
      result.answered++;
    } catch (error) {
      ended(error);
    }
  };
  const list = async (n: number): Promise<void> => {
    const rows = Math.floor(random() * 20);
    const leaves = chance(0.1) ? Math.floor(random() * rows) : Infinity;
    let count = 0;
    try {
      for await (const reply of client.requestMany({ type: 'list', n, rows })) {
        if (reply.n !== n) throw new Error(`list ${n} got the reply to ${reply.n}, seed ${seed}`);
        if (reply.type === 'end') {
          if (count !== rows) throw new Error(`list ${n} got ${count} of ${rows} rows, seed ${seed}`);
          result.listed++;
        } else if (reply.type !== 'row' || reply.row !== count++) {
          throw new Error(`list ${n} got ${JSON.stringify(reply)} as row ${count}, seed ${seed}`);
        }
        if (count > leaves) {
          result.left++;
          break;
        }
      }
    } catch (error) {
      ended(error);
    }
  };
  let failure: unknown;
  let under = 0;
  for (let n = 0; n < count && failure === undefined; n++) {
    under++;
    (chance(0.1) ? list(n) : ask(n))
      .catch((error) => {
        failure ??= error;
      })
      .finally(() => under--);
    while (under > 200 && failure === undefined) await turn();
  }
  const limit = performance.now() + 60_000;
  while (under > 0 && failure === undefined) {
    if (performance.now() > limit) throw new Error(`${under} requests hang, seed ${seed}`);
    await turn();
  }
  client.destroy();
  if (failure !== undefined) throw failure;
  return result;
}

/** The client's connection: hands the peer each frame, and gives the client what the peer answers. */
class Wire extends Duplex {
  readonly #reader = framing.reader();
  readonly #writer = framing.writer();
  readonly #take: (frame: Buffer) => void;

  constructor(take: (frame: Buffer) => void) {
    super();
    this.#take = take;
  }

  answer(payload: Buffer): void {
    if (this.destroyed) return;
    const target = Buffer.alloc(this.#writer.bound(payload.length));
    this.push(target.subarray(0, this.#writer.write(target, 0, payload, 0, payload.length)));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#reader.push(chunk);
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      this.#take(frame as Buffer);
    }
    done();
  }
}

function later(delay: number, act: () => void): void {
  if (delay < 1) setImmediate(act);
  else setTimeout(act, delay);
}

/** Random numbers from 0 to 1 that a seed repeats. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
