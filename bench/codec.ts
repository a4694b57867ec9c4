/** Decoding and encoding: declared here, by hand, and declared with other packages; nanoseconds a message. */
import { pathToFileURL } from 'node:url';
import * as w from 'wirepipe';
import { clientMessages } from 'wirepipe/drone';
import { benchReal } from './codec-real.ts';
import {
  decodeClientMessage,
  decodeTelemetry,
  encodeClientMessage,
  encodeTelemetry,
  type Telemetry,
} from './handwritten-drone.ts';

// biome-ignore lint/suspicious/noExplicitAny: each package has types of its own
type Any = any;

// Loaded by a computed name, since the types of some packages do not compile under `skipLibCheck: false`.
const load = (name: string): Promise<Any> => import(name);
const { Parser } = await load('binary-parser');
const P = await load('micro-packed');
const { default: protodef } = await load('protodef');
const R = await load('restructure');
const typed = await load('typed-binary');

/** One competitor: its values, converted from ours, and its two functions. */
interface Contender {
  readonly name: string;
  encode?(value: unknown): Uint8Array;
  decode(bytes: Buffer): unknown;
  /** Our message, as this package spells it. */
  spell?(message: never): unknown;
}

const moves = Array.from({ length: 13 }, (_, i) => ({ type: 'move' as const, x: i * 1000, y: -i * 77 }));
const drone = moves.flatMap((move, i) => [
  move,
  { type: 'write' as const, text: `waypoint ${i}` },
  { type: 'changeColor' as const, r: i, g: 255 - i, b: 7 },
  i % 6 === 5 ? { type: 'quit' as const } : { ...move, x: -move.x },
]);

const telemetry: Telemetry[] = Array.from({ length: 32 }, (_, i) => ({
  time: 1_700_000_000 + i / 7,
  latitude: 472_345_678 + i,
  longitude: -85_123_456 - i,
  altitude: 100_000 + i,
  vx: i,
  vy: -i,
  vz: 3 * i,
  roll: i / 4,
  pitch: -i / 8,
  yaw: i,
  battery: 100 - i,
  voltage: 12_000 + i,
  current: -150 * i,
  fix: 3,
  satellites: 11,
  hdop: 90 + i,
  mode: 4,
  armed: i % 2 === 0,
  name: `drone-${i}`,
  cells: Array.from({ length: 6 }, (_, cell) => ({ millivolts: 3700 + cell + i, celsius: cell - 3 })),
}));

const ourTelemetry = w.codecOf(
  w.struct({
    time: w.f64le,
    latitude: w.i32le,
    longitude: w.i32le,
    altitude: w.i32le,
    vx: w.i16le,
    vy: w.i16le,
    vz: w.i16le,
    roll: w.f32le,
    pitch: w.f32le,
    yaw: w.f32le,
    battery: w.u8,
    voltage: w.u16le,
    current: w.i32le,
    fix: w.u8,
    satellites: w.u8,
    hdop: w.u16le,
    mode: w.u8,
    armed: w.bool,
    name: w.utf8(w.u8),
    cells: w.array(w.struct({ millivolts: w.u16le, celsius: w.i8 }), w.u8),
  }),
);

type Plain = Record<string, unknown> & { type: string };
const TAGS: Record<string, number> = { quit: 0, move: 1, write: 2, changeColor: 3 };

function withoutType({ type: _, ...fields }: Plain): Record<string, unknown> {
  return fields;
}

function protodefCompiled(types: Record<string, unknown>): Contender {
  const compiler = new protodef.Compiler.ProtoDefCompiler();
  compiler.addTypesToCompile({ ...types });
  const proto = compiler.compileProtoDefSync();
  return {
    name: 'protodef, compiled',
    decode: (bytes) => proto.parsePacketBuffer('message', bytes).data,
    encode: (value) => proto.createPacketBuffer('message', value),
  };
}

// Its strings end with a NUL; it has none with a length.
function typedBinary(schema: Any): Contender {
  return {
    name: 'typed-binary',
    decode: (bytes) =>
      schema.read(
        new typed.BufferReader(bytes.buffer as ArrayBuffer, {
          byteOffset: bytes.byteOffset,
          endianness: 'little',
        }),
      ),
    encode: (value) => {
      const target = Buffer.allocUnsafe(schema.measure(value).size);
      schema.write(
        new typed.BufferWriter(target.buffer as ArrayBuffer, {
          byteOffset: target.byteOffset,
          endianness: 'little',
        }),
        value,
      );
      return target;
    },
  };
}

