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

/** Lines of code, and under each what it gives: bytes in hex, or a value. */
test.each(['ipv4', 'mqtt', 'redis', 'recipes', 'parameters', 'agreement'])(
  'the example %s gives what it shows',
  (name) => {
    const declared = block(name)
      .replace(/^import (\{[^}]*\}) from 'wirepipe';/m, 'const $1 = wirepipe;')
      .replace(/\((\w+): (?:number\[\]|number|string|Date)\)/g, '($1)');
    const names = [...declared.matchAll(/export const (\w+)/g)].map(([, one]) => one!);
    const code = `${declared.replaceAll('export const', 'const')}\nreturn [${names.join(', ')}];`;
    const parts: unknown[] = new Function('wirepipe', code)(wirepipe);
    const run = (text: string): unknown =>
      new Function(...names, 'Buffer', `return (${text.replace(/;$/, '')});`)(...parts, Buffer);
    const lines = block(`${name} bytes`).trim().split('\n');
    for (let index = 0; index < lines.length; index += 2) {
      const given = run(lines[index]!);
      const shown = lines[index + 1]!.replace('//', '');
      if (given instanceof Buffer) expect(given.toString('hex')).toBe(shown.replace(/[| ]/g, ''));
      else expect(given).toStrictEqual(run(shown.trim()));
    }
  },
);
