/**
 * A database for psql, with one table of texts. `npx tsx examples/postgres/serve.ts 5433`, then `psql 'host=127.0.0.1
 * port=5433 user=ada'`
 */
import { pathToFileURL } from 'node:url';
import { createServer, defineProtocol, type ServerLimits } from 'wirepipe';
import { clientMessages } from './client-messages.ts';
import { framing } from './framing.ts';
import { serverMessages } from './server-messages.ts';
import { serverSession } from './server-session.ts';
import type { Database } from './visit.ts';

/** Supports `select 'text'…`, `select * from texts`, and `copy texts` in both directions. */
export function textDatabase(passwords: ReadonlyMap<string, string>): Database {
  const texts: string[] = [];
  return {
    password: (user) => passwords.get(user),
    run(sql, parameters) {
      const plain = sql.trim().replace(/;$/, '').replaceAll(/\s+/g, ' ').toLowerCase();
      if (plain === 'select * from texts') {
        return { columns: ['text'], rows: texts.map((text) => [text]), tag: `SELECT ${texts.length}` };
      }
      if (/^copy texts from stdin/.test(plain)) {
        return {
          copyIn(data) {
            // psql also sends the end-of-data line.
            const lines = data.split('\n').filter((line) => line !== '' && line !== '\\.');
            texts.push(...lines);
            return `COPY ${lines.length}`;
          },
        };
      }
      if (/^copy texts to stdout/.test(plain)) return { copyOut: texts.map((text) => `${text}\n`) };
      const literals = /^select ((?:'[^']*'|\$\d+|null)(?:, ?(?:'[^']*'|\$\d+|null))*)$/.exec(plain);
      if (literals === null) throw new Error(`no such statement: ${sql}`);
      const values = literals[1]!.split(/, ?/).map((one) => {
        if (one === 'null') return null;
        return one.startsWith('$') ? (parameters[Number(one.slice(1)) - 1] ?? null) : one.slice(1, -1);
      });
      return { columns: values.map((_, index) => `column${index + 1}`), rows: [values], tag: 'SELECT 1' };
    },
  };
}

export function createDatabaseServer(database: Database, limits: ServerLimits = {}) {
  return createServer(
    defineProtocol({
      name: 'postgres',
      framing,
      clientMessages,
      serverMessages,
      session: serverSession(database),
    }),
    { maxHeldBytes: 1_048_576, ...limits },
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const server = createDatabaseServer(textDatabase(new Map([['ada', 'lovelace']])));
  await server.listen({ port: Number(process.argv[2] ?? 5_433), host: '127.0.0.1' });
  console.log(`listening on port ${(server.address() as { port: number }).port}`);
}
