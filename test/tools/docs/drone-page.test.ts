import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drone } from '../../../src/drone/index.ts';
import { fromClient, fromServer } from '../../../src/protocol/direction.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { wireDocs } from '../../../src/tools/docs/wire-docs.ts';
import { mutated, seededNumbers } from '../../support/mutated.ts';
import { isThere } from '../../support/programs.ts';
import { root } from '../../support/run.ts';

test('docs/drone-wire.md is what `wirepipe docs drone` gives', () => {
  expect(readFileSync(path.join(root, 'docs/drone-wire.md'), 'utf8')).toBe(wireDocs(drone).text);
});

type Side = 'client' | 'server';
interface Answer {
  messages: unknown[];
  bytes: string;
  refused: string | null;
}

/** What the peer that was written from the page makes of streams. */
function askPeer(streams: readonly { side: Side; stream: string }[]): Answer[] {
  const input = streams.map((one) => JSON.stringify(one)).join('\n');
  const { stdout, stderr, status } = spawnSync(
    '/usr/bin/python3',
    [path.join(import.meta.dirname, 'drone_peer.py')],
    {
      input,
      encoding: 'utf8',
      maxBuffer: 1e8,
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

/** What wirepipe makes of a whole stream. */
function ours(side: Side, stream: Buffer): Answer {
  const { framing, messages: codec } = side === 'client' ? fromClient(drone) : fromServer(drone);
  const reader = framing.reader();
  const writer = framing.writer();
  const answer: Answer = { messages: [], bytes: '', refused: null };
  reader.push(stream);
  reader.end();
  try {
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      const message = codec.decode(frame) as never;
      answer.messages.push(message);
      const payload = codec.encode(message);
      const target = Buffer.alloc(writer.bound(payload.length));
      answer.bytes += target.toString('hex', 0, writer.write(target, 0, payload, 0, payload.length));
    }
    if (reader.error !== undefined) throw reader.error;
  } catch (error) {
    answer.refused = (error as Error).message;
  }
  return answer;
}

describe.skipIf(!isThere('/usr/bin/python3'))(
  'an implementation written from the page alone, in Python',
  () => {
    test('reads and writes the recorded flight byte for byte', () => {
      const sides = ['client', 'server'] as const;
      const streams = sides.map((side) => readFileSync(path.join(root, `test/fixtures/flight.${side}.bin`)));
      const answers = askPeer(
        sides.map((side, index) => ({ side, stream: streams[index]!.toString('hex') })),
      );
      expect(answers.map(({ messages }) => messages.length)).toEqual([6, 6]);
      for (const [index, side] of sides.entries()) {
        expect(answers[index]).toEqual(ours(side, streams[index]!));
        expect(answers[index]!.bytes).toBe(streams[index]!.toString('hex'));
      }
    });

    test('accepts, refuses and reads what wirepipe does: good and near misses, and headers by hand', () => {
      const random = seededNumbers(7);
      const streamsOf = (side: Side): { side: Side; stream: string }[] => {
        const codec = (
          side === 'client' ? drone.clientMessages : drone.serverMessages
        ) as DeclaredCodec<object>;
        const good = fc
          .sample(arbitraryMessage(codec), 25)
          .map((message) => Buffer.from(codec.encode(message)));
        const near = good.flatMap((payload) => Array.from({ length: 15 }, () => mutated(payload, random)));
        return [...good, ...near].map((payload) => {
          const length = Buffer.alloc(4);
          length.writeUInt32LE(payload.length);
          return { side, stream: Buffer.concat([length, payload]).toString('hex') };
        });
      };
      const headers = ['', '00', '00000000', '80969800', '81969800', 'ffffffff', '010000', '0200000000'];
      const streams = [
        ...streamsOf('client'),
        ...streamsOf('server'),
        ...headers.map((stream) => ({ side: 'client' as const, stream })),
      ];
      const answers = askPeer(streams);
      let refused = 0;
      streams.forEach(({ side, stream }, index) => {
        const due = ours(side, Buffer.from(stream, 'hex'));
        if (due.refused !== null) refused++;
        const { messages, bytes, refused: why } = answers[index]!;
        expect({ stream, messages, bytes, isRefused: why !== null }).toEqual({
          stream,
          messages: due.messages,
          bytes: due.bytes,
          isRefused: due.refused !== null,
        });
      });
      expect(refused).toBeGreaterThan(100);
      expect(streams.length - refused).toBeGreaterThan(100);
    });
  },
);
