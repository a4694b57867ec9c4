import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Codec, defineSession } from '../../../src/index.ts';
import { type Expectation, expectations } from '../../../src/protocol/session/expects.ts';
import { Numbers } from '../../../src/protocol/session/numbers.ts';
import { Requests, type RequestsOptions } from '../../../src/protocol/session/requests.ts';

type Message = { type: string; id?: number };

function requests(options?: RequestsOptions<Message>): Requests<Message, Message, string> {
  return new Requests(options);
}

/** Queue these, and send as many as may be. */
function send(each: Requests<Message, Message, string>, ...tickets: string[]): Message[] {
  for (const ticket of tickets) each.add(ticket, { type: ticket });
  const sent: Message[] = [];
  for (let next = each.next(); next !== undefined; next = each.next()) sent.push(next.request);
  return sent;
}

describe('in order', () => {
  test("the first reply is the first request's", () => {
    const each = requests();
    expect(send(each, 'a', 'b')).toEqual([{ type: 'a' }, { type: 'b' }]);
    expect(each.inFlight).toBe(2);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a' });
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'b' });
    expect(each.receive({ type: 'x' })).toBe('message');
    expect(each.inFlight).toBe(0);
  });

  test('sent messages without a request keep their place', () => {
    const each = requests();
    each.sent();
    send(each, 'a');
    each.sent();
    expect([1, 2, 3, 4].map(() => each.receive({ type: 'x' }))).toEqual([
      'message',
      { ticket: 'a' },
      'message',
      'message',
    ]);
  });

  test('several messages sent one after the other are answered each', () => {
    const each = requests();
    each.sent();
    each.sent();
    send(each, 'a');
    expect(each.peek({ type: 'x' })).toBeUndefined();
    expect([1, 2].map(() => each.receive({ type: 'x' }))).toEqual(['message', 'message']);
    expect(each.peek({ type: 'x' })).toEqual({ type: 'a' });
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a' });
  });

  test('an unsolicited message is not a reply', () => {
    const each = requests({ isReply: ({ type }) => type !== 'push' });
    send(each, 'a');
    expect(each.receive({ type: 'push' })).toBe('message');
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a' });
  });

  test('no more than maxInFlight; the queue is in order', () => {
    const each = requests({ maxInFlight: 2 });
    expect(send(each, 'a', 'b', 'c', 'd')).toHaveLength(2);
    expect(each.queued).toBe(2);
    each.receive({ type: 'x' });
    expect(send(each)).toEqual([{ type: 'c' }]);
    expect(each.abandon('d')).toBe(false);
    expect(each.queued).toBe(0);
  });

  test('an aborted request keeps its place until its reply has arrived', () => {
    const each = requests();
    send(each, 'a', 'b');
    expect(each.abandon('a')).toBe(true);
    expect(each.abandon('a')).toBe(false);
    expect([each.inFlight, each.quarantined]).toEqual([1, 1]);
    expect(each.receive({ type: 'x' })).toBe('late');
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'b' });
  });

  test('given up in a loop, requests wait for their turn once as many are in flight as may be', () => {
    const each = requests({ maxInFlight: 3 });
    for (let n = 0; n < 100; n++) {
      send(each, `t${n}`);
      each.abandon(`t${n}`);
    }
    expect([each.unnumbered, each.quarantined, each.queued]).toEqual([3, 3, 0]);
    expect(send(each, 'a')).toEqual([]);
    expect(each.receive({ type: 'x' })).toBe('late');
    expect(send(each)).toEqual([{ type: 'a' }]);
    expect([each.receive({ type: 'x' }), each.receive({ type: 'x' })]).toEqual(['late', 'late']);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a' });
    // A frame that was lost, and silence, make room too.
    send(each, 'b', 'c', 'd');
    for (const ticket of ['b', 'c', 'd']) each.abandon(ticket);
    each.lose();
    expect(send(each, 'e', 'f')).toEqual([{ type: 'e' }]);
    expect(each.silence()).toEqual(['e']);
    expect(send(each, 'g', 'h')).toEqual([{ type: 'f' }, { type: 'g' }, { type: 'h' }]);
  });

  test('what answers other messages is one, too, or is dropped', () => {
    const each = requests({ maxInFlight: 1 });
    for (const isDropped of [true, true, false, true]) each.sent({ type: 'x' }, isDropped);
    send(each, 'a');
    const came = Array.from({ length: 4 }, () => each.receive({ type: 'x' }));
    expect(came).toEqual(['late', 'late', 'message', 'late']);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a' });
    // As many as are not tracked one by one.
    for (let n = 0; n < 5_000; n++) each.sent({ type: `x${n % 2}` }, true);
    expect([each.unnumbered <= 1_100, each.receive({ type: 'x0' })]).toEqual([true, 'late']);
  });

  test('given up in a loop by number, 65,536 keep theirs', () => {
    const each = requests({ id: 'id', ids: [0, 2 ** 32 - 1] });
    for (let n = 0; n < 65_536; n++) {
      each.add(`${n}`, { type: 'x' });
      each.next();
      each.abandon(`${n}`, true);
    }
    expect([each.quarantined, each.exhausted, send(each, 'a')]).toEqual([65_536, true, []]);
    each.release('7');
    expect([each.exhausted, send(each).length]).toEqual([false, 1]);
  });

  test('hold: nothing is sent until all requests are answered', () => {
    const each = requests();
    send(each, 'a', 'b');
    each.abandon('a');
    each.hold();
    expect(send(each, 'c')).toEqual([]);
    each.receive({ type: 'late' });
    expect([each.holding, send(each)]).toEqual([true, []]);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'b' });
    expect([each.holding, send(each)]).toEqual([false, [{ type: 'c' }]]);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'c' });
  });

  test('hold: nothing is sent until the peer has been silent', () => {
    const each = requests();
    send(each, 'a', 'b');
    each.abandon('a');
    each.hold();
    expect(each.silence()).toEqual(['b']);
    expect(send(each, 'c')).toEqual([{ type: 'c' }]);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'c' });
  });

  test('hold: nothing is sent until the requests in flight are lost', () => {
    const each = requests();
    send(each, 'a');
    each.abandon('a');
    each.hold();
    each.lose();
    expect([each.holding, send(each, 'b')]).toEqual([false, [{ type: 'b' }]]);
  });

  test('hold without requests in flight holds nothing', () => {
    const each = requests();
    each.hold();
    expect(each.holding).toBe(false);
  });
});