const packedText = P.string(P.U8);
const packedDrone = P.mappedTag(P.U8, {
  quit: [0, P.struct({})],
  move: [1, P.struct({ x: P.I32LE, y: P.I32LE })],
  write: [2, P.struct({ text: packedText })],
  changeColor: [3, P.struct({ r: P.U8, g: P.U8, b: P.U8 })],
});
const packedTelemetry = P.struct({
  ...{ time: P.F64LE, latitude: P.I32LE, longitude: P.I32LE, altitude: P.I32LE },
  ...{ vx: P.I16LE, vy: P.I16LE, vz: P.I16LE, roll: P.F32LE, pitch: P.F32LE, yaw: P.F32LE },
  ...{ battery: P.U8, voltage: P.U16LE, current: P.I32LE, fix: P.U8, satellites: P.U8 },
  ...{ hdop: P.U16LE, mode: P.U8, armed: P.bool, name: packedText },
  cells: P.array(P.U8, P.struct({ millivolts: P.U16LE, celsius: P.I8 })),
});

const typedDrone = typed.genericEnum(
  {},
  {
    0: typed.object({}),
    1: typed.object({ x: typed.i32, y: typed.i32 }),
    2: typed.object({ text: typed.string }),
    3: typed.object({ r: typed.u8, g: typed.u8, b: typed.u8 }),
  },
);
// It has no 64-bit float, so the time is a 32-bit float.
const typedTelemetry = typed.object({
  ...{ time: typed.f32, latitude: typed.i32, longitude: typed.i32, altitude: typed.i32 },
  ...{ vx: typed.i16, vy: typed.i16, vz: typed.i16, roll: typed.f32, pitch: typed.f32, yaw: typed.f32 },
  ...{ battery: typed.u8, voltage: typed.u16, current: typed.i32, fix: typed.u8, satellites: typed.u8 },
  ...{ hdop: typed.u16, mode: typed.u8, armed: typed.bool, name: typed.string },
  cells: typed.dynamicArrayOf(typed.object({ millivolts: typed.u16, celsius: typed.i8 })),
});

const container = (fields: Record<string, unknown>) => [
  'container',
  Object.entries(fields).map(([name, type]) => ({ name, type })),
];
const protoText = ['pstring', { countType: 'u8' }];
const protoDrone = container({
  type: ['mapper', { type: 'u8', mappings: { 0: 'quit', 1: 'move', 2: 'write', 3: 'changeColor' } }],
  fields: [
    'switch',
    {
      compareTo: 'type',
      fields: {
        quit: 'void',
        move: container({ x: 'li32', y: 'li32' }),
        write: container({ text: protoText }),
        changeColor: container({ r: 'u8', g: 'u8', b: 'u8' }),
      },
    },
  ],
});
const protoTelemetry = container({
  ...{
    time: 'lf64',
    latitude: 'li32',
    longitude: 'li32',
    altitude: 'li32',
    vx: 'li16',
    vy: 'li16',
    vz: 'li16',
  },
  ...{ roll: 'lf32', pitch: 'lf32', yaw: 'lf32', battery: 'u8', voltage: 'lu16', current: 'li32', fix: 'u8' },
  ...{ satellites: 'u8', hdop: 'lu16', mode: 'u8', armed: 'bool', name: protoText },
  cells: ['array', { countType: 'u8', type: container({ millivolts: 'lu16', celsius: 'i8' }) }],
});

const text = (parser: Any, name: string) =>
  parser.uint8(`${name}Length`).string(name, { length: `${name}Length`, encoding: 'utf8' });
const parserDrone = new Parser().uint8('type').choice({
  tag: 'type',
  choices: {
    0: new Parser(),
    1: new Parser().int32le('x').int32le('y'),
    2: text(new Parser(), 'text'),
    3: new Parser().uint8('r').uint8('g').uint8('b'),
  },
});
const parserTelemetry = text(
  new Parser()
    .doublele('time')
    .int32le('latitude')
    .int32le('longitude')
    .int32le('altitude')
    .int16le('vx')
    .int16le('vy')
    .int16le('vz')
    .floatle('roll')
    .floatle('pitch')
    .floatle('yaw')
    .uint8('battery')
    .uint16le('voltage')
    .int32le('current')
    .uint8('fix')
    .uint8('satellites')
    .uint16le('hdop')
    .uint8('mode')
    .uint8('armed'),
  'name',
)
  .uint8('cellCount')
  .array('cells', { length: 'cellCount', type: new Parser().uint16le('millivolts').int8('celsius') });

const structured = (schema: Any): Contender => ({
  name: 'restructure',
  decode: (bytes) => schema.fromBuffer(bytes),
  encode: (value) => schema.toBuffer(value),
});
const structuredText = new R.String(R.uint8, 'utf8');
const structuredDrone = new R.VersionedStruct(R.uint8, {
  0: {},
  1: { x: R.int32le, y: R.int32le },
  2: { text: structuredText },
  3: { r: R.uint8, g: R.uint8, b: R.uint8 },
});
const structuredTelemetry = new R.Struct({
  ...{ time: R.doublele, latitude: R.int32le, longitude: R.int32le, altitude: R.int32le },
  ...{ vx: R.int16le, vy: R.int16le, vz: R.int16le, roll: R.floatle, pitch: R.floatle, yaw: R.floatle },
  ...{ battery: R.uint8, voltage: R.uint16le, current: R.int32le, fix: R.uint8, satellites: R.uint8 },
  ...{ hdop: R.uint16le, mode: R.uint8, armed: new R.Boolean(R.uint8), name: structuredText },
  cells: new R.Array(new R.Struct({ millivolts: R.uint16le, celsius: R.int8 }), R.uint8),
});

