import type { Checksum, CrcParameters } from '../../bytes/checksum.ts';
import { type ChecksumName, checksumByName, checksumNames, crc } from '../../bytes/checksum.ts';
import { type AnyField, type MessageTable, message, rest } from '../../protocol/fields/field.ts';
import type { AnyNode, Call, Case, Scalar } from '../../protocol/fields/kind.ts';
import * as makers from '../../protocol/fields/kinds.ts';
import { isNode } from '../../protocol/fields/node.ts';
import { at, DocumentError, inside } from './document-error.ts';
import {
  type AnyPart,
  anyText,
  bound,
  bytes,
  callable,
  flag,
  has,
  list,
  map,
  maybe,
  natural,
  oneOf,
  type Part,
  type Role,
  record,
  reference,
  text,
  type,
  type Values,
  whole,
} from './part.ts';
import { condition, measuring, size, tag, width } from './size.ts';
import { value } from './value.ts';

/** The makers, which check their arguments whatever the type. */
// biome-ignore lint/suspicious/noExplicitAny: what comes of a document has no type
const make = makers as unknown as { readonly [M in Maker]: (...given: any[]) => AnyField };

const ALL: Readonly<Record<Scalar, AnyField>> = makers;

/** The fields that need no maker call, by name. */
export const SCALARS: ReadonlyMap<string, AnyField> = new Map(
  Object.entries(ALL)
    .filter(([, made]) => isNode(made))
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);

type Maker = Exclude<Call['maker'], Scalar | 'messages'>;
/** The call of a maker. */
type CallOf<M extends Maker> = Call extends infer C
  ? C extends { readonly maker: infer N }
    ? M extends N
      ? C
      : never
    : never
  : never;

/** How a maker call is written, member by member, and how the field is made from the members that were read. */
export interface TypeForm {
  readonly parts: Readonly<Record<string, AnyPart>>;
  /** The values of the members, if they differ from the call's. */
  of?(call: Call): object;
  make(values: never, standsIn: boolean): AnyField;
}

function form<M extends Maker>() {
  return <P extends Readonly<Record<string, AnyPart>>>(
    parts: P,
    make: (values: Values<P>, standsIn: boolean) => AnyField,
    of?: (call: CallOf<M>) => object,
  ): TypeForm => ({ parts, make, ...(of && { of: of as unknown as (call: Call) => object }) });
}

/** Named fields, in wire order. */
export const fields: Part<readonly (readonly [string, AnyNode])[], Readonly<Record<string, AnyField>>> = {
  schema: { type: 'array', items: record({ name: anyText, type }).schema },
  toJson: (entries, to) =>
    entries.map(([name, node]) => to.named(name, () => ({ name, type: to.type(node) }))),
  read(json, from, path) {
    const members = list(record({ name: anyText, type })).read(json, from, path);
    return inOrder(
      members.map(({ name, type }) => [name, type]),
      path,
    );
  },
};

/** An object of these entries. Refuses a name that occurs twice, and a name that JavaScript would move to the front. */
export function inOrder<T>(
  entries: readonly (readonly [name: string, value: T])[],
  path: string,
): Record<string, T> {
  const names = new Set<string>();
  for (const [index, [name]] of entries.entries()) {
    if (names.has(name)) {
      throw new DocumentError(inside(inside(path, index), 'name'), `there is a '${name}' already`);
    }
    names.add(name);
  }
  const made = Object.fromEntries(entries);
  Object.keys(made).forEach((name, index) => {
    if (entries[index]![0] === name) return;
    const place = entries.findIndex(([other]) => other === name);
    throw new DocumentError(
      inside(inside(path, place), 'name'),
      `'${name}' does not stand in the place that JavaScript gives it: names of whole numbers come first`,
    );
  });
  return made;
}

const CASES = list(record({ name: anyText, tag: maybe(value), tags: maybe(list(value, 1)), fields }), 1);

