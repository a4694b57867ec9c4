import type { AnyNode, Bits, Extent, Group, Names, Presence, Shape } from '../../protocol/fields/kind.ts';
import type { Gap } from '../gap.ts';
import { luaNumber, luaString, luaTable, luaValue } from './lua.ts';
import type { FieldNames, FieldType } from './names.ts';
import { roomBehind } from './room.ts';
import type { SumsUsed } from './sums-used.ts';

/** The place of a field in the declaration. */
interface Place {
  /** Its filter name, without the protocol's name. */
  readonly path: readonly string[];
  readonly label: string;
  /** The enclosing structures, the innermost first. */
  readonly groups: readonly Group['entries'][];
}

/** One entry for each shape: a shape that is missing here does not compile. */
type Table = {
  readonly [S in Shape['is']]: (
    shape: Extract<Shape, { is: S }>,
    place: Place,
    out: FieldReaders,
    node: AnyNode,
  ) => string;
};

/** Names are made for this many fields of a recursion; deeper fields use the same names again. */
const MANY = 2_000;

/** Lua that reads the fields of one side's messages. */
export class FieldReaders {
  readonly fields: FieldNames;
  readonly sums: SumsUsed;
  readonly gaps: Gap[];
  readonly side: string;
  /** True if both sides have these messages. */
  readonly isShared: boolean;
  /** Lua that creates what the readers use: groups, names, nodes. */
  readonly lines: string[];
  readonly #nodes: Map<AnyNode, string> = new Map();
  readonly #open: Set<AnyNode> = new Set();

  constructor(
    side: string,
    isShared: boolean,
    shared: { fields: FieldNames; sums: SumsUsed; gaps: Gap[]; lines: string[] },
  ) {
    this.side = side;
    this.isShared = isShared;
    this.fields = shared.fields;
    this.sums = shared.sums;
    this.gaps = shared.gaps;
    this.lines = shared.lines;
  }

  /** The reader of a whole message. */
  root(root: AnyNode): string {
    const shape = root.kind.shape(root);
    if (shape.is === 'choice') return messages(shape, root, this);
    if (shape.is === 'group')
      return `struct(${this.group(shape.members, { path: [], label: '', groups: [] })})`;
    return this.reader(root, { path: ['value'], label: 'value', groups: [] });
  }

  reader(node: AnyNode, place: Place): string {
    const shape = node.kind.shape(node);
    return (READERS[shape.is] as (shape: Shape, place: Place, out: FieldReaders, node: AnyNode) => string)(
      shape,
      place,
      this,
      node,
    );
  }

  /** A field of the dissector at a place. With `about`, a field that belongs to it: its name is one level below, after an underscore. */
  field(place: Place, type: FieldType, about?: string): string {
    const { path, label } = about === undefined ? place : belongingTo(place, about);
    return String(this.fields.add(path, label, type, this.side));
  }

  cannot(place: Place, what: string, instead: string): void {
    const where = `${this.isShared ? '' : `${this.side}: `}${place.path.join('.') || 'message'}`;
    if (!this.gaps.some((one) => one.where === where && one.what === what)) {
      this.gaps.push({ where, what, instead });
    }
  }

  /** Create a Lua table in a line of its own: nested structures would be too much for one expression. */
  hoist(text: string): string {
    const index = this.lines.length + 1;
    this.lines.push(`made[${index}] = ${text}`);
    return `made[${index}]`;
  }

  /** The members of a structure. The first `root` members have their names at the root. */
  group(
    entries: Group['entries'],
    place: Place,
    parts: Readonly<Record<string, string>> = {},
    header = 0,
  ): string {
    const groups = [entries, ...place.groups];
    const members = entries.map(([name, node], index) => {
      const within = index < header ? [] : place.path;
      const own: Place = { path: [...within, name], label: name, groups };
      const room = roomBehind(entries, index);
      return `  ${luaTable({
        name: luaString(name),
        room: room === undefined ? undefined : `function(c) return ${room} end`,
        read: this.reader(node, own),
      })},`;
    });
    const names = entries.map(([name]) => `[${luaString(name)}] = true`);
    const head = Object.entries({
      ...parts,
      names: `{ ${names.join(', ')} }`,
    }).map(([name, text]) => `  ${name} = ${text},`);
    return this.hoist(['{', ...head, ...members, '}'].join('\n'));
  }

