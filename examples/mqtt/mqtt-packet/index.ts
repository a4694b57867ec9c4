/**
 * The interface of mqtt-packet 9 (which MQTT.js and aedes use) over the declarations: `parser`, `generate`, `writeToStream`.
 * Its own suite passes on it unmodified: test/stand-ins/mqtt-packet.test.ts.
 */
import { generate } from './generate.ts';
import type { Settings } from './packet.ts';
import { Parser } from './parser.ts';
import { writeToStream } from './write-to-stream.ts';

export { generate, writeToStream };

export function parser(settings?: Settings): Parser {
  return new Parser(settings);
}

/** For importers that take the module's default, as MQTT.js does. */
export default { parser, generate, writeToStream };
