/**
 * `npm run bench [-- NAME…]`: prints one table per question, each with its peers beside it. Without a name all of them
 * run, and `docs/benchmarks.md` is written.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { benchCaptures } from './captures.ts';
import { benchCodec } from './codec.ts';
import { benchCopy } from './copy.ts';
import { benchEcho, benchForeign } from './echo.ts';
import { benchFleet } from './fleet.ts';
import { benchFraming } from './framing.ts';
import { benchLatency } from './latency.ts';
import { benchMemory } from './memory.ts';
import { benchNoise } from './noise.ts';
import { benchRecording } from './recording.ts';
import { benchReplace } from './replace.ts';
import { benchSession } from './session.ts';
import { benchTexts } from './texts.ts';

const BENCHES: Record<string, () => Promise<string>> = {
  echo: benchEcho,
  foreign: benchForeign,
  latency: benchLatency,
  session: benchSession,
  codec: benchCodec,
  framing: benchFraming,
  noise: benchNoise,
  memory: benchMemory,
  copy: benchCopy,
  texts: benchTexts,
  captures: benchCaptures,
  replace: benchReplace,
  recording: benchRecording,
  fleet: benchFleet,
};

const names = process.argv.slice(2);
for (const name of names) {
  if (!Object.hasOwn(BENCHES, name)) {
    console.error(`no such benchmark: ${name} (there are: ${Object.keys(BENCHES).join(', ')})`);
    process.exit(2);
  }
}
const machine = `Node ${process.version}, ${os.type()} ${os.arch()}, ${os.cpus().length} × ${os.cpus()[0]?.model}`;
console.log(`${machine}\n`);
const sections: string[] = [];
for (const [name, bench] of Object.entries(BENCHES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const section = await bench();
  console.log(`${section}\n`);
  sections.push(section);
}
if (names.length === 0) {
  const date = new Date().toISOString().slice(0, 10);
  const head = `# Benchmarks

Written by \`npm run bench\` on ${date}: ${machine}. One run, every row beside its peers; medians of interleaved
rounds. Machines differ and are noisy: read ratios, not nanoseconds. A peer that was not built is not in its table.`;
  const file = path.join(import.meta.dirname, '../docs/benchmarks.md');
  writeFileSync(file, `${[head, ...sections].join('\n\n')}\n`);
}
