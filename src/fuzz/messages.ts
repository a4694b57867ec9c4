/** The facts that a good message may depend on. */
export interface MessageContext {
  /** The state that the server is in. */
  readonly state: string;
  /** The messages received from the server on this connection; a token may be in one of them. */
  readonly received: readonly unknown[];
  /** Numbers from 0 to 1, from the seed. */
  readonly random: () => number;
}

/** Creates a good message of a type; undefined if it knows none. */
export type GoodMessages = (type: string, context: MessageContext) => object | undefined;
