import type { AnyNode, Bits, Case, Extent, Group, Presence, Shape, Tag } from '../../protocol/fields/kind.ts';
import type { Attribute, Definition, TypeBuilder } from './build.ts';
import { bare, Scope } from './scope.ts';

/** The place of the field that is being expressed. */
export interface Place {
  readonly definition: Definition;
  readonly type: TypeBuilder;
  readonly scope: Scope;
  /** The path, for comments. */
  readonly path: string;
  readonly name: string;
  /** The condition under which it is present. */
  readonly condition: string | undefined;
  /** The bytes after it in its stream for which it leaves room; undefined if no expression gives them. */
  readonly room: string | undefined;
  readonly stream: Stream;
}

/** A stream, or a substream. */
export interface Stream {
  /** True if the rest is raw bytes already, since a field in it cannot be expressed. */
  closed: boolean;
  /** True if it begins at the start of the frame. */
  readonly isFrame: boolean;
}

/** The expression for the value: a field of its type. */
type Result = string | undefined;

/** One entry for each shape: a shape that is missing here does not compile. */
type Table = {
  readonly [S in Shape['is']]: (shape: Extract<Shape, { is: S }>, place: Place, node: AnyNode) => Result;
};

/** Add the attributes of a field to its type; returns the expression for its value in that type. */
export function express(node: AnyNode, place: Place): Result {
  if (place.stream.closed) return undefined;
  const shape = node.kind.shape(node);
  return (EXPRESS[shape.is] as (shape: Shape, place: Place, node: AnyNode) => Result)(shape, place, node);
}

