import type tls from 'node:tls';

/**
 * Node's TLS, loaded when a server or client first asks for it: with `node:crypto` behind it, it takes more memory than the
 * rest of this library.
 */
export function loadTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
