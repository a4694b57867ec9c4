import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import * as wirepipe from '../../../src/index.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/fields.md'), 'utf8');

function block(name: string): string {
  const match = page.match(new RegExp(`<!-- example: ${name} -->\n\`\`\`ts\n([\\s\\S]*?)\`\`\``));
  if (match === null) throw new Error(`docs/fields.md has no example '${name}'`);
  return match[1]!;
}

test('the guide’s declaration gives the bytes that the specification shows', () => {
  const declaration = block('modbus')
    .replace(/^import (\{[^}]*\}) from 'wirepipe';/m, 'const $1 = wirepipe;')
    .replaceAll('export const', 'const');
  const { requests, responses } = new Function('wirepipe', `${declaration}\nreturn { requests, responses };`)(
    wirepipe,
  );
  const [encode, bytes, decode, value] = block('modbus bytes').trim().split('\n') as [
    string,
    string,
    string,
    string,
  ];
  const run = (code: string) =>
    new Function('requests', 'responses', 'Buffer', `return (${code.replace(/;$/, '')});`)(
      requests,
      responses,
      Buffer,
    );
  expect(run(encode).toString('hex')).toBe(bytes.replace(/[/ ]/g, ''));
  expect(run(decode)).toStrictEqual(run(value.replace('//', '')));
  // The third answer of the table: an illegal address.
  expect(responses.decode(Buffer.from('018302', 'hex'))).toStrictEqual({
    type: 'readHoldingRegistersFailed',
    unit: 1,
    exception: 'illegalAddress',
  });
});

test('the guide names the defaults that hold', () => {
  const codec = wirepipe.codecOf(wirepipe.u8);
  const { elements, empty, text } = codec.declaration.limits;
  for (const [name, limit] of Object.entries({ elements, empty, text })) {
    expect(page).toContain(`| \`${name}\` | ${limit.toLocaleString('en')} |`);
  }
});
