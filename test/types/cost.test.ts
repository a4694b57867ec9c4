import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
// Inside the package, so that imports and the flags are those of its own code.
const cache = path.join(root, 'node_modules/.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(path.join(cache, 'wirepipe-types-'));
afterAll(() => rmSync(folder, { recursive: true }));

const index = path.join(root, 'src/index.ts');

/** What the compiler says of a program. */
function compiled(program: string): string {
  const file = path.join(folder, 'program.mts');
  writeFileSync(file, program);
  const flags =
    '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --module nodenext --target es2023 --types node --allowImportingTsExtensions --pretty false --extendedDiagnostics';
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  try {
    return execFileSync(process.execPath, [tsc, ...flags.split(' '), file], { cwd: root, encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

/** Messages with sizes, conditions and members, each as a protocol has them. */
const message = (index: number): string =>
  `m${index}: w.message(${index}, { id: w.u16be, flags: w.flags(w.u8, { more: 0 }), length: w.u8, data: w.bytes('length'),
    more: w.optional(w.u8, w.when('flags.more')), in: w.struct({ n: w.u8, list: w.array(w.u16be, 'n') }), text: w.utf8('head.size') })`;
const protocol = (count: number): string => `import * as w from '${index}';
export const codec = w.messages(w.u8, { ${Array.from({ length: count }, (_, index) => message(index)).join(',\n')} },
  { header: { head: w.struct({ size: w.u8 }) } });
export const read = (bytes: Buffer) => codec.decode(bytes).type;
export const write = () => codec.encode({ type: 'm0', id: 1, flags: { more: false }, data: new Uint8Array(1), in: { list: [] }, text: '' });
`;

it('100 messages have a ceiling of type instantiations, and a wrong path is told in one line', {
  timeout: 300_000,
}, () => {
  // All of src is checked with it: 300,000 instantiations in all.
  const report = compiled(`${protocol(100)}
w.codecOf(w.struct({ len: w.u8, d: w.bytes('lenght') }));
w.messages(w.u8, { go: w.message(1, { o: w.optional(w.u8, w.when('flag.x', 1)) }) });
w.codecOf(w.struct({ n: w.f32be, b: w.bytes('n') }));
w.array(w.u8, w.f32be);
w.codecOf(w.struct({ h: w.struct({ n: w.f32be }), b: w.bytes('h.n') }));
w.messages('h.kind', { go: w.message(1) }, { header: { h: w.struct({ kind: w.f32be }) } });
w.messages('kin', { go: w.message(1) }, { header: { kind: w.u8 } });
w.codecOf(w.bytes(w.parameter('sizee')), { parameters: { size: { default: 1, min: 0, max: 2 } } });
`);
  expect(report.match(/error TS/g)).toHaveLength(8);
  for (const line of [
    `is not assignable to type '"there is no field 'lenght'"'.`,
    `is not assignable to type '"there is no field 'flag.x'"'.`,
    `is not assignable to type '"'n' is a float, so it is neither a size nor a tag"'.`,
    `is not assignable to type 'Wrong<"'h.kind' is a float, so it is neither a size nor a tag">'.`,
    `is not assignable to type 'Wrong<"there is no field 'kin' in the header">'.`,
    `is not assignable to type '"'h.n' is a float, so it is neither a size nor a tag"'.`,
    `Argument of type 'FloatField' is not assignable`,
    `is not assignable to type '"there is no parameter 'sizee'"'.`,
  ]) {
    expect(report).toContain(line);
  }
  const count = Number(/Instantiations:\s+(\d+)/.exec(report)?.[1]);
  expect(count).toBeGreaterThan(10_000);
  expect(count).toBeLessThan(600_000);
});
