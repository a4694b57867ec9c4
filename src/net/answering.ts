import type { Neighbour } from '../streams/outlet.ts';

/** The stage that answers on one connection, as its link knows it: bytes in, bytes out. */
export interface Answering extends Neighbour {
  /** Received bytes that belong to no message yet. */
  readonly held: number;
  /** About how many bytes the sent messages hold that the peer has not taken. */
  readonly unsentBytes: number;
  /** Called when a message was sent while the peer takes none. */
  onUnsent: (() => void) | undefined;
  /** Frames received, whether they were messages or not. */
  readonly frames: number;
  /** Whether a message is being answered. */
  readonly isBusy: boolean;
  /** Whether the handshake is over, see `ready` of a session. */
  readonly isReady: boolean;
  /** Whether no more messages are answered: the rest is delivered, and the peer has to end. */
  readonly isOver: boolean;
}
