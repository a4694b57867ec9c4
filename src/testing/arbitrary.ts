import fc from 'fast-check';
import { anObject, checkMembers, checkOptions } from '../options.ts';
import type { AnyNode, Bits, Extent, Group, Presence, Range, Shape, Tag } from '../protocol/fields/kind.ts';
import type { DeclaredCodec } from '../protocol/fields/messages.ts';

export interface ArbitraryOptions {
  /** Arbitraries for custom fields, by field name. */
  custom?: Readonly<Record<string, fc.Arbitrary<unknown>>>;
}

/**
 * A fast-check arbitrary of valid messages of a declared codec; boundary values of each field are drawn often. The
 * messages include their derived fields, as decoded messages do.
 *
 * @throws Error, when a value is drawn, if none of 10,000 in a row is a message
 *
 * @example
 * fc.assert(fc.property(arbitraryMessage(codec), (message) => {
 *   assert.deepEqual(codec.decode(Buffer.from(codec.encode(message))), message);
 * }));
 */
export function arbitraryMessage<Out, In>(
  codec: DeclaredCodec<Out, In>,
  options: ArbitraryOptions = {},
): fc.Arbitrary<Out> {
  checkMembers('arbitraryMessage', 'a codec that messages() or codecOf() made', codec, {
    declaration: anObject,
  });
  checkOptions('arbitraryMessage', options, { custom: anObject });
  const { root } = codec.declaration;
  const parameters = codec.declaration.parameters ?? new Map();
  const any = value(root, { fields: new Map(), depth: 0, custom: options.custom ?? {}, parameters });
  // Encoding rejects what a single field cannot (the rules of a custom field, say), and decoding adds derived fields (a
  // checksum).
  return made(
    any,
    (message) => codec.decode(Buffer.from(codec.encode(message as In))),
    'is a message that can be encoded',
  );
}

/**
 * Frames that the codec refuses although they are almost messages: valid frames shortened, lengthened, or with some
 * bytes changed.
 *
 * @throws Error, when a frame is drawn, if the codec refuses none of 10,000 in a row
 */
export function arbitraryNearMiss<Out, In>(
  codec: DeclaredCodec<Out, In>,
  options: ArbitraryOptions = {},
): fc.Arbitrary<Buffer> {
  const refused = (frame: Buffer): Buffer => {
    try {
      codec.decode(frame);
    } catch {
      return frame;
    }
    throw new Error('taken');
  };
  return made(arbitraryFrame(codec, options), refused, 'is a frame that is refused');
}

/** Frames that are either valid or near misses. */
export function arbitraryFrame<Out, In>(
  codec: DeclaredCodec<Out, In>,
  options: ArbitraryOptions = {},
): fc.Arbitrary<Buffer> {
  const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 }));
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), place }),
    fc.record({ kind: fc.constant('set' as const), place, byte }),
    fc.record({ kind: fc.constant('insert' as const), place, byte }),
    fc.record({ kind: fc.constant('append' as const), byte }),
  );
  return fc
    .tuple(arbitraryMessage(codec, options), fc.array(change, { maxLength: 3 }))
    .map(([message, changes]) => {
      let bytes = [...codec.encode(message as unknown as In)];
      for (const one of changes) {
        const at = 'place' in one ? Math.floor(one.place * bytes.length) : bytes.length;
        if (one.kind === 'cut') bytes = bytes.slice(0, at);
        else if (one.kind === 'set') bytes[at] = one.byte;
        else bytes.splice(at, 0, one.byte);
      }
      return Buffer.from(bytes);
    });
}

interface Environment {
  /** The values of earlier fields, by name, including those of enclosing structures. */
  readonly fields: ReadonlyMap<string, unknown>;
  /** Levels of recursion. */
  readonly depth: number;
  readonly custom: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  readonly parameters: ReadonlyMap<string, number>;
}

const MAX_DEPTH = 3;

/** An entry for every shape: a table without one of them does not compile. */
type Table<R> = {
  readonly [S in Shape['is']]: (shape: Extract<Shape, { is: S }>, environment: Environment) => R;
};

