import type { MessageError } from '../../../src/errors.ts';
import type { DeclaredCodec } from '../../../src/protocol/fields/messages.ts';
import { difference, expectedOf } from './expected.ts';
import type { Item } from './tshark.ts';

/**
 * What differs between our decoding of a frame and what tshark shows of it: the values, or the error's code, field and byte;
 * undefined where nothing does. `frameAt` is where the frame begins in the bytes that tshark has.
 *
 * @param isLossy - some of the declaration is not in the dissector: what it does not know, it need not refuse
 */
export function disagreement(
  // biome-ignore lint/suspicious/noExplicitAny: any codec
  codec: DeclaredCodec<any>,
  frame: Buffer,
  items: readonly Item[],
  prefix: string,
  frameAt: number,
  isLossy = false,
): string | undefined {
  const shown = (name: string): string | undefined =>
    items.find((item) => item.name === `${prefix}.${name}`)?.value;
  const isLost = shown('unexpressed') !== undefined;
  const code = shown('error.code');
  let error: MessageError;
  try {
    codec.decode(frame);
    return code !== undefined
      ? `${code} ${shown('error.offset')} ${shown('error.path')}`
      : ((isLost ? undefined : difference(expectedOf(codec, frame), items, prefix, frameAt)) as undefined);
  } catch (caught) {
    error = caught as MessageError;
  }
  if (isLost || (code === undefined && isLossy)) return undefined;
  const got = `${code} ${shown('error.offset')} ${shown('error.path')}`;
  const expected = `${error.code} ${error.offset} ${error.path ?? ''}`;
  return got === expected ? undefined : `expected ${expected}, got ${got}`;
}
