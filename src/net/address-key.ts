import net from 'node:net';

/**
 * The key under which a peer is counted: an IPv4 address as it is, the first 64 bits of an IPv6 address (RFC 6177: one site has
 * at least those, so counting whole addresses would be useless), the IPv4 address for one mapped into IPv6. Anything else
 * (nothing, on a Unix socket) is its own key.
 *
 * @example
 * addressKey('192.0.2.1');        // '192.0.2.1'
 * addressKey('::ffff:192.0.2.1'); // '192.0.2.1'
 * addressKey('2001:db8::1');      // '2001:db8:0:0::/64'
 */
export function addressKey(address: string): string {
  const [bare = ''] = address.split('%');
  if (!net.isIPv6(bare)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped !== null) return mapped[1]!;
  return `${firstWords(bare).join(':')}::/64`;
}

/** The first four of the eight words of an IPv6 address, without leading zeros. */
function firstWords(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    // An empty one counts as the last word.
    const behind = tail.split(':');
    // An IPv4 address at the end takes the place of two words.
    const width = behind.length + (tail.includes('.') ? 1 : 0);
    const zeros = Array<string>(8 - before.length - width).fill('0');
    before.push(...zeros, ...behind);
  }
  return before.slice(0, 4).map((word) => Number.parseInt(word, 16).toString(16));
}
