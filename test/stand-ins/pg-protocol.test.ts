/** The adapter with pg-protocol's interface under pg-protocol's own suite, as it stands in its npm package. */
import { expect, test } from 'vitest';
import { runNode } from './programs.ts';

const SOURCES = 'node_modules/pg-protocol/src';
const OURS = 'examples/postgres/pg-protocol';
const replaced = Object.fromEntries(
  ['index', 'parser', 'serializer'].map((name) => [`${SOURCES}/${name}.ts`, `${OURS}/${name}.ts`]),
);
/** The names of the tests and how each ended, in their order. */
const results = (output: string): string[] =>
  [...output.matchAll(/^ *(ok|not ok) \d+ - (.*)$/gm)].map(([, result, name]) => `${result} ${name}`);

test.each([
  ['inbound-parser', 49],
  ['outbound-serializer', 29],
])(
  'its suite of the %s passes, %i tests',
  async (name, count) => {
    const flags = ['--test-reporter=tap', '--require', './test/stand-ins/mocha.cjs'];
    const script = `${SOURCES}/${name}.test.ts`;
    const [theirs, ours] = await Promise.all([
      runNode(script, { flags }),
      runNode(script, { flags, replaced }),
    ]);
    expect(ours.output).toContain(`# pass ${count}\n`);
    expect(ours.output).toContain('# fail 0\n');
    expect(ours.status).toBe(0);
    expect(results(ours.output)).toEqual(results(theirs.output));
    // What is tested is ours indeed.
    const other = Object.fromEntries(Object.keys(replaced).map((file) => [file, 'examples/mqtt/topics.ts']));
    expect((await runNode(script, { flags, replaced: other })).status).not.toBe(0);
  },
  120_000,
);