const EXPRESS: Table = {
  integer(shape, place) {
    const { width, signed, order, bits, truth, names } = shape;
    const isPlain = width === 1 || width === 2 || width === 4 || width === 8;
    const suffix = width === 1 ? '' : order;
    const data = bits === undefined;
    const asRead = isPlain ? `${signed ? 's' : 'u'}${width}${suffix}` : `b${8 * width}${order}`;
    const isRaw = !isPlain && signed;
    const id = add(
      place,
      isRaw ? `${place.name}_raw` : place.name,
      { type: asRead, ...(truth && { valid: { 'any-of': [0, 1] } }) },
      data && !isRaw,
    );
    let value = id;
    if (isRaw) {
      const half = 2n ** BigInt(8 * width - 1);
      value = instance(place, place.name, `${id} >= ${half} ? ${id} - ${2n * half} : ${id}`, true);
    }
    if (width === 7 && bits === undefined)
      check(place, `${value} >= ${-Number.MAX_SAFE_INTEGER} and ${value} <= ${Number.MAX_SAFE_INTEGER}`);
    if (names !== undefined) enumerate(place, value, names);
    if (bits !== undefined) members(place, value, shape, bits);
    return value;
  },

  digits({ width, base, range, length, names }, place) {
    if (length !== undefined) return close(place, 'digits up to a terminator');
    const raw = add(place, `${place.name}_digits`, { size: width }, false);
    const signed = range.min < 0;
    const at = (index: number): string => `${raw}[${index}]`;
    const isSign = signed ? `(${at(0)} == 45 or ${at(0)} == 43)` : '';
    const isDigit = (index: number): string => {
      const one = `(${at(index)} >= 48 and ${at(index)} <= 57)`;
      if (base === 10) return one;
      return `(${one} or (${at(index)} >= 65 and ${at(index)} <= 70) or (${at(index)} >= 97 and ${at(index)} <= 102))`;
    };
    const digit = (index: number): string => {
      const one = `(${at(index)} - 48)`;
      const plain =
        base === 10
          ? one
          : `(${at(index)} <= 57 ? ${at(index)} - 48 : (${at(index)} <= 70 ? ${at(index)} - 55 : ${at(index)} - 87))`;
      return index === 0 && signed ? `(${isSign} ? 0 : ${plain})` : plain;
    };
    const all = Array.from({ length: width }, (_, index) => index);
    check(
      place,
      all
        .map((index) => (index === 0 && signed ? `(${isSign} or ${isDigit(0)})` : isDigit(index)))
        .join(' and '),
    );
    const sum = all
      .map((index) => `${digit(index)} * ${BigInt(base) ** BigInt(width - 1 - index)}`)
      .join(' + ');
    const value = instance(place, place.name, signed ? `(${at(0)} == 45 ? -1 : 1) * (${sum})` : sum, true);
    if (names !== undefined) enumerate(place, value, names);
    return value;
  },

  float: ({ width, order }, place) => add(place, place.name, { type: `f${width}${order}` }, true),

  varint(shape, place) {
    const raw = add(place, `${place.name}_groups`, { type: groupsType(place.definition) }, false);
    const { zigzag, signed = false, order = 'le', big = false, names } = shape;
    const size = `${raw}.bytes.size`;
    const group = (index: number): string => `(${raw}.bytes[${index}] % 128)`;
    const all = Array.from({ length: 10 }, (_, index) => index);
    let unsigned: string;
    if (order === 'le') {
      unsigned = all
        .map((index) =>
          index === 0 ? group(0) : `(${size} > ${index} ? ${group(index)} * ${128n ** BigInt(index)} : 0)`,
        )
        .join(' + ');
    } else {
      unsigned = all
        .slice(1)
        .reduce((sum, index) => `(${size} > ${index} ? ${sum} * 128 + ${group(index)} : ${sum})`, group(0));
      // Each level uses the one below twice; instances keep the expressions short.
      let last = instance(place, `${place.name}_1`, group(0), false);
      for (const index of all.slice(1))
        last = instance(
          place,
          `${place.name}_${index + 1}`,
          `${size} > ${index} ? ${last} * 128 + ${group(index)} : ${last}`,
          false,
        );
      unsigned = last;
    }
    const whole = instance(place, `${place.name}_whole`, unsigned, false);
    let value = whole;
    if (zigzag)
      value = instance(place, place.name, `${whole} % 2 == 0 ? ${whole} / 2 : -((${whole} + 1) / 2)`, true);
    else if (signed) {
      const span = all.reduceRight(
        (rest, index) =>
          index === 9
            ? String(128n ** 10n)
            : `(${size} == ${index + 1} ? ${128n ** BigInt(index + 1)} : ${rest})`,
        '',
      );
      const limit = instance(place, `${place.name}_span`, span, false);
      value = instance(place, place.name, `${whole} * 2 >= ${limit} ? ${whole} - ${limit} : ${whole}`, true);
    } else value = instance(place, place.name, whole, true);
    const isSimple = shape.big === undefined;
    if (big) {
      const bounds = zigzag || signed ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
      check(place, `${value} >= ${bounds[0]} and ${value} <= ${bounds[1]}`);
    } else if (isSimple) check(place, `${whole} <= ${Number.MAX_SAFE_INTEGER}`);
    else check(place, `${value} >= ${-Number.MAX_SAFE_INTEGER} and ${value} <= ${Number.MAX_SAFE_INTEGER}`);
    if (names !== undefined) enumerate(place, value, names);
    return value;
  },

  bytes: ({ length, max }, place) => sized(place, length, 1, max, {}),

  text({ length, max, form }, place) {
    const { encoding = 'utf8', unit = 'bytes', pad } = form ?? {};
    const isWide = encoding === 'utf16le' || encoding === 'utf16be';
    if (unit === 'characters' && encoding === 'utf8')
      return close(place, 'text whose length counts characters of UTF-8');
    if (isWide && length.from === 'terminator') return close(place, 'text up to a terminator of two bytes');
    const padding = pad === undefined ? {} : isWide ? undefined : { 'pad-right': pad.charCodeAt(0) };
    if (padding === undefined) gap(place, 'the fill of a text in UTF-16', 'it is part of the text');
    const times = unit === 'characters' && isWide ? 2 : 1;
    return sized(place, length, times, max, { type: 'str', encoding: ENCODINGS[encoding], ...padding });
  },

  list({ item, count, max }, place) {
    const id = place.type.id(place.name);
    if (count.from === 'terminator') return close(place, 'a list up to a terminator');
    const times =
      count.from === 'rest' || count.from === 'last' ? undefined : number(place, count, max, 'num');
    if (times === undefined && count.from !== 'rest' && count.from !== 'last') return undefined;
    const inner = { ...place, name: 'value', room: '0' };
    if (count.from === 'rest' && place.room !== '0') {
      // A stream of its own, whose end is the end of the list.
      const size = rest(place);
      if (size === undefined) return close(place, 'a list before fields whose size is not known there');
      const own = place.definition.type(`${place.path}_list`);
      const scope = new Scope(place.scope, 1);
      const type = wrapped(item, {
        ...inner,
        type: own,
        scope,
        condition: undefined,
        stream: { closed: false, isFrame: false },
      });
      own.add({ id: own.id('items'), type, repeat: 'eos' });
      own.data.push('items');
      addAs(place, id, { size, type: own.name }, true);
      check(place, `${id}.items.size <= ${max}`);
      return undefined;
    }
    // A wrong count is refused before anything is read for it.
    const least = item.facts.size.min;
    if (times !== undefined && least > 0) {
      const fits = `(${times.count}) * ${least} <= _io.size - _io.pos`;
      place.type.check(`fits_${place.name}`, fits, times.condition);
    }
    const type = wrapped(item, inner);
    if (count.from === 'rest') addAs(place, id, { type, repeat: 'eos' }, true);
    else if (count.from === 'last') {
      const last = lastWords(place.definition, item, count.path, count.is);
      if (last === undefined) return close(place, 'a list up to a last element');
      addAs(place, id, { type, repeat: 'until', 'repeat-until': last }, true);
    } else addAs(place, id, { type, repeat: 'expr', 'repeat-expr': times!.count }, true, times!.condition);
    if (count.from === 'rest' || count.from === 'last') check(place, `${id}.size <= ${max}`);
    return id;
  },

  group(_, place, node) {
    const type = wrapped(node, place);
    return add(place, place.name, { type }, true);
  },

  choice({ tag, cases }, place) {
    const read = tagOf(tag, place);
    if (read === undefined) return close(place, 'a choice by a tag that cannot be read');
    return choose(cases, read, place);
  },

  maybe({ item, when }, place) {
    if (when === undefined) {
      const has = add(place, `has_${place.name}`, { type: 'u1', valid: { 'any-of': [0, 1] } }, false);
      return optional(item, place, `${has} == 1`);
    }
    if (when === 'rest') {
      const size =
        place.room === '0'
          ? 'not _io.eof'
          : place.room === undefined
            ? undefined
            : `_io.size - _io.pos > ${place.room}`;
      if (size === undefined)
        return close(place, 'an optional field before fields whose size is not known there');
      return optional(item, place, size);
    }
    const condition = presence(when, place);
    if (condition === undefined) return close(place, 'a condition on a field that no expression reads');
    return optional(item, place, condition);
  },

  fixed({ bytes, to, from, unchecked, agrees }, place) {
    if (agrees !== undefined) {
      const condition = presence(agrees, place);
      if (condition === undefined)
        gap(place, 'a rule on a field that no expression reads', 'it is not checked');
      else check(place, condition);
      return undefined;
    }
    if (to !== undefined) {
      if (from === 'structure' || !place.stream.isFrame)
        return close(place, 'padding to a multiple, counted from a byte that no expression knows');
      add(place, place.name, { size: `(${to} - _io.pos % ${to}) % ${to}` }, false);
      return undefined;
    }
    if (bytes.length === 0) return undefined;
    add(place, place.name, unchecked ? { size: bytes.length } : { contents: [...bytes] }, false);
    return undefined;
  },

  filling({ length, max }, place) {
    sized(place, length, 1, max, {}, false);
    return undefined;
  },

  inside({ item, length, max, maxDepth, made, name, usual }, place, node) {
    if (length !== undefined) {
      const own = place.definition.type(place.path);
      const stream = { closed: false, isFrame: false };
      const size = sizeOf(place, length, 1, max ?? Number.MAX_SAFE_INTEGER);
      if (size === undefined) return undefined;
      const scope = new Scope(place.scope, 1);
      const value = express(item, {
        ...place,
        type: own,
        name: 'value',
        scope,
        condition: undefined,
        room: '0',
        stream,
      });
      if (!stream.closed) own.check('end', '_io.eof', undefined);
      const id = add(
        { ...place, condition: size.condition },
        place.name,
        { ...size.attribute, type: own.name },
        true,
      );
      return value === undefined ? undefined : `${id}.${value}`;
    }
    if (node.kind.later) {
      const levels = maxDepth ?? 'as the limits of the message say';
      gap(place, `the limit of nesting (${levels})`, 'deeper ones are accepted');
      const type = recursive(item, place);
      add(place, place.name, { type }, true);
      return undefined;
    }
    if (made !== undefined && usual === undefined)
      gap(place, `a value that functions make (${name ?? 'mapped'})`, 'the field that holds it is read');
    const value = express(item, place);
    return made !== undefined && usual === undefined ? undefined : value;
  },

  sum({ base, algorithm }, place) {
    gap(place, `the checksum ${algorithm}`, 'the number is read, and not compared');
    return express(base, place);
  },

  agreed({ base, on, path }, place) {
    const value = express(base, place);
    if (on === 'value' && path !== undefined && value !== undefined) {
      const due = read(path, place);
      const { is } = bare(base);
      if (due !== undefined && (is === 'integer' || is === 'varint' || is === 'digits')) {
        check(place, `${value} == ${due.expression}`);
        return value;
      }
    }
    const what = on === 'value' ? `what repeats ${path}` : `the ${on} of ${path ?? 'a range'}`;
    gap(place, what, 'the number is read, and not compared');
    return value;
  },

  opaque({ name }, place, node) {
    const { min, max } = node.facts.size;
    if (min !== max) return close(place, `a custom field (${name})`);
    gap(place, `a custom field (${name})`, `${min} raw bytes`);
    add(place, place.name, { size: min }, false);
    return undefined;
  },
};

