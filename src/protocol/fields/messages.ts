import { asBuffer } from '../../bytes/buffer.ts';
import { allocateShared } from '../../bytes/shared-memory.ts';
import { show } from '../../bytes/show.ts';
import { MessageError } from '../../errors.ts';
import { type Check, checkOptions, integer, oneOf, requireObjectOf } from '../../options.ts';
import type { Codec, Decoded } from '../codec.ts';
import { type Compiled, compile, FAILED } from './engine/compile.ts';
import type { Declaration, Trailing } from './engine/declaration.ts';
import { RunWriter } from './engine/encode-run.ts';
import { TextWriter } from './engine/gathered-texts.ts';
import { type MeasureState, measureByWalking } from './engine/measure.ts';
import { areBounds, boundsError, decodeByWalking } from './engine/read-walk.ts';
import { boundByWalking, encodeByWalking } from './engine/write-walk.ts';
import {
  type AnyField,
  type CheckedMessages,
  type CheckedRoot,
  type CheckedTag,
  type FieldIn,
  type FieldOut,
  type Fields,
  type Filled,
  type Flat,
  type MessageTable,
  message,
  nodeOf,
  type Parameter,
  type StructIn,
  type StructOut,
  type TagMember,
  type UnknownMessage,
} from './field.ts';
import type { AnyNode, Limits } from './kind.ts';
import { trailingBytes } from './kinds/bytes.ts';
import type { Otherwise } from './kinds/cases.ts';
import { messagesNode, unionRoot } from './kinds/messages.ts';
import { hasTrait, link } from './node.ts';

/**
 * The type that decoding gives: of a declared codec's messages, or of a field's value. For messages it is a union that `switch
 * (message.type)` tells apart.
 *
 * @example type ClientMessage = Infer<typeof clientMessages>;
 */
// biome-ignore lint/suspicious/noExplicitAny: any codec
export type Infer<T> = T extends Codec<any, any> ? Decoded<T> : T extends AnyField ? FieldOut<T> : never;

/** A codec made from a declaration. The declaration can be read, walked and printed. */
export interface DeclaredCodec<Out, In = Out> extends Required<Codec<Out, In>> {
  /** As `Codec.decode`, for any bytes. Views of them in the message are always `Buffer`s. */
  decode(bytes: Uint8Array, start?: number, end?: number): Out;
  encode(message: In): Buffer;
  readonly declaration: Declaration;
  /** The names of the messages; empty if the declaration is a single structure. */
  readonly types: readonly string[];
  /**
   * How many bytes the message at `bytes[start]` takes: -n if at least n bytes beyond `bytes[start, end)` are needed, 0 if the
   * bytes are not a message. For `selfDelimiting`. Undefined if a field takes the rest of the frame.
   */
  readonly measure: ((bytes: Buffer, start: number, end: number, cursor: MeasureState) => number) | undefined;
  /** The text of the generated functions; undefined if code generation is forbidden. */
  source(): string | undefined;
}

/** A codec with parameters. */
export interface ParametrizedCodec<Out, In, P extends string> extends DeclaredCodec<Out, In> {
  /**
   * The codec for these values; a parameter that is not named keeps its value. Each combination is compiled once.
   *
   * @throws TypeError for a parameter that is not declared, RangeError for a value that is not a whole number of its range
   *
   * @example responses.with({ version: 5 }).decode(frame);
   */
  with(values: { readonly [K in P]?: number | undefined }): ParametrizedCodec<Out, In, P>;
}

/** A codec. With parameters it also has the method `with` that sets them. */
export type CodecWith<Out, In, P extends string> = [P] extends [never]
  ? DeclaredCodec<Out, In>
  : ParametrizedCodec<Out, In, P>;

/** The whole numbers that a parameter may be. All parameters together may have at most 4,096 combinations. */
export interface ParameterRange {
  default: number;
  min: number;
  max: number;
}

/** What decoding gives, by the names of the messages. */
export type MessagesOut<
  M extends MessageTable,
  H extends Fields,
  T extends Trailing,
  R extends Fields = Record<never, never>,
  O extends Otherwise = 'reject',
