import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWhere, WhereError } from '../../src/tools/where.ts';

const move = { type: 'move', x: 11, y: -3, id: 18_446_744_073_709_551_615n };
const list = {
  type: 'list',
  items: [
    { key: 7, name: 'Ann' },
    { key: 8, name: 'Bob' },
  ],
  flags: { urgent: true, last: false },
  body: Buffer.from('00a1b2', 'hex'),
};

describe('which messages pass', () => {
  test.each<[string, object, boolean]>([
    ['type = move and x > 10', move, true],
    ['type = move and x > 11', move, false],
    ['type == move', move, true],
    ["type = 'move'", move, true],
    ['type != move', move, false],
    ['x=11', move, true],
    ['x = 0xb', move, true],
    ['x = 11.0', move, true],
    ['x < 11.5 and y = -3', move, true],
    ['y >= -3 and y <= -3', move, true],
    ['id = 18446744073709551615', move, true],
    ['id = 18446744073709551614', move, false],
    ['id > 18446744073709551614', move, true],
    ['type = list or x = 11', move, true],
    ['not type = list and not (x = 1 or x = 2)', move, true],
    // Tighter first: or (and).
    ['type = list and x = 1 or y = -3', move, true],
    ['x', move, true],
    ['z', move, false],
    // A missing field passes no comparison, nor does one of another kind.
    ['z != 1', move, false],
    ['not z = 1', move, true],
    ['x = eleven', move, false],
    ['x != eleven', move, false],
    ['items[1].name = Bob', list, true],
    ['items[0].name = Bob', list, false],
    ['items[].name = Bob', list, true],
    ['items[2]', list, false],
    ['items.length = 2', list, true],
    ['body.length > 2', list, true],
    ['flags.urgent', list, true],
    ['flags.last', list, false],
    ['flags.last = false', list, true],
    ['body = 00a1b2', list, true],
    ['body = 0x00A1B2', list, true],
    ['body ~ a1', list, true],
    // Bytes, not digits.
    ['body ~ 0a', list, false],
    ['items[].name ~ AN', list, true],
    ['text = "say \\"and\\""', { text: 'say "and"' }, true],
    ["text = 'or'", { text: 'or' }, true],
    ['größe = 1', { größe: 1 }, true],
    // What every object has is no field.
    ['constructor', move, false],
    ['__proto__', move, false],
    ['type.toString', move, false],
  ])('%s: case %#', (text, message, passes) => {
    expect(parseWhere(text)(message)).toBe(passes);
  });

  test('names with @ are properties of the message', () => {
    const where = parseWhere('@state = closing and @size > 4');
    expect(where(move, { state: 'closing', size: 5 })).toBe(true);
    expect(where(move, { state: 'open', size: 5 })).toBe(false);
    expect(where({ state: 'closing', size: 5 })).toBe(false);
  });
});

test.each([
  ['', 0, 'expected the name of a field at the end of the filter'],
  ['type = move and', 15, 'expected the name of a field at the end of the filter'],
  ['type =', 6, 'expected a value at the end of the filter'],
  ['type = and x', 7, "expected a value at 'and x' of the filter"],
  ['type = move x > 1', 12, "expected 'and', 'or' or the end at 'x > 1' of the filter"],
  ['(type = move', 12, "expected ')' at the end of the filter"],
  ['type = move)', 11, "expected 'and', 'or' or the end at ')' of the filter"],
  ['type = "move', 7, "expected a name, a value or a comparison at '\"move' of the filter"],
  ['x ! 1', 2, "expected a name, a value or a comparison at '! 1' of the filter"],
  ['= 1', 0, "expected the name of a field at '= 1' of the filter"],
  ['a..b = 1', 0, "expected the name of a field at 'a..b = 1' of the filter"],
  ['a[x] = 1', 0, "expected the name of a field at 'a[x] = 1' of the filter"],
  [`${'('.repeat(101)}x`, 101, "expected at most 100 levels at 'x' of the filter"],
  [`${'not '.repeat(100_000)}x`, 404, "expected at most 100 levels at 'not not not not not ' of the filter"],
])('%s: refused', (text, offset, message) => {
  const thrown = catching(() => parseWhere(text));
  expect(thrown).toBeInstanceOf(WhereError);
  expect(thrown).toMatchObject({ offset, message });
});

function catching(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

// A filter as a tree, its text, and what it means, each on its own.
type Tree =
  | { is: 'compare'; path: string; sign: string; value: number }
  | { is: 'has'; path: string }
  | { is: 'not'; one: Tree }
  | { is: 'and'; left: Tree; right: Tree }
  | { is: 'or'; left: Tree; right: Tree };

const names = fc.constantFrom('a', 'b', 'c', 'x1');
const tree = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ is: fc.constant('has' as const), path: names }),
    fc.record({
      is: fc.constant('compare' as const),
      path: names,
      sign: fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      value: fc.integer({ min: -3, max: 3 }),
    }),
    fc.record({ is: fc.constant('not' as const), one: tie('tree') }),
    fc.record({ is: fc.constant('and' as const), left: tie('tree'), right: tie('tree') }),
    fc.record({ is: fc.constant('or' as const), left: tie('tree'), right: tie('tree') }),
  ),
})).tree;

function textOf(node: Tree): string {
  if (node.is === 'has') return node.path;
  if (node.is === 'compare') return `${node.path} ${node.sign} ${node.value}`;
  if (node.is === 'not') return `not (${textOf(node.one)})`;
  return `(${textOf(node.left)}) ${node.is} (${textOf(node.right)})`;
}

function meaning(node: Tree, message: Record<string, number>): boolean {
  if (node.is === 'not') return !meaning(node.one, message);
  if (node.is === 'and') return meaning(node.left, message) && meaning(node.right, message);
  if (node.is === 'or') return meaning(node.left, message) || meaning(node.right, message);
  const value = message[node.path];
  if (value === undefined) return false;
  if (node.is === 'has') return true;
  const { sign, value: other } = node;
  if (sign === '=') return value === other;
  if (sign === '!=') return value !== other;
  if (sign === '<') return value < other;
  if (sign === '<=') return value <= other;
  return sign === '>' ? value > other : value >= other;
}

describe('properties', () => {
  test('a filter means what its tree means', () => {
    const message = fc.dictionary(names, fc.integer({ min: -3, max: 3 }), { noNullPrototype: true });
    fc.assert(
      fc.property(tree, message, (node, fields) => {
        expect(parseWhere(textOf(node))(fields)).toBe(meaning(node, fields));
      }),
      { numRuns: 500 },
    );
  });

  test('any text is a filter that never throws, or a WhereError at a place in it', () => {
    const words = fc.constantFrom(
      'type',
      'x',
      '@state',
      'and',
      'or',
      'not',
      '(',
      ')',
      '=',
      '~',
      '<=',
      "'a'",
      '1',
      '[]',
      '.',
      '"',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words).map((all) => all.join(' ')),
    );
    fc.assert(
      fc.property(texts, fc.object({ withBigInt: true, withNullPrototype: true }), (text, message) => {
        let where: (message: object) => boolean;
        try {
          where = parseWhere(text);
        } catch (error) {
          if (!(error instanceof WhereError)) throw error;
          expect(error.offset).toBeGreaterThanOrEqual(0);
          expect(error.offset).toBeLessThanOrEqual(text.length);
          return;
        }
        expect(where(message)).toBeTypeOf('boolean');
      }),
      { numRuns: 1_000 },
    );
  });
});
