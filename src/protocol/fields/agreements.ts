import type { Agreement, AnyNode, Group } from './kind.ts';
import { firstName } from './node.ts';

/**
 * The fields that must agree with the fields of a structure; they are filled in and checked at its end.
 *
 *     struct({
 *       header: struct({ length: sizeOf(u16be, 'body') }),      header.length  agrees with  body
 *       body: bytes(rest),
 *     })
 */
export function agreementsOf(
  entries: Group['entries'],
  places: ReadonlyMap<string, number>,
  filled: ReadonlySet<string>,
  pathOf: (name: string) => string,
): Agreement[] {
  const agreements: Agreement[] = [];
  const isFilledIn = (path: string): boolean =>
    filled.has(path) || agreements.some((one) => one.path === path);

  for (const [name, node] of entries) {
    if (!mayAgree(name, node)) continue;
    visit(node, name, []);
  }
  for (const one of agreements) one.node.kind.checkAgreement!(one.node, one, entries, pathOf(one.path));
  return agreements;

  function mayAgree(name: string, { facts }: AnyNode): boolean {
    const isMet = facts.references.some(
      ({ use, path }) =>
        (use === 'measure' || use === 'same') && (path === '' || places.has(firstName(path))),
    );
    return isMet || [...filled].some((path) => path.startsWith(`${name}.`));
  }

  /** `path` is undefined inside a list or a union, where nothing can be filled in. */
  function visit(node: AnyNode, path: string | undefined, inner: readonly Names[]): void {
    const shape = node.kind.shape(node);
    if (shape.is === 'agreed') {
      meet(node, shape, path, inner);
      return;
    }
    const members: ReadonlyMap<string, AnyNode | undefined> = node.kind.members?.(node) ?? new Map();
    if (members.size > 0) {
      const own = [{ prefix: path, names: members }, ...inner];
      for (const [name, member] of members) {
        if (member !== undefined) visit(member, path === undefined ? undefined : `${path}.${name}`, own);
      }
    } else if (!node.kind.later) {
      for (const child of node.kind.children?.(node) ?? []) visit(child, undefined, inner);
    }
  }

  function meet(
    node: AnyNode,
    { on, path: of }: AgreedShape,
    path: string | undefined,
    inner: readonly Names[],
  ): void {
    const within =
      of === undefined
        ? inner[0]
        : inner.find(({ names }) => names.has(firstName(of)) && names.get(of) !== node);
    const isHere =
      of === undefined || (places.has(firstName(of)) && entries[places.get(of) ?? -1]?.[1] !== node);
    if (within === undefined && !isHere) return;
    if (on !== 'value') {
      if (within !== undefined) return;
      if (path === undefined) throw new RangeError(cannotFill(node, of));
      agreements.push({ path, node, of });
      return;
    }
    const absolute = within === undefined ? of! : within.prefix && `${within.prefix}.${of}`;
    if (absolute === undefined || !isFilledIn(absolute)) return;
    if (path === undefined) throw new RangeError(cannotFill(node, absolute));
    agreements.push({ path, node, of: absolute });
  }

  function cannotFill(node: AnyNode, of: string | undefined): string {
    const target = of === undefined ? '' : ` of '${of}'`;
    return `${node.kind.name}${target}: the encoder cannot fill it in there; put it into the structure${target}, or into structures inside that, not into a list, a union or an optional by itself`;
  }
}

type AgreedShape = Extract<ReturnType<AnyNode['kind']['shape']>, { is: 'agreed' }>;

/** The names of a structure on the way down, and its path. */
interface Names {
  readonly prefix: string | undefined;
  readonly names: ReadonlyMap<string, AnyNode | undefined>;
}