describe('a frame was lost that may have been a reply', () => {
  test('in order: the oldest request stays unanswered, and the others keep their replies', () => {
    const each = requests();
    send(each, 'a', 'b', 'c');
    expect([each.oldest, each.unnumbered]).toEqual(['a', 3]);
    expect(each.lose()).toBe('a');
    expect([each.oldest, each.unnumbered, each.inFlight]).toEqual(['b', 2, 2]);
    each.abandon('b');
    expect([each.oldest, each.unnumbered, each.inFlight, each.quarantined]).toEqual(['c', 2, 1, 1]);
    // The lost frame was the reply to what was given up: nobody waits for it.
    expect(each.lose()).toBeUndefined();
    expect([each.oldest, each.unnumbered, each.quarantined]).toEqual(['c', 1, 0]);
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'c' });
    expect([each.oldest, each.unnumbered, each.lose()]).toEqual([undefined, 0, undefined]);
  });

  test('in order: one of the messages sent before it stays unanswered', () => {
    const each = requests();
    each.sent();
    each.sent();
    send(each, 'a');
    // Both in one place.
    expect(each.unnumbered).toBe(2);
    expect(each.lose()).toBeUndefined();
    expect(each.receive({ type: 'x' })).toBe('message');
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a' });
  });

  test('of many replies the others are dropped, up to the last one', () => {
    const each = requests({ expects: { a: { until: 'end' } } });
    send(each, 'a', 'b');
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'a', more: true });
    expect(each.lose()).toBe('a');
    expect(each.receive({ type: 'x' })).toBe('late');
    expect(each.receive({ type: 'end' })).toBe('late');
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'b' });
  });

  test('by id: the request of the lost frame is unknown', () => {
    const each = requests({ id: 'id' });
    send(each, 'a');
    expect(each.lose()).toBeUndefined();
    expect(each.receive({ type: 'x', id: 0 })).toEqual({ ticket: 'a' });
    const mixed = new Requests<Message, Message, string>({ id: 'id' }, { hasId: (type) => type !== 'plain' });
    send(mixed, 'a', 'plain');
    expect(mixed.lose()).toBeUndefined();
    expect(mixed.receive({ type: 'x' })).toEqual({ ticket: 'plain' });
  });

  test('of any number of replies all later ones are dropped', () => {
    const { table } = defineSession({
      receives: { types: ['any'] } as unknown as Codec<{ type: 'any' }>,
      sends: { types: ['x', 'y'] } as unknown as Codec<{ type: 'x' | 'y' }>,
      initial: 'a',
      states: { a: { on: { any: { handle: () => {}, outcomes: { a: ['x', 'y'] } } } } },
    });
    const each = new Requests<Message, Message, string>({}, { session: table });
    send(each, 'any');
    for (const type of ['x', 'y', 'x']) expect(each.receive({ type })).toEqual({ ticket: 'any', more: true });
    expect(each.receive({ type: 'z' })).toBe('message');
    expect(each.lose()).toBe('any');
    expect(each.receive({ type: 'x' })).toBe('late');
    expect([each.inFlight, each.quarantined]).toEqual([0, 1]);
  });
});

describe('by id', () => {
  test('replies come in any order; a message without one of our ids is not a reply', () => {
    const each = requests({ id: 'id' });
    expect(send(each, 'a', 'b')).toEqual([
      { type: 'a', id: 0 },
      { type: 'b', id: 1 },
    ]);
    expect(each.receive({ type: 'x', id: 1 })).toEqual({ ticket: 'b' });
    expect(each.receive({ type: 'x', id: 1 })).toBe('message');
    expect(each.receive({ type: 'x', id: 7 })).toBe('message');
    expect(each.receive({ type: 'x' })).toBe('message');
    expect(each.receive({ type: 'x', id: 0 })).toEqual({ ticket: 'a' });
  });

  test('numbers wrap around, skipping those in use and in quarantine; without a free one requests wait', () => {
    const each = requests({ id: 'id', ids: [3, 5] });
    expect(send(each, 'a', 'b', 'c', 'd').map(({ id }) => id)).toEqual([3, 4, 5]);
    each.abandon('a');
    expect(send(each)).toEqual([]);
    each.receive({ type: 'x', id: 4 });
    expect(send(each, 'e')).toEqual([{ type: 'd', id: 4 }]);
    expect(each.receive({ type: 'x', id: 3 })).toBe('late');
    expect(send(each)).toEqual([{ type: 'e', id: 3 }]);
  });
});

