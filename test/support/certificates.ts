import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** Where both stand, in one file. */
  readonly file: string;
}

/** A certificate authority of one test, made with `openssl`. */
export class Authority {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'wirepipe-ca-'));
  readonly cert: string;
  readonly certFile: string;

  constructor() {
    this.certFile = path.join(this.folder, 'ca.crt');
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-subj',
      '/CN=test authority',
      ...DAYS,
    );
    this.cert = readFileSync(this.certFile, 'utf8');
  }

  /** Issue a certificate for this common name; `hosts` are its DNS names, default 'localhost'. */
  issue(name: string, hosts: readonly string[] = ['localhost']): Certificate {
    const file = (ending: string): string => path.join(this.folder, `${name}.${ending}`);
    writeFileSync(file('ext'), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n`);
    this.#openssl('req', ...NEW_KEY, '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${name}`);
    const sign = ['x509', '-req', '-in', file('csr'), '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    this.#openssl(...sign, '-out', file('crt'), '-extfile', file('ext'), ...DAYS);
    const [key, cert] = [readFileSync(file('key'), 'utf8'), readFileSync(file('crt'), 'utf8')];
    writeFileSync(file('pem'), cert + key);
    return { key, cert, file: file('pem') };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = ['-days', '2'];
