import { array, bytes, enumeration, message, messages, rest, u8, u16be, u32be } from 'wirepipe';
import { format, formats, length, text, textValue, value } from './values.ts';

const target = { kind: enumeration(u8, { statement: 0x53, portal: 0x50 }), name: text };
const data = { data: bytes(rest, { max: 1_073_741_819 }) };

const bind = <const V extends typeof value | typeof textValue>(one: V) =>
  message(0x42, {
    ...length,
    portal: text,
    statement: text,
    formats,
    values: array(one, u16be),
    resultFormats: formats,
  });

/** A Bind whose parameters are all text: they need not be made bytes first. */
export const bindOfText = messages(u8, { bind: bind(textValue) });

/** What a client sends once it has started up (PostgreSQL 15, §55.7), in the order of the alphabet. */
export const clientMessages = messages(u8, {
  bind: bind(value),
  close: message(0x43, { ...length, ...target }),
  copyData: message(0x64, { ...length, ...data }),
  copyDone: message(0x63, length),
  copyFail: message(0x66, { ...length, reason: text }),
  describe: message(0x44, { ...length, ...target }),
  execute: message(0x45, { ...length, portal: text, maxRows: u32be }),
  flush: message(0x48, length),
  functionCall: message(0x46, {
    ...length,
    function: u32be,
    formats,
    arguments: array(value, u16be),
    resultFormat: format,
  }),
  parse: message(0x50, { ...length, name: text, sql: text, types: array(u32be, u16be) }),
  // A password, or what SASL and GSS say: the authentication under way tells.
  password: message(0x70, { ...length, ...data }),
  query: message(0x51, { ...length, sql: text }),
  sync: message(0x53, length),
  terminate: message(0x58, length),
});