describe('numbers', () => {
  test('without a free number the queue can be refused; a released number is reused', () => {
    const each = requests({ id: 'id', ids: [0, 1] });
    send(each, 'a', 'b', 'c');
    each.abandon('a');
    expect([each.exhausted, each.isNumbered('b'), each.isNumbered('c')]).toEqual([false, true, false]);
    each.abandon('b', true);
    expect(each.exhausted).toBe(false);
    expect(each.receive({ type: 'x', id: 0 })).toBe('late');
    expect(send(each)).toEqual([{ type: 'c', id: 0 }]);
    each.abandon('c', true);
    expect([each.exhausted, each.quarantined]).toEqual([true, 2]);
    expect(send(each, 'd', 'e')).toEqual([]);
    expect([each.refuseQueued(), each.queued]).toEqual([['d', 'e'], 0]);
    each.release('nobody');
    each.release('b');
    expect([each.exhausted, each.quarantined]).toEqual([false, 1]);
    expect(send(each, 'f')).toEqual([{ type: 'f', id: 1 }]);
    expect(each.receive({ type: 'x', id: 0 })).toBe('late');
    expect([each.exhausted, each.quarantined, each.inFlight]).toEqual([false, 0, 1]);
    each.abandon('f', true);
    each.silence();
    each.release('f');
    expect([each.exhausted, each.quarantined]).toEqual([false, 0]);
  });

  test('a request without a number does not take one when it is lost', () => {
    const each = new Requests<Message, Message, string>(
      { id: 'id', ids: [0, 0] },
      { hasId: (type) => type !== 'plain' },
    );
    send(each, 'plain');
    each.abandon('plain', true);
    expect(each.exhausted).toBe(false);
    expect(send(each, 'a')).toEqual([{ type: 'a', id: 0 }]);
  });

  test('in order there are no numbers: none is exhausted, and no place is released', () => {
    const each = requests();
    send(each, 'a');
    expect([each.isNumbered('a'), each.isNumbered('b')]).toEqual([false, false]);
    each.abandon('a', true);
    each.release('a');
    expect([each.exhausted, each.quarantined]).toEqual([false, 1]);
    expect(each.receive({ type: 'x' })).toBe('late');
  });

  test('a text given by the caller is used, and refused while in use', () => {
    const each = new Requests<{ type: string; id?: unknown }, Message, string>({ id: 'id' });
    each.add('a', { type: 'a', id: 'one' });
    each.add('b', { type: 'b', id: 'one' });
    each.add('c', { type: 'c' });
    expect(each.next()).toEqual({ ticket: 'a', request: { type: 'a', id: 'one' } });
    expect(each.next()).toMatchObject({
      ticket: 'b',
      refused: {
        code: 'ERR_REQUEST_NUMBERS',
        origin: 'local',
        actual: 'one',
        message: '"one" is the number of a request that is still under way',
      },
    });
    expect(each.next()).toEqual({ ticket: 'c', request: { type: 'c', id: 0 } });
    expect(each.receive({ type: 'x', id: 'one' as never })).toEqual({ ticket: 'a' });
  });

  test('numbers have the type of the declared field: texts, or bigints', () => {
    const text = new Requests<Message, Message, string>({ id: 'id' }, { kind: 'text', ids: [7, 9] });
    expect(send(text, 'a')).toEqual([{ type: 'a', id: '7' }]);
    expect(text.receive({ type: 'x', id: '7' as never })).toEqual({ ticket: 'a' });
    const big = new Requests<Message, Message, string>(
      { id: 'id' },
      { kind: 'bigint', ids: [2n ** 53n - 1n, 2n ** 53n + 5n] },
    );
    expect(send(big, 'a', 'b').map(({ id }) => id)).toEqual([2n ** 53n - 1n, 2n ** 53n]);
    expect(big.receive({ type: 'x', id: (2n ** 53n) as never })).toEqual({ ticket: 'b' });
    // One side may have 64 bits where the other has 32.
    expect(big.receive({ type: 'x', id: 2 ** 53 - 1 })).toEqual({ ticket: 'a' });
  });

  test('a number and a bigint of the same value are the same id, up to 2^53 - 1', () => {
    const MAX = 2n ** 53n - 1n;
    for (const [ids, id] of [
      [[-MAX, 0n], -MAX],
      [[-MAX - 1n, 0n], -MAX - 1n],
      [[0n, 5n], 0n],
      [[MAX, MAX + 1n], MAX],
      [[MAX + 1n, MAX + 9n], MAX + 1n],
    ] as const) {
      const each = new Requests<Message, Message, string>({ id: 'id', ids });
      expect(send(each, 'a')).toEqual([{ type: 'a', id }]);
      expect(each.receive({ type: 'x', id: (id + 1n) as never })).toBe('message');
      expect(each.receive({ type: 'x', id: id as never })).toEqual({ ticket: 'a' });
      if (id < -MAX || id > MAX) continue;
      send(each, 'b');
      const next = Number(id + 1n > ids[1] ? ids[0] : id + 1n);
      if (Number.isSafeInteger(next)) expect(each.receive({ type: 'x', id: next })).toEqual({ ticket: 'b' });
    }
  });

  test('texts continue to count above 2^53 - 1', () => {
    const each = new Requests<Message, Message, string>(
      { id: 'id', ids: [2n ** 53n - 1n, 2n ** 53n + 1n] },
      { kind: 'text' },
    );
    const ids = ['9007199254740991', '9007199254740992', '9007199254740993'];
    expect(send(each, 'a', 'b', 'c', 'd').map(({ id }) => id)).toEqual(ids);
    expect(each.receive({ type: 'x', id: ids[2] as never })).toEqual({ ticket: 'c' });
    expect(send(each)).toEqual([{ type: 'd', id: ids[2] }]);
  });

  test('by default all numbers of 16 bits', () => {
    const numbers = new Numbers();
    expect(numbers.size).toBe(65_536);
    const taken = new Set<number | bigint | string>();
    for (let i = 0; i < 65_536; i++) taken.add(numbers.take(taken)!.key);
    expect([Math.min(...(taken as Set<number>)), Math.max(...(taken as Set<number>))]).toEqual([0, 65_535]);
    expect(numbers.take(taken)).toBeUndefined();
    expect(new Numbers([5, 5]).size).toBe(1);
    expect(new Numbers([0n, 2n ** 64n]).size).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('a value that is neither a number nor a text is not an id', () => {
    const each = new Requests<Message, { type: string; id?: unknown }, string>(
      { id: 'id' },
      { hasId: (type) => type !== 'plain' },
    );
    for (const id of [true, null, {}, Symbol('x')]) {
      send(each, 'a', 'plain');
      expect(each.receive({ type: 'x', id })).toEqual({ ticket: 'plain' });
      each.silence();
    }
  });

  test('the reply may have another path, of several names', () => {
    type Deep = { type: string; head?: { no?: number; flag?: true } };
    const each = new Requests<Deep, { type: string; re?: { to?: number } | null }, string>({
      id: { request: 'head.no', reply: 're.to' },
    });
    const request = { type: 'a', head: { flag: true } } as const;
    each.add('a', request);
    each.add('b', { type: 'b' });
    expect(each.next()!.request).toEqual({ type: 'a', head: { flag: true, no: 0 } });
    expect(each.next()!.request).toEqual({ type: 'b', head: { no: 1 } });
    expect(request).toEqual({ type: 'a', head: { flag: true } });
    expect(each.receive({ type: 'x', re: null })).toBe('message');
    expect(each.receive({ type: 'x' })).toBe('message');
    expect(each.receive({ type: 'x', re: { to: 1 } })).toEqual({ ticket: 'b' });
  });

  test('a type without the field is in order, beside those that have numbers', () => {
    const each = new Requests<Message, Message, string>({ id: 'id' }, { hasId: (type) => type !== 'plain' });
    expect(send(each, 'a', 'plain', 'b')).toEqual([
      { type: 'a', id: 0 },
      { type: 'plain' },
      { type: 'b', id: 1 },
    ]);
    expect(each.receive({ type: 'x', id: 1 })).toEqual({ ticket: 'b' });
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'plain' });
    expect(each.receive({ type: 'x' })).toBe('message');
    expect(each.receive({ type: 'x', id: 0 })).toEqual({ ticket: 'a' });
  });
});