const VALUES: Table<fc.Arbitrary<unknown>> = {
  integer(shape) {
    if (shape.truth) return fc.boolean();
    if (shape.bits) {
      const members = shape.bits
        .filter(({ constant }) => constant === undefined)
        .map((one): [string, fc.Arbitrary<unknown>] => [one.name, someBits(one)]);
      return fc.record(Object.fromEntries(members)).map((value) =>
        // Own keys in the order of the declaration, `__proto__` among them.
        Object.fromEntries(members.map(([name]) => [name, value[name]])),
      );
    }
    if (shape.big) return bigints(shape.signed);
    return named(shape, rangeOf(shape));
  },
  varint: (shape) => (shape.big ? bigints(shape.zigzag) : named(shape, rangeOf(shape))),
  digits: (shape) => named(shape, shape.range),
  float: ({ width }) => (width === 4 ? fc.float() : fc.double()),
  bytes: ({ length, max }, environment) =>
    sized(length, max, environment, (size) =>
      fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes)),
    ),
  text({ length, max, form }, environment) {
    if (form !== undefined) return sized(length, max, environment, (size) => encodable(form, size));
    if (length.from !== 'terminator') return sized(length, max, environment, text);
    return lengths(length, max, environment)
      .chain(text)
      .map((one) => one.replaceAll('\0', ' '));
  },
  list({ item, count, max }, environment) {
    const most = environment.depth < MAX_DEPTH ? 4 : 0;
    const some = (length: number) =>
      fc.array(value(item, environment), { minLength: length, maxLength: length });
    if (count.from === 'last')
      return lengths(count, max, environment, 3).chain((n) => ended(some(n + 1), count));
    return sized(count, max, environment, some, most);
  },
  group: ({ members, derived }, environment) => fields(members, derived, environment),
  choice({ tag, cases }, environment) {
    const chosen = said(tag, environment);
    const named = cases.filter((one) => (one.tags ?? [one.tag]).includes(chosen as Tag));
    const left = named.length === 0 ? cases : named;
    return fc.oneof(
      ...left.map(({ name, group, tags }) =>
        fc
          .tuple(fields(group.entries, group.derived, environment), otherTag(tags, chosen))
          .map(([values, head]) => Object.fromEntries([['type', name], ...head, ...Object.entries(values)])),
      ),
    );
  },
  maybe({ item, when }, environment) {
    if (when !== undefined && when !== 'rest')
      return holds(when, environment) ? value(item, environment) : nothing;
    return environment.depth >= MAX_DEPTH ? nothing : fc.oneof(nothing, value(item, environment));
  },
  fixed: () => nothing,
  filling: () => nothing,
  inside({ item, length, made: make, names }, environment) {
    if (names?.closed) return fc.constantFrom(...names.byValue.values());
    if (make !== undefined) return made(value(item, environment), make, 'can be mapped');
    if (length !== undefined) {
      const any = value(item, environment);
      return length.adjusted?.nullAt === undefined ? any : fc.oneof(fc.constant(null), any);
    }
    const inside = { ...environment, fields: new Map(), depth: environment.depth + 1 };
    return fc.constant(undefined).chain(() => value(item, inside));
  },
  sum: () => nothing,
  agreed: () => nothing,
  opaque({ name }, { custom }) {
    const own = custom[name];
    if (own === undefined) throw new TypeError(`options.custom: no values for '${name}'`);
    return own;
  },
};

const nothing: fc.Arbitrary<undefined> = fc.constant(undefined);

function value(node: AnyNode, environment: Environment): fc.Arbitrary<unknown> {
  const shape = node.kind.shape(node);
  return (VALUES[shape.is] as (shape: Shape, environment: Environment) => fc.Arbitrary<unknown>)(
    shape,
    environment,
  );
}

// Fields are drawn in order, since a later field may depend on an earlier one.
function fields(
  members: Group['entries'],
  derived: ReadonlySet<string>,
  environment: Environment,
  index = 0,
  soFar: Record<string, unknown> = {},
): fc.Arbitrary<Record<string, unknown>> {
  const member = members[index];
  if (member === undefined) return fc.constant(soFar);
  const [name, node] = member;
  const isAgreed = node.kind.shape(node).is === 'agreed';
  const any = derived.has(name) && !isAgreed ? derivedValue(members, name, node) : value(node, environment);
  const chosen = agreeing(members, name, any);
  return chosen.chain((one) => {
    const known = new Map(environment.fields).set(name, one);
    // Own keys whatever their names, `__proto__` included.
    const values = node.facts.traits.absent
      ? soFar
      : Object.fromEntries([...Object.entries(soFar), [name, one]]);
    return fields(members, derived, { ...environment, fields: known }, index + 1, values);
  });
}

/** Restricts a field's values to those that later `agrees` fields accept, as far as those list them. */
function agreeing(
  members: Group['entries'],
  name: string,
  values: fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  let agreed = values;
  for (const [, node] of members) {
    const shape = node.kind.shape(node);
    if (shape.is !== 'fixed' || shape.agrees === undefined) continue;
    const { field, is, range } = shape.agrees;
    const [first, member, ...deeper] = field.split('.');
    if (first !== name || deeper.length > 0) continue;
    const span = { min: Math.max(range?.min ?? 0, -(2 ** 31)), max: Math.min(range?.max ?? 0, 2 ** 31) };
    const some = is.length > 0 ? fc.constantFrom<unknown[]>(...is) : integer(span);
    agreed = fc
      .tuple(agreed, some)
      .map(([whole, one]) => (member === undefined ? one : { ...(whole as object), [member]: one }));
  }
  return agreed;
}

