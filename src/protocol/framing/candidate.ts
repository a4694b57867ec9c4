import { FrameError } from '../../errors.ts';
import type { PacketLayout } from './layout.ts';
import { BEGINS, DIFFERS, type Mark } from './mark.ts';
import type { Validity } from './validity.ts';
import { invalidFrame } from './validity.ts';
import { frameTooLong } from './violations.ts';

/** Returned by a measure in place of a length: no packet begins there. */
export const NONE = 0;
/** Returned if more bytes are needed to tell. */
export const MORE = -1;

/** The state that a measure keeps between two calls for a packet, so that it examines no byte twice. */
export interface MeasureCursor {
  /** How many bytes of the packet were examined. The measure sets it; 0 for a new packet. */
  at: number;
  /** Anything else that the measure keeps; undefined for a new packet. */
  state: unknown;
}

/** The cursor of a built-in measure. */
export interface InnerCursor extends MeasureCursor {
  /** The least length of the packet; the measure is not called again before these bytes are there. */
  needs: number;
  /** Why no packet begins there, for the error. */
  problem: string | undefined;
  /** The bytes of the packet before its body, if they are known: only for `headed`. */
  header: number;
}

/** One kind of packet: how it begins, how long it is, and what makes it valid. */
export interface PacketKind {
  readonly name: string;
  readonly mark: Mark | undefined;
  /** The bytes that `measure` needs at least. */
  readonly header: number;
  /** The most bytes of a packet. */
  readonly maximum: number;
  readonly validity: Validity | undefined;
  /** How the length is found, as data; only for `packets`. */
  readonly length?: PacketLayout['length'] | undefined;
  /** The length of the packet at `bytes[start]`, or `MORE`, or `NONE`. */
  measure(bytes: Buffer, start: number, end: number, cursor: InnerCursor): number;
}

/**
 * The packet that may begin at one place: calls the measure of each kind in turn, and remembers its progress if more bytes are
 * needed. An earlier kind that waits keeps the later ones waiting; otherwise the result would depend on how the bytes are cut.
 */
export class Candidate {
  /** How many bytes are needed before another call is useful. */
  needs = 1;
  /** The kind that returned last. */
  kind = 0;
  /** How many bytes were examined, over all kinds. */
  examined = 0;
  readonly #kinds: readonly PacketKind[];
  readonly #cursor: InnerCursor = {
    at: 0,
    state: undefined,
    needs: 0,
    problem: undefined,
    header: 0,
  };
  /** The length of the packet of the present kind; 0 until it is measured. */
  #length = 0;
  /** Why the last kind with a matching mark was refused. */
  #problem: ((offset: number) => FrameError) | undefined;

  constructor(kinds: readonly PacketKind[]) {
    this.#kinds = kinds;
  }

  /** The length of the packet; 0 until it is known. */
  get measured(): number {
    return this.#length;
  }

  /** The bytes of the packet before its body; 0 if they are not known. */
  get header(): number {
    return this.#cursor.header;
  }

  /** Start again at another place. */
  reset(): void {
    this.kind = this.examined = 0;
    this.#problem = undefined;
    this.#restart();
  }

  /** The length of the valid packet at `bytes[start]`, or `MORE`, or `NONE`. */
  judge(bytes: Buffer, start: number, end: number): number {
    for (; this.kind < this.#kinds.length; this.kind++, this.#restart()) {
      const length = this.#ask(this.#kinds[this.kind]!, bytes, start, end);
      if (length !== NONE) return length;
    }
    return NONE;
  }

  /** Skip the kind that needs more bytes: none will come. */
  passOver(): void {
    this.kind++;
    this.#restart();
  }

  /** The error for `NONE`, at that offset of the stream. */
  error(offset: number): FrameError {
    if (this.#problem !== undefined) return this.#problem(offset);
    return new FrameError('ERR_FRAME_NOISE', `bytes outside a frame, at stream offset ${offset}`, { offset });
  }

  #ask(kind: PacketKind, bytes: Buffer, start: number, end: number): number {
    const there = end - start;
    if (there < this.needs) return MORE;
    if (this.#length === 0) {
      if (kind.mark !== undefined) {
        const answer = kind.mark.compare(bytes, start, end);
        if (answer === DIFFERS) return NONE;
        if (answer === BEGINS) return this.#wait(there + 1);
      }
      if (there < kind.header) return this.#wait(kind.header);
      const length = this.#measure(kind, bytes, start, end);
      if (length <= 0) return length;
      this.#length = length;
    }
    if (there < this.#length) return this.#wait(this.#length);
    const { validity } = kind;
    if (validity === undefined) return this.#length;
    this.examined += this.#length;
    const problem = validity.problem(bytes, start, start + this.#length);
    if (problem === undefined) return this.#length;
    this.#problem = (offset) => invalidFrame(problem, offset);
    return NONE;
  }

  /** The length of a packet, if the kind allows it, or `MORE`, or `NONE`. */
  #measure(kind: PacketKind, bytes: Buffer, start: number, end: number): number {
    const cursor = this.#cursor;
    const { at } = cursor;
    const length = kind.measure(bytes, start, end, cursor);
    this.examined += Math.max(kind.header, cursor.at - at);
    const least = length === MORE ? Math.max(cursor.needs, end - start + 1) : length;
    if (least > kind.maximum) {
      this.#problem = (offset) => frameTooLong(least, kind.maximum, offset);
      return NONE;
    }
    if (length === MORE) return this.#wait(least);
    if (length > 0) return length;
    const text = cursor.problem ?? 'no length that a frame can have';
    this.#problem = (offset) => {
      const message = `${text}, in the frame at stream offset ${offset}`;
      return new FrameError('ERR_FRAME_LENGTH', message, { offset });
    };
    return NONE;
  }

  #wait(needs: number): number {
    this.needs = needs;
    return MORE;
  }

  #restart(): void {
    this.needs = 1;
    this.#length = 0;
    const cursor = this.#cursor;
    cursor.at = cursor.needs = cursor.header = 0;
    cursor.state = cursor.problem = undefined;
  }
}