describe('which message is a reply is decided', () => {
  test('by the types of replies, in a list', () => {
    const each = requests({ isReply: ['ok', 'error'] });
    send(each, 'a');
    expect(each.peek({ type: 'push' })).toBeUndefined();
    expect(each.receive({ type: 'push' })).toBe('message');
    expect(each.peek({ type: 'ok' })).toEqual({ type: 'a' });
    expect(each.receive({ type: 'ok' })).toEqual({ ticket: 'a' });
    expect(each.peek({ type: 'ok' })).toBeUndefined();
  });

  test('by the request types: a message of a type that this side requests is a request of the peer', () => {
    const each = requests({ expects: { a: 'one', b: 'none' } });
    send(each, 'a');
    expect(each.receive({ type: 'a' })).toBe('message');
    expect(each.receive({ type: 'b' })).toEqual({ ticket: 'a' });
  });

  test('by a function of both', () => {
    const each = requests({ match: (request, reply) => reply.type === `${request.type}!` });
    send(each, 'a', 'b');
    expect(each.receive({ type: 'b!' })).toEqual({ ticket: 'b' });
    expect(each.receive({ type: 'b!' })).toBe('message');
    expect(each.receive({ type: 'a!' })).toEqual({ ticket: 'a' });
  });

  test('in order: a message that does not answer the oldest request answers no later one', () => {
    const each = requests({ expects: { a: { one: 'x' }, b: { one: 'y' } } });
    send(each, 'a', 'b');
    expect(['y', 'x', 'y'].map((type) => each.receive({ type }))).toEqual([
      'message',
      { ticket: 'a' },
      { ticket: 'b' },
    ]);
  });

  test('by number: the type decides, or the function', () => {
    const typed = requests({ id: 'id', expects: { a: { one: 'x' } } });
    send(typed, 'a');
    expect(typed.receive({ type: 'y', id: 0 })).toBe('message');
    expect(typed.receive({ type: 'x', id: 0 })).toEqual({ ticket: 'a' });
    const matched = requests({ id: 'id', match: (_, { type }) => type === 'x' });
    send(matched, 'a');
    expect(matched.receive({ type: 'y', id: 0 })).toBe('message');
    expect(matched.receive({ type: 'x', id: 0 })).toEqual({ ticket: 'a' });
  });

  test('what was given up owes an answer in order, not by number', () => {
    const each = requests({ id: 'id', expects: { a: { one: 'x', id: false } } });
    send(each, 'a', 'b');
    expect([each.owes('a'), each.owes('b'), each.owes('c')]).toEqual([false, false, false]);
    for (const ticket of ['a', 'b']) each.abandon(ticket);
    expect([each.owes('a'), each.owes('b'), each.owes('c')]).toEqual([true, false, false]);
    expect(each.receive({ type: 'x' })).toBe('late');
    expect(each.owes('a')).toBe(false);
  });

  test('beside numbers, replies without one are found by their types', () => {
    const each = requests({
      id: 'id',
      expects: { a: { one: 'x', id: false }, b: { one: 'y', id: false } },
    });
    send(each, 'a', 'b');
    expect(['y', 'x'].map((type) => each.receive({ type }))).toEqual([{ ticket: 'b' }, { ticket: 'a' }]);
  });

  test('a request without a type has a number, whichever types have it', () => {
    const each = new Requests<object, object, string>({ id: 'id' }, { hasId: () => false });
    each.add('a', {});
    expect(each.next()).toEqual({ ticket: 'a', request: { id: 0 } });
  });

  test.each([5, 'x', null, {}])('isReply is a function or types, not %o', (isReply) => {
    expect(() => requests({ isReply } as never)).toThrow(/^replies: isReply/);
  });

  test('a request beside a session table needs reply types or a function, and is refused otherwise', () => {
    const shared = (options: RequestsOptions<Message>) =>
      new Requests<Message, Message, string>(options, { isShared: true });
    const untold = shared({ expects: { c: 'none' } });
    untold.add('a', { type: 'a' });
    expect(untold.next()).toMatchObject({
      ticket: 'a',
      refused: {
        message: expect.stringMatching(/^nothing tells the replies to 'a' from what the session takes/),
      },
    });
    expect([untold.next(), untold.queued, untold.inFlight]).toEqual([undefined, 0, 0]);
    expect(send(untold, 'c')).toEqual([{ type: 'c' }]);
    const told = shared({ expects: { a: { one: 'x' }, b: { one: 'y' } } });
    send(told, 'a', 'b');
    expect(['z', 'y', 'x'].map((type) => told.receive({ type }))).toEqual([
      'message',
      { ticket: 'b' },
      { ticket: 'a' },
    ]);
    expect(told.receive({ type: 'x' })).toBe('message');
    const matched = shared({ match: () => true });
    expect(send(matched, 'a')).toEqual([{ type: 'a' }]);
    expect(send(shared({ id: 'id' }), 'a')).toEqual([{ type: 'a', id: 0 }]);
  });

  test('a request without replies is over as soon as it is sent', () => {
    const each = requests({ maxInFlight: 1, expects: { a: 'none' } });
    each.add('a', { type: 'a' });
    each.add('b', { type: 'b' });
    expect(each.next()).toEqual({ ticket: 'a', request: { type: 'a' }, unanswered: true });
    expect(each.next()).toEqual({ ticket: 'b', request: { type: 'b' } });
    expect([each.count({ type: 'a' }), each.count({ type: 'b' })]).toEqual(['none', 'one']);
  });

  test('a function of `expects` that fails refuses only its own request', () => {
    const cause = new Error('x');
    const each = requests({
      expects: {
        a: () => {
          throw cause;
        },
      },
    });
    each.add('a', { type: 'a' });
    each.add('b', { type: 'b' });
    expect(each.next()).toMatchObject({
      ticket: 'a',
      refused: { code: 'ERR_HANDLER', messageType: 'a', cause },
    });
    expect(each.next()).toEqual({ ticket: 'b', request: { type: 'b' } });
    // It has been sent all the same: one message answers it.
    each.sent({ type: 'a' });
    expect(each.receive({ type: 'x' })).toEqual({ ticket: 'b' });
    expect(each.receive({ type: 'x' })).toBe('message');
  });
});

