import type { AnyNode, Shape } from './kind.ts';

/** What the field at a path of a declaration holds. */
export interface FieldFacts {
  /** The type of its values; `'unknown'` for a field that only its own code knows. */
  readonly holds: 'number' | 'bigint' | 'text' | 'unknown' | 'other';
  /** The range of a number or a bigint, if it is known exactly. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
}

/**
 * The field at a path such as `'header.id'`, in every message that has it, by message name. A declaration of a single structure
 * has the name `''`.
 *
 * @example fieldsAt(codec.declaration.root, 'id').get('read'); // { holds: 'number', min: 0, max: 255 }
 */
export function fieldsAt(root: AnyNode, path: string): ReadonlyMap<string, FieldFacts> {
  const names = path.split('.');
  const found = new Map<string, FieldFacts>();
  const add = (message: string, node: AnyNode): void => {
    const facts = factsAt(node, names, 0);
    if (facts !== undefined) found.set(message, facts);
  };
  const shape = root.kind.shape(root);
  if (shape.is === 'choice') for (const { name, group } of shape.cases) add(name, group);
  else add('', root);
  return found;
}

function factsAt(node: AnyNode, names: readonly string[], index: number): FieldFacts | undefined {
  const shape = node.kind.shape(node);
  if (shape.is === 'inside' || shape.is === 'maybe') return factsAt(shape.item, names, index);
  if (shape.is === 'agreed') return factsAt(shape.base, names, index);
  const name = names[index];
  if (name === undefined) return factsOf(shape);
  if (shape.is === 'group') {
    const member = shape.members.find(([known]) => known === name);
    return member && factsAt(member[1], names, index + 1);
  }
  if (shape.is === 'integer' && index === names.length - 1) {
    const member = shape.bits?.find((one) => one.name === name);
    return member === undefined || member.truth || member.constant !== undefined
      ? undefined
      : numbersOf(member.width, member.signed === true, member.width > 53);
  }
  return shape.is === 'opaque' ? UNKNOWN : undefined;
}

/** The range of an integer of `width` bits. */
function numbersOf(width: number, isSigned: boolean, isBig: boolean): FieldFacts {
  const bits = isSigned ? width - 1 : width;
  if (isBig) {
    const most = 2n ** BigInt(bits);
    return { holds: 'bigint', min: isSigned ? -most : 0n, max: most - 1n };
  }
  const max = Math.min(2 ** bits - 1, Number.MAX_SAFE_INTEGER);
  return { holds: 'number', min: isSigned ? Math.max(-(2 ** bits), Number.MIN_SAFE_INTEGER) : 0, max };
}

const UNKNOWN: FieldFacts = { holds: 'unknown' };

function factsOf(shape: Shape): FieldFacts {
  switch (shape.is) {
    case 'integer': {
      if (shape.names !== undefined || shape.bits !== undefined || shape.truth) return { holds: 'other' };
      return numbersOf(8 * shape.width, shape.signed, shape.big === true);
    }
    case 'digits':
      return shape.names === undefined ? { holds: 'number', ...shape.range } : { holds: 'other' };
    case 'varint':
      return { holds: shape.names !== undefined ? 'other' : shape.big ? 'bigint' : 'number' };
    case 'float':
      return { holds: 'number' };
    case 'text':
      return { holds: 'text' };
    case 'opaque':
      return UNKNOWN;
    default:
      return { holds: 'other' };
  }
}
