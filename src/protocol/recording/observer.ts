import type { Codec } from '../codec.ts';
import type { ProtocolLines } from '../direction.ts';
import type { Side } from './events.ts';

/** A connection, as known when it opens. */
export interface ObservedConnection {
  /** The protocol: the parts that tell what its bytes mean. */
  readonly protocol: ProtocolLines & {
    readonly name?: string | undefined;
    readonly clientMessages: Codec<unknown, never>;
    readonly serverMessages: Codec<unknown, never>;
  };
  /** `10.0.0.1:5000` or `[::1]:5000`; undefined without an address. */
  readonly client?: string | undefined;
  readonly server?: string | undefined;
}

/** Sees what passes on connections, and changes nothing: `createServer` and `connect` tell it. */
export interface Observer {
  /** A connection is there. Returns its observer, or undefined for none. */
  open(connection: ObservedConnection): ConnectionObserver | undefined;
}

export interface ConnectionObserver {
  /** A chunk of that side, as received or written: a view, valid during the call. */
  data(from: Side, bytes: Uint8Array): void;
  /** That side has ended. */
  end(from: Side): void;
  /** The session has gone to another state. */
  state?(state: string): void;
  /** The connection is over, with the error that ended it, if any. */
  close(error: Error | undefined): void;
}
