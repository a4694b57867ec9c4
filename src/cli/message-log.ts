import { inspect } from 'node:util';
import { safeText } from '../bytes/show.ts';
import { colour, paint } from './terminal.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a colour begins with
const COLOUR = /(\u001b\[\d+m)/;

/**
 * A message on one line. `inspect` escapes the control characters of texts, so the remaining ones are its own colours.
 */
function inspected(message: object): string {
  const text = inspect(message, { breakLength: Number.POSITIVE_INFINITY, colors: colour });
  const parts = text.split(COLOUR);
  return parts.map((part, index) => (index % 2 === 1 ? part : safeText(part))).join('');
}

/** One line per message: time, direction, state, the frame in hex, the message. */
export class MessageLog {
  readonly #start = performance.now();

  /** @param direction - `'→'` to the drone, `'←'` from the drone */
  line(direction: '→' | '←', state: string, frame: Uint8Array, message: object): void {
    const time = `${(performance.now() - this.#start).toFixed(1).padStart(7)} ms`;
    const hex = Buffer.from(frame)
      .toString('hex')
      .replace(/(..)(?=.)/g, '$1 ');
    const text = inspected(message);
    console.log(
      `${paint('dim', time)}  ${paint(direction === '→' ? 'cyan' : 'green', direction)} ${state.padEnd(13)}  ${hex}  ${text}`,
    );
  }
}