const ENCODINGS = {
  utf8: 'UTF-8',
  ascii: 'ASCII',
  latin1: 'ISO-8859-1',
  utf16le: 'UTF-16LE',
  utf16be: 'UTF-16BE',
} as const;

/** Add an attribute; returns its identifier. */
function add(place: Place, name: string, attribute: Attribute, isData: boolean): string {
  const id = place.type.id(name);
  addAs(place, id, attribute, isData);
  return id;
}

function addAs(
  place: Place,
  id: string,
  attribute: Attribute,
  isData: boolean,
  condition: string | undefined = place.condition,
): void {
  place.type.add({ id, ...attribute, ...(condition !== undefined && { if: condition }) });
  if (isData) place.type.data.push(id);
}

/** Add a computed value; returns its identifier. */
function instance(place: Place, name: string, value: string, isData: boolean): string {
  const id = place.type.id(name);
  place.type.instances[id] = { value, ...(place.condition !== undefined && { if: place.condition }) };
  if (isData) place.type.data.push(id);
  return id;
}

function check(place: Place, expression: string): void {
  place.type.check(place.name, expression, place.condition);
}

function gap({ definition, type, path }: Place, what: string, instead: string): void {
  definition.gaps.push({ where: path, what, instead });
  type.comment(`Not expressed: ${what}; ${instead}.`);
}