> = Flat<
  {
    [K in (keyof M & string) | UnknownOf<O>]: K extends keyof M & string
      ? { type: K } & TagMember<M[K]> &
          StructOut<H & M[K]['fields'] & R> &
          (T extends 'keep' ? { trailing: Buffer } : unknown)
      : UnknownMessage & StructOut<H & R>;
  }[(keyof M & string) | UnknownOf<O>]
>;

/** What encoding takes, by the names of the messages; the field at the path `P` is filled in. */
export type MessagesIn<
  M extends MessageTable,
  H extends Fields,
  T extends Trailing,
  R extends Fields = Record<never, never>,
  O extends Otherwise = 'reject',
  P = never,
> = Flat<
  {
    [K in (keyof M & string) | UnknownOf<O>]: K extends keyof M & string
      ? { type: K } & TagMember<M[K]> &
          StructIn<H & M[K]['fields'] & R, P> &
          (T extends 'keep' ? { trailing?: Uint8Array } : unknown)
      : UnknownMessage<Uint8Array> & StructIn<H & R, P>;
  }[(keyof M & string) | UnknownOf<O>]
>;

/** A key that no message has, for messages whose tag is not declared. */
type UnknownOf<O extends Otherwise> = O extends 'unknown' ? 0 : never;

/** The most that one message may cost, on decode and on encode. Beyond a limit the error is `ERR_MESSAGE_LIMIT`. */
export interface MessageLimits {
  /** Elements of all arrays together. Default 1,000,000. */
  elements?: number;
  /** Elements that take no bytes, together. Default 1,000. */
  empty?: number;
  /** Nested levels of `lazy`. Default 64, or the `maxDepth` of the `lazy` field. */
  depth?: number;
  /** Bytes of all texts together. Default 10,000,000. */
  text?: number;
  /**
   * Bytes that checksums inside a `lazy` field cover, together: in a recursion each level sums the same bytes again. Default: 16
   * times the bytes of the message, plus 1 MiB.
   */
  summed?: number;
}

export interface MessagesOptions<
  H extends Fields,
  T extends Trailing,
  R extends Fields = Fields,
  O extends Otherwise = Otherwise,
  P extends string = string,
> {
  /**
   * What happens to bytes after a complete message inside its frame: they are refused (`ERR_MESSAGE_TRAILING`, the default),
   * ignored, or kept as the message's `trailing`.
   */
  trailing?: T;
  /** Fields before the tag, in every message; each of a fixed size. A tag given as a path is one of them, or a member of one. */
  header?: H;
  /** Fields after each message. A field that takes the rest leaves room for them. */
  trailer?: R;
  /** What happens to any other tag: it is refused (the default), or the message is `{ type: 'unknown', tag, payload }`. */
  otherwise?: O;
  /** Numbers from outside the bytes, read with `parameter('version')`; see `ParametrizedCodec.with`. */
  parameters?: Readonly<Record<P, ParameterRange>>;
  limits?: MessageLimits;
}

/**
 * A codec of messages told apart by a tag.
 *
 *     frame   [header] · tag · fields of that message · [trailing] · [trailer]
 *
 * @param tagField an integer, a varint or an enumeration; or the path of one in the header, `'first.kind'`, which the encoder
 * fills in; or a parameter, if the bytes do not say which message they are
 * @param cases each message's name, tag and fields
 * @throws TypeError or RangeError for a declaration that cannot work: a tag used twice, an unknown reference
 *
 * @example
 * const codec = messages(u8, {
 *   quit: message(0),
 *   move: message(1, { x: i32le, y: i32le }),
 * });
 * codec.encode({ type: 'move', x: 10, y: 20 }); // <Buffer 01 0a 00 00 00 14 00 00 00>
 * codec.decode(Buffer.from([0])); // { type: 'quit' }
 */
export function messages<
  M extends MessageTable,
  H extends Fields = Record<never, never>,
  const T extends Trailing = 'reject',
  R extends Fields = Record<never, never>,
  const O extends Otherwise = 'reject',
  const G extends AnyField | string | Parameter = AnyField,
  P extends string = never,
