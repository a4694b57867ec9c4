/** The programs of docs/captures.md run, and print what the page says. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { root, run } from '../support/run.ts';

const page = readFileSync(path.join(root, 'docs/captures.md'), 'utf8');
const PROGRAMS = [...page.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);

/** Run the program that has this text in it. */
async function program(part: string): Promise<string> {
  const found = PROGRAMS.find((one) => one.includes(part));
  const code = found!.replaceAll('dns.pcap', 'test/fixtures/dns_tcp.pcap');
  const { status, stdout, stderr } = await run([process.execPath, '--input-type=module', '-e', code]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test('packets to streams', async () => {
  const lines = (await program('new Flows')).split('\n');
  expect(lines.some((line) => line.startsWith('#0 192.168.1.11:33779 '))).toBe(true);
  expect(lines).toContain('#0 192.168.1.11:33779 has ended its side');
  expect(lines).toContain('#0 209.87.249.18:53 has ended its side');
});
