import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as captures from '../src/captures/index.ts';
import * as droneEntry from '../src/drone/index.ts';
import * as fleetEntry from '../src/fleet/index.ts';
import * as fuzzEntry from '../src/fuzz/index.ts';
import { FrameDecoder, fixedLength, lengthPrefix } from '../src/index.ts';
import * as arbitraryEntry from '../src/testing/arbitrary.ts';
import * as testing from '../src/testing/index.ts';
import * as tools from '../src/tools/index.ts';
import { distinct, Fresh, rawErrorOf, TheirError, wrong } from './support/nonsense.ts';

// Every function and class of the entry points beside the main one, and the methods of what they return, given nonsense in each place.

const { drone } = droneEntry;
const parts = { ...drone };
// What the package made is replaced as a whole.
const document = tools.toJSON(drone);
for (const part of [...Object.values(parts), ...Object.values(document)]) Object.freeze(part);
const bytes = Buffer.from('0300000002 0158'.replaceAll(' ', ''), 'hex');
const of = { time: 0, connection: 0 };
const data = { ...of, event: 'data' as const, from: 'client' as const, bytes };
const events = [data];
/** An event of each kind. */
const EVENTS = [
  data,
  { ...of, event: 'open', client: '10.0.0.1:80', server: '[::1]:80' },
  { ...of, event: 'gap', from: 'server', length: 3 },
  { ...of, event: 'conflict', from: 'server', offset: 0, length: 3 },
  { ...of, event: 'end', from: 'client' },
  { ...of, event: 'state', state: 'open' },
  { ...of, event: 'error', code: 'E', message: 'm' },
  { ...of, event: 'close' },
  { event: 'datagram', time: 0, source: '10.0.0.1:80', target: '10.0.0.2:80', bytes },
].map((event) => [event]);
const header = { protocol: 'drone', start: '2026-11-25T18:00:00Z', by: 'wirepipe' };
const flows = { patience: 3, maxHeld: 3, history: 3, maxConnections: 3 };
const vectors = [
  {
    ...{ name: 'one', bytes: Buffer.from('a'), frames: [Buffer.from('a')], error: undefined, discarded: [] },
    ...{ unterminated: false, canonical: true, decodeOnly: false },
  },
];
const faults = [
  { do: 'split', from: 'client', on: 'move', nth: 1, first: 2, length: 1, ms: 1, at: 0, field: 'x' },
];
const connect = async (): Promise<never> => {
  throw new TheirError('no server');
};
const judging = { connect, refusal: 'close', exact: false, unasked: false, timeout: 20, quiet: 2, gap: 1 };
const stream = new Fresh(() => {
  const { client, server } = testing.wire();
  server.on('error', () => {}).resume();
  return client;
});
const chunks = [bytes];

let folder = '';
const before = process.cwd();
const unhandled: unknown[] = [];
const keep = (error: unknown): void => void unhandled.push(error);

beforeAll(() => {
  // Some nonsense is a name of a file.
  folder = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-'));
  process.chdir(folder);
  writeFileSync('capture.ndjson', captures.headerLine(header) + captures.eventLine(data));
  process.on('unhandledRejection', keep);
  process.on('uncaughtException', keep);
});

afterEach(() => {
  expect(unhandled.splice(0)).toEqual([]);
});

afterAll(() => {
  process.off('unhandledRejection', keep);
  process.off('uncaughtException', keep);
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: any of them
type Any = any;

/** A call, and lists of arguments that it accepts. */
type Subject = readonly [call: (...args: Any[]) => unknown, ...lists: (readonly unknown[])[]];

interface Entry {
  readonly api: object;
  /** Of each exported function and class: arguments that it accepts. */
  readonly accepted: Readonly<Record<string, readonly (readonly unknown[])[]>>;
  /** What is made by others, and values that are no functions. */
  readonly exempt: readonly string[];
  /** The methods of what they return. */
  readonly methods: Readonly<Record<string, Subject>>;
}

/** Write to a stream, and wait for what comes of it. */
function written(made: Writable, item: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    made.on('error', reject);
    made.write(item, () => made.end(resolve));
  });
}

