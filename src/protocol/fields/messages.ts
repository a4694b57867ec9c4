import { asBuffer } from '../../bytes/buffer.ts';
import { spoilGathered } from '../../bytes/gathered-texts.ts';
import type { Codec, Decoded } from '../codec.ts';
import { type Compiled, compile, FAILED } from './engine/compile.ts';
import { type Declaration, decodeByWalking, type Trailing } from './engine/read-walk.ts';
import { boundByWalking, encodeByWalking } from './engine/write-walk.ts';
import { checkRoot, gathersTexts, isDetached, maxLength, type Node, sizes } from './field-nodes.ts';
import {
  type AnyField,
  bytes,
  type Field,
  type FieldIn,
  type FieldOut,
  type Fields,
  fieldNode,
  type Messages,
  message,
  rest,
  type StructIn,
  type StructOut,
  unionNode,
} from './fields.ts';

export { message };

/** One plain object type in place of an intersection, member by member of a union, so that errors read plainly. */
type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

/**
 * The type of a declared codec's messages, or of a field's value, as decoding gives it. For messages a union that
 * `switch (message.type)` tells apart.
 *
 * @example type ClientMessage = Infer<typeof clientMessages>;
 */
// biome-ignore lint/suspicious/noExplicitAny: any codec
export type Infer<T> = T extends Codec<any, any> ? Decoded<T> : T extends AnyField ? FieldOut<T> : never;

/** A codec that was declared: what it declares can be read, walked, and printed. */
export interface DeclaredCodec<Out, In = Out> extends Required<Codec<Out, In>> {
  /** As `Codec.decode`, of any bytes; views of them in the message are `Buffer`s all the same. */
  decode(bytes: Uint8Array, start?: number, end?: number): Out;
  encode(message: In): Buffer;
  readonly declaration: Declaration;
  /** The names of the messages; empty where there is but one structure. */
  readonly types: readonly string[];
  /** The text of the functions that were generated; undefined where generating code is forbidden. */
  source(): string | undefined;
}

/** What decoding gives, by the messages' names. */
export type MessagesOut<M extends Messages, H extends Fields, T extends Trailing> = Flat<
  {
    [K in keyof M & string]: { type: K } & StructOut<H & M[K]['fields']> &
      (T extends 'keep' ? { trailing: Buffer } : unknown);
  }[keyof M & string]
>;

/** What encoding takes, by the messages' names. */
export type MessagesIn<M extends Messages, H extends Fields, T extends Trailing> = Flat<
  {
    [K in keyof M & string]: { type: K } & StructIn<H & M[K]['fields']> &
      (T extends 'keep' ? { trailing?: Uint8Array } : unknown);
  }[keyof M & string]
>;

export interface MessagesOptions<H extends Fields, T extends Trailing> {
  /**
   * What stands behind a complete message inside its frame: refused (`ERR_MESSAGE_TRAILING`, the default), ignored,
   * or kept as the message's `trailing` bytes.
   */
  trailing?: T;
  /** Fields before the tag, in every message; each of a fixed size. */
  header?: H;
}

/**
 * A codec of messages told apart by a tag.
 *
 *     frame   [header] · tag · fields of that message · [trailing]
 *
 * @param tagField an integer, a varint or an enumeration
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
  M extends Messages,
  H extends Fields = Record<never, never>,
  const T extends Trailing = 'reject',
>(
  tagField: AnyField,
  cases: M,
  options: MessagesOptions<H, T> = {},
): DeclaredCodec<MessagesOut<M, H, T>, MessagesIn<M, H, T>> {
  const trailing = trailingOption(options.trailing);
  const header = options.header ?? {};
  for (const [name, field] of Object.entries(header)) {
    const { min, max } = sizes(fieldNode(field as AnyField, name));
    if (min !== max) throw new RangeError(`${name}: a field before the tag must have a fixed size`);
  }
  const kept = trailing === 'keep' ? withTrailing(cases) : cases;
  return declared({ root: unionNode(tagField, kept, header), trailing });
}

/**
 * A codec of one structure without a tag.
 *
 * @example const point = codecOf(struct({ x: f32be, y: f32be }));
 */