>(
  tagField: G & CheckedTag<G, H>,
  cases: M & CheckedMessages<M, H, R, P>,
  options: MessagesOptions<H, T, R, O, P> = {},
): CodecWith<MessagesOut<M, H, T, R, O>, MessagesIn<M, H, T, R, O, Filled<G>>, P> {
  checkOptions('messages', options, {
    trailing: oneOf('reject', 'ignore', 'keep'),
    header: () => {},
    trailer: () => {},
    otherwise: oneOf('reject', 'unknown'),
    parameters: () => {},
    limits: () => {},
  });
  const { trailing = 'reject', header = {}, trailer = {}, otherwise } = options;
  requireObjectOf('messages', 'an object of names and messages', cases);
  requireObjectOf('messages: header', 'an object of fields', header);
  requireObjectOf('messages: trailer', 'an object of fields', trailer);
  const kept = trailing === 'keep' ? withTrailing(cases) : cases;
  const root = messagesNode(tagField, kept, header, trailer, otherwise);
  const limits = limitsOf('messages', options.limits);
  return parametrized('messages', { root, trailing, limits }, options.parameters) as never;
}

/**
 * A codec of one structure without a tag.
 *
 * @example const point = codecOf(struct({ x: f32be, y: f32be }));
 */
export function codecOf<F extends AnyField, P extends string = never>(
  field: F & CheckedRoot<F, P>,
  options: {
    trailing?: 'reject' | 'ignore';
    limits?: MessageLimits;
    parameters?: Readonly<Record<P, ParameterRange>>;
  } = {},
): CodecWith<FieldOut<F>, FieldIn<F>, P> {
  if ((options as { trailing?: string } | null)?.trailing === 'keep') {
    throw new TypeError('trailing: a field of its own, bytes(rest), can keep it');
  }
  checkOptions('codecOf', options, {
    trailing: oneOf('reject', 'ignore'),
    limits: () => {},
    parameters: () => {},
  });
  const { trailing = 'reject' } = options;
  const node = nodeOf(field, 'codecOf(field)');
  const root = unionRoot(node) ?? node;
  const limits = limitsOf('codecOf', options.limits);
  return parametrized('codecOf', { root, trailing, limits }, options.parameters) as never;
}

/** The most combinations of parameters: each may be compiled. */
const MOST_COMBINATIONS = 4_096;

/** The codec of a declaration; with parameters, one codec for each combination of values, created on demand. */
function parametrized<Out, In>(
  where: string,
  declaration: Declaration,
  parameters: Readonly<Record<string, ParameterRange>> = {},
): DeclaredCodec<Out, In> {
  checkOptions(where, { parameters }, { parameters: anObject });
  const ranges = new Map(Object.entries(parameters));
  let combinations = 1;
  for (const [name, range] of ranges) {
    const whole = integer(Number.MIN_SAFE_INTEGER);
    checkOptions(`${where}: parameters: ${name}`, range, { default: whole, min: whole, max: whole });
    const { default: usual, min, max } = range;
    for (const [key, value] of Object.entries({ default: usual, min, max })) {
      if (value === undefined) throw new TypeError(`${where}: parameters: ${name}: ${key} is missing`);
    }
    if (!(min <= usual && usual <= max)) {
      throw new RangeError(
        `${where}: parameters: ${name}: expected min <= default <= max, got ${show(range)}`,
      );
    }
    combinations *= max - min + 1;
  }
  if (combinations > MOST_COMBINATIONS) {
    throw new RangeError(
      `${where}: parameters: expected at most ${MOST_COMBINATIONS} combinations of values, got ${combinations}`,
    );
  }
  link(declaration.root, ranges);
  if (ranges.size === 0) return declared(declaration);

  const checks = Object.fromEntries([...ranges].map(([name, { min, max }]) => [name, integer(min, max)]));
  const made = new Map<string, DeclaredCodec<Out, In>>();
  const codecFor = (values: ReadonlyMap<string, number>): DeclaredCodec<Out, In> => {
    const key = [...values.values()].join();
    let codec = made.get(key);
    if (codec === undefined) {
      codec = declared({ ...declaration, parameters: values, parameterRanges: ranges }, (changes) => {
        checkOptions('with', changes, checks);
        const given = Object.entries(changes).filter(([, value]) => value !== undefined);
        // The values in the order of the declaration.
        return codecFor(new Map([...values, ...given]));
      });
      made.set(key, codec);
    }
    return codec;
  };
  return codecFor(new Map([...ranges].map(([name, range]) => [name, range.default])));
}

