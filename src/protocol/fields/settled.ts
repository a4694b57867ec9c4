import type { AnyNode, Group, Reference } from './kind.ts';
import { firstName, namesIn } from './node.ts';

/**
 * The fields of a structure, where each `same(path)` that repeats one of them has that field's layout, at any depth.
 *
 *     struct({ id: u16be, list: array(struct({ again: same('id') }), u8) })        again is a u16be
 */
export function settled(entries: Group['entries'], pathOf: (name: string) => string): Group['entries'] {
  const done: (readonly [string, AnyNode])[] = [];
  for (const [name, node] of entries) done.push([name, settle(node, true, pathOf(name))]);
  return done;

  function isMet(reference: Reference): boolean {
    const { use, path, repeated } = reference;
    return use === 'same' && repeated === undefined && done.some(([name]) => name === firstName(path));
  }

  function settle(node: AnyNode, isDirect: boolean, where: string): AnyNode {
    const reference = node.facts.references.find(isMet);
    if (reference === undefined) return node;
    const { rebuild } = node.kind;
    if (rebuild !== undefined) return rebuild(node, (child) => settle(child, false, where));
    return node.kind.settle!(node, targetOf(reference.path, isDirect, where));
  }

  function targetOf(path: string, isDirect: boolean, where: string): AnyNode {
    const [first, ...members] = namesIn(path);
    let node = done.find(([name]) => name === first)![1];
    for (const member of members) {
      const all: ReadonlyMap<string, AnyNode | undefined> | undefined = node.kind.members?.(node);
      if (!all?.has(member)) throw new TypeError(`${where} refers to '${path}', which does not exist`);
      const next = all.get(member);
      if (next === undefined) {
        throw new TypeError(
          `${where}: '${path}' is some bits of a field; give same(field, path) a field to hold them`,
        );
      }
      node = next;
    }
    // In another structure, the paths of this layout would lead elsewhere.
    if (node.facts.references.length > 0 && !(isDirect && members.length === 0)) {
      throw new TypeError(
        `${where}: the layout of '${path}' depends on '${node.facts.references[0]!.path}'; give same(field, path) a field of its own`,
      );
    }
    return node;
  }
}
