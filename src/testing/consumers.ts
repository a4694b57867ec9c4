import { PassThrough, Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { aBuffer, listOf, requireMethods } from '../options.ts';

/** What a consumer of a stage saw: the items in order, and the error that ended them. */
export interface Consumed {
  readonly items: unknown[];
  readonly error: unknown;
}

/** Feeds the chunks to a stage and consumes what comes out. */
export type Consumer = (chunks: readonly Buffer[], stage: Transform) => Promise<Consumed>;

const CONSUMERS: Readonly<Record<string, Consumer>> = {
  'for await': async (chunks, stage) => {
    const items: unknown[] = [];
    const error = await caught(async () => {
      for await (const item of source(chunks).pipe(stage)) items.push(item);
    });
    return { items, error };
  },
  "'data'": async (chunks, stage) => {
    const items: unknown[] = [];
    stage.on('data', (item) => items.push(item));
    return { items, error: await caught(() => pipeline(source(chunks), stage)) };
  },
  "'readable' and read()": async (chunks, stage) => {
    const items: unknown[] = [];
    stage.on('readable', () => {
      for (let item = stage.read(); item !== null; item = stage.read()) items.push(item);
    });
    return { items, error: await caught(() => pipeline(source(chunks), stage)) };
  },
  'pipe into a Writable': async (chunks, stage) => {
    const { items, sink } = collector();
    const finished = new Promise<unknown>((resolve) => {
      stage.once('error', resolve);
      sink.once('finish', () => resolve(undefined));
    });
    source(chunks).pipe(stage).pipe(sink);
    return { items, error: await finished };
  },
  'pipeline into a slow Writable': async (chunks, stage) => {
    const { items, sink } = collector(1, setImmediate);
    return { items, error: await caught(() => pipeline(source(chunks), stage, sink)) };
  },
  'pipeline into an async function': async (chunks, stage) => {
    const items: unknown[] = [];
    const error = await caught(() =>
      pipeline(source(chunks), stage, async (input: AsyncIterable<unknown>) => {
        for await (const item of input) items.push(item);
      }),
    );
    return { items, error };
  },
  'a foreign Transform between': async (chunks, stage) => {
    const items: unknown[] = [];
    const between = new PassThrough({ objectMode: true });
    between.on('data', (item) => items.push(item));
    return { items, error: await caught(() => pipeline(source(chunks), stage, between)) };
  },
};

/** Every kind of consumer that a readable stream can have; all must see the same items. */
export const consumers: Readonly<Record<string, Consumer>> = Object.fromEntries(
  Object.entries(CONSUMERS).map(([name, consume]): [string, Consumer] => [
    name,
    async (chunks, stage) => {
      listOf(aBuffer)('consumers: chunks', chunks);
      requireMethods('consumers', 'a stage', stage, 'on', 'pipe', 'write');
      return consume(chunks, stage);
    },
  ]),
);

function source(chunks: readonly Buffer[]): Readable {
  return Readable.from(chunks, { objectMode: false });
}

/** A Writable that keeps its items, and takes the next one after `delay`. */
function collector(
  highWaterMark = 16,
  delay: (done: () => void) => void = (done) => done(),
): { items: unknown[]; sink: Writable } {
  const items: unknown[] = [];
  const sink = new Writable({
    objectMode: true,
    highWaterMark,
    write(item, _encoding, callback) {
      items.push(item);
      delay(callback);
    },
  });
  return { items, sink };
}

async function caught(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}
