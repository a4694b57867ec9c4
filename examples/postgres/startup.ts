import * as w from 'wirepipe';
import { text, value } from './values.ts';

/** The first messages of a client, before messages with a type (§55.7). framing.ts has removed the length. */
export const startupMessages = w.messages(w.u32be, {
  startup: w.message(0x00_03_00_00, {
    parameters: w.array(w.struct({ name: text, value: text }), w.until(w.constant(w.u8, 0)), { max: 1_000 }),
  }),
  // 1234 in the upper half; 5678, 5679 or 5680 in the lower.
  cancelRequest: w.message(80_877_102, { process: w.i32be, secret: w.i32be }),
  sslRequest: w.message(80_877_103),
  gssEncRequest: w.message(80_877_104),
});

/** The answer to a request for encryption is a single byte. */
export const encryptionAnswers = w.messages(w.u8, {
  encrypted: w.message([0x53, 0x47]),
  plain: w.message(0x4e),
});

/** What `password` holds when it answers `sasl`. */
export const saslInitialResponse = w.codecOf(w.struct({ mechanism: text, data: value }));