/** The cases of a union whose fields have `before` others before them and `behind` others after them. */
export function cases(before = 0, behind = 0): Part<readonly Case[], MessageTable> {
  return {
    schema: CASES.schema,
    toJson: (all, to) =>
      all
        .filter(({ tags }) => tags === undefined || tags.length > 0)
        .map(({ name, tag: one, tags, group: { entries } }) =>
          to.named(name, () => ({
            name,
            ...(tags === undefined ? { tag: value.toJson(one, to) } : { tags: list(value).toJson(tags, to) }),
            fields: fields.toJson(entries.slice(before, entries.length - behind), to),
          })),
        ),
    read(json, from, path) {
      const entries = CASES.read(json, from, path).map(({ name, tag: one, tags, fields: own }, index) => {
        if ((one === undefined) === (tags === undefined)) {
          throw new DocumentError(inside(path, index), 'expected either tag or tags');
        }
        return [name, message((one ?? tags) as number, own)] as const;
      });
      return inOrder(entries, path);
    },
  };
}

const SUM: Role = {
  expected: 'a checksum, { name, width, compute }',
  isOne: (given) => typeof (given as { compute?: unknown } | null)?.compute === 'function',
  standIn: (name) => ({ name, width: 32, compute: () => 0 }),
};

const NAMED_SUM = oneOf<ChecksumName>(...checksumNames);
const OWN_SUM = record({ name: text, bits: natural, by: reference(SUM) });

interface Sum {
  readonly name: string;
  readonly width: number;
  readonly crc?: CrcParameters;
}

/** A CRC outside the catalogue needs no function. */
const OWN_CRC = record({
  crc: record({
    ...{ name: text, width: natural, polynomial: natural, initial: natural, reflected: flag, final: natural },
    reflectedOutput: maybe(flag),
  }),
});

/** A checksum: by its name in the catalogue, or with its own algorithm. */
export const checksum: Part<Sum, Checksum> = {
  schema: { anyOf: [NAMED_SUM.schema, OWN_CRC.schema, OWN_SUM.schema] },
  toJson: (sum, to) =>
    checksumNames.includes(sum.name as ChecksumName) && checksumByName(sum.name as ChecksumName) === sum
      ? sum.name
      : sum.crc !== undefined
        ? OWN_CRC.toJson({ crc: sum.crc } as never, to)
        : OWN_SUM.toJson({ name: sum.name, bits: sum.width, by: sum }, to),
  read(json, from, path) {
    if (typeof json === 'string') {
      return checksumByName(NAMED_SUM.read(json, from, path));
    }
    if (has('crc')(json)) {
      const { reflectedOutput, ...parameters } = OWN_CRC.read(json, from, path).crc;
      return at(path, () =>
        crc({ ...parameters, ...(reflectedOutput !== undefined && { reflectedOutput }) }),
      );
    }
    const { name, bits, by } = OWN_SUM.read(json, from, path);
    const sum = by as Checksum;
    // A stand-in does not know its width.
    if (from.standsIn) return { ...sum, name, width: bits };
    if (sum.name === name && sum.width === bits) return sum;
    throw new DocumentError(
      path,
      `expected a checksum '${name}' of ${bits} bits, got '${sum.name}' of ${sum.width}`,
    );
  },
};

const MAPPING: Role = {
  expected: 'a mapping, { decode, encode }',
  isOne: (given) => ['decode', 'encode'].every((name) => isFunction(given, name)),
  standIn: () => ({ decode: (raw: unknown) => raw, encode: (raw: unknown) => raw }),
};

const CUSTOM: Role = {
  expected: 'a custom field, { read, write, size }',
  isOne: (given) => ['read', 'write', 'size'].every((name) => isFunction(given, name)),
  standIn: (name) => ({ read: absent(name), write: absent(name), size: absent(name) }),
};

function absent(name: string): () => never {
  return callable().standIn(name) as () => never;
}

function isFunction(given: unknown, name: string): boolean {
  return typeof (given as Record<string, unknown> | null | undefined)?.[name] === 'function';
}

const BITS = list(record({ name: text, width: natural, signed: flag, constant: maybe(value) }), 1);