/** Close a stream at a field whose size no expression gives: this field and all after it become raw bytes. */
function close(place: Place, what: string): undefined {
  gap(place, what, 'this field and all after it are raw bytes');
  add(place, `${place.name}_raw`, { 'size-eos': true }, false);
  place.stream.closed = true;
  return undefined;
}

/** The type for a field that is a single attribute elsewhere: an element, a case. */
function wrapped(node: AnyNode, place: Place): string {
  const shape = node.kind.shape(node);
  const type = place.definition.type(place.path);
  const inner = { ...place, type, condition: undefined, scope: new Scope(place.scope, 1) };
  place.definition.structures.set(node, type);
  if (shape.is === 'group') memberAttributes(shape.members, inner);
  else express(node, { ...inner, name: 'value' });
  return type.name;
}

/** The attributes of the members of a structure, from one index up to another. */
export function memberAttributes(
  entries: Group['entries'],
  place: Place,
  from = 0,
  to: number = entries.length,
): void {
  for (const [index, [name, node]] of entries.entries()) {
    if (index < from || index >= to) continue;
    const behind = entries.slice(index + 1).map(([, other]) => roomOf(other));
    const outer = place.room;
    const room =
      outer === undefined || behind.includes(undefined)
        ? undefined
        : String(behind.reduce<number>((sum, one) => sum + one!, 0) + Number(outer));
    const value = express(node, { ...place, name, path: `${place.path}_${name}`, room });
    if (value === undefined) continue;
    place.scope.set(name, { expression: value, node });
    place.type.fields.set(name, { expression: value, node });
  }
}

