/**
 * What a server did that it must not do:
 *
 * - `answer`: it sent a message that the table does not allow there;
 * - `value`: its answer differs from that of the declared session's handlers;
 * - `garbage`: it sent bytes that are not a message;
 * - `silence`: an answer is missing;
 * - `accepted`: it answered something that it has to refuse, or continued after it;
 * - `ended`: it ended the connection, or reset it, without a reason;
 * - `open`: it keeps a finished connection open;
 * - `dead`: it accepts no more connections, or its process has ended;
 * - `unwell`: a flawless conversation no longer works;
 * - `memory`: its process uses more memory than allowed.
 */
export type FindingKind =
  | 'answer'
  | 'value'
  | 'garbage'
  | 'silence'
  | 'accepted'
  | 'ended'
  | 'open'
  | 'dead'
  | 'unwell'
  | 'memory';

export interface Finding {
  readonly kind: FindingKind;
  /** In words. */
  readonly text: string;
}