const anObject: Check = (name, value) => {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name}: expected an object, got ${show(value)}`);
  }
};

function limitsOf(where: string, limits: MessageLimits = {}): Limits {
  checkOptions(`${where}: limits`, limits, {
    elements: integer(0),
    empty: integer(0),
    depth: integer(1, 1000),
    text: integer(0),
    summed: integer(0),
  });
  const { elements = 1_000_000, empty = 1_000, depth, text = 10_000_000, summed } = limits;
  return Object.freeze({ elements, empty, depth, text, summed });
}

function withTrailing(cases: MessageTable): MessageTable {
  const kept = trailingBytes();
  const entries = Object.entries(cases).map(([name, made]) => {
    // The cases are checked where they are declared.
    if (typeof made?.fields !== 'object' || made.fields === null) return [name, made];
    const { tag, fields } = made;
    if (Object.hasOwn(fields, 'trailing'))
      throw new RangeError(`${name}: 'trailing' is the kept bytes' name`);
    return [name, message(tag, { ...fields, trailing: kept })];
  });
  return Object.fromEntries(entries) as MessageTable;
}

/** The names of the messages, if there are several. */
function typesOf(root: AnyNode): readonly string[] {
  const shape = root.kind.shape(root);
  return Object.freeze(shape.is === 'choice' ? shape.cases.map(({ name }) => name) : []);
}

/** The message grew after its bound was computed. */
function overrun(length: number): MessageError {
  const text = `message goes ${length} bytes beyond the room that its codec asked for: it changed while it was read`;
  return new MessageError('ERR_MESSAGE_VALUE', text, { origin: 'local' });
}

/** Whether a number computed from a message's lengths is whole and 0 or more. A Proxy may claim a length of 1.5. */
function isWhole(count: number): boolean {
  return count >>> 0 === count;
}

// Node's own pool for small buffers works the same way; this one does not need the exact size in advance.
const POOL_SIZE = 8192;
let pool: Buffer = Buffer.alloc(0);
let poolUsed = 0;

// The global is a getter, which would double the cost of a short message.
const NodeBuffer = Buffer;

