import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/free-port.ts';
import { lineOf } from '../support/run.ts';

const HOME = '/usr/lib/postgresql';

/** Where PostgreSQL's programs are; says that tests are skipped where they are not installed. */
export function postgresPrograms(): string | undefined {
  const version = existsSync(HOME) ? readdirSync(HOME).sort().at(-1) : undefined;
  const folder = version === undefined ? undefined : path.join(HOME, version, 'bin');
  if (folder !== undefined && existsSync(path.join(folder, 'initdb'))) return folder;
  console.warn('skipped: initdb (Debian package postgresql) is not installed');
  return undefined;
}

/** Who logs in how; roles but `wire` are for the test to create. */
const METHODS = [
  ['by_md5', 'md5'],
  ['by_password', 'password'],
  ['trusted', 'trust'],
  ['all', 'scram-sha-256'],
].map(([user, method]) => `host all ${user} 127.0.0.1/32 ${method}\n`);

/** Everybody logs in without a password. */
export const TRUST: readonly string[] = ['host all all 127.0.0.1/32 trust\n'];

/** A server on a port of its own, with the user `wire`, whose password is `secret`, by SCRAM unless `methods` says otherwise. */
export async function startPostgres(
  programs: string,
  methods: readonly string[] = METHODS,
): Promise<{ port: number; stop(): Promise<void> }> {
  const isRoot = process.getuid!() === 0;
  /** The server refuses to run as root. */
  const command = (name: string, ...args: string[]): [string, string[]] => {
    const file = path.join(programs, name);
    return isRoot ? ['runuser', ['-u', 'postgres', '--', file, ...args]] : [file, args];
  };
  const folder = mkdtempSync(path.join(tmpdir(), 'wirepipe-pg-'));
  writeFileSync(path.join(folder, 'password'), 'secret\n');
  if (isRoot) spawnSync('chown', ['-R', 'postgres', folder]);
  const data = path.join(folder, 'data');
  const password = `--pwfile=${path.join(folder, 'password')}`;
  const init = command(
    'initdb',
    '-D',
    data,
    '-U',
    'wire',
    '-A',
    'scram-sha-256',
    password,
    '--no-sync',
    '-E',
    'UTF8',
  );
  const made = spawnSync(...init, { cwd: '/', encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  if (made.status !== 0) throw new Error(made.stderr);
  writeFileSync(path.join(data, 'pg_hba.conf'), methods.join(''));
  const port = await freePort();
  const options = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'];
  const [file, args] = command('postgres', '-D', data, '-p', String(port), ...options);
  const server = spawn(file, args, { cwd: '/' });
  // It listens before it is ready.
  await lineOf(server, /database system is ready to accept connections/, 'stderr');
  const stop = async (): Promise<void> => {
    const end = once(server, 'close');
    const [pid] = readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
    // An immediate shutdown.
    process.kill(Number(pid), 'SIGQUIT');
    await end;
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, stop };
}
