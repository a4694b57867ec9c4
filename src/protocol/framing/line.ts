import { checkOptions } from '../../options.ts';
import { delimited, LINE_OPTIONS, type LineOptions } from './delimiter.ts';
import type { Framing } from './framing.ts';

/**
 * Lines: frames that end with LF, or with CR LF.
 *
 * The writer ends a line with LF. It refuses a payload that ends with CR, since the reader would strip it.
 *
 * @throws TypeError or RangeError for invalid options.
 *
 * @example
 * for await (const text of socket.pipe(new FrameDecoder(line()))) console.log(String(text));
 */
export function line(options: LineOptions = {}): Framing {
  checkOptions('line', options, LINE_OPTIONS);
  return delimited('line', [Buffer.from('\n'), Buffer.from('\r\n')], options);
}
