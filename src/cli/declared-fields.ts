import type { Declaration } from '../protocol/fields/engine/declaration.ts';
import type { AnyNode, Group, Shape } from '../protocol/fields/kind.ts';

/** A field of a message, as the shell needs it. */
export interface DeclaredField {
  readonly name: string;
  /** What is typed for it; `json` is a list, a structure, or what a codec of one's own takes. */
  readonly takes: 'number' | 'bigint' | 'boolean' | 'text' | 'bytes' | 'name' | 'json';
  readonly isOptional: boolean;
  /** The names that it may have. */
  readonly names: readonly string[];
  /** The members of a structure, the item of a list. */
  readonly inside: readonly DeclaredField[];
}

/** The fields that are typed for each message, by its name; undefined for a codec that was not declared. */
export function declaredFields(codec: object): ReadonlyMap<string, readonly DeclaredField[]> | undefined {
  const root = (codec as { declaration?: Declaration }).declaration?.root;
  const shape = root?.kind.shape(root);
  if (shape?.is !== 'choice') return undefined;
  return new Map(shape.cases.map(({ name, group }) => [name, membersOf(group)]));
}

/** What stands for a field that is typed by itself; `json` for all others. */
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
  // A field that is named before it is declared may hold itself.
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
