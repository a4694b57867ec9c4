import fs from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as http2 from '../../../examples/http2.ts';
import * as kafkaReplies from '../../../examples/kafka/replies.ts';
import * as kafkaRequests from '../../../examples/kafka/requests.ts';
import * as modbus from '../../../examples/modbus/tcp.ts';
import * as mqttFraming from '../../../examples/mqtt/fixed-header.ts';
import * as mqtt from '../../../examples/mqtt/packets.ts';
import * as postgresClient from '../../../examples/postgres/client-messages.ts';
import * as postgresFraming from '../../../examples/postgres/framing.ts';
import * as postgresServer from '../../../examples/postgres/server-messages.ts';
import * as postgresStartup from '../../../examples/postgres/startup.ts';
import * as resp from '../../../examples/redis/resp.ts';
import * as gnss from '../../../examples/serial/gnss.ts';
import * as rtu from '../../../examples/serial/rtu.ts';
import { drone } from '../../../src/drone/index.ts';
import {
  bytes,
  Conversation,
  cobs,
  codecOf,
  constant,
  crc,
  type DeclaredCodec,
  defineProtocol,
  defineSession,
  delimiter,
  type Framing,
  fixedLength,
  headed,
  lazy,
  lengthPrefix,
  line,
  mapped,
  measured,
  message,
  messages,
  packets,
  rest,
  selfDelimiting,
  slip,
  struct,
  stuffed,
  u8,
  u16be,
  u32be,
  utf8,
} from '../../../src/index.ts';
import { arbitraryFrame } from '../../../src/testing/arbitrary.ts';
import {
  DocumentError,
  fromJSON,
  functionsOf,
  type ProtocolJson,
  type ProtocolParts,
  protocolSchema,
  toJSON,
} from '../../../src/tools/index.ts';
import { inOrder } from '../../../src/tools/json/types.ts';
import { FRAMINGS, protocolOf } from '../../conformance/session.ts';
import { outcome } from '../../fuzz/target.ts';
import { arbitraryCodec, customValues } from '../../protocol/fields/declarations.ts';
import { codecFrom, evaluate, VECTORS } from '../../protocol/fields/vectors.ts';
import { readAll, writeOne } from '../../support/reading.ts';

type AnyCodec = DeclaredCodec<unknown>;

// Messages of a few elements show as much, and cost less.
fc.configureGlobal({ ...fc.readConfigureGlobal(), baseSize: 'xsmall' });

// biome-ignore lint/suspicious/noExplicitAny: a document that a test changes
type Any = any;

const validate = new Ajv2020({ strict: false, allErrors: false }).compile(protocolSchema);

/** A protocol of one codec, without a session. */
function partsOf(codec: unknown, framing: unknown = lengthPrefix()): ProtocolParts {
  return { name: 'one', framing, clientMessages: codec, serverMessages: codec } as ProtocolParts;
}

/** The protocol that its own document gives, once it was text; the document is valid and gives itself again. */
function remade(protocol: ProtocolParts): ProtocolParts {
  const document = toJSON(protocol);
  if (!validate(document)) throw new Error(JSON.stringify(validate.errors?.slice(-3)));
  const read = JSON.parse(JSON.stringify(document)) as ProtocolJson;
  expect(read).toEqual(document);
  const made = fromJSON(read, { functions: functionsOf(protocol) }) as ProtocolParts;
  expect(JSON.stringify(toJSON(made))).toBe(JSON.stringify(document));
  return made;
}

function remadeCodec(codec: AnyCodec): AnyCodec {
  return remade(partsOf(codec)).clientMessages as AnyCodec;
}

/** Both give the same of these bytes, down to the text of the error. */
function expectSame(a: AnyCodec, b: AnyCodec, frame: Buffer): void {
  const [one, other] = [a, b].map((codec) => {
    try {
      const value = codec.decode(frame);
      return { value, bytes: Buffer.from(codec.encode(value)).toString('hex') };
    } catch (error) {
      const { name, message, code } = error as Error & { code?: string };
      return { name, message, code };
    }
  });
  expect(other).toEqual(one);
}

