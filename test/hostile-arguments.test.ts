import { expect, it } from 'vitest';
import * as api from '../src/index.ts';
import { constant, lengthPrefix, message, messages, rest, struct, u8, when } from '../src/index.ts';
import { distinct, rawness, wrong } from './support/nonsense.ts';

// Every public function and class that takes arguments, given nonsense in each place.

const codec = messages(u8, { a: message(1) });
const session = api.defineSession({
  receives: codec,
  sends: codec,
  initial: 'open',
  states: { open: { on: { a: () => ({}) } } },
});
const protocol = api.defineProtocol({
  name: 'arguments',
  framing: lengthPrefix(),
  clientMessages: codec,
  serverMessages: codec,
  session,
});
const own = { name: 'one byte', read: () => 0, write: () => {}, size: () => 1, minSize: 1, maxSize: 1 };
const same = { name: 'itself', decode: (value: unknown) => value, encode: (value: unknown) => value };
const address = { address: '192.0.2.1', port: 1 };

/** Arguments that are accepted, of each function and class. */
const ACCEPTED: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  array: [[u8, 3]],
  bits: [[u8, { a: { width: 3, signed: true }, b: 5 }, { first: 'least' }]],
  bounded: [[u8, u8]],
  bytes: [[3, { max: 5 }]],
  checksum: [
    [u8, 'SUM-8', { from: 'a', to: 'b', zeroed: true, append: [1] }],
    [u8, { name: 'own', width: 8, compute: () => 0 }, { after: 'a', to: rest }],
  ],
  constant: [[u8, 5]],
  cstring: [[{ max: 5 }]],
  custom: [[{ ...own, range: { min: 0, max: 3 } }]],
  defaulted: [[u8, 1]],
  decimal: [[2]],
  enumeration: [[u8, { a: 1 }, { unknown: 'keep' }]],
  flags: [[u8, { a: 1 }, { unknown: 'ignore' }]],
  hexadecimal: [[2]],
  lazy: [[() => u8, { maxDepth: 3 }]],
  mapped: [[u8, same]],
  only: [['a', { min: 1 }]],
  optional: [
    [u8, when('a')],
    [u8, rest],
  ],
  padding: [[{ to: 4, from: 'structure' }, { max: 5 }]],
  parameter: [['version']],
  same: [['a'], [u8, 'a']],
  size: [[u8, { add: 1, unit: 2, nullAt: 3 }]],
  sizeOf: [[u8, { from: 'a', to: 'b' }]],
  countOf: [[u8, 'a']],
  struct: [[{ a: u8 }]],
  text: [[3, { encoding: 'latin1', pad: ' ', unit: 'bytes', max: 5 }]],
  union: [[u8, { a: message(1, { x: u8 }) }, { otherwise: 'unknown' }]],
  unless: [['a', 1]],
  until: [[constant(u8, 0)], ['a', 1]],
  utf8: [[3, { max: 5 }]],
  when: [['a', { min: 1, max: 3 }]],
  messages: [
    ['k', { a: message(1, { x: u8 }) }, { trailing: 'keep', header: { k: u8 }, trailer: { t: u8 } }],
  ],
  codecOf: [[struct({ a: u8 }), { trailing: 'ignore', limits: {}, parameters: {} }]],
  trace: [[codec, Buffer.from([1])]],
  crc: [[{ name: 'own', width: 8, polynomial: 7, initial: 0, reflected: false, final: 0 }]],
  checksumByName: [['SUM-8']],
  lengthPrefix: [[{ lengthFieldLength: 2, byteOrder: 'big', lengthAdjustment: 0, maxFrameLength: 9 }]],
  delimiter: [[{ delimiter: ['\n'], start: 'a', maxFrameLength: 9, unterminated: 'emit' }]],
  line: [[{ maxFrameLength: 9 }]],
  fixedLength: [[3]],
  slip: [[{ maxFrameLength: 9 }]],
  cobs: [[{ maxFrameLength: 9 }]],
  stuffed: [[{ flag: 0x7e, escape: 0x7d, maxFrameLength: 9 }]],
  headed: [[{ column: { name: 'content-length' }, maxFrameLength: 9 }]],
  packets: [[{ start: 'a', length: 3, maxFrameLength: 9 }]],
  measured: [[{ measure: () => 1, maxFrameLength: 9 }]],
  selfDelimiting: [[codec, { maxFrameLength: 9 }]],
  byKind: [[{ a: codec }]],
  codecFrom: [[{ decode: () => 1, encode: () => Buffer.alloc(1) }]],
  defineSession: [
    [
      {
        ...{ receives: codec, sends: codec, initial: 'open', ready: 'open' },
        ...{ context: () => 1, dispose: () => {}, farewell: () => {} },
        states: {
          open: { on: {}, next: ['open'], postpone: ['a'], unsolicited: ['a'], deadline: { idle: 5 } },
        },
      },
    ],
  ],
  defineProtocol: [[{ ...protocol, preface: 'hello', replies: {} }]],
  toMermaid: [[session]],
  toMarkdown: [[session]],
  readProxyHeader: [[Buffer.from('PROXY')]],
  writeProxyHeader: [
    [{ version: 2, command: 'proxy', transport: 'tcp4', source: address, destination: address }],
  ],
  lendReads: [[{}]],
  createServer: [[protocol, { maxConnections: 3, idleTimeout: 3, limits: {} }]],
  Conversation: [[protocol]],
  Responder: [[protocol, { lingerTimeout: 5 }]],
  MessageReader: [[lengthPrefix(), codec]],
  FrameDecoder: [[lengthPrefix(), { lingerTimeout: 5 }]],
  FrameEncoder: [[lengthPrefix(), { lingerTimeout: 5 }]],
  LengthPrefixDecoder: [[{ maxFrameLength: 9, lingerTimeout: 5 }]],
  LengthPrefixEncoder: [[{ maxFrameLength: 9, lingerTimeout: 5 }]],
  MessageDecoder: [[codec, { lingerTimeout: 5 }]],
  MessageEncoder: [[codec, { framing: lengthPrefix(), lingerTimeout: 5 }]],
  StateMachine: [[session, { lingerTimeout: 5 }]],
};

