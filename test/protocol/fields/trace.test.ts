import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { MessageError } from '../../../src/errors.ts';
import { trace } from '../../../src/protocol/fields/engine/trace.ts';
import {
  array,
  bool,
  constant,
  flags,
  message,
  optional,
  struct,
  u8,
  u16be,
  until,
  utf8,
  when,
} from '../../../src/protocol/fields/kinds.ts';
import { codecOf, messages } from '../../../src/protocol/fields/messages.ts';

const codec = messages(u8, {
  list: message(7, {
    flags: flags(u8, { named: 0 }),
    name: optional(utf8(u8), when('flags.named')),
    items: array(struct({ key: u16be, text: utf8(u8) }), u8),
  }),
});

// tag · flags · length 2 · 'hi' · count 2 · key 1 · 'a' · key 2 · 'b'
const frame = Buffer.from('07 01 02 6869 02 0001 01 61 0002 01 62'.replaceAll(' ', ''), 'hex');

it('gives every field’s path, bytes and value, outer before inner', () => {
  const { spans, value, error } = trace(codec, Buffer.concat([Buffer.alloc(5), frame]), 5);
  expect(error).toBeUndefined();
  expect(value).toEqual(codec.decode(frame));
  expect(spans.map(({ path, start, end }) => `${path} ${start}-${end}`)).toEqual([
    ' 0-14',
    'type 0-1',
    'flags 1-2',
    'name 2-5',
    'items 5-14',
    'items[0] 6-10',
    'items[0].key 6-8',
    'items[0].text 8-10',
    'items[1] 10-14',
    'items[1].key 10-12',
    'items[1].text 12-14',
  ]);
  expect(spans.at(-1)?.value).toBe('b');
});

it('gives the kind of every field', () => {
  const lists = codecOf(
    struct({
      // a u8 each, up to a zero
      ended: array(u8, until(constant(u8, 0))),
      // a bool each, up to one that is false
      chained: array(struct({ more: bool }), until('more', false)),
    }),
  );
  const { spans } = trace(lists, Buffer.of(5, 0, 0));
  expect(spans.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
    ' message',
    ' struct',
    'ended endedArray',
    'ended[0] int',
    'chained chain',
    'chained[0] struct',
    'chained[0].more bool',
  ]);
});

it('gives what, where, expected and got, with the bytes around it', () => {
  const bad = Buffer.from(frame);
  bad[13] = 0xff;
  const { error, spans } = trace(codec, bad);
  expect(error).toBeInstanceOf(MessageError);
  expect(error).toMatchObject({
    code: 'ERR_MESSAGE_UTF8',
    messageType: 'list',
    path: 'items[1].text',
    offset: 13,
    expected: 'UTF-8',
    message: 'list.items[1].text: expected UTF-8, got ff (hex), at byte 13',
    excerpt: [
      '00000000: 07 01 02 68 69 02 00 01 01 61 00 02 01 ff', //
      '                                                 ^',
    ].join('\n'),
  });
  // What could be read before is there all the same.
  expect(spans.map((span) => span.path)).toContain('items[1].key');
});

it('puts the excerpt under the error where it is printed', () => {
  const { error } = trace(codec, frame.subarray(0, 7));
  expect(String(error)).toContain('list.items');
  const shown = '\n00000000: 07 01 02 68 69 02 00\n                            ^';
  expect(String(error)).toContain(shown);
  expect(inspect(error)).toContain(shown);
  expect(inspect(error)).toContain("code: 'ERR_MESSAGE_SHORT'");
});
