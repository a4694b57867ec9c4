import type { Declaration } from '../protocol/fields/engine/declaration.ts';
import type { AnyNode, Group, Shape } from '../protocol/fields/kind.ts';

/** A field of a message that the user types. */
export interface DeclaredField {
  readonly name: string;
  /** The kind of text typed for the field; `json` for a list, a structure, or a custom field. */
  readonly takes: 'number' | 'bigint' | 'boolean' | 'text' | 'bytes' | 'name' | 'json';
  readonly isOptional: boolean;
  /** The names that stand for values of the field. */
  readonly names: readonly string[];
  /** The members of a structure, or the item of a list. */
  readonly inside: readonly DeclaredField[];
}

/** The typed fields of each message, by message name; undefined for a codec that is not declared field by field. */
export function declaredFields(codec: object): ReadonlyMap<string, readonly DeclaredField[]> | undefined {
  const root = (codec as { declaration?: Declaration }).declaration?.root;
  const shape = root?.kind.shape(root);
  if (shape?.is !== 'choice') return undefined;
  return new Map(shape.cases.map(({ name, group }) => [name, membersOf(group)]));
}

/** The shapes typed as a single word; all others are typed as JSON. */
const TAKES: Readonly<Partial<Record<Shape['is'], DeclaredField['takes']>>> = {
  integer: 'number',
  varint: 'number',
  float: 'number',
  text: 'text',
  bytes: 'bytes',
};

function membersOf({ entries, derived }: Pick<Group, 'entries' | 'derived'>): DeclaredField[] {
  return entries
    .filter(([name, { facts }]) => {
      const { absent, computed, agrees } = facts.traits;
      return !(derived.has(name) || absent || computed || agrees);
    })
    .map(([name, node]) => fieldOf(name, node));
}

function fieldOf(name: string, node: AnyNode): DeclaredField {
  const shape = node.kind.shape(node);
  if (shape.is === 'maybe') return { ...fieldOf(name, shape.item), isOptional: true };
  // Only a sized field is followed: a lazy one may contain itself, and a mapped one takes other values.
  if (shape.is === 'inside' && shape.length !== undefined) return fieldOf(name, shape.item);
  return { name, isOptional: false, ...wordsOf(shape) };
}

function wordsOf(shape: Shape): Pick<DeclaredField, 'takes' | 'names' | 'inside'> {
  const takes = TAKES[shape.is] ?? 'json';
  const none = { takes, names: [], inside: [] };
  if (shape.is === 'group') {
    return { ...none, inside: membersOf({ entries: shape.members, derived: shape.derived }) };
  }
  if (shape.is === 'list') return { ...none, inside: [fieldOf('', shape.item)] };
  if (shape.is !== 'integer' && shape.is !== 'varint') return none;
  if (shape.names !== undefined) return { ...none, takes: 'name', names: [...shape.names.byValue.values()] };
  if (shape.is === 'varint') return none;
  if (shape.bits !== undefined) return { ...none, takes: 'json' };
  if (shape.truth) return { ...none, takes: 'boolean' };
  return shape.big ? { ...none, takes: 'bigint' } : none;
}
