import * as w from 'wirepipe';
import { format, length, names, notice, text, textValue, value } from './values.ts';

const data = { data: w.bytes(w.rest, { max: 1_073_741_819 }) };
const copyFormat = {
  format: w.enumeration(w.u8, { text: 0, binary: 1 }),
  columns: w.array(w.u16be, w.u16be),
};

const table = {
  authentication: w.message(0x52, {
    ...length,
    request: w.union(w.u32be, {
      ok: w.message(0),
      kerberosV5: w.message(2),
      cleartext: w.message(3),
      md5: w.message(5, { salt: w.bytes(4) }),
      gss: w.message(7),
      gssContinue: w.message(8, data),
      sspi: w.message(9),
      sasl: w.message(10, { mechanisms: names }),
      saslContinue: w.message(11, data),
      saslFinal: w.message(12, data),
    }),
  }),
  backendKeyData: w.message(0x4b, { ...length, process: w.i32be, secret: w.i32be }),
  bindComplete: w.message(0x32, length),
  closeComplete: w.message(0x33, length),
  commandComplete: w.message(0x43, { ...length, tag: text }),
  copyBothResponse: w.message(0x57, { ...length, copy: w.optional(w.struct(copyFormat), w.rest) }),
  copyData: w.message(0x64, { ...length, ...data }),
  copyDone: w.message(0x63, length),
  copyInResponse: w.message(0x47, { ...length, ...copyFormat }),
  copyOutResponse: w.message(0x48, { ...length, ...copyFormat }),
  dataRow: w.message(0x44, { ...length, values: w.array(textValue, w.u16be) }),
  emptyQueryResponse: w.message(0x49, length),
  error: w.message(0x45, { ...length, fields: notice }),
  functionCallResponse: w.message(0x56, { ...length, value }),
  negotiateProtocolVersion: w.message(0x76, { ...length, minor: w.u32be, unknown: w.array(text, w.u32be) }),
  noData: w.message(0x6e, length),
  notice: w.message(0x4e, { ...length, fields: notice }),
  notification: w.message(0x41, { ...length, process: w.i32be, channel: text, payload: text }),
  parameterDescription: w.message(0x74, { ...length, types: w.array(w.u32be, w.u16be) }),
  parameterStatus: w.message(0x53, { ...length, name: text, value: text }),
  parseComplete: w.message(0x31, length),
  portalSuspended: w.message(0x73, length),
  readyForQuery: w.message(0x5a, {
    ...length,
    status: w.enumeration(w.u8, { idle: 0x49, transaction: 0x54, failed: 0x45 }),
  }),
  rowDescription: w.message(0x54, {
    ...length,
    columns: w.array(
      w.struct({
        name: text,
        table: w.u32be,
        attribute: w.i16be,
        type: w.u32be,
        size: w.i16be,
        modifier: w.i32be,
        format,
      }),
      w.u16be,
    ),
  }),
};

/** The server's messages (PostgreSQL 15, §55.7), in alphabetical order. */
export const serverMessages = w.messages(w.u8, table);

/** The same with rows of bytes: for binary columns, and for databases in another encoding than UTF-8. */
export const serverMessagesOfBytes = w.messages(w.u8, {
  ...table,
  dataRow: w.message(0x44, { ...length, values: w.array(value, w.u16be) }),
});
