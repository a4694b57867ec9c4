import { Copier, copyBytes } from '../../bytes/copy.ts';
import { trust } from '../../bytes/trust.ts';
import { FrameError } from '../../errors.ts';
import type { FrameWriter } from './framing.ts';
import {
  fieldMaximum,
  type Layout,
  MAX_VARINT_LENGTH,
  varintLength,
  writeFixed,
  writeVarint,
} from './length-layout.ts';
import { LengthPrefixReader } from './length-prefix-reader.ts';

export class FixedWriter implements FrameWriter {
  static {
    trust(FixedWriter.prototype);
  }

  readonly headerLength: number;
  readonly sealsUnseen: boolean;
  readonly #layout: Layout;
  /** Of the payload: with these, and nothing else, the checks of every frame come down to two comparisons. */
  readonly #shortest: number;
  readonly #longest: number;
  /** The field's value is the payload's length plus this. */
  readonly #toValue: number;
  /** More is stripped than the field: what stood in the buffer before is not for the peer. */
  readonly #zeroes: boolean;

  constructor(layout: Layout) {
    const { header, strip, adjustment, maxFrameLength, width, offset } = layout;
    this.#layout = layout;
    this.#zeroes = strip > 0 && (offset > 0 || strip > width);
    this.headerLength = strip;
    // Unless the payload brings the field.
    this.sealsUnseen = strip >= header;
    // Bytes behind the field = strip + payload - header, and the field's value = that - adjustment.
    const beyond = header - strip;
    this.#shortest = Math.max(0, beyond, beyond + adjustment);
    this.#longest = beyond + Math.min(maxFrameLength, fieldMaximum(width) + adjustment);
    this.#toValue = -beyond - adjustment;
  }

  bound(length: number): number {
    return this.headerLength + length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    // Judged before it is copied: a payload that is refused may be larger than the room there is.
    if (length < this.#shortest || length > this.#longest) throw this.#refusal(length);
    const payloadEnd = copyBytes(target, at + this.headerLength, source, start, end);
    this.#writeHeader(target, at, length + this.#toValue);
    return payloadEnd;
  }

  writeAll(
    target: Buffer,
    at: number,
    source: Uint8Array,
    bounds: ArrayLike<number>,
    from: number,
    to: number,
  ): number {
    const copier = new Copier(target, source);
    const { headerLength } = this;
    // Read once: nothing of this can change while frames are copied, but V8 cannot know.
    const { width, little, offset } = this.#layout;
    const shortest = this.#shortest;
    const longest = this.#longest;
    const toValue = this.#toValue;
    const zeroes = this.#zeroes;
    let frameAt = at;
    for (let i = 2 * from; i < 2 * to; i += 2) {
      const start = bounds[i]!;
      const length = bounds[i + 1]! - start;
      if (length < shortest || length > longest) throw this.#refusal(length);
      const payloadAt = frameAt + headerLength;
      copier.copy(payloadAt, start, length);
      if (zeroes) target.fill(0, frameAt, payloadAt);
      writeFixed(target, frameAt + offset, width, little, length + toValue);
      frameAt = payloadAt + length;
    }
    return frameAt;
  }

  seal(target: Buffer, at: number, payloadEnd: number): number {
    const length = payloadEnd - at - this.headerLength;
    if (length < this.#shortest || length > this.#longest) throw this.#refusal(length);
    this.#writeHeader(target, at, length + this.#toValue);
    return payloadEnd;
  }

  #writeHeader(target: Buffer, at: number, value: number): void {
    const { width, little, offset } = this.#layout;
    if (this.#zeroes) target.fill(0, at, at + this.headerLength);
    writeFixed(target, at + offset, width, little, value);
  }

  #refusal(length: number): FrameError {
    const { header, strip, adjustment, maxFrameLength } = this.#layout;
    const body = strip + length - header;
    if (body < 0) {
      return new FrameError(
        'ERR_FRAME_LENGTH',
        `payload of ${length} bytes is shorter than the ${header - strip} header bytes it has to begin with`,
        { origin: 'local', limit: header - strip, actual: length },
      );
    }
    if (body > maxFrameLength) return payloadTooLong(body, maxFrameLength);
    return new FrameError(
      'ERR_FRAME_LENGTH',
      `length field would hold ${body - adjustment} for a payload of ${length} bytes (lengthAdjustment ${adjustment})`,
      { origin: 'local', actual: body - adjustment },
    );
  }
}

export class VarintWriter implements FrameWriter {
  static {
    trust(VarintWriter.prototype);
  }

  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  bound(length: number): number {
    return this.#layout.strip + MAX_VARINT_LENGTH + length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const { strip, stripsVarint } = this.#layout;
    let to = at + strip;
    if (stripsVarint) {
      const value = this.#value(end - start);
      target.fill(0, at, to);
      to = writeVarint(target, to, value);
    } else {
      this.#checkKept(source, start, end);
      target.fill(0, at, to);
    }
    return copyBytes(target, to, source, start, end);
  }

  /** The varint's value for that many bytes behind it. */
  #value(body: number): number {
    const { adjustment, countsVarint, maxFrameLength } = this.#layout;
    if (body > maxFrameLength) throw payloadTooLong(body, maxFrameLength);
    let value = body - adjustment;
    // One that counts itself may grow by a byte when its own width is added.
    if (countsVarint) {
      let width = varintLength(value + 1);
      while (varintLength(value + width) > width) width++;
      value += width;
    }
    if (value < 0) {
      throw new FrameError(
        'ERR_FRAME_LENGTH',
        `length field would hold ${value} for a payload of ${body} bytes (lengthAdjustment ${adjustment})`,
        { origin: 'local', actual: value },
      );
    }
    return value;
  }

  /** The payload brings its own varint: it has to tell the truth. */
  #checkKept(source: Uint8Array, start: number, end: number): void {
    const { offset, strip } = this.#layout;
    const probe = new LengthPrefixReader({
      ...this.#layout,
      offset: offset - strip,
      header: offset - strip,
      strip: 0,
    });
    probe.push(source.subarray(start, end));
    const frame = probe.next();
    if (probe.error?.code === 'ERR_FRAME_TOO_LONG') {
      throw payloadTooLong(Number(probe.error.actual), this.#layout.maxFrameLength);
    }
    if (frame === undefined || frame.length !== end - start) {
      throw new FrameError(
        'ERR_FRAME_LENGTH',
        `payload of ${end - start} bytes does not begin with a header that gives its length`,
        { origin: 'local', actual: end - start },
      );
    }
  }
}

function payloadTooLong(actual: number, limit: number): FrameError {
  return new FrameError('ERR_FRAME_TOO_LONG', `payload of ${actual} bytes exceeds maxFrameLength ${limit}`, {
    origin: 'local',
    limit,
    actual,
  });
}
