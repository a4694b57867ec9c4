import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { isProtocolError } from '../src/errors.ts';
import {
  CaptureError,
  type ErrorCode,
  FleetError,
  FrameError,
  HandlerError,
  LimitError,
  MessageError,
  ProtocolError,
  StateError,
  TimeoutError,
} from '../src/index.ts';

it.each([
  [() => new FrameError('ERR_FRAME_LENGTH', 'too much'), 'FrameError', 'peer'],
  [() => new MessageError('ERR_MESSAGE_SHORT', 'too short'), 'MessageError', 'peer'],
  [() => new StateError('ERR_STATE_CLOSED', 'it is over'), 'StateError', 'peer'],
  [() => new TimeoutError('ERR_TIMEOUT_IDLE', 'nothing came'), 'TimeoutError', 'peer'],
  [() => new LimitError('ERR_LIMIT_BYTES', 'too many'), 'LimitError', 'peer'],
  [() => new CaptureError('ERR_CAPTURE_FORMAT', 'no capture'), 'CaptureError', 'peer'],
  [() => new FleetError('ERR_COMMAND_UNKNOWN', 'no reply'), 'FleetError', 'peer'],
  [() => new HandlerError('ERR_HANDLER', 'it threw'), 'HandlerError', 'local'],
])('an error says what it is: %s', (make, name, origin) => {
  const error = make();
  expect(error).toBeInstanceOf(ProtocolError);
  expect(error.name).toBe(name);
  expect(error.origin).toBe(origin);
  expect(String(error)).toBe(`${name}: ${error.message}`);
  expect(inspect(error)).toContain(`${name}: ${error.message}`);
  expect(inspect(error)).not.toMatch(/undefined/);
  const code: ErrorCode = error.code;
  expect(code).toMatch(/^ERR_/);
  // Only the details that were given are there.
  expect(Object.keys(error).sort()).toEqual(['code', 'name', 'origin']);
});

it('takes an origin that differs, a cause, and what was undefined for left out', () => {
  const cause = new Error('why');
  const error = new HandlerError('ERR_HANDLER', 'it threw', { origin: 'peer', cause, state: undefined });
  expect(error).toMatchObject({ origin: 'peer', cause });
  expect('state' in error).toBe(false);
  // The cause is where Node keeps it: not enumerable.
  expect(Object.keys(error)).not.toContain('cause');
});

it('is one line of bounded length, whatever text of a peer is put in', () => {
  const hostile = `\u001b[2Jgone\r\n${'x'.repeat(1_000_000)}`;
  const error = new StateError('ERR_STATE_UNEXPECTED', `'${hostile}' is not expected`, {
    messageType: hostile,
    actual: hostile,
    expected: ['move'],
  });
  for (const text of [error.message, error.messageType, error.actual as string]) {
    expect(text).toMatch(/^'?\\u001b\[2Jgone\\u000d\\u000ax+…$/);
    expect(text?.length).toBeLessThan(1100);
  }
  expect(error.expected).toEqual(['move']);
  // Details are seen where the error is printed.
  expect(Object.keys(error)).toContain('expected');
  const longest = new StateError('ERR_STATE_CLOSED', 'x'.repeat(1000));
  expect(longest.message).toBe('x'.repeat(1000));
});

it('keeps the lines of the excerpt, and shows them under the text', () => {
  const excerpt = '00000000: 01 02\n          ^^';
  const error = new MessageError('ERR_MESSAGE_SHORT', 'too short', { excerpt });
  expect(error.excerpt).toBe(excerpt);
  expect(String(error)).toBe(`MessageError: too short\n${excerpt}`);
  expect(inspect(error)).toContain(`\n${excerpt}\n`);
});

it('is printed with its details, the excerpt before them', () => {
  const error = new MessageError('ERR_MESSAGE_SHORT', 'too short', { excerpt: '00\n ^', offset: 2 });
  expect(inspect(error)).toBe(
    `${error.stack}\n00\n ^\n{ code: 'ERR_MESSAGE_SHORT', origin: 'peer', offset: 2 }`,
  );
  const plain = new MessageError('ERR_MESSAGE_SHORT', 'too short');
  expect(inspect(plain)).toBe(`${plain.stack}\n{ code: 'ERR_MESSAGE_SHORT', origin: 'peer' }`);
  expect(String(plain)).toBe('MessageError: too short');
});

it('has a cause only if one was given, be it undefined', () => {
  expect('cause' in new HandlerError('ERR_HANDLER', 'it threw')).toBe(false);
  const error = new HandlerError('ERR_HANDLER', 'it threw', { cause: undefined });
  expect('cause' in error).toBe(true);
  expect(error.cause).toBeUndefined();
});

it('is known as one of these where another copy of the package made it', () => {
  const other = (details: object): Error => Object.assign(new Error('other'), details);
  expect(isProtocolError(new FrameError('ERR_FRAME_NOISE', 'noise'))).toBe(true);
  expect(isProtocolError(other({ code: 'ERR_FRAME_NOISE', origin: 'peer' }))).toBe(true);
  expect(isProtocolError(other({ code: 'ERR_FRAME_NOISE', origin: 'local' }))).toBe(true);
  for (const none of [
    undefined,
    null,
    'ERR_FRAME_NOISE',
    { code: 'ERR_FRAME_NOISE', origin: 'peer' },
    other({ code: 'ECONNRESET' }),
    other({ code: 'ERR_FRAME_NOISE', origin: 'else' }),
    other({ code: 5, origin: 'peer' }),
    other({ origin: 'peer' }),
  ]) {
    expect(isProtocolError(none)).toBe(false);
  }
});

it('lets a test runner write its details as text when it reports the error', () => {
  const error = new FrameError('ERR_FRAME_LENGTH', 'length 5', { expected: 4, actual: 5 });
  expect(Object.assign(error, { expected: '4', actual: '5' })).toMatchObject({ expected: '4', actual: '5' });
});