describe('every kind of field', () => {
  test.each(VECTORS.map((vectors) => [vectors.kind, vectors] as const))('%s', (_, vectors) => {
    const declarations = new Set(
      [...vectors.good, ...vectors.badBytes, ...vectors.badValues].map(([one]) => one),
    );
    for (const declaration of declarations) {
      const codec = codecFrom(declaration);
      const made = remadeCodec(codec);
      for (const [own, value, hex] of vectors.good) {
        if (own !== declaration) continue;
        const wire = Buffer.from(hex.replace(/[^0-9a-f]/g, ''), 'hex');
        expectSame(codec, made, wire);
        expect(Buffer.from(made.encode(evaluate(value)))).toEqual(wire);
      }
      for (const [own, hex, code] of vectors.badBytes) {
        if (own !== declaration) continue;
        const wire = Buffer.from(hex.replace(/[^0-9a-f]/g, ''), 'hex');
        expectSame(codec, made, wire);
        expect(outcome(() => made.decode(wire))).toMatchObject({ code });
      }
      for (const [own, value, code] of vectors.badValues) {
        if (own !== declaration) continue;
        const given = evaluate(`(${value})`);
        const failure = outcome(() => made.encode(given));
        expect(failure).toEqual(outcome(() => codec.encode(given)));
        expect(failure).toMatchObject({ code });
      }
    }
  });

  test('random declarations give the same messages and the same errors', () => {
    fc.assert(
      fc.property(
        arbitraryCodec().chain((codec) =>
          fc.tuple(
            fc.constant(codec),
            fc.array(
              fc.oneof(arbitraryFrame(codec, { custom: customValues }), fc.uint8Array({ maxLength: 40 })),
              {
                minLength: 1,
                maxLength: 5,
              },
            ),
          ),
        ),
        ([codec, frames]) => {
          const made = remadeCodec(codec);
          for (const frame of frames) expectSame(codec, made, Buffer.from(frame));
        },
      ),
      { numRuns: 12, seed: fc.readConfigureGlobal()?.seed ?? 1 },
    );
  });
});

