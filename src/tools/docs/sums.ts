import { type Checksum, checksumByName, checksumNames } from '../../bytes/checksum.ts';
import type { SumName } from '../../bytes/sums.ts';
import { type Block, heading, paragraph, say, type Text } from './block.ts';

const CHECK = new TextEncoder().encode('123456789');

const ABOUT: Readonly<Record<SumName, string>> = {
  'XOR-8': 'All bytes XORed together.',
  'SUM-8': 'All bytes added, modulo 256.',
  'SUM-16': 'All bytes added, modulo 65,536.',
  'LRC-8': 'All bytes added, and the sum subtracted from 0, modulo 256.',
  INTERNET:
    'The bytes in pairs as 16-bit words, most significant byte first, a last single byte padded with a zero after it; the words added, carries added to the low end (one’s complement), and all 16 bits of the result inverted (RFC 1071).',
  'FLETCHER-8BIT':
    'Two sums from 0: for each byte, the first is increased by the byte and the second by the first, both modulo 256. The result is the second times 256, plus the first (RFC 1145).',
  'FLETCHER-16':
    'Two sums from 0: for each byte, the first is increased by the byte and the second by the first, both modulo 255. The result is the second times 256, plus the first.',
  'FLETCHER-32':
    'Two sums from 0: for each 16-bit word, least significant byte first (a last single byte padded with a zero), the first is increased by the word and the second by the first, both modulo 65,535. The result is the second times 65,536, plus the first.',
  'ADLER-32':
    'Two sums, the first from 1, the second from 0: for each byte, the first is increased by the byte and the second by the first, both modulo 65,521. The result is the second times 65,536, plus the first (RFC 1950).',
};

/** How the checksums are computed. For an algorithm from the declaration, only its name and check value are known. */
export function sumBlocks(sums: Iterable<Checksum>): Block[] {
  return [...sums].flatMap((sum): Block[] => [
    heading(3, say`${sum.name}`),
    paragraph(aboutSum(sum)),
    paragraph(
      say`The checksum of the nine characters ${'123456789'} in ASCII is ${hex(sum.compute(CHECK, 0, CHECK.length), sum.width)}.`,
    ),
  ]);
}

/** Whether the page can say how it is computed. */
export function isKnown(sum: Checksum): boolean {
  return sum.crc !== undefined || isNamed(sum);
}

function isNamed({ name, compute }: Checksum): boolean {
  const known = (checksumNames as readonly string[]).find((one) => one === name);
  return (
    known !== undefined && checksumByName(known as SumName).compute === compute && Object.hasOwn(ABOUT, name)
  );
}

function aboutSum(sum: Checksum): Text {
  const { width, crc } = sum;
  if (crc === undefined) {
    if (isNamed(sum)) return [ABOUT[sum.name as SumName]];
    return [`A sum of ${width} bits, by an algorithm of the program’s own.`];
  }
  const { polynomial, initial, reflected, reflectedOutput = reflected, final } = crc;
  const order = reflected ? 'least' : 'most';
  const out = reflectedOutput === reflected ? '' : ', and the bits of the register are reversed at the end';
  return say`A CRC of ${width} bits: the polynomial is ${hex(polynomial, width)} (without its leading bit), the register begins as ${hex(initial, width)}, the bits of each byte enter ${[order]} significant first${[reflected ? ' (a reflected CRC)' : '']}${[out]}, and the result is XORed with ${hex(final, width)}.`;
}

function hex(value: number, width: number): string {
  return `0x${value.toString(16).padStart(Math.ceil(width / 4), '0')}`;
}