describe('other sent messages', () => {
  const expects = {
    none: 'none',
    rows: { until: 'end', of: 'row' },
    ok: { one: 'ok' },
    yes: { one: 'yes' },
  } as const;
  const belongs = (each: Requests<Message, Message, string>, ...types: string[]) =>
    types.map((type) => each.receive({ type }));

  test('are answered as `expects` says', () => {
    const each = requests({ expects });
    each.sent({ type: 'none' });
    each.sent({ type: 'rows' });
    each.sent({ type: 'rows' });
    send(each, 'a');
    expect(each.unnumbered).toBe(3);
    expect(belongs(each, 'row', 'end', 'row', 'row', 'end', 'row')).toEqual([
      ...Array(5).fill('message'),
      { ticket: 'a' },
    ]);
  });

  test('by id, only messages known to be answered without a number have a place in the order', () => {
    const each = requests({
      id: 'id',
      expects: { plain: { one: 'x', id: false }, b: { one: 'x' }, ask: { one: 'x', id: false } },
    });
    each.sent({ type: 'a' });
    each.sent({ type: 'b' });
    each.sent({ type: 'plain' });
    expect(each.unnumbered).toBe(1);
    expect(send(each, 'ask')).toEqual([{ type: 'ask' }]);
    expect(belongs(each, 'x', 'x', 'x')).toEqual(['message', { ticket: 'ask' }, 'message']);
  });

  test('after more than 1,024 messages any number of answers of their types come before the next request', () => {
    const each = requests({ expects });
    for (let i = 0; i < 700; i++) {
      each.sent({ type: 'ok' });
      each.sent({ type: 'yes' });
    }
    send(each, 'ok');
    expect(each.unnumbered).toBe(1_025);
    for (let i = 0; i < 700; i++) expect(belongs(each, 'ok', 'yes')).toEqual(['message', 'message']);
    expect(each.unnumbered).toBe(2);
    expect(belongs(each, 'yes')).toEqual(['message']);
    expect(each.lose()).toBe('ok');
    // A request behind them is found by a type that is not theirs, and they are over.
    send(each, 'rows');
    expect(belongs(each, 'row', 'end')).toEqual([{ ticket: 'rows', more: true }, { ticket: 'rows' }]);
    expect(each.unnumbered).toBe(0);
  });

  test('after a request, a message of more than 1,024 has its own place, with any number of answers', () => {
    const each = requests({ expects });
    for (let i = 0; i < 512; i++) {
      each.sent({ type: 'ok' });
      each.sent({ type: 'yes' });
    }
    send(each, 'rows');
    each.sent({ type: 'ok' });
    send(each, 'yes');
    for (let i = 0; i < 512; i++) belongs(each, 'ok', 'yes');
    expect(each.unnumbered).toBe(3);
    expect(belongs(each, 'row', 'end', 'ok', 'ok')).toEqual([
      { ticket: 'rows', more: true },
      { ticket: 'rows' },
      'message',
      'message',
    ]);
    // There may be more of them until the request is answered.
    expect(each.unnumbered).toBe(2);
    expect(belongs(each, 'yes', 'ok')).toEqual([{ ticket: 'yes' }, 'message']);
    expect(each.unnumbered).toBe(0);
  });

  test('more than 1,024 messages of which one may have any answer may have any answers', () => {
    for (const types of [
      ['ok', 'unknown'],
      ['unknown', 'ok'],
    ]) {
      const each = requests({ expects });
      for (let i = 0; i < 513; i++) for (const type of types) each.sent({ type });
      for (let i = 0; i < 512; i++) for (const type of types) belongs(each, type);
      expect(each.unnumbered).toBe(1);
      expect(belongs(each, 'ok', 'anything')).toEqual(['message', 'message']);
      expect(each.unnumbered).toBe(1);
    }
  });

  test('once they are answered, the next 1,024 are tracked one by one', () => {
    const each = requests({ expects });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 512; i++) {
        each.sent({ type: 'ok' });
        each.sent({ type: 'yes' });
      }
      for (let i = 0; i < 512; i++) belongs(each, 'ok', 'yes');
      expect(each.unnumbered).toBe(0);
      // A request is not one of them.
      send(each, 'ok');
      expect(belongs(each, 'ok')).toEqual([{ ticket: 'ok' }]);
    }
  });

  test('answered requests make no room for more; answers that are dropped stay apart from the others', () => {
    const each = requests({ expects });
    for (let i = 0; i < 5; i++) {
      send(each, 'ok');
      belongs(each, 'ok');
    }
    for (let i = 0; i < 515; i++) {
      each.sent({ type: 'ok' });
      each.sent({ type: 'yes' });
    }
    expect(each.unnumbered).toBe(1_024);
    each.sent({ type: 'ok' }, true);
    expect(each.unnumbered).toBe(1_025);
  });

  test('the same message as one that was answered has a place of its own', () => {
    const each = requests({ expects });
    each.sent({ type: 'ok' });
    expect(belongs(each, 'ok')).toEqual(['message']);
    each.sent({ type: 'ok' });
    send(each, 'ok');
    expect(belongs(each, 'ok', 'ok')).toEqual(['message', { ticket: 'ok' }]);
  });

  test('`match` is not called for them', () => {
    const each = requests({ match: ({ type }, reply) => reply.type === `${type}!` });
    each.sent({ type: 'm' });
    send(each, 'a', 'b');
    expect(belongs(each, 'x', 'b!', 'x', 'a!')).toEqual([
      'message',
      { ticket: 'b' },
      'message',
      { ticket: 'a' },
    ]);
  });

  test('more than 1,024 messages, with the newest request answered before the others', () => {
    const plain = (one: string) => ({ one, id: false }) as const;
    const each = requests({
      id: 'id',
      maxInFlight: 2_000,
      expects: { m: plain('x'), a: plain('y'), b: plain('z') },
    });
    for (let i = 0; i < 1_024; i++) {
      each.sent({ type: 'm' });
      each.add(`a${i}`, { type: i < 1_023 ? 'a' : 'b' });
      each.next();
    }
    expect(belongs(each, 'z')).toEqual([{ ticket: 'a1023' }]);
    each.sent({ type: 'm' });
    expect(each.unnumbered).toBe(1_024 + 1_023 + 1);
    expect(belongs(each, 'y', 'x')).toEqual([{ ticket: 'a0' }, 'message']);
  });
});

