import { i32le, message, u8, utf8 } from '../protocol/fields/kinds.ts';
import { type DeclaredCodec, messages } from '../protocol/fields/messages.ts';

/** The messages of the client. */
export type ClientMessage =
  | { type: 'quit' }
  | { type: 'move'; x: number; y: number }
  | { type: 'write'; text: string }
  | { type: 'changeColor'; r: number; g: number; b: number };

/** The messages of the drone. */
export type ServerMessage = { type: 'ok'; text: string } | { type: 'error'; text: string };

/**
 * The codec of the client's messages. Bytes after a complete message are ignored.
 *
 *     quit         00
 *     move         01 · x i32le · y i32le
 *     write        02 · length u8 · text
 *     changeColor  03 · r u8 · g u8 · b u8
 */
export const clientMessages: DeclaredCodec<ClientMessage> = messages(
  u8,
  {
    quit: message(0),
    move: message(1, { x: i32le, y: i32le }),
    write: message(2, { text: utf8(u8) }),
    changeColor: message(3, { r: u8, g: u8, b: u8 }),
  },
  { trailing: 'ignore' },
);

/**
 * The codec of the drone's messages. Bytes after a complete message are ignored.
 *
 *     ok     80 · length u8 · text
 *     error  81 · length u8 · text
 */
export const serverMessages: DeclaredCodec<ServerMessage> = messages(
  u8,
  { ok: message(0x80, { text: utf8(u8) }), error: message(0x81, { text: utf8(u8) }) },
  { trailing: 'ignore' },
);
