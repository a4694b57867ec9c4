import { defineSession } from 'wirepipe';
import { allClientMessages } from './client-messages.ts';
import * as answers from './server-answers.ts';
import { allServerMessages } from './server-messages.ts';
import { type Database, Visit } from './visit.ts';

/**
 * The server's side of PostgreSQL v3, as a table: startup, SCRAM, simple and extended queries, COPY both ways. What is answered is
 * in server-answers.ts.
 */
export function serverSession(database: Database) {
  return defineSession({
    receives: allClientMessages,
    sends: allServerMessages,
    initial: 'starting',
    ready: 'ready',
    context: () => new Visit(database),
    farewell: (fault) => answers.failure('08P01', fault.message, 'FATAL'),
    states: {
      starting: {
        on: { startup: ({ request }, visit) => answers.start(request, visit) },
        next: ['challenged', 'over'],
      },
      challenged: {
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
          // What was under way when a COPY failed.
          ...{ copyData: () => undefined, copyDone: () => undefined, copyFail: () => undefined },
        },
        next: ['skipping', 'copying', 'over'],
      },
      // Behind an error of an extended query all is passed over, up to Sync (§55.2.3).
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