function declared<Out, In>(
  declaration: Declaration,
  change?: (values: object) => DeclaredCodec<Out, In>,
): DeclaredCodec<Out, In> {
  const { root } = declaration;
  const isForeign = hasTrait(root, 'foreign');
  const walking: Compiled = {
    decode: () => FAILED,
    decodeRun: ({ at }) => ({ messages: [], at }),
    marks: () => new Map(),
    encode: () => -1,
    bound: (message) => boundByWalking(declaration, message),
    texts: new TextWriter(),
    source: undefined,
  };
  // Compiled on first use, so that a declaration itself costs nothing.
  let isMade = false;
  let engine: Compiled = {
    ...walking,
    decode: (bytes, start, end) => made().decode(bytes, start, end),
    decodeRun: (run, most) => made().decodeRun(run, most),
    encode: (message, target, at) => made().encode(message, target, at),
    bound: (message) => made().bound(message),
  };
  const made = (): Compiled => {
    if (!isMade) engine = compile(declaration) ?? walking;
    isMade = true;
    return engine;
  };

  const codec: Pick<DeclaredCodec<Out, In>, 'declaration' | 'types' | 'source' | 'decode' | 'encode'> = {
    declaration,
    types: typesOf(root),
    source: () => made().source,
    decode(bytes, start = 0, end = bytes.length) {
      // Bounds of the whole buffer need no check: the check takes a noticeable part of the time for a short message.
      if ((start !== 0 || end !== bytes.length) && !areBounds(bytes, start, end)) {
        throw boundsError(bytes, start, end);
      }
      const buffer = bytes instanceof NodeBuffer ? bytes : asBuffer(bytes);
      const message = engine.decode(buffer, start, end);
      if (message !== FAILED) return message as Out;
      return decodeByWalking(declaration, buffer, start, end, engine.marks()) as Out;
    },
    encode(message) {
      const room = engine.bound(message);
      // A custom field writes into memory that no other message shares.
      if (room > POOL_SIZE / 2 || isForeign) {
        // Not from Node's pool, of which Node 24 hands out up to 32 KiB.
        const target = isForeign ? Buffer.alloc(room) : Buffer.allocUnsafeSlow(room);
        const end = engine.encode(message, target, 0);
        return !isWhole(end) || end > room ? encodeByWalking(declaration, message) : target.subarray(0, end);
      }
      if (room > pool.length - poolUsed) {
        pool = allocateShared(POOL_SIZE);
        poolUsed = 0;
      }
      // A getter of the message may encode another message, and the message may then be longer than was measured. So the rest of
      // the pool is taken until the end is known.
      const target = pool;
      const at = poolUsed;
      poolUsed = target.length;
      const end = engine.encode(message, target, at);
      // More than was measured: the message changed meanwhile. Less memory than before: a getter transferred it away.
      const isOver = end > at + room;
      const isWritten = isWhole(end) && !isOver && end <= target.length;
      if (pool === target && !isOver) poolUsed = isWritten ? end : at + room;
      if (!isWritten) return encodeByWalking(declaration, message);
      return target.subarray(at, end);
    },
  };
  let runs: RunWriter | undefined;
  const fast: Pick<DeclaredCodec<Out, In>, 'bound' | 'encodeInto' | 'encodeRun' | 'decodeRun'> = {
    decodeRun: (run, most) => engine.decodeRun(run, most) as { messages: Out[]; at: number },
    bound: (message) => engine.bound(message),
    encodeInto(message, target, at) {
      const end = engine.encode(message, target, at);
      if (end > target.length) throw overrun(end - target.length);
      if (end >= 0) return end;
      const bytes = encodeByWalking(declaration, message);
      if (bytes.length > target.length - at) throw overrun(at + bytes.length - target.length);
      target.set(bytes, at);
      return at + bytes.length;
    },
    encodeRun(run) {
      runs ??= new RunWriter({
        maxLength: root.facts.size.max,
        bound: (message) => engine.bound(message),
        encode: (message, target, at) => engine.encode(message, target, at),
        // No texts if a field reads or moves bytes: a postponed text is not there yet.
        texts: hasTrait(root, 'reads') ? undefined : made().texts,
      });
      return runs.write(run);
    },
  };
  // Non-enumerable and bound to this object: a codec made by spreading or inheriting may override `encode` or `decode`, and must
  // not inherit these promises.
  const tell = <T>(value: () => T): PropertyDescriptor => {
    let known: T | undefined;
    return {
      get(this: unknown) {
        if (this !== codec) return undefined;
        known ??= value();
        return known;
      },
    };
  };
  return Object.defineProperties(codec, {
    bound: tell(() => fast.bound),
    encodeInto: tell(() => fast.encodeInto),
    encodeRun: tell(() => fast.encodeRun),
    decodeRun: tell(() => fast.decodeRun),
    measure: tell(() => {
      const { takesRest, mayTakeRest } = root.facts.traits;
      if (takesRest || mayTakeRest) return undefined;
      return (bytes: Buffer, start: number, end: number, cursor: MeasureState) =>
        measureByWalking(declaration, bytes, start, end, cursor);
    }),
    detached: tell(() => !hasTrait(root, 'view')),
    maxLength: tell(() => root.facts.size.max),
    ...(change !== undefined && { with: tell(() => change) }),
  }) as DeclaredCodec<Out, In>;
}
