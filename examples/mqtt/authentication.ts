/** An authentication method (5.0 §4.12), such as SCRAM, Kerberos, or a hash with a nonce. */
export interface Authenticator {
  readonly method: string;
  /** Begin an authentication, when a client connects or later. */
  begin(clientId: string): Exchange;
}

/** Takes the client's data, and returns the server's reply; undefined if the authentication fails. */
export type Exchange = (said: Buffer) => Proof | undefined;

export interface Proof {
  readonly data: Buffer;
  /** True if the client has nothing more to send. */
  readonly isDone: boolean;
}
