import { safeText, showThrown } from '../bytes/show.ts';
import { drone } from '../drone/protocol.ts';
import { connect } from '../net/client.ts';
import { parseCommand } from './commands.ts';
import { destinationOf, type PlaceOptions, withPlace } from './place.ts';
import { UsageError } from './usage-error.ts';
import { examples, type Verb } from './verb.ts';

/** `send`: give a running drone commands, one after the other, and print its answers. */
export const send: Verb = (program) => {
  withPlace(program.command('send').description('give a running drone commands, and print its answers'))
    .argument('<command...>', "each quoted: 'write HELLO' 'move 10 20' 'changeColor 1 2 3' quit")
    .addHelpText('after', examples("wirepipe send --port 4000 'write HELLO' 'move 10 20' quit"))
    .action(run);
};

async function run(texts: string[], options: PlaceOptions): Promise<void> {
  const place = destinationOf(options);
  const commands = texts.map(parseCommand);
  // Refuse what does not fit before anything is sent.
  try {
    for (const command of commands) drone.clientMessages.encode(command);
  } catch (error) {
    throw new UsageError(showThrown(error));
  }

  const client = await connect(drone, place);
  const answers = client[Symbol.asyncIterator]();
  for (const command of commands) {
    client.send(command);
    const { value: answer } = await answers.next();
    if (answer === undefined)
      throw new Error(`the drone ended the connection without an answer to '${command.type}'`);
    console.log(safeText(`${answer.type} ${answer.text}`));
  }
  client.end();
  await client.closed;
}
