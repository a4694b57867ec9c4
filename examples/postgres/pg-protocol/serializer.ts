import type { Encodable } from 'wirepipe';
import { bindOfText, clientMessages } from '../client-messages.ts';
import { framing, startupFraming } from '../framing.ts';
import { saslInitialResponse, startupMessages } from '../startup.ts';

const writer = framing.writer();
const startupWriter = startupFraming.writer();

/** A message with its length filled in. */
function framed(message: Encodable<typeof clientMessages>): Buffer {
  return sealed(clientMessages.encode(message));
}

function sealed(bytes: Buffer): Buffer {
  writer.seal!(bytes, 0, bytes.length);
  return bytes;
}

function unframed(message: Encodable<typeof startupMessages>): Buffer {
  const payload = startupMessages.encode(message);
  const bytes = Buffer.allocUnsafe(startupWriter.bound(payload.length));
  return bytes.subarray(0, startupWriter.write(bytes, 0, payload, 0, payload.length));
}

interface Target {
  readonly type: 'S' | 'P';
  readonly name?: string | undefined;
}
const targetOf = ({ type, name = '' }: Target) => ({
  kind: type === 'S' ? ('statement' as const) : ('portal' as const),
  name: name || '',
});

interface Binding {
  readonly portal?: string;
  readonly statement?: string;
  readonly binary?: boolean;
  readonly values?: readonly unknown[];
  readonly valueMapper?: (value: unknown, index: number) => unknown;
}

function bind({ portal, statement, binary, values = [], valueMapper }: Binding = {}): Buffer {
  const count = values.length;
  const formats = new Array<'text' | 'binary'>(count);
  const mapped = new Array<string | Buffer | null>(count);
  let isText = true;
  for (let i = 0; i < count; i++) {
    const one = valueMapper === undefined ? values[i] : valueMapper(values[i], i);
    const isBinary = Buffer.isBuffer(one);
    if (isBinary) isText = false;
    formats[i] = isBinary ? 'binary' : 'text';
    mapped[i] = (one ?? null) as string | Buffer | null;
  }
  const message = {
    type: 'bind' as const,
    portal: portal || '',
    statement: statement || '',
    formats,
    values: mapped as (string | null)[],
    resultFormats: binary ? BINARY : TEXT,
  };
  if (isText) return sealed(bindOfText.encode(message));
  return framed({
    ...message,
    values: mapped.map((one) => (typeof one === 'string' ? Buffer.from(one) : one)),
  });
}

const BINARY = ['binary'] as const;
const TEXT = ['text'] as const;

const FLUSH = framed({ type: 'flush' });
const SYNC = framed({ type: 'sync' });
const END = framed({ type: 'terminate' });
const COPY_DONE = framed({ type: 'copyDone' });

/** Like pg-protocol's `serialize`: each function returns the bytes of a message. */
export const serialize = {
  startup(options: Readonly<Record<string, string>>): Buffer {
    const all = [...Object.entries(options), ['client_encoding', 'UTF8'] as const];
    return unframed({ type: 'startup', parameters: all.map(([name, value]) => ({ name, value })) });
  },
  requestSsl: (): Buffer => unframed({ type: 'sslRequest' }),
  cancel: (process: number, secret: number): Buffer => unframed({ type: 'cancelRequest', process, secret }),
  password: (password: string): Buffer => framed({ type: 'password', data: Buffer.from(`${password}\0`) }),
  sendSASLInitialResponseMessage: (mechanism: string, response: string): Buffer =>
    framed({
      type: 'password',
      data: saslInitialResponse.encode({ mechanism, data: Buffer.from(response) }),
    }),
  sendSCRAMClientFinalMessage: (data: string): Buffer =>
    framed({ type: 'password', data: Buffer.from(data) }),
  query: (sql: string): Buffer => framed({ type: 'query', sql }),
  parse: ({ name, text: sql, types = [] }: { name?: string; text: string; types?: number[] }): Buffer =>
    framed({ type: 'parse', name: name || '', sql, types: types ?? [] }),
  bind,
  execute: ({ portal, rows }: { portal?: string; rows?: number } = {}): Buffer =>
    framed({ type: 'execute', portal: portal || '', maxRows: rows || 0 }),
  describe: (target: Target): Buffer => framed({ type: 'describe', ...targetOf(target) }),
  close: (target: Target): Buffer => framed({ type: 'close', ...targetOf(target) }),
  flush: (): Buffer => FLUSH,
  sync: (): Buffer => SYNC,
  end: (): Buffer => END,
  copyData: (data: Buffer): Buffer => framed({ type: 'copyData', data }),
  copyDone: (): Buffer => COPY_DONE,
  copyFail: (reason: string): Buffer => framed({ type: 'copyFail', reason }),
};
