import { isDeepStrictEqual } from 'node:util';
import { isProtocolError } from '../../errors.ts';
import type { Codec } from '../../protocol/codec.ts';
import { fromClient, fromServer } from '../../protocol/direction.ts';
import { trace } from '../../protocol/fields/engine/trace.ts';
import type { DeclaredCodec } from '../../protocol/fields/messages.ts';
import type { Framing } from '../../protocol/framing/framing.ts';
import type { JudgedProtocol } from './judge.ts';

/** A function of bytes that throws if the code under test breaks its promise. */
export interface FuzzTarget {
  readonly name: string;
  /** @throws anything except a `ProtocolError`, which refuses the bytes: then the target has failed */
  run(bytes: Buffer): void;
}

/** The targets in a module's exports: framings, codecs, protocols (framing and codec of either side), and functions of bytes. */
export function targetsOf(exported: Readonly<Record<string, unknown>>): FuzzTarget[] {
  return Object.entries(exported).flatMap(([name, value]) => {
    if (typeof value === 'function') return [{ name, run: value as FuzzTarget['run'] }];
    if (has(value, 'reader', 'writer')) return [framingTarget(name, value as Framing)];
    if (has(value, 'decode', 'encode')) return [codecTarget(name, value as AnyCodec)];
    const { framing, clientMessages, serverMessages } = (value ?? {}) as Partial<JudgedProtocol>;
    if (framing === undefined || clientMessages === undefined || serverMessages === undefined) return [];
    const protocol = value as JudgedProtocol;
    return [
      framingTarget(`${name}.client.framing`, fromClient(protocol).framing),
      codecTarget(`${name}.client.messages`, clientMessages),
      framingTarget(`${name}.server.framing`, fromServer(protocol).framing),
      codecTarget(`${name}.server.messages`, serverMessages),
    ];
  });
}

// biome-ignore lint/suspicious/noExplicitAny: of any messages
type AnyCodec = Codec<any, any>;

/** A framing gives the same frames, and the same error, however the bytes are cut. The first byte of an input says how to cut it. */
export function framingTarget(name: string, framing: Framing): FuzzTarget {
  return {
    name,
    run(bytes) {
      const input = bytes.subarray(1);
      const step = bytes[0] ?? 0;
      const whole = framesOf(framing, [input]);
      const pieces: Buffer[] = [];
      for (let at = 0; at < input.length; ) {
        // Mostly short pieces, sometimes a longer one.
        const length = 1 + ((step >> (pieces.length % 6)) & 0x07);
        pieces.push(Buffer.from(input.subarray(at, at + length)));
        at += length;
      }
      const cut = framesOf(framing, pieces);
      if (isDeepStrictEqual(cut, whole)) return;
      throw new Error(
        `cut into ${pieces.length} pieces: ${JSON.stringify(cut)}, as a whole: ${JSON.stringify(whole)}`,
      );
    },
  };
}

/** The frames in some bytes, in hex, and the error that ended them. */
function framesOf(framing: Framing, pieces: readonly Buffer[]): string[] {
  const reader = framing.reader();
  const frames: string[] = [];
  let received = 0;
  const take = (): void => {
    for (let frame = reader.next(); frame !== undefined; frame = reader.next())
      frames.push(frame.toString('hex'));
    if (reader.buffered > received) throw new Error(`${reader.buffered} bytes are held of ${received}`);
  };
  for (const piece of pieces) {
    received += piece.length;
    reader.push(piece);
    take();
  }
  reader.end();
  take();
  if (reader.error !== undefined) frames.push(`${reader.error.code} at ${reader.error.offset}`);
  return frames;
}

/**
 * A codec refuses bytes with a `ProtocolError`, or gives a message that can be encoded. The encoded bytes decode, and encode to
 * the same bytes again. For a declared codec the generated code and the walk must agree.
 */
export function codecTarget(name: string, codec: AnyCodec): FuzzTarget {
  return {
    name,
    run(bytes) {
      const fast = outcomeOf(() => codec.decode(bytes));
      if ('declaration' in codec) {
        const { value, error } = trace(codec as unknown as DeclaredCodec<unknown>, bytes);
        const walked = error === undefined ? { value } : { code: error.code };
        if (!isDeepStrictEqual(fast, walked)) {
          throw new Error(`decode gives ${shown(fast)}, the walk ${shown(walked)}`);
        }
      }
      if ('code' in fast) return;
      const first = Buffer.from(codec.encode(fast.value));
      const again = Buffer.from(codec.encode(codec.decode(first)));
      if (!first.equals(again)) {
        throw new Error(
          `encodes to ${first.toString('hex')}, decoded and encoded to ${again.toString('hex')}`,
        );
      }
    },
  };
}

function outcomeOf(call: () => unknown): { value: unknown } | { code: string } {
  try {
    return { value: call() };
  } catch (error) {
    if (isProtocolError(error)) return { code: error.code };
    throw error;
  }
}

function shown(outcome: { value: unknown } | { code: string }): string {
  if ('code' in outcome) return outcome.code;
  return (
    JSON.stringify(outcome.value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)) ?? 'undefined'
  );
}

function has(value: unknown, ...methods: string[]): boolean {
  return methods.every(
    (name) => typeof (value as Record<string, unknown> | undefined)?.[name] === 'function',
  );
}