describe('every framing', () => {
  const xor = {
    name: 'mine',
    width: 8,
    compute: (b: Uint8Array, s: number, e: number) => b.subarray(s, e).reduce((x, y) => x ^ y, 0),
  };
  const framings: [string, Framing][] = [
    ['lengthPrefix', lengthPrefix()],
    [
      'lengthPrefix, all options',
      lengthPrefix({
        lengthFieldLength: 2,
        byteOrder: 'big',
        lengthFieldOffset: 1,
        lengthIncludes: 'header',
        initialBytesToStrip: 0,
        maxFrameLength: 99,
        onTooLong: 'discard',
      }),
    ],
    ['lengthPrefix, varint', lengthPrefix({ lengthFieldLength: 'varint', maxLengthFieldLength: 4 })],
    ['lengthPrefix, digits', lengthPrefix({ lengthFieldLength: 4, base: 10 })],
    ['lengthPrefix, mask', lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big', mask: 0x3fff })],
    ['delimiter', delimiter({ delimiter: ['\r', Buffer.from('\r\n')], unterminated: 'emit' })],
    [
      'delimiter, marks',
      delimiter({
        start: '$',
        delimiter: '*',
        trailer: 2,
        valid: { checksum: 'XOR-8', digits: 'hexadecimal', from: 0, at: -2, to: -3 },
        onInvalid: 'discard',
      }),
    ],
    ['line', line({ stripDelimiter: false, onTooLong: 'discard', maxFrameLength: 9 })],
    ['fixedLength', fixedLength(3)],
    ['slip', slip({ start: 'end', onInvalid: 'discard' })],
    ['slip, marker', slip({ start: 2, escapedStart: 3, valid: { checksum: xor } })],
    ['cobs', cobs({ maxFrameLength: 300 })],
    ['stuffed', stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20, ignored: [0x11], alsoEscaped: [1] })],
    [
      'stuffed, escapes',
      stuffed({ flag: 0x7e, escape: 0x7d, escapes: { 126: 1, 125: 2 }, valid: (frame) => frame.length > 1 }),
    ],
    ['stuffed, length', stuffed({ flag: 0x7e, escape: 0x7d, xor: 0x20, length: { offset: 0, add: 1 } })],
    [
      'headed, field',
      headed({ end: '\n\n', length: { field: ['Length', 'L'], otherwise: 0 }, ignore: '\n' }),
    ],
    ['headed, column', headed({ end: ':', length: { column: 0 }, trailer: 1, until: '.' })],
    ['headed, function', headed({ end: ':', length: (header) => header.length })],
    [
      'packets',
      packets({
        kinds: {
          a: { start: '$', end: '\n', maxFrameLength: 20 },
          b: {
            start: { bytes: [0xd0], mask: [0xf0] },
            length: { offset: 1, add: 2 },
            valid: { checksum: 'XOR-8' },
          },
        },
      }),
    ],
    [
      'packets, list',
      packets({
        kinds: [
          { start: 'x', length: 3 },
          { header: 1, length: (header) => header[0]! + 1 },
        ],
        onNoise: 'error',
      }),
    ],
    [
      'measured',
      measured({ measure: (b, start, end) => (end > start ? b[start]! + 1 : undefined), maxFrameLength: 20 }),
    ],
    ['selfDelimiting', selfDelimiting(codecOf(struct({ name: utf8(u8) })), { maxFrameLength: 50 })],
  ];
  /** Bytes that mean something to one of them. */
  const stream = fc
    .array(
      fc.constantFrom(
        0,
        1,
        2,
        3,
        0x0a,
        0x0d,
        0x24,
        0x2a,
        0x30,
        0x31,
        0x3a,
        0x78,
        0x7d,
        0x7e,
        0xc0,
        0xd1,
        0xdb,
      ),
      { maxLength: 60 },
    )
    .map((all) => Buffer.from(all));

  test.each(framings)('%s reads and writes the same', (_, framing) => {
    const made = remade(partsOf(codecOf(bytes(rest)), framing)).framing as Framing;
    expect(made.layout).toEqual(framing.layout);
    expect(made.wire).toEqual(framing.wire);
    fc.assert(
      fc.property(stream, (input) => {
        expect(readAll(made, [input])).toEqual(readAll(framing, [input]));
        const written = [framing, made].map((one) => outcome(() => writeOne(one, input).toString('hex')));
        expect(written[1]).toEqual(written[0]);
      }),
      { numRuns: 20 },
    );
  });

  test('every framing that the package exports is tested', async () => {
    const exported = await import('../../../src/index.ts');
    const makers = Object.entries(exported).filter(
      ([name]) => framings.some(([, { name: own }]) => own === name) || /^(line|slip|cobs)$/.test(name),
    );
    const known = new Set(framings.map(([, { call }]) => call?.maker as string));
    expect(new Set(makers.map(([name]) => name))).toEqual(known);
  });

  test('a custom framing is written as a name', () => {
    const own = {
      name: 'mine',
      maxFrameLength: 9,
      reader: () => fixedLength(1).reader(),
      writer: () => fixedLength(1).writer(),
    };
    const made = remade(partsOf(codecOf(u8), { reads: own, writes: lengthPrefix() }));
    expect(made.framing).toMatchObject({ reads: own });
  });
});

describe('the examples', () => {
  const modules = {
    http2,
    kafkaReplies,
    kafkaRequests,
    modbus,
    mqttFraming,
    mqtt,
    postgresClient,
    postgresFraming,
    postgresServer,
    postgresStartup,
    resp,
    gnss,
    rtu,
  };
  const exported = Object.entries(modules).flatMap(([file, module]) =>
    Object.entries(module).map(([name, value]) => [`${file}.${name}`, value as unknown] as const),
  );
  const codecs = exported.filter(([, value]) => Object.hasOwn(Object(value), 'declaration')) as [
    string,
    AnyCodec,
  ][];
  const framings = exported.filter(([, value]) => typeof (value as Framing)?.reader === 'function');

  test('there are at least as many examples as expected', () => {
    expect(codecs.length).toBeGreaterThan(12);
    expect(framings.length).toBeGreaterThan(5);
  });

  test.each(codecs)('%s', (_, codec) => {
    const made = remadeCodec(codec);
    fc.assert(
      fc.property(
        fc.oneof(arbitraryFrame(codec, { custom: customValues }), fc.uint8Array({ maxLength: 60 })),
        (frame) => expectSame(codec, made, Buffer.from(frame)),
      ),
      { numRuns: 6, seed: 1 },
    );
  });

  test.each(framings)('%s', (_, framing) => {
    const made = remade(partsOf(resp.resp, framing)).framing as Framing;
    expect(made.layout).toEqual((framing as Framing).layout);
  });
});

