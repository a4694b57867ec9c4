import * as w from 'wirepipe';
import { format, formats, length, text, textValue, value } from './values.ts';

const target = { kind: w.enumeration(w.u8, { statement: 0x53, portal: 0x50 }), name: text };
const data = { data: w.bytes(w.rest, { max: 1_073_741_819 }) };

const bind = <const V extends typeof value | typeof textValue>(one: V) =>
  w.message(0x42, {
    ...length,
    portal: text,
    statement: text,
    formats,
    values: w.array(one, w.u16be),
    resultFormats: formats,
  });

/** A Bind whose parameters are all text, which need not be converted to bytes first. */
export const bindOfText = w.messages(w.u8, { bind: bind(textValue) });

/** The client's messages after startup (PostgreSQL 15, §55.7), in alphabetical order. */
export const clientMessages = w.messages(w.u8, {
  bind: bind(value),
  close: w.message(0x43, { ...length, ...target }),
  copyData: w.message(0x64, { ...length, ...data }),
  copyDone: w.message(0x63, length),
  copyFail: w.message(0x66, { ...length, reason: text }),
  describe: w.message(0x44, { ...length, ...target }),
  execute: w.message(0x45, { ...length, portal: text, maxRows: w.u32be }),
  flush: w.message(0x48, length),
  functionCall: w.message(0x46, {
    ...length,
    function: w.u32be,
    formats,
    arguments: w.array(value, w.u16be),
    resultFormat: format,
  }),
  parse: w.message(0x50, { ...length, name: text, sql: text, types: w.array(w.u32be, w.u16be) }),
  // A password, or SASL or GSS data: the current authentication tells which.
  password: w.message(0x70, { ...length, ...data }),
  query: w.message(0x51, { ...length, sql: text }),
  sync: w.message(0x53, length),
  terminate: w.message(0x58, length),
});
