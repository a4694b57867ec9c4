/** `npm run bench [-- NAME…]`: prints one table per question, each with its peers beside it. */
import os from 'node:os';
import { benchCodec } from './codec.ts';
import { benchEcho } from './echo.ts';
import { benchFraming } from './framing.ts';
import { benchSession } from './session.ts';

const BENCHES: Record<string, () => Promise<string>> = {
  codec: benchCodec,
  echo: benchEcho,
  framing: benchFraming,
  session: benchSession,
};

const names = process.argv.slice(2);
for (const name of names) {
  if (!Object.hasOwn(BENCHES, name)) {
    console.error(`no such benchmark: ${name} (there are: ${Object.keys(BENCHES).join(', ')})`);
    process.exit(2);
  }
}
console.log(`Node ${process.version}, ${os.cpus().length} × ${os.cpus()[0]?.model}\n`);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (names.length === 0 || names.includes(name)) console.log(`${await bench()}\n`);
}
