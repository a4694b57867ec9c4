/** The drone's protocol as captures have it: out of order, joined in the middle, malformed, damaged, in datagrams, on other ports. */
import { describe, expect, test } from 'vitest';
import { drone } from '../../../src/drone/protocol.ts';
import type { Field } from '../../../src/protocol/fields/field.ts';
import {
  array,
  bytes,
  i32le,
  lazy,
  message,
  optional,
  parameter,
  struct,
  u8,
  u16be,
  utf8,
  when,
} from '../../../src/protocol/fields/kinds.ts';
import { messages } from '../../../src/protocol/fields/messages.ts';
import { lengthPrefix } from '../../../src/protocol/framing/length-prefix.ts';
import { toDissector } from '../../../src/tools/dissector/to-dissector.ts';
import { frame as packet, pcap } from '../../support/packets.ts';
import { isThere } from '../../support/programs.ts';
import { Conversations } from './conversation.ts';
import { type Layer, tshark } from './tshark.ts';

const ENDS = { sport: 5_000, dport: 4_000 };
const { lua } = toDissector(drone, { port: 4_000 });

function wireOf(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  return Buffer.concat([length, payload]);
}

function move(x: number): Buffer {
  return wireOf(drone.clientMessages.encode({ type: 'move', x, y: -x }));
}

/** The x of each move, and the codes of what is malformed, in the order of the capture. */
function seen(layers: readonly Layer[]): string[] {
  return layers.flatMap(({ items }) =>
    items
      .filter(({ name }) => name === 'drone.move.x' || name === 'drone.error.code' || name === 'drone.joined')
      .map(({ name, value }) => (name === 'drone.joined' ? 'joined' : value)),
  );
}

function run(capture: Uint8Array, ...options: string[]): readonly Layer[] {
  const { layers, problems, text } = tshark({ drone: lua }, capture, ['drone'], ...options);
  expect(problems.replace(/^Running as user.*\n/, '')).toBe('');
  expect(text).not.toContain('Lua Error');
  return layers;
}

