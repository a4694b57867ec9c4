import fc from 'fast-check';
import {
  integerRange,
  type Node,
  refs,
  type SizeNode,
  type StructNode,
  type UnionNode,
} from '../protocol/fields/field-nodes.ts';
import type { Condition, Tag } from '../protocol/fields/fields.ts';
import type { DeclaredCodec } from '../protocol/fields/messages.ts';

export interface ArbitraryOptions {
  /** Values of custom fields, by the fields' names. */
  custom?: Readonly<Record<string, fc.Arbitrary<unknown>>>;
}

/**
 * Valid messages of a declared codec, the boundary values of each field often among them: fast-check arbitraries
 * for property tests. The messages carry their derived fields, as decoded ones do.
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
  const { root } = codec.declaration;
  const any = value(root, { fields: new Map(), depth: 0, custom: options.custom ?? {} });
  // What a declaration asks for beyond single values (a custom field's own rules, say) shows on encoding, and what
  // is derived (a checksum) comes with decoding.
  return any
    .map((message) => {
      try {
        return { message: codec.decode(Buffer.from(codec.encode(message as In))) };
      } catch {
        return undefined;
      }
    })
    .filter((made) => made !== undefined)
    .map((made) => made.message);
}

/**
 * Frames that are almost messages and are refused: valid ones cut short, drawn out, or with some bytes changed.
 */
export function arbitraryNearMiss<Out, In>(
  codec: DeclaredCodec<Out, In>,
  options: ArbitraryOptions = {},
): fc.Arbitrary<Buffer> {
  return arbitraryFrame(codec, options).filter((frame) => {
    try {
      codec.decode(frame);
      return false;
    } catch {
      return true;
    }
  });
}

/** Frames that are valid or near misses, without saying which. */
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
  /** The values of the fields before, by name; those of the structures round it too. */
  readonly fields: ReadonlyMap<string, unknown>;
  /** Levels of recursion. */
  readonly depth: number;
  readonly custom: Readonly<Record<string, fc.Arbitrary<unknown>>>;
}

const MAX_DEPTH = 3;

function value(node: Node, environment: Environment): fc.Arbitrary<unknown> {
  switch (node.kind) {
    case 'int':
    case 'varint':
      return integer(integerRange(node));
    case 'bigint': {
      const [min, max] = node.signed ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
      return fc.oneof(fc.constantFrom(min, max, 0n, 1n), fc.bigInt({ min, max }));
    }
    case 'float':
      return node.width === 4 ? fc.float() : fc.double();
    case 'bool':
      return fc.boolean();
    case 'bytes':
      return length(node.size, node.max, environment).chain((size) =>
        fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => Buffer.from(bytes)),
      );
    case 'utf8':
      return length(node.size, node.max, environment).chain(text);
    case 'cstring':
      return integer({ min: 0, max: Math.min(node.max, 300) })
        .chain(text)
        .map((one) => one.replaceAll('\0', ' '));
    case 'array':
      return length(node.count, node.max, environment, environment.depth < MAX_DEPTH ? 4 : 0).chain((count) =>
        fc.array(value(node.item, environment), { minLength: count, maxLength: count }),
      );
    case 'struct':
      return struct(node, environment);
    case 'optional': {
      const item = value(node.item, environment);
      if (node.when === undefined && environment.depth >= MAX_DEPTH) return fc.constant(undefined);
      if (node.when === undefined) return fc.oneof(fc.constant(undefined), item);
      return holds(node.when, environment) ? item : fc.constant(undefined);
    }
    case 'union':
      return union(node, environment);
    case 'enumeration': {
      const named = fc.constantFrom(...node.byName.keys());
      if (node.unknown === 'reject') return named;
      return fc.oneof(
        named,
        integer(integerRange(node.base)).filter((raw) => !node.byValue.has(raw)),
      );
    }
    case 'flags':
      return fc.record(Object.fromEntries(node.members.map(({ name }) => [name, fc.boolean()])));
    case 'bits':
      return fc.record(
        Object.fromEntries(
          node.members.map(({ name, width }) => [name, integer({ min: 0, max: 2 ** width - 1 })]),
        ),
      );
    case 'bounded':
      return value(node.item, environment);
    case 'lazy': {
      const inside = { ...environment, fields: new Map(), depth: environment.depth + 1 };
      return fc.constant(undefined).chain(() => value(node.get(), inside));
    }
    case 'custom': {
      const own = environment.custom[node.definition.name];
      if (own === undefined) throw new TypeError(`options.custom: no values for '${node.definition.name}'`);
      return own;
    }
    case 'constant':
    case 'padding':
    case 'checksum':
      return fc.constant(undefined);
  }
}

