import { show } from '../../bytes/show.ts';
import { checkOptions, integer } from '../../options.ts';
import { framingCall } from './call.ts';
import type { Framing } from './framing.ts';
import { type MeasuredOptions, measured } from './measured.ts';

/** A codec that measures its own messages: a declared codec does. */
export interface SelfMeasuring {
  /** As `MeasuredOptions.measure`. */
  readonly measure?: MeasuredOptions['measure'] | undefined;
}

export interface SelfDelimitingOptions {
  /** The most bytes of a message. Default 1,000,000. */
  maxFrameLength?: number | undefined;
}

/**
 * A declared codec as its own framing: a frame is one message, and ends where its declaration ends. For protocols whose messages
 * show their length only by their contents (RESP, SOCKS, RFB, X11, ASN.1 BER).
 *
 * @throws TypeError for a codec that cannot measure its messages: a field that takes the rest of the frame has no end.
 *
 * @example
 * const point = codecOf(struct({ name: utf8(u8), x: i32be, y: i32be }));
 * socket.pipe(new FrameDecoder(selfDelimiting(point))).pipe(new MessageDecoder(point));
 */
export function selfDelimiting(codec: SelfMeasuring, options: SelfDelimitingOptions = {}): Framing {
  checkOptions('selfDelimiting', options, { maxFrameLength: integer(1) });
  const { maxFrameLength = 1_000_000 } = options;
  if (typeof codec?.measure !== 'function') {
    throw new TypeError(
      `selfDelimiting: expected a declared codec, which can measure its messages, got ${show(codec)}`,
    );
  }
  const framing = measured({
    measure: (bytes, start, end, cursor) => codec.measure!(bytes, start, end, cursor),
    maxFrameLength,
  });
  const layout = { kind: 'measured', by: 'declaration', maximum: maxFrameLength, skipsNoise: false } as const;
  const call = framingCall('selfDelimiting', { ...options, codec });
  return { ...framing, name: 'selfDelimiting', layout, call };
}
