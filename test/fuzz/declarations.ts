import fc from 'fast-check';
import { type DeclaredCodec, MessageError, trace } from '../../src/index.ts';
import { compile } from '../../src/protocol/fields/engine/compile.ts';
import { encodeByWalking } from '../../src/protocol/fields/engine/write-walk.ts';
import { arbitraryFrame, arbitraryMessage } from '../../src/testing/arbitrary.ts';
import { arbitraryCodec, customValues } from '../protocol/fields/declarations.ts';
import { outcome, same, type Target, target } from './target.ts';

type Codec = DeclaredCodec<unknown>;

const options = { custom: customValues };

/** A codec that the report shows by its declaration. */
function shown(codec: Codec): Codec {
  Object.defineProperty(codec, fc.toStringMethod, { value: () => describe(codec.declaration) });
  return codec;
}

/** A declaration as text: plain data, with its functions and circles left out. */
function describe(declaration: unknown): string {
  const above: unknown[] = [];
  return JSON.stringify(declaration, function (this: unknown, key, value: unknown) {
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (key === 'kind') return (value as { name?: string }).name ?? value;
    // The same again in another order, and what follows from the rest.
    if (key === 'byName' || key === 'facts') return undefined;
    if (typeof value === 'bigint' || typeof value === 'function') return `${typeof value}`;
    if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    if (typeof value !== 'object' || value === null) return value;
    if (above.includes(value)) return '…';
    above.push(value);
    return value;
  });
}

/** The message without the sizes and counts that are derived from others: a count of elements that are not there may be any number. */
function essence(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(essence);
  if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return message;
  const rest = Object.entries(message).filter(([name]) => !/^f\d+n$/.test(name));
  return Object.fromEntries(rest.map(([name, value]) => [name, essence(value)]));
}

const codecAndFrames = arbitraryCodec().chain((codec) =>
  fc.record({
    codec: fc.constant(shown(codec)),
    frames: fc.array(
      fc.oneof(
        arbitraryFrame(codec, options),
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
  }),
);

/** Milliseconds of the processor that bytes may cost: a wide line, for it counts the collection of garbage, too. */
const allowed = (bytes: number): number => 60 + bytes * 0.05;

/** Bytes of the heap that bytes of the wire may cost. */
const allowedHeap = (bytes: number): number => 16_000_000 + bytes * 2_000;

/** Milliseconds of the processor since then: a machine that is busy with other things does not count. */
export function spent(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

/** The call's result; throws where it costs more than its input allows, in each of three tries. */
export function bounded<T>(bytes: number, call: () => T): T {
  let result: T;
  let time = Infinity;
  let heap = Infinity;
  for (let tries = 0; tries < 3; tries++) {
    const before = process.memoryUsage();
    const start = process.cpuUsage();
    result = call();
    time = Math.min(time, spent(start));
    const after = process.memoryUsage();
    heap = Math.min(heap, after.heapUsed + after.external - before.heapUsed - before.external);
    if (time <= allowed(bytes) && heap <= allowedHeap(bytes)) return result;
  }
  throw new Error(`${bytes} bytes cost ${time.toFixed(1)} ms and ${heap} bytes of memory`);
}

export const decoding: Target = target(
  'decoding',
  'Any bytes are a message or a MessageError, the same by the generated code and by the walk, at a cost linear in the bytes; a message that was decoded can be encoded, and decodes to itself.',
  codecAndFrames,
  ({ codec, frames }) => {
    for (const frame of frames) {
      const fast = bounded(frame.length, () => outcome(() => codec.decode(frame)));
      const walked = bounded(frame.length, () => trace(codec, frame));
      const slow = outcome(() => {
        if (walked.error !== undefined) throw walked.error;
        return walked.value;
      });
      same(fast, slow, `decode of ${frame.toString('hex')} beside trace`);
      for (const { start, end } of walked.spans) {
        if (!(start >= 0 && start <= end && end <= frame.length))
          throw new Error(`a span from ${start} to ${end}`);
      }
      // A view in a larger chunk is read as the frame alone is.
      const chunk = Buffer.concat([Buffer.alloc(3, 0xaa), frame, Buffer.alloc(9, 0xbb)]);
      same(
        outcome(() => codec.decode(chunk, 3, 3 + frame.length)),
        fast,
        'within a chunk',
      );
      if (!('value' in fast)) continue;
      const written = Buffer.from(bounded(frame.length, () => codec.encode(fast.value)));
      const back = codec.decode(written);
      same(essence(back), essence(fast.value), `decoded, encoded as ${written.toString('hex')}, decoded`);
      same(Buffer.from(codec.encode(back)), written, 'encoded once more');
    }
  },
);

/** An array that has another length at each look. */
const fickle = (): unknown => {
  let looks = 0;
  return new Proxy([1, 2, 3], {
    get: (held, name) => (name === 'length' ? ++looks * 3 : Reflect.get(held, name)),
  });
};

/** Values that a caller from plain JavaScript may pass, made anew each time. */
const hostile: fc.Arbitrary<() => unknown> = fc.constantFrom<(() => unknown)[]>(
  ...[undefined, null, -1, 1.5, 2 ** 40, Number.NaN, -0, Infinity, 5n, 2n ** 70n, true].map(
    (value) => () => value,
  ),
  ...['', 'x'.repeat(300), '\ud800', 'a\0', '\u001b[2J', 'toString', '__proto__'].map((value) => () => value),
  () => Symbol('a symbol'),
  () => [],
  () => [1, 2, 3],
  () => new Array(5),
  () => ({}),
  () => Object.create(null),
  () => ({ type: 'first' }),
  () => ({ length: 3 }),
  () => ({ length: -1 }),
  () => ({ type: { toString: 1 } }),
  () => ({ toString: 1, valueOf: 1 }),
  () => new Uint8Array(300),
  () => new Float64Array(3),
  () => new DataView(new ArrayBuffer(4)),
  () => new Map([['type', 'first']]),
  () => new Date(Number.NaN),
  () => () => 1,
  () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error('a trap');
        },
        has() {
          throw new Error('a trap');
        },
        ownKeys() {
          throw new Error('a trap');
        },
        getPrototypeOf() {
          throw new Error('a trap');
        },
      },
    ),
  () => {
    const { proxy, revoke } = Proxy.revocable([1, 2], {});
    revoke();
    return proxy;
  },
  () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  },
  () => {
    const circle: unknown[] = [];
    circle.push(circle);
    return circle;
  },
  fickle,
);

