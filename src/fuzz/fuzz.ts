import { showThrown } from '../bytes/show.ts';
import { seededNumbers } from '../captures/seeded-numbers.ts';
import {
  aText,
  type Check,
  callback,
  checkOptions,
  delay,
  integer,
  listOf,
  natural,
  oneOf,
  positive,
  requireObjectOf,
} from '../options.ts';
import { fromClient } from '../protocol/direction.ts';
import { framed } from '../protocol/framing/framed.ts';
import type { CaptureEvent } from '../protocol/recording/events.ts';
import { shrinkCapture } from '../testing/shrink-capture.ts';
import {
  ATTACK_KINDS,
  type AttackKind,
  attacks,
  type Step,
  type Turn,
  typesOf,
} from '../tools/fuzz/attacks.ts';
import type { Finding } from '../tools/fuzz/finding.ts';
import type { JudgedProtocol } from '../tools/fuzz/judge.ts';
import { type Route, routeOut, routesFrom, stayingTypes } from '../tools/fuzz/routes.ts';
import { JUDGING_CHECKS, type Judging, type JudgingOptions, judgingOf } from './judging.ts';
import { LiveConnection } from './live-connection.ts';
import type { GoodMessages, MessageContext } from './messages.ts';
import { afterwards, openConnection, playAgain } from './replay-attack.ts';
import { memoryOf, ServerProcess } from './server-process.ts';

export interface FuzzOptions extends JudgingOptions {
  /** The same seed gives the same attacks. Default 1. */
  seed?: number | undefined;
  /** Seconds to attack. Default 60. */
  seconds?: number | undefined;
  /** The most attacks. Default: as many as time allows. */
  attacks?: number | undefined;
  /** Only these kinds of attacks. Default: all. */
  kinds?: readonly AttackKind[] | undefined;
  /**
   * Good messages that lead to further states, such as a token that the server knows: by type, or by state and type. A function
   * may use the messages received from the server.
   *
   * @example { 'handshake.write': { type: 'write', text: 'HELLO' } }
   */
  values?: Readonly<Record<string, object | ((context: MessageContext) => object)>> | undefined;
  /** All other good messages. Default: generated from the codec's declaration, which needs fast-check. */
  messages?: GoodMessages | undefined;
  /** A shell command that runs the server. The process is started, watched, and started again after it has died. */
  run?: string | undefined;
  /** The process id of a server that `run` does not start; its memory is watched. */
  pid?: number | undefined;
  /** MiB by which the server's process may grow after its start. Default 256. */
  memory?: number | undefined;
  /** The bytes of a flood. Default 16 MiB. */
  flood?: number | undefined;
  /** How many different failures end the run. Default 10. */
  failures?: number | undefined;
  /** Milliseconds spent on shrinking one failure. Default 10,000. */
  shrinkTime?: number | undefined;
  /** Called with each failure that is found. */
  onFailure?: ((failure: Failure) => void | Promise<void>) | undefined;
  /** Called after each attack. */
  onAttack?: ((count: number) => void) | undefined;
}

/** A mistake of a server. */
export interface Failure extends Finding {
  /** The state that was attacked. */
  readonly state: string;
  readonly attack: { readonly kind: AttackKind; readonly what: string; readonly number: number };
  /** The shortest conversation found that shows it. */
  readonly events: readonly CaptureEvent[];
  /** Whether playing the conversation again showed the failure again. */
  readonly repeats: boolean;
}

export interface FuzzReport {
  readonly seed: number;
  readonly seconds: number;
  /** How many attacks of each kind were made. */
  readonly attacks: Readonly<Record<AttackKind, number>>;
  readonly failures: readonly Failure[];
  /** The states that good messages have reached, and those that none has; final states are left out. */
  readonly reached: readonly string[];
  readonly unreached: readonly string[];
  /** The types for which no good message is known. */
  readonly unsent: readonly string[];
}

const MIB = 1_048_576;
/** Attempts at reaching a state before it counts as out of reach. */
const TRIES = 12;
const DEAD: Finding = { kind: 'dead', text: 'accepts no more connections' };
/** How often a failure is played again before it counts as not repeating. */
const REPEATS = 3;
/** Parts that a server has to read apart are sent with this multiple of the gap. */
const FAR = 30;
/** The most bytes of parts that are joined; a flood has more. */
const MOST_JOINED = 65_536;

