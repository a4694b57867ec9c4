/** What a good message may depend on. */
export interface MessageContext {
  /** The state that the server is in. */
  readonly state: string;
  /** What the server has said on this connection: a token is among it. */
  readonly received: readonly unknown[];
  /** Numbers from 0 to 1, by the seed. */
  readonly random: () => number;
}

/** Makes a good message of a type; undefined where it knows none. */
export type GoodMessages = (type: string, context: MessageContext) => object | undefined;
