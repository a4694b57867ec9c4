import { expect, test } from 'vitest';
import { weigh } from '../../src/bytes/weigh.ts';
import { type Codec, delimiter, line } from '../../src/index.ts';
import { Outbox } from '../../src/protocol/outbox.ts';

const text = (mark: string): Codec<unknown, string> => ({
  decode: () => undefined,
  encode: (text) => Buffer.from(`${mark}${text}`),
});
const [lines, semicolons] = [line(), delimiter({ delimiter: ';' })];
const open = (): Outbox<string> => new Outbox(text(''), lines.writer());
const taken = (outbox: Outbox<string>): string => outbox.take(false)?.toString('latin1') ?? '';

test('messages are written in order, and counted until they are', () => {
  const outbox = open();
  expect([outbox.unsent, outbox.unsentBytes, outbox.take(false)]).toEqual([0, 0, undefined]);
  outbox.given(true);
  outbox.messages.push('a', 'b');
  expect([outbox.unsent, outbox.unsentBytes]).toEqual([2, weigh('a') + weigh('b')]);
  outbox.messages.push('c');
  expect(outbox.unsentBytes).toBe(3 * weigh('a'));
  expect(outbox.write()).toBe(true);
  expect([outbox.unsent, outbox.unsentBytes, outbox.messages.length]).toEqual([0, 0, 0]);
  expect([taken(outbox), taken(outbox)]).toEqual(['a\nb\nc\n', '']);
});

test('codec and framing change between two messages, at the requested place', () => {
  const outbox = open();
  outbox.messages.push('a', 'b', 'c', 'd');
  outbox.change(1, text('1'), semicolons.writer());
  outbox.change(3, text('2'), lines.writer());
  // Behind a change it stops once, so that what follows from it can be taken.
  expect(outbox.write()).toBe(true);
  expect(taken(outbox)).toBe('a\n1b;1c;2d\n');
  outbox.messages.push('e');
  expect([outbox.write(), taken(outbox)]).toEqual([true, '2e\n']);
  outbox.change(0, text('3'), semicolons.writer());
  expect(outbox.write()).toBe(true);
  outbox.messages.push('f');
  expect([outbox.write(), taken(outbox)]).toEqual([true, '3f;']);
});

test('messages without room are written later, also before a change; the remaining ones weigh their share', () => {
  const long = 'x'.repeat(30_000);
  for (const at of [undefined, 4]) {
    const outbox = open();
    // From the beginning of 68 KiB, in which two have room.
    outbox.messages.push('a');
    outbox.write();
    outbox.given(true);
    outbox.take(false);
    for (let i = 0; i < 5; i++) outbox.messages.push(long);
    if (at !== undefined) outbox.change(at, text('!'), semicolons.writer());
    expect(outbox.unsentBytes).toBe(5 * weigh(long));
    expect([outbox.write(), outbox.unsent]).toEqual([false, 3]);
    expect(outbox.unsentBytes).toBe(3 * weigh(long));
    // What comes then is weighed as well.
    outbox.messages.push('b');
    expect(outbox.unsentBytes).toBe(3 * weigh(long) + weigh('b'));
    const written = [taken(outbox)];
    while (!outbox.write()) written.push(taken(outbox));
    written.push(taken(outbox));
    const [l, b] = at === undefined ? [`${long}\n`, 'b\n'] : [`!${long};`, '!b;'];
    expect(written.join('')).toBe(`${`${long}\n`.repeat(4)}${l}${b}`);
    expect([outbox.unsent, outbox.unsentBytes]).toEqual([0, 0]);
  }
});

test('messages that were never weighed weigh nothing when they are written', () => {
  const long = 'x'.repeat(30_000);
  const outbox = open();
  outbox.messages.push(long);
  expect(outbox.unsentBytes).toBe(weigh(long));
  for (let i = 0; i < 4; i++) outbox.messages.push(long);
  outbox.write();
  expect(outbox.unsentBytes).toBe(outbox.unsent * weigh(long));
  // The next ones are weighed, and a part of them is written too.
  outbox.take(false);
  expect([outbox.write(), outbox.unsent]).toEqual([false, 1]);
  expect(outbox.unsentBytes).toBe(weigh(long));
});

test('a message that cannot be written throws after those before it are written; the rest is dropped', () => {
  const failing: Codec<unknown, string> = {
    decode: () => undefined,
    encode(text) {
      if (text === 'x') throw new RangeError('no x');
      return Buffer.from(text);
    },
  };
  const outbox = new Outbox(failing, lines.writer());
  outbox.messages.push('a', 'x', 'b');
  expect(() => outbox.write()).toThrow(new RangeError('no x'));
  expect(outbox.unsentBytes).toBeGreaterThan(0);
  outbox.change(3, text('!'), lines.writer());
  outbox.forget();
  expect([outbox.unsent, outbox.unsentBytes]).toEqual([0, 0]);
  expect(taken(outbox)).toBe('a\n');
  outbox.messages.push('c');
  expect([outbox.write(), taken(outbox)]).toEqual([true, 'c\n']);
});
