import { trust } from '../bytes/trust.ts';
import { type LengthPrefixOptions, lengthPrefix } from '../protocol/framing/length-prefix.ts';
import { FrameDecoder } from './frame-decoder.ts';
import type { StageOptions } from './stage.ts';

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

  constructor(options: LengthPrefixOptions & StageOptions = {}) {
    super(lengthPrefix(options), options);
  }
}
