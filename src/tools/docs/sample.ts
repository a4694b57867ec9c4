import type {
  AnyNode,
  Case,
  Extent,
  Group,
  Names,
  Presence,
  Shape,
  Tag,
} from '../../protocol/fields/kind.ts';
import type { DeclaredCodec } from '../../protocol/fields/messages.ts';

/** A codec of declared fields, whatever its messages. */
// biome-ignore lint/suspicious/noExplicitAny: the messages are made from the declaration
export type AnyDeclared = DeclaredCodec<any, any>;

/** The most attempts at values, if the ones before did not make a message. */
const ATTEMPTS = 60;

/** A message of that type in decoded form, and its bytes; or why none could be made. */
export function sampleOf(
  codec: AnyDeclared,
  type: string | undefined,
): { readonly bytes: Buffer } | { readonly reason: string } {
  let reason = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const { root, parameters = new Map() } = codec.declaration;
      const bytes = Buffer.from(
        codec.encode(new Sampler(attempt, parameters, type).value(root, { fields: new Map(), depth: 0 })),
      );
      const message = codec.decode(bytes) as { type?: string };
      if (type === undefined || message.type === type) return { bytes };
      reason = 'another message has the same bytes';
    } catch (error) {
      reason = (error as Error).message;
    }
  }
  return { reason };
}

interface Environment {
  /** The values of the earlier fields, in the enclosing structures too. */
  readonly fields: ReadonlyMap<string, unknown>;
  readonly depth: number;
}

type Table = {
  readonly [S in Shape['is']]: (
    shape: Extract<Shape, { is: S }>,
    environment: Environment,
    sampler: Sampler,
  ) => unknown;
};

/** Makes one value after the other, the same ones each time. */
class Sampler {
  readonly attempt: number;
  readonly parameters: ReadonlyMap<string, number>;
  /** The message to make, at the root. */
  type: string | undefined;
  #made = 0;

  constructor(attempt: number, parameters: ReadonlyMap<string, number>, type: string | undefined) {
    this.attempt = attempt;
    this.parameters = parameters;
    this.type = type;
  }

