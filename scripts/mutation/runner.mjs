// A test runner for Stryker that keeps to one process: the tests are bundled with the mutated sources once, and the script
// is evaluated anew for each mutant, as far as its tests need it. A mutant then costs its tests, and not the start of a
// worker and the loading of hundreds of modules.
//
// - The quickest tests come first. The first that fails ends the run, and so does the end of the mutant's budget.
// - All tests of a file are run for a mutant that the loading of the file touches, and, with WHOLE_FILES, for one that any of
//   them touches: codecs compile at their first use, and a later test may be the one that looks.
// - A test that fails without a mutant (few draws, counts of work), or that takes long, is left out, and its name is logged.
// - Time is time of the processor: a busy machine makes no mutant time out.
//
// TESTS        the beginnings of the paths of test files, with commas between them
// BUDGET       milliseconds that a mutant's tests may take before no other test is begun (default 400)
// LONGEST      milliseconds that one test may take before it is left out (default 100)
// DRAWS        the draws of each property (default 15)
// WHOLE_FILES  set: see above
// OUTCOMES     a file to which each mutant's outcome is appended as it comes

import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
// Not the global ones, which tests may fake.
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

/** A test may take as long, and so many times as long as without a mutant, before it counts as endless. */
const SPARE_MS = 1_000;
const SPARE_FACTOR = 20;
const LOADING_MS = 3_000;
/** A test that waits may wait so long; for nothing at all, so many turns of the event loop. */
const PENDING_MS = 20_000;
const IDLE_TURNS = 50;

const LOADING = 'loading';
const SUCCESS = 0;

class Endless extends Error {}

class InProcessRunner {
  #log;
  /** What Stryker's switches in the sources read and count in. */
  #switches;
  #script;
  #require;
  /** By the id of a test: the milliseconds of the processor and of the clock that it takes, those that the loading of its file takes, and the mutants that it touches itself. */
  #known = new Map();
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

  /** Runs the tests of a file without a mutant. Each file has its sources to itself, to see what loading them touches. */
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
      const clock = performance.now();
      try {
        await body();
        if (processorMs() - from > Number(LONGEST)) throw new Error(`took more than ${LONGEST} ms`);
      } catch (error) {
        this.#log.warn(`left out: ${id}: ${String(error?.message).split('\n')[0]}`);
        continue;
      }
      const ms = processorMs() - from;
      const waitMs = performance.now() - clock;
      const touches = new Set(Object.keys(switches.mutantCoverage.perTest[id] ?? {}));
      this.#known.set(id, { ms, waitMs, loadingMs, touches });
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
    for (const test of this.#quickestFirst(testFilter, id)) {
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

  /** Those that touch the mutant themselves before those whose file does. */
  #quickestFirst(tests, mutant) {
    const cost = (test) => {
      const { waitMs, loadingMs, touches } = this.#known.get(test);
      return waitMs + loadingMs + (touches.has(mutant) ? 0 : 1e6);
    };
    return tests.filter((test) => this.#known.has(test)).sort((a, b) => cost(a) - cost(b));
  }

  #evaluate() {
    const module = { exports: {} };
    this.#script.runInThisContext()(this.#require, module, module.exports);
    return module.exports;
  }

  /** What loads a test file, once, with sources that no test has used: its tests, by their ids. */
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

/** What `body` returns. Throws `Endless` if that takes more than `ms` milliseconds of the processor. */
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
      // The clock ran, the processor did something else: again, with more time.
      if (processorMs() - from < ms / 2) continue;
      throw new Endless(`no end within ${Math.round(ms)} ms`);
    }
    return typeof made?.then === 'function' ? settled(made, resting) : made;
  }
}

/** What the promise becomes. Throws `Endless` once nothing is under way that could settle it, or after a long time. */
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
