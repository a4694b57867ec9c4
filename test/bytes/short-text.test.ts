import { expect, test } from 'vitest';
import { SHORT_TEXT, shortText } from '../../src/bytes/short-text.ts';

const lengths = Array.from({ length: SHORT_TEXT + 1 }, (_, length) => length);

test.each(lengths)('%i bytes are characters, unless one of them is above the most', (length) => {
  for (const most of [0x7f, 0xff]) {
    const bytes = Buffer.from(Array.from({ length: length + 2 }, (_, i) => (0x61 + 7 * i) & most));
    const text = bytes.toString('latin1', 1, 1 + length);
    expect(shortText(bytes, 1, length, most)).toBe(text);
    const full = Buffer.alloc(length + 2, most);
    expect(shortText(full, 1, length, most)).toBe(full.toString('latin1', 1, 1 + length));
  }
  for (let at = 0; at < length; at++) {
    const bytes = Buffer.alloc(length + 2, 0x80);
    bytes.fill(0x7f, 1, 1 + length);
    expect(shortText(bytes, 1, length, 0x7f)).toHaveLength(length);
    bytes[1 + at] = 0x80;
    expect(shortText(bytes, 1, length, 0x7f)).toBeUndefined();
  }
});
