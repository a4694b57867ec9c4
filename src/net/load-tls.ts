import type tls from 'node:tls';

/**
 * Node's TLS, loaded when a server or client first needs it: together with `node:crypto` it takes memory that other programs do
 * not need.
 */
export function loadTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
