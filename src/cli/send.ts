import type { Command } from 'commander';
import { showThrown } from '../bytes/show.ts';
import { connect } from '../net/connect.ts';
import { plain } from '../protocol/recording/plain.ts';
import { declaredFields } from './declared-fields.ts';
import { type LoadedProtocol, loadProtocol, protocolOption } from './load-protocol.ts';
import { parseMessage, showMessage } from './message-text.ts';
import { destinationOf, type PlaceOptions, withPlace } from './place.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';
import { whole } from './whole-number.ts';

interface SendOptions extends PlaceOptions {
  protocol: string;
  json?: boolean;
  replies: number;
  timeout: number;
}

/** `send`: send messages to a server, one after the other, and print its answers. */
export const send: Verb = (program) => {
  withSending(program.command('send').description('send messages to a server, and print its answers'))
    .argument(
      '<message...>',
      "messages, each quoted: 'write HELLO' 'move 10 20' 'move x=10 y=20' '{\"type\":\"quit\"}'",
    )
    .addOption(whole('--replies <number>', 'how many answers to wait for after each message').default(1))
    .addOption(whole('--timeout <ms>', 'the longest wait for an answer, in milliseconds').default(10_000))
    .addHelpText(
      'after',
      examples(
        "wirepipe send --port 4000 'write HELLO' 'move 10 20' quit",
        "wirepipe send --protocol ./chat.ts --socket /tmp/chat.sock --json 'say text=Hi'",
      ),
    )
    .action(run);
};

/** Add the options of a verb that exchanges messages with a server. */
export function withSending(command: Command): Command {
  return withPlace(command.addOption(protocolOption())).option(
    '--json',
    'print each message as a line of JSON',
  );
}

/** Returns the function that formats a message for printing. */
export function printer({ json = false }: { json?: boolean }): (message: object) => string {
  return json ? (message) => JSON.stringify(plain(message)) : showMessage;
}

/** Parse a message, and check that it can be encoded. */
export function readMessage(text: string, { clientMessages }: LoadedProtocol): object {
  const message = parseMessage(text, declaredFields(clientMessages));
  try {
    clientMessages.encode(message);
  } catch (error) {
    throw new UsageError(showThrown(error));
  }
  return message;
}

async function run(texts: string[], options: SendOptions): Promise<void> {
  const place = destinationOf(options);
  const protocol = await loadProtocol(options.protocol);
  // Refuse invalid messages before anything is sent.
  const messages = texts.map((text) => readMessage(text, protocol));
  const print = printer(options);

  const client = await connect(protocol, place);
  const answers = client[Symbol.asyncIterator]();
  for (const message of messages) {
    const { type } = message as { type?: string };
    client.send(message);
    for (let left = options.replies; left > 0; left--) {
      const { value: answer } = await within(options.timeout, answers.next(), () => {
        client.destroy();
        return new Error(`no answer to '${type}' within ${options.timeout} ms`);
      });
      if (answer === undefined)
        throw new Error(`the ${protocol.name} ended the connection without an answer to '${type}'`);
      console.log(print(answer));
    }
  }
  client.end();
  // Read and drop further answers: unread, they would keep the connection open.
  client.messages.resume();
  await client.closed;
}

async function within<T>(ms: number, result: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([result, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