/** The document form of each maker call. A maker that is missing here does not compile. */
export const TYPES: { readonly [M in Maker]: TypeForm } = {
  bytes: form<'bytes'>()({ size, max: natural }, ({ size, max }) => make.bytes(size, { max })),
  utf8: form<'utf8'>()({ size, max: natural }, ({ size, max }) => make.utf8(size, { max })),
  text: form<'text'>()(
    {
      ...{ size, max: natural },
      encoding: oneOf('utf8', 'ascii', 'latin1', 'utf16le', 'utf16be'),
      unit: oneOf('bytes', 'characters'),
      pad: maybe(text),
    },
    ({ size, pad, ...options }) => make.text(size, { ...options, ...(pad !== undefined && { pad }) }),
  ),
  cstring: form<'cstring'>()({ max: natural }, ({ max }) => make.cstring(max)),
  decimal: form<'decimal'>()({ width, signed: flag }, ({ width, signed }) => make.decimal(width, { signed })),
  hexadecimal: form<'hexadecimal'>()({ width }, ({ width }) => make.hexadecimal(width)),
  bits: form<'bits'>()(
    {
      base: oneOf(...[...SCALARS.keys()].filter((name) => /^u\d/.test(name))),
      first: oneOf('most', 'least'),
      members: BITS,
    },
    ({ base, first, members }) =>
      make.bits(
        SCALARS.get(base),
        inOrder(
          members.map(({ name, ...member }) => [name, member] as const),
          'members',
        ),
        { first },
      ),
    ({ base, members }) => ({
      base,
      first: members.length > 1 && members[0]!.shift < members[1]!.shift ? 'least' : 'most',
      members: members.map(({ name, width, signed, constant }) => ({
        ...{ name, width, signed: signed === true, constant },
      })),
    }),
  ),
  flags: form<'flags'>()(
    { base: type, names: map(natural), unknown: oneOf('reject', 'ignore') },
    ({ base, names, unknown }) => make.flags(base, names, { unknown }),
  ),
  enumeration: form<'enumeration'>()(
    { base: type, names: map(whole), unknown: oneOf('reject', 'keep') },
    ({ base, names, unknown }) => make.enumeration(base, names, { unknown }),
  ),
  constant: form<'constant'>()(
    { base: type, value, bytes },
    ({ base, value, bytes }, standsIn) => {
      // The value of a stand-in is unknown, but its bytes are known.
      if (standsIn) return make.constant(make.bytes(bytes.length), bytes);
      const made = make.constant(base, value);
      if (Buffer.compare(bytes, bytesOf(made)) === 0) return made;
      throw new TypeError(`the bytes of the constant are ${Buffer.from(bytesOf(made)).toString('hex')}`);
    },
    ({ base, value, bytes }) => ({ base, value, bytes }),
  ),
  padding: form<'padding'>()(
    { size: maybe(size), to: maybe(natural), from: maybe(oneOf('structure', 'frame')), max: natural },
    ({ size, to, from, max }) => {
      if ((size === undefined) === (to === undefined) || (to === undefined) !== (from === undefined)) {
        throw new TypeError('expected either size, or to and from');
      }
      return make.padding(size ?? { to: to!, from: from! }, { max });
    },
    ({ size, max }) => ('to' in size ? { ...size, max } : { size, max }),
  ),
  array: form<'array'>()({ item: type, count: size, max: natural }, ({ item, count, max }) =>
    make.array(item, count, { max }),
  ),
  struct: form<'struct'>()({ fields }, ({ fields }) => make.struct(fields)),
  union: form<'union'>()(
    { tag, cases: cases(), otherwise: oneOf('reject', 'unknown') },
    ({ tag, cases, otherwise }) => make.union(tag, cases, { otherwise }),
  ),
  optional: form<'optional'>()(
    { item: type, when: maybe(condition), isLast: flag },
    ({ item, when, isLast }) => make.optional(item, isLast ? rest : when),
    ({ item, when }) => ({
      ...{ item, when: when === 'rest' ? undefined : when, isLast: when === 'rest' },
    }),
  ),
  only: form<'only'>()(
    { condition },
    ({ condition: { field, parameter, is, range } }) =>
      make.only(parameter ? makers.parameter(field) : field, ...is, ...(range === undefined ? [] : [range])),
    ({ condition }) => ({ condition }),
  ),
  defaulted: form<'defaulted'>()({ item: type, value }, ({ item, value }, standsIn) =>
    standsIn && value === undefined ? item : make.defaulted(item, value),
  ),
  bounded: form<'bounded'>()({ size, item: type, max: natural }, ({ size, item, max }) =>
    make.bounded(size, item, { max }),
  ),
  lazy: form<'lazy'>()(
    {
      item: {
        schema: type.schema,
        toJson: (node, to) => to.laterType(node),
        read: (json, from, path) => from.laterType(json, path),
      } as Part<AnyNode, () => AnyField>,
      maxDepth: maybe(natural),
    },
    ({ item, maxDepth }) => make.lazy(item, maxDepth === undefined ? {} : { maxDepth }),
  ),
  mapped: form<'mapped'>()(
    { item: type, name: anyText, by: reference(MAPPING) },
    ({ item, name, by }) => {
      const { decode, encode } = by as Record<string, unknown>;
      return make.mapped(item, { name, decode, encode });
    },
    ({ item, name, mapping }) => ({ item, name, by: mapping }),
  ),
  custom: form<'custom'>()(
    {
      ...{ name: anyText, minSize: natural, maxSize: bound },
      range: maybe(record({ min: whole, max: whole })),
      by: reference(CUSTOM),
    },
    ({ name, minSize, maxSize, range, by }) => {
      const { read, write, size } = by as Record<string, unknown>;
      return make.custom({
        ...{ name, minSize, read, write, size },
        ...(maxSize !== Number.POSITIVE_INFINITY && { maxSize }),
        ...(range !== undefined && { range }),
      });
    },
    ({ definition, ...call }) => ({ ...call, by: definition }),
  ),
  checksum: form<'checksum'>()(
    {
      ...{ base: type, algorithm: checksum, from: maybe(text), after: maybe(text) },
      ...{ to: maybe(text), toEnd: flag, zeroed: flag, append: bytes },
    },
    ({ base, algorithm, from, after, to, toEnd, zeroed, append }) => {
      if (toEnd && to !== undefined) throw new TypeError('expected to or toEnd, got both');
      return make.checksum(base, algorithm, {
        ...(from !== undefined && { from }),
        ...(after !== undefined && { after }),
        ...(to !== undefined && { to }),
        ...(toEnd && { to: rest }),
        ...{ zeroed, append: [...append] },
      });
    },
    ({ to, ...call }) => ({
      ...{ ...call, toEnd: typeof to === 'object', to: typeof to === 'string' ? to : undefined },
    }),
  ),
  same: form<'same'>()({ item: type, path: text }, ({ item, path }) => make.same(item, path)),
  sizeOf: form<'sizeOf'>()(
    {
      number: measuring,
      of: maybe(text),
      range: maybe(record({ from: maybe(text), after: maybe(text), to: maybe(text) })),
    },
    ({ number, of, range }) => {
      if ((of === undefined) === (range === undefined)) throw new TypeError('expected either of or range');
      return make.sizeOf(number, of ?? defined(range!));
    },
    ({ base, adjusted, of }) => ({
      number: { base, adjusted },
      ...(typeof of === 'string' ? { of } : { range: of }),
    }),
  ),
  countOf: form<'countOf'>()(
    { number: measuring, of: text },
    ({ number, of }) => make.countOf(number, of),
    ({ base, adjusted, of }) => ({ number: { base, adjusted }, of }),
  ),
};

/** The object without its undefined members. */
function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined)) as T;
}

function bytesOf(made: AnyField): Uint8Array {
  return (made as unknown as { readonly bytes: Uint8Array }).bytes;
}
