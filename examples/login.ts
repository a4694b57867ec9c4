/**
 * A login by challenge and response: a client proves that it knows the secret by signing a fresh number. Three wrong
 * signatures lock the user out, on every connection. Server and client in one. `npx tsx examples/login.ts`
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import * as wire from 'wirepipe';

const ATTEMPTS = 3;
const LOCK_OUT = 60_000; // milliseconds
const SECRETS = new Map([['ada', 'analytical engine']]);
/** Failed attempts in a row, and the end of the lockout; shared by all connections. */
const failures = new Map<string, { count: number; until: number }>();

const clientMessages = wire.messages(wire.u8, {
  login: wire.message(1, { user: wire.utf8(wire.u8) }),
  proof: wire.message(2, { signature: wire.bytes(32) }),
  whoami: wire.message(3),
  logout: wire.message(4),
});
const serverMessages = wire.messages(wire.u8, {
  challenge: wire.message(1, { nonce: wire.bytes(16) }),
  welcome: wire.message(2),
  denied: wire.message(3, { attemptsLeft: wire.u8 }),
  locked: wire.message(4, { seconds: wire.u16be }),
  you: wire.message(5, { user: wire.utf8(wire.u8) }),
});

const session = wire.defineSession({
  receives: clientMessages,
  sends: serverMessages,
  initial: 'anonymous',
  context: () => ({ user: '', nonce: Buffer.alloc(0) as Buffer }),
  states: {
    anonymous: {
      on: {
        login: {
          outcomes: { challenged: 'challenge', over: 'locked' },
          handle({ user }, context) {
            const seconds = lockedFor(user);
            if (seconds > 0) return { send: { type: 'locked', seconds }, next: 'over' };
            // Unknown users get a challenge too, so the answer does not reveal which users exist.
            context.user = user;
            context.nonce = randomBytes(16);
            return { send: { type: 'challenge', nonce: context.nonce }, next: 'challenged' };
          },
        },
      },
      deadline: { within: 10_000 },
    },
    challenged: {
      on: {
        proof: {
          outcomes: { member: 'welcome', anonymous: 'denied', over: 'locked' },
          handle({ signature }, { user, nonce }) {
            const seconds = lockedFor(user);
            if (seconds > 0) return { send: { type: 'locked', seconds }, next: 'over' };
            if (timingSafeEqual(signature, sign(SECRETS.get(user) ?? randomBytes(16), nonce))) {
              failures.delete(user);
              return { send: { type: 'welcome' }, next: 'member' };
            }
            const attemptsLeft = fail(user);
            return attemptsLeft > 0
              ? { send: { type: 'denied', attemptsLeft }, next: 'anonymous' }
              : { send: { type: 'locked', seconds: lockedFor(user) }, next: 'over' };
          },
        },
      },
      deadline: { within: 10_000 },
    },
    member: {
      on: {
        whoami: {
          outcomes: { member: 'you' },
          handle: (_, { user }) => ({ send: { type: 'you', user } }),
        },
        logout: { outcomes: { over: [] }, handle: () => ({ next: 'over' }) },
      },
      deadline: { idle: 60_000 },
    },
    over: { final: true },
  },
});

function sign(secret: string | Buffer, nonce: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(nonce).digest();
}

/** Seconds until the user's lockout ends. */
function lockedFor(user: string): number {
  return Math.max(0, Math.ceil(((failures.get(user)?.until ?? 0) - Date.now()) / 1_000));
}

/** Count a failure. Returns the remaining attempts. */
function fail(user: string): number {
  const last = failures.get(user);
  const count = last === undefined || (last.until > 0 && last.until <= Date.now()) ? 1 : last.count + 1;
  failures.set(user, { count, until: count < ATTEMPTS ? 0 : Date.now() + LOCK_OUT });
  return ATTEMPTS - count;
}

const protocol = wire.defineProtocol({
  name: 'login',
  framing: wire.lengthPrefix({ lengthFieldLength: 2, maxFrameLength: 512 }),
  clientMessages,
  serverMessages,
  session,
});
const server = wire.createServer(protocol);
server.on('connectionEnd', (_, error) => {
  if (error instanceof wire.ProtocolError) console.log('server:', error.message);
});
await server.listen({ port: 0, host: '127.0.0.1' });
const { port } = server.address() as AddressInfo;

/** Try these secrets in order until one is accepted. */
async function visit(...secrets: string[]): Promise<void> {
  const client = await wire.connect(protocol, { port, host: '127.0.0.1', checkStates: true });
  for (const secret of secrets) {
    let answer = await client.request({ type: 'login', user: 'ada' });
    if (answer.type === 'challenge') {
      answer = await client.request({ type: 'proof', signature: sign(secret, answer.nonce) });
    }
    console.log(answer.type === 'denied' ? `denied, ${answer.attemptsLeft} left` : answer.type);
    if (answer.type === 'welcome') console.log(await client.request({ type: 'whoami' }));
    if (answer.type !== 'denied') break;
  }
  client.end();
  await client.closed;
}

await visit('a guess', 'analytical engine');
await visit('a guess', 'another');
await visit('the third');
await visit('analytical engine');
await server.close();
