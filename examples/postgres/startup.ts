import * as w from 'wirepipe';
import { text, value } from './values.ts';

/** What a client may say first, before any message (§55.7): framing.ts has taken its length. */
export const startupMessages = w.messages(w.u32be, {
  startup: w.message(0x00_03_00_00, {
    parameters: w.array(w.struct({ name: text, value: text }), w.until(w.constant(w.u8, 0)), { max: 1_000 }),
  }),
  // 1234 and 5678, 5679, 5680 in the two halves.
  cancelRequest: w.message(80_877_102, { process: w.i32be, secret: w.i32be }),
  sslRequest: w.message(80_877_103),
  gssEncRequest: w.message(80_877_104),
});

/** A bare byte answers a request for encryption. */
export const encryptionAnswers = w.messages(w.u8, {
  encrypted: w.message([0x53, 0x47]),
  plain: w.message(0x4e),
});

/** What `password` holds when it answers `sasl`. */
export const saslInitialResponse = w.codecOf(w.struct({ mechanism: text, data: value }));
