import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Command } from 'commander';
import { showThrown } from '../bytes/show.ts';
import { openSerialDevice } from './serial-device.ts';
import { UsageError } from './usage-error.ts';

/** A place to listen at or to connect to. */
export type Endpoint =
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix' | 'serial'; readonly path: string };

export const endpointForms = 'PORT, HOST:PORT, tls:HOST:PORT, a Unix socket or a serial device (a path)';

export interface TlsOptions {
  /** Paths of PEM files. */
  cert?: string;
  key?: string;
  ca?: string;
  servername?: string;
  insecure?: boolean;
}

/** Add the options of `--listen tls:` to a command. */
export function withTlsListen(command: Command): Command {
  return command
    .option('--cert <file>', 'for --listen tls: the certificate, in PEM')
    .option('--key <file>', 'for --listen tls: its key, in PEM');
}

/** Add the options of `--to tls:` to a command. */
export function withTlsTo(command: Command): Command {
  return command
    .option('--ca <file>', 'for --to tls: the certificate authority to trust, in PEM')
    .option('--servername <name>', 'for --to tls: the name expected in the certificate')
    .option('--insecure', 'for --to tls: accept any certificate');
}

/**
 * Parse an endpoint of the command line.
 *
 *     4000   127.0.0.1:4000   [::1]:4000   tls:example.org:8883   /tmp/drone.sock   unix:drone.sock   /dev/ttyUSB0
 *
 * @throws UsageError for anything else
 */
export function parseEndpoint(option: string, text: string): Endpoint {
  const [, scheme = '', rest = ''] = /^(tls:|unix:|serial:)?(.*)$/s.exec(text) ?? [];
  if (scheme === 'unix:' || scheme === 'serial:') {
    if (rest === '') throw wrong(option, text);
    return { kind: scheme === 'unix:' ? 'unix' : 'serial', path: rest };
  }
  if (scheme === '' && rest.includes('/')) return { kind: isDevice(rest) ? 'serial' : 'unix', path: rest };
  const [, six, name, digits = ''] = /^(?:\[([\da-fA-F:.%]+)\]:|([^:/[\]\s]+):)?(\d{1,5})$/.exec(rest) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535) throw wrong(option, text);
  return { kind: scheme === 'tls:' ? 'tls' : 'tcp', host: six ?? name ?? '127.0.0.1', port };
}

export function showEndpoint(endpoint: Endpoint): string {
  if ('path' in endpoint) return endpoint.path;
  const { kind, host, port } = endpoint;
  return `${kind === 'tls' ? 'tls:' : ''}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A listening server, or an open serial device. */
export interface Listening {
  /** The endpoint, with the assigned port in place of port 0. */
  readonly endpoint: Endpoint;
  close(): void;
}

/** Listen at an endpoint, and pass each connection to `take`. A serial device counts as one connection. */
export async function listenAt(
  endpoint: Endpoint,
  options: TlsOptions,
  take: (stream: Duplex) => void,
): Promise<Listening> {
  if (endpoint.kind === 'serial') {
    const device = openSerialDevice(endpoint.path);
    take(device);
    return { endpoint, close: () => void device.destroy() };
  }
  const server = endpoint.kind === 'tls' ? tlsServer(options) : net.createServer({ allowHalfOpen: true });
  // A failed TLS handshake ends that connection only.
  server.on(endpoint.kind === 'tls' ? 'secureConnection' : 'connection', take).on('tlsClientError', () => {});
  server.listen('path' in endpoint ? { path: endpoint.path } : { port: endpoint.port, host: endpoint.host });
  await once(server, 'listening');
  const address = server.address();
  const bound =
    'port' in endpoint && typeof address === 'object' && address !== null
      ? { ...endpoint, port: address.port }
      : endpoint;
  return { endpoint: bound, close: () => void server.close() };
}

/** Connect to an endpoint. Rejects with the system's error, or with the TLS error about the certificate. */
export async function dial(endpoint: Endpoint, options: TlsOptions): Promise<Duplex> {
  if (endpoint.kind === 'serial') return openSerialDevice(endpoint.path);
  if (endpoint.kind === 'unix')
    return connected(net.connect({ path: endpoint.path, allowHalfOpen: true }), 'connect');
  const { host, port } = endpoint as { host: string; port: number };
  if (endpoint.kind === 'tcp') return connected(net.connect({ host, port, allowHalfOpen: true }), 'connect');
  const { ca, servername = net.isIP(host) === 0 ? host : undefined, insecure = false } = options;
  // Node's types lack `allowHalfOpen` here.
  const settings: tls.ConnectionOptions & { allowHalfOpen: boolean } = {
    host,
    port,
    allowHalfOpen: true,
    rejectUnauthorized: !insecure,
    ...(servername !== undefined && { servername }),
    ...(ca !== undefined && { ca: pem('--ca', ca) }),
  };
  const socket = tls.connect(settings);
  return connected(socket, 'secureConnect');
}

async function connected(socket: net.Socket, event: string): Promise<Duplex> {
  socket.setNoDelay?.(true);
  try {
    await once(socket, event);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function tlsServer({ cert, key }: TlsOptions): net.Server {
  if (cert === undefined || key === undefined) {
    throw new UsageError('--listen tls: wants --cert FILE and --key FILE');
  }
  try {
    const pair = { cert: pem('--cert', cert), key: pem('--key', key) };
    return tls.createServer({ ...pair, allowHalfOpen: true } as tls.TlsOptions);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--cert and --key: ${showThrown(error)}`);
  }
}

function pem(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${option}: cannot read ${file}: ${showThrown(error)}`);
  }
}

function isDevice(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isCharacterDevice() ?? false;
}

function wrong(option: string, text: string): UsageError {
  return new UsageError(`${option} wants ${endpointForms}, got '${text}'`);
}
