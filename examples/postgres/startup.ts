import { array, codecOf, constant, i32be, message, messages, struct, u8, u32be, until } from 'wirepipe';
import { text, value } from './values.ts';

/** What a client says first, before any message (§55.7). */
export const startupMessages = messages(u32be, {
  startup: message(0x00_03_00_00, {
    parameters: array(struct({ name: text, value: text }), until(constant(u8, 0)), { max: 1_000 }),
  }),
  // 1234 and 5678, 5679, 5680 in the two halves.
  cancelRequest: message(80_877_102, { process: i32be, secret: i32be }),
  sslRequest: message(80_877_103),
  gssEncRequest: message(80_877_104),
});

/** What `password` holds when it answers `sasl`. */
export const saslInitialResponse = codecOf(struct({ mechanism: text, data: value }));
