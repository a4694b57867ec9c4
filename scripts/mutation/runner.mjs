// A test runner for Stryker that uses one process: the tests are bundled with the mutated sources once, and the parts of the script
// that a mutant's tests need are evaluated again for each mutant. A mutant then costs only its tests, not the start of a worker and
// the loading of hundreds of modules.
//
// - Tests that noticed the latest mutants come first, then the quickest. The run of a mutant ends at the first test that fails, or when
//   its budget is spent.
// - If loading a test file touches a mutant, all tests of the file are run for it. With WHOLE_FILES this is also done if any test
//   touches it: codecs compile at their first use, and a later test may be the one that checks the result.
// - A test that fails without a mutant (because of few draws, or counts of work) or takes too long is skipped, and its name is logged.
// - Times are processor times, so that no mutant times out on a busy machine.
//
// TESTS        the beginnings of the paths of test files, separated by commas
// BUDGET       milliseconds of a mutant after which no further test is started (default 400)
// LONGEST      milliseconds of the longest test that is not skipped (default 100)
// DRAWS        draws per property (default 15)
// WHOLE_FILES  set: see above
// OUTCOMES     a file to which the outcome of each mutant is appended at once

import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
// Kept here, because tests may fake the global ones.
import { setImmediate, setTimeout } from 'node:timers';
import vm from 'node:vm';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { bundle } from './bundle.mjs';

const {
  TESTS = 'test/options,test/errors,test/bytes/,test/protocol/',
  BUDGET = '400',
  LONGEST = '100',
} = process.env;
const { WHOLE_FILES, OUTCOMES } = process.env;

/** A test counts as endless after this time plus this multiple of its time without a mutant. */
const SPARE_MS = 1_000;
const SPARE_FACTOR = 20;
const LOADING_MS = 3_000;
/** How long a test may wait, and for how many turns of the event loop if nothing is pending. */
const PENDING_MS = 20_000;
const IDLE_TURNS = 50;

/** How many of the tests that noticed the latest mutants come first. */
const LATEST = 8;

const LOADING = 'loading';
const SUCCESS = 0;

class Endless extends Error {}

class InProcessRunner {
  #log;
  /** The object that Stryker's switches in the sources read, and count in. */
  #switches;
  #script;
  #require;
  /** By the id of a test: its time in milliseconds, the time that loading its file takes, and the mutants that it touches itself. */
  #known = new Map();
  /** The tests that noticed mutants, the latest last. */
  #noticed = new Set();
  #stray;

  constructor(log) {
    this.#log = log;
    globalThis.__stryker__ ??= {};
    this.#switches = globalThis.__stryker__;
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    const root = process.cwd();
    const filename = path.join(root, 'tests.cjs');
    const text = await bundle(root, TESTS.split(','));
    this.#require = createRequire(filename);
    this.#script = new vm.Script(`(function (require, module, exports) {${text}\n})`, {
      filename,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const note = (error) => {
      this.#stray ??= error;
    };
    process.on('unhandledRejection', note).on('uncaughtException', note);
  }