test.each([{}, { id: 'id' as const }])('a message that could not be sent leaves no trace (%o)', (options) => {
  const each = requests(options);
  send(each, 'a');
  each.add('b', { type: 'b' });
  expect(each.next()).toMatchObject({ ticket: 'b' });
  each.revoke('b');
  each.revoke('b');
  const [c] = send(each, 'c');
  expect([each.inFlight, each.quarantined]).toEqual([2, 0]);
  expect(each.receive({ type: 'x', id: 0 })).toEqual({ ticket: 'a' });
  expect(each.receive({ ...c!, type: 'x' })).toEqual({ ticket: 'c' });
});

describe('what answers a request', () => {
  const handle = () => {};
  const codecs = {
    receives: { types: ['ask'] } as unknown as Codec<{ type: 'ask' }>,
    sends: { types: ['row', 'note', 'end', 'ok'] } as unknown as Codec<{
      type: 'row' | 'note' | 'end' | 'ok';
    }>,
  };
  /** A session whose states answer `ask` with these outcomes. */
  const table = (...outcomes: unknown[]) =>
    defineSession({
      ...codecs,
      initial: 's0',
      states: Object.fromEntries(
        outcomes.map((sends, i) => [
          `s${i}`,
          sends === 'final'
            ? { final: true, otherwise: { handle } }
            : { [i % 2 ? 'otherwise' : 'on']: i % 2 ? row(sends, i) : { ask: row(sends, i) } },
        ]),
      ) as never,
    }).table;
  const row = (sends: unknown, i: number) =>
    sends === undefined ? handle : { handle, outcomes: { [`s${i}`]: sends } };
  const asked = { type: 'ask' };
  const ends = ({ isLast }: Expectation, ...types: string[]) => types.map((type) => isLast({ type }, asked));

  test('nothing declared: one message, of any type', () => {
    for (const { of, asks } of [
      expectations(),
      expectations({}),
      expectations(undefined, table(undefined)),
    ]) {
      expect(of(asked)).toMatchObject({
        count: 'one',
        types: undefined,
        last: undefined,
        numbered: true,
        declared: false,
      });
      expect(ends(of(asked), 'x')).toEqual([true]);
      expect(asks.size).toBe(0);
    }
  });

  test.each<[string, unknown, object]>([
    ["'none'", 'none', { count: 'none', types: new Set() }],
    ["'one'", 'one', { count: 'one', types: undefined }],
    ['one type', { one: 'ok' }, { count: 'one', types: new Set(['ok']) }],
    [
      'one of two types',
      { one: ['ok', 'no'], id: false },
      { count: 'one', types: new Set(['ok', 'no']), numbered: false },
    ],
    ['many', { until: 'end' }, { count: 'many', types: undefined, last: new Set(['end']) }],
    [
      'many of types',
      { until: ['end', 'no'], of: 'row', id: false },
      { count: 'many', types: new Set(['row', 'end', 'no']), last: new Set(['end', 'no']), numbered: false },
    ],
    [
      'many until a function',
      { until: () => true, of: ['row', 'end'] },
      { count: 'many', types: new Set(['row', 'end']), last: undefined },
    ],
  ])('%s', (_, entry, expected) => {
    const declared = { numbered: true, declared: true, ...expected };
    expect(expectations({ ask: entry }).of(asked)).toMatchObject(declared);
    expect(expectations({ ask: () => entry }).of(asked)).toMatchObject(declared);
    expect([...expectations({ ask: entry, more: undefined }).asks]).toEqual(entry === 'none' ? [] : ['ask']);
    expect(expectations({ other: entry }).of(asked).declared).toBe(false);
  });

  test('the last of many, by type and by function', () => {
    expect(ends(expectations({ ask: { until: ['end', 'no'] } }).of(asked), 'row', 'end', 'no')).toEqual([
      false,
      true,
      true,
    ]);
    const until = (reply: { type: string }, request: { type: string }) => reply.type === `${request.type}!`;
    expect(ends(expectations({ ask: { until } }).of(asked), 'ask', 'ask!')).toEqual([false, true]);
  });

  test.each<[unknown, string]>([
    [5, "expects.ask: expected 'none', 'one', { one } or { until }, got 5"],
    ['ok', `expects.ask: expected 'none', 'one', { one } or { until }, got "ok"`],
    [null, "expects.ask: expected 'none', 'one', { one } or { until }, got null"],
    [{}, 'expects.ask: expected either one or until'],
    [{ one: 'a', until: 'b' }, 'expects.ask: expected either one or until'],
    [{ one: 'a', of: 'b' }, 'expects.ask: of belongs to until'],
    [{ one: [] }, "one must be a message's type or a list of them, got"],
    [{ one: ['a', 5] }, "one must be a message's type or a list of them"],
    [{ until: 5 }, "until must be a message's type or a list of them, got 5"],
    [{ until: 'a', of: 5 }, "of must be a message's type or a list of them, got 5"],
    [{ one: 'a', id: true }, 'id must be false or left out, got true'],
    [{ one: 'a', ids: false }, "did you mean 'id'"],
  ])('%o is refused', (entry, text) => {
    expect(() => expectations({ ask: entry })).toThrow(text);
    expect(() => expectations({ ask: entry })).toThrow(TypeError);
    const { of } = expectations({ ask: () => entry });
    const message = expect.stringMatching(/^expects\.ask\(\) failed: expects\.ask\(\): /);
    expect(() => of(asked)).toThrow(
      expect.objectContaining({ code: 'ERR_HANDLER', messageType: 'ask', message }),
    );
  });

  test('a message that no state accepts has no outcomes', () => {
    const { table } = defineSession({
      receives: { types: ['ask', 'tell'] } as unknown as Codec<{ type: 'ask' | 'tell' }>,
      sends: codecs.sends,
      initial: 'a',
      states: { a: { on: { ask: { handle, outcomes: { a: 'ok' } } } } },
    });
    const { of } = expectations({}, table);
    expect([of({ type: 'ask' }).declared, of({ type: 'tell' }).declared]).toEqual([true, false]);
  });

  test('a protocol without a table is refused', () => {
    for (const wrong of [5, null]) {
      expect(() => expectations(wrong as never)).toThrow(
        `expects: expected an object by types of request, got ${wrong}`,
      );
    }
  });

  test.each<[string, unknown[], object]>([
    ['one in each state', ['ok', { one: ['end', 'ok'] }], { count: 'one', types: new Set(['ok', 'end']) }],
    ['one, and a final state', ['ok', 'final', 'final'], { count: 'one', types: new Set(['ok']) }],
    ['nothing', [[], []], { count: 'none' }],
    [
      'many',
      [{ until: 'end', of: 'row' }],
      { count: 'many', types: new Set(['row', 'end']), last: new Set(['end']) },
    ],
    [
      'many, of other types',
      [
        { until: 'end', of: 'row' },
        { until: 'ok', of: ['row', 'note'] },
      ],
      { count: 'many', last: new Set(['end', 'ok']) },
    ],
    ['many, or one', [{ until: 'end', of: 'row' }, 'ok'], { count: 'many', last: new Set(['end', 'ok']) }],
    ['many, or one that may stand before an end', [{ until: 'end', of: 'row' }, 'row'], { count: 'any' }],
    [
      'many, and an end that may stand before another',
      [{ until: 'end', of: ['row', 'ok'] }, { until: 'ok' }],
      { count: 'any' },
    ],
    ['any number', [['row', 'end']], { count: 'any', types: new Set(['row', 'end']) }],
    ['any number, or one', [['row', 'end'], 'ok'], { count: 'any', types: new Set(['row', 'end', 'ok']) }],
    ['a row that does not tell', ['ok', undefined], { declared: false, types: undefined }],
  ])('from the outcomes: %s', (_, outcomes, expected) => {
    const { of } = expectations({}, table(...outcomes));
    const found = of(asked);
    expect(found).toMatchObject({ declared: true, ...expected });
    if (found.count === 'many') expect(ends(found, 'row', 'end')).toEqual([false, true]);
    // What is declared counts more; the types of `'one'` are those of the outcomes.
    expect(expectations({ ask: { one: 'x' } }, table(...outcomes)).of(asked).types).toEqual(new Set(['x']));
    const one = expectations({ ask: 'one' }, table(...outcomes)).of(asked);
    expect(one).toMatchObject({ count: 'one', declared: true });
    expect(one.types).toEqual(found.count === 'one' ? found.types : undefined);
  });
});