function struct(node: StructNode, environment: Environment): fc.Arbitrary<Record<string, unknown>> {
  return fields(node, 0, environment, {});
}

// Field after field, since a later field may depend on an earlier one.
function fields(
  node: StructNode,
  index: number,
  environment: Environment,
  soFar: Record<string, unknown>,
): fc.Arbitrary<Record<string, unknown>> {
  const entry = node.entries[index];
  if (entry === undefined) return fc.constant(soFar);
  const [name, field] = entry;
  const chosen = node.derived.has(name) ? derived(node, name, field) : value(field, environment);
  return chosen.chain((one) => {
    const known = new Map(environment.fields).set(name, one);
    const isAbsent = field.kind === 'constant' || field.kind === 'padding';
    // Own keys whatever their names; `__proto__` too.
    const values = isAbsent ? soFar : Object.fromEntries([...Object.entries(soFar), [name, one]]);
    return fields(node, index + 1, { ...environment, fields: known }, values);
  });
}

/** A size, or a tag; which of them shows in what refers to it. */
function derived(node: StructNode, name: string, field: Node): fc.Arbitrary<unknown> {
  const uses = node.entries.flatMap(([, other]) => refs(other)).filter((ref) => ref.name === name);
  const tags = uses.find((ref) => ref.tags !== undefined)?.tags;
  if (tags !== undefined) return fc.constantFrom<Tag[]>(...(tags as [Tag, ...Tag[]]));
  return fc.integer({ min: 0, max: Math.min(4, field.kind === 'int' ? integerRange(field).max : 4) });
}

function union(node: UnionNode, environment: Environment): fc.Arbitrary<unknown> {
  const tag = typeof node.tag === 'string' ? environment.fields.get(node.tag) : undefined;
  const cases = tag === undefined ? [...node.byName.values()] : [node.byTag.get(tag as Tag)!];
  return fc.oneof(
    ...cases.map((one) =>
      struct(one.struct, environment).map((values) =>
        Object.fromEntries([['type', one.name], ...Object.entries(values)]),
      ),
    ),
  );
}

/** A size or count: the one an earlier field gives, or any, short ones mostly. */
function length(size: SizeNode, max: number, environment: Environment, most = 300): fc.Arbitrary<number> {
  if (typeof size === 'number') return fc.constant(size);
  if (typeof size === 'string') return fc.constant((environment.fields.get(size) as number | undefined) ?? 0);
  const capacity = size.kind === 'rest' ? max : Math.min(max, integerRange(size).max);
  const limit = Math.min(capacity, most);
  return fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: Math.min(limit, 12) }) },
    { weight: 1, arbitrary: fc.constant(limit) },
  );
}

/** Text of exactly so many bytes. */
function text(size: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', maxLength: Math.floor(size / 2) }).map((some) => {
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

function integer({ min, max }: { min: number; max: number }): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(min, max, Math.max(min, 0)), fc.integer({ min, max }));
}

function holds({ field, is }: Condition, environment: Environment): boolean {
  const [name = '', member] = field.split('.');
  const found = environment.fields.get(name);
  return is.includes((member === undefined ? found : (found as Record<string, unknown>)[member]) as never);
}
