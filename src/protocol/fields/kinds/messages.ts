import { literal, memberText } from '../engine/code.ts';
import { Problem } from '../engine/problem.ts';
import { memberOf } from '../engine/read-walk.ts';
import { type AnyField, type Fields, type MessageTable, nodeOf, type Parameter } from '../field.ts';
import type { AnyNode, Kind } from '../kind.ts';
import { declare } from '../node.ts';
import { settled } from '../settled.ts';
import { tagSource } from '../source.ts';
import {
  type Cases,
  caseOfTag,
  caseOfValue,
  casesOf,
  encodeTag,
  headOf,
  keepsTag,
  type Otherwise,
  tagOf,
} from './cases.ts';
import { caseLabels, messageObject, taggedCases, UNION } from './union.ts';

/** All messages of a protocol: a union that is a whole frame. */
interface Messages extends Cases {
  /** How many fields of each message come before the tag. */
  readonly before: number;
  /** How many fields of each message are the trailer. */
  readonly behind: number;
  /** The union that it was made from. */
  readonly union: AnyNode | undefined;
  /** The bytes of the fields before the tag. */
  readonly headerSize: number;
  /** The header field that is the tag, or contains it; undefined if the tag follows the header. */
  readonly inHeader: InHeader | undefined;
}

interface InHeader {
  readonly node: AnyNode;
  /** Bytes before it. */
  readonly offset: number;
  readonly members: readonly string[];
}

export const MESSAGES: Kind<Messages> = {
  ...(UNION as unknown as Kind<Messages>),
  name: 'messages',
  // The references inside a message are resolved there; only a tag that is a parameter leads out.
  references: ({ tag, byTag }) =>
    tag.extent.from === 'parameter' ? tag.references('tag', [...byTag.keys()]) : [],
  shape: ({ tag, cases, before }) => ({ is: 'choice', tag: tag.extent, cases, before }),
  call: ({ tag, cases, other, before: header, behind: trailer, union }) => ({
    ...{ maker: 'messages', tag: tag.extent, cases, header, trailer, union },
    otherwise: other === undefined ? 'reject' : 'unknown',
  }),

  *read(node, walk) {
    if (walk.at === walk.end && node.facts.size.min > 0) {
      throw new Problem('ERR_MESSAGE_EMPTY', 'a message of at least 1 byte', 0);
    }
    const start = walk.at;
    const { inHeader } = node;
    walk.take(node.headerSize);
    const tagStart = inHeader === undefined ? walk.at : start + inHeader.offset;
    const { extent } = node.tag;
    let tag: unknown;
    if (inHeader === undefined) {
      const read = () => node.tag.read(walk);
      tag =
        extent.from === 'prefix' ? walk.span('type', extent.node.kind.name, tagStart, read, false) : read();
    } else {
      walk.at = tagStart;
      tag = memberOf(walk.value(inHeader.node), inHeader.members);
      walk.at = start + node.headerSize;
    }
    const tagEnd = walk.at;
    const one = caseOfTag(node, tag, 'ERR_MESSAGE_UNKNOWN', tagStart);
    walk.messageType = one.name;
    walk.at = start;
    const values = headOf(one, tag);
    walk.open(one.group, start);
    yield* walk.members(one.group, 0, node.before, values);
    walk.at = tagEnd;
    yield* walk.members(one.group, node.before, one.group.entries.length, values);
    walk.close(one.group);
    return values;
  },

  *write(node, value, walk) {
    const one = caseOfValue(node, value, 'ERR_MESSAGE_UNKNOWN');
    walk.messageType = one.name;
    walk.open(one.group, value as object, walk.at);
    yield* walk.members(one.group, 0, node.before, value as object);
    node.tag.write(tagOf(node, one, value as object, walk, node.tag), walk);
    yield* walk.members(one.group, node.before, one.group.entries.length, value as object);
    walk.close(one.group);
  },

  decodeRoot({ tag, cases, before, headerSize, inHeader, other }, out) {
    const ahead = inHeader?.offset ?? headerSize;
    out.line(ahead === 0 ? 'let p = s;' : `let p = s + ${ahead};`);
    const read =
      inHeader === undefined ? tag.decode(out) : memberText(out.value(inHeader.node), inHeader.members);
    const isKept = cases.some(({ tags }) => tags !== undefined);
    const text = isKept ? out.define(read) : read;
    out.settle();
    const end = inHeader === undefined ? 'p' : `s + ${headerSize}`;
    out.line(`switch (${text}) {`);
    for (const one of cases) {
      const { group } = one;
      const branch = out.branch(() => {
        out.line(`let p = ${before === 0 ? 'q' : 's'};`);
        out.line('const z = 0;');
        // The tag follows the header, so the header's bytes are there.
        out.reset(inHeader === undefined ? headerSize : 0);
        out.open(group, 's');
        const header = out.members(group, 0, before);
        if (before > 0) {
          out.line('p = q;');
          out.reset(0);
        }
        const body = out.members(group, before, group.entries.length);
        out.close(group);
        return messageObject(one, 'g', [...header, ...body], out);
      });
      out.line(`${caseLabels(one, tag)} return ${branch}(b, s, ${end}, e, ${isKept ? text : '0'});`);
    }
    if (other === undefined) out.line('default: return FAILED;');
    out.line('}');
  },

  encodeRoot(node, out) {
    const { cases, before } = node;
    out.requireObject('m');
    out.line('switch (m.type) {');
    for (const one of cases) {
      const { name, group } = one;
      const branch = out.branch(() => {
        out.open(group);
        out.members(group, 0, before, 'm');
        encodeTag(node, one, 'm', out);
        out.members(group, before, group.entries.length, 'm');
        out.close(group);
      });
      out.line(`case ${literal(name)}: return ${branch}(m, t, s);`);
    }
    out.line('default: return -1;');
    out.line('}');
  },
};

