/** pg on our adapter against a real PostgreSQL: all that it does with its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresPrograms, startPostgres } from './postgres-server.ts';
import { type Finished, runNode } from './programs.ts';

const PROGRAMS = postgresPrograms();

/** What it printed, behind warnings of Node. */
const seenBy = ({ output }: Finished) => JSON.parse(output.split('\n').find((line) => line.startsWith('{'))!);

describe.skipIf(PROGRAMS === undefined)('against PostgreSQL (Debian package postgresql)', () => {
  let port = 0;
  let stop = (): void => {};
  beforeAll(async () => {
    ({ port, stop } = await startPostgres(PROGRAMS!));
  }, 120_000);
  afterAll(() => stop());

  test('pg with our adapter in place of pg-protocol sees what it sees with its own', async () => {
    const script = 'test/stand-ins/pg.cjs';
    const args = [String(port)];
    const ours = await runNode(script, {
      args,
      replaced: { 'pg-protocol': 'examples/postgres/pg-protocol/index.ts' },
    });
    expect(ours.status, ours.output).toBe(0);
    const seen = seenBy(ours);
    expect(seen).toMatchObject({
      simple: [{ a: 1, b: null, c: 'é' }],
      nulls: [{ t: null }],
      error: [true, '22012', 'ERROR', 'division by zero', 'int4div'],
      copyIn: 'COPY 3',
      copyFail: '22P02',
      portal: [1, 2, 3, 4, 5],
      cursor: [1, 2, 3, 4],
      many: [20_000, true],
      multiple: [[{ a: 1 }], [{ b: 2 }]],
      long: true,
      notices: ['NOTICE hi 5'],
      notifications: ['here there'],
      cancelled: '57014',
    });
    expect(seen.copyOut.join('')).toBe('1\tone\n2\ttwo\n3\t\\N\n');
    const theirs = await runNode(script, { args });
    expect(seenBy(theirs)).toEqual(seen);
  }, 120_000);
});