  /** One of `count` choices; in the first attempt the first. */
  choose(count: number): number {
    if (this.attempt === 0) return 0;
    // Knuth's multiplicative hash of the attempt and the number of choices so far.
    return ((((this.attempt * 31 + ++this.#made) * 2_654_435_761) >>> 7) % 65_521) % count;
  }

  value(node: AnyNode, environment: Environment): unknown {
    const shape = node.kind.shape(node);
    return (SAMPLE[shape.is] as (shape: Shape, environment: Environment, sampler: Sampler) => unknown)(
      shape,
      environment,
      this,
    );
  }

  /** A number within bounds, from 1 upward. */
  number(min: number, max: number): number {
    const at = this.attempt === 0 ? ++this.#made : this.choose(12);
    return min <= at && at <= max ? at : Math.max(min, Math.min(max, 0));
  }

  fields(group: Group, environment: Environment): Record<string, unknown> {
    const values: [string, unknown][] = [];
    let fields = environment.fields;
    for (const [name, node] of group.entries) {
      const isAgreed = node.kind.shape(node).is === 'agreed';
      const one =
        group.derived.has(name) && !isAgreed
          ? this.#derived(group, name, node)
          : this.#permitted(group, name, this.value(node, { ...environment, fields }));
      fields = new Map(fields).set(name, one);
      if (!node.facts.traits.absent && !isAgreed) values.push([name, one]);
    }
    return Object.fromEntries(values);
  }

  /** A size or a tag, with a value that the field it is for accepts. */
  #derived(group: Group, name: string, node: AnyNode): unknown {
    const uses = group.entries.flatMap(([, other]) => other.facts.references);
    const tags = uses.find((one) => one.path === name && one.tags !== undefined)?.tags;
    if (tags !== undefined) return tags[this.choose(tags.length)];
    const { max = 2, big = false } = node.kind.range?.(node) ?? {};
    const some = Math.min(max, this.choose(4) + (this.attempt === 0 ? 2 : 0));
    return big ? BigInt(some) : some;
  }

  /** A value that the later fields accept. */
  #permitted(group: Group, name: string, value: unknown): unknown {
    let permitted = value;
    for (const [, node] of group.entries) {
      const shape = node.kind.shape(node);
      if (shape.is !== 'fixed' || shape.agrees === undefined) continue;
      const [first, member] = shape.agrees.field.split('.');
      if (first !== name) continue;
      const one = shape.agrees.is[0] ?? Math.max(shape.agrees.range?.min ?? 0, 0);
      permitted = member === undefined ? one : { ...(permitted as object), [member]: one };
    }
    return permitted;
  }
}

const SAMPLE: Table = {
  integer({ width, signed, big, truth, names, bits }, _, sampler) {
    if (truth) return true;
    if (bits !== undefined) {
      const members = bits.filter(({ constant }) => constant === undefined);
      return Object.fromEntries(
        members.map(({ name, width: bitWidth, truth: isFlag, signed: isSigned }, index) => {
          if (isFlag) return [name, (index + sampler.attempt) % 2 === 0];
          const number = sampler.number(0, 2 ** Math.min(bitWidth - (isSigned ? 1 : 0), 30) - 1);
          return [name, bitWidth > 53 ? BigInt(number) : number];
        }),
      );
    }
    if (names !== undefined) return someName(names, sampler);
    const most = 2 ** (8 * Math.min(width, 4) - (signed ? 1 : 0)) - 1;
    const some = sampler.number(0, most);
    // Every second signed number is negative.
    const number = signed && sampler.attempt === 0 && some % 2 === 0 ? -some : some;
    return big ? BigInt(number) : number;
  },
  varint({ names, big }, _, sampler) {
    if (names !== undefined) return someName(names, sampler);
    return big ? 300n : sampler.attempt === 0 ? 300 : sampler.number(0, 300);
  },
  digits: ({ range, names }, _, sampler) =>
    names === undefined ? sampler.number(range.min, range.max) : someName(names, sampler),
  float: (_, __, sampler) => sampler.number(0, 100) + 0.5,
  bytes: ({ length, max }, environment, sampler) =>
    sized(length, max, environment, sampler, 3, (size) =>
      Buffer.from(Array.from({ length: size }, (_, i) => 0xa1 + (i % 16))),
    ),
  text({ length, max, form }, environment, sampler) {
    const isWide = form?.unit !== 'characters' && form?.encoding.startsWith('utf16');
    return sized(length, max, environment, sampler, 5, (size) => {
      const characters = isWide ? Math.floor(size / 2) : size;
      return 'hello'.repeat(Math.ceil(characters / 5)).slice(0, characters);
    });
  },
  list({ item, count, max }, environment, sampler) {
    const make = (length: number): unknown[] =>
      Array.from({ length }, () => sampler.value(item, { ...environment, depth: environment.depth + 1 }));
    if (count.from === 'last') {
      const last = make(1)[0] as Record<string, unknown>;
      if (!count.path.includes('.')) last[count.path] = count.is;
      return [last];
    }
    return sized(count, max, environment, sampler, environment.depth > 2 ? 0 : 2, make);
  },
  group: (shape, environment, sampler) =>
    sampler.fields({ entries: shape.members, derived: shape.derived } as Group, environment),
  choice({ tag, cases }, environment, sampler) {
    const { type } = sampler;
    sampler.type = undefined;
    const said = saidBy(tag, environment, sampler);
    const fitting = cases.filter((one) =>
      type !== undefined
        ? one.name === type
        : said === undefined || (one.tags ?? [one.tag]).includes(said as Tag),
    );
    const known = fitting.filter(({ tags }) => tags?.length !== 0);
    const left = known.length > 0 ? known : fitting.length > 0 ? fitting : cases;
    const one = left[sampler.choose(left.length)]!;
    const inner = { ...environment, depth: environment.depth + 1 };
    return { type: one.name, ...keptTag(one, said, cases), ...sampler.fields(one.group, inner) };
  },
  maybe({ item, when }, environment, sampler) {
    const isThere =
      when === undefined || when === 'rest'
        ? environment.depth <= 2 && sampler.choose(3) !== 1
        : holds(when, environment, sampler);
    return isThere ? sampler.value(item, environment) : undefined;
  },
  fixed: () => undefined,
  filling: () => undefined,
  inside({ item, length, made, names, usual }, environment, sampler) {
    if (names !== undefined) return [...names.byValue.values()][0];
    if (usual !== undefined) return usual.value;
    if (length === undefined && made === undefined) {
      return sampler.value(item, { fields: new Map(), depth: environment.depth + 1 });
    }
    const value = sampler.value(item, environment);
    return made === undefined ? value : made(value);
  },
  sum: () => undefined,
  agreed: () => undefined,
  opaque({ name }) {
    throw new TypeError(`the declaration says no values of ${name}, a custom field`);
  },
};

/** One of the names that a number may have. */
function someName({ byValue }: Names, sampler: Sampler): string {
  const known = [...byValue.values()];
  return known[sampler.choose(known.length)]!;
}

/** The tag, for a message with several tags. */
function keptTag({ tags }: Case, said: unknown, cases: readonly Case[]): { tag?: unknown } {
  if (tags === undefined) return {};
  if (tags.length > 0) return { tag: said !== undefined && tags.includes(said as Tag) ? said : tags[0] };
  const taken = new Set(cases.flatMap((one) => one.tags ?? [one.tag]));
  let free = 0;
  while (taken.has(free)) free++;
  return { tag: said ?? free };
}

function sized(
  extent: Extent,
  max: number,
  environment: Environment,
  sampler: Sampler,
  usual: number,
  make: (size: number) => unknown,
): unknown {
  if (extent.from === 'literal') return make(extent.value);
  const { add, unit, nullAt } = extent.adjusted ?? { add: 0, unit: 1, nullAt: undefined };
  const said = saidBy(extent, environment, sampler);
  if (said !== undefined) {
    return Number(said) === nullAt ? null : make(Math.max(0, Math.min(max, Number(said) * unit + add)));
  }
  // A number that the size can represent: a multiple of the unit, plus what is added.
  const size = Math.max(0, Math.min(max, usual + sampler.choose(3)));
  const fitting = Math.max(0, Math.ceil((size - add) / unit)) * unit + add;
  return make(Math.max(0, Math.min(max, fitting)));
}

/** The number that an earlier field or a parameter gives. */
function saidBy(extent: Extent, { fields }: Environment, sampler: Sampler): unknown {
  if (extent.from === 'parameter') return sampler.parameters.get(extent.name);
  return extent.from === 'path' ? valueAt(extent.path, fields) : undefined;
}

function valueAt(path: string, fields: ReadonlyMap<string, unknown>): unknown {
  const [first = '', ...members] = path.split('.');
  let found = fields.get(first);
  for (const member of members) found = (found as Record<string, unknown> | undefined)?.[member];
  return found;
}

function holds(
  { field, parameter, is, range, not }: Presence,
  environment: Environment,
  sampler: Sampler,
): boolean {
  const found = parameter ? sampler.parameters.get(field) : valueAt(field, environment.fields);
  const isNumber = typeof found === 'number' || typeof found === 'bigint';
  const isInside = range !== undefined && isNumber && found >= range.min && found <= range.max;
  return (is.includes(found as never) || isInside) !== (not === true);
}