  async dryRun() {
    const tests = [];
    const perTest = {};
    for (const file of Object.keys(this.#evaluate().files)) {
      const { touched, passed } = await this.#tryFile(file);
      const shared = { ...touched[LOADING] };
      if (WHOLE_FILES !== undefined)
        for (const { id } of passed) for (const mutant in touched[id]) shared[mutant] ??= 1;
      for (const { id } of passed) perTest[id] = { ...shared, ...touched[id] };
      tests.push(...passed);
    }
    this.#switches.currentTestId = undefined;
    const sum = [...this.#known.values()].reduce((total, { ms }) => total + ms, 0);
    this.#log.info(`${tests.length} tests take ${Math.round(sum)} ms of the processor`);
    return { status: 'complete', tests, mutantCoverage: { static: {}, perTest } };
  }

  async mutantRun(options) {
    const result = await this.#judge(options);
    if (OUTCOMES !== undefined) {
      const { fileName, location, mutatorName, replacement } = options.activeMutant;
      const { start, end } = location;
      const where = `${path.relative(process.cwd(), fileName).replaceAll('../', '')}:${start.line + 1}:${start.column + 1}-${end.line + 1}:${end.column + 1}`;
      appendFileSync(OUTCOMES, `${result.status} ${where} ${mutatorName} ${JSON.stringify(replacement)}\n`);
    }
    return result;
  }

  /** Runs the tests of a file without a mutant. Each file gets a fresh copy of the sources, to see which mutants loading them touches. */
  async #tryFile(file) {
    const switches = this.#switches;
    const load = this.#loader();
    const passed = [];
    switches.activeMutant = undefined;
    switches.mutantCoverage = { static: {}, perTest: {} };
    switches.currentTestId = LOADING;
    const start = processorMs();
    const tests = load(file);
    const loadingMs = processorMs() - start;
    for (const [id, body] of tests) {
      switches.currentTestId = id;
      const from = processorMs();
      try {
        await body();
        if (processorMs() - from > Number(LONGEST)) throw new Error(`took more than ${LONGEST} ms`);
      } catch (error) {
        this.#log.warn(`left out: ${id}: ${String(error?.message).split('\n')[0]}`);
        continue;
      }
      const ms = processorMs() - from;
      const touches = new Set(Object.keys(switches.mutantCoverage.perTest[id] ?? {}));
      this.#known.set(id, { ms, loadingMs, touches });
      passed.push({ id, name: id, fileName: file, timeSpentMs: ms, status: SUCCESS });
    }
    return { touched: switches.mutantCoverage.perTest, passed };
  }

  async #judge({ activeMutant: { id }, testFilter = [...this.#known.keys()], hitLimit }) {
    Object.assign(this.#switches, { currentTestId: undefined, activeMutant: id, hitCount: 0, hitLimit });
    this.#stray = undefined;
    const load = this.#loader();
    const from = processorMs();
    let nrOfTests = 0;
    for (const test of this.#mostPromisingFirst(testFilter, id)) {
      if (processorMs() - from > Number(BUDGET)) break;
      nrOfTests++;
      try {
        const bodies = await bounded(() => load(test.slice(0, test.indexOf('#'))), LOADING_MS);
        const body = bodies.get(test);
        if (body === undefined) throw new Error('the file no longer has this test');
        await bounded(body, SPARE_MS + SPARE_FACTOR * this.#known.get(test).ms);
        if (this.#stray !== undefined) throw this.#stray;
      } catch (error) {
        if (error instanceof Endless) return { status: 'timeout', reason: error.message };
        if (this.#isSpinning) break;
        this.#noticed.delete(test);
        this.#noticed.add(test);
        return { status: 'killed', failureMessage: String(error?.message), killedBy: [test], nrOfTests };
      }
      if (this.#isSpinning) break;
    }
    if (this.#isSpinning)
      return { status: 'timeout', reason: 'reached far more often than without the mutant' };
    return { status: 'survived', nrOfTests };
  }

  get #isSpinning() {
    return this.#switches.hitCount > this.#switches.hitLimit;
  }

  /**
   * Sorts tests that touch the mutant themselves before tests whose file touches it, and before both the few that noticed the latest
   * mutants: those of one place are often noticed by one test.
   */
  #mostPromisingFirst(tests, mutant) {
    const latest = new Set([...this.#noticed].slice(-LATEST));
    const cost = (test) => {
      const { ms, loadingMs, touches } = this.#known.get(test);
      return (latest.has(test) ? 0 : 1e6) + (touches.has(mutant) ? 0 : 1e5) + ms + loadingMs;
    };
    return tests.filter((test) => this.#known.has(test)).sort((a, b) => cost(a) - cost(b));
  }

  #evaluate() {
    const module = { exports: {} };
    this.#script.runInThisContext()(this.#require, module, module.exports);
    return module.exports;
  }

  /** A function that loads a test file once, with fresh sources, and returns its tests by their ids. */
  #loader() {
    const { collect, files } = this.#evaluate();
    const loaded = new Map();
    return (file) => {
      if (!loaded.has(file)) loaded.set(file, byId(file, collect(files[file])));
      return loaded.get(file);
    };
  }
}

function byId(file, tests) {
  const bodies = new Map();
  for (const { name, body } of tests) {
    let id = `${file}#${name}`;
    while (bodies.has(id)) id += "'";
    bodies.set(id, body);
  }
  return bodies;
}

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const call = new vm.Script('__called()');

/** Returns what `body` returns. Throws `Endless` if `body` takes more than `ms` milliseconds of processor time. */
async function bounded(body, ms) {
  const resting = process.getActiveResourcesInfo().length;
  const from = processorMs();
  for (let limit = ms; ; limit *= 4) {
    let made;
    try {
      globalThis.__called = body;
      made = call.runInThisContext({ timeout: Math.ceil(limit) });
    } catch (error) {
      if (error?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      // The clock ran while the processor did other work: try again with more time.
      if (processorMs() - from < ms / 2) continue;
      throw new Endless(`no end within ${Math.round(ms)} ms`);
    }
    return typeof made?.then === 'function' ? settled(made, resting) : made;
  }
}

/** Waits for the promise. Throws `Endless` if nothing is pending that could settle it, or after a long time. */
async function settled(promise, resting) {
  let isPending = true;
  const note = () => {
    isPending = false;
  };
  promise.then(note, note);
  const end = performance.now() + PENDING_MS;
  for (let idleTurns = 0; isPending; ) {
    await new Promise(setImmediate);
    const isIdle = process.getActiveResourcesInfo().length <= resting;
    idleTurns = isIdle ? idleTurns + 1 : 0;
    if (idleTurns > IDLE_TURNS) throw new Endless('pending, and nothing is under way');
    if (performance.now() > end) throw new Endless(`pending for ${PENDING_MS} ms`);
    if (isPending && !isIdle) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return promise;
}

const make = (log) => new InProcessRunner(log);
make.inject = ['logger'];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'in-process', make)];
