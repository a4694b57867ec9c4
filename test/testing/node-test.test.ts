/** The helpers work under node:test as well: they throw, and know no runner. */
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../support/run.ts';

const PROGRAM = `
import test from 'node:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { drone } from 'wirepipe/drone';
import { expectCapture, scriptedPeer, wire } from 'wirepipe/testing';

const header = '{"format":"wirepipe capture","version":1}\\n';
const line = '{"time":0,"connection":0,"event":"data","from":"client","bytes":"07000000020548454c4c4f"}\\n';
writeFileSync(process.env.CAPTURE, header + line);

test('expectCapture: the same', async () => {
  await expectCapture(process.env.CAPTURE, drone);
  await expectCapture(process.env.CAPTURE, drone);
});
test('expectCapture: another text', async () => {
  const golden = process.env.CAPTURE + '.messages';
  writeFileSync(golden, readFileSync(golden, 'utf8').replace('HELLO', 'HULLO'));
  await expectCapture(process.env.CAPTURE, drone);
});
for (const x of [3, 4]) {
  test('a scripted peer: move ' + x, async () => {
    const { client, server } = wire();
    await scriptedPeer(drone, 'client', client).send({ type: 'move', x: 3, y: 0 });
    await scriptedPeer(drone, 'server', server).play([{ expect: { type: 'move', x } }]);
  });
}
`;

test('under node:test', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-node-test-'));
  const code = PROGRAM.replaceAll('process.env.CAPTURE', JSON.stringify(path.join(folder, 'flight.ndjson')));
  const { status, stdout } = await run([process.execPath, '--input-type=module', '-e', code]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/[#ℹ] pass 2/);
  expect(stdout).toMatch(/[#ℹ] fail 2/);
  expect(stdout).toContain('line 1: message.text: expected "HULLO", got "HELLO"');
  expect(stdout).toContain('step 1: x: expected 4, got 3');
});
