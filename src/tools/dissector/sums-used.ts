import { type Checksum, type CrcParameters, checksumByName, checksumNames } from '../../bytes/checksum.ts';
import { luaString } from './lua.ts';

/** The checksums that a dissector computes, each created once. */
export class SumsUsed {
  readonly #made = new Map<string, string>();

  /** Lua that creates them. */
  get lua(): string {
    return [...this.#made].map(([name, made]) => `sums[${luaString(name)}] = ${made}`).join('\n');
  }

  /** Lua for the function of a checksum; undefined if only the program has the function. */
  of(name: string, crc: CrcParameters | undefined, checksum?: Checksum): string | undefined {
    if (crc !== undefined) {
      const { width, polynomial, initial, reflected, final, reflectedOutput = reflected } = crc;
      const key = `${name} ${JSON.stringify([width, polynomial, initial, reflected, final, reflectedOutput])}`;
      this.#made.set(
        key,
        `crc(${[width, polynomial, initial, reflected, final, reflectedOutput].join(', ')})`,
      );
      return `sums[${luaString(key)}]`;
    }
    const known = checksumNames.find((one) => one === name);
    if (known === undefined || (checksum !== undefined && !isSame(checksum, checksumByName(known))))
      return undefined;
    return `sums[${luaString(name)}]`;
  }
}

/** Whether two checksums are the same; another copy of the package has other objects. */
function isSame(one: Checksum, other: Checksum): boolean {
  const bytes = Buffer.from('123456789 \xff\0', 'latin1');
  const ends = [0, 1, 9, bytes.length];
  return (
    one.width === other.width &&
    ends.every((end) => one.compute(bytes, 0, end) === other.compute(bytes, 0, end))
  );
}
