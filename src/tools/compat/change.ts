/** The side that breaks if only the other side moves to the new version. */
export type Breaks = 'readers' | 'writers' | 'sessions';

/** A message, or a payload, that one version writes and the other one refuses or reads as something else. */
export interface Shown {
  /** The version that wrote it. */
  readonly by: 'old' | 'new';
  /** What was written: a message, or the bytes of a payload. */
  readonly message: unknown;
  /** In hexadecimal digits: the payload of a frame, or the whole frame for a difference in framing. */
  readonly bytes: string;
  /** What the other version makes of it. */
  readonly outcome: string;
}

/** A message of a conversation, by its type. */
export interface TraceMessage {
  readonly from: 'client' | 'server';
  readonly type: string;
}

/** A conversation that one version's session allows and whose last message the other version's session refuses. */
export interface Trace {
  /** The version that allows it. */
  readonly by: 'old' | 'new';
  readonly messages: readonly TraceMessage[];
  /** What the other version's session says about the last message. */
  readonly outcome: string;
}

/** One difference between two versions of a protocol. */
export interface Change {
  /** The place in the declaration: `clientMessages.move.x`. */
  readonly path: string;
  /**
   * Empty if the change is safe. `'readers'`: readers of the old version do not read everything that the new version writes.
   * `'writers'`: the new version does not read everything that writers of the old version write. `'sessions'`: in some state, one
   * side sends or accepts what the other does not expect.
   */
  readonly breaks: readonly Breaks[];
  readonly reason: string;
  /** Undefined if the change is safe, or if no example was found or looked for. */
  readonly shown?: Shown | undefined;
  /** For a change that breaks sessions; undefined if the tables show none. */
  readonly trace?: Trace | undefined;
}

export const BOTH: readonly Breaks[] = ['readers', 'writers'];
