import { existsSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, 'peers/build.out');

/** The echo servers in other languages; Debian's versions of 2020 and 2022, see `bench/peers/README.md`. */
const PEERS: Record<string, string> = {
  'tokio-util 0.7.3, `LengthDelimitedCodec`': 'tokio-echo',
  'Netty 4.1.48, `LengthFieldBasedFrameDecoder`': 'netty-echo',
  'Netty 4.1.48, cut by hand': 'netty-echo-fused',
};

/** The peers built by `bench/peers/build`, by name and command. Prints which are missing. */
export function builtPeers(mode: 'forwarded' | 'rewritten'): Record<string, string[]> {
  const commands: Record<string, string[]> = {};
  for (const [name, program] of Object.entries(PEERS)) {
    const file = path.join(FOLDER, program);
    if (existsSync(file)) commands[name] = [file, mode];
    else console.error(`not measured, not built (bench/peers/build): ${name}`);
  }
  return commands;
}