/**
 * Attack a server that speaks a protocol, and report its mistakes. Good messages reach each state of the session; then come near
 * misses, messages out of order, splits, floods, half-closes and resets. After each attack a flawless conversation has to work.
 * The session's table judges the server's answers.
 *
 * @throws TypeError or RangeError for invalid options and protocols, Error if the server cannot be reached at all
 *
 * @example
 * const report = await fuzz(drone, {
 *   connect: () => net.connect({ port: 4000, allowHalfOpen: true }),
 *   values: { 'handshake.write': { type: 'write', text: 'HELLO' } },
 *   seconds: 10,
 * });
 * assert.deepEqual(report.failures, []);
 */
export async function fuzz(protocol: JudgedProtocol, options: FuzzOptions): Promise<FuzzReport> {
  checkOptions('fuzz', options, {
    ...JUDGING_CHECKS,
    seed: integer(0),
    seconds: positive,
    attacks: natural,
    kinds: listOf(oneOf(...ATTACK_KINDS)),
    values,
    messages: callback,
    run: aText,
    pid: integer(1),
    memory: integer(1),
    flood: integer(1),
    failures: integer(1),
    shrinkTime: delay,
    onFailure: callback,
    onAttack: callback,
  });
  const judging = judgingOf(protocol, options);
  const messages = options.messages ?? (await declaredMessages(protocol, options.seed ?? 1));
  return new Fuzzer(protocol, options, judging, messages).run();
}

/** Messages, or functions that make them, by names. */
const values: Check = (name, value) => {
  requireObjectOf(name, 'an object of messages', value);
  for (const [type, one] of Object.entries(value as object)) {
    if (typeof one !== 'function') requireObjectOf(`${name}['${type}']`, 'a message or a function', one);
  }
};

/** Good messages generated from the declaration. Only this needs fast-check. */
async function declaredMessages({ clientMessages }: JudgedProtocol, seed: number): Promise<GoodMessages> {
  let module: typeof import('./good-messages.ts');
  try {
    module = await import('./good-messages.ts');
  } catch (error) {
    throw new TypeError(
      `fuzz: good messages are made by fast-check, which cannot be loaded: ${showThrown(error)}`,
    );
  }
  return module.goodMessages(clientMessages, seed);
}

class Fuzzer {
  readonly #protocol: JudgedProtocol;
  readonly #options: FuzzOptions;
  readonly #judging: Judging;
  readonly #messages: GoodMessages;
  readonly #seed: number;
  readonly #server: ServerProcess | undefined;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #reached: string[] = [];
  readonly #unreached: string[] = [];
  readonly #failures: Failure[] = [];
  /** Failures of the same kind, state and wording count as one. */
  readonly #known = new Set<string>();
  readonly #counts = Object.fromEntries(ATTACK_KINDS.map((kind) => [kind, 0])) as Record<AttackKind, number>;
  #count = 0;
  #random: () => number;
  /** The current conversation, for messages that depend on it. */
  #live: LiveConnection | undefined;
  #memory: number | undefined;
  #end = Infinity;

  constructor(protocol: JudgedProtocol, options: FuzzOptions, judging: Judging, messages: GoodMessages) {
    this.#protocol = protocol;
    this.#options = options;
    this.#judging = judging;
    this.#messages = messages;
    this.#seed = options.seed ?? 1;
    this.#random = seededNumbers(this.#seed);
    const { table } = judging.law;
    this.#routes = routesFrom(table, table.initial.name);
    this.#server = options.run === undefined ? undefined : new ServerProcess(options.run, () => this.#isUp());
  }

