/** Wireshark 4.0 has Lua 5.2, and from 4.4 on 5.4, whose integers are not floats: the same dissectors, without Wireshark, say the same in both. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checksumNames } from '../../../src/bytes/checksum.ts';
import { bytes, checksum, struct, u32be } from '../../../src/protocol/fields/kinds.ts';
import { codecOf } from '../../../src/protocol/fields/messages.ts';
import type { Framing } from '../../../src/protocol/framing/framing.ts';
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

/** What a dissector adds to the tree, a line for each packet. */
function dissected(program: string, files: readonly { lua: string; packet: Buffer }[]): string[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-lua-'));
  try {
    const names = files.map(({ lua, packet }, index) => {
      const name = path.join(folder, String(index));
      writeFileSync(`${name}.lua`, lua);
      writeFileSync(`${name}.hex`, `${packet.toString('hex')}\n`);
      return name;
    });
    const script = path.join(import.meta.dirname, 'wireshark.lua');
    const { stdout, stderr } = spawnSync(program, [script, ...names], { encoding: 'latin1' });
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function framed(framing: Framing, payload: Buffer): Buffer {
  const writer = framing.writer();
  const packet = Buffer.alloc(writer.bound(payload.length));
  return packet.subarray(0, writer.write(packet, 0, payload, 0, payload.length));
}

describe.skipIf(!isThere('lua5.2') || !isThere('lua5.4'))('without Wireshark', () => {
  test('Lua 5.4 gives the same as Lua 5.2', () => {
    const files = VECTORS.flatMap(({ good, badBytes }) =>
      [
        ...good.slice(0, 3).map(([declaration, , bytes]) => [declaration, bytes] as const),
        ...badBytes.slice(0, 2),
      ].map(([declaration, bytes], index) => {
        const codec = codecFrom(declaration);
        const framing = FRAMINGS[index % FRAMINGS.length]!;
        const protocol = { name: 'vector', framing, clientMessages: codec, serverMessages: codec };
        const payload = Buffer.from(bytes.replaceAll(/[\s|]/g, ''), 'hex');
        return { lua: toDissector(protocol, { port: 4_000 }).lua, packet: framed(framing, payload) };
      }),
    );
    const old = dissected('lua5.2', files);
    expect(old.filter((line) => line.includes('vector.frame.length'))).toHaveLength(files.length);
    expect(dissected('lua5.4', files)).toEqual(old);
  });

  test('every checksum of the catalogue is verified', () => {
    const fields = Object.fromEntries(
      checksumNames.map((name, index) => [`s${index}`, checksum(u32be, name, { from: 'data', to: 'data' })]),
    );
    const codec = codecOf(struct({ data: bytes(9), ...fields }));
    const framing = FRAMINGS[0]!;
    const { lua, gaps } = toDissector(
      { name: 'sums', framing, clientMessages: codec, serverMessages: codec },
      { port: 4_000 },
    );
    expect(gaps).toEqual([]);
    const payload = Buffer.from(codec.encode({ data: Buffer.from('123456789') } as never));
    for (const program of ['lua5.2', 'lua5.4']) {
      const [whole] = dissected(program, [{ lua, packet: framed(framing, payload) }]);
      expect(whole).toContain(`sums.s${checksumNames.length - 1} `);
      expect(whole).not.toContain('ERR_');
      // One of them is wrong, and no other.
      for (const index of [0, 50, checksumNames.length - 1]) {
        const wrong = Buffer.from(payload);
        wrong[9 + 4 * index + 3]! ^= 1;
        const [line] = dissected(program, [{ lua, packet: framed(framing, wrong) }]);
        expect(line).toContain(`s${index}: expected ${checksumNames[index]} `);
      }
    }
  });
});
