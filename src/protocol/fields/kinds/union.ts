import { checkOptions, oneOf, requireObjectOf } from '../../../options.ts';
import { literal } from '../engine/code.ts';
import type {
  AnyField,
  Field,
  Filled,
  Flat,
  MessageTable,
  OuterFills,
  Parameter,
  StructIn,
  StructOut,
  TagMember,
  UnknownMessage,
} from '../field.ts';
import type { AnyNode, Case, Decoding, Kind, TagSource } from '../kind.ts';
import { declare } from '../node.ts';
import { tagSource } from '../source.ts';
import {
  type Cases,
  caseOfTag,
  caseOfValue,
  casesOf,
  changedCases,
  encodeTag,
  headOf,
  keepsTag,
  type Otherwise,
  tagOf,
} from './cases.ts';

export const UNION: Kind<Cases> = {
  name: 'union',
  size({ tag, cases }) {
    const sizes = cases.map(({ group }) => group.facts.size);
    return {
      min: tag.size.min + Math.min(...sizes.map(({ min }) => min)),
      max: tag.size.max + Math.max(...sizes.map(({ max }) => max)),
    };
  },
  shape: ({ tag, cases }) => ({ is: 'choice', tag: tag.extent, cases, before: 0 }),
  call: ({ tag, cases, other }) => ({
    ...{ maker: 'union', tag: tag.extent, cases },
    otherwise: other === undefined ? 'reject' : 'unknown',
  }),
  children: ({ cases }) => cases.map(({ group }) => group),
  rebuild: (node, change) => declare(UNION, { ...node, ...changedCases(node, change) }),
  references: ({ tag, byTag, other }) =>
    tag.references('tag', [...byTag.keys()]).map((one) => ({ ...one, open: other !== undefined })),
  traits: ({ cases }) => ({
    takesRest: cases.every(({ group }) => group.facts.traits.takesRest === true),
    mayTakeRest: cases.some(({ group }) => group.facts.traits.mayTakeRest === true),
  }),

  *read(node, walk) {
    const start = walk.at;
    const { extent } = node.tag;
    const read = () => node.tag.read(walk);
    const tag =
      extent.from === 'prefix' ? walk.span('type', extent.node.kind.name, start, read, true) : read();
    const one = caseOfTag(node, tag, 'ERR_MESSAGE_VALUE', start);
    const values = headOf(one, tag);
    walk.open(one.group, start);
    yield* walk.members(one.group, 0, one.group.entries.length, values);
    walk.close(one.group);
    return values;
  },

  *write(node, value, walk) {
    const one = caseOfValue(node, value, 'ERR_FIELD_RANGE');
    const start = walk.at;
    node.tag.write(tagOf(node, one, value as object, walk, node.tag), walk);
    walk.open(one.group, value as object, start);
    yield* walk.members(one.group, 0, one.group.entries.length, value as object);
    walk.close(one.group);
  },

  decode({ tag, cases, other }, out) {
    const start = cases.some(({ group }) => group.finishes) ? out.define(out.here()) : '';
    const isKept = cases.some(({ tags }) => tags !== undefined);
    const text = isKept ? out.define(tag.decode(out)) : tag.decode(out);
    out.settle();
    const result = out.define('undefined', 'let');
    out.line(`switch (${text}) {`);
    for (const one of cases) {
      out.line(`${caseLabels(one, tag)} {`);
      out.open(one.group, start);
      const pairs = out.members(one.group, 0, one.group.entries.length);
      out.close(one.group);
      out.line(`${result} = ${messageObject(one, text, pairs, out)};`);
      out.settle();
      out.line('break;');
      out.line('}');
    }
    if (other === undefined) out.line('default: return FAILED;');
    out.line('}');
    return { value: result };
  },

  encode(node, value, out) {
    const { cases } = node;
    out.requireObject(value);
    out.settle();
    const start = cases.some(({ group }) => group.finishes) ? out.define('p') : '';
    out.line(`switch (${value}.type) {`);
    for (const one of cases) {
      out.line(`case ${literal(one.name)}: {`);
      encodeTag(node, one, value, out);
      out.open(one.group, start);
      out.members(one.group, 0, one.group.entries.length, value);
      out.close(one.group);
      out.settle();
      out.line('break;');
      out.line('}');
    }
    out.line('default: return -1;');
    out.line('}');
  },

  bound({ tag, cases }, value, out) {
    out.fixed(tag.size.max);
    out.settle();
    out.line(`if (typeof ${value} === 'object' && ${value} !== null) {`);
    out.line(`switch (${value}.type) {`);
    for (const { name, group } of cases) {
      out.line(`case ${literal(name)}: {`);
      out.members(group, value);
      out.settle();
      out.line('break;');
      out.line('}');
    }
    out.line('}');
    out.line('}');
  },
};

/** The labels of a case in a switch over tags. */
export function caseLabels({ tag, tags }: Case, source: TagSource): string {
  if (tags?.length === 0) return 'default:';
  return (tags ?? [tag]).map((one) => `case ${literal(source.raw(one))}:`).join(' ');
}

/** Code for a message's object: its type and its members. */
export function messageObject(
  { name, tags }: Case,
  tag: string,
  pairs: readonly (readonly [string, { value: string }])[],
  out: Decoding,
): string {
  return out.object([
    ['type', JSON.stringify(name)],
    ...(tags === undefined ? [] : [['tag', tag] as const]),
    ...pairs.map(([name, { value }]) => [name, value] as const),
  ]);
}

/** The cases of a union whose tag stands right before it; undefined for any other field. */
export function taggedCases(node: AnyNode): Cases | undefined {
  if (node.kind !== UNION) return undefined;
  const cases = node as unknown as Cases;
  return cases.tag.extent.from === 'prefix' ? cases : undefined;
}

/**
 * One of several structures, told apart by a tag: an integer or enumeration right before it, or the path of one declared earlier,
 * which is then derived. The value has the case's name as `type`. With `otherwise: 'unknown'` any other tag gives `{ type:
 * 'unknown', tag, payload }`; the payload extends to the end of the frame, or of the enclosing `bounded`.
 *
 * @example
 * struct({
 *   kind: u8,
 *   shape: union('kind', { circle: message(1, { radius: u16le }), square: message(2, { side: u16le }) }),
 * }); // { kind: 1, shape: { type: 'circle', radius: 7 } }
 */
export function union<
  const T extends string | AnyField | Parameter,
  M extends MessageTable,
  const O extends Otherwise = 'reject',
>(
  tag: T,
  cases: M,
  options: { otherwise?: O } = {},
): Field<
  | { [K in keyof M & string]: Flat<{ type: K } & TagMember<M[K]> & StructOut<M[K]['fields']>> }[keyof M &
      string]
  | (O extends 'unknown' ? UnknownMessage : never),
  | { [K in keyof M & string]: Flat<{ type: K } & TagMember<M[K]> & StructIn<M[K]['fields']>> }[keyof M &
      string]
  | (O extends 'unknown' ? UnknownMessage<Uint8Array> : never),
  Filled<T> | { [K in keyof M]: OuterFills<M[K]['fields']> }[keyof M]
> {
  checkOptions('union', options, { otherwise: oneOf('reject', 'unknown') });
  requireObjectOf('union', 'an object of names and messages', cases);
  const { otherwise } = options;
  return declare(UNION, casesOf(tagSource(tag, keepsTag(cases, otherwise)), cases, {}, otherwise));
}
