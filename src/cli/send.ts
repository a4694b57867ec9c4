import { safeText, showThrown } from '../bytes/show.ts';
import { drone } from '../drone/protocol.ts';
import { connect } from '../net/client.ts';
import { parsePlace, UsageError } from './arguments.ts';
import { parseCommand } from './commands.ts';

/** `send`: give a running drone commands, one after the other, and print its answers. */
export async function send(args: string[]): Promise<number> {
  const { place, rest } = parsePlace(args);
  if (place === undefined) throw new UsageError('send wants --port N or --socket PATH');
  if ('port' in place && place.port === 0)
    throw new UsageError('--port wants a number from 1 to 65535 to send to');
  if (rest.length === 0) throw new UsageError("send wants a command, such as 'write HELLO'");
  const commands = rest.map(parseCommand);
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
  return 0;
}
