import { trust } from '../bytes/trust.ts';
import { splitOptions } from '../options.ts';
import {
  LENGTH_PREFIX_OPTIONS,
  type LengthPrefixOptions,
  lengthPrefix,
} from '../protocol/framing/length-prefix.ts';
import { FrameEncoder } from './frame-encoder.ts';
import type { StageOptions } from './stage.ts';

/**
 * Payloads in (object mode), bytes out: the `FrameEncoder` of `lengthPrefix(options)`.
 *
 * @example
 * pipeline(socket, new LengthPrefixDecoder(), new LengthPrefixEncoder(), socket, callback); // an echo
 */
export class LengthPrefixEncoder extends FrameEncoder {
  static {
    trust(LengthPrefixEncoder.prototype);
  }

  constructor(options: LengthPrefixOptions & StageOptions = {}) {
    const [framing, stage] = splitOptions(options, LENGTH_PREFIX_OPTIONS);
    super(lengthPrefix(framing), stage);
  }
}