describe('sessions', () => {
  /** What a conversation answers to bytes. */
  const answers = (protocol: never, input: Buffer): unknown => {
    const conversation = new Conversation(protocol, {} as never);
    conversation.receive(input);
    const out: Buffer[] = [];
    for (let piece = conversation.take(); piece !== undefined; piece = conversation.take())
      out.push(Buffer.from(piece));
    return {
      out: Buffer.concat(out).toString('hex'),
      error: conversation.error?.message,
      state: conversation.state,
    };
  };

  test('the session of the drone works as before, with its functions given by the caller', () => {
    const made = remade(drone as never);
    const input = ['12000000026f70656e20736573616d65202020', '05000000'].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    for (const bytes of [...input, Buffer.from('0100000000', 'hex'), Buffer.from('01000000ff', 'hex')]) {
      expect(answers(made as never, bytes)).toEqual(answers(drone as never, bytes));
    }
    expect(Object.keys(functionsOf(drone as never))).toContain('session.handshake.write');
  });

  test('a session with all its parts behaves the same', () => {
    const protocol = protocolOf(FRAMINGS[Object.keys(FRAMINGS)[0]!]!, false);
    const made = remade(protocol as never);
    const { framing, clientMessages } = protocol as never as { framing: Framing; clientMessages: AnyCodec };
    fc.assert(
      fc.property(fc.array(arbitraryFrame(clientMessages), { maxLength: 6 }), (frames) => {
        const input = Buffer.concat(frames.map((frame) => writeOne(framing, frame)));
        expect(answers(made as never, input)).toEqual(answers(protocol as never, input));
      }),
      { numRuns: 12 },
    );
  });

  test('states with framings and codecs of their own, timers, keys, rules for replies', () => {
    const asks = messages(u8, {
      ask: message(1, { id: u16be }),
      go: message(2, {}),
      more: message(3, { id: u16be }),
    });
    const says = messages(u8, {
      told: message(1, { id: u16be }),
      note: message(2),
      done: message(3, { id: u16be }),
    });
    const plain = messages(u8, { word: message(1, { text: utf8(rest) }) });
    const session = defineSession({
      receives: asks,
      sends: says,
      initial: 'first',
      ready: 'second',
      context: () => ({ n: 0 }),
      dispose: () => {},
      farewell: () => ({ type: 'note' }),
      states: {
        first: {
          on: {
            ask: {
              handle: ({ id }) => ({ send: { type: 'told', id }, timers: { late: 5 } }),
              outcomes: { first: { one: ['told', 'note'] } },
              concurrent: 'id',
            },
            go: () => ({ next: 'second' }),
          },
          postpone: ['more'],
          timers: { late: { handle: () => ({}), outcomes: { first: [] } } },
          unsolicited: ['note'],
          deadline: { within: 5_000, idle: 100, handle: () => ({ next: 'second' }) },
          onEnter: () => ({ type: 'note' }),
          next: ['second'],
        },
        second: {
          on: {
            more: {
              handle: () => ({}),
              outcomes: { second: { until: 'done', of: ['told'] }, third: 'note' },
            },
          },
          otherwise: () => ({}),
        },
        third: {
          receives: plain,
          framing: { reads: line() },
          on: { word: () => ({ next: 'last' }) },
          next: ['last'],
        },
        last: { final: true },
      },
    });
    const protocol = defineProtocol({
      name: 'all',
      framing: { reads: lengthPrefix(), writes: lengthPrefix({ lengthFieldLength: 2 }) },
      preface: { client: 'HELLO', refusal: [1] },
      clientMessages: asks,
      serverMessages: says,
      session: session as never,
      replies: {
        id: 'id',
        ids: [1, 9],
        maxInFlight: 3,
        isReply: ['told'],
        expects: { ask: 'one', more: { until: 'done', of: 'told' }, go: { until: () => true } },
      } as never,
    });
    const document = toJSON(protocol as never);
    const made = remade(protocol as never);
    expect(document.session).toMatchObject({
      ready: 'second',
      states: [{ postpone: ['more'] }, {}, { framing: { reads: { framing: 'line' } } }, {}],
    });
    expect(document.replies).toMatchObject({
      id: 'id',
      ids: [1, 9],
      expects: [{ message: 'ask' }, {}, { expects: { until: { function: 'replies.expects.go' } } }],
    });
    const hello = Buffer.concat([
      Buffer.from('HELLO'),
      ...['01000a', '02', '03000b'].map((hex) => writeOne(lengthPrefix(), Buffer.from(hex, 'hex'))),
    ]);
    for (const input of [hello, Buffer.from('HALLO'), hello.subarray(0, 9)]) {
      expect(answers(made as never, input)).toEqual(answers(protocol as never, input));
    }
  });
});

