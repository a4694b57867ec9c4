import type { Node } from './field-nodes.ts';

/** What the field at a path of a declaration holds. */
export interface FieldFacts {
  /** What its values are; `'unknown'` for a field that only its own code knows. */
  readonly holds: 'number' | 'bigint' | 'text' | 'unknown' | 'other';
  /** The range of a number or a bigint, as far as it is known exactly. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
}

/**
 * The field at a path such as `'header.id'`, by the names of the messages that have it. A declaration of one structure has
 * the name `''`.
 *
 * @example fieldsAt(codec.declaration.root, 'id').get('read'); // { holds: 'number', min: 0, max: 255 }
 */
export function fieldsAt(root: Node, path: string): ReadonlyMap<string, FieldFacts> {
  const names = path.split('.');
  const found = new Map<string, FieldFacts>();
  const add = (message: string, node: Node): void => {
    const facts = factsAt(node, names, 0);
    if (facts !== undefined) found.set(message, facts);
  };
  if (root.kind === 'union') for (const [name, { struct }] of root.byName) add(name, struct);
  else add('', root);
  return found;
}

function factsAt(node: Node, names: readonly string[], index: number): FieldFacts | undefined {
  if (node.kind === 'bounded' || node.kind === 'optional') return factsAt(node.item, names, index);
  if (node.kind === 'lazy') return factsAt(node.get(), names, index);
  const name = names[index];
  if (name === undefined) return factsOf(node);
  if (node.kind === 'struct') {
    const entry = node.entries.find(([known]) => known === name);
    return entry && factsAt(entry[1], names, index + 1);
  }
  if (node.kind === 'bits' && index === names.length - 1) {
    const member = node.members.find((bits) => bits.name === name);
    return member && { holds: 'number', min: 0, max: 2 ** member.width - 1 };
  }
  return node.kind === 'custom' ? UNKNOWN : undefined;
}

const UNKNOWN: FieldFacts = { holds: 'unknown' };

function factsOf(node: Node): FieldFacts {
  switch (node.kind) {
    case 'int': {
      const bits = 8 * node.width - (node.signed ? 1 : 0);
      return { holds: 'number', min: node.signed ? -(2 ** bits) : 0, max: 2 ** bits - 1 };
    }
    case 'bigint': {
      const bits = node.signed ? 63n : 64n;
      return { holds: 'bigint', min: node.signed ? -(2n ** bits) : 0n, max: 2n ** bits - 1n };
    }
    case 'varint':
    case 'float':
      return { holds: 'number' };
    case 'utf8':
    case 'cstring':
      return { holds: 'text' };
    case 'custom':
      return UNKNOWN;
    default:
      return { holds: 'other' };
  }
}