/**
 * All messages of a protocol as one field. `header` are fields of a fixed size that come before the tag, or contain it; `trailer`
 * are fields after each message.
 */
export function messagesNode(
  tagField: string | AnyField | Parameter,
  table: MessageTable,
  header: Fields,
  trailer: Fields = {},
  otherwise?: Otherwise,
): AnyNode {
  let headerSize = 0;
  let inHeader: InHeader | undefined;
  const [first, ...members] = typeof tagField === 'string' ? tagField.split('.') : [];
  const given = Object.entries(header).map(([name, field]) => [name, nodeOf(field, name)] as const);
  for (const [name, node] of settled(given, (name) => name)) {
    const { min, max } = node.facts.size;
    if (min !== max) throw new RangeError(`${name}: a field before the tag must have a fixed size`);
    if (name === first) inHeader = { node, offset: headerSize, members };
    headerSize += min;
  }
  if (first !== undefined && inHeader === undefined) {
    throw new TypeError(`messages: the header has no field '${first}' for the tag '${String(tagField)}'`);
  }
  const before = Object.keys(header).length;
  const source = tagSource(tagField, keepsTag(table, otherwise));
  const cases = casesOf(source, table, { header, trailer, isTagInHeader: inHeader !== undefined }, otherwise);
  return declare(MESSAGES, {
    ...{ ...cases, before, behind: Object.keys(trailer).length },
    ...{ headerSize, inHeader, union: undefined },
  });
}

/** A union as a whole frame; undefined for a union whose tag does not stand right before it, and for any other field. */
export function unionRoot(node: AnyNode): AnyNode | undefined {
  const cases = taggedCases(node);
  if (cases === undefined) return undefined;
  const alone = { before: 0, behind: 0, headerSize: 0, inHeader: undefined };
  return declare(MESSAGES, { ...cases, ...alone, union: node });
}
