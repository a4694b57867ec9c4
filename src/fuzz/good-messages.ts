import fc from 'fast-check';
import type { DeclaredCodec } from '../protocol/fields/messages.ts';
import { arbitraryMessage } from '../testing/arbitrary.ts';
import type { GoodMessages } from './messages.ts';

/** So many messages are drawn at once, and so often until each type has enough. */
const DRAWN = 256;
const ROUNDS = 24;
const ENOUGH = 4;

/** Messages of a declared codec at random, the boundary values of each field often among them. The same seed gives the same ones. */
export function sampleMessages(codec: DeclaredCodec<unknown>, count: number, seed: number): unknown[] {
  return fc.sample(arbitraryMessage(codec), { seed, numRuns: count });
}

/**
 * Good messages of a declared codec, by fast-check: the boundary values of each field often among them. The same seed gives the
 * same messages.
 *
 * @param custom - values of custom fields, by the fields' names
 * @throws TypeError for a codec that is not declared
 */
export function goodMessages(
  codec: object,
  seed: number,
  custom?: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): GoodMessages {
  if (!('declaration' in codec)) {
    throw new TypeError(
      'fuzz: the codec of the clients is not declared: give values for each of its messages',
    );
  }
  const declared = codec as DeclaredCodec<{ type?: string }>;
  const types = declared.types.length > 0 ? declared.types : [''];
  const byType = new Map<string, object[]>(types.map((type) => [type, []]));
  const messages = arbitraryMessage(declared, custom === undefined ? {} : { custom });
  for (let round = 0; round < ROUNDS; round++) {
    for (const message of fc.sample(messages, { seed: seed + round, numRuns: DRAWN })) {
      byType.get(message.type ?? '')?.push(message);
    }
    if ([...byType.values()].every(({ length }) => length >= ENOUGH)) break;
  }
  return (type, { random }) => {
    const some = byType.get(type) ?? [];
    return some[Math.floor(random() * some.length)];
  };
}