/** The message with the value at one place, at any depth, replaced; `getter` puts it behind an accessor that throws. */
function replaced(
  message: unknown,
  pick: number,
  value: () => unknown,
  way: 'value' | 'getter' | 'changing',
): unknown {
  if (typeof message !== 'object' || message === null) return value();
  const copy = structuredClone(message) as Record<string, unknown>;
  let holder = copy;
  for (let left = pick; ; left = Math.floor(left / 7)) {
    const keys = Object.keys(holder);
    if (keys.length === 0) return value();
    const key = keys[left % keys.length]!;
    const inner = holder[key];
    const goesDeeper = typeof inner === 'object' && inner !== null && !(inner instanceof Uint8Array);
    if (goesDeeper && left % 3 !== 0) {
      holder = inner as Record<string, unknown>;
      continue;
    }
    let looks = 0;
    const accessor = {
      get(): unknown {
        if (way === 'getter') throw new Error('a getter that throws');
        return looks++ === 0 ? inner : value();
      },
    };
    const property = way === 'value' ? { value: value(), writable: true } : accessor;
    Object.defineProperty(holder, key, { ...property, enumerable: true, configurable: true });
    return copy;
  }
}

const codecAndMessages = arbitraryCodec().chain((codec) =>
  fc.record({
    codec: fc.constant(shown(codec)),
    messages: fc.array(arbitraryMessage(codec, options), { minLength: 1, maxLength: 3 }),
    pick: fc.nat(),
    value: hostile,
    way: fc.constantFrom('value' as const, 'value' as const, 'getter' as const, 'changing' as const),
  }),
);

export const encoding: Target = target(
  'encoding',
  'Any value is bytes that decode, or a MessageError of origin "local", and one that stays the same while it is read is the same by the generated code and by the walk; what was encoded before, and what is encoded after, is as if it had never been tried.',
  codecAndMessages,
  ({ codec, messages, pick, value, way }) => {
    const before = messages.map((message) => codec.encode(message));
    const copies = before.map((bytes) => Buffer.from(bytes));
    for (const [index, message] of messages.entries()) {
      same(
        copies[index],
        Buffer.from(encodeByWalking(codec.declaration, message)),
        'the walk beside the generated code',
      );
    }
    const wrong = (): unknown => replaced(messages[0], pick, value, way);
    const once = outcome(() => Buffer.from(attempt(() => codec.encode(wrong()))));
    if ('value' in once) {
      const back = outcome(() => codec.decode(once.value));
      if (!('value' in back))
        throw new Error(`encoded ${once.value.toString('hex')}, which is ${back.code} at ${back.path}`);
    }
    const walked = outcome(() => Buffer.from(attempt(() => encodeByWalking(codec.declaration, wrong()))));
    // Where each look shows something else, what the codec measured or refused first is another value to the walk.
    const isChanging = way === 'changing' || value === fickle;
    if (!isChanging) same(once, walked, 'the generated code beside the walk');
    else same(generated(codec, wrong()), bytesOf(walked), 'the generated code by itself beside the walk');
    const after = messages.map((message) => Buffer.from(codec.encode(message)));
    same(after, copies, 'encoded after');
    same(
      before.map((bytes) => Buffer.from(bytes)),
      copies,
      'encoded before',
    );
  },
);

/** Room for any message of the declarations here. */
const room = Buffer.alloc(1 << 20);

/** What the generated code writes by itself, without measuring before or walking after; undefined for what it refuses. */
function generated({ declaration }: Codec, message: unknown): Buffer | undefined {
  const end = compile(declaration)!.encode(message, room, 0);
  return end < 0 ? undefined : Buffer.from(room.subarray(0, end));
}

function bytesOf(written: { value: Buffer } | object): Buffer | undefined {
  return 'value' in written ? written.value : undefined;
}

/** What a call gives; of its errors, those that are no `MessageError` of ours are broken invariants. */
function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof MessageError)) throw new Error(`a raw error: ${error}`, { cause: error });
    if (error.origin !== 'local') throw new Error(`of origin ${error.origin}`, { cause: error });
    // Its text and details must be safe to look at.
    if (error.message.length > 2_000 || /\p{Cc}/u.test(error.message))
      throw new Error('its text is not one line');
    throw error;
  }
}
