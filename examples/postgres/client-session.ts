import { defineSession } from 'wirepipe';
import { clientMessages } from './client-messages.ts';
import { bareByte, startupFraming } from './framing.ts';
import { type ClientOptions, type Known, type Message, refused } from './known.ts';
import { Login, type Reply } from './login.ts';
import { serverMessages } from './server-messages.ts';
import { encryptionAnswers, startupMessages } from './startup.ts';

/** The framing and messages of a client before startup: see framing.ts. */
const unstarted = { framing: { writes: startupFraming }, sends: startupMessages };

/**
 * The client's side up to the first ReadyForQuery, as a table. After it, use `request` and `requestMany`, with
 * `replies`.
 */
export function clientSession(options: ClientOptions) {
  const { asksForEncryption = false, onNews = () => undefined } = options;
  return defineSession({
    receives: serverMessages,
    sends: clientMessages,
    initial: asksForEncryption ? 'asking' : 'starting',
    ready: 'ready',
    context: (): Known => ({ login: new Login(options), settings: new Map(), key: undefined, error: '' }),
    states: {
      asking: {
        ...unstarted,
        framing: { reads: bareByte, writes: startupFraming },
        receives: encryptionAnswers,
        onEnter: () => ({ type: 'sslRequest' }),
        on: { encrypted: () => ({ upgrade: 'tls' }), plain: () => ({ next: 'starting' }) },
        next: ['starting'],
        deadline: { within: 30_000 },
      },
      starting: {
        ...unstarted,
        onEnter: ({ login }) => login.startup(),
        on: {
          authentication({ request }: Message<'authentication'>, { login }: Known) {
            const { next = 'proving' } = login.take(request);
            return { next };
          },
          error: refused,
        },
        next: ['proving', 'settling', 'refused'],
        deadline: { within: 30_000 },
      },
      proving: {
        // Messages have a type from here on, including the answer to the first request.
        onEnter: ({ login }) => login.said,
        on: {
          authentication: ({ request }, { login }): Reply => login.take(request),
          error: refused,
        },
        next: ['settling', 'refused'],
        deadline: { within: 30_000 },
      },
      settling: {
        on: {
          parameterStatus: ({ name, value }, { settings }) => void settings.set(name, value),
          backendKeyData({ process, secret }, known) {
            known.key = { process, secret };
          },
          negotiateProtocolVersion: () => undefined,
          notice: (message) => onNews(message),
          error: refused,
          readyForQuery: () => ({ next: 'ready' }),
        },
        next: ['ready', 'refused'],
      },
      ready: {
        on: {
          parameterStatus: ({ name, value }, { settings }) => void settings.set(name, value),
          notice: (message) => onNews(message),
          notification: (message) => onNews(message),
        },
      },
      refused: { final: true },
    },
  });
}

/**
 * The session of a connection that cancels the query of another connection, and ends. `key` is the other connection's
 * key.
 */
export function cancelSession(key: NonNullable<Known['key']>) {
  return defineSession({
    receives: serverMessages,
    sends: clientMessages,
    initial: 'cancelling',
    states: {
      cancelling: { ...unstarted, onEnter: () => ({ type: 'cancelRequest', ...key }), final: true },
    },
  });
}

const steps = ['parseComplete', 'bindComplete', 'closeComplete', 'parameterDescription', 'noData'] as const;
const rows = [
  'rowDescription',
  'dataRow',
  'commandComplete',
  'emptyQueryResponse',
  'portalSuspended',
  'functionCallResponse',
] as const;
const copies = ['copyInResponse', 'copyOutResponse', 'copyData', 'copyDone'] as const;

/** The replies to a query: everything up to ReadyForQuery. */
const answer = { until: 'readyForQuery', of: [...steps, ...rows, ...copies, 'error'] } as const;
const none = 'none' as const;
export const replies = {
  maxInFlight: Infinity,
  expects: {
    query: answer,
    sync: answer,
    functionCall: answer,
    ...{ parse: none, bind: none, describe: none, execute: none, close: none, flush: none, terminate: none },
    ...{ copyData: none, copyDone: none, copyFail: none, password: none },
  },
} as const;