test('the end of the connection fails all waiting requests', () => {
  const each = requests({ maxInFlight: 2 });
  send(each, 'a', 'b', 'c');
  expect(each.end()).toEqual(['a', 'b', 'c']);
  expect([each.inFlight, each.queued]).toEqual([0, 0]);
});

test.each<[RequestsOptions<Message>, ErrorConstructor]>([
  [{ maxInFlight: 0 }, RangeError],
  [{ maxInFlight: Number.NaN }, RangeError],
  [{ id: 'id', ids: [5, 4] }, RangeError],
  [{ id: 'id', ids: [0.5, 4] }, RangeError],
  [{ isReply: 5 as never }, TypeError],
])('%o is refused', (options, kind) => {
  expect(() => requests(options)).toThrow(kind);
});

test.each<[object, string]>([
  [{ id: 5 }, "replies: id: expected a path such as 'id' or 'header.id', got 5"],
  [{ id: null }, "replies: id: expected a path such as 'id' or 'header.id', got null"],
  [{ id: '' }, "replies: id: expected a path such as 'id' or 'header.id', got \"\""],
  [{ id: 'a..b' }, "replies: id: expected a path such as 'id' or 'header.id', got \"a..b\""],
  [{ id: { request: 'id' } }, "replies: id: expected a path such as 'id' or 'header.id', got undefined"],
  [{ id: '__proto__.id' }, "replies: id: '__proto__' is the name of no field"],
  [{ id: 'id', ids: 5 }, 'ids: expected the smallest and the greatest integer, got undefined and undefined'],
  [{ id: 'id', ids: [0.5, 4] }, 'ids: expected the smallest and the greatest integer, got 0.5 and 4'],
  [{ id: 'id', ids: [1] }, 'ids: expected the smallest and the greatest integer, got 1 and undefined'],
  [{ id: 'id', ids: [0, 5n] }, 'ids: expected the smallest and the greatest integer, got 0 and 5'],
  [{ id: 'id', ids: [2, 1] }, 'ids: expected the smallest and the greatest integer, got 2 and 1'],
  [{ match: 5 }, 'match must be a function'],
  [{ ide: 'id' }, 'replies: '],
  [{ ide: 'id' }, "did you mean 'id'"],
])('%o is refused in words', (options, text) => {
  expect(() => requests(options as never)).toThrow(text);
});

