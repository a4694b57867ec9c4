/** A way to prove who one is (5.0 §4.12): SCRAM, Kerberos, a hash with a nonce. */
export interface Authenticator {
  readonly method: string;
  /** A client begins, when it connects or later. */
  begin(clientId: string): Exchange;
}

/** Takes each thing that the client says, and answers what the server says to it; undefined where it proves nothing. */
export type Exchange = (said: Buffer) => Proof | undefined;

export interface Proof {
  readonly data: Buffer;
  /** Nothing more is to be said by the client. */
  readonly isDone: boolean;
}
