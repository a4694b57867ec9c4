/**
 * The echo: frames over loopback through `pipeline(socket, decoder, encoder, socket)`, CPU time of the server per
 * frame, beside its peers in the same run. The load comes from this process, each server runs in its own.
 */
import {
  frameLoad,
  type Load,
  median,
  type Result,
  type ServerProcess,
  startServer,
  stream,
  table,
} from './measure.ts';
import { builtPeers } from './peers.ts';

const ROUND_MS = 400;

export interface Course {
  /** Interleaved rounds. */
  readonly rounds: number;
  /** Milliseconds of load for each server before the first round. The JIT compilers of V8 and the JVM should be done by then. */
  readonly warmUp: number;
}

const USUAL: Course = { rounds: 7, warmUp: 2_000 };

type Mode = 'forwarded' | 'rewritten';

/** A variant of `echo-server.ts`, as a command. */
export function nodeEcho(variant: string, mode: Mode): string[] {
  return [process.execPath, '--import', 'tsx', 'bench/echo-server.ts', variant, mode];
}

const RAW = 'Node, `socket.pipe(socket)`, no framing';

/** Who answers in that mode, by name. */
export function echoServers(mode: Mode): Record<string, string[]> {
  return {
    'wirepipe, reads lent': nodeEcho('lent', mode),
    'wirepipe, the socket as it is': nodeEcho('wirepipe', mode),
    [RAW]: nodeEcho('raw', mode),
    "Node, a hand-written `'data'` loop": nodeEcho('hand', mode),
    'Node, two plain Transforms': nodeEcho('plain', mode),
    ...builtPeers(mode),
  };
}

/**
 * Medians of interleaved rounds, as the rows of a table. A ratio is of the first one to each, the median over the rounds: what
 * slows the machine for a while slows both. Every other round is in the opposite order.
 */
export async function measureEchoes(
  commands: Readonly<Record<string, string[]>>,
  loadOf: (name: string) => Load,
  { rounds, warmUp }: Course = USUAL,
): Promise<string[][]> {
  const servers: { name: string; server: ServerProcess; results: Result[] }[] = [];
  try {
    for (const [name, command] of Object.entries(commands)) {
      servers.push({ name, server: await startServer(command), results: [] });
    }
    for (const { name, server } of servers) await stream(server, loadOf(name), { milliseconds: warmUp });
    for (let round = 0; round < rounds; round++) {
      for (const { name, server, results } of round % 2 === 0 ? servers : servers.toReversed()) {
        results.push(await stream(server, loadOf(name), { milliseconds: ROUND_MS }));
      }
    }
  } finally {
    for (const { server } of servers) server.process.kill();
  }
  const first = servers[0]!.results;
  return servers.map(({ name, results }) => [
    name,
    median(results.map(({ cpu }) => cpu)).toFixed(0),
    median(results.map(({ cpu }, round) => first[round]!.cpu / cpu)).toFixed(2),
    Math.round(median(results.map(({ rate }) => rate))).toLocaleString('en'),
  ]);
}

/** Answers the tables, as Markdown. */
export async function benchEcho(payloads: readonly number[] = [9, 64, 1024, 65_535]): Promise<string> {
  const sections: string[] = [];
  for (const mode of ['forwarded', 'rewritten'] as const) {
    for (const payload of payloads) {
      const rows = await measureEchoes(echoServers(mode), (name) =>
        frameLoad(payload, name === RAW ? 'raw' : mode),
      );
      const head = ['server', 'CPU ns per frame', 'the first ÷ this', 'frames per second'];
      sections.push(`### Echo, ${mode}, ${payload}-byte payloads\n\n${table(head, rows)}`);
    }
  }
  return sections.join('\n\n');
}

/**
 * Another Transform in the middle, or `for await` at the end: single items, in wirepipe's stages and in plain streams.
 */
export async function benchForeign(): Promise<string> {
  const commands = {
    'wirepipe, a foreign Transform between': nodeEcho('foreign', 'forwarded'),
    "wirepipe, a stage of one's own between": nodeEcho('own', 'forwarded'),
    'plain Transforms, the same one between': nodeEcho('plain-foreign', 'forwarded'),
    'wirepipe, `for await` over the frames': nodeEcho('for-await', 'forwarded'),
    'plain Transforms, `for await` over the frames': nodeEcho('plain-for-await', 'forwarded'),
  };
  const rows = await measureEchoes(commands, () => frameLoad(64, 'forwarded'));
  const head = ['server', 'CPU ns per frame', 'the first ÷ this', 'frames per second'];
  return `### Echo, single items, 64-byte payloads\n\n${table(head, rows)}`;
}
