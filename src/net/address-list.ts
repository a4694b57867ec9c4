import net from 'node:net';
import { show } from '../bytes/show.ts';

/**
 * A list for looking up addresses.
 *
 * @param name - the name of the list in errors
 * @param listed - such a list, or addresses and subnets: `['192.0.2.1', '2001:db8::/32']`
 */
export function listOf(name: string, listed: net.BlockList | readonly string[]): net.BlockList {
  if (listed instanceof net.BlockList) return listed;
  if (!Array.isArray(listed)) {
    throw new TypeError(
      `${name} must be a net.BlockList, or an array of addresses and subnets, got ${show(listed)}`,
    );
  }
  const list = new net.BlockList();
  for (const entry of listed as readonly unknown[]) {
    const [address = '', prefix, ...more] = String(entry).split('/');
    const family = net.isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? 0 : Number(prefix);
    const isPrefix = /^\d{1,3}$/.test(prefix ?? '0') && bits <= (family === 'ipv6' ? 128 : 32);
    if (net.isIP(address) === 0 || !isPrefix || more.length > 0) {
      throw new TypeError(`${name}: ${show(entry)} is neither an address nor a subnet such as '10.0.0.0/8'`);
    }
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  return list;
}

/** Whether a list has an address; an IPv4 address also in its IPv6 form. */
export function isListed(list: net.BlockList, address: string | undefined): boolean {
  if (address === undefined) return false;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && list.check(mapped, 'ipv4')) return true;
  return list.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');
}
