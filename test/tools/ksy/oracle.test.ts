import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drone } from '../../../src/drone/index.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { toKsy } from '../../../src/tools/ksy/to-ksy.ts';
import { arbitraryCodec } from '../../protocol/fields/declarations.ts';
import { codecFrom, VECTORS } from '../../protocol/fields/vectors.ts';
import { mutated, seededNumbers } from '../../support/mutated.ts';
import { cli, root, run } from '../../support/run.ts';
import {
  type AnyCodec,
  askPython,
  compileKsy,
  definitionOf,
  hasCompiler,
  isThereKaitai,
  type Job,
  leavesOf,
} from './oracle.ts';

/** About how many payloads are read by both. `WIREPIPE_KSY_PAYLOADS=50000` for the whole proof. */
const PAYLOADS = Number(process.env.WIREPIPE_KSY_PAYLOADS ?? 3_000);
/** Codecs at random, beside the declarations of all kinds. */
const CODECS = PAYLOADS > 10_000 ? 120 : 0;

/** Whether the definition refuses exactly what the codec does: no payload here reaches the limit of a long text. */
function isExact(gaps: readonly { what: string }[]): boolean {
  return gaps.every(
    ({ what }) =>
      what.startsWith('the limit of nesting') ||
      Number(/^the limit of (\d+) bytes/.exec(what)?.[1] ?? 0) > 1_000,
  );
}

/** Codecs that the definition expresses wholly, with messages of each. */
function exactCodecs(): { codec: AnyCodec; good: Buffer[] }[] {
  const declared = VECTORS.flatMap(({ good }) => [...new Set(good.map(([declaration]) => declaration))])
    .map((declaration) => codecFrom(declaration))
    .filter((codec) => isExact(definitionOf(codec).gaps));
  const random: AnyCodec[] = [];
  for (const codec of fc.sample(arbitraryCodec(), { numRuns: 12 * CODECS, seed: 11 })) {
    if (random.length < CODECS && isExact(definitionOf(codec).gaps)) random.push(codec);
  }
  const each = PAYLOADS > 10_000 ? 6 : 3;
  return [...declared, ...random].map((codec, index) => {
    const messages = fc.sample(arbitraryMessage(codec), { numRuns: each, seed: index });
    return {
      codec,
      good: messages
        .map((message) => Buffer.from(codec.encode(message)))
        .filter(({ length }) => length < 5_000),
    };
  });
}

describe.skipIf(!hasCompiler || !isThereKaitai)('Kaitai Struct in Python, beside the codecs', () => {
  test('reads the same values and refuses the same payloads, of every kind that it can express', async () => {
    const all = exactCodecs();
    const perCodec = Math.ceil(PAYLOADS / all.length);
    const random = seededNumbers(5);
    const jobs: (Job & { codec: AnyCodec })[] = [];
    for (const { codec, good } of all) {
      const { yaml, data } = definitionOf(codec);
      const near =
        good.length === 0
          ? []
          : Array.from({ length: perCodec - good.length }, (_, index) =>
              mutated(good[index % good.length]!, random),
            );
      jobs.push({ codec, source: await compileKsy(yaml), data, payloads: [...good, ...near] });
    }
    const answers = askPython(jobs);
    let [same, refused] = [0, 0];
    const different: unknown[] = [];
    jobs.forEach(({ codec, payloads, source }, index) => {
      payloads.forEach((payload, number) => {
        let ours: string[] | null = null;
        let why = '';
        try {
          ours = leavesOf(codec, codec.decode(payload));
        } catch (error) {
          why = (error as Error).message;
          // Elements that take no bytes are counted in one message as a whole, which no expression can.
          if (/limits\.empty/.test(why)) return;
          // The definition says that it does not count levels.
          if (/at most \d+ levels/.test(why)) return;
        }
        const theirs = answers[index]![number];
        if (JSON.stringify(theirs) === JSON.stringify(ours)) same++;
        else
          different.push({
            payload: payload.toString('hex'),
            ours: ours ?? why,
            theirs,
            source: different.length === 0 ? source.slice(0, 4_000) : '',
          });
        if (ours === null) refused++;
      });
    });
    expect(different.slice(0, 2)).toEqual([]);
    if (PAYLOADS > 10_000)
      console.log(`${same} payloads of ${jobs.length} declarations agree, ${refused} of them refused`);
    expect(same).toBeGreaterThan(PAYLOADS * 0.9);
    expect(refused).toBeGreaterThan(PAYLOADS * 0.2);
    expect(same - refused).toBeGreaterThan(PAYLOADS * 0.2);
  }, 600_000);

  test('a definition with parts that it cannot express still compiles, and lists them', async () => {
    const all = VECTORS.flatMap(({ good }) => [...new Set(good.map(([declaration]) => declaration))]);
    const inexact = all
      .map((declaration) => ({ declaration, ...definitionOf(codecFrom(declaration)) }))
      .filter(({ gaps }) => !isExact(gaps));
    expect(inexact.length).toBeGreaterThan(20);
    for (const { declaration, yaml } of inexact) {
      await compileKsy(yaml).catch((error) => {
        throw new Error(`${declaration}: ${error}`);
      });
    }
    const { text, gaps } = toKsy(
      {
        ...drone,
        clientMessages: codecFrom(
          'messages(u8, { a: message(1, { at: u8, sum: checksum(u8, "SUM-8"), tail: text(until(constant(u16be, 0x0d0a))) }) })',
        ),
      } as never,
      { from: 'client' },
    );
    expect(gaps.map(({ where, what, instead }) => `${where}: ${what}: ${instead}`)).toEqual([
      'message_a_sum: the checksum SUM-8: the number is read, and not compared',
      'message_a_tail: a terminator of several bytes: this field and all after it are raw bytes',
    ]);
    expect(text).toContain('# Not expressed: the checksum SUM-8; the number is read, and not compared.');
    expect(text).toContain(
      '# Not expressed: a terminator of several bytes; this field and all after it are raw bytes.',
    );
  });

  test('the command writes the file', async () => {
    expect(await run([...cli, 'ksy', '--from', 'server'])).toEqual({
      status: 0,
      stdout: toKsy(drone, { from: 'server' }).text,
      stderr: '',
    });
    expect((await run([...cli, 'ksy', '--from', 'neither'])).status).toBe(2);
  });

  test('the file of the drone reads the recorded flight, frames and all', async () => {
    const { readFile } = await import('./oracle.ts');
    for (const from of ['client', 'server'] as const) {
      const flight = readFileSync(path.join(root, `test/fixtures/flight.${from}.bin`));
      expect(await readFile(drone, from, flight)).toBe(6);
    }
  });
});

test.each(['u8', 'varuint', 'decimal(2)'])(
  'a union switches on the numbers of an enumeration of %s',
  (integer) => {
    const codec = codecFrom(
      `union(enumeration(${integer}, { a: 1, b: 42 }), { x: message("a"), y: message("b", { n: u8 }) })`,
    );
    const { yaml } = definitionOf(codec);
    const cases = { 1: 'message_x', 42: 'message_y' };
    expect(yaml).toMatchObject({
      types: {
        message: { seq: expect.arrayContaining([{ id: 'body', type: { 'switch-on': 'tag', cases } }]) },
      },
    });
  },
);
