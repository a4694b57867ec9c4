/** The drone's protocol in bytes: messages, broken messages, and whole connections. */
import type { ClientMessage } from '../../src/drone/index.ts';

/** Messages of a client, and their payloads in hex. */
export const MESSAGES: readonly (readonly [ClientMessage, string])[] = [
  [{ type: 'quit' }, '00'],
  [{ type: 'move', x: 10, y: -20 }, '01 0a000000 ecffffff'],
  [{ type: 'write', text: 'HELLO' }, '02 05 48454c4c4f'],
  [{ type: 'write', text: '' }, '02 00'],
  [{ type: 'write', text: '\ufeffé' }, '02 05 efbbbf c3a9'],
  [{ type: 'changeColor', r: 255, g: 128, b: 0 }, '03 ff 80 00'],
];

/** Payloads that no client may send, in hex: the error, and where it is. */
export const BROKEN: readonly (readonly [
  payload: string,
  code: string,
  messageType: string | undefined,
  path: string | undefined,
  offset: number,
])[] = [
  ['', 'ERR_MESSAGE_EMPTY', undefined, undefined, 0],
  ['04', 'ERR_MESSAGE_UNKNOWN', undefined, undefined, 0],
  ['01 0a000000 ecffff', 'ERR_MESSAGE_SHORT', 'move', 'y', 5],
  ['02', 'ERR_MESSAGE_SHORT', 'write', 'text', 1],
  ['02 05 48454c4c', 'ERR_MESSAGE_SHORT', 'write', 'text', 2],
  ['02 03 48ff4c', 'ERR_MESSAGE_UTF8', 'write', 'text', 3],
];

export const HELLO = [7, 0, 0, 0, 0x02, 5, 0x48, 0x45, 0x4c, 0x4c, 0x4f]; // length 7 · write · 5 bytes · HELLO
export const MOVE = [9, 0, 0, 0, 0x01, 10, 0, 0, 0, 0xec, 0xff, 0xff, 0xff]; // length 9 · move · x 10 · y -20
const COLOR = [4, 0, 0, 0, 0x03, 255, 128, 0]; // length 4 · changeColor · r g b
const QUIT = [1, 0, 0, 0, 0x00]; // length 1 · quit
const WRONG_TOKEN = [5, 0, 0, 0, 0x02, 3, 0x66, 0x6f, 0x6f]; // length 5 · write · 3 bytes · foo

export const AUTHENTICATED = ['ok AUTH_OK'];

/** What a client sends, then it ends its side; and what the drone makes of that. */
export interface Vector {
  bytes: number[];
  /** What the drone answers, in order. */
  answers: string[];
  /** Code of the error in the pipeline callback, if any. */
  error?: string;
  details?: object;
  /** When the input ends inside something, a neighbour behind it makes another vector of it. */
  open?: boolean;
}

export const VECTORS: Record<string, Vector> = {
  'a whole flight': {
    bytes: [...HELLO, ...MOVE, ...COLOR, ...QUIT],
    answers: ['ok AUTH_OK', 'ok MOVING_TO(10, -20)', 'ok COLOR_SET(255, 128, 0)', 'ok BYE'],
  },
  'commands without a quit, then the end': {
    bytes: [...HELLO, ...MOVE, ...MOVE],
    answers: ['ok AUTH_OK', 'ok MOVING_TO(10, -20)', 'ok MOVING_TO(10, -20)'],
  },
  'bytes behind a complete message inside its frame are ignored': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x00, 0xaa, 0xbb],
    answers: ['ok AUTH_OK', 'ok BYE'],
  },
  'nothing at all': { bytes: [], answers: [] },
  'a length above the maximum': {
    bytes: [...HELLO, 0x81, 0x96, 0x98, 0x00], // 10,000,001
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TOO_LONG',
    details: { limit: 10_000_000, actual: 10_000_001, offset: 11, origin: 'peer' },
  },
  'the largest length': {
    bytes: [...HELLO, 0xff, 0xff, 0xff, 0xff],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TOO_LONG',
    details: { actual: 0xffffffff },
  },
  'the end inside a header': {
    bytes: [...HELLO, 9, 0, 0],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TRUNCATED',
    open: true,
  },
  'the end exactly after a header': {
    bytes: [...HELLO, 9, 0, 0, 0],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TRUNCATED',
    open: true,
  },
  'the end inside a body': {
    bytes: [...HELLO, ...MOVE.slice(0, -1)],
    answers: AUTHENTICATED,
    error: 'ERR_FRAME_TRUNCATED',
    open: true,
  },
  'an empty payload': { bytes: [...HELLO, 0, 0, 0, 0], answers: AUTHENTICATED, error: 'ERR_MESSAGE_EMPTY' },
  'an unknown discriminant': {
    bytes: [...HELLO, 1, 0, 0, 0, 0x7f],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UNKNOWN',
  },
  'a move without coordinates': {
    bytes: [...HELLO, 1, 0, 0, 0, 0x01],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'move', path: 'x' },
  },
  'a move cut in y': {
    bytes: [...HELLO, 8, 0, 0, 0, 0x01, 1, 0, 0, 0, 2, 0, 0],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'move', path: 'y', offset: 5, streamOffset: 20 },
  },
  'a colour without blue': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x03, 1, 2],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'changeColor', path: 'b' },
  },
  'a write without its length': {
    bytes: [...HELLO, 1, 0, 0, 0, 0x02],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'write', path: 'text' },
  },
  'text shorter than its length': {
    bytes: [...HELLO, 4, 0, 0, 0, 0x02, 3, 0x61, 0x62],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_SHORT',
    details: { messageType: 'write', path: 'text' },
  },
  'text in overlong UTF-8': {
    bytes: [...HELLO, 4, 0, 0, 0, 0x02, 2, 0xc0, 0xaf],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
    details: { messageType: 'write', path: 'text' },
  },
  'text with a lone surrogate': {
    bytes: [...HELLO, 5, 0, 0, 0, 0x02, 3, 0xed, 0xa0, 0x80],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
  },
  'text with a lone continuation byte': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x02, 1, 0x80],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
  },
  'text cut inside a character': {
    bytes: [...HELLO, 3, 0, 0, 0, 0x02, 1, 0xc3],
    answers: AUTHENTICATED,
    error: 'ERR_MESSAGE_UTF8',
  },
  'a move before the handshake': {
    bytes: [...MOVE, ...HELLO, ...QUIT],
    answers: ['error EXPECTED_HANDSHAKE', 'ok AUTH_OK', 'ok BYE'],
  },
  'a wrong token': { bytes: [...WRONG_TOKEN, ...HELLO], answers: ['error AUTH_FAILED'] },
  'a write when authenticated': {
    bytes: [...HELLO, ...WRONG_TOKEN, ...MOVE],
    answers: ['ok AUTH_OK', 'error WRONG_STATE', 'ok MOVING_TO(10, -20)'],
  },
  'messages after quit': { bytes: [...HELLO, ...QUIT, ...MOVE, ...MOVE], answers: ['ok AUTH_OK', 'ok BYE'] },
  'rubbish after quit': {
    bytes: [...HELLO, ...QUIT, 0xff, 0xff, 0xff, 0xff, 1],
    answers: ['ok AUTH_OK', 'ok BYE'],
  },
};
