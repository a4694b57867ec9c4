/**
 * A protocol may come from another copy of the package than the reader of its captures, so its errors have other
 * classes.
 */
import { expect, test, vi } from 'vitest';
import { DirectionDecoder } from '../../src/captures/direction-decoder.ts';
import { toTestVectors } from '../../src/captures/to-test-vectors.ts';
import { isProtocolError, ProtocolError } from '../../src/errors.ts';

const here = await import('../../src/index.ts');
vi.resetModules();
const { codecOf, lengthPrefix, struct, u8 } = await import('../../src/index.ts');

const framing = lengthPrefix({ lengthFieldLength: 1 });
const codec = codecOf(struct({ n: u8 }));
// length 2 · a byte, and an extra byte
const frame = Buffer.from([2, 7, 8]);

test("an error of another copy of the package counts as the peer's fault", () => {
  expect(codecOf).not.toBe(here.codecOf);
  const [result] = new DirectionDecoder(framing, codec as never).data(frame);
  expect(result).toMatchObject({ kind: 'fault', error: { code: 'ERR_MESSAGE_TRAILING', origin: 'peer' } });
  expect((result as { error: unknown }).error).not.toBeInstanceOf(ProtocolError);
});

test('… and the outcome of a test vector', () => {
  const event = { event: 'data', time: 0, connection: 0, from: 'client', bytes: frame } as const;
  const text = toTestVectors([event], { framing, clientMessages: codec, serverMessages: codec } as never);
  expect(text).toContain('ERR_MESSAGE_TRAILING');
});

test.each([
  ['a system error', Object.assign(new Error('gone'), { code: 'ECONNRESET' })],
  ['an object that is not an Error', { code: 'ERR_MESSAGE_SHORT', origin: 'peer' }],
  ['nothing', undefined],
])('%s is not one', (_, error) => {
  expect(isProtocolError(error)).toBe(false);
});