/** Functions that take no argument that may be wrong, and values that are not functions. */
const EXEMPT = /^(u|i|f)\d+|Error$|^(bool|rest|varu?int(64)?|sleb128|vlq|json|kinds|checksumNames|message)$/;
/** What `connect` does and makes, and what is extended, have tests of their own; `Workers` would start as many processes as it is told. */
const MADE = ['Client', 'ReconnectingClient', 'Stage', 'FrameStream', 'connect', 'onLeave', 'Workers'];

function call(name: string, list: readonly unknown[]): unknown {
  // biome-ignore lint/suspicious/noExplicitAny: any of them
  const made = (api as any)[name];
  return /^[A-Z]/.test(name) ? new made(...list) : made(...list);
}

it('knows every public function and class', () => {
  const missing = Object.keys(api).filter(
    (name) => !Object.hasOwn(ACCEPTED, name) && !EXEMPT.test(name) && !MADE.includes(name),
  );
  expect(missing).toEqual([]);
});

it.each(Object.entries(ACCEPTED))('%s accepts an argument, or says what is wrong with it', (name, lists) => {
  const raw: string[] = [];
  for (const list of lists) {
    for (const given of wrong(list)) {
      try {
        const made = call(name, given) as { destroy?: () => void } | undefined;
        if (typeof made?.destroy === 'function') made.destroy();
      } catch (error) {
        const text = rawness(error);
        if (text !== undefined) raw.push(text);
      }
    }
  }
  expect(distinct(raw)).toEqual([]);
});

it.each([
  [() => api.connect(protocol, null as never), 'connect: expected an object of options, got null'],
  [async () => new api.Workers(null as never), 'Workers: expected an object of options, got null'],
  [
    async () => api.defineProtocol(null as never),
    'defineProtocol: expected an object with a name, a framing, the messages and a session, got null',
  ],
  [
    async () => api.defineSession({ receives: null, sends: codec } as never),
    'receives: expected a codec, got null',
  ],
  [
    async () => api.defineSession({ receives: codec, sends: codec, initial: 'a' } as never),
    'states: expected an object of names and states, got undefined',
  ],
  [
    async () => api.toMermaid({} as never),
    'toMermaid: expected a session, as defineSession() makes it, got an object',
  ],
  [
    async () => new api.Conversation({} as never),
    'expected a protocol, as defineProtocol() makes it, got an object',
  ],
  [
    async () => new api.MessageReader({} as never, codec),
    'MessageReader: expected a framing, such as lengthPrefix(), got an object',
  ],
  [
    async () => new api.MessageEncoder(codec, { framing: {} } as never),
    'framing: expected a framing, such as lengthPrefix(), got an object',
  ],
  [
    async () => api.trace({} as never, Buffer.alloc(1)),
    'trace: expected a codec that messages() or codecOf() made, got an object',
  ],
  [async () => api.crc(null as never), 'crc: expected an object of parameters, got null'],
  [async () => api.readProxyHeader('PROXY' as never), 'readProxyHeader: expected a Buffer, got "PROXY"'],
  [
    async () => api.writeProxyHeader({ version: 3 } as never),
    'writeProxyHeader: version must be 1 or 2, got 3',
  ],
])('%o: %s', async (make, text) => {
  await expect(make()).rejects.toMatchObject({ message: text });
});
