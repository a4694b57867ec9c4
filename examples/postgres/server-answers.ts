import type { Decoded, Encodable } from 'wirepipe';
import type { clientMessages } from './client-messages.ts';
import { SCRAM, ScramServer } from './scram.ts';
import type { serverMessages } from './server-messages.ts';
import { saslInitialResponse, type startupMessages } from './startup.ts';
import type { Result, Visit } from './visit.ts';

type Received = Decoded<typeof clientMessages>;
type OfType<T extends Received['type']> = Extract<Received, { type: T }>;
type Startup = Extract<Decoded<typeof startupMessages>, { type: 'startup' }>;
type Sent = Encodable<typeof serverMessages>;
interface Reply<Next extends string> {
  readonly send?: Sent | Sent[];
  readonly next?: Next;
}

export const ready = { type: 'readyForQuery', status: 'idle' } as const satisfies Sent;

export function start({ parameters }: Startup, visit: Visit): Reply<'challenged'> {
  const user = parameters.find(({ name }) => name === 'user')?.value ?? '';
  // For an unknown user any password is wrong, after the same time.
  visit.scram = new ScramServer(visit.database.password(user) ?? `no password of ${Math.random()}`);
  return { next: 'challenged' };
}

export const challenging = authentication({ type: 'sasl', mechanisms: [SCRAM] });

export function challenge(data: Buffer, visit: Visit): Reply<'proving' | 'over'> {
  const { mechanism, data: first } = saslInitialResponse.decode(data);
  if (mechanism !== SCRAM || first === null) {
    return { send: failure('28000', 'no such mechanism', 'FATAL'), next: 'over' };
  }
  const said = visit.scram!.first(first.toString());
  return { send: authentication({ type: 'saslContinue', data: said }), next: 'proving' };
}

export function prove(data: Buffer, visit: Visit): Reply<'ready' | 'over'> {
  const proof = visit.scram!.final(data.toString());
  if (proof === undefined) {
    return { send: failure('28P01', 'password authentication failed', 'FATAL'), next: 'over' };
  }
  return {
    send: [
      authentication({ type: 'saslFinal', data: proof }),
      authentication({ type: 'ok' }),
      { type: 'parameterStatus', name: 'server_version', value: '15.0' },
      { type: 'parameterStatus', name: 'client_encoding', value: 'UTF8' },
      { type: 'backendKeyData', process: 1, secret: 1 },
      ready,
    ],
    next: 'ready',
  };
}

export function query(sql: string, visit: Visit): Reply<'copying'> {
  if (sql.trim() === '') return { send: [{ type: 'emptyQueryResponse' }, ready] };
  try {
    const result = visit.database.run(sql, []);
    if (!('copyIn' in result)) return { send: [...resultOf(result, true), ready] };
    visit.copyIn = result.copyIn;
    return { send: { type: 'copyInResponse', format: 'text', columns: [] }, next: 'copying' };
  } catch (error) {
    return { send: [failure('42601', (error as Error).message), ready] };
  }
}

export function parse({ name, sql }: OfType<'parse'>, visit: Visit): Reply<'skipping'> {
  if (visit.keep(visit.statements, name, sql)) return { send: { type: 'parseComplete' } };
  return { send: failure('53400', 'too many statements'), next: 'skipping' };
}

export function bind({ portal, statement, values }: OfType<'bind'>, visit: Visit): Reply<'skipping'> {
  const sql = visit.statements.get(statement);
  if (sql === undefined) return { send: failure('26000', `no statement "${statement}"`), next: 'skipping' };
  const parameters = values.map((one) => (one === null ? null : one.toString()));
  if (visit.keep(visit.portals, portal, { sql, parameters })) return { send: { type: 'bindComplete' } };
  return { send: failure('53400', 'too many portals'), next: 'skipping' };
}

export function describe({ kind, name }: OfType<'describe'>, visit: Visit): Reply<'skipping'> {
  const isStatement = kind === 'statement';
  const sql = isStatement ? visit.statements.get(name) : visit.portals.get(name)?.sql;
  return attempt(() => {
    const result = visit.database.run(sql ?? '', visit.portals.get(name)?.parameters ?? []);
    const parameters: Sent[] = isStatement ? [{ type: 'parameterDescription', types: [] }] : [];
    return [...parameters, 'columns' in result ? rowDescription(result.columns) : { type: 'noData' }];
  });
}

export function execute(name: string, visit: Visit): Reply<'skipping'> {
  const { sql, parameters } = visit.portals.get(name) ?? { sql: '', parameters: [] };
  return attempt(() => resultOf(visit.database.run(sql, parameters), false));
}

export function collect(data: Buffer, visit: Visit): Reply<'ready'> {
  visit.copiedLength += data.length;
  if (visit.copiedLength > MOST_COPIED) return copyFailed(`more than ${MOST_COPIED} bytes`, visit);
  visit.copied.push(data.toString());
  return {};
}

/** Bytes of one COPY. */
const MOST_COPIED = 16_777_216;

export function copied(visit: Visit): Reply<'ready'> {
  const tag = visit.copyIn(visit.copied.splice(0).join(''));
  visit.copiedLength = 0;
  return { send: [{ type: 'commandComplete', tag }, ready], next: 'ready' };
}

export function copyFailed(reason: string, visit: Visit): Reply<'ready'> {
  visit.copied = [];
  visit.copiedLength = 0;
  return { send: [failure('57014', `COPY failed: ${reason}`), ready], next: 'ready' };
}

export function failure(code: string, text: string, severity = 'ERROR'): Sent {
  return {
    type: 'error',
    fields: [
      { field: 'severity', text: severity },
      { field: 'severityCode', text: severity },
      { field: 'code', text: code },
      { field: 'message', text },
    ],
  };
}

/** Refuse a message: send an error, and skip everything up to Sync. */
function attempt(make: () => Sent[]): Reply<'skipping'> {
  try {
    return { send: make() };
  } catch (error) {
    return { send: failure('42601', (error as Error).message), next: 'skipping' };
  }
}

function resultOf(result: Result, isDescribed: boolean): Sent[] {
  if ('copyOut' in result) {
    const lines = result.copyOut.map((line): Sent => ({ type: 'copyData', data: Buffer.from(line) }));
    const end: Sent[] = [{ type: 'copyDone' }, { type: 'commandComplete', tag: `COPY ${lines.length}` }];
    return [{ type: 'copyOutResponse', format: 'text', columns: [] }, ...lines, ...end];
  }
  if ('copyIn' in result) throw new Error('COPY FROM STDIN is for simple queries here');
  const rows = 'rows' in result ? result.rows.map((values): Sent => ({ type: 'dataRow', values })) : [];
  const head = isDescribed && 'columns' in result ? [rowDescription(result.columns)] : [];
  return [...head, ...rows, { type: 'commandComplete', tag: result.tag }];
}

/** All columns are text (type 25). */
function rowDescription(columns: readonly string[]): Sent {
  const text = { table: 0, attribute: 0, type: 25, size: -1, modifier: -1, format: 'text' } as const;
  return { type: 'rowDescription', columns: columns.map((name) => ({ name, ...text })) };
}

function authentication(request: Extract<Sent, { type: 'authentication' }>['request']): Sent {
  return { type: 'authentication', request };
}
