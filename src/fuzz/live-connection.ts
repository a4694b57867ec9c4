import type { Duplex } from 'node:stream';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { fromClient } from '../protocol/direction.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import type { Finding } from '../tools/fuzz/finding.ts';
import { Judge, type Law } from '../tools/fuzz/judge.ts';

/** How long a connection waits, in milliseconds. */
export interface Patience {
  /** For an outstanding answer. */
  readonly timeout: number;
  /** For an answer that may come, if the table does not say. */
  readonly quiet: number;
  /** Between two parts, so that they arrive separately. */
  readonly gap: number;
}

/** The most bytes recorded in each direction; a flood is longer. */
const MOST_RECORDED = 16_777_216;
/** A wait is counted in this many steps, so that a process with little processor time gets as many turns as any other. */
const STEPS = 10;
/** The longest duration of a flood, in milliseconds. */
const FLOODING = 10_000;
/** Bytes between two checks of the server's memory. */
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
  /** Counts the chunks received. */
  #arrivals = 0;
  /** The count when the last part was sent. Until more arrives, the next part might arrive together with it. */
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

  /** The server's first mistake. */
  get finding(): Finding | undefined {
    return this.#finding;
  }

  /** Whether nothing can be sent any more. */
  get isOver(): boolean {
    return this.#hasEnded || this.judge.isOver || this.#stream.destroyed;
  }

  /** Record that good messages have led the server to this state. */
  mark(state: string): void {
    this.#record({ event: 'state', state });
  }

  /** Record what is wrong with the server as a whole. */
  blame(finding: Finding): void {
    this.#note(finding);
  }

  /** Send bytes as one part; the next bytes are a part of their own. */
  async send(bytes: Buffer): Promise<void> {
    if (this.isOver) return;
    if (this.#arrivals === this.#sentAt) await this.#gap();
    if (this.isOver) return;
    if (!this.#write(bytes)) await this.#drained(this.#patience.timeout);
    this.#sentAt = this.#arrivals;
  }

  /** Wait until the server owes no answer, or has taken too long. */
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
   * Send these bytes again and again without reading the answers, up to `total` bytes or until the server accepts no more.
   *
   * @param look - called now and then; returns what is wrong with the server
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

  /** Destroy the connection. */
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

  /** Wait between two parts. */
  async #gap(): Promise<void> {
    const { gap } = this.#patience;
    const steps = Math.min(STEPS, Math.max(1, Math.floor(gap)));
    for (let step = 0; step < steps; step++) {
      await wait(gap / steps);
      await turn();
    }
  }

  /** Whether any bytes arrive within this time. */
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
      // Received bytes that were not read yet come first.
      if (this.#arrivals === before) await turn();
    }
    return this.#arrivals !== before;
  }

  /** Whether the stream accepts more within this time. */
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