const droneContenders: Contender[] = [
  { name: 'wirepipe', decode: clientMessages.decode, encode: clientMessages.encode as Any },
  { name: 'by hand', decode: decodeClientMessage, encode: encodeClientMessage as Any },
  {
    name: 'micro-packed',
    decode: (bytes) => packedDrone.decode(bytes),
    encode: (value) => packedDrone.encode(value),
    spell: (message: Plain) => ({ TAG: message.type, data: withoutType(message) }),
  },
  {
    ...typedBinary(typedDrone),
    spell: (message: Plain) => ({ ...message, type: TAGS[message.type] }),
  },
  {
    ...protodefCompiled({ message: protoDrone }),
    spell: (message: Plain) => ({ type: message.type, fields: withoutType(message) }),
  },
  { name: 'binary-parser', decode: (bytes) => parserDrone.parse(bytes) },
  {
    ...structured(structuredDrone),
    spell: (message: Plain) => ({ ...withoutType(message), version: TAGS[message.type] }),
  },
];

const telemetryContenders: Contender[] = [
  { name: 'wirepipe', decode: ourTelemetry.decode, encode: ourTelemetry.encode as Any },
  { name: 'by hand', decode: decodeTelemetry, encode: encodeTelemetry as Any },
  {
    name: 'micro-packed',
    decode: (bytes) => packedTelemetry.decode(bytes),
    encode: (value) => packedTelemetry.encode(value),
  },
  typedBinary(typedTelemetry),
  protodefCompiled({ message: protoTelemetry }),
  { name: 'binary-parser', decode: (bytes) => parserTelemetry.parse(bytes) },
  structured(structuredTelemetry),
];

const ROUNDS = 15;
const MESSAGES_A_ROUND = 12_000;

/** Medians over interleaved rounds, as a table in Markdown; ratios are to the code written by hand. */
export async function benchCodec(): Promise<string> {
  const tables = [
    table('the drone’s client messages', measure(droneContenders, drone)),
    table('telemetry: 20 fields and an array of 6 structures', measure(telemetryContenders, telemetry)),
    await benchReal(),
  ];
  return tables.join('\n\n');
}

interface Row {
  readonly name: string;
  readonly decode: number;
  readonly encode: number | undefined;
}

function measure(contenders: readonly Contender[], values: readonly unknown[]): Row[] {
  const byHand = contenders.find((one) => one.name === 'by hand')!;
  const tasks = contenders.map((one) => {
    const own = values.map((value) => one.spell?.(value as never) ?? value);
    const frames = own.map((value, i) =>
      Buffer.from((one.encode ?? byHand.encode!)(one.encode ? value : values[i])),
    );
    const { decode, encode } = one;
    return {
      name: one.name,
      decode: loop(frames, decode as (value: never) => unknown),
      encode: encode && loop(own, encode as (value: never) => unknown),
      decodeTimes: [] as number[],
      encodeTimes: [] as number[],
    };
  });
  for (let round = 0; round < ROUNDS + 3; round++) {
    for (const task of tasks) {
      const [decoding, encoding] = [task.decode(), task.encode?.()];
      if (round < 3) continue;
      task.decodeTimes.push(decoding);
      if (encoding !== undefined) task.encodeTimes.push(encoding);
    }
  }
  return tasks.map(({ name, decodeTimes, encodeTimes }) => ({
    name,
    decode: median(decodeTimes),
    encode: encodeTimes.length > 0 ? median(encodeTimes) : undefined,
  }));
}

// A loop of its own for each function, so that none is measured with another's types: made from text, as one
// closure would be shared.
function loop(values: readonly unknown[], run: (value: never) => unknown): () => number {
  const make = new Function(
    'values',
    'run',
    'times',
    `let kept; return () => {
      const start = process.hrtime.bigint();
      for (let i = 0; i < times; i++) for (let j = 0; j < values.length; j++) kept = run(values[j]);
      return kept === run ? 0 : Number(process.hrtime.bigint() - start) / (times * values.length);
    }`,
  );
  return make(values, run, Math.ceil(MESSAGES_A_ROUND / values.length));
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

function table(title: string, rows: readonly Row[]): string {
  const byHand = rows.find((row) => row.name === 'by hand')!;
  const cell = (own: number | undefined, hand: number | undefined) =>
    own === undefined || hand === undefined ? '–' : `${own.toFixed(0)} ns (${(hand / own).toFixed(2)}×)`;
  return [
    `### codec: ${title}`,
    '',
    '| | decode, speed to code by hand | encode |',
    '| --- | --- | --- |',
    ...rows.map(
      (row) => `| ${row.name} | ${cell(row.decode, byHand.decode)} | ${cell(row.encode, byHand.encode)} |`,
    ),
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await benchCodec());
