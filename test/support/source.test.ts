import { expect, it } from 'vitest';
import { circles, exportsOf, importsOf, stateOf } from './source.ts';

it('finds what a file imports, types and re-exports included', () => {
  const text = `
    import type { A } from './a.ts';
    import './b.ts';
    export { c } from './c.ts';
    export * from './d.ts';
    const e = await import('./e.ts');
    type F = import('./f.ts').F;
    // import './no.ts';
    export const here = './no.ts';`;
  expect(importsOf(text)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts']);
  expect(exportsOf(text)).toEqual(['here']);
});

it('finds circles, also of one', () => {
  const graph = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['a', 'd']],
    ['d', ['e']],
    ['e', []],
    ['f', ['f']],
  ]);
  expect(circles(graph)).toEqual([['a', 'b', 'c'], ['f']]);
});

it.each([
  ['let at = 0;', ['at']],
  ['export var last;', ['last']],
  ['const list = [1]; function add() { list.push(2); }', ['list']],
  ['const table = { a: 1 }; const set = () => { table.a = 2; };', ['table']],
  ['const table = { a: [1] }; class A { set() { delete table.a[0]; } }', ['table']],
  ['const count = { n: 0 }; function next() { return count.n++; }', ['count']],
  ['const known = new WeakMap<object, string>();', ['known']],
  ['const scratch = new Uint8Array(8);', ['scratch']],
  ['class A { static last = 0; static readonly first = 1; }', ['A.last']],
  ['const list = [1, 2]; list.push(3);', []],
  ['const NONE: readonly never[] = []; const SET: ReadonlySet<string> = new Set();', []],
  ['const EMPTY = Buffer.alloc(0); const TABLE = new Uint8Array([1, 2]);', []],
  ['const PATTERN = /x/; function test(text: string) { let at = 0; at++; return PATTERN.test(text); }', []],
])('finds the state of a module: %s', (text, state) => {
  expect(stateOf(text)).toEqual(state);
});
