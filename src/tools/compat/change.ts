/** Who cannot go on once only the other side has the new version. */
export type Breaks = 'readers' | 'writers' | 'sessions';

/** A message, or bytes, that one version writes and the other does not read, or reads as something else. */
export interface Shown {
  /** Which version wrote it. */
  readonly by: 'old' | 'new';
  /** What was written: a message, or the bytes of a payload. */
  readonly message: unknown;
  /** On the wire, in hexadecimal digits: a frame's payload, or for a framing the whole frame. */
  readonly bytes: string;
  /** What became of it on the other side. */
  readonly outcome: string;
}

/** A message of a conversation, by its type. */
export interface TraceMessage {
  readonly from: 'client' | 'server';
  readonly type: string;
}

/** A conversation that one version's session allows, and of which the other one's refuses the last message. */
export interface Trace {
  /** The version that allows it. */
  readonly by: 'old' | 'new';
  readonly messages: readonly TraceMessage[];
  /** What the other version's session says to the last message. */
  readonly outcome: string;
}

/** One difference between two versions of a protocol. */
export interface Change {
  /** Where, in words of the declaration: `clientMessages.move.x`. */
  readonly path: string;
  /**
   * Empty: safe. `'readers'`: those of the old version do not read all that the new one writes. `'writers'`: the new version does not
   * read all that those of the old one write. `'sessions'`: one side says or takes in a state what the other does not expect.
   */
  readonly breaks: readonly Breaks[];
  readonly reason: string;
  /** Undefined where it is safe, or where none was found or looked for. */
  readonly shown?: Shown | undefined;
  /** Of what breaks sessions; undefined where the tables tell none. */
  readonly trace?: Trace | undefined;
}

export const BOTH: readonly Breaks[] = ['readers', 'writers'];
