import { safeText } from '../bytes/show.ts';
import type { ViewEvent } from '../tools/view/document.ts';
import { eventKind } from '../tools/view/show-event.ts';

/** Totals of one message type from one side. Sizes are in bytes; rates are over the whole recording. */
export interface EventCount {
  readonly from: string;
  readonly type: string;
  count: number;
  bytes: number;
  smallest: number;
  largest: number;
  /** Messages and bytes per second; 0 if all have the same time. */
  perSecond: number;
  bytesPerSecond: number;
}

/** Counts events by side and type. */
export class EventStats {
  readonly #counts = new Map<string, EventCount>();
  #first = Infinity;
  #last = -Infinity;

  add(event: ViewEvent): void {
    const { from, time } = event;
    this.#first = Math.min(this.#first, time);
    this.#last = Math.max(this.#last, time);
    const type = eventKind(event);
    const key = `${from} ${type}`;
    const size = event.is === 'message' ? event.bytes.length / 2 : 0;
    const known = this.#counts.get(key);
    if (known === undefined) {
      const sizes = { bytes: size, smallest: size, largest: size };
      this.#counts.set(key, { from, type, count: 1, ...sizes, perSecond: 0, bytesPerSecond: 0 });
      return;
    }
    known.count++;
    known.bytes += size;
    known.smallest = Math.min(known.smallest, size);
    known.largest = Math.max(known.largest, size);
  }

  /** All counts, the most frequent type first. */
  all(): EventCount[] {
    const seconds = (this.#last - this.#first) / 1_000;
    for (const one of this.#counts.values()) {
      one.perSecond = seconds > 0 ? rounded(one.count / seconds) : 0;
      one.bytesPerSecond = seconds > 0 ? rounded(one.bytes / seconds) : 0;
    }
    return [...this.#counts.values()].sort((a, b) => b.count - a.count);
  }

  *table(): Generator<string> {
    const head = ['count', 'bytes', 'smallest', 'largest', 'per second', 'bytes/s', 'from', 'type'];
    const cells = this.all().map((one) =>
      [
        one.count,
        one.bytes,
        one.smallest,
        one.largest,
        one.perSecond,
        one.bytesPerSecond,
        one.from,
        one.type,
      ].map(String),
    );
    const all = [head, ...cells];
    const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
    for (const row of all) {
      const shown = row.map((cell, i) => (i < 6 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
      yield safeText(shown.join('  ')).trimEnd();
    }
  }
}

/** Three significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
