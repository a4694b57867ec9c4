import { expect, test } from 'vitest';
import { GIVING, isTrusted, READING, TAKING, trust, WRITING } from '../../src/bytes/trust.ts';

class Ours {
  other: unknown;
  read(): void {}
  write(): void {}
}
trust(Ours.prototype);
class Theirs extends Ours {}

test('an object of a class that keeps no view is trusted while its methods are those of the class', () => {
  const methods = ['read', 'write'];
  expect(isTrusted(new Ours(), methods)).toBe(true);
  expect(isTrusted(Object.assign(new Ours(), { other: () => {} }), methods)).toBe(true);
  for (const name of methods) {
    expect(isTrusted(Object.assign(new Ours(), { [name]: () => {} }), methods)).toBe(false);
  }
  for (const object of [undefined, {}, new Theirs()]) expect(isTrusted(object, [])).toBe(false);
});

test('the methods that see the bytes', () => {
  expect({ TAKING, GIVING, READING, WRITING }).toEqual({
    TAKING: ['write', '_write', '_writev', 'accept', 'acceptBatch'],
    GIVING: ['push', 'emit', 'read', 'produce', 'produceBatch'],
    READING: ['push', 'next', 'take'],
    WRITING: ['write', 'writeAll'],
  });
});
