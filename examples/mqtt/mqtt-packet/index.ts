/**
 * The interface of mqtt-packet 9 (which MQTT.js and aedes use) over the declarations: `parser`, `generate`, `writeToStream`.
 * Its own suite passes on it unmodified: test/stand-ins/mqtt-packet.test.ts.
 */
import type { Settings } from './packet.ts';
import { Parser } from './parser.ts';

export { generate } from './generate.ts';
export { writeToStream } from './write-to-stream.ts';

export function parser(settings?: Settings): Parser {
  return new Parser(settings);
}