/** The number of bytes of a field, if it is always the same. */
function roomOf({ facts: { size } }: AnyNode): number | undefined {
  return size.min === size.max ? size.min : undefined;
}

function optional(item: AnyNode, place: Place, condition: string): Result {
  const all = place.condition === undefined ? condition : `(${place.condition}) and (${condition})`;
  const type = wrapped(item, place);
  add({ ...place, condition: all }, place.name, { type }, true);
  return undefined;
}

/** The type of a structure that refers to itself. */
function recursive(item: AnyNode, place: Place): string {
  const known = place.definition.recursions;
  const name = known.get(item);
  if (name !== undefined) return name;
  const type = place.definition.type(`${place.path}_structure`);
  known.set(item, type.name);
  const inner = { ...place, type, condition: undefined, scope: new Scope() };
  const shape = item.kind.shape(item);
  if (shape.is === 'group') memberAttributes(shape.members, inner);
  else express(item, { ...inner, name: 'value' });
  return type.name;
}

/** The type of the bytes of a varint. */
function groupsType(definition: Definition): string {
  if (definition.varint !== undefined) return definition.varint;
  const type = definition.type('varint');
  definition.varint = type.name;
  type.comment('Groups of seven bits, one in each byte; the highest bit says that another byte follows.');
  type.add({ id: type.id('bytes'), type: 'u1', repeat: 'until', 'repeat-until': '_ < 128' });
  type.check('size', 'bytes.size <= 10', undefined);
  return type.name;
}

/**
 * A number that is read before the content it measures, or is known otherwise: its expression, and the condition under which
 * there is content.
 */
function number(
  place: Place,
  extent: Extent,
  max: number,
  what: string,
): { count: string; condition: string | undefined } | undefined {
  let raw: string;
  if (extent.from === 'literal') return { count: String(extent.value), condition: place.condition };
  if (extent.from === 'parameter') {
    raw = String(place.definition.parameters.get(extent.name));
    place.type.comment(`The parameter ${extent.name} is ${raw} here.`);
  } else {
    const read_ =
      extent.from === 'prefix'
        ? express(extent.node, { ...place, name: `${what}_${place.name}`, path: `${place.path}_${what}` })
        : extent.from === 'path'
          ? read(extent.path, place)?.expression
          : undefined;
    if (read_ === undefined) {
      if (!place.stream.closed) close(place, `a number that no expression reads`);
      return undefined;
    }
    if (extent.from === 'prefix') unlist(place, read_);
    raw = read_;
  }
  const { add: more, unit, nullAt } = extent.adjusted ?? { add: 0, unit: 1, nullAt: undefined };
  const times = unit === 1 ? raw : `${raw} * ${unit}`;
  const count = more === 0 ? times : `${times} ${more < 0 ? '-' : '+'} ${Math.abs(more)}`;
  const condition =
    nullAt === undefined
      ? place.condition
      : `${place.condition === undefined ? '' : `(${place.condition}) and `}${raw} != ${nullAt}`;
  const range = extent.from === 'prefix' ? extent.node.kind.range?.(extent.node) : undefined;
  const rules = [
    ...(range !== undefined && range.min * unit + more >= 0 ? [] : [`${count} >= 0`]),
    ...(max >= Number.MAX_SAFE_INTEGER || (range !== undefined && range.max * unit + more <= max)
      ? []
      : [`${count} <= ${max}`]),
  ];
  if (rules.length > 0) place.type.check(`${what}_${place.name}`, rules.join(' and '), condition);
  return { count, condition };
}