/**
 * The tag of a message whose case has several: the chosen one, or any of them. A case for all other tags takes any tag.
 */
function otherTag(
  tags: readonly Tag[] | undefined,
  chosen: unknown,
): fc.Arbitrary<(readonly [string, unknown])[]> {
  if (tags === undefined) return fc.constant([]);
  if (chosen !== undefined) return fc.constant([['tag', chosen] as const]);
  const any = tags.length > 0 ? fc.constantFrom(...tags) : fc.nat(255);
  return any.map((tag) => [['tag', tag] as const]);
}

/** The value of a derived field: a tag if a choice refers to it, else a size. */
function derivedValue(members: Group['entries'], name: string, node: AnyNode): fc.Arbitrary<unknown> {
  const uses = members.flatMap(([, other]) => other.facts.references).filter(({ path }) => path === name);
  const tags = uses.find((one) => one.tags !== undefined)?.tags;
  if (tags !== undefined) return fc.constantFrom<Tag[]>(...(tags as [Tag, ...Tag[]]));
  const { max = 4, big = false } = node.kind.range?.(node) ?? {};
  const any = fc.integer({ min: 0, max: Math.min(4, max) });
  return big ? any.map(BigInt) : any;
}

/** A value of a drawn length, or null if the size can mean "absent". */
function sized(
  extent: Extent,
  max: number,
  environment: Environment,
  make: (length: number) => fc.Arbitrary<unknown>,
  most?: number,
): fc.Arbitrary<unknown> {
  const some = lengths(extent, max, environment, most).chain(make);
  if (extent.adjusted?.nullAt === undefined) return some;
  if (extent.from !== 'path' && extent.from !== 'parameter') return fc.oneof(fc.constant(null), some);
  return toNumber(said(extent, environment)) === extent.adjusted.nullAt ? fc.constant(null) : some;
}

/** A size or count: the value of an earlier field if there is one, else any, mostly small. */
function lengths(extent: Extent, max: number, environment: Environment, most = 300): fc.Arbitrary<number> {
  if (extent.from === 'literal') return fc.constant(extent.value);
  const { add, unit } = extent.adjusted ?? { add: 0, unit: 1 };
  if (extent.from === 'path') {
    // The encoder writes this field: any value will do, as long as all fields that share it agree.
    const raw = toNumber(said(extent, environment));
    return fc.constant(typeof raw === 'number' ? Math.max(0, Math.min(raw, 12) * unit + add) : 0);
  }
  if (extent.from === 'parameter') {
    return fc.constant(Math.max(0, environment.parameters.get(extent.name)! * unit + add));
  }
  const { node } = extent.from === 'prefix' ? extent : { node: undefined };
  const range = node?.kind.range?.(node);
  const upTo = extent.from === 'rest' ? extent.upTo : undefined;
  const limit = Math.max(0, Math.min(max, (range?.max ?? max) * unit + add, most, upTo ?? most));
  // All blocks except the last are full.
  const any = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: Math.min(limit, 12) }) },
    { weight: upTo === undefined ? 1 : 10, arbitrary: fc.constant(limit) },
  );
  // The least length that the number on the wire can express.
  const least = Math.max(
    0,
    add > 0 ? add % unit : ((add % unit) + unit) % unit,
    (range?.min ?? 0) * unit + add,
  );
  return any.map((length) => Math.max(least, length - ((((length - add) % unit) + unit) % unit)));
}

/**
 * Any character except a lone surrogate. fast-check's own `'binary'` first lists all characters, which takes seconds.
 */
const character: fc.Arbitrary<string> = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0x10ffff - 0x800 }))
  .map((number) => String.fromCodePoint(number < 0xd800 ? number : number + 0x800));

/** Text of exactly `size` bytes in UTF-8. */
function text(size: number): fc.Arbitrary<string> {
  return fc.string({ unit: character, maxLength: Math.floor(size / 2) }).map((some) => {
    let kept = '';
    let length = 0;
    for (const character of `\u{feff}${some}`) {
      const width = Buffer.byteLength(character);
      if (length + width > size) break;
      kept += character;
      length += width;
    }
    return kept + 'x'.repeat(size - length);
  });
}

/** Text in an encoding, of exactly `size` bytes or characters; at most `size` if the field is padded. */
function encodable(
  { encoding, unit, pad }: NonNullable<Extract<Shape, { is: 'text' }>['form']>,
  size: number,
): fc.Arbitrary<string> {
  if (encoding === 'utf8' && unit === 'bytes') return text(size);
  const isWide = encoding === 'utf16le' || encoding === 'utf16be';
  const maxLength = isWide && unit === 'bytes' ? Math.floor(size / 2) : size;
  const most = encoding === 'ascii' ? 0x7f : encoding === 'latin1' ? 0xff : 0xd7ff;
  const character = fc.integer({ min: 0, max: most }).map((code) => String.fromCharCode(code));
  return fc.string({ unit: character, minLength: pad === undefined ? maxLength : 0, maxLength });
}

