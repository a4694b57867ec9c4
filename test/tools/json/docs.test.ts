import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { drone } from '../../../src/drone/index.ts';
import { DocumentError, fromJSON, functionsOf, toJSON } from '../../../src/tools/index.ts';

const page = fs.readFileSync(path.resolve(import.meta.dirname, '../../../docs/declaration-json.md'), 'utf8');

/** What stands in the page under a mark. */
function shown(mark: string): unknown {
  const [, json] = page.match(new RegExp(`<!-- ${mark} -->\n\`\`\`json\n([\\s\\S]*?)\`\`\``))!;
  return JSON.parse(json!);
}

test('docs/declaration-json.md shows the document of the drone', () => {
  const document = toJSON(drone as never);
  expect(shown('clientMessages')).toEqual(document.clientMessages);
  expect(shown('state')).toEqual((document.session as { states: unknown[] }).states[0]);
});

test('docs/declaration-json.md: the protocol made from the document behaves the same', () => {
  const same = fromJSON(JSON.parse(JSON.stringify(toJSON(drone as never))), {
    functions: functionsOf(drone as never),
  });
  const move = { type: 'move', x: 10, y: -20 } as const;
  expect(same.clientMessages.encode(move)).toEqual(drone.clientMessages.encode(move));
  expect(toJSON(same as never)).toEqual(toJSON(drone as never));
  expect(() => fromJSON(toJSON(drone as never))).toThrow(DocumentError);
  const [, message] = page.match(/DocumentError: (.*) …/)!;
  expect(() => fromJSON(toJSON(drone as never))).toThrow(message!);
});
