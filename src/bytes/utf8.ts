import { SHORT_TEXT, shortText } from './short-text.ts';

/** Methods of Node's buffers that are not documented: as the documented ones, without their checks. */
interface NodeBuffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** The characters of one short text, while it is read. */
const narrow = Buffer.allocUnsafeSlow(SHORT_TEXT);

/** Whether the last short text had characters beyond ASCII: then the next one is likely to have some too. */
let isWide = false;

/** The text in `bytes[start, end)`, or undefined where that is not UTF-8. U+FEFF is kept. */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string | undefined {
  const length = end - start;
  if (length > SHORT_TEXT) return decodeLong(bytes, start, end);
  if (!isWide) {
    const text = shortText(bytes, start, length, 0x7f);
    if (text !== undefined) return text;
    isWide = true;
  }
  return decodeNarrow(bytes, start, end);
}

/** A short text of characters up to U+00FF, which are one byte each in memory: ASCII, and C2 or C3 with one byte more. */
function decodeNarrow(bytes: Buffer, start: number, end: number): string | undefined {
  let count = 0;
  for (let at = start; at < end; at++) {
    const lead = bytes[at]!;
    if (lead < 0x80) narrow[count++] = lead;
    else {
      if ((lead & 0xfe) !== 0xc2 || at + 1 === end) return decodeAny(bytes, start, end);
      const next = bytes[++at]!;
      if ((next & 0xc0) !== 0x80) return undefined;
      narrow[count++] = ((lead & 0x03) << 6) | (next & 0x3f);
    }
  }
  if (count === end - start) isWide = false;
  return shortText(narrow, 0, count, 0xff);
}

/** Node before 24 reads ASCII of these lengths faster as Latin-1, even if the text is then checked. */
const LATIN1_FROM = 512;
const LATIN1_TO = Number.parseInt(process.versions.node, 10) < 24 ? 16_384 : 0;

/** The global `Buffer` is a getter. */
const { byteLength } = Buffer;

function decodeLong(bytes: Buffer, start: number, end: number): string | undefined {
  const length = end - start;
  if (length >= LATIN1_FROM && length <= LATIN1_TO) {
    const text = (bytes as unknown as NodeBuffer).latin1Slice(start, end);
    // A character beyond ASCII has two bytes in UTF-8.
    if (byteLength(text) === length) return text;
  }
  return decodeAny(bytes, start, end);
}

/** The runtime writes U+FFFD for what is malformed; where it did, the bytes say whether that stands in them. */
function decodeAny(bytes: Buffer, start: number, end: number): string | undefined {
  const text = (bytes as unknown as NodeBuffer).utf8Slice(start, end);
  return text.includes('\ufffd') && utf8FaultAt(bytes, start, end) >= 0 ? undefined : text;
}

/**
 * Where the first malformed sequence of `bytes[start, end)` begins, or −1. Table 3-7 of the Unicode Standard:
 *
 *     00–7F                      E0    A0–BF 80–BF          F0    90–BF 80–BF 80–BF
 *     C2–DF 80–BF                ED    80–9F 80–BF          F4    80–8F 80–BF 80–BF
 *                                E1–EF 80–BF 80–BF          F1–F3 80–BF 80–BF 80–BF
 */
export function utf8FaultAt(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const more = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (more === 0 || at + more >= end) return at;
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (bytes[at + 1]! < low || bytes[at + 1]! > high) return at;
    for (let next = 2; next <= more; next++) if ((bytes[at + next]! & 0xc0) !== 0x80) return at;
    at += more + 1;
  }
  return -1;
}

/** Shorter texts are written faster by a loop than by a call into the runtime. */
const SHORT = 48;

/**
 * Write the text at `target[at]` as UTF-8; returns its length in bytes, or −1 when that is more than `limit` or the
 * text has a lone surrogate.
 */
export function encodeUtf8(target: Buffer, at: number, text: string, limit: number): number {
  const length = text.length;
  if (length > limit) return -1;
  if (length < SHORT) {
    let index = 0;
    for (; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) break;
      target[at + index] = unit;
    }
    if (index === length) return length;
  }
  if (Buffer.byteLength(text) > limit || hasLoneSurrogate(text)) return -1;
  return target.write(text, at);
}

/** Whether the text has a lone surrogate, which UTF-8 cannot express. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