/** A number that only measures something is not part of the value. */
function unlist({ type }: Place, id: string): void {
  const at = type.data.lastIndexOf(id);
  if (at >= 0) type.data.splice(at, 1);
}

/** The number of bytes before the fields that follow. */
function rest({ room }: Place): string | undefined {
  if (room === undefined) return undefined;
  return room === '0' ? '_io.size - _io.pos' : `_io.size - _io.pos - ${room}`;
}

/** The `size` of an attribute, from an extent. */
function sizeOf(
  place: Place,
  extent: Extent,
  times: number,
  max: number,
): { attribute: Attribute; condition: string | undefined } | undefined {
  if (extent.from === 'rest') {
    const { upTo } = extent;
    if (place.room === '0' && upTo === undefined)
      return { attribute: { 'size-eos': true }, condition: place.condition };
    const size = rest(place);
    if (size === undefined) return close(place, 'the rest before fields whose size is not known there');
    place.type.check(`room_${place.name}`, `${size} >= 0`, place.condition);
    const most = upTo === undefined ? size : `${size} < ${upTo} ? ${size} : ${upTo}`;
    return { attribute: { size: most }, condition: place.condition };
  }
  if (extent.from === 'terminator') {
    if (extent.bytes.length !== 1) return close(place, 'a terminator of several bytes');
    return { attribute: { terminator: extent.bytes[0]! }, condition: place.condition };
  }
  const counted = number(place, extent, max, 'len');
  if (counted === undefined) return undefined;
  return {
    attribute: { size: times === 1 ? counted.count : `(${counted.count}) * ${times}` },
    condition: counted.condition,
  };
}

function sized(
  place: Place,
  extent: Extent,
  times: number,
  max: number,
  more: Attribute,
  isData = true,
): Result {
  const size = sizeOf(place, extent, times, max);
  if (size === undefined) return undefined;
  const id = place.type.id(place.name);
  addAs(place, id, { ...size.attribute, ...more }, isData, size.condition);
  if ((extent.from === 'rest' || extent.from === 'terminator') && max < Number.MAX_SAFE_INTEGER) {
    if (more.type === undefined) place.type.check(place.name, `${id}.size <= ${max}`, size.condition);
    else gap(place, `the limit of ${max} bytes of a text that has no length`, 'longer ones are accepted');
  }
  return undefined;
}

/** The numbers of an enumeration: names for them, and a check that refuses others if it is closed. */
function enumerate(
  place: Place,
  value: string,
  { byValue, closed }: NonNullable<Extract<Shape, { is: 'integer' }>['names']>,
): void {
  if (closed) check(place, [...byValue.keys()].map((one) => `${value} == ${one}`).join(' or '));
  if ([...byValue.keys()].some((one) => one < 0)) return;
  const known = place.definition.enumeration(`${place.path}_names`, byValue);
  const id = place.type.id(`${place.name}_name`);
  place.type.instances[id] = {
    value,
    enum: known,
    ...(place.condition !== undefined && { if: place.condition }),
  };
}

