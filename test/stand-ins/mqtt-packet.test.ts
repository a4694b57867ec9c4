/** The adapter with mqtt-packet's interface under mqtt-packet's own suite, as it stands in its npm package. */
import { expect, test } from 'vitest';
import { runNode } from './programs.ts';

const replaced = { 'mqtt-packet': 'examples/mqtt/mqtt-packet/index.ts' };
/** The names of the tests and what each asserts, in their order. */
const assertions = (output: string): string[] =>
  [...output.matchAll(/^(ok|not ok|#) ?\d* ?(.*)$/gm)].map(([, result, text]) => `${result} ${text}`);

test('the suite of mqtt-packet passes, with the same assertions as on mqtt-packet itself', async () => {
  const script = 'node_modules/mqtt-packet/test.js';
  const [theirs, ours] = await Promise.all([runNode(script), runNode(script, { replaced })]);
  expect(theirs.status, theirs.output.slice(-2_000)).toBe(0);
  expect(ours.output).not.toContain('not ok');
  expect(ours.status).toBe(0);
  expect(assertions(ours.output)).toEqual(assertions(theirs.output));
  expect(/^# pass +(\d+)$/m.exec(ours.output)![1]).toBe('658');
}, 120_000);

test('its 100,000 random packets give packets or errors, and nothing is thrown', async () => {
  const { output, status } = await runNode('node_modules/mqtt-packet/testRandom.js', { replaced });
  expect(output).not.toContain('Exception');
  expect(output).toMatch(/Erroneous packets: \d{5}/);
  expect(status).toBe(0);
}, 120_000);