/** The most failures of `make` in a row. */
const MOST_MISSES = 10_000;

/** The results of `make`, without the values for which it throws. Throws if it fails too often in a row. */
function made<T, R>(values: fc.Arbitrary<T>, make: (value: T) => R, what: string): fc.Arbitrary<R> {
  let misses = 0;
  return values
    .map((one) => {
      try {
        const all = { value: make(one) };
        misses = 0;
        return all;
      } catch {
        return undefined;
      }
    })
    .filter((one) => {
      if (one !== undefined) return true;
      if (++misses < MOST_MISSES) return false;
      throw new Error(`none of ${MOST_MISSES} values in a row ${what}`);
    })
    .map((one) => one!.value);
}

/** Lists whose last element, and no other, has the value that ends a list. */
function ended(
  lists: fc.Arbitrary<unknown[]>,
  { path, is }: Extract<Extent, { from: 'last' }>,
): fc.Arbitrary<unknown[]> {
  const [first = '', ...names] = path.split('.');
  return lists.map((list) => {
    const kept = list.slice(0, -1).filter((one) => memberAt(one, [first, ...names]) !== is);
    const last = structuredClone(list.at(-1)) as Record<string, unknown>;
    const holder = memberAt(last, [first, ...names].slice(0, -1)) as Record<string, unknown> | undefined;
    if (holder !== undefined) holder[names.at(-1) ?? first] = is;
    return [...kept, last];
  });
}

function memberAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((found, name) => (found as Record<string, unknown> | undefined)?.[name], value);
}

function someBits({ width, truth, signed }: Bits): fc.Arbitrary<unknown> {
  if (truth) return fc.boolean();
  if (width <= 53) {
    return integer(
      signed ? { min: -(2 ** (width - 1)), max: 2 ** (width - 1) - 1 } : { min: 0, max: 2 ** width - 1 },
    );
  }
  const span = 2n ** BigInt(width);
  const [min, max] = signed ? [-span / 2n, span / 2n - 1n] : [0n, span - 1n];
  return fc.oneof(fc.constantFrom(min, max, 0n), fc.bigInt({ min, max }));
}

/** An integer, or the name that stands for it. */
function named(
  { names }: Extract<Shape, { is: 'integer' | 'varint' | 'digits' }>,
  range: Range,
): fc.Arbitrary<unknown> {
  if (names === undefined) return integer(range);
  const known = fc.constantFrom(...names.byValue.values());
  if (names.closed) return known;
  return fc.oneof(
    known,
    integer(range).filter((raw) => !names.byValue.has(raw)),
  );
}

function rangeOf(shape: Extract<Shape, { is: 'integer' | 'varint' }>): Range {
  if (shape.is === 'varint') {
    if (shape.signed) return { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
    return shape.zigzag ? { min: -(2 ** 52), max: 2 ** 52 - 1 } : { min: 0, max: Number.MAX_SAFE_INTEGER };
  }
  const span = 2 ** (8 * shape.width);
  const max = Math.min((shape.signed ? span / 2 : span) - 1, Number.MAX_SAFE_INTEGER);
  return { min: shape.signed ? Math.max(-span / 2, Number.MIN_SAFE_INTEGER) : 0, max };
}

function bigints(isSigned: boolean): fc.Arbitrary<bigint> {
  const [min, max] = isSigned ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  return fc.oneof(fc.constantFrom(min, max, 0n, 1n), fc.bigInt({ min, max }));
}

function integer({ min, max }: Range): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(min, max, Math.max(min, 0)), fc.integer({ min, max }));
}

function holds({ field, parameter, is, range, not }: Presence, environment: Environment): boolean {
  const found = parameter ? environment.parameters.get(field) : valueAt(field, environment);
  const isNumber = typeof found === 'number' || typeof found === 'bigint';
  const isInside = range !== undefined && isNumber && found >= range.min && found <= range.max;
  return (is.includes(found as never) || isInside) !== (not === true);
}

/** The number given by an earlier field or a parameter; undefined for a prefix, which is drawn with its value. */
function said(extent: Extent, environment: Environment): unknown {
  if (extent.from === 'parameter') return environment.parameters.get(extent.name);
  return extent.from === 'path' ? valueAt(extent.path, environment) : undefined;
}

function toNumber(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

/** The value of an earlier field, or of a member of one. */
function valueAt(path: string, { fields }: Environment): unknown {
  const [first = '', ...members] = path.split('.');
  let found = fields.get(first);
  for (const member of members) found = (found as Record<string, unknown> | undefined)?.[member];
  return found;
}