  /** The node that a recursion returns to, which Lua reads by name. */
  recursion(item: AnyNode, place: Place): string {
    const known = this.#nodes.get(item);
    if (known !== undefined && (this.#open.has(item) || this.fields.count > MANY)) return known;
    const name = luaString(`${this.side} ${this.#nodes.size + 1} ${place.path.join('.')}`);
    this.#nodes.set(item, name);
    this.#open.add(item);
    const reader = this.reader(item, { ...place, groups: [] });
    this.lines.push(`node[${name}] = ${reader}`);
    this.#open.delete(item);
    return name;
  }

  /** Lua for the source of a size, a count or a tag. */
  source(extent: Extent, place: Place, about: string, step = 1): string {
    const by = extent.adjusted && adjustment(extent.adjusted);
    switch (extent.from) {
      case 'literal':
        return `literal(${extent.value})`;
      case 'prefix': {
        return call('prefix', this.reader(extent.node, belongingTo(place, about)), by);
      }
      case 'path':
        return call('earlier', pathOf(extent.path), by);
      case 'parameter':
        return call('parameter_size', luaString(extent.name), by);
      case 'rest':
        return extent.upTo === undefined ? 'rest' : `rest_up_to(${extent.upTo})`;
      case 'terminator':
        return call('ended', luaString(extent.bytes), String(step));
      case 'last':
        return 'nil';
    }
  }

  /** Lua for the source of a tag, as the tag's value. */
  tag(extent: Extent, place: Place): string {
    if (extent.from === 'prefix') {
      return `{ read = ${this.reader(extent.node, belongingTo(place, 'tag'))} }`;
    }
    if (extent.from === 'path') return `said(${pathOf(extent.path)})`;
    return this.source(extent, place, 'tag');
  }

  names(names: Names): string {
    const entries = [...names.byValue].map(([value, name]) => `[${luaNumber(value)}] = ${luaString(name)}`);
    return this.fields.names(`{ ${entries.join(', ')} }`);
  }

  /** Lua for a condition on the value of a field or a parameter. */
  presence({ field, parameter, is, range, not }: Presence, place: Place): { path: string; when: string } {
    const values = is.map((value) => `[${luaValue(value)}] = true`);
    const when = luaTable({
      is: `{ ${values.join(', ')} }`,
      least: range && luaNumber(range.min),
      most: range && luaNumber(range.max),
      numeric: range && !parameter && isBig(resolve(field, place.groups)) ? 'true' : undefined,
      no: String(not === true),
    });
    return { path: parameter ? luaString(field) : pathOf(field), when };
  }
}

const READERS: Table = {
  integer(shape, place, out) {
    const { width, signed, order, big, truth, names, bits, otherBits } = shape;
    const little = order === 'le' ? 'true' : undefined;
    if (bits !== undefined) {
      const members = bits.map((one) => bitReader(one, width, place, out));
      const isClosed = otherBits !== 'ignored' && bits.every((one) => one.truth);
      return call(
        'bits',
        luaTable({
          f: out.field(place, { maker: wholeType(width, false), more: 'base.HEX' }),
          width: String(width),
          little,
          closed: isClosed ? 'true' : undefined,
          members: `{ ${members.join(', ')} }`,
        }),
      );
    }
    const known = names && out.names(names);
    const type: FieldType = truth
      ? { maker: 'bool' }
      : { maker: wholeType(width, signed), more: `base.DEC${known === undefined ? '' : `, ${known}`}` };
    return call(
      'integer',
      luaTable({
        f: out.field(place, type),
        width: String(width),
        little,
        signed: signed ? 'true' : undefined,
        big: big ? 'true' : undefined,
        truth: truth ? 'true' : undefined,
        names: known,
        closed: names?.closed ? 'true' : undefined,
      }),
    );
  },

  digits({ width, base, range, length, names }, place, out) {
    const signed = range.min < 0;
    const known = names && out.names(names);
    const more = `base.DEC${known === undefined ? '' : `, ${known}`}`;
    return call(
      'digits',
      luaTable({
        f: out.field(place, { maker: signed ? 'int64' : 'uint64', more }),
        raw: out.field(place, { maker: 'bytes' }, 'raw'),
        width: String(width),
        names: known,
        closed: names?.closed ? 'true' : undefined,
        base: String(base),
        most: luaNumber(range.max),
        signed: signed ? 'true' : undefined,
        size: length && out.source(length, place, 'length'),
      }),
    );
  },

  float: ({ width, order }, place, out) =>
    call(
      'float',
      luaTable({
        f: out.field(place, { maker: width === 4 ? 'float' : 'double' }),
        width: String(width),
        little: order === 'le' ? 'true' : undefined,
      }),
    ),

  varint({ zigzag, signed, order, big, names }, place, out) {
    const known = names && out.names(names);
    const more = `base.DEC${known === undefined ? '' : `, ${known}`}`;
    return call(
      'varint',
      luaTable({
        f: out.field(place, { maker: zigzag || signed ? 'int64' : 'uint64', more }),
        raw: out.field(place, { maker: 'bytes' }, 'raw'),
        zigzag: zigzag ? 'true' : undefined,
        signed: signed ? 'true' : undefined,
        big_endian: order === 'be' ? 'true' : undefined,
        big: big ? 'true' : undefined,
        names: known,
        closed: names?.closed ? 'true' : undefined,
      }),
    );
  },

  bytes: ({ length, max }, place, out) =>
    call(
      'bytes',
      luaTable({
        f: out.field(place, { maker: 'bytes' }),
        label: luaString(place.label),
        size: out.source(length, place, 'length'),
        max: luaNumber(max),
      }),
    ),

  text({ length, max, form }, place, out) {
    const { encoding, unit, pad } = form ?? { encoding: 'utf8', unit: 'bytes', pad: undefined };
    const isWide = encoding === 'utf16le' || encoding === 'utf16be';
    return call(
      'text',
      luaTable({
        f: out.field(place, { maker: 'string' }),
        raw: out.field(place, { maker: 'bytes' }, 'raw'),
        label: luaString(place.label),
        size: out.source(length, place, 'length', isWide ? 2 : 1),
        max: luaNumber(max),
        encoding: luaString(encoding),
        each: unit === 'characters' && isWide ? '2' : '1',
        counts_characters: unit === 'characters' && encoding === 'utf8' ? 'true' : undefined,
        // The first wrong byte is reported.
        exact: form === undefined ? 'true' : undefined,
        pad: pad === undefined ? undefined : luaString(pad),
      }),
    );
  },

  list({ item, count, max }, place, out) {
    const isLast = count.from === 'last';
    const isEnded = count.from === 'terminator';
    return call(
      'list',
      luaTable({
        f: out.field(place, { maker: 'none' }, 'list'),
        label: luaString(place.label),
        size: isLast || isEnded ? undefined : out.source(count, place, 'count'),
        terminator: isEnded ? luaString(count.bytes) : undefined,
        last: isLast ? pathOf(count.path) : undefined,
        is: isLast ? luaValue(count.is) : undefined,
        max: luaNumber(max),
        least: luaNumber(item.facts.size.min),
        item: out.reader(item, place),
      }),
    );
  },

  group: ({ members }, place, out) =>
    call('struct', out.group(members, place, { f: out.field(place, { maker: 'none' }) })),

  choice(shape, place, out) {
    const size = out.tag(shape.tag, place);
    const cases = shape.cases.map(({ name, group }) =>
      out.group(group.entries, { ...place, path: [...place.path, name] }, { type: luaString(name) }),
    );
    return call(
      'union',
      luaTable({
        f: out.field(place, { maker: 'none' }),
        kind: out.field(place, { maker: 'string' }, 'type'),
        size,
        cases: `{ ${cases.join(', ')} }`,
        ...tagsOf(shape),
      }),
    );
  },

  maybe({ item, when }, place, out) {
    let condition: string;
    if (when === undefined) condition = `flag({ f = ${out.field(place, { maker: 'bool' }, 'present')} })`;
    else if (when === 'rest') condition = 'anything_left';
    else {
      const presence = out.presence(when, place);
      condition = call(when.parameter ? 'parameter_condition' : 'condition', presence.path, presence.when);
    }
    return call('maybe', luaTable({ when: condition, item: out.reader(item, place) }));
  },

  fixed({ bytes, to, from, unchecked, agrees }, place, out) {
    if (agrees !== undefined) {
      const { path, when } = out.presence(agrees, place);
      return call('only', luaTable({ [agrees.parameter ? 'parameter' : 'path']: path, when }));
    }
    const f = out.field(place, { maker: 'bytes' });
    if (to !== undefined) {
      return call(
        'aligned',
        luaTable({ f, to: String(to), in_structure: from === 'structure' ? 'true' : undefined }),
      );
    }
    return call('fixed', luaTable({ f, bytes: luaString(bytes), checked: unchecked ? undefined : 'true' }));
  },

  filling: ({ length, max }, place, out) =>
    call(
      'filling',
      luaTable({
        f: out.field(place, { maker: 'bytes' }),
        size: out.source(length, place, 'length'),
        max: luaNumber(max),
      }),
    ),

  inside(shape, place, out) {
    const { length, max, maxDepth, usual, made, name } = shape;
    if (length !== undefined) {
      return call(
        'bounded',
        luaTable({
          label: luaString(place.label),
          size: out.source(length, place, 'length'),
          max: luaNumber(max ?? Number.POSITIVE_INFINITY),
          item: out.reader(shape.item, place),
        }),
      );
    }
    if (usual !== undefined) return out.reader(shape.item, place);
    if (made !== undefined) {
      out.cannot(place, `${name ?? 'a value'} is made by a function`, 'what the bytes say is shown');
      return call('mapped', out.reader(shape.item, place));
    }
    const own = maxDepth === undefined ? undefined : String(maxDepth);
    return call('recursive', luaTable({ node: out.recursion(shape.item, place), own }));
  },

  sum(shape, place, out) {
    const { base, algorithm, checksum, append, over, after, toEnd, zeroed } = shape;
    const reader = out.reader(base, place);
    const sum = out.sums.of(algorithm, checksum.crc, checksum);
    if (sum === undefined) {
      out.cannot(place, `the checksum '${algorithm}' is a function`, 'its value is not verified');
      return reader;
    }
    const [from, to] = over;
    return call(
      'summed',
      luaTable({
        base: reader,
        algorithm: luaString(algorithm),
        sum,
        from: from && pathOf(from),
        after: after && pathOf(after),
        to: to && pathOf(to),
        to_end: toEnd ? 'true' : undefined,
        zeroed: zeroed ? 'true' : undefined,
        append: append && luaString(append),
      }),
    );
  },

  agreed({ base, on, path, over, after, adjusted }, place, out, node) {
    const reader = out.reader(base, place);
    if (on === 'value') return call('same', luaTable({ base: reader, of: pathOf(path!) }));
    const own = place.groups[0]?.find(([name]) => name === path);
    const [from, to] = over ?? [];
    return call(
      'agreed',
      luaTable({
        base: reader,
        of: path === undefined ? undefined : pathOf(path),
        by: adjustment(adjusted ?? { add: 0, unit: 1, nullAt: undefined }),
        check: on === 'size' ? 'check_size' : 'check_count',
        skips_own: own?.[1] === node ? 'true' : undefined,
        over: luaTable({
          from: from && pathOf(from),
          after: after && pathOf(after),
          to: to && pathOf(to),
        }),
      }),
    );
  },

  opaque({ name }, place, out, node) {
    const { min, max } = node.facts.size;
    const isFixed = min === max;
    out.cannot(
      place,
      `a custom field, '${name}'`,
      isFixed
        ? `its ${min} bytes are shown`
        : 'the bytes from there to the end of the frame, or of the field that bounds it, are shown',
    );
    return call(
      'opaque',
      luaTable({
        f: out.field(place, { maker: 'bytes' }),
        width: isFixed ? String(min) : undefined,
        why: luaString(`a custom field, '${name}'`),
      }),
    );
  },
};

/** All messages of a protocol, told apart by a tag after the header or in it. */
function messages(shape: Extract<Shape, { is: 'choice' }>, root: AnyNode, out: FieldReaders): string {
  const { tag, cases, before } = shape;
  const place: Place = { path: [], label: '', groups: [] };
  const header = cases[0]!.group.entries.slice(0, before);
  const groups = cases.map(({ name, group }) =>
    out.group(group.entries, { ...place, path: [name] }, { type: luaString(name) }, before),
  );
  let inHeader: string | undefined;
  const isInHeader = tag.from === 'path';
  if (isInHeader) {
    const [first = '', ...members] = tag.path.split('.');
    const index = header.findIndex(([name]) => name === first);
    const offset = header.slice(0, index).reduce((sum, [, { facts }]) => sum + facts.size.max, 0);
    const read = out.reader(header[index]![1], { path: [first], label: first, groups: [header] });
    inHeader = luaTable({
      offset: String(offset),
      read,
      members: `{ ${members.map(luaString).join(', ')} }`,
    });
  }
  return call(
    'messages',
    luaTable({
      kind: '"type"',
      least: luaNumber(root.facts.size.min),
      before: String(before),
      header_size: String(header.reduce((sum, [, { facts }]) => sum + facts.size.max, 0)),
      in_header: inHeader,
      size: isInHeader ? undefined : out.tag(tag, place),
      cases: `{ ${groups.join(', ')} }`,
      ...tagsOf(shape),
    }),
  );
}

/** Lua for the tags of each case. */
function tagsOf({ cases }: Extract<Shape, { is: 'choice' }>): { tags: string; other: string } {
  const tags = cases.flatMap(({ tag, tags: several }, index) =>
    (several ?? [tag]).map((one) => `[${luaValue(one)}] = ${index + 1}`),
  );
  const other = cases.findIndex(({ tags: several }) => several?.length === 0);
  return { tags: `{ ${tags.join(', ')} }`, other: String(other + 1) };
}

function bitReader(
  { name, shift, width, truth, signed, constant }: Bits,
  whole: number,
  place: Place,
  out: FieldReaders,
): string {
  const own = { ...place, path: [...place.path, name], label: name };
  // For up to 32 bits, Wireshark extracts the bits itself and shows where they are.
  const mask = whole <= 4 ? `0x${((2 ** width - 1) * 2 ** shift).toString(16)}` : undefined;
  const type: FieldType = truth
    ? { maker: 'bool', ...(mask && { more: `${8 * whole}, nil, ${mask}` }) }
    : mask !== undefined
      ? { maker: wholeType(whole, signed === true), more: `base.DEC, nil, ${mask}` }
      : { maker: signed ? 'int64' : width <= 32 ? 'uint32' : 'uint64', more: 'base.DEC' };
  return luaTable({
    name: luaString(name),
    f: out.field(own, type),
    shift: String(shift),
    width: String(width),
    signed: signed ? 'true' : undefined,
    truth: truth ? 'true' : undefined,
    constant: constant === undefined ? undefined : luaValue(constant),
  });
}

function wholeType(width: number, signed: boolean): string {
  return `${signed ? 'int' : 'uint'}${width <= 4 ? 8 * width : 64}`;
}

/** A place for a value that belongs to a field and is not declared itself. */
function belongingTo(place: Place, about: string): Place {
  if (place.path.length === 0) return { ...place, path: [about], label: about };
  return { ...place, path: [...place.path, `_${about}`], label: `${place.label}: ${about}` };
}

/** Lua for the adjustment of a number. */
export function adjustment({
  add,
  unit,
  nullAt,
}: {
  add: number;
  unit: number;
  nullAt: number | undefined;
}): string {
  return luaTable({
    add: luaNumber(add),
    unit: luaNumber(unit),
    nothing: nullAt === undefined ? undefined : luaNumber(nullAt),
  });
}

/** Lua for a path: the list of its names. */
export function pathOf(path: string): string {
  return `{ ${path.split('.').map(luaString).join(', ')} }`;
}

function call(name: string, ...args: (string | undefined)[]): string {
  return `${name}(${args.filter((one) => one !== undefined).join(', ')})`;
}

/** The field at a path, seen from inside structures. */
function resolve(path: string, groups: readonly Group['entries'][]): AnyNode | undefined {
  const [first = '', ...members] = path.split('.');
  for (const entries of groups) {
    let node = entries.find(([name]) => name === first)?.[1];
    if (node === undefined) continue;
    for (const member of members) node = node?.kind.members?.(node).get(member);
    return node;
  }
  return undefined;
}

function isBig(node: AnyNode | undefined): boolean {
  const shape = node?.kind.shape(node);
  return (shape?.is === 'integer' || shape?.is === 'varint') && shape.big === true;
}