/** The numbers that share an integer, as instances. */
function members(
  place: Place,
  raw: string,
  { width, otherBits }: Extract<Shape, { is: 'integer' }>,
  bits: readonly Bits[],
): void {
  let covered = 0n;
  for (const { name, shift, width: size, signed, constant } of bits) {
    const span = 2n ** BigInt(size);
    covered += (span - 1n) << BigInt(shift);
    const part = `${shift === 0 ? raw : `(${raw} >> ${shift})`} & ${span - 1n}`;
    const value = signed ? `(${part}) >= ${span / 2n} ? (${part}) - ${span} : (${part})` : part;
    if (constant !== undefined) check(place, `(${value}) == ${constant}`);
    else instance(place, `${place.name}_${name}`, value, true);
  }
  const others = 2n ** BigInt(8 * width) - 1n - covered;
  if (others !== 0n && otherBits !== 'ignored')
    check(place, `${raw} & ${others} == 0`.replace(/^(.*) == 0$/, '($1) == 0'));
}

/** A value as an expression, and its type. */
interface Found {
  readonly expression: string;
  readonly shape: Shape;
  /** Set if it is a number that shares an integer. */
  readonly bit?: Bits;
}

/** The value at a path, as an expression here. */
function read(path: string, place: Place): Found | undefined {
  const [first = '', ...names] = path.split('.');
  const known = place.scope.find(first);
  return known && below(place.definition, known, names);
}

/** The value at a path below a field. */
function below(
  definition: Definition,
  { expression, node }: { readonly expression: string; readonly node: AnyNode },
  [name, ...names]: readonly string[],
): Found | undefined {
  const shape = bareOnce(node);
  if (shape === undefined || name === undefined) return shape && { expression, shape };
  if (shape.is === 'integer' && shape.bits !== undefined && names.length === 0) {
    const bit = shape.bits.find((one) => one.name === name);
    if (bit === undefined) return undefined;
    const span = 2n ** BigInt(bit.width);
    const part = `((${expression} >> ${bit.shift}) & ${span - 1n})`;
    return {
      expression: bit.signed ? `(${part} >= ${span / 2n} ? ${part} - ${span} : ${part})` : part,
      shape,
      bit,
    };
  }
  const member = shape.is === 'group' ? definition.structures.get(node)?.fields.get(name) : undefined;
  return member && below(definition, { ...member, expression: `${expression}.${member.expression}` }, names);
}

function bareOnce(node: AnyNode): Shape | undefined {
  const shape = node.kind.shape(node);
  if (shape.is === 'maybe' || shape.is === 'inside') return undefined;
  return shape.is === 'agreed' || shape.is === 'sum' ? bare(node) : shape;
}

/** A condition as an expression. */
function presence({ field, parameter, is, range, not }: Presence, place: Place): string | undefined {
  let expression: string;
  let of: Shape | undefined;
  let isTruth = false;
  if (parameter) expression = String(place.definition.parameters.get(field));
  else {
    const found = read(field, place);
    if (found === undefined) return undefined;
    ({ expression } = found);
    of = found.shape;
    isTruth = found.bit?.truth === true || (of.is === 'integer' && of.truth === true);
    if (!['integer', 'varint', 'digits'].includes(of.is)) return undefined;
  }
  const values = is.flatMap((value): string[] => {
    if (typeof value === 'boolean') return isTruth ? [`${expression} == ${value ? 1 : 0}`] : [];
    if (isTruth) return [];
    if (typeof value === 'string') {
      const raw =
        of !== undefined && 'names' in of && of.names !== undefined
          ? [...of.names.byValue].find(([, name]) => name === value)
          : undefined;
      return raw === undefined ? [] : [`${expression} == ${raw[0]}`];
    }
    // A value that has a name is not a number in Kaitai's expressions.
    const isNamed = of !== undefined && 'names' in of && of.names?.byValue.has(Number(value)) === true;
    return isNamed ? [] : [`${expression} == ${value}`];
  });
  const bounds: string[] = [];
  if (range !== undefined && !isTruth) {
    const names = of !== undefined && 'names' in of ? of.names : undefined;
    const parts = [
      ...(Number.isFinite(range.min) ? [`${expression} >= ${Math.ceil(range.min)}`] : []),
      ...(Number.isFinite(range.max) ? [`${expression} <= ${Math.floor(range.max)}`] : []),
      ...[...(names?.byValue.keys() ?? [])].map((one) => `${expression} != ${one}`),
    ];
    bounds.push(parts.length === 0 ? 'true' : `(${parts.join(' and ')})`);
  }
  const any = [...values, ...bounds];
  const holds = any.length === 0 ? '1 == 0' : any.join(' or ');
  return not ? `not (${holds})` : holds;
}