describe.skipIf(!isThere('tshark'))('tshark', () => {
  test('reorders segments if its preference says so', () => {
    const bytes = Buffer.concat(Array.from({ length: 40 }, (_, index) => move(index)));
    const segments = Array.from({ length: bytes.length / 20 }, (_, index) =>
      packet({
        ...ENDS,
        seq: 101 + 20 * index,
        ack: 1,
        flags: 'PA',
        payload: bytes.subarray(20 * index, 20 * index + 20),
      }),
    );
    // Neighbours change places, three at a time.
    for (let at = 0; at + 2 < segments.length; at += 3) {
      [segments[at], segments[at + 2]] = [segments[at + 2]!, segments[at]!];
    }
    const capture = pcap([packet({ ...ENDS, seq: 100, flags: 'S' }), ...segments]);
    const layers = run(capture, '-o', 'tcp.reassemble_out_of_order:TRUE');
    expect(seen(layers)).toEqual(Array.from({ length: 40 }, (_, index) => String(index)));
  });

  test('recognizes a connection captured from the middle at a segment that begins with a message', () => {
    const long = wireOf(drone.clientMessages.encode({ type: 'write', text: 'a'.repeat(40) }));
    const segments = [
      long.subarray(20),
      move(1),
      Buffer.concat([move(2), move(3).subarray(0, 6)]),
      move(3).subarray(6),
    ];
    let seq = 7_000;
    const packets = segments.map((payload) => {
      const one = packet({ ...ENDS, seq, ack: 1, flags: 'PA', payload });
      seq += payload.length;
      return one;
    });
    const layers = run(pcap(packets));
    expect(seen(layers)).toEqual(['1', '2', '3']);
    expect(layers[0]!.packet).toBe(2);
  });

  test('finds the next message after a frame that cannot be read', () => {
    const bytes = [
      move(1),
      Buffer.from('ffffff7f0102', 'hex'),
      move(2),
      Buffer.from('aaaaaaaabb', 'hex'),
      move(3),
    ];
    const conversations = new Conversations();
    conversations.open(0, 4_000);
    for (const one of bytes) conversations.send(0, 'client', one);
    expect(seen(run(conversations.bytes()))).toEqual([
      '1',
      'ERR_FRAME_TOO_LONG',
      '2',
      'ERR_FRAME_TOO_LONG',
      '3',
    ]);
  });

  test('survives damaged captures', () => {
    const { clientMessages, serverMessages } = drone;
    const said = Buffer.concat([
      move(1),
      wireOf(clientMessages.encode({ type: 'write', text: 'hello' })),
      move(2),
    ]);
    const answered = Buffer.concat(
      Array.from({ length: 3 }, () => wireOf(serverMessages.encode({ type: 'ok', text: 'x' }))),
    );
    const conversations = new Conversations();
    let state = 1;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let connection = 0; connection < 200; connection++) {
      conversations.open(connection, 4_000);
      for (const [from, bytes] of [
        ['client', said],
        ['server', answered],
      ] as const) {
        const damaged = Buffer.from(bytes);
        for (let times = below(4); times >= 0; times--) damaged[below(damaged.length)] = below(256);
        conversations.send(connection, from, damaged, 1 + below(20), 1 + below(20));
      }
    }
    expect(run(conversations.bytes()).length).toBeGreaterThan(300);
  });

  test('reads datagrams, with and without a framing', () => {
    const conversations = new Conversations();
    conversations.datagram('10.0.0.1:5000', '10.0.0.2:4000', Buffer.concat([move(1), move(2)]));
    conversations.datagram('10.0.0.1:5000', '10.0.0.2:4000', move(3).subarray(0, 9));
    expect(seen(run(conversations.bytes()))).toEqual(['1', '2', 'ERR_FRAME_TRUNCATED']);
    const bare = new Conversations();
    bare.datagram('10.0.0.1:5000', '10.0.0.2:4000', move(4).subarray(4));
    expect(seen(run(bare.bytes(), '-o', 'drone.bare:TRUE'))).toEqual(['4']);
  });

  test('recognizes another port only if the preference says so and the bytes are a message', () => {
    const conversations = new Conversations();
    conversations.open(0, 9_999);
    conversations.send(0, 'client', move(1));
    conversations.send(0, 'client', move(2), 3);
    conversations.open(1, 9_998);
    conversations.send(1, 'client', Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    expect(run(conversations.bytes())).toEqual([]);
    expect(seen(run(conversations.bytes(), '-o', 'drone.heuristic:TRUE'))).toEqual(['1', '2']);
    expect(seen(run(conversations.bytes(), '-o', 'drone.port:9999'))).toEqual(['1', '2']);
    expect(seen(run(conversations.bytes(), '-d', 'tcp.port==9999,drone'))).toEqual(['1', '2']);
  });

  test('filters by the names of the fields', () => {
    const conversations = new Conversations();
    conversations.open(0, 4_000);
    for (const x of [5, 10, 15, 20]) conversations.send(0, 'client', move(x));
    expect(seen(run(conversations.bytes(), '-Y', 'drone.move.x > 10 && drone.from == "client"'))).toEqual([
      '15',
      '20',
    ]);
  });

  test('accepts any names: none ends a string or a comment in Lua', () => {
    const hostile = 'x"] = nil os.exit() --\n]]\\" .. \r\0é';
    const codec = messages(u8, {
      [hostile]: message(1, { [hostile.replaceAll('.', '')]: i32le, ok: utf8(u8) }),
    });
    const made = toDissector(
      { name: hostile, framing: lengthPrefix(), clientMessages: codec, serverMessages: codec },
      { port: 4_000 },
    );
    const conversations = new Conversations();
    conversations.open(0, 4_000);
    conversations.send(0, 'client', wireOf(Buffer.from('010700000002686f', 'hex')));
    const { layers, problems } = tshark({ hostile: made.lua }, conversations.bytes(), [made.name]);
    expect(problems.replace(/^Running as user.*\n/, '')).toBe('');
    expect(layers[0]!.items.filter(({ value }) => value === '7' || value === 'ho')).toHaveLength(2);
  });

  test('takes the parameters of a declaration from its preferences', () => {
    const parameters = { version: { default: 5, min: 0, max: 9 } };
    const body = { id: optional(u8, when(parameter('version'), { min: 4 })), data: bytes(parameter('size')) };
    const codec = messages(
      u8,
      { say: message(1, body) },
      { parameters: { ...parameters, size: { default: 2, min: 0, max: 9 } } },
    );
    const made = toDissector(
      { name: 'versions', framing: lengthPrefix(), clientMessages: codec, serverMessages: codec },
      { port: 4_000 },
    );
    const conversations = new Conversations();
    conversations.open(0, 4_000);
    conversations.send(0, 'client', wireOf(Buffer.from([1, 7, 8, 9])));
    const items = (...options: string[]): string[] => {
      const { layers } = tshark({ versions: made.lua }, conversations.bytes(), ['versions'], ...options);
      return layers[0]!.items
        .filter(({ name }) => /say|error.code/.test(name))
        .map(({ name, value }) => `${name}=${value}`);
    };
    expect(items()).toEqual(['versions.say.id=7', 'versions.say.data=08:09']);
    expect(items('-o', 'versions.parameter_version:3', '-o', 'versions.parameter_size:3')).toEqual([
      'versions.say.data=07:08:09',
    ]);
  });

  test('respects the limits of Wireshark: deep recursions, and lists of many elements', () => {
    interface Nest {
      inner: Nest | undefined;
    }
    const nest: Field<Nest> = struct({ inner: optional(lazy(() => nest, { maxDepth: 1_000 })) });
    const codec = messages(
      u8,
      { nest: message(1, { nest }), many: message(2, { rows: array(array(u8, u16be), u16be) }) },
      { limits: { elements: 2_000_000, depth: 1_000 } },
    );
    const made = toDissector(
      { name: 'deep', framing: lengthPrefix(), clientMessages: codec, serverMessages: codec },
      { port: 4_000 },
    );
    const deep = Buffer.alloc(902, 1);
    deep[901] = 0;
    const tooDeep = Buffer.alloc(1_200, 1);
    const row = Buffer.concat([Buffer.from([0xea, 0x60]), Buffer.alloc(60_000)]);
    const many = Buffer.concat([Buffer.from([2, 0, 3]), row, row, row]);
    const conversations = new Conversations();
    conversations.open(0, 4_000);
    for (const payload of [deep, tooDeep, many]) {
      // All three are decoded by us, or refused.
      conversations.send(0, 'client', wireOf(payload));
    }
    const { layers, problems, text } = tshark({ deep: made.lua }, conversations.bytes(), ['deep']);
    expect(problems.replace(/^Running as user.*\n/, '')).toBe('');
    expect(text).not.toMatch(/Lua Error|Maximum tree depth|possible infinite loop/);
    expect(codec.decode(deep).type).toBe('nest');
    expect(codec.decode(many).type).toBe('many');
    const codes = layers.map(({ items }) => items.find(({ name }) => name === 'deep.error.code')?.value);
    expect(codes).toEqual([undefined, codeOf(() => codec.decode(tooDeep)), undefined]);
  });
});

function codeOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as { code: string }).code;
  }
}