describe('names', () => {
  const point = struct({ x: u16be, y: u16be });
  type Tree = { value: number; children: readonly Tree[] };
  const tree: Any = struct({
    value: u8,
    at: point,
    left: lazy(() => tree, { maxDepth: 9 }) as never,
  });

  test('a field that is used more than once, or inside itself, is written once', () => {
    const { definitions, clientMessages } = toJSON(
      partsOf(
        messages(u8, { a: message(1, { from: point, to: point }), b: message(2, { tree: tree as never }) }),
      ),
    );
    expect(Object.keys(definitions)).toEqual(['from', 'tree']);
    expect(definitions.tree).toMatchObject({
      is: 'struct',
      fields: [{}, { type: { ref: 'from' } }, { type: { is: 'lazy', item: { ref: 'tree' } } }],
    });
    expect(clientMessages).toMatchObject({
      messages: [{ fields: [{ type: { ref: 'from' } }, { type: { ref: 'from' } }] }, {}],
    });
    void ({} as Tree);
  });

  test('functions are named after their places, or by the caller', () => {
    const date = { decode: (n: number) => new Date(n), encode: (at: Date) => +at };
    const codec = messages(u8, {
      hello: message(1, { since: mapped(u32be, date), until: mapped(u32be, date) }),
    });
    expect(Object.keys(functionsOf(partsOf(codec)))).toEqual(['clientMessages.hello.since']);
    const functions = { date };
    const document = toJSON(partsOf(codec), { functions });
    expect(JSON.stringify(document)).toContain('{"function":"date"}');
    expect(
      fromJSON(document, { functions }).clientMessages.encode({
        type: 'hello',
        since: new Date(1),
        until: new Date(2),
      }),
    ).toEqual(Buffer.from('010000000100000002', 'hex'));
  });

  test('a missing function is reported with the place that names it', () => {
    const error = outcomeOf(() => fromJSON(toJSON(drone as never)));
    expect(error).toBeInstanceOf(DocumentError);
    expect(error.message).toBe(
      'session.context: there is no "session.context" in functions, nor "session.handshake.write", "session.handshake.otherwise", "session.authenticated.move", "session.authenticated.changeColor", "session.authenticated.quit", "session.authenticated.otherwise", "session.closing.otherwise"',
    );
    const wrong = outcomeOf(() =>
      fromJSON(toJSON(drone as never), {
        functions: { ...functionsOf(drone as never), 'session.context': 5 },
      }),
    );
    expect(wrong.message).toBe("session.context: functions: 'session.context': expected a function, got 5");
  });

  test('missing functions may be replaced: a mapping by the mapped field', () => {
    const date = { decode: (n: number) => new Date(n), encode: (at: Date) => +at };
    const own = crc({ name: 'mine', width: 8, polynomial: 7, initial: 1, reflected: false, final: 0 });
    const parts = partsOf(
      codecOf(struct({ since: mapped(u32be, date), epoch: constant(mapped(u32be, date), new Date(7)) })),
      delimiter({ delimiter: '\n', valid: { checksum: own } }),
    );
    const made = fromJSON(toJSON(parts), { missing: 'stand in' });
    expect(made.clientMessages.decode(Buffer.from('0000000500000007', 'hex'))).toEqual({ since: 5 });
    const { session } = fromJSON(toJSON(drone as never), { missing: 'stand in' });
    expect(() => session.start().receive({ type: 'write', text: 'x' })).not.toThrow(TypeError);
  });
});

function outcomeOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('an invalid document', () => {
  const good = JSON.stringify(toJSON(drone as never));
  const read = (change: (document: Record<string, never>) => void): string => {
    const document = JSON.parse(good);
    change(document);
    return outcomeOf(() => fromJSON(document, { missing: 'stand in' })).message;
  };

  test.each<[string, (document: never) => void]>([
    [
      `format: expected 'wirepipe-protocol', got "x"`,
      (d: Any) => {
        d.format = 'x';
      },
    ],
    [
      'version: expected 1, the one version there is, got 2',
      (d: Any) => {
        d.version = 2;
      },
    ],
    [
      'clientMessages: missing',
      (d: Any) => {
        delete d.clientMessages;
      },
    ],
    [
      `clientMessages.messages[1].fields[0].type: expected the name of a field such as u16be, or an object, got "u17"`,
      (d: Any) => {
        d.clientMessages.messages[1].fields[0].type = 'u17';
      },
    ],
    [
      "clientMessages.messages[2].fields[0].type.size: there is no field 'n'",
      (d: Any) => {
        d.clientMessages.messages[2].fields[0].type.size = { path: 'n' };
      },
    ],
    [
      "clientMessages.messages[2].fields[0].type.size: expected a number, 'rest', a field, { path }, { parameter }, { prefix, add, unit }, { rest } or { until }, got null",
      (d: Any) => {
        d.clientMessages.messages[2].fields[0].type.size = null;
      },
    ],
    [
      'clientMessages.messages[2].fields[0].type.is: expected one of bytes',
      (d: Any) => {
        d.clientMessages.messages[2].fields[0].type.is = '__proto__';
      },
    ],
    [
      "clientMessages.messages[2].fields[0].type.ref: there is no definition 'constructor'",
      (d: Any) => {
        d.clientMessages.messages[2].fields[0].type = { ref: 'constructor' };
      },
    ],
    [
      "clientMessages.messages[1].fields[1].name: there is a 'x' already",
      (d: Any) => {
        d.clientMessages.messages[1].fields[1].name = 'x';
      },
    ],
    [
      "clientMessages.messages[1].fields[1].name: '7' does not stand in the place that JavaScript gives it",
      (d: Any) => {
        d.clientMessages.messages[1].fields[1].name = '7';
      },
    ],
    [
      'clientMessages.messages[1].extra: unknown; expected name, tag, tags, fields',
      (d: Any) => {
        d.clientMessages.messages[1].extra = 1;
      },
    ],
    [
      'clientMessages: quit and move have the same tag, 0',
      (d: Any) => {
        d.clientMessages.messages[1].tag = 0;
      },
    ],
    [
      'definitions.a: nothing uses it',
      (d: Any) => {
        d.definitions = { a: 'u8' };
      },
    ],
    [
      "definitions.a.fields[0].type.ref: 'a' holds itself; only inside lazy may it",
      (d: Any) => {
        d.definitions = { a: { is: 'struct', fields: [{ name: 'a', type: { ref: 'a' } }] } };
        d.clientMessages.messages[1].fields[0].type = { ref: 'a' };
      },
    ],
    [
      'framing.layout: is not the one that the options give',
      (d: Any) => {
        d.framing.options.maxFrameLength = 5;
      },
    ],
    [
      'framing.options: lengthPrefix: maxFrameLength',
      (d: Any) => {
        d.framing.options.maxFrameLength = 0.5;
      },
    ],
    [
      "session: initial: no state 'x'; there are",
      (d: Any) => {
        d.session.initial = 'x';
      },
    ],
    [
      'session.states[0].on[0].outcomes[0]: expected one of one, any, until',
      (d: Any) => {
        d.session.states[0].on[0].outcomes[0].any = [];
      },
    ],
  ] as never)('%s', (expected, change) => {
    const message = read(change as never);
    if (expected.startsWith('framing.options: '))
      expect(message).toMatch(/^framing\.options\.maxFrameLength: expected/);
    else if (expected.includes("no field 'n'")) expect(message).toMatch(/'n'/);
    else expect(message).toContain(expected);
  });

  test('deep, wide and circular documents are refused quickly', () => {
    const deep = (depth: number): unknown =>
      depth === 0 ? 'u8' : { is: 'array', item: deep(depth - 1), count: 1, max: 1 };
    expect(
      read((d: Any) => {
        d.clientMessages.messages[1].fields[0].type = deep(300);
      }),
    ).toMatch(/nest deeper than 200 levels/);
    const doubled = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [
        `t${n}`,
        {
          is: 'struct',
          fields: ['a', 'b'].map((name) => ({ name, type: n === 0 ? 'u8' : { ref: `t${n - 1}` } })),
        },
      ]),
    );
    expect(
      read((d: Any) => {
        d.definitions = doubled;
        d.clientMessages.messages[1].fields[0].type = { ref: 't39' };
      }),
    ).toMatch(/more than 100000 fields/);
    const value = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`);
    expect(
      read((d: Any) => {
        d.clientMessages.messages[1].tag = value;
      }),
    ).toMatch(/at most 100 levels/);
    let nested: unknown = u8;
    for (let n = 0; n < 250; n++) nested = struct({ a: nested as typeof u8 });
    expect(() => toJSON(partsOf(codecOf(nested as typeof u8)))).toThrow(/nest deeper than 200 levels/);
  });

  test('any change of any part gives a DocumentError that names a place, or another protocol', () => {
    const documents = [
      toJSON(drone as never),
      toJSON(partsOf(mqtt.mqtt5)),
      toJSON(partsOf(resp.resp, resp.framing)),
      toJSON(partsOf(http2.frames, gnss.line)),
    ];
    const pathsOf = (value: unknown, above: (string | number)[] = []): (string | number)[][] =>
      typeof value !== 'object' || value === null
        ? [above]
        : [above, ...Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...above, key]))];
    const odd = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        -1,
        0,
        1,
        1.5,
        1e300,
        2 ** 53,
        '',
        'u8',
        'rest',
        '__proto__',
        [],
        {},
        [[]],
        { ref: 'a' },
        { is: 'lazy', item: 'u8' },
        { function: 'f' },
        { bigint: '1' },
        { bytes: 'xx' },
        { object: 5 },
        { path: 'x' },
        { until: '00' },
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), odd, fc.boolean()), { minLength: 1, maxLength: 2 }),
        (which, _, changes) => {
          const document = structuredClone(documents[which % documents.length]!) as unknown as Record<
            string,
            unknown
          >;
          for (const [place, value, isAdded] of changes) {
            const paths = pathsOf(document).filter((one) => one.length > 0);
            const at = paths[place % paths.length]!;
            let holder = document as Record<string | number, unknown>;
            for (const key of at.slice(0, -1)) holder = holder[key] as typeof holder;
            holder[isAdded && !Array.isArray(holder) ? 'other' : at.at(-1)!] = value;
          }
          try {
            fromJSON(document, { missing: 'stand in' });
          } catch (error) {
            if (!(error instanceof DocumentError)) throw error;
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(({} as Record<string, unknown>).other).toBeUndefined();
  });
});

describe('the schema', () => {
  test('equals the schema in docs', () => {
    const file = path.resolve(import.meta.dirname, '../../../docs/wirepipe-protocol.schema.json');
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(protocolSchema)));
  });

  test('refuses values that no document may contain', () => {
    const document = JSON.parse(JSON.stringify(toJSON(drone as never)));
    expect(validate(document)).toBe(true);
    expect(validate({ ...document, version: 2 })).toBe(false);
    expect(validate({ ...document, extra: 1 })).toBe(false);
    document.clientMessages.messages[1].fields[0].type = 'u17';
    expect(validate(document)).toBe(false);
  });
});

test('the names of a document are looked at a bounded number of times each', () => {
  let looks = 0;
  const named = (name: string): readonly [string, number] =>
    new Proxy([name, 1] as const, {
      get: (held, key) => {
        if (key === '0') looks++;
        return Reflect.get(held, key);
      },
    });
  const many = Array.from({ length: 3_000 }, (_, index) => named(`f${index}`));
  expect(Object.keys(inOrder(many, 'fields'))).toHaveLength(3_000);
  expect(() => inOrder([...many, named('f2999')], 'fields')).toThrow(
    "fields[3000].name: there is a 'f2999' already",
  );
  expect(() => inOrder([...many, named('7')], 'fields')).toThrow('fields[3000].name: ');
  expect(looks).toBeLessThan(20 * 3_000);
});
