import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProtocol } from '../../src/cli/load-protocol.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { drone } from '../../src/drone/protocol.ts';
import { root } from '../support/run.ts';

const folder = path.join(root, 'test/fixtures/protocols');

describe('loadProtocol', () => {
  test('a built-in name', async () => {
    expect(await loadProtocol('drone')).toBe(drone);
  });

  test.each([
    ['counter.mjs', 'counter'],
    ['counter.mjs#default', 'counter'],
    ['several.mjs#second', 'second'],
    ['typed.ts', 'typed'],
  ])('%s: %s', async (file, name) => {
    expect(await loadProtocol(path.join(folder, file))).toMatchObject({ name });
  });

  test('a path from the current folder', async () => {
    expect(await loadProtocol('./test/fixtures/protocols/counter.mjs')).toMatchObject({ name: 'counter' });
  });

  test.each([
    ['missing.mjs', /no such file \(expected a module's path, or a built-in protocol: drone\)$/],
    ['none.mjs', /the module exports no protocol \(expected the result of defineProtocol/],
    ['broken.mjs', /cannot load the module: two\\u000alines$/],
    ['several.mjs', /several protocols: first, second; pick one, as in .*several\.mjs#first$/],
    ['several.mjs#third', /the module exports no protocol 'third': first, second$/],
    ['several.mjs#', /no protocol ''/],
    ['.', /cannot load the module/],
    ['../mail.txt', /./],
  ])('%s: a usage error in one line', async (file, text) => {
    const error: Error = await loadProtocol(path.join(folder, file)).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(text);
    expect(error.message).toMatch(/^--protocol [^\n]*$/);
  });
});
