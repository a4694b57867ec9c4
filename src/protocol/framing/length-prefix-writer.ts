import { Copier, copyBytes } from '../../bytes/copy.ts';
import { largestOf, writeUnsigned } from '../../bytes/integers.ts';
import { trust } from '../../bytes/trust.ts';
import type { FrameError } from '../../errors.ts';
import type { FrameWriter } from './framing.ts';
import { INVALID, type LengthField, MORE } from './length-field.ts';
import type { LengthLayout } from './length-layout.ts';
import { payloadLength, payloadTooLong } from './violations.ts';

/** Writes length fields of a fixed width. */
export class FixedWriter implements FrameWriter {
  static {
    trust(FixedWriter.prototype);
  }

  readonly headerLength: number;
  readonly #layout: LengthLayout;
  /** Bounds of the payload's length. They combine all checks, so that each frame costs two comparisons. */
  readonly #shortest: number;
  readonly #longest: number;
  /** The field's value is the payload's length plus this. */
  readonly #toValue: number;
  /** True if the header has other bytes or bits than the length: old contents of the buffer must not reach the peer. */
  readonly #zeroes: boolean;

  constructor(layout: LengthLayout) {
    const { header, strip, adjustment, maxFrameLength, width, offset, field } = layout;
    this.#layout = layout;
    this.#zeroes = strip > 0 && (offset > 0 || strip > width || field !== undefined);
    this.headerLength = strip;
    // Bytes after the field = strip + payload - header, and the field's value = that - adjustment.
    const beyond = header - strip;
    this.#shortest = Math.max(0, beyond, beyond + adjustment);
    this.#longest = beyond + Math.min(maxFrameLength, (field?.maximum ?? largestOf(width)) + adjustment);
    this.#toValue = -beyond - adjustment;
  }

  bound(length: number): number {
    return this.headerLength + length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    // Checked before copying: a refused payload may be larger than the room.
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
    // Read once: none of these can change while frames are copied, but V8 cannot know.
    const { width, little, offset, field } = this.#layout;
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
      if (field === undefined) writeUnsigned(target, frameAt + offset, width, little, length + toValue);
      else field.write(target, frameAt + offset, length + toValue);
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

  begin(first: Uint8Array, length: number): Buffer | undefined {
    if (length < this.#shortest || length > this.#longest) throw this.#refusal(length);
    const { header, strip } = this.#layout;
    if (first.length < header - strip) return undefined;
    const bytes = Buffer.concat([Buffer.alloc(strip), first]);
    this.#writeHeader(bytes, 0, length + this.#toValue);
    return bytes;
  }

  #writeHeader(target: Buffer, at: number, value: number): void {
    const { width, little, offset, field } = this.#layout;
    if (this.#zeroes) target.fill(0, at, at + this.headerLength);
    if (field === undefined) writeUnsigned(target, at + offset, width, little, value);
    else field.write(target, at + offset, value);
  }

  #refusal(length: number): FrameError {
    const { header, strip, adjustment, maxFrameLength } = this.#layout;
    const body = strip + length - header;
    if (body < 0) {
      const message = `payload of ${length} bytes is shorter than the ${header - strip} header bytes it has to begin with`;
      return payloadLength(message, { limit: header - strip, actual: length });
    }
    if (body > maxFrameLength) return payloadTooLong(body, maxFrameLength);
    return unwritable(body - adjustment, length, adjustment);
  }
}

function unwritable(value: number, length: number, adjustment: number): FrameError {
  const message = `length field would hold ${value} for a payload of ${length} bytes (lengthAdjustment ${adjustment})`;
  return payloadLength(message, { actual: value });
}

/** Writes length fields whose width depends on the length. */
export class VariableWriter implements FrameWriter {
  static {
    trust(VariableWriter.prototype);
  }

  /** A payload that contains its own length is written in place. */
  readonly headerLength: number | undefined;
  readonly #layout: LengthLayout;
  readonly #field: LengthField;

  constructor(layout: LengthLayout, field: LengthField) {
    this.#layout = layout;
    this.#field = field;
    this.headerLength = layout.stripsField ? undefined : layout.strip;
  }

  bound(length: number): number {
    const { strip, stripsField } = this.#layout;
    return strip + (stripsField ? this.#field.maxWidth : 0) + length;
  }

  write(target: Buffer, at: number, source: Uint8Array, start: number, end: number): number {
    const { strip, stripsField } = this.#layout;
    let to = at + strip;
    if (stripsField) {
      const value = this.#value(end - start);
      target.fill(0, at, to + 1);
      to = this.#field.write(target, to, value);
    } else {
      this.#checkKept(source, start, end, end - start);
      target.fill(0, at, to);
    }
    return copyBytes(target, to, source, start, end);
  }

  seal(target: Buffer, at: number, payloadEnd: number): number {
    const { strip } = this.#layout;
    const payloadAt = at + strip;
    this.#checkKept(target, payloadAt, payloadEnd, payloadEnd - payloadAt);
    if (strip > 0) target.fill(0, at, at + strip);
    return payloadEnd;
  }

  begin(first: Uint8Array, length: number): Buffer | undefined {
    const { strip, stripsField } = this.#layout;
    if (!stripsField) {
      const isKnown = this.#checkKept(first, 0, first.length, length);
      return isKnown ? Buffer.concat([Buffer.alloc(strip), first]) : undefined;
    }
    const header = Buffer.alloc(strip + this.#field.maxWidth);
    const end = this.#field.write(header, strip, this.#value(length));
    return Buffer.concat([header.subarray(0, end), first]);
  }

  /** The field's value for that many bytes after it. */
  #value(body: number): number {
    const { adjustment, countsField, maxFrameLength } = this.#layout;
    const field = this.#field;
    if (body > maxFrameLength) throw payloadTooLong(body, maxFrameLength);
    let value = body - adjustment;
    // A field that counts itself may grow when its own width is added.
    if (countsField) {
      let width = field.widthOf(value + 1);
      while (field.widthOf(value + width) > width) width = field.widthOf(value + width);
      value += width;
    }
    if (value < 0) throw unwritable(value, body, adjustment);
    return value;
  }

  /**
   * The payload contains its own length, which has to be right. False if more of the payload of `length` bytes is needed than
   * `source[start, end)`.
   */
  #checkKept(source: Uint8Array, start: number, end: number, length: number): boolean {
    const { offset, strip, adjustment, countsField, maxFrameLength } = this.#layout;
    const field = this.#field;
    const fieldAt = start + offset - strip;
    const width = field.widthAt(source, fieldAt, end);
    if (width === MORE && end - start < length) return false;
    const value = width > 0 ? field.read(source, fieldAt, width) : INVALID;
    const body = value === INVALID ? INVALID : value + adjustment - (countsField ? width : 0);
    if (body > maxFrameLength) throw payloadTooLong(body, maxFrameLength);
    if (body >= 0 && fieldAt + width + body === start + length) return true;
    const message = `payload of ${length} bytes does not begin with a header that gives its length`;
    throw payloadLength(message, { actual: length });
  }
}
