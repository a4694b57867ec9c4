import { show } from '../bytes/show.ts';
import { MessageError } from '../errors.ts';
import type { Codec, Decoded, Encodable } from './codec.ts';
import type { Framing } from './framing/framing.ts';

// biome-ignore lint/suspicious/noExplicitAny: any codec
type AnyCodec = Codec<any, any>;

/** A decoded packet: its kind, and the message that the kind's codec decoded. */
export type KindDecoded<Codecs extends Record<string, AnyCodec>> = {
  [Kind in keyof Codecs & string]: { type: Kind; message: Decoded<Codecs[Kind]> };
}[keyof Codecs & string];

/** A packet to be encoded. */
export type KindEncodable<Codecs extends Record<string, AnyCodec>> = {
  [Kind in keyof Codecs & string]: { type: Kind; message: Encodable<Codecs[Kind]> };
}[keyof Codecs & string];

/** The codec of several kinds of packets. */
export interface KindCodec<Codecs extends Record<string, AnyCodec>>
  extends Codec<KindDecoded<Codecs>, KindEncodable<Codecs>> {
  /** The kinds, in the order in which they are tried. */
  readonly types: readonly string[];
  /** The codec of each kind. */
  readonly codecs: Readonly<Codecs>;
}

/**
 * The codec for the frames of `packets`, with one codec for each kind. A message is `{ type, message }`: the kind, and the
 * message of its codec.
 *
 * With the framing, the kind of a frame is the kind that the framing found. Without it the codecs are tried in turn and the first
 * that reads the frame wins, so put the strictest first; if all fail, the error is the last one's.
 *
 * @throws TypeError if there is no codec, or if the framing has no such kind
 *
 * @example
 * const line = packets({ kinds: { ubx: …, nmea: … } });
 * const messages = byKind({ ubx: ubxMessages, nmea: sentence }, line);
 * serialPort.pipe(new FrameDecoder(line)).pipe(new MessageDecoder(messages)); // { type: 'ubx', message: … }
 */
export function byKind<const Codecs extends Record<string, AnyCodec>>(
  codecs: Codecs,
  framing?: Framing,
): KindCodec<Codecs> {
  const kinds = Object.entries(codecs ?? {});
  if (kinds.length === 0) throw new TypeError('byKind: expected an object with a codec for each kind');
  for (const [kind, codec] of kinds) {
    if (typeof codec?.decode !== 'function' || typeof codec.encode !== 'function') {
      throw new TypeError(`byKind: ${kind} must be a codec, got ${show(codec)}`);
    }
  }
  const kindOf = framing === undefined ? undefined : kindFinder(codecs, framing);
  return {
    types: kinds.map(([kind]) => kind),
    codecs,
    detached: kinds.every(([, codec]) => codec.detached === true),
    decode(bytes, start = 0, end = bytes.length) {
      if (kindOf !== undefined) {
        const kind = kindOf(bytes, start, end);
        return { type: kind, message: codecs[kind]!.decode(bytes, start, end) } as KindDecoded<Codecs>;
      }
      let last: unknown;
      for (const [type, codec] of kinds) {
        try {
          return { type, message: codec.decode(bytes, start, end) } as KindDecoded<Codecs>;
        } catch (error) {
          last = error;
        }
      }
      throw last;
    },
    encode({ type, message }) {
      if (!Object.hasOwn(codecs, type)) {
        const expected = Object.keys(codecs).join(', ');
        const text = `type: expected one of ${expected}, got ${show(type)}`;
        throw new MessageError('ERR_MESSAGE_UNKNOWN', text, { origin: 'local', actual: type, expected });
      }
      return codecs[type]!.encode(message);
    },
  };
}

type FindKind = (bytes: Buffer, start: number, end: number) => string;

function kindFinder(codecs: Record<string, AnyCodec>, framing: Framing): FindKind {
  const { layout, kindOf } = framing;
  if (layout?.kind !== 'packets' || kindOf === undefined) {
    throw new TypeError('byKind: expected the framing to be one of packets()');
  }
  const known = layout.kinds.map(({ name }) => name);
  for (const kind of Object.keys(codecs)) {
    if (!known.includes(kind)) throw new TypeError(`byKind: the framing has no kind ${show(kind)}`);
  }
  return (bytes, start, end) => {
    const kind = kindOf.call(framing, bytes, start, end);
    if (kind !== undefined && Object.hasOwn(codecs, kind)) return kind;
    const text = kind === undefined ? 'a frame of no kind' : `no codec for the kind ${show(kind)}`;
    throw new MessageError('ERR_MESSAGE_UNKNOWN', text, {
      actual: kind,
      expected: Object.keys(codecs).join(', '),
    });
  };
}
