import { createHash } from 'node:crypto';
import type { Decoded, Encodable } from 'wirepipe';
import type { clientMessages } from './client-messages.ts';
import { SCRAM, ScramClient } from './scram.ts';
import type { serverMessages } from './server-messages.ts';
import { saslInitialResponse, type startupMessages } from './startup.ts';

export interface LoginOptions {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

type Request = Extract<Decoded<typeof serverMessages>, { type: 'authentication' }>['request'];
type Sent = Encodable<typeof clientMessages>;

export interface Reply {
  readonly send?: Sent;
  readonly next?: 'settling' | 'refused';
}

/** The login of a client: its name, and its password as plain text, MD5 or SCRAM, as the server requires (§55.2.1). */
export class Login {
  readonly #options: LoginOptions;
  readonly #scram: ScramClient;
  /** What answers the server's first request. */
  said: Sent | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#scram = new ScramClient(options.password);
  }

  startup(): Encodable<typeof startupMessages> {
    const { user, database } = this.#options;
    const parameters = Object.entries({ user, database, client_encoding: 'UTF8' });
    return { type: 'startup', parameters: parameters.map(([name, value]) => ({ name, value })) };
  }

  take(request: Request): Reply {
    const reply = this.#answer(request);
    this.said = reply.send;
    return reply;
  }

  #answer(request: Request): Reply {
    const { user, password } = this.#options;
    const scram = this.#scram;
    switch (request.type) {
      case 'ok':
        return { next: 'settling' };
      case 'cleartext':
        return say(Buffer.from(`${password}\0`));
      case 'md5':
        return say(Buffer.from(`md5${md5(md5(password, user), request.salt)}\0`));
      case 'sasl':
        return say(saslInitialResponse.encode({ mechanism: SCRAM, data: scram.first() }));
      case 'saslContinue':
        return say(scram.final(request.data.toString()));
      case 'saslFinal':
        return scram.verifies(request.data.toString()) ? {} : { next: 'refused' };
      default:
        return { next: 'refused' };
    }
  }
}

function say(data: Buffer): Reply {
  return { send: { type: 'password', data } };
}

function md5(...data: (string | Buffer)[]): string {
  const sum = createHash('md5');
  for (const one of data) sum.update(one);
  return sum.digest('hex');
}
