import { defineSession } from 'wirepipe';
import { clientMessages } from './client-messages.ts';
import { bareByte, startupFraming } from './framing.ts';
import * as answers from './server-answers.ts';
import { serverMessages } from './server-messages.ts';
import { encryptionAnswers, startupMessages } from './startup.ts';
import { type Database, Visit } from './visit.ts';

/**
 * The server's side of PostgreSQL v3, as a table: startup, SCRAM, simple and extended queries, COPY in both directions.
 * Its answers are in server-answers.ts.
 */
export function serverSession(database: Database) {
  return defineSession({
    receives: clientMessages,
    sends: serverMessages,
    initial: 'starting',
    ready: 'ready',
    context: () => new Visit(database),
    // Before startup the server sends single bytes only.
    farewell: (fault, { scram }) => scram && answers.failure('08P01', fault.message, 'FATAL'),
    states: {
      starting: {
        framing: { reads: startupFraming, writes: bareByte },
        receives: startupMessages,
        sends: encryptionAnswers,
        on: {
          startup: answers.start,
          cancelRequest: () => ({ next: 'over' }),
          sslRequest: () => ({ send: { type: 'plain' } }),
          gssEncRequest: () => ({ send: { type: 'plain' } }),
        },
        next: ['challenged', 'over'],
      },
      challenged: {
        onEnter: () => answers.challenging,
        on: { password: ({ data }, visit) => answers.challenge(data, visit) },
        next: ['proving', 'over'],
      },
      proving: {
        on: { password: ({ data }, visit) => answers.prove(data, visit) },
        next: ['ready', 'over'],
      },
      ready: {
        on: {
          query: ({ sql }, visit) => answers.query(sql, visit),
          parse: (message, visit) => answers.parse(message, visit),
          bind: (message, visit) => answers.bind(message, visit),
          describe: (message, visit) => answers.describe(message, visit),
          execute: ({ portal }, visit) => answers.execute(portal, visit),
          close: () => ({ send: { type: 'closeComplete' } }),
          flush: () => undefined,
          sync: () => ({ send: answers.ready }),
          terminate: () => ({ next: 'over' }),
          // Data sent before the client saw that the COPY failed.
          ...{ copyData: () => undefined, copyDone: () => undefined, copyFail: () => undefined },
        },
        next: ['skipping', 'copying', 'over'],
      },
      // After an error in an extended query, everything up to Sync is skipped (§55.2.3).
      skipping: {
        on: { sync: () => ({ send: answers.ready, next: 'ready' }), terminate: () => ({ next: 'over' }) },
        otherwise: () => undefined,
        next: ['ready', 'over'],
      },
      copying: {
        on: {
          copyData: ({ data }, visit) => answers.collect(data, visit),
          copyDone: (_, visit) => answers.copied(visit),
          copyFail: ({ reason }, visit) => answers.copyFailed(reason, visit),
          flush: () => undefined,
          sync: () => undefined,
        },
        next: ['ready'],
      },
      over: { final: true },
    },
  });
}
