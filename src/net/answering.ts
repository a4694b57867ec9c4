import type { Neighbour } from '../streams/outlet.ts';

/** What answers on one connection, as its link knows it: bytes in, bytes out. */
export interface Answering extends Neighbour {
  /** Bytes that have come and belong to no message yet. */
  readonly held: number;
  /** About how many bytes the messages hold that were sent, and that the peer has not taken. */
  readonly unsentBytes: number;
  /** Called when a message was sent while the peer takes none. */
  onUnsent: (() => void) | undefined;
  /** Frames that have come, whether they were messages or not. */
  readonly frames: number;
  /** Whether a message is being answered. */
  readonly isBusy: boolean;
  /** Whether the handshake is over, see `ready` of a session. */
  readonly isReady: boolean;
  /** Whether nothing is answered any more: what is left is to be delivered, and the peer to end. */
  readonly isOver: boolean;
}