export function codecOf<F extends AnyField>(
  field: F,
  options: { trailing?: 'reject' | 'ignore' } = {},
): DeclaredCodec<FieldOut<F>, FieldIn<F>> {
  const trailing = trailingOption(options.trailing);
  if ((trailing as string) === 'keep')
    throw new TypeError('trailing: a field of its own, bytes(rest), can keep it');
  return declared({ root: fieldNode(field, 'codecOf(field)'), trailing });
}

function trailingOption(trailing: Trailing = 'reject'): Trailing {
  if (!['reject', 'ignore', 'keep'].includes(trailing)) {
    throw new TypeError(`trailing: expected 'reject', 'ignore' or 'keep', got ${String(trailing)}`);
  }
  return trailing;
}

function withTrailing(cases: Messages): Messages {
  const kept = { ...(bytes(rest) as unknown as Node), orEmpty: true } as unknown as Field<Buffer>;
  const entries = Object.entries(cases).map(([name, { tag, fields }]) => {
    if (Object.hasOwn(fields, 'trailing'))
      throw new RangeError(`${name}: 'trailing' is the kept bytes' name`);
    return [name, message(tag, { ...fields, trailing: kept })];
  });
  return Object.fromEntries(entries) as Messages;
}

// Node gives small buffers out of a pool in the same way; this one need not know a message's exact size beforehand.
const POOL_SIZE = 8192;
let pool: Buffer = Buffer.alloc(0);
let poolUsed = 0;

// The global is a getter, which would double the time a short message takes.
const NodeBuffer = Buffer;

function declared<Out, In>(declaration: Declaration): DeclaredCodec<Out, In> {
  const { root } = declaration;
  checkRoot(root);
  const walking: Compiled = {
    decode: () => FAILED,
    encode: () => -1,
    bound: (message) => boundByWalking(declaration, message),
    source: undefined,
  };
  // Compiled on first use, so that a declaration costs nothing.
  let isMade = false;
  let engine: Compiled = {
    decode: (bytes, start, end) => made().decode(bytes, start, end),
    encode: (message, target, at) => made().encode(message, target, at),
    bound: (message) => made().bound(message),
    source: undefined,
  };
  const made = (): Compiled => {
    if (!isMade) engine = compile(declaration) ?? walking;
    isMade = true;
    return engine;
  };

  const codec: Pick<DeclaredCodec<Out, In>, 'declaration' | 'types' | 'source' | 'decode' | 'encode'> = {
    declaration,
    types: Object.freeze(root.kind === 'union' ? [...root.byName.keys()] : []),
    source: () => made().source,
    decode(bytes, start = 0, end = bytes.length) {
      const buffer = bytes instanceof NodeBuffer ? bytes : asBuffer(bytes);
      const message = engine.decode(buffer, start, end);
      return (message === FAILED ? decodeByWalking(declaration, buffer, start, end) : message) as Out;
    },
    encode(message) {
      const room = engine.bound(message);
      if (room > POOL_SIZE / 2) {
        const target = Buffer.allocUnsafe(room);
        const end = engine.encode(message, target, 0);
        return end < 0 ? encodeByWalking(declaration, message) : target.subarray(0, end);
      }
      if (room > pool.length - poolUsed) {
        pool = Buffer.allocUnsafeSlow(POOL_SIZE);
        poolUsed = 0;
      }
      // A custom field may encode in its turn, so the room is taken before.
      const target = pool;
      const at = poolUsed;
      poolUsed = at + room;
      const end = engine.encode(message, target, at);
      if (end < 0) return encodeByWalking(declaration, message);
      if (pool === target && poolUsed === at + room) poolUsed = end;
      return target.subarray(at, end);
    },
  };
  const fast: Pick<DeclaredCodec<Out, In>, 'bound' | 'encodeInto'> = {
    bound: (message) => engine.bound(message),
    encodeInto(message, target, at) {
      const end = engine.encode(message, target, at);
      if (end >= 0) return end;
      const bytes = encodeByWalking(declaration, message);
      // Not refused after all: it has changed while it was read. Texts of it may have been gathered for other places.
      spoilGathered(target);
      target.set(bytes, at);
      return at + bytes.length;
    },
  };
  // Not enumerable, and told of this very codec only: what is spread over it, or inherits from it, may have an `encode` or
  // `decode` of its own, of which none of this is true.
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
    detached: tell(() => isDetached(root)),
    maxLength: tell(() => maxLength(root)),
    gathersTexts: tell(() => gathersTexts(root)),
  }) as DeclaredCodec<Out, In>;
}
