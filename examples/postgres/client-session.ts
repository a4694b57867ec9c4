import { defineSession } from 'wirepipe';
import { allClientMessages } from './client-messages.ts';
import { Login, type LoginOptions } from './login.ts';
import { serverMessages } from './server-messages.ts';

/** The client's side up to the first ReadyForQuery, as a table; from then on `request` and `requestMany` ask, by `replies`. */
export function clientSession(options: LoginOptions) {
  return defineSession({
    receives: serverMessages,
    sends: allClientMessages,
    initial: 'starting',
    ready: 'ready',
    context: () => ({ login: new Login(options), settings: new Map<string, string>(), error: '' }),
    states: {
      starting: {
        onEnter: ({ login }) => login.startup(),
        on: {
          authentication: ({ request }, { login }) => login.answer(request),
          error: (message, context) => refused(message, context),
        },
        next: ['settling', 'refused'],
        deadline: { within: 30_000 },
      },
      settling: {
        on: {
          parameterStatus: ({ name, value }, { settings }) => void settings.set(name, value),
          backendKeyData: () => undefined,
          negotiateProtocolVersion: () => undefined,
          notice: () => undefined,
          error: (message, context) => refused(message, context),
          readyForQuery: () => ({ next: 'ready' }),
        },
        next: ['ready', 'refused'],
      },
      ready: {
        on: {
          parameterStatus: ({ name, value }, { settings }) => void settings.set(name, value),
          notice: () => undefined,
          notification: () => undefined,
        },
      },
      refused: { final: true },
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
] as const;
const copies = ['copyInResponse', 'copyOutResponse', 'copyData', 'copyDone'] as const;

/** What answers a query: all up to ReadyForQuery. */
const answer = { until: 'readyForQuery', of: [...steps, ...rows, ...copies, 'error'] } as const;
const none = 'none' as const;
export const replies = {
  maxInFlight: Infinity,
  expects: {
    query: answer,
    sync: answer,
    ...{ parse: none, bind: none, describe: none, execute: none, close: none, flush: none, terminate: none },
    ...{ copyData: none, copyDone: none, copyFail: none, password: none, startup: none },
  },
} as const;

function refused(
  { fields }: { fields: readonly { field: unknown; text: string }[] },
  context: { error: string },
) {
  context.error = fields.find(({ field }) => field === 'message')?.text ?? '';
  return { next: 'refused' } as const;
}
