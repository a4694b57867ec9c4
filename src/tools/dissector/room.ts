import type { AnyNode, Extent, Group, Presence, Shape } from '../../protocol/fields/kind.ts';
import { firstName } from '../../protocol/fields/node.ts';
import { luaNumber, luaString, luaValue } from './lua.ts';

/** Bytes that are known before they are reached: Lua for their number, and the earlier fields that give it. */
interface Room {
  readonly lua: string;
  readonly paths: readonly string[];
}

/**
 * Lua for the bytes that follow a member of a structure which may take the rest. Undefined if it leaves no room, or if the number
 * is not known when it begins.
 */
export function roomBehind(entries: Group['entries'], index: number): string | undefined {
  const { takesRest, mayTakeRest } = entries[index]![1].facts.traits;
  const behind = entries.slice(index + 1);
  if (!(takesRest || mayTakeRest) || behind.length === 0) return undefined;
  // An earlier field, or a field of an enclosing structure.
  const isBefore = (path: string): boolean => entries.findIndex(([name]) => name === firstName(path)) < index;
  const rooms = behind.map(([, node]) => roomOf(node));
  if (!rooms.every((room) => room?.paths.every(isBefore))) return undefined;
  return rooms.length === 1 ? rooms[0]!.lua : `sum_of(${rooms.map((room) => room!.lua).join(', ')})`;
}

/** One entry for each shape: a shape that is missing here does not compile. */
type Table = {
  readonly [S in Shape['is']]: (shape: Extract<Shape, { is: S }>) => Room | undefined;
};

function roomOf(node: AnyNode): Room | undefined {
  const { min, max } = node.facts.size;
  if (min === max) return { lua: luaNumber(min), paths: [] };
  const shape = node.kind.shape(node);
  return (ROOMS[shape.is] as (shape: Shape) => Room | undefined)(shape);
}

const unknown = (): undefined => undefined;

const ROOMS: Table = {
  integer: unknown,
  digits: unknown,
  float: unknown,
  varint: unknown,
  bytes: ({ length }) => said(length, 1),
  text({ length, form }) {
    if (form?.unit !== 'characters') return said(length, 1);
    if (form.encoding === 'utf8') return undefined;
    return said(length, form.encoding === 'utf16le' || form.encoding === 'utf16be' ? 2 : 1);
  },
  list({ item, count }) {
    const { min, max } = item.facts.size;
    return min === max ? said(count, min) : undefined;
  },
  group({ members }) {
    const rooms = members.map(([, node]) => roomOf(node));
    const own = new Set(members.map(([name]) => name));
    if (!rooms.every((room) => room?.paths.every((path) => !own.has(firstName(path))))) return undefined;
    return {
      lua: `sum_of(${rooms.map((room) => room!.lua).join(', ')})`,
      paths: rooms.flatMap((room) => room!.paths),
    };
  },
  choice: unknown,
  maybe({ item, when }) {
    if (when === undefined || when === 'rest') return undefined;
    const inner = roomOf(item);
    if (inner === undefined) return undefined;
    return {
      lua: `room_if(c, ${conditionOf(when)}, ${inner.lua})`,
      paths: when.parameter ? inner.paths : [when.field, ...inner.paths],
    };
  },
  fixed: unknown,
  filling: ({ length }) => said(length, 1),
  inside: ({ length }) => (length === undefined ? undefined : said(length, 1)),
  sum: unknown,
  agreed: ({ base, on }) => (on === 'value' ? roomOf(base) : undefined),
  opaque: unknown,
};

/** The bytes of a field that a size gives, `each` bytes per unit. */
function said(extent: Extent, each: number): Room | undefined {
  if (extent.from !== 'path' && extent.from !== 'parameter') return undefined;
  const { add, unit, nullAt } = extent.adjusted ?? { add: 0, unit: 1, nullAt: undefined };
  const by = `{ add = ${luaNumber(add)}, unit = ${luaNumber(unit)}${nullAt === undefined ? '' : `, nothing = ${luaNumber(nullAt)}`} }`;
  const source =
    extent.from === 'path'
      ? `earlier({ ${extent.path
          .split('.')
          .map((name) => luaString(name))
          .join(', ')} }, ${by})`
      : `parameter_size(${luaString(extent.name)}, ${by})`;
  return { lua: `room_of(c, ${source}, ${each})`, paths: extent.from === 'path' ? [extent.path] : [] };
}

function conditionOf({ field, parameter, is, range, not }: Presence): string {
  const values = is.map((value) => `[${luaValue(value)}] = true`).join(', ');
  const bounds = range ? `, least = ${luaNumber(range.min)}, most = ${luaNumber(range.max)}` : '';
  const when = `{ is = { ${values} }${bounds}, no = ${not === true} }`;
  return parameter
    ? `parameter_condition(${luaString(field)}, ${when})`
    : `condition({ ${field
        .split('.')
        .map((name) => luaString(name))
        .join(', ')} }, ${when})`;
}
