import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/** SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), both sides. */

const hash = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest();
const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const xor = (a: Uint8Array, b: Uint8Array): Buffer => Buffer.from(a.map((byte, at) => byte ^ b[at]!));
const salt = (password: string, salted: Buffer, iterations: number): Buffer =>
  pbkdf2Sync(password, salted, iterations, 32, 'sha256');

/** `r=…,s=…` by letter. */
function attributes(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
}

const MECHANISM = 'SCRAM-SHA-256';

export { MECHANISM as SCRAM };

export class ScramClient {
  readonly #password: string;
  readonly #first = `n=,r=${randomBytes(18).toString('base64')}`;
  #expected = '';

  constructor(password: string) {
    this.#password = password;
  }

  first(): Buffer {
    return Buffer.from(`n,,${this.#first}`);
  }

  final(challenge: string): Buffer {
    const { r = '', s = '', i = '' } = attributes(challenge);
    if (!r.startsWith(this.#first.slice(5))) throw new Error('the server answers another nonce');
    const salted = salt(this.#password, Buffer.from(s, 'base64'), Number(i));
    const bare = `c=biws,r=${r}`;
    const all = `${this.#first},${challenge},${bare}`;
    const key = hmac(salted, 'Client Key');
    this.#expected = `v=${hmac(hmac(salted, 'Server Key'), all).toString('base64')}`;
    return Buffer.from(`${bare},p=${xor(key, hmac(hash(key), all)).toString('base64')}`);
  }

  /** Whether the server knows the password, too. */
  verifies(final: string): boolean {
    return this.#expected !== '' && final === this.#expected;
  }
}

export class ScramServer {
  readonly #salt = randomBytes(16);
  readonly #salted: Buffer;
  #nonce = '';
  #said = '';

  constructor(password: string) {
    this.#salted = salt(password, this.#salt, ITERATIONS);
  }

  /** Answers the challenge. */
  first(message: string): Buffer {
    const bare = message.slice(message.indexOf(',', 2) + 1);
    this.#nonce = `${attributes(bare).r}${randomBytes(18).toString('base64')}`;
    const challenge = `r=${this.#nonce},s=${this.#salt.toString('base64')},i=${ITERATIONS}`;
    this.#said = `${bare},${challenge}`;
    return Buffer.from(challenge);
  }

  /** Returns the server's proof that it knows the password; undefined if the client's proof is wrong. */
  final(message: string): Buffer | undefined {
    const bare = message.slice(0, message.lastIndexOf(',p='));
    const proof = Buffer.from(message.slice(bare.length + 3), 'base64');
    if (attributes(bare).r !== this.#nonce || proof.length !== 32) return undefined;
    const all = `${this.#said},${bare}`;
    const stored = hash(hmac(this.#salted, 'Client Key'));
    const isRight = timingSafeEqual(hash(xor(proof, hmac(stored, all))), stored);
    if (!isRight) return undefined;
    return Buffer.from(`v=${hmac(hmac(this.#salted, 'Server Key'), all).toString('base64')}`);
  }
}

const ITERATIONS = 4_096;
