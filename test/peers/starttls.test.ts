/** STARTTLS (RFC 3207): a mail server that goes on under TLS, against `openssl s_client -starttls smtp` and swaks. */
import { spawn, spawnSync } from 'node:child_process';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  createServer,
  defineProtocol,
  defineSession,
  delimiter,
  line,
  type Server,
} from '../../src/index.ts';
import { Authority } from '../support/certificates.ts';
import { listening, raw, until } from '../support/net.ts';
import { isThere } from '../support/programs.ts';

type Verb = 'ehlo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'quit' | 'text';
type Command = { [V in Verb]: { type: V; text: string } }[Verb];
type Reply = { type: 'reply'; text: string };

const commands: Codec<Command> = {
  decode(bytes, start, end) {
    const text = bytes.toString('latin1', start, end);
    const verb = /^(ehlo|starttls|mail|rcpt|data|quit)\b/i.exec(text)?.[1]?.toLowerCase();
    return { type: (verb ?? 'text') as Verb, text };
  },
  encode: ({ text }) => Buffer.from(text, 'latin1'),
};
const replies: Codec<Reply> = {
  decode: (bytes, start, end) => ({ type: 'reply', text: bytes.toString('latin1', start, end) }),
  encode: ({ text }) => Buffer.from(text, 'latin1'),
};
const reply = (text: string): Reply => ({ type: 'reply', text });

/** The session in the clear, and the one under TLS: which does not greet, and has no STARTTLS any more (§4.2). */
function smtp(mails: string[], isSecure: boolean) {
  const session = defineSession({
    receives: commands,
    sends: replies,
    initial: 'open',
    states: {
      open: {
        onEnter: () => (isSecure ? undefined : reply('220 here')),
        on: {
          ehlo: () => ({ send: isSecure ? reply('250 here') : [reply('250-here'), reply('250 STARTTLS')] }),
          starttls: () =>
            isSecure
              ? { send: reply('503 already') }
              : { send: reply('220 go ahead'), next: 'over', upgrade: 'tls' },
          mail: () => ({ send: reply(isSecure ? '250 ok' : '530 Must issue a STARTTLS command first') }),
          rcpt: () => ({ send: reply('250 ok') }),
          data: () => ({ send: reply('354 go on'), next: 'writing' }),
          quit: () => ({ send: reply('221 bye'), next: 'over' }),
        },
        otherwise: ({ text }) => ({ send: reply(`500 ${text}`) }),
        next: ['writing', 'over'],
      },
      writing: {
        otherwise: ({ text }) => {
          if (text === '.') return { send: reply('250 taken'), next: 'open' };
          mails.push(text);
          return undefined;
        },
        next: ['open'],
      },
      over: { final: true },
    },
  });
  const framing = { reads: line(), writes: delimiter({ delimiter: '\r\n' }) };
  return defineProtocol({
    name: 'smtp',
    framing,
    clientMessages: commands,
    serverMessages: replies,
    session,
  });
}

async function mailServer() {
  const mails: string[] = [];
  const authority = new Authority();
  const certificate = authority.issue('mail');
  const secure = createServer(smtp(mails, true));
  const ciphers: string[] = [];
  const plain: Server<Command, Reply, string, unknown> = createServer(smtp(mails, false) as never, {
    upgrades: {
      tls: {
        take(socket, _, { peer }) {
          const under = new tls.TLSSocket(socket, { isServer: true, ...certificate });
          under.once('secure', () => ciphers.push(under.getProtocol()!));
          secure.accept(under, peer as { address: string });
        },
      },
    },
  });
  const ends: unknown[] = [];
  for (const server of [plain, secure]) server.on('connectionEnd', (_, error) => ends.push(error));
  const port = await listening(plain);
  return { port, mails, authority, ciphers, ends };
}

function runs(name: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (some: string) => {
      out += some;
    });
  }
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', () => resolve(out)));
}

test.skipIf(!isThere('openssl'))('openssl s_client -starttls smtp', async () => {
  const { port, authority, ciphers, ends } = await mailServer();
  const out = await runs(
    'openssl',
    [
      's_client',
      '-starttls',
      'smtp',
      '-connect',
      `127.0.0.1:${port}`,
      '-crlf',
      '-ign_eof',
      '-CAfile',
      authority.certFile,
    ],
    'EHLO me\nSTARTTLS\nQUIT\n',
  );
  expect(out).toContain('Verify return code: 0 (ok)');
  // Its own EHLO was in the clear.
  expect(out).toMatch(/250 here\s+503 already\s+221 bye/);
  expect(ciphers).toEqual(['TLSv1.3']);
  await until(() => ends.length === 2);
  expect(ends).toEqual([undefined, undefined]);
});

/** What swaks speaks TLS with: the Debian package libnet-ssleay-perl. */
const hasTls = spawnSync('perl', ['-MNet::SSLeay', '-e', '1']).status === 0;
if (!hasTls) console.warn('skipped: Net::SSLeay (Debian package libnet-ssleay-perl) is not installed');

describe.skipIf(!isThere('swaks') || !hasTls)('swaks', () => {
  test('sends a mail under TLS', async () => {
    const { port, mails, ciphers } = await mailServer();
    const args = [
      '--server',
      `127.0.0.1:${port}`,
      '--tls',
      '--from',
      'me@here',
      '--to',
      'you@there',
      '--body',
      'hello',
    ];
    const out = await runs('swaks', args, '');
    expect(out).toContain('TLS started with cipher');
    expect(out).toContain('250 taken');
    expect(mails).toContain('hello');
    expect(ciphers).toEqual(['TLSv1.3']);
  });

  test('sends no mail in plain text', async () => {
    const { port, mails } = await mailServer();
    const out = await runs(
      'swaks',
      ['--server', `127.0.0.1:${port}`, '--from', 'me@here', '--to', 'you@there'],
      '',
    );
    expect(out).toContain('530 Must issue a STARTTLS command first');
    expect(mails).toEqual([]);
  });
});

test('a command injected after STARTTLS is never read as part of the TLS session', async () => {
  const { port, mails, ends } = await mailServer();
  const { socket, closed } = await raw(port);
  socket.write('EHLO me\r\nSTARTTLS\r\nMAIL FROM:<evil@here>\r\n');
  expect(String(await closed)).toBe('220 here\r\n250-here\r\n250 STARTTLS\r\n220 go ahead\r\n');
  await until(() => ends.length === 1);
  expect(ends).toMatchObject([{ code: 'ERR_STATE_UNREAD', origin: 'peer', actual: 23 }]);
  expect(mails).toEqual([]);
});
