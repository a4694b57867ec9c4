import { trust } from '../bytes/trust.ts';
import { splitOptions } from '../options.ts';
import {
  LENGTH_PREFIX_OPTIONS,
  type LengthPrefixOptions,
  lengthPrefix,
} from '../protocol/framing/length-prefix.ts';
import { FrameDecoder, type FrameDecoderOptions } from './frame-decoder.ts';

/**
 * Bytes in, payloads out (object mode): the `FrameDecoder` of `lengthPrefix(options)`.
 *
 * @example
 * pipeline(socket, new LengthPrefixDecoder({ maxFrameLength: 65_536 }), …, socket, callback);
 */
export class LengthPrefixDecoder extends FrameDecoder {
  static {
    trust(LengthPrefixDecoder.prototype);
  }

  constructor(options: LengthPrefixOptions & FrameDecoderOptions = {}) {
    const [framing, stage] = splitOptions(options, LENGTH_PREFIX_OPTIONS);
    super(lengthPrefix(framing), stage);
  }
}
