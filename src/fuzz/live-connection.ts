import type { Duplex } from 'node:stream';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { fromClient } from '../protocol/direction.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import type { Finding } from '../tools/fuzz/finding.ts';
import { Judge, type Law } from '../tools/fuzz/judge.ts';

/** How long a connection waits, in milliseconds. */
export interface Patience {
  /** For an answer that is owed. */
  readonly timeout: number;
  /** For an answer that may come, where the table does not tell. */
  readonly quiet: number;
  /** Between two pieces, so that they arrive apart. */
  readonly gap: number;
}

/** So much of each direction is recorded: a flood is longer. */
const MOST_RECORDED = 16_777_216;
/** A wait is counted in so many steps: a process that is seldom given the processor has as many turns as any other. */
const STEPS = 10;
/** The longest that a flood lasts, in milliseconds. */
const FLOODING = 10_000;
/** Bytes between two looks at the memory of the server. */
const A_LOOK = 1_048_576;

/** A connection to a server that is judged and recorded. */
export class LiveConnection {
  readonly judge: Judge;
  readonly events: CaptureEvent[] = [];
  readonly #stream: Duplex;
  readonly #patience: Patience;
  readonly #start = performance.now();
  readonly #recorded: Record<Side, number> = { client: 0, server: 0 };
  #finding: Finding | undefined;
  #hasEnded = false;
  #isClosed = false;
  /** Counts what comes. */
  #arrivals = 0;
  /** What had come when a piece was sent: until more has come, the next one might arrive with it. */
  #sentAt = -1;
  #wake: (() => void) | undefined;

  constructor(stream: Duplex, law: Law, patience: Patience) {
    this.#stream = stream;
    this.#patience = patience;
    this.judge = new Judge(law);
    this.#record({ event: 'open' });
    stream.on('data', (bytes: Buffer) => {
      if (this.#isClosed) return;
      if (this.#hasRoom('server', bytes.length)) this.#record({ event: 'data', from: 'server', bytes });
      this.#note(this.judge.receive(bytes));
    });
    stream.on('end', () => this.#over('end'));
    stream.on('error', () => this.#over('reset'));
    stream.on('close', () => this.#over('reset'));
    const { preface } = fromClient(law.protocol);
    if (preface !== undefined) this.#write(preface);
  }

  /** What the server has done wrong: the first of it. */
  get finding(): Finding | undefined {
    return this.#finding;
  }

  /** Whether nothing can be sent any more. */
  get isOver(): boolean {
    return this.#hasEnded || this.judge.isOver || this.#stream.destroyed;
  }

  /** Note that good messages have led the server to this state. */
  mark(state: string): void {
    this.#record({ event: 'state', state });
  }

  /** Note what is wrong with the server as a whole. */
  blame(finding: Finding): void {
    this.#note(finding);
  }

  /** Send bytes; what follows is a piece of its own. */
  async send(bytes: Buffer): Promise<void> {
    if (this.isOver) return;
    if (this.#arrivals === this.#sentAt) await wait(this.#patience.gap);
    if (this.isOver) return;
    if (!this.#write(bytes)) await this.#drained(this.#patience.timeout);
    this.#sentAt = this.#arrivals;
  }

  /** Wait until the server owes nothing, or has taken too long. */
  async settle(): Promise<void> {
    const { timeout, quiet } = this.#patience;
    for (let waits = 0; this.#finding === undefined && !this.judge.isOver; waits++) {
      const { owed } = this.judge;
      if (owed === undefined) {
        if (!this.judge.mayAnswer || !(await this.#arrival(quiet))) return;
      } else if (waits > 10_000 || !(await this.#arrival(timeout))) {
        this.#note(owed);
      }
    }
  }

  end(): void {
    if (this.isOver) return;
    this.#hasEnded = true;
    this.#record({ event: 'end', from: 'client' });
    this.judge.ended();
    this.#stream.end();
  }

  reset(): void {
    if (this.#stream.destroyed) return;
    this.#hasEnded = true;
    this.#record({ event: 'reset', from: 'client' });
    this.judge.lose();
    const { resetAndDestroy } = this.#stream as Duplex & { resetAndDestroy?: () => void };
    if (resetAndDestroy === undefined) this.#stream.destroy();
    else resetAndDestroy.call(this.#stream);
  }

  /**
   * Send these bytes again and again, up to `total` of them or until the server takes no more, without reading what it answers.
   *
   * @param look - called now and then; answers what is wrong with the server meanwhile
   */
  async flood(bytes: Buffer, total: number, look: () => Finding | undefined): Promise<void> {
    if (this.isOver) return;
    this.judge.lose();
    this.#stream.pause();
    const end = performance.now() + FLOODING;
    const patience = Math.max(this.#patience.timeout, 1_000);
    for (let sent = 0, looked = 0; sent < total && !this.isOver; sent += bytes.length) {
      if (!this.#write(bytes) && !(await this.#drained(patience))) break;
      if (performance.now() > end) break;
      if (sent - looked < A_LOOK) continue;
      looked = sent;
      this.#note(look());
      if (this.#finding !== undefined) break;
    }
    this.#note(look());
    this.#stream.resume();
  }

  /** Let the connection go. */
  close(): void {
    const finding = this.#finding;
    if (finding !== undefined) this.#record({ event: 'error', message: finding.text });
    this.#record({ event: 'close' });
    this.#isClosed = true;
    this.judge.dispose();
    this.#stream.destroy();
  }

  #write(bytes: Buffer): boolean {
    if (this.#hasRoom('client', bytes.length)) this.#record({ event: 'data', from: 'client', bytes });
    this.judge.sent(bytes);
    return this.#stream.write(bytes);
  }

  #over(how: 'end' | 'reset'): void {
    if (!this.judge.isOver && !this.#isClosed) {
      this.#record({ event: how, from: 'server' });
      this.#note(this.judge.over(how));
    }
    this.#arrived();
  }

  #note(finding: Finding | undefined): void {
    this.#finding ??= finding;
    this.#arrived();
  }

  #arrived(): void {
    this.#arrivals++;
    this.#wake?.();
  }

  /** Whether anything has come within this time. */
  async #arrival(milliseconds: number): Promise<boolean> {
    const before = this.#arrivals;
    for (let step = 0; step < STEPS && this.#arrivals === before; step++) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, milliseconds / STEPS);
      });
      clearTimeout(timer);
      this.#wake = undefined;
      // What has come and was not read yet comes before what has not come.
      if (this.#arrivals === before) await turn();
    }
    return this.#arrivals !== before;
  }

  /** Whether the stream takes more within this time. */
  async #drained(milliseconds: number): Promise<boolean> {
    const stream = this.#stream;
    let isDrained = !stream.writableNeedDrain;
    const drain = (): void => {
      isDrained = true;
      this.#arrived();
    };
    stream.once('drain', drain);
    for (let step = 0; step < STEPS && !isDrained && !this.judge.isOver; step++) {
      await this.#arrival(milliseconds / STEPS);
    }
    stream.off('drain', drain);
    return isDrained;
  }

  #hasRoom(from: Side, length: number): boolean {
    this.#recorded[from] += length;
    return this.#recorded[from] <= MOST_RECORDED;
  }

  #record(event: object): void {
    const time = Math.round((performance.now() - this.#start) * 1_000) / 1e6;
    this.events.push({ time, connection: 0, ...event } as CaptureEvent);
  }
}
