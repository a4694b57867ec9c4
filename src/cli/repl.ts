import { createInterface } from 'node:readline';
import { showThrown } from '../bytes/show.ts';
import { connect } from '../net/connect.ts';
import { complete } from './complete.ts';
import { declaredFields } from './declared-fields.ts';
import { loadProtocol } from './load-protocol.ts';
import { formOf, type Typed } from './message-text.ts';
import { destinationOf, type PlaceOptions } from './place.ts';
import { printer, readMessage, withSending } from './send.ts';
import { paint } from './terminal.ts';
import { examples, type Verb } from './verb.ts';

/** `repl`: send a server messages typed one per line, and print its messages as they come. */
export const repl: Verb = (program) => {
  withSending(
    program
      .command('repl')
      .description('type messages to a server, one per line, with completion of message and field names'),
  )
    .addHelpText(
      'after',
      `
lines:
  move 10 20       a message, in the form of wirepipe send; Tab completes names
  .help            the messages and their fields
  .state           the states that the server may be in, judging by its answers
  Ctrl-D           end this side, and print what the server still sends
${examples('wirepipe repl --port 4000', "printf 'write HELLO\\nquit\\n' | wirepipe repl --port 4000 --json")}`,
    )
    .action(run);
};

interface ReplOptions extends PlaceOptions {
  protocol: string;
  json?: boolean;
}

async function run(options: ReplOptions): Promise<void> {
  const place = destinationOf(options);
  const protocol = await loadProtocol(options.protocol);
  const typed = declaredFields(protocol.clientMessages);
  const print = printer(options);
  const client = await connect(protocol, place);
  const mirror = protocol.session?.mirror();

  const onTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: onTerminal,
    completer: (line: string) => complete(line, typed),
    prompt: onTerminal ? '> ' : '',
  });
  const say = (text: string): void => {
    // The current line shows the prompt and the typed text: erase it, then show it again.
    if (onTerminal) process.stdout.write('\r\u001b[K');
    console.log(text);
    if (onTerminal) lines.prompt(true);
  };
  let problem: unknown;
  lines.on('line', (line) => {
    if (problem !== undefined) return;
    try {
      if (line.trim() === '.help') say(helpOf(typed));
      else if (line.trim() === '.state') say(mirror?.states.join(' or ') ?? 'the protocol has no session');
      else if (line.trim() !== '') {
        const message = readMessage(line, protocol);
        client.send(message);
        attempt(() => mirror?.send(message));
      }
    } catch (error) {
      if (onTerminal) say(paint('red', showThrown(error)));
      // A script ends at its first wrong line.
      else {
        problem = error;
        lines.close();
      }
    }
    if (onTerminal) lines.prompt();
  });
  lines.once('close', () => client.end());
  if (onTerminal) lines.prompt();
  try {
    for await (const message of client) {
      attempt(() => mirror?.receive(message));
      say(onTerminal ? `${paint('green', '←')} ${print(message)}` : print(message));
    }
    await client.closed;
  } finally {
    lines.close();
    process.stdin.destroy();
  }
  if (problem !== undefined) throw problem;
}

/**
 * The mirror throws for a message that the session does not allow. A user may send one anyway: the mirror only shows
 * the state.
 */
function attempt(follow: () => void): void {
  try {
    follow();
  } catch {
    // `.state` shows the last state that the mirror could follow.
  }
}

function helpOf(typed: Typed): string {
  if (typed === undefined) return 'the codec declares no fields: type messages as JSON';
  return [...typed].map(([type, fields]) => formOf(type, fields)).join('\n');
}
