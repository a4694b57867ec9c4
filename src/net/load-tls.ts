import type tls from 'node:tls';

/**
 * Node's TLS, loaded when a server or client first asks for it: with `node:crypto` behind it, it takes memory that programs
 * without it do not need.
 */
export function loadTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