test('with aborted requests and late replies no reply answers another request', () =>
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.tuple(fc.constantFrom('add', 'reply', 'abandon', 'plain'), fc.nat(9)), { maxLength: 60 }),
      (byId, script) => {
        const each = requests({ ...(byId && { id: 'id', ids: [0, 4] as const }), maxInFlight: 3 });
        /** What the other side has got and not answered. */
        const server: Message[] = [];
        let count = 0;
        for (const [act, n] of script) {
          if (act === 'add') each.add(`${count++}`, { type: `${count - 1}` });
          else if (act === 'abandon') each.abandon(`${n}`);
          else if (act === 'plain' && !byId) {
            each.sent();
            server.push({ type: 'plain' });
          } else if (server.length > 0) {
            const [request] = server.splice(byId ? n % server.length : 0, 1);
            const belongs = each.receive(request!);
            if (typeof belongs === 'object') expect(belongs.ticket).toBe(request!.type);
            else expect(belongs).toBe(request!.type === 'plain' ? 'message' : 'late');
          }
          server.push(...send(each));
          expect(each.inFlight).toBeLessThanOrEqual(3);
          expect(each.inFlight + each.quarantined).toBe(server.filter(({ type }) => type !== 'plain').length);
        }
      },
    ),
    { numRuns: 300 },
  ));

/** A random protocol: what answers each type, and the types of replies that belong to it alone. */
const rulesArb = fc.array(
  fc.oneof(
    fc.constant('none' as const),
    fc.record({ one: fc.boolean(), isTold: fc.boolean(), rows: fc.nat(4) }),
  ),
  { minLength: 1, maxLength: 4 },
);

test('over random tables: no reply answers another request, none answers twice, and every request ends', () =>
  fc.assert(
    fc.property(
      fc.constantFrom('order', 'id', 'match'),
      rulesArb,
      fc.array(
        fc.tuple(fc.constantFrom('add', 'reply', 'reply', 'abandon', 'plain', 'alien', 'again'), fc.nat(9)),
        {
          maxLength: 80,
        },
      ),
      (how, rules, script) => {
        type Wire = { type: string; id?: number; key?: number };
        const expects = Object.fromEntries(
          rules.map((rule, i) => {
            if (rule === 'none') return [`r${i}`, 'none'];
            if (rule.one) return [`r${i}`, rule.isTold ? { one: `last${i}` } : 'one'];
            return [`r${i}`, { until: `last${i}`, ...(rule.isTold && { of: `row${i}` }) }];
          }),
        );
        const each = new Requests<Wire, Wire, number>({
          maxInFlight: 3,
          expects,
          isReply: ({ type }) => type !== 'alien',
          ...(how === 'id' && { id: 'id', ids: [0, 5] as const }),
          ...(how === 'match' && { match: (request: Wire, reply: Wire) => request.key === reply.key }),
        });
        /** What the other side still has to send for each message that it got, the oldest first. */
        let server: { ticket: number | undefined; replies: Wire[] }[] = [];
        const ended = new Map<number, string>();
        const abandoned = new Set<number>();
        let count = 0;
        const take = (message: Wire, ticket: number | undefined): void => {
          const belongs = each.receive(message);
          if (ticket === undefined) expect(belongs).toBe('message');
          else if (abandoned.has(ticket)) expect(belongs).toBe('late');
          else {
            expect(belongs).toMatchObject({ ticket });
            expect(ended.has(ticket)).toBe(false);
            if (!(belongs as { more?: true }).more) ended.set(ticket, 'answered');
          }
        };
        const answers = (type: string, id: number | undefined, key: number | undefined): Wire[] => {
          const i = Number(type.slice(1));
          const rule = rules[i]!;
          const names = { ...(id !== undefined && { id }), ...(key !== undefined && { key }) };
          if (rule === 'none') return [];
          const rows = rule.one ? 0 : rule.rows;
          return [...Array(rows).fill(`row${i}`), `last${i}`].map((type) => ({ type, ...names }));
        };
        let lastReply: Wire | undefined;
        for (const [act, n] of script) {
          if (act === 'add') each.add(count++, { type: `r${n % rules.length}`, key: count });
          else if (act === 'abandon' && n < count) {
            if (!ended.has(n)) {
              if (!each.abandon(n)) ended.set(n, 'never sent');
              abandoned.add(n);
            }
          } else if (act === 'plain' && how === 'order') {
            const type = `r${n % rules.length}`;
            each.sent({ type });
            server.push({ ticket: undefined, replies: answers(type, undefined, undefined) });
          } else if (act === 'alien') {
            take({ type: 'alien', id: n % 6, key: n }, undefined);
          } else if (act === 'again' && how === 'id' && lastReply !== undefined) {
            // A duplicate, of a number that is free.
            if (!server.some(({ replies }) => replies[0]?.id === lastReply!.id)) take(lastReply, undefined);
          } else if (act === 'reply') {
            server = server.filter(({ replies }) => replies.length > 0);
            const from = server[how === 'order' ? 0 : n % server.length];
            if (from !== undefined) {
              lastReply = from.replies.shift()!;
              take(lastReply, from.ticket);
            }
          }
          for (let next = each.next(); next !== undefined; next = each.next()) {
            expect(next.refused).toBeUndefined();
            if (next.unanswered) ended.set(next.ticket, 'nothing answers');
            const { type, id, key } = next.request;
            server.push({ ticket: next.ticket, replies: answers(type, id, key) });
          }
          expect(each.inFlight).toBeLessThanOrEqual(3);
        }
        // The server answers all that it owes; then nothing is open.
        for (let i = 0; i < 200; i++) {
          server = server.filter(({ replies }) => replies.length > 0);
          const from = server[0];
          if (from !== undefined) take(from.replies.shift()!, from.ticket);
          for (let next = each.next(); next !== undefined; next = each.next()) {
            if (next.unanswered) ended.set(next.ticket, 'nothing answers');
            const { type, id, key } = next.request;
            server.push({ ticket: next.ticket, replies: answers(type, id, key) });
          }
        }
        expect([each.inFlight, each.queued, each.quarantined]).toEqual([0, 0, 0]);
        for (let ticket = 0; ticket < count; ticket++) {
          expect(ended.has(ticket) || abandoned.has(ticket)).toBe(true);
        }
      },
    ),
    { numRuns: 500 },
  ));
