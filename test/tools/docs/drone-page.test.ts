import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline, Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientMessage, drone } from '../../../src/drone/index.ts';
import type { ProtocolError } from '../../../src/errors.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import { Responder } from '../../../src/streams/responder.ts';
import { arbitraryMessage } from '../../../src/testing/arbitrary.ts';
import { wireDocs } from '../../../src/tools/docs/wire-docs.ts';
import { BROKEN, MESSAGES, VECTORS } from '../../drone/vectors.ts';
import { chunkings } from '../../support/chunkings.ts';
import { mutated, seededNumbers } from '../../support/mutated.ts';
import { isThere } from '../../support/programs.ts';
import { root } from '../../support/run.ts';

test('docs/drone-wire.md is the output of `wirepipe docs drone`', () => {
  expect(readFileSync(path.join(root, 'docs/drone-wire.md'), 'utf8')).toBe(wireDocs(drone).text);
});

type Side = 'client' | 'server';
const SIDES = ['client', 'server'] as const;
const CODECS = { client: drone.clientMessages, server: drone.serverMessages } as unknown as Record<
  Side,
  DeclaredCodec<object>
>;

/** The peer that was written from the page: one process for all tests. */
class Peer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  stderr = '';

  constructor() {
    this.#process = spawn('/usr/bin/python3', [path.join(import.meta.dirname, 'ask_drone_peer.py')]);
    this.#process.stderr!.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  /** What it answers to each request. */
  async ask(requests: readonly object[]): Promise<unknown[]> {
    this.#process.stdin!.write(requests.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const answers: unknown[] = [];
    while (answers.length < requests.length) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the peer has ended: ${this.stderr}`);
      answers.push(JSON.parse(value));
    }
    return answers;
  }

  end(): void {
    this.#process.stdin!.end();
  }
}

const hexOf = (text: string): string => text.replaceAll(' ', '');
const codeOf = (error: unknown): string => (error as ProtocolError).code;

/** What wirepipe makes of a payload, as the peer says it. */
function decoded(side: Side, hex: string): object {
  try {
    return { message: CODECS[side].decode(Buffer.from(hex, 'hex')) };
  } catch (error) {
    return { refused: codeOf(error) };
  }
}

/** What wirepipe's framing cuts from chunks, as the peer says it. */
function cut(chunks: readonly Buffer[]): object {
  const reader = drone.framing.reader();
  const payloads: string[] = [];
  for (const chunk of [...chunks, undefined]) {
    if (chunk === undefined) reader.end();
    else reader.push(chunk);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      payloads.push(Buffer.from(frame).toString('hex'));
    }
    if (reader.error !== undefined) break;
  }
  return { payloads, refused: reader.error === undefined ? null : codeOf(reader.error) };
}

const hexes = (chunks: readonly Buffer[]): string[] => chunks.map((chunk) => chunk.toString('hex'));

/** The types of the messages in what a server sent. */
function typesIn(sent: string): string[] {
  const reader = drone.framing.reader();
  reader.push(Buffer.from(sent, 'hex'));
  const types: string[] = [];
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    types.push(drone.serverMessages.decode(frame).type);
  }
  return types;
}

/** What wirepipe's server answers to a whole connection, and the error that ended it. */
async function served(chunks: readonly Buffer[]): Promise<{ types: string[]; refused: string | null }> {
  const sent: Buffer[] = [];
  const sink = new Writable({
    write(chunk, _, callback) {
      sent.push(chunk);
      callback();
    },
  });
  const error = await new Promise((resolve) => {
    pipeline(Readable.from(chunks, { objectMode: false }), new Responder(drone), sink, resolve);
  });
  return {
    types: typesIn(Buffer.concat(sent).toString('hex')),
    refused: error ? codeOf(error) : null,
  };
}

describe.skipIf(!isThere('/usr/bin/python3'))(
  'an implementation written from the page alone, in Python',
  () => {
    let peer: Peer;
    beforeAll(() => {
      peer = new Peer();
    });
    afterAll(() => {
      peer.end();
      expect(peer.stderr).toBe('');
    });

    test('reads and writes every message of the vectors, and refuses the broken ones for the same reason', async () => {
      const whole = MESSAGES.map(([message, text]) => ({ message, hex: hexOf(text) }));
      const from = { from: 'client' };
      const read = await peer.ask(whole.map(({ hex }) => ({ do: 'decode', ...from, hex })));
      expect(read).toEqual(whole.map(({ message }) => ({ message })));
      const longer = await peer.ask(whole.map(({ hex }) => ({ do: 'decode', ...from, hex: `${hex}ffff` })));
      expect(longer).toEqual(read);
      const written = await peer.ask(whole.map(({ message }) => ({ do: 'encode', ...from, message })));
      expect(written).toEqual(whole.map(({ hex }) => ({ hex })));
      const broken = await peer.ask(BROKEN.map(([text]) => ({ do: 'decode', ...from, hex: hexOf(text) })));
      expect(broken).toEqual(BROKEN.map(([, code]) => ({ refused: code })));
    });

    test('reads, refuses and writes random messages and near misses of both sides as wirepipe does', async () => {
      const random = seededNumbers(7);
      const asked = SIDES.flatMap((side) => {
        const good = fc
          .sample(arbitraryMessage(CODECS[side]), 60)
          .map((message) => Buffer.from(CODECS[side].encode(message)));
        const near = good.flatMap((payload) => Array.from({ length: 12 }, () => mutated(payload, random)));
        return [...good, ...near].map((payload) => ({ from: side, hex: payload.toString('hex') }));
      });
      const answers = await peer.ask(asked.map((one) => ({ do: 'decode', ...one })));
      const due = asked.map(({ from, hex }) => decoded(from, hex));
      expect(answers.map((answer, index) => ({ ...asked[index], answer }))).toEqual(
        due.map((answer, index) => ({ ...asked[index], answer })),
      );
      const messages = due.flatMap((one, index) =>
        'message' in one ? [{ from: asked[index]!.from, message: one.message as object }] : [],
      );
      expect(await peer.ask(messages.map((one) => ({ do: 'encode', ...one })))).toEqual(
        messages.map(({ from, message }) => ({
          hex: Buffer.from(CODECS[from].encode(message)).toString('hex'),
        })),
      );
      const refusals = new Set(due.map((one) => (one as { refused?: string }).refused));
      expect([...refusals].sort()).toEqual([
        'ERR_MESSAGE_EMPTY',
        'ERR_MESSAGE_SHORT',
        'ERR_MESSAGE_UNKNOWN',
        'ERR_MESSAGE_UTF8',
        undefined,
      ]);
    });

    test('refuses to write what wirepipe refuses to write', async () => {
      const wrong = [
        {},
        { type: 'ok', text: '' },
        { type: 'write' },
        { type: 'write', text: 7 },
        { type: 'write', text: 'x'.repeat(256) },
        { type: 'write', text: 'é'.repeat(128) },
        { type: 'write', text: '\ud800' },
        { type: 'move', x: 1 },
        { type: 'move', x: 2 ** 31, y: 0 },
        { type: 'move', x: 0, y: 0.5 },
        { type: 'changeColor', r: -1, g: 0, b: 0 },
        { type: 'changeColor', r: true, g: 0, b: 0 },
      ];
      for (const message of wrong) expect(() => CODECS.client.encode(message)).toThrow();
      const answers = await peer.ask(wrong.map((message) => ({ do: 'encode', from: 'client', message })));
      for (const [index, answer] of answers.entries()) {
        expect(answer, JSON.stringify(wrong[index])).toEqual({
          refused: expect.not.stringContaining('bad request'),
        });
      }
    });

    test('cuts streams into the same frames, wherever they are cut into chunks', async () => {
      const headers = [
        '',
        '00',
        '00000000',
        '80969800',
        '81969800',
        'ffffffff',
        '010000',
        '0100000000000000ff',
      ];
      const streams = [
        ...headers.map((hex) => Buffer.from(hex, 'hex')),
        ...SIDES.map((side) => readFileSync(path.join(root, `test/fixtures/flight.${side}.bin`))),
      ];
      const all = streams.flatMap((stream) => [...chunkings(stream)].map(([, chunks]) => chunks));
      expect(all.length).toBeGreaterThan(100);
      const answers = await peer.ask(
        all.map((chunks) => ({ do: 'frames', chunks: hexes(chunks), end: true })),
      );
      expect(answers).toEqual(all.map(cut));
    });

    test('reads the streams of the page’s examples as the page says', async () => {
      const { text } = wireDocs(drone);
      const rows = [...text.matchAll(/^\| `([0-9a-f ]+)` \| [^|`]+ \| (\{?.*) \|$/gm)]
        .map(([, bytes, takes]) => ({ bytes: hexOf(bytes!), takes: takes!.replaceAll('`', '') }))
        .filter(({ takes }) => /^(\{|refused)/.test(takes));
      expect(rows).toHaveLength(9);
      for (const { bytes, takes } of rows) {
        const [cutUp] = await peer.ask([{ do: 'frames', chunks: [bytes], end: true }]);
        const { payloads, refused } = cutUp as { payloads: string[]; refused: string | null };
        const read = await peer.ask(payloads.map((hex) => ({ do: 'decode', from: 'client', hex })));
        const taken = [...(read as object[]), ...(refused === null ? [] : [{ refused }])].map((one) =>
          'message' in one ? JSON.stringify(one.message) : `refused: ${(one as { refused: string }).refused}`,
        );
        expect(taken.join(', then '), bytes).toBe(takes);
      }
    });

    test('reads and writes the recorded flight byte for byte', async () => {
      for (const side of SIDES) {
        const stream = readFileSync(path.join(root, `test/fixtures/flight.${side}.bin`)).toString('hex');
        const [frames] = await peer.ask([{ do: 'frames', chunks: [stream], end: true }]);
        const { payloads } = frames as { payloads: string[] };
        expect(payloads).toHaveLength(6);
        const read = await peer.ask(payloads.map((hex) => ({ do: 'decode', from: side, hex })));
        expect(read).toEqual(payloads.map((hex) => decoded(side, hex)));
        const messages = read.map((one) => (one as { message: object }).message);
        const written = await peer.ask(messages.map((message) => ({ do: 'encode', from: side, message })));
        expect(written).toEqual(payloads.map((hex) => ({ hex })));
      }
    });

    test('answers each message in each state as the session does', async () => {
      const message: Record<ClientMessage['type'], ClientMessage> = {
        quit: { type: 'quit' },
        move: { type: 'move', x: 1, y: 2 },
        write: { type: 'write', text: 'HELLO' },
        changeColor: { type: 'changeColor', r: 1, g: 2, b: 3 },
      };
      const asked = (['handshake', 'authenticated'] as const).flatMap((state) =>
        [...Object.values(message), { type: 'write', text: 'wrong' } as const].map((one) => ({
          do: 'answer',
          state,
          accept: 'text' in one && one.text === 'HELLO',
          message: one,
        })),
      );
      const due = await Promise.all(
        asked.map(async ({ state, message: one }) => {
          const run = drone.session.start();
          if (state === 'authenticated') await run.receive(message.write);
          const step = await run.receive(one);
          return { answers: step.answers.map(({ type }) => type), state: step.state };
        }),
      );
      expect(await peer.ask(asked)).toEqual(due);
    });

    test('serves every connection of the vectors as wirepipe’s server does, in one piece and byte by byte', async () => {
      const connections = Object.entries(VECTORS).flatMap(([name, { bytes, answers, error }]) =>
        [[Buffer.from(bytes)], bytes.map((byte) => Buffer.from([byte]))].map((chunks) => ({
          name,
          chunks,
          types: answers.map((answer) => answer.split(' ')[0]),
          refused: error ?? null,
        })),
      );
      const answers = (await peer.ask(
        connections.map(({ chunks }) => ({ do: 'serve', token: 'HELLO', chunks: hexes(chunks) })),
      )) as { hex: string; refused: string | null }[];
      for (const [index, { name, chunks, types, refused }] of connections.entries()) {
        const { hex, refused: why } = answers[index]!;
        expect({ types: typesIn(hex), refused: why }, name).toEqual({ types, refused });
        expect(await served(chunks), name).toEqual({ types, refused });
      }
    });
  },
);
