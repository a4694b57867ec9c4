import { literal } from '../engine/code.ts';
import { Problem } from '../engine/problem.ts';
import { type AnyField, type Fields, type MessageTable, nodeOf } from '../field.ts';
import type { AnyNode, Kind } from '../kind.ts';
import { declare } from '../node.ts';
import { tagSource } from '../source.ts';
import { type Cases, caseOfTag, caseOfValue, casesOf } from './cases.ts';
import { messageLiteral, UNION } from './union.ts';

/** What the frames of a protocol hold: a union as the whole of a frame. */
interface Messages extends Cases {
  /** How many fields of each message stand before the tag. */
  readonly before: number;
  /** Their bytes. */
  readonly headerSize: number;
}

export const MESSAGES: Kind<Messages> = {
  ...(UNION as unknown as Kind<Messages>),
  name: 'messages',
  shape: ({ tag, cases, before }) => ({ is: 'choice', tag: tag.extent, cases, before }),

  *read(node, walk) {
    if (walk.at === walk.end) {
      throw new Problem('ERR_MESSAGE_EMPTY', 'a message of at least 1 byte', 0);
    }
    const start = walk.at;
    walk.take(node.headerSize);
    const tagStart = walk.at;
    const { extent } = node.tag;
    const kind = extent.from === 'prefix' ? extent.node.kind.name : '';
    const tag = walk.span('type', kind, tagStart, () => node.tag.read(walk), false);
    const tagEnd = walk.at;
    const one = caseOfTag(node, tag, 'ERR_MESSAGE_UNKNOWN', tagStart);
    walk.messageType = one.name;
    walk.at = start;
    const values = { type: one.name };
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
    node.tag.write(one.tag, walk);
    yield* walk.members(one.group, node.before, one.group.entries.length, value as object);
    walk.close(one.group);
  },

  decodeRoot({ tag, cases, before, headerSize }, out) {
    out.line(headerSize === 0 ? 'let p = s;' : `let p = s + ${headerSize};`);
    const text = tag.decode(out);
    out.settle();
    out.line(`switch (${text}) {`);
    for (const { name, tag: value, group } of cases) {
      const branch = out.branch(() => {
        out.line(`let p = ${before === 0 ? 'q' : 's'};`);
        out.line('const z = 0;');
        // The tag stood behind them, so they are there.
        out.reset(headerSize);
        out.open(group, 's');
        const header = out.members(group, 0, before);
        if (before > 0) {
          out.line('p = q;');
          out.reset(0);
        }
        const body = out.members(group, before, group.entries.length);
        out.close(group);
        return messageLiteral(name, [...header, ...body]);
      });
      out.line(`case ${literal(tag.raw(value))}: return ${branch}(b, s, p, e);`);
    }
    out.line('default: return FAILED;');
    out.line('}');
  },

  encodeRoot({ tag, cases, before }, out) {
    out.requireObject('m');
    out.line('switch (m.type) {');
    for (const { name, tag: value, group } of cases) {
      const branch = out.branch(() => {
        out.open(group);
        out.members(group, 0, before, 'm');
        tag.encodeTag(value, out);
        out.members(group, before, group.entries.length, 'm');
        out.close(group);
      });
      out.line(`case ${literal(name)}: return ${branch}(m, t, s);`);
    }
    out.line('default: return -1;');
    out.line('}');
  },
};

/** All messages of a protocol as one field; `header` are fields of a fixed size that stand before the tag. */
export function messagesNode(tagField: AnyField, table: MessageTable, header: Fields): AnyNode {
  let headerSize = 0;
  for (const [name, field] of Object.entries(header)) {
    const { min, max } = nodeOf(field, name).facts.size;
    if (min !== max) throw new RangeError(`${name}: a field before the tag must have a fixed size`);
    headerSize += min;
  }
  const before = Object.keys(header).length;
  return rootOf(casesOf(tagSource(tagField), table, header), before, headerSize);
}

/** The cases of a union as the whole of a frame. */
export function rootOf(cases: Cases, before = 0, headerSize = 0): AnyNode {
  return declare(MESSAGES, { ...cases, before, headerSize });
}
