import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressKey } from '../../src/net/address-key.ts';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['::ffff:192.10.20.33', '192.10.20.33'],
  ['a::ffff:192.0.2.1', 'a:0:0:0::/64'],
  ['::2:3:4:5:6:192.0.2.1', '0:2:3:4::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:DB8:0:0:1::', '2001:db8:0:0::/64'],
  ['2001:0db8:0000:0001:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
  ['1:2:3::', '1:2:3:0::/64'],
  ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
  ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ['::', '0:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ['1:2:3:4:5:6:192.0.2.33', '1:2:3:4::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
  ['/run/a.sock', '/run/a.sock'],
])('%s is counted as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test('addresses have one key if and only if their first 64 bits are the same', () => {
  const words = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
  const spelled = (parts: number[]): string => parts.map((word) => word.toString(16)).join(':');
  fc.assert(
    fc.property(words, words, (one, two) => {
      const neighbour = [...one.slice(0, 4), ...two.slice(4)];
      expect(addressKey(spelled(one))).toBe(addressKey(spelled(neighbour)));
      expect(addressKey(spelled(one)) === addressKey(spelled(two))).toBe(
        spelled(one.slice(0, 4)) === spelled(two.slice(0, 4)),
      );
    }),
  );
});
