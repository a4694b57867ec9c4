import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { drone } from '../../../src/drone/protocol.ts';
import { toDissector } from '../../../src/tools/dissector/to-dissector.ts';
import { root } from '../../support/run.ts';

const page = readFileSync(path.join(root, 'docs/dissector.md'), 'utf8');

test('docs/dissector.md names filters and preferences that the drone’s dissector has', () => {
  const { lua, gaps } = toDissector(drone, { port: 4_000 });
  expect(gaps).toEqual([]);
  const named = [...page.matchAll(/^\|(.*?)\|/gm)].flatMap(([, cell]) => [
    ...cell!.matchAll(/`drone\.([a-z._]+)`/g),
  ]);
  const names = named.map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(12);
  const missing = names.filter(
    (name) => !lua.includes(`filter .. "${name}"`) && !lua.includes(`proto.prefs.${name} =`),
  );
  expect(missing).toEqual([]);
});