/** A tag, and the syntax of a declared tag. */
interface ReadTag {
  readonly expression: string;
  readonly number: (tag: Tag) => string;
}

/** Read or find the tag of a choice. */
export function tagOf(extent: Extent, place: Place): ReadTag | undefined {
  if (extent.from === 'parameter') {
    return { expression: String(place.definition.parameters.get(extent.name)), number: String };
  }
  if (extent.from === 'prefix') {
    const shape = bare(extent.node);
    if (!['integer', 'varint', 'digits'].includes(shape.is)) return undefined;
    const expression = express(extent.node, {
      ...place,
      name: place.name === '' ? 'tag' : `${place.name}_tag`,
      path: `${place.path}_tag`,
    });
    if (expression === undefined) return undefined;
    unlist(place, expression);
    return { expression, number: (tag) => numberOf(tag, shape) };
  }
  if (extent.from !== 'path') return undefined;
  const found = read(extent.path, place);
  return found && { expression: found.expression, number: (tag) => numberOf(tag, found.shape) };
}

function numberOf(tag: Tag, shape: Shape): string {
  if (typeof tag !== 'string') return String(tag);
  const names = 'names' in shape ? shape.names : undefined;
  return String([...(names?.byValue ?? [])].find(([, name]) => name === tag)?.[0] ?? -1);
}

/** Switch on a known tag. */
export function choose(
  cases: readonly Case[],
  { expression, number: numbered }: ReadTag,
  place: Place,
  before = 0,
): Result {
  const other = cases.find(({ tags }) => tags?.length === 0);
  const known = cases.filter((one) => one !== other);
  const all = known.flatMap((one) =>
    (one.tags ?? [one.tag]).map((tag): [string, Case] => [numbered(tag), one]),
  );
  if (other === undefined)
    place.type.check(
      `tag_${place.name}`,
      all.map(([tag]) => `${expression} == ${tag}`).join(' or '),
      place.condition,
    );
  const types = new Map(cases.map((one) => [one, caseType(one, place, before)]));
  const entries = all.map(([tag, one]): [string, string] => [tag, types.get(one)!]);
  if (other !== undefined) entries.push(['_', types.get(other)!]);
  add(
    place,
    place.name === '' ? 'body' : place.name,
    { type: { 'switch-on': expression, cases: Object.fromEntries(entries) } },
    true,
  );
  return undefined;
}

function caseType(one: Case, place: Place, before: number): string {
  const type = place.definition.type(`${place.path}_${one.name}`);
  const stream = { ...place.stream };
  memberAttributes(
    one.group.entries,
    {
      ...place,
      type,
      condition: undefined,
      path: `${place.path}_${one.name}`,
      scope: new Scope(place.scope, 1),
      stream,
    },
    before,
  );
  return type.name;
}

/** The condition for the last element, where `_` is the element. */
function lastWords(definition: Definition, item: AnyNode, path: string, is: unknown): string | undefined {
  // An element that is not a structure is the only field of its type.
  const isStructure = item.kind.shape(item).is === 'group';
  const found = below(definition, { expression: isStructure ? '_' : '_.value', node: item }, path.split('.'));
  if (found === undefined || found.shape.is !== 'integer') return undefined;
  const value =
    typeof is === 'boolean' ? Number(is) : typeof is === 'string' ? numberOf(is, found.shape) : is;
  return `${found.expression} == ${String(value)}`;
}