const ENTRIES: Readonly<Record<string, Entry>> = {
  captures: {
    api: captures,
    accepted: {
      eventLine: EVENTS,
      headerLine: [[header]],
      CaptureMessages: [[parts, { maxConnections: 3 }]],
      decodeCapture: [[events, parts, { maxConnections: 3 }]],
      eventReader: [[flows]],
      endpointText: [[{ address: '::1', port: 1 }]],
      Flows: [[{ stream: () => ({}), datagram: () => {} }, flows]],
      followYaml: [[]],
      gathered: [[{ data: () => {}, gap: () => {} }, 32]],
      hexDump: [[{ from: 'client' }]],
      toHexDump: [[bytes, 0]],
      lineLog: [[/(?<data>.*)/, { client: ['>'], from: 'client', data: 'hex' }]],
      parseLines: [[['aa\n'], captures.hexDump()]],
      packetReader: [[]],
      PcapngWriter: [
        [header, { comment: () => 'c' }],
        [header, { protocol: parts }],
      ],
      captureEvents: [[chunks, flows]],
      readCapture: [['capture.ndjson', flows]],
      fileChunks: [['capture.ndjson']],
      readChunks: [['capture.ndjson', () => {}]],
      readChunksSync: [['capture.ndjson', () => {}]],
      unpackedChunks: [[chunks]],
      recordTo: [
        ['recorded.ndjson', { redact: ['write.text'], maxPending: 9 }],
        ['recorded.gz', { redact: ['write.text'], maxPending: 9 }],
      ],
      recut: [
        [events, { how: 'random', length: 1, seed: 1 }],
        [EVENTS.flat(), { how: 'every' }],
      ],
      socatLog: [[]],
      Tap: [['bytes', () => {}, { lingerTimeout: 5 }]],
      toTestVectors: [[events, parts]],
      CaptureEncoder: [[header]],
      writeCapture: [['written.ndjson', header]],
      writePcapng: [['written.pcapng', header, { comment: () => 'c' }]],
    },
    exempt: [],
    methods: {
      'CaptureMessages.event': [(event) => new captures.CaptureMessages(drone).event(event), ...EVENTS],
      'eventReader().push': [(chunk) => captures.eventReader().push(chunk), [bytes]],
      'packetReader().push': [(chunk) => captures.packetReader().push(chunk), [bytes]],
      'Flows.packet': [
        (packet) => new captures.Flows({ stream: () => ({}) }).packet(packet),
        [
          {
            ...{ bytes: Buffer.alloc(60, 0x45), start: 0, end: 60, originalLength: 60 },
            ...{ linkType: 101, interfaceId: 0, seconds: 0, nanoseconds: 0 },
          },
        ],
      ],
      'Flows with a handler of nonsense': [
        (handler) => {
          const flows = new captures.Flows(handler);
          const bytes = Buffer.from(
            `45000028000040004006000001020304050607080001000200000001${'0'.repeat(24)}`,
            'hex',
          );
          const packet = { bytes, start: 0, end: 40, originalLength: 40 };
          flows.packet({ ...packet, linkType: 101, interfaceId: 0, seconds: 0, nanoseconds: 0 });
          flows.finish();
        },
        [{ stream: () => ({}) }],
      ],
      'followYaml().line': [(text) => captures.followYaml().line(text), ['peers:']],
      'hexDump().line': [(text) => captures.hexDump().line(text), ['aa']],
      'socatLog().line': [(text) => captures.socatLog().line(text), ['aa']],
      'lineLog().line': [(text) => captures.lineLog(/(?<data>.*)/).line(text), ['aa']],
      'PcapngWriter.event': [(event) => new captures.PcapngWriter().event(event), ...EVENTS],
      'recordTo().open': [
        async (...args) => {
          const recorder = captures.recordTo(...(args.slice(1) as [Any]));
          try {
            recorder.open(args[0])?.data('client', bytes);
          } finally {
            await recorder.close();
          }
        },
        [{ protocol: parts, client: 'a', server: 'b' }, 'recorded.ndjson', { redact: ['write.text'] }],
      ],
      'recordTo().open().data': [
        async (...args) => {
          const recorder = captures.recordTo('recorded.ndjson');
          try {
            recorder.open({ protocol: drone, client: 'a', server: 'b' })?.data(...(args as [Any, Any]));
          } finally {
            await recorder.close();
          }
        },
        ['client', bytes],
      ],
      'new CaptureEncoder().write': [
        async (event) => {
          const made = new captures.CaptureEncoder();
          made.resume();
          await written(made, event);
        },
        ...EVENTS,
      ],
      'writeCapture().write': [
        (...args) => written(captures.writeCapture(...(args.slice(1) as [Any])), args[0]),
        [data, 'written.ndjson', header],
        [data, 'written.gz', header],
      ],
      'writePcapng().write': [
        (...args) => written(captures.writePcapng(...(args.slice(1) as [Any])), args[0]),
        [data, 'written.pcapng', header],
      ],
      'new Tap().write': [
        (matter, item) => {
          const tap = new captures.Tap(matter, () => {});
          tap.resume();
          return written(tap, item);
        },
        ['bytes', bytes],
        ['messages', {}],
      ],
    },
  },
  drone: {
    api: droneEntry,
    accepted: {
      droneProtocol: [
        [{ token: 't', authAttempts: 2, handshakeTimeout: 5, idleTimeout: 5, onCommand: () => {} }],
      ],
      droneSession: [
        [{ token: 't', authAttempts: 2, handshakeTimeout: 5, idleTimeout: 5, onCommand: () => {} }],
      ],
      SimulatedDrone: [[]],
    },
    exempt: ['clientMessages', 'serverMessages', 'drone', 'session'],
    methods: {
      'SimulatedDrone.obey': [
        (command) => new droneEntry.SimulatedDrone().obey(command),
        [{ type: 'move', x: 1, y: 2 }],
        [{ type: 'changeColor', r: 1, g: 2, b: 3 }],
      ],
    },
  },
  fleet: {
    api: fleetEntry,
    accepted: {
      fleet: [
        [
          {
            ...{ nats: {}, identify: () => 'd', replies: {}, maxQueued: 1, commandId: () => ({}) },
            ...{ telemetry: ['a'], maxTelemetryBytes: 1, heartbeat: 5, verify: 5, quarantine: 5 },
            ...{ name: 'f', replicas: 1 },
          },
        ],
      ],
      Gateway: [[{ nats: {}, identify: () => 'd' }]],
      connectFleet: [
        [parts, { nats: new Fresh(() => ({ servers: '127.0.0.1:1', timeout: 50 })), name: 'f', replicas: 1 }],
      ],
    },
    // Made by `connectFleet` and by its fleet.
    exempt: ['Fleet', 'Presence', 'TelemetryStream'],
    methods: {
      'Gateway.request': [
        (...args) =>
          new fleetEntry.Gateway({ nats: {} as never, identify: () => 'd' }).request(...(args as [Any, Any])),
        ['d', {}, { timeout: 5 }],
      ],
    },
  },
  fuzz: {
    api: fuzzEntry,
    accepted: {
      failingTest: [
        [
          {
            ...{ title: 't', capture: 'c', module: 'm', name: 'n', place: { host: 'h', port: 1 } },
            ...{ tls: false, judging: { gap: 1 } },
          },
        ],
        [{ title: 't', capture: 'c', module: 'm', name: 'n', place: { path: 'p' } }],
      ],
      fuzz: [
        [
          parts,
          {
            ...judging,
            ...{ seed: 1, seconds: 0.001, attacks: 1, kinds: ['near'] as never, values: { move: {} } },
            ...{ messages: () => ({ type: 'quit' }), memory: 1, flood: 1, failures: 1, shrinkTime: 1 },
            ...{ onFailure: () => {}, onAttack: () => {} },
          },
        ],
      ],
      fuzzInProcess: [
        [
          'data:text/javascript,',
          new Fresh(() => ({ seconds: 0.001, runs: 1, seed: 1, maxLength: 1, failures: 1, timeout: 50 })),
        ],
      ],
      replayAttack: [[events, parts, judging]],
    },
    exempt: ['ATTACK_KINDS'],
    methods: {},
  },
  testing: {
    api: testing,
    accepted: {
      chunkings: [[bytes, { random: 2, seed: 1 }]],
      expectCapture: [['capture.ndjson', parts, { golden: 'golden', update: true }]],
      FaultPlan: [[parts, faults]],
      recuts: [[events, { random: 2, seed: 1 }]],
      replay: [
        [
          ...[events, parts, 'client', stream],
          {
            ...{ connection: 0, bind: [['a.b'], 'a.c'], speed: 1, how: 'random', length: 1, seed: 1 },
            timeout: 5,
          },
        ],
      ],
      replaySession: [[events, parts, { connection: 0 }]],
      ScriptedPeer: [[parts, 'client', stream, { faults: new testing.FaultPlan(drone, []), timeout: 5 }]],
      scriptedPeer: [[parts, 'client', stream, { faults: new testing.FaultPlan(drone, []), timeout: 5 }]],
      shrinkCapture: [[events, () => true, parts]],
      verifyDecoder: [[() => new FrameDecoder(fixedLength(1)), vectors, { seed: 1 }]],
      verifyFraming: [
        [fixedLength(1), [{ bytes: Buffer.alloc(0), frames: [] }], { seed: 1, truncation: 'error' }],
      ],
      verifyReader: [[fixedLength(1), vectors, { seed: 1, truncation: 'error' }]],
      verifyWriter: [[fixedLength(1), vectors]],
      wire: [[new testing.FaultPlan(drone, [])]],
    },
    exempt: ['consumers', 'CaptureMismatch', 'ScriptMismatch'],
    methods: {
      ...Object.fromEntries(
        Object.entries(testing.consumers).map(([name, consumer]): [string, Subject] => [
          `consumers["${name}"]`,
          [consumer, [chunks, new Fresh(() => new FrameDecoder(lengthPrefix()))]],
        ]),
      ),
      'FaultPlan.direction': [
        (...args) => new testing.FaultPlan(drone, faults as never).direction(...(args as [Any])).chunk(bytes),
        ['client', () => {}],
      ],
      'wire().client.write': [
        (item) => {
          const { client, server } = testing.wire();
          server.resume();
          return written(client, item);
        },
        [bytes],
      ],
      'ScriptedPeer.expect': [(wanted) => peer(5).expect(wanted), [{ type: 'ok', text: 'a' }]],
      'ScriptedPeer.send': [(message) => peer(5).send(message), [{ type: 'move', x: 1, y: 2 }]],
      'ScriptedPeer.play': [
        (script) => peer(5).play(script),
        [[{ expect: { type: 'ok' } }, { send: { type: 'quit' } }, { do: 'end' }]],
        [[{ send: { type: 'quit' } }]],
        [[{ do: 'end' }]],
      ],
    },
  },
  'testing/arbitrary': {
    api: arbitraryEntry,
    accepted: {
      arbitraryMessage: [[drone.clientMessages, { custom: {} }]],
      arbitraryNearMiss: [[drone.clientMessages, { custom: {} }]],
      arbitraryFrame: [[drone.clientMessages, { custom: {} }]],
    },
    exempt: [],
    methods: {},
  },
  tools: {
    api: tools,
    accepted: {
      compareProtocols: [[parts, Object.freeze({ ...document }), { examples: () => [] }]],
      toDissector: [[parts, { port: 1, name: 'n' }]],
      wireDocs: [
        [
          parts,
          {
            ...{ format: 'html', rfc: false },
            examples: { client: [{ type: 'quit' }], server: [{ type: 'ok', text: 'a' }] },
          },
        ],
      ],
      fromJSON: [[{ ...document }, { functions: { ...tools.functionsOf(drone) }, missing: 'stand in' }]],
      functionsOf: [[parts, { functions: { a: () => {} } }]],
      toJSON: [[parts, { functions: { a: () => {} } }]],
      toKsy: [[parts, { from: 'client', frames: true }]],
      parseWhere: [['x = 1']],
    },
    exempt: ['protocolSchema', 'DocumentError', 'WhereError'],
    methods: {
      'parseWhere()': [
        (...args) => tools.parseWhere("x = 1 and y.z ~ 'a' and @a")(...(args as [Any])),
        [{ x: 1, y: { z: 'a' } }, { a: 1 }],
      ],
    },
  },
};

