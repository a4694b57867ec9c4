/**
 * What a server did that it must not do:
 *
 * - `answer`: it sent a message that the table does not allow there;
 * - `value`: it answered otherwise than the handlers of the declared session do;
 * - `garbage`: it sent bytes that are no message;
 * - `silence`: an answer is missing;
 * - `accepted`: it answered what it has to refuse, or goes on after it;
 * - `ended`: it ended the connection, or reset it, without a reason;
 * - `open`: it keeps a connection open that is over;
 * - `dead`: it takes no connections any more, or its process has ended;
 * - `unwell`: a conversation without a mistake does not work any more;
 * - `memory`: its process holds more memory than allowed.
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
