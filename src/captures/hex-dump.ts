import { aBuffer, aText, checkOptions, natural, oneOf } from '../options.ts';
import type { CaptureEvent, Side } from '../protocol/recording/events.ts';
import { hexBytes } from './line-log.ts';
import type { LineParser } from './line-parser.ts';

/**
 * Reads bytes of one side, written in hexadecimal: plain digits, or a dump by `hexdump -C`, `xxd` or `od -A x -t x1`,
 * recognised by the offset 0 at the start of its first line. Each line is a chunk.
 *
 *     00000000  68 65 6c 6c 6f 20 77 6f  72 6c 64 0a              |hello world.|
 *     00000000: 6865 6c6c 6f20 776f 726c 640a            hello world.
 *     68656c6c6f20776f726c640a
 */
export function hexDump(options: { from?: Side | undefined } = {}): LineParser {
  checkOptions('hexDump', options, { from: oneOf('client', 'server') });
  const { from = 'client' } = options;
  let isOpen = false;
  /** True if lines begin with an offset; decided by the first line that is not empty. */
  let isDump: boolean | undefined;
  return {
    line(text) {
      aText('line', text);
      // In a dump, `#` may be part of the text column.
      const line = (isDump ? text : before(text, '#')).trim();
      if (line === '') return [];
      isDump ??= /^0{4,16}(:|\s)/.test(line);
      const bytes = isDump ? dumpedBytes(text.trim()) : hexBytes(line);
      if (bytes.length === 0) return [];
      const data: CaptureEvent = { event: 'data', time: 0, connection: 0, from, bytes };
      if (isOpen) return [data];
      isOpen = true;
      return [{ event: 'open', time: 0, connection: 0 }, data];
    },
    end: () => [],
  };
}

/** The text before a mark. An expression such as `#.*$` would scan the rest of the line once for each mark in it. */
function before(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
}

/** The bytes of a line: after the offset, and before the text column, which stands between bars or after two spaces. */
function dumpedBytes(line: string): Buffer {
  const behind = line.replace(/^[0-9a-fA-F]+:?\s*/, '');
  const digits = behind.endsWith('|') ? before(behind, '|') : behind.split(/\s{2,}/)[0]!;
  return hexBytes(digits.replace(/\s+/g, ''));
}

/**
 * Bytes as `hexdump -C` prints them, sixteen to a line.
 *
 * @param from - the offset of the first byte
 */
export function toHexDump(bytes: Uint8Array, from = 0): string {
  aBuffer('toHexDump: bytes', bytes);
  natural('toHexDump: from', from);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const left = digits.slice(0, 8).join(' ').padEnd(23);
    const right = digits.slice(8).join(' ').padEnd(23);
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${(from + at).toString(16).padStart(8, '0')}  ${left}  ${right}  |${text}|`);
  }
  return lines.join('\n');
}
