// Replaces `vitest` in mutation testing (runner.mjs): it has the same `expect`, and collects the tests so that the runner can
// run them in this process one by one.

import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  GLOBAL_EXPECT,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import { fn, spyOn } from '@vitest/spy';
import { expectTypeOf } from 'expect-type';
import * as time from './fake-timers.mjs';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

const expect = (value, message) => chai.expect(value, message);
Object.assign(expect, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT], {
  getState: () => getState(expect),
  setState: (state) => setState(state, expect),
  extend: (matchers) => chai.expect.extend(expect, matchers),
});
setState({ assertionCalls: 0 }, expect);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect, writable: true, configurable: true });
expect.extend(customMatchers);

let suite = { name: '', before: [], after: [], outer: undefined };
let tests = [];

function describe(name, body) {
  suite = { name: `${suite.name}${name} > `, before: [], after: [], outer: suite };
  body();
  suite = suite.outer;
}

function test(name, ...rest) {
  const body = rest.find((each) => typeof each === 'function');
  const own = suite;
  tests.push({
    name: own.name + name,
    body() {
      const finished = [];
      const context = { expect, onTestFinished: (call) => finished.push(call) };
      current = context;
      time.useRealTimers();
      for (const each of around(own, 'before')) each();
      const end = () => {
        for (const call of [...finished, ...around(own, 'after')]) call();
      };
      let made;
      try {
        made = body(context);
      } catch (error) {
        end();
        throw error;
      }
      if (typeof made?.then !== 'function') return end();
      return made.finally(end);
    },
  });
}

let current;
const around = (of, side) => (of === undefined ? [] : [...around(of.outer, side), ...of[side]]);
const each =
  (of) =>
  (cases) =>
  (name, ...rest) => {
    const body = rest.find((some) => typeof some === 'function');
    cases.forEach((row, index) => {
      of(`${name} [${index}]`, () => (Array.isArray(row) ? body(...row) : body(row)));
    });
  };

describe.each = each(describe);
test.each = each(test);
describe.skipIf = (skip) => (skip ? () => {} : describe);
test.skipIf = (skip) => (skip ? () => {} : test);

const none = () => {
  throw new Error('hooks of whole files are not run under mutation');
};
export const beforeAll = none;
export const afterAll = none;
export const beforeEach = (call) => suite.before.push(call);
export const afterEach = (call) => suite.after.push(call);
export const onTestFinished = (call) => current.onTestFinished(call);
export const vi = { fn, spyOn, ...time };
export { describe, expect, expectTypeOf, test, test as it };

/** The tests that are declared while `load` runs. */
export function collect(load) {
  tests = [];
  load();
  return tests;
}
