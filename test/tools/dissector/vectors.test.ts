/** Every kind of field, by the vectors of the documentation: tshark shows what we decode, and refuses what we refuse, where we do. */
import { expect, test } from 'vitest';
import { lengthPrefix } from '../../../src/protocol/framing/length-prefix.ts';
import { toDissector } from '../../../src/tools/dissector/to-dissector.ts';
import { codecFrom, VECTORS } from '../../protocol/fields/vectors.ts';
import { isThere } from '../../support/programs.ts';
import { disagreement } from './agrees.ts';
import { Conversations } from './conversation.ts';
import { tshark } from './tshark.ts';

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/[\s|]/g, ''), 'hex');
}

test.skipIf(!isThere('tshark'))('tshark shows every vector as we decode it', () => {
  const framing = lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' });
  const scripts: Record<string, string> = {};
  const conversations = new Conversations();
  const due: { name: string; declaration: string; frame: Buffer }[] = [];
  const byDeclaration = new Map<string, Buffer[]>();
  for (const { good, badBytes } of VECTORS) {
    for (const [declaration, bytes] of [
      ...good.map(([one, , bytes]) => [one, bytes] as const),
      ...badBytes,
    ]) {
      byDeclaration.set(declaration, [...(byDeclaration.get(declaration) ?? []), unhex(bytes)]);
    }
  }
  let index = 0;
  /** What only code of the declaration knows is not in these. */
  const lossy = new Set<string>();
  for (const [declaration, frames] of byDeclaration) {
    const name = `kind${index}`;
    const port = 30_000 + index;
    const codec = codecFrom(declaration);
    const protocol = { name, framing, clientMessages: codec, serverMessages: codec };
    const { lua, gaps } = toDissector(protocol, { port });
    scripts[name] = lua;
    if (gaps.length > 0) lossy.add(name);
    conversations.open(index, port);
    for (const frame of frames) {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(frame.length);
      conversations.send(index, 'client', Buffer.concat([length, frame]), 1, 2);
      due.push({ name, declaration, frame });
    }
    index++;
  }

  const run = tshark(scripts, conversations.bytes(), Object.keys(scripts));
  expect(run.problems.replace(/^Running as user.*\n/, '')).toBe('');
  expect(run.text).not.toContain('Lua Error');

  const wrong: string[] = [];
  expect(run.layers.length).toBe(due.length);
  for (const [place, { name, declaration, frame }] of due.entries()) {
    const items = run.layers[place]!.items;
    const length = items.find((item) => item.name === `${name}.frame.length`)!;
    const problem = disagreement(codecFrom(declaration), frame, items, name, length.at + 2, lossy.has(name));
    if (problem !== undefined) wrong.push(`${declaration} ${frame.toString('hex')}: ${problem}`);
  }
  expect(wrong).toEqual([]);
});
