import { framed } from '../../protocol/framing/framed.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import { type Block, code, heading, hexOf, join, paragraph, say, type Text } from './block.ts';
import type { AnyDeclared } from './sample.ts';

/** An example of a message that the page shows. */
export interface Made {
  readonly side: 'client' | 'server' | 'both';
  readonly codec: AnyDeclared;
  readonly framing: Framing;
  /** Undefined if the codec has a single message without a name. */
  readonly type: string | undefined;
  readonly payload: Buffer;
  readonly frame: Buffer;
}

/** The longest stream that fits in a row of the table, in bytes. */
const LONGEST = 40;

/**
 * Streams at the edges (an empty text, a message cut short, two frames in a row), and what a reader takes from them. The protocol
 * itself reads each one, so the page cannot be wrong about it.
 */
export function trialBlocks(all: readonly Made[]): Block[] {
  const [first] = all;
  if (first === undefined) return [];
  const made = all
    .filter(({ codec }) => codec === first.codec)
    .sort((one, other) => one.frame.length - other.frame.length);
  const rows: Text[][] = [];
  for (const [about, stream] of streams(made)) {
    if (stream.length <= LONGEST) rows.push([[code(hexOf(stream))], [about], outcome(first, stream)]);
  }
  if (rows.length === 0) return [];
  const sender = first.side === 'both' ? 'one side' : `the ${first.side}`;
  return [
    heading(2, ['More examples']),
    paragraph([`Streams that ${sender} sends, and what a reader takes from them.`]),
    { is: 'table', head: ['bytes', 'what they are', 'what a reader takes'], rows },
  ];
}

function* streams(made: readonly Made[]): Generator<readonly [about: string, stream: Buffer]> {
  const [first, second = first] = made;
  const { codec, framing } = first!;
  const refusal = (payload: Buffer): string | undefined => {
    try {
      codec.decode(payload);
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  const payloads: [about: string, payload: Buffer][] = [];
  for (const [about, text] of [
    ['an empty text', ''],
    ['a text of characters of 2, 3 and 4 bytes', 'é€😀'],
    ['a text that is not well-formed: an overlong form', 'AA'],
  ] as const) {
    const payload = withText(made, text);
    if (payload === undefined) continue;
    if (text !== 'AA') payloads.push([about, payload]);
    else {
      // C0 80 is U+0000, encoded with one byte too many.
      const at = payload.indexOf('AA');
      payload[at] = 0xc0;
      payload[at + 1] = 0x80;
      if (at > 0 && refusal(payload) === 'ERR_MESSAGE_UTF8') payloads.push([about, payload]);
    }
  }
  payloads.push([
    'a message, and a byte after it in its frame',
    Buffer.concat([first!.payload, Buffer.of(0xff)]),
  ]);
  const longer = made.find(
    ({ payload }) => payload.length > 1 && refusal(payload.subarray(0, -1)) !== undefined,
  );
  if (longer !== undefined)
    payloads.push(['a message without its last byte', longer.payload.subarray(0, -1)]);
  const unknown =
    first!.type === undefined
      ? undefined
      : Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)).find(
          (payload) => refusal(payload) === 'ERR_MESSAGE_UNKNOWN',
        );
  if (unknown !== undefined) payloads.push(['a tag that no message has', unknown]);
  if (refusal(Buffer.alloc(0)) !== undefined) payloads.push(['a payload of no bytes', Buffer.alloc(0)]);
  for (const [about, payload] of payloads) {
    const frame = frameOf(framing, payload);
    if (frame !== undefined) yield [about, frame];
  }
  yield ['two frames, one after the other', Buffer.concat([first!.frame, second!.frame])];
  yield [
    'a stream that ends inside its second frame',
    Buffer.concat([first!.frame, second!.frame.subarray(0, -1)]),
  ];
}

/** A payload of a message in which one text is the given text. */
function withText(made: readonly Made[], text: string): Buffer | undefined {
  for (const { codec, payload } of made) {
    const message = codec.decode(payload) as Record<string, unknown>;
    if (typeof message !== 'object' || message === null) continue;
    for (const [name, value] of Object.entries(message)) {
      if (name === 'type' || typeof value !== 'string') continue;
      try {
        const bytes = Buffer.from(codec.encode({ ...message, [name]: text }));
        if ((codec.decode(bytes) as Record<string, unknown>)[name] === text) return bytes;
      } catch {
        // Try the next field.
      }
    }
  }
  return undefined;
}

/** What the protocol reads from a stream that ends there. */
function outcome({ codec, framing }: Made, stream: Buffer): Text {
  const parts: Text[] = [];
  try {
    const reader = framing.reader();
    reader.push(stream);
    reader.end();
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      parts.push([code(messageText(codec.decode(frame)))]);
    }
    if (reader.error !== undefined) throw reader.error;
  } catch (error) {
    parts.push(say`refused: ${(error as { code?: string }).code ?? 'an error'}`);
  }
  return join(parts, ', then ');
}

function messageText(message: unknown): string {
  if (message === undefined) return 'nothing';
  return JSON.stringify(message, function (this: Record<string, unknown>, key, value) {
    const own = key === '' ? value : this[key];
    if (own instanceof Uint8Array) return hexOf(own);
    return typeof value === 'bigint' ? String(value) : value;
  });
}

function frameOf(framing: Framing, payload: Buffer): Buffer | undefined {
  try {
    return framed(framing.writer(), payload);
  } catch {
    return undefined;
  }
}
