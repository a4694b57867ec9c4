/**
 * The echo: frames over loopback through `pipeline(socket, decoder, encoder, socket)`, CPU time of the server per
 * frame, beside its peers in the same run. The load comes from this process, each server runs in its own.
 */
import { frameLoad, median, type Result, startServer, stream, table } from './measure.ts';
import { builtPeers } from './peers.ts';

const ROUNDS = 5;
const ROUND_MS = 400;

/** Answers the tables, as Markdown. */
export async function benchEcho(payloads: readonly number[] = [9, 64, 1024, 65_535]): Promise<string> {
  const sections: string[] = [];
  for (const mode of ['forwarded', 'rewritten'] as const) {
    const node = (variant: string): string[] => [
      process.execPath,
      '--import',
      'tsx',
      'bench/echo-server.ts',
      variant,
      mode,
    ];
    const commands: Record<string, string[]> = {
      wirepipe: node('wirepipe'),
      'Node, `socket.pipe(socket)`, no framing': node('raw'),
      "Node, a hand-written `'data'` loop": node('hand'),
      'Node, two plain Transforms': node('plain'),
      ...builtPeers(mode),
    };
    const servers = await Promise.all(
      Object.entries(commands).map(async ([name, command]) => ({ name, server: await startServer(command) })),
    );
    try {
      for (const payload of payloads) {
        const results = new Map<string, Result[]>(servers.map(({ name }) => [name, []]));
        for (let round = -1; round < ROUNDS; round++) {
          for (const { name, server } of servers) {
            const load = frameLoad(payload, name.includes('no framing') ? 'raw' : mode);
            const result = await stream(server, load, ROUND_MS);
            // The first round warms up.
            if (round >= 0) results.get(name)!.push(result);
          }
        }
        const cpu = (name: string): number => median(results.get(name)!.map((r) => r.cpu));
        const ours = cpu('wirepipe');
        const rows = servers.map(({ name }) => {
          const rate = median(results.get(name)!.map((r) => r.rate));
          return [
            name,
            cpu(name).toFixed(0),
            (ours / cpu(name)).toFixed(2),
            Math.round(rate).toLocaleString('en'),
          ];
        });
        sections.push(
          `### Echo, ${mode}, ${payload}-byte payloads\n\n${table(
            ['server', 'CPU ns per frame', 'wirepipe ÷ this', 'frames per second'],
            rows,
          )}`,
        );
      }
    } finally {
      for (const { server } of servers) server.process.kill();
    }
  }
  return sections.join('\n\n');
}
