import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete } from '../../src/cli/complete.ts';
import { declaredFields } from '../../src/cli/declared-fields.ts';
import { parseMessage, showMessage } from '../../src/cli/message-text.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import {
  array,
  bool,
  bytes,
  enumeration,
  f64be,
  message,
  optional,
  padding,
  rest,
  struct,
  u8,
  u16be,
  u64be,
  utf8,
} from '../../src/protocol/fields/kinds.ts';
import { messages } from '../../src/protocol/fields/messages.ts';
import { plain } from '../../src/protocol/recording/plain.ts';

const codec = messages(u8, {
  quit: message(0),
  move: message(1, { x: u8, gap: padding(1), y: f64be }),
  add: message(2, { amount: u64be, unit: enumeration(u8, { piece: 1, dozen: 12 }), fast: bool }),
  say: message(3, { to: u8, length: u16be, text: utf8('length') }),
  list: message(4, { items: array(struct({ id: u64be, key: bytes(2) }), u8), name: optional(bytes(rest)) }),
});
const typed = declaredFields(codec);

describe('typed messages', () => {
  test.each<[string, object]>([
    ['quit', { type: 'quit' }],
    ['  move 10 -0.5 ', { type: 'move', x: 10, y: -0.5 }],
    ['move y=1e3 x=0xff', { type: 'move', x: 255, y: 1000 }],
    [
      'add 18446744073709551615 dozen true',
      { type: 'add', amount: 2n ** 64n - 1n, unit: 'dozen', fast: true },
    ],
    ['say 7 Hello   there', { type: 'say', to: 7, text: 'Hello   there' }],
    ['say 7', { type: 'say', to: 7, text: '' }],
    ['say 7 "two\\nlines"', { type: 'say', to: 7, text: 'two\nlines' }],
    ['say to=7 text="two\\nlines"', { type: 'say', to: 7, text: 'two\nlines' }],
    ['say to=7 text=Hello there', { type: 'say', to: 7, text: 'Hello there' }],
    ['list []', { type: 'list', items: [] }],
    [
      'list [{"id": 1, "key": "0aff"}, {"id": "2", "key": "0000"}] 0a',
      {
        type: 'list',
        items: [
          { id: 1n, key: Buffer.from([0x0a, 0xff]) },
          { id: 2n, key: Buffer.from([0, 0]) },
        ],
        name: Buffer.from([0x0a]),
      },
    ],
    [
      '{"type":"add","amount":"5","unit":"piece","fast":false}',
      { type: 'add', amount: 5n, unit: 'piece', fast: false },
    ],
  ])('%s', (line, value) => {
    const parsed = parseMessage(line, typed);
    expect(parsed).toEqual(value);
    expect(() => codec.encode(parsed as never)).not.toThrow();
  });

  test.each([
    ['fly', 'not a message: "fly" (expected quit, move, add, say, list; quote each message)'],
    ['quit now', 'not a message: "quit now" (expected quit; quote each message)'],
    ['move 1', 'not a message: "move 1" (expected move x y; quote each message)'],
    ['move 1 2 3', 'not a message: "move 1 2 3" (expected move x y; quote each message)'],
    ['list', 'not a message: "list" (expected list items [name]; quote each message)'],
    ['move 1 x', 'move.y: expected a number, got "x"'],
    ['add 1.5 piece true', 'add.amount: expected a whole number, got "1.5"'],
    ['add 1 piece yes', 'add.fast: expected true or false, got "yes"'],
    ['list [] 0', 'list.name: expected bytes in hex, got "0"'],
    ['{"type":"land"}', 'not a message: type "land" (expected quit, move, add, say, list)'],
  ])('%s: refused', (line, text) => {
    expect(() => parseMessage(line, typed)).toThrow(new UsageError(text));
  });

  test('a codec that declares nothing takes JSON only', () => {
    expect(parseMessage('{"a":1}', undefined)).toEqual({ a: 1 });
    expect(() => parseMessage('move 1', undefined)).toThrow(UsageError);
  });

  test('any line is a message or a usage error', () => {
    const word = fc.constantFrom(
      'move',
      'say',
      'list',
      'add',
      '[',
      '{',
      '}',
      ']',
      '"',
      'x=',
      'text=',
      '1',
      '-',
      'NaN',
      '0x',
    );
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(line, (text) => {
        try {
          expect(parseMessage(text, typed)).toBeTypeOf('object');
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('JSON of a message is read back as it was', () => {
    const items = fc.array(
      fc.record({
        id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        key: fc.uint8Array({ minLength: 2, maxLength: 2 }),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(items, (all) => {
        const value = { type: 'list', items: all.map(({ id, key }) => ({ id, key: Buffer.from(key) })) };
        expect(parseMessage(JSON.stringify(plain(value)), typed)).toEqual(value);
      }),
    );
  });
});

test.each<[object, string]>([
  [{ type: 'quit' }, 'quit'],
  [{ type: 'ok', text: 'all is well' }, 'ok all is well'],
  [{ type: 'ok', text: '\u001b[2J\n' }, 'ok \\u001b[2J\\u000a'],
  [{ type: 'move', x: 10, y: -0.5 }, 'move x=10 y=-0.5'],
  [
    { type: 'add', amount: 5n, unit: 'dozen', body: Buffer.from([10, 255]) },
    'add amount=5 unit="dozen" body=0aff',
  ],
])('what is shown, case %#', (value, text) => {
  expect(showMessage(value)).toBe(text);
});

test.each<[string, string[], string]>([
  ['', ['quit ', 'move ', 'add ', 'say ', 'list '], ''],
  ['mo', ['move '], 'mo'],
  ['move ', ['x=', 'y='], ''],
  ['move x=1 ', ['y='], ''],
  ['add unit=d', ['unit=dozen '], 'unit=d'],
  ['add fast=', ['fast=true ', 'fast=false '], 'fast='],
  ['fly ', [], ''],
])("'%s' is completed by %j", (line, candidates, word) => {
  expect(complete(line, typed)).toEqual([candidates, word]);
});
