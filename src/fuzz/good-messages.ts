import fc from 'fast-check';
import type { DeclaredCodec } from '../protocol/fields/messages.ts';
import { arbitraryMessage } from '../testing/arbitrary.ts';
import type { GoodMessages } from './messages.ts';

/** Messages drawn at a time, and the most draws until each type has enough. */
const DRAWN = 256;
const ROUNDS = 24;
const ENOUGH = 4;

/** Random messages of a declared codec, often with the boundary values of a field. The same seed gives the same messages. */
export function sampleMessages(codec: DeclaredCodec<unknown>, count: number, seed: number): unknown[] {
  return fc.sample(arbitraryMessage(codec), { seed, numRuns: count });
}

/**
 * Good messages of a declared codec, made with fast-check, often with the boundary values of a field. The same seed gives the
 * same messages.
 *
 * @param custom - values of custom fields, by the fields' names
 * @throws TypeError for a codec without a declaration
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
