/** Wireshark 4.0 has Lua 5.2, and from 4.4 on 5.4, whose integers are not floats: the same dissectors, without Wireshark, say the same in both. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { lengthPrefix } from '../../../src/protocol/framing/length-prefix.ts';
import { toDissector } from '../../../src/tools/dissector/to-dissector.ts';
import { codecFrom, VECTORS } from '../../protocol/fields/vectors.ts';
import { isThere } from '../../support/programs.ts';

const FRAMINGS = [
  lengthPrefix({ lengthFieldLength: 8 }),
  lengthPrefix({ lengthFieldLength: 'varint' }),
  lengthPrefix({ lengthFieldLength: '7/16/64' }),
  lengthPrefix({ lengthFieldLength: 5, base: 10 }),
];

test.skipIf(!isThere('lua5.2') || !isThere('lua5.4'))('Lua 5.4 says what Lua 5.2 says', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-lua-'));
  try {
    const names: string[] = [];
    for (const { good, badBytes } of VECTORS) {
      for (const [declaration, bytes] of [...good.map(([one, , hex]) => [one, hex] as const), ...badBytes]) {
        const codec = codecFrom(declaration);
        const framing = FRAMINGS[names.length % FRAMINGS.length]!;
        const payload = Buffer.from(bytes.replaceAll(/[\s|]/g, ''), 'hex');
        const writer = framing.writer();
        const packet = Buffer.alloc(writer.bound(payload.length));
        const length = writer.write(packet, 0, payload, 0, payload.length);
        const name = path.join(folder, String(names.length));
        const protocol = { name: 'vector', framing, clientMessages: codec, serverMessages: codec };
        writeFileSync(`${name}.lua`, toDissector(protocol, { port: 4_000 }).lua);
        writeFileSync(`${name}.hex`, `${packet.toString('hex', 0, length)}\n`);
        names.push(name);
      }
    }
    const run = (program: string): { lines: string[]; problems: string } => {
      const script = path.join(import.meta.dirname, 'wireshark.lua');
      const { stdout, stderr } = spawnSync(program, [script, ...names], { encoding: 'latin1' });
      return { lines: stdout.split('\n'), problems: stderr };
    };
    const old = run('lua5.2');
    expect(old.problems).toBe('');
    expect(old.lines.filter((line) => line.includes('vector.frame.length'))).toHaveLength(names.length);
    expect(run('lua5.4')).toEqual(old);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
