import { setFlagsFromString } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { allocateShared } from '../../src/bytes/shared-memory.ts';
import { serverMessages } from '../../src/drone/index.ts';
import { type Codec, lengthPrefix } from '../../src/index.ts';
import { Packer } from '../../src/protocol/packer.ts';

/** Hand the memory of a buffer to another thread, as `postMessage(bytes, [bytes.buffer])` does. */
function post(bytes: Buffer): void {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
  } finally {
    port1.close();
    port2.close();
  }
}

test('shared memory is not detached when a view of it is transferred', () => {
  const bytes = allocateShared(100);
  try {
    // Node 20 copies, later ones throw a DataCloneError.
    post(bytes);
  } catch (error) {
    expect((error as Error).name).toBe('DataCloneError');
  }
  expect(bytes.length).toBe(100);
});

test('the output of a packer that a user gets shares no memory', () => {
  const writer = lengthPrefix().writer();
  const [one, other] = [new Packer(), new Packer()];
  const write = (packer: Packer, text: string) =>
    packer.writeMessage(serverMessages, writer, { type: 'ok', text });
  write(one, 'private');
  const mine = one.take(true)!;
  expect(mine.buffer.byteLength).toBeGreaterThan(60_000);
  write(other, 'for a user');
  const theirs = other.take()!;
  expect(theirs.buffer.byteLength).toBe(theirs.length);
  post(theirs);
  expect(mine.subarray(6).toString()).toBe('private');
  write(one, 'goes on');
  expect(one.take(true)!.subarray(6).toString()).toBe('goes on');
});

/** What `ArrayBuffer.prototype.transfer` does, which heeds no mark: Node 20 has it not, so it is done by V8 itself. */
function detach(bytes: Buffer): void {
  setFlagsFromString('--allow-natives-syntax');
  new Function('buffer', '%ArrayBufferDetach(buffer)')(bytes.buffer);
}

/** Take the memory of these bytes away; answers whether the runtime let us. */
function isTakenAway(bytes: Buffer): boolean {
  try {
    detach(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return bytes.length === 0;
}

test('a slab that was detached anyway is replaced', () => {
  const writer = lengthPrefix().writer();
  let packer = new Packer();
  // Long enough to leave in the slab itself.
  const long: Codec<unknown, string> = {
    decode: () => undefined,
    encode: (text) => Buffer.from(text.padEnd(5_000)),
  };
  const write = (text: string) => packer.writeMessage(long, writer, text);
  const text = () => packer.take(true)!.subarray(4).toString().trimEnd();
  for (const isFree of [false, true, true]) {
    write('before');
    const before = packer.take(true)!;
    packer.given(isFree);
    isTakenAway(before);
    write('after');
    expect(text()).toBe('after');
    packer.given(isFree);
  }
  packer = new Packer();
  write('under way');
  const before = packer.take(true)!;
  write('lost');
  // Node 24 refuses: memory that is marked cannot be taken away there at all.
  const isGone = isTakenAway(before);
  const error = expect.objectContaining({
    code: 'ERR_MESSAGE_VALUE',
    origin: 'local',
    message: '5004 bytes that were written are lost: their memory was transferred away',
  });
  if (isGone) expect(() => packer.take(true)).toThrow(error);
  else expect(text()).toBe('lost');
  write('again');
  expect(text()).toBe('again');
});
