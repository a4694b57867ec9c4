// pg against a PostgreSQL server: queries, errors, notices, COPY both ways, portals, cursors, notifications. Prints what came.
const pg = require('pg');

const [port] = process.argv.slice(2).map(Number);

/** A query of one's own, as pg-copy-streams has it: COPY in of some chunks, or COPY out. */
class Copy {
  constructor(text, chunks) {
    this.text = text;
    this.chunks = chunks;
    this.came = [];
    this.done = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
  }
  submit(connection) {
    connection.query(this.text);
  }
  handleCopyInResponse(connection) {
    for (const chunk of this.chunks) connection.sendCopyFromChunk(Buffer.from(chunk));
    connection.endCopyFrom();
  }
  handleCopyData({ chunk }) {
    this.came.push(chunk.toString());
  }
  handleCommandComplete({ text }) {
    this.tag = text;
  }
  handleError(error) {
    this.reject(error);
  }
  handleReadyForQuery() {
    this.resolve(this);
  }
}

async function main() {
  const config = { port, host: '127.0.0.1', user: 'wire', password: 'secret', database: 'postgres' };
  const client = new pg.Client(config);
  const [notices, notifications] = [[], []];
  client.on('notice', ({ message, severity }) => notices.push(`${severity} ${message}`));
  client.on('notification', ({ channel, payload }) => notifications.push(`${channel} ${payload}`));
  await client.connect();
  const seen = {};
  seen.simple = (await client.query('select 1 as a, null as b, $$é$$ as c')).rows;
  const all = 'select $1::int as i, $2::text as t, $3::bytea as d, $4::int[] as l, $5::timestamptz as w';
  const values = [7, 'hällo', Buffer.from([0, 255]), [1, null], new Date(0)];
  seen.extended = JSON.stringify((await client.query(all, values)).rows);
  seen.nulls = (await client.query('select $1::text as t', [null])).rows;
  const failed = await client.query('select 1 / $1::int', [0]).catch((error) => error);
  seen.error = [
    failed instanceof pg.DatabaseError,
    failed.code,
    failed.severity,
    failed.message,
    failed.routine,
  ];
  await client.query('do $$ begin raise notice $x$hi %$x$, 5; end $$');
  await client.query('create temp table t (a int, b text)');
  const copied = new Copy('copy t from stdin', ['1\tone\n2\t', 'two\n3\t\\N\n']);
  await client.query(copied).done;
  seen.copyIn = copied.tag;
  seen.copyOut = (await client.query(new Copy('copy t to stdout')).done).came;
  seen.copyFail = await client.query(new Copy('copy t from stdin', ['x\n'])).done.catch(({ code }) => code);
  // A portal that gives two rows at a time.
  seen.portal = (await client.query({ text: 'select g from generate_series(1, 5) g', rows: 2 })).rows.map(
    ({ g }) => g,
  );
  await client.query('begin');
  await client.query('declare c cursor for select g from generate_series(1, 9) g');
  seen.cursor = [2, 3].map(() => client.query('fetch 2 from c'));
  seen.cursor = (await Promise.all(seen.cursor)).flatMap(({ rows }) => rows.map(({ g }) => g));
  await client.query('commit');
  await client.query('listen here');
  await client.query("notify here, 'there'");
  const many = await client.query({
    name: 'many',
    text: "select g, repeat('x', 100) as x from generate_series(1, $1) g",
    values: [20_000],
  });
  seen.many = [many.rows.length, many.rows.every(({ g, x }, i) => g === i + 1 && x.length === 100)];
  seen.multiple = (await client.query('select 1 as a; select 2 as b')).map(({ rows }) => rows);
  const long = 'y'.repeat(3_000_000);
  seen.long = (await client.query('select $1::text as t', [long])).rows[0].t === long;
  seen.binary = (await client.query({ text: 'select 5::int as i', binary: true, values: [] })).rows;
  Object.assign(seen, { notices, notifications });
  // A second client cancels what the first one does.
  const sleeping = client.query('select pg_sleep(20)').catch(({ code }) => code);
  const other = new pg.Client(config);
  await other.connect();
  const asleep = "select from pg_stat_activity where wait_event = 'PgSleep'";
  while ((await other.query(asleep)).rowCount === 0);
  new pg.Client(config).cancel(client, client.activeQuery ?? client._activeQuery);
  seen.cancelled = await sleeping;
  await other.end();
  await client.end();
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
