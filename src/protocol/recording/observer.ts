import type { Codec } from '../codec.ts';
import type { ProtocolLines } from '../direction.ts';
import type { Side } from './events.ts';

/** What is known of a connection when it opens. */
export interface ObservedConnection {
  /** What is spoken: the parts of a protocol that tell what its bytes mean. */
  readonly protocol: ProtocolLines & {
    readonly name?: string | undefined;
    readonly clientMessages: Codec<unknown, never>;
    readonly serverMessages: Codec<unknown, never>;
  };
  /** `10.0.0.1:5000` or `[::1]:5000`, where there is an address. */
  readonly client?: string | undefined;
  readonly server?: string | undefined;
}

/** Sees what passes on connections, and changes nothing: `createServer` and `connect` tell it. */
export interface Observer {
  /** A connection is there. Returns its observer, or undefined for none. */
  open(connection: ObservedConnection): ConnectionObserver | undefined;
}

export interface ConnectionObserver {
  /** A chunk of that side, as it came or was written: a view, valid during the call. */
  data(from: Side, bytes: Uint8Array): void;
  /** That side has ended. */
  end(from: Side): void;
  /** The session has gone to another state. */
  state?(state: string): void;
  /** The connection is gone; with the error that ended it, unless it ended without one. */
  close(error: Error | undefined): void;
}