  async run(): Promise<FuzzReport> {
    const start = performance.now();
    const { seconds = 60, attacks: most = Infinity, failures = 10, kinds, onAttack } = this.#options;
    try {
      await this.#server?.start();
      if (!(await this.#isUp())) throw new Error('fuzz: the server accepts no connections');
      await this.#explore();
      this.#memory = this.#measure();
      this.#end = start + seconds * 1_000;
      const turns = attacks(this.#arsenal(), this.#reached, kinds);
      while (
        this.#reached.length > 0 &&
        this.#count < most &&
        performance.now() < this.#end &&
        this.#failures.length < failures
      ) {
        // Each attack has its own random numbers, so one attack does not change the others.
        this.#random = seededNumbers(this.#seed * 1_000_003 + this.#count++);
        if (!(await this.#attack(turns.next().value))) break;
        onAttack?.(this.#count);
      }
    } finally {
      await this.#server?.stop();
    }
    return {
      seed: this.#seed,
      seconds: (performance.now() - start) / 1_000,
      attacks: this.#counts,
      failures: this.#failures,
      reached: this.#reached,
      unreached: this.#unreached,
      unsent: typesOf(this.#protocol).filter((type) => this.#payload(type, '') === undefined),
    };
  }

  /** Find the states that good messages reach, the nearest first. */
  async #explore(): Promise<void> {
    const { states } = this.#judging.law.table;
    for (const [state, route] of this.#routes) {
      // Nothing is read in a final state.
      if (states.get(state)!.final) continue;
      let isReached = false;
      for (let tries = 0; tries < TRIES && !isReached; tries++) {
        const live = await openConnection(this.#judging);
        if (!(live instanceof LiveConnection)) throw new Error(`fuzz: the server ${live.text}`);
        isReached = await this.#walk(live, route);
        live.close();
        // No attack was made: the server does not behave as declared.
        const turn = { kind: 'values', state, make: () => undefined } as const;
        if (live.finding !== undefined) await this.#found(live.finding, turn, 'good messages', live.events);
      }
      (isReached ? this.#reached : this.#unreached).push(state);
    }
    for (const { name, final } of states.values())
      if (!final && !this.#routes.has(name)) this.#unreached.push(name);
  }

  /** Make one attack; false if the server is dead and cannot be started again. */
  async #attack(turn: Turn): Promise<boolean> {
    const live = await openConnection(this.#judging);
    if (!(live instanceof LiveConnection)) return this.#revive();
    const hasArrived = await this.#walk(live, this.#routes.get(turn.state)!);
    if (!hasArrived) {
      live.close();
      return live.finding === undefined || this.#found(live.finding, turn, 'good messages', live.events);
    }
    live.mark(turn.state);
    const attack = turn.make();
    if (attack === undefined) {
      live.close();
      return true;
    }
    this.#counts[turn.kind]++;
    for (const step of attack.steps) {
      if (live.finding !== undefined) break;
      await this.#take(live, step);
    }
    await this.#goOn(live);
    const wrong = this.#look();
    if (wrong !== undefined) live.blame(wrong);
    live.close();
    if (live.finding !== undefined) return this.#found(live.finding, turn, attack.what, live.events);
    const check = await this.#check();
    if (check.finding === undefined) return true;
    // The check may fail whatever came before it.
    const alone = check.finding.kind === 'dead' ? undefined : await this.#again(check.events, check.finding);
    if (alone !== undefined) {
      return this.#found(alone.finding, { ...turn, kind: 'values' }, 'good messages', alone.events);
    }
    return this.#found(afterwards(check.finding), turn, attack.what, live.events);
  }

  async #take(live: LiveConnection, step: Step): Promise<void> {
    if (step.do === 'send') await live.send(step.bytes);
    else if (step.do === 'settle') await live.settle();
    else if (step.do === 'end') live.end();
    else if (step.do === 'reset') live.reset();
    else if (step.do === 'flood')
      await live.flood(step.bytes, this.#options.flood ?? 16 * MIB, () => this.#look());
  }

  /** Send further messages and leave: the effect of an attack may show only then. */
  async #goOn(live: LiveConnection): Promise<void> {
    await live.settle();
    const { table } = this.#judging.law;
    const state = (): string | undefined =>
      live.finding === undefined && !live.isOver && !live.judge.isBroken ? live.judge.states[0] : undefined;
    for (let count = 0; count < 2; count++) {
      const here = state();
      const [type] = here === undefined ? [] : stayingTypes(table, here);
      if (type !== undefined) await this.#say(live, type, here!);
    }
    const here = state();
    for (const { type, from } of here === undefined ? [] : (routeOut(table, here) ?? [])) {
      if (state() !== undefined) await this.#say(live, type, from);
    }
    if (live.finding === undefined && !live.isOver) live.end();
    await live.settle();
  }

  /** Hold a flawless conversation; returns what is wrong with it. */
  async #check(): Promise<{ finding: Finding | undefined; events: readonly CaptureEvent[] }> {
    const live = this.#server?.end === undefined ? await openConnection(this.#judging) : DEAD;
    if (!(live instanceof LiveConnection)) return { finding: await this.#dead(live), events: [] };
    const state = this.#reached[this.#count % this.#reached.length] ?? '';
    if (await this.#walk(live, this.#routes.get(state) ?? [])) await this.#goOn(live);
    live.close();
    if (live.finding === undefined) return { finding: undefined, events: live.events };
    // A connection that ends without a reason may mean that the process has ended.
    const end = live.judge.isOver ? await this.#server?.ended(500) : this.#server?.end;
    return { finding: end === undefined ? live.finding : await this.#dead(DEAD), events: live.events };
  }

  /** Add how the process has ended, if it is ours. */
  async #dead(finding: Finding): Promise<Finding> {
    const end = await this.#server?.ended(1_000);
    return end === undefined ? finding : { kind: 'dead', text: `has ended ${end}` };
  }

  /** Follow a route with good messages; returns whether the server may have reached its end. */
  async #walk(live: LiveConnection, route: Route): Promise<boolean> {
    await live.settle();
    for (const { from, type, to } of route) {
      if (live.isOver || !(await this.#say(live, type, from))) return false;
      if (live.finding !== undefined || !live.judge.states.includes(to)) return false;
    }
    return live.finding === undefined;
  }

  /** Send a good message, and wait for its answer; false if none is known. */
  async #say(live: LiveConnection, type: string, state: string): Promise<boolean> {
    this.#live = live;
    const payload = this.#payload(type, state, true);
    if (payload === undefined) return false;
    await live.send(this.#frame(payload));
    await live.settle();
    return true;
  }

  #arsenal() {
    const { table } = this.#judging.law;
    return {
      protocol: this.#protocol,
      framing: fromClient(this.#protocol).framing,
      table,
      random: () => this.#random(),
      payload: (type: string, state: string) => this.#payload(type, state),
    };
  }

  /** A good message, encoded. With `leads`, the user's value for it is used; an attack also uses generated ones. */
  #payload(type: string, state: string, leads = false): Buffer | undefined {
    const { values = {} } = this.#options;
    const received = this.#live?.judge.received ?? [];
    const context: MessageContext = { state, received, random: () => this.#random() };
    const own = values[`${state}.${type}`] ?? values[type];
    const given = own !== undefined && (leads || this.#random() < 0.5) ? own : undefined;
    const message =
      (typeof given === 'function' ? given(context) : given) ?? this.#messages(type, context) ?? own;
    if (message === undefined) return undefined;
    return Buffer.from(
      this.#protocol.clientMessages.encode(typeof message === 'function' ? message(context) : message),
    );
  }

  #frame(payload: Buffer): Buffer {
    return framed(fromClient(this.#protocol).framing.writer(), payload);
  }

  /** Handle a failure: play it again, shrink it, and start a fresh server if ours has died. */
  async #found(
    finding: Finding,
    turn: Turn,
    what: string,
    events: readonly CaptureEvent[],
  ): Promise<boolean> {
    const isNew = this.#isNew(finding, turn);
    const begun = performance.now();
    const canGoOn = await this.#recover(finding);
    if (!isNew) return canGoOn;
    let smallest = { finding, events };
    let repeats = false;
    for (let tries = 0; canGoOn && !repeats && tries < REPEATS; tries++) {
      const again = await this.#again(events, finding);
      repeats = again !== undefined;
      smallest = again ?? smallest;
    }
    if (repeats && turn.kind !== 'floods') smallest = await this.#shrink(smallest.events, smallest.finding);
    const isOther = essenceOf(smallest.finding) !== essenceOf(finding);
    // The shrunk failure may be a known one.
    if (isOther && !this.#isNew(smallest.finding, turn)) return canGoOn;
    const failure: Failure = {
      ...smallest.finding,
      state: turn.state,
      attack: { kind: turn.kind, what, number: this.#count },
      events: smallest.events,
      repeats,
    };
    this.#failures.push(failure);
    await this.#options.onFailure?.(failure);
    // Time spent on a failure does not count.
    this.#end += performance.now() - begun;
    return canGoOn;
  }

  /** Whether no such failure was found before. */
  #isNew(finding: Finding, { state }: Turn): boolean {
    const key = `${finding.kind} ${state} ${essenceOf(finding)}`;
    const isNew = !this.#known.has(key);
    this.#known.add(key);
    return isNew;
  }

  async #shrink(
    events: readonly CaptureEvent[],
    finding: Finding,
  ): Promise<{ finding: Finding; events: readonly CaptureEvent[] }> {
    const end = performance.now() + (this.#options.shrinkTime ?? 10_000);
    let smallest = { finding, events };
    // The leading good messages stay, unless it also fails without them.
    const mark = 1 + events.findIndex(({ event }) => event === 'state');
    const withoutStart = events.filter((event, index) => index >= mark && isOurs(event));
    const alone = await this.#again(withoutStart, finding);
    const start = alone === undefined ? events.slice(0, mark) : [];
    smallest = alone ?? smallest;
    const rest = (alone?.events ?? events.slice(mark)).filter(
      (event) => event.event !== 'close' && event.event !== 'error',
    );
    await shrinkCapture(
      rest,
      async (some) => {
        if (some === rest) return true;
        if (performance.now() > end) return false;
        const again = await this.#again([...start, ...some], finding);
        smallest = again ?? smallest;
        return again !== undefined;
      },
      this.#protocol as never,
    );
    return smallest;
  }

  /**
   * Play a conversation again; returns the result if it fails in the same way. The speed of the server decides which parts it reads
   * together, so they are joined, or else sent far apart.
   */
  async #again(
    events: readonly CaptureEvent[],
    finding: Finding,
  ): Promise<{ finding: Finding; events: readonly CaptureEvent[] } | undefined> {
    const joined = joinedParts(events);
    const again = await this.#play(joined, finding, 1);
    return again ?? (joined.length < events.length ? this.#play(events, finding, FAR) : undefined);
  }

  /** @param far - a multiple of the gap between two parts */
  async #play(
    events: readonly CaptureEvent[],
    { kind }: Finding,
    far: number,
  ): Promise<{ finding: Finding; events: readonly CaptureEvent[] } | undefined> {
    const { patience } = this.#judging;
    const live = await openConnection({
      ...this.#judging,
      patience: { ...patience, gap: far * patience.gap },
    });
    if (!(live instanceof LiveConnection)) {
      await this.#recover(DEAD);
      return undefined;
    }
    await playAgain(events, live, () => this.#look());
    let { finding } = live;
    if (finding === undefined) {
      const check = await this.#check();
      finding = check.finding && afterwards(check.finding);
    } else if (this.#server !== undefined && live.judge.isOver) {
      if ((await this.#server.ended(100)) !== undefined) finding = await this.#dead(DEAD);
    }
    if (finding !== undefined) await this.#recover(finding);
    return finding?.kind === kind ? { finding, events: live.events } : undefined;
  }

  /** Restart the server after a finding that killed or spoiled it; false if it is dead and not ours to start. */
  async #recover({ kind }: Finding): Promise<boolean> {
    if (!['dead', 'unwell', 'memory'].includes(kind) && this.#server?.end === undefined) return true;
    if (this.#server !== undefined) {
      await this.#server.start();
      this.#memory = this.#measure();
      return true;
    }
    this.#memory = this.#measure();
    return this.#isUp();
  }

  async #revive(): Promise<boolean> {
    return this.#recover({ kind: 'dead', text: '' });
  }

  /** What is wrong with the server's process. */
  #look(): Finding | undefined {
    const { memory = 256 } = this.#options;
    const now = this.#measure();
    if (now === undefined || this.#memory === undefined || now - this.#memory <= memory * MIB)
      return undefined;
    const [before, after] = [this.#memory, now].map((bytes) => Math.round(bytes / MIB));
    return { kind: 'memory', text: `holds ${after} MiB of memory, ${before} MiB at the start` };
  }

  #measure(): number | undefined {
    const pid = this.#server?.pid ?? this.#options.pid;
    return pid === undefined ? undefined : memoryOf(pid);
  }

  async #isUp(): Promise<boolean> {
    try {
      const stream = await this.#judging.connect();
      stream.on('error', () => {});
      stream.destroy();
      return true;
    } catch {
      return false;
    }
  }
}

function isOurs(event: CaptureEvent): boolean {
  return (
    event.event === 'data' || event.event === 'end' || event.event === 'reset' || event.event === 'state'
  );
}

/** The conversation with the parts in one that follow each other without an answer in between. */
function joinedParts(events: readonly CaptureEvent[]): CaptureEvent[] {
  const joined: CaptureEvent[] = [];
  for (const event of events) {
    const before = joined.at(-1);
    const isPart =
      event.event === 'data' &&
      event.from === 'client' &&
      before?.event === 'data' &&
      before.from === 'client';
    if (isPart && before.bytes.length + event.bytes.length <= MOST_JOINED) {
      joined[joined.length - 1] = { ...before, bytes: Buffer.concat([before.bytes, event.bytes]) };
    } else joined.push(event);
  }
  return joined;
}

/** The wording of a finding without the values in it. */
function essenceOf({ text }: Finding): string {
  return text
    .replace(/\{.*?\}/gs, '{}')
    .replace(/\d+/g, '#')
    .slice(0, 120);
}