/** A peer of which nothing remains once a message has not come in time. */
function peer(timeout: number): testing.ScriptedPeer<Any, Any> {
  const stream = new PassThrough();
  setTimeout(() => stream.destroy(), 50);
  return testing.scriptedPeer(drone, 'client', stream, { timeout });
}

describe.each(Object.entries(ENTRIES))('wirepipe/%s', (_, { api, accepted, exempt, methods }) => {
  it('has no other functions and classes', () => {
    const known = [...Object.keys(accepted), ...exempt];
    expect(Object.keys(api).filter((name) => !known.includes(name))).toEqual([]);
  });

  const subjects = Object.entries(accepted).map(([name, lists]): [string, Subject] => {
    const made = (api as Any)[name];
    return [name, [(...args) => (/^[A-Z]/.test(name) ? new made(...args) : made(...args)), ...lists]];
  });

  it.each([...subjects, ...Object.entries(methods)])(
    '%s accepts its arguments, or says what is wrong with them',
    async (_name, [call, ...lists]) => {
      const raw: (string | undefined)[] = [];
      const calls = lists.flatMap((list) => [...wrong(list)]);
      for (let at = 0; at < calls.length; at += 64) {
        raw.push(...(await Promise.all(calls.slice(at, at + 64).map((list) => rawErrorOf(call, list)))));
      }
      expect(distinct(raw.filter((one) => one !== undefined))).toEqual([]);
    },
  );
});
