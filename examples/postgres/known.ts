import type { Decoded, OfType } from 'wirepipe';
import type { Login, LoginOptions } from './login.ts';
import type { serverMessages } from './server-messages.ts';

type Told = Decoded<typeof serverMessages>;
export type Message<Type extends Told['type']> = OfType<Told, Type>;

export interface ClientOptions extends LoginOptions {
  /** Request TLS first. If the server supports it, `upgrades: { tls }` of `connect` takes the connection over. */
  readonly asksForEncryption?: boolean;
  /** Takes notices, and notifications of channels. */
  onNews?(news: Message<'notice' | 'notification'>): void;
}

/** What a connection knows of its server. */
export interface Known {
  readonly login: Login;
  readonly settings: Map<string, string>;
  /** What a CancelRequest names. */
  key: { readonly process: number; readonly secret: number } | undefined;
  /** Why the server refused. */
  error: string;
}

/** The server's reason for refusing the client. */
export function refused({ fields }: Message<'error'>, known: Known) {
  known.error = fields.find(({ field }) => field === 'message')?.text ?? '';
  return { next: 'refused' } as const;
}
