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
  const root = (codec as { declaration?: { root: Node } }).declaration?.root;
  if (root?.byName === undefined) return undefined;
  return new Map([...root.byName].map(([name, one]) => [name, membersOf((one as { struct: Node }).struct)]));
}

/** What is read of a declaration here: names and kinds, nothing of how they lie on the wire. */
interface Node {
  readonly kind: string | { readonly name: string };
  readonly entries?: readonly (readonly [name: string, node: Node])[];
  readonly derived?: ReadonlySet<string>;
  readonly item?: Node;
  readonly members?: readonly { readonly name: string; readonly width: number }[];
  readonly byName?: ReadonlyMap<string, unknown>;
}

const TAKES: Readonly<Record<string, DeclaredField['takes']>> = {
  int: 'number',
  varint: 'number',
  float: 'number',
  bigint: 'bigint',
  bool: 'boolean',
  utf8: 'text',
  cstring: 'text',
  bytes: 'bytes',
  enumeration: 'name',
};

/** Fields that have no place in a value, or that the encoder computes. */
const NOT_TYPED: ReadonlySet<string> = new Set(['constant', 'padding', 'checksum']);

function kindOf({ kind }: Node): string {
  return typeof kind === 'string' ? kind : kind.name;
}

function membersOf(struct: Node): DeclaredField[] {
  return (struct.entries ?? [])
    .filter(([name, node]) => !struct.derived?.has(name) && !NOT_TYPED.has(kindOf(node)))
    .map(([name, node]) => fieldOf(name, node));
}

function fieldOf(name: string, node: Node): DeclaredField {
  const kind = kindOf(node);
  if ((kind === 'optional' || kind === 'bounded') && node.item !== undefined) {
    return { ...fieldOf(name, node.item), isOptional: kind === 'optional' };
  }
  const inside = kind === 'struct' ? membersOf(node) : kind === 'array' ? [fieldOf('', node.item!)] : [];
  const takes = Object.hasOwn(TAKES, kind) ? TAKES[kind]! : 'json';
  const names = takes === 'name' ? [...(node.byName?.keys() ?? [])] : [];
  return { name, takes, isOptional: false, names, inside };
}
