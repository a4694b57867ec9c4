/**
 * A mail server that prints the mails it receives (RFC 5321): a line protocol, as a table of states. `npx tsx
 * examples/smtp.ts [PORT]`, then `swaks --server 127.0.0.1:PORT --from me@here --to you@there`
 */
import type { AddressInfo } from 'node:net';
import { type Codec, createServer, defineProtocol, defineSession, line, MessageError } from 'wirepipe';

/** A line from the client. After DATA every line is text, even one that looks like a command, so each message keeps its line. */
type Verb = 'ehlo' | 'helo' | 'mail' | 'rcpt' | 'data' | 'rset' | 'noop' | 'quit' | 'text';
type Command = { [V in Verb]: { type: V; line: string } }[Verb];
/** A line to the client; `more` is true if the reply continues on the next line. */
type Reply = { type: 'reply' | 'more'; code: number; text: string };

const VERBS = /^(ehlo|helo|mail|rcpt|data|rset|noop|quit)(?= |$)/i;

const commands: Codec<Command> = {
  decode(bytes, start, end) {
    const text = bytes.toString('latin1', start, end);
    // A lone LF does not end a line (§2.3.8): servers that disagree on that allow mail smuggling.
    if (!text.endsWith('\r\n')) throw new MessageError('ERR_MESSAGE_VALUE', 'a line ends with CR LF');
    const content = text.slice(0, -2);
    return { type: (VERBS.exec(content)?.[1]?.toLowerCase() ?? 'text') as Verb, line: content };
  },
  encode: (command) => Buffer.from(`${command.line}\r\n`, 'latin1'),
};
const replies: Codec<Reply> = {
  decode(bytes, start, end) {
    const [, code, dash, text] = /^(\d{3})([ -])(.*)\r\n$/.exec(bytes.toString('latin1', start, end)) ?? [];
    if (text === undefined) throw new MessageError('ERR_MESSAGE_VALUE', 'a reply is a code and a text');
    return { type: dash === '-' ? 'more' : 'reply', code: Number(code), text };
  },
  encode: ({ type, code, text }) => Buffer.from(`${code}${type === 'more' ? '-' : ' '}${text}\r\n`, 'latin1'),
};

const reply = (code: number, text: string): Reply => ({ type: 'reply', code, text });

/** Commands allowed at any time, which do not change a mail in progress. */
const always = {
  noop: () => ({ send: reply(250, 'OK') }),
  quit: () => ({ send: reply(221, 'Bye'), next: 'closing' as const }),
};
const reset = () => ({ send: reply(250, 'OK'), next: 'ready' as const });
const misplaced = ({ type }: Command) => ({
  send: type === 'text' ? reply(500, 'Unknown command') : reply(503, 'Bad sequence of commands'),
});
/** §4.5.3.2: a server waits at least five minutes for the next command. */
const deadline = { idle: 300_000 };

const session = defineSession({
  receives: commands,
  sends: replies,
  initial: 'connected',
  context: () => ({ from: '', to: [] as string[], lines: [] as string[] }),
  states: {
    connected: {
      onEnter: () => reply(220, 'wirepipe example'),
      on: {
        ...always,
        helo: () => ({ send: reply(250, 'Hello'), next: 'ready' }),
        ehlo: () => ({
          send: [{ type: 'more', code: 250, text: 'Hello' }, reply(250, 'PIPELINING')],
          next: 'ready',
        }),
      },
      otherwise: misplaced,
      next: ['ready', 'closing'],
      deadline,
    },
    ready: {
      on: {
        ...always,
        rset: reset,
        mail: ({ line }, mail) => {
          Object.assign(mail, { from: address(line), to: [], lines: [] });
          return { send: reply(250, 'OK'), next: 'addressing' };
        },
      },
      otherwise: misplaced,
      next: ['addressing', 'closing'],
      deadline,
    },
    addressing: {
      on: {
        ...always,
        rset: reset,
        rcpt: ({ line }, mail) => {
          mail.to.push(address(line));
          return { send: reply(250, 'OK') };
        },
        data: (_, mail) =>
          mail.to.length === 0
            ? { send: reply(554, 'No valid recipients') }
            : { send: reply(354, 'End with a line that is a dot'), next: 'writing' },
      },
      otherwise: misplaced,
      next: ['ready', 'writing', 'closing'],
      deadline,
    },
    writing: {
      otherwise: ({ line }, mail) => {
        // §4.5.2: a dot alone ends the text; the client has doubled a dot at the beginning of a line.
        if (line !== '.') return void mail.lines.push(line.startsWith('.') ? line.slice(1) : line);
        console.log(`mail from ${mail.from} to ${mail.to}\n  ${mail.lines.join('\n  ')}`);
        return { send: reply(250, 'Taken'), next: 'ready' };
      },
      next: ['ready'],
      deadline: { idle: 180_000 },
    },
    closing: { final: true },
  },
  farewell: (fault) =>
    fault.name === 'TimeoutError' ? reply(421, 'Too slow, closing') : reply(500, 'Line refused, closing'),
});

function address(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? '';
}

// §4.5.3.1.6: a line of text is at most 1,000 bytes, its CR LF among them.
const framing = line({ stripDelimiter: false, maxFrameLength: 998 });
const server = createServer(
  defineProtocol({ name: 'smtp', framing, clientMessages: commands, serverMessages: replies, session }),
);
server.on('connectionEnd', (_, error) =>
  console.log(error === undefined ? 'gone' : `gone: ${error.message}`),
);
await server.listen({ port: Number(process.argv[2] ?? 0), host: '127.0.0.1' });
console.log('listening on port', (server.address() as AddressInfo).port);
