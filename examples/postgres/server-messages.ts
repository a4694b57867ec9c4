import {
  array,
  bytes,
  enumeration,
  i16be,
  i32be,
  message,
  messages,
  optional,
  rest,
  struct,
  u8,
  u16be,
  u32be,
  union,
} from 'wirepipe';
import { format, length, names, notice, text, textValue, value } from './values.ts';

const data = { data: bytes(rest, { max: 1_073_741_819 }) };
const copyFormat = { format: enumeration(u8, { text: 0, binary: 1 }), columns: array(u16be, u16be) };

const table = {
  authentication: message(0x52, {
    ...length,
    request: union(u32be, {
      ok: message(0),
      kerberosV5: message(2),
      cleartext: message(3),
      md5: message(5, { salt: bytes(4) }),
      gss: message(7),
      gssContinue: message(8, data),
      sspi: message(9),
      sasl: message(10, { mechanisms: names }),
      saslContinue: message(11, data),
      saslFinal: message(12, data),
    }),
  }),
  backendKeyData: message(0x4b, { ...length, process: i32be, secret: i32be }),
  bindComplete: message(0x32, length),
  closeComplete: message(0x33, length),
  commandComplete: message(0x43, { ...length, tag: text }),
  copyBothResponse: message(0x57, { ...length, copy: optional(struct(copyFormat), rest) }),
  copyData: message(0x64, { ...length, ...data }),
  copyDone: message(0x63, length),
  copyInResponse: message(0x47, { ...length, ...copyFormat }),
  copyOutResponse: message(0x48, { ...length, ...copyFormat }),
  dataRow: message(0x44, { ...length, values: array(textValue, u16be) }),
  emptyQueryResponse: message(0x49, length),
  error: message(0x45, { ...length, fields: notice }),
  functionCallResponse: message(0x56, { ...length, value }),
  negotiateProtocolVersion: message(0x76, { ...length, minor: u32be, unknown: array(text, u32be) }),
  noData: message(0x6e, length),
  notice: message(0x4e, { ...length, fields: notice }),
  notification: message(0x41, { ...length, process: i32be, channel: text, payload: text }),
  parameterDescription: message(0x74, { ...length, types: array(u32be, u16be) }),
  parameterStatus: message(0x53, { ...length, name: text, value: text }),
  parseComplete: message(0x31, length),
  portalSuspended: message(0x73, length),
  readyForQuery: message(0x5a, {
    ...length,
    status: enumeration(u8, { idle: 0x49, transaction: 0x54, failed: 0x45 }),
  }),
  rowDescription: message(0x54, {
    ...length,
    columns: array(
      struct({
        name: text,
        table: u32be,
        attribute: i16be,
        type: u32be,
        size: i16be,
        modifier: i32be,
        format,
      }),
      u16be,
    ),
  }),
};

/** What a server sends (PostgreSQL 15, §55.7), in the order of the alphabet. */
export const serverMessages = messages(u8, table);

/** The same with rows of bytes: for columns in binary, and for databases that hold no UTF-8. */
export const serverMessagesOfBytes = messages(u8, {
  ...table,
  dataRow: message(0x44, { ...length, values: array(value, u16be) }),
});
