import { expect, test } from 'vitest';
import { clientMessages, drone } from '../../../src/drone/index.ts';
import { cobs, delimiter, type Framing, fixedLength, lengthPrefix, line, slip } from '../../../src/index.ts';
import { frameMisses } from '../../../src/tools/fuzz/frame-misses.ts';
import { payloadMisses } from '../../../src/tools/fuzz/payload-misses.ts';
import { parseRefusal } from '../../../src/tools/fuzz/refusal.ts';
import { routeOut, routesFrom, stayingTypes } from '../../../src/tools/fuzz/routes.ts';
import { strictTable } from '../../../src/tools/fuzz/strict-table.ts';

const hex = (misses: readonly { what: string; bytes: Buffer }[]): Record<string, string> =>
  Object.fromEntries(misses.map(({ what, bytes }) => [what, bytes.toString('hex')]));

test('payloads near a valid one: fields at their boundaries, lengths and tags, cuts, invalid text', () => {
  const bytesOf = (payload: string): string[] =>
    payloadMisses(clientMessages, Buffer.from(payload, 'hex')).map(({ bytes }) => bytes.toString('hex'));
  // write: tag 02, length 05, text 'Hi é'
  expect(bytesOf('0205486920c3a9')).toEqual(
    expect.arrayContaining([
      '',
      // another tag
      '0305486920c3a9',
      'ff05486920c3a9',
      // another length
      '0206486920c3a9',
      '0204486920c3a9',
      '02ff486920c3a9',
      // no text: a byte ff, two bytes for a zero, half of a surrogate pair
      '0205486920c3ff',
      '0205486920c080',
      '02054869eda080',
      // without the field, cut short, drawn out, twice
      '02',
      '0205486920c3',
      '0205486920c3a900',
      '0205486920c3a90205486920c3a9',
    ]),
  );
  // move: tag 01, x 1 i32le, y −1 i32le
  const moves = bytesOf('0101000000ffffffff');
  expect(moves).toEqual(
    expect.arrayContaining([
      // x at its least and its greatest, y 0, x −1
      '0100000080ffffffff',
      '01ffffff7fffffffff',
      '010100000000000000',
      '01ffffffffffffffff',
    ]),
  );
  expect(new Set(moves).size).toBe(moves.length);
});

test('of an undeclared codec, each byte is changed', () => {
  const misses = Object.values(hex(payloadMisses({}, Buffer.from([1, 2]))));
  expect(misses).toEqual(expect.arrayContaining(['ff02', '01', '02', '0180']));
});

test('frames near a valid one: lengths off by one, at the maximum and above it', () => {
  // length 2 u32le, payload 41 42
  const misses = hex(
    frameMisses(lengthPrefix({ maxFrameLength: 1_000 }), Buffer.from('020000004142', 'hex')),
  );
  expect(misses).toMatchObject({
    'length + 1: 3': '030000004142',
    'length − 1: 1': '010000004142',
    // 1,001
    'length beyond the greatest: 1001': 'e90300004142',
    'length far beyond the greatest: 4294967295': 'ffffffff4142',
    'length that is negative where it has a sign: 2147483648': '000000804142',
    'byte 0 left out': '0000004142',
  });
});

test.each<[string, Framing]>([
  ['lengthPrefix', lengthPrefix({ lengthFieldLength: 2, byteOrder: 'big' })],
  ['a varint', lengthPrefix({ lengthFieldLength: 'varint' })],
  ['delimiter', delimiter({ delimiter: '\r\n', maxFrameLength: 100 })],
  ['line', line({ maxFrameLength: 100 })],
  ['fixedLength', fixedLength(4)],
  ['slip', slip({ maxFrameLength: 100 })],
  ['cobs', cobs({ maxFrameLength: 100 })],
])('%s: some near misses are refused in every framing', (_, framing) => {
  const writer = framing.writer();
  const frame = Buffer.alloc(writer.bound(4));
  const end = writer.write(frame, 0, Buffer.from('ABCD'), 0, 4);
  const misses = frameMisses(framing, frame.subarray(0, end));
  expect(misses.length).toBeGreaterThan(10);
  const outcomes = misses.map(({ bytes }) => {
    const reader = framing.reader();
    reader.push(bytes);
    const frames: string[] = [];
    for (let one = reader.next(); one !== undefined; one = reader.next()) frames.push(one.toString('latin1'));
    reader.end();
    for (let one = reader.next(); one !== undefined; one = reader.next()) frames.push(one.toString('latin1'));
    return frames.join() === 'ABCD' && reader.error === undefined;
  });
  expect(outcomes).toContain(false);
});

test('routes through the table, and messages after which a state stays', () => {
  const table = strictTable(drone.session.table);
  const routes = routesFrom(table, 'handshake');
  expect(routes.get('authenticated')).toEqual([{ from: 'handshake', type: 'write', to: 'authenticated' }]);
  expect(routes.get('closing')).toEqual([{ from: 'handshake', type: 'write', to: 'closing' }]);
  expect(routeOut(table, 'authenticated')).toEqual([{ from: 'authenticated', type: 'quit', to: 'closing' }]);
  expect(stayingTypes(table, 'authenticated')).toEqual(['move', 'changeColor', 'write']);
  expect(stayingTypes(table, 'closing')).toEqual([]);
});

test('parses which answers count as a refusal', () => {
  const types = ['ok', 'error'];
  expect(parseRefusal('close', types)).toEqual({ ends: 'always', says: new Set() });
  expect(parseRefusal('close', types, true)).toEqual({ ends: 'always', says: undefined });
  expect(parseRefusal('close:error', types)).toEqual({ ends: 'always', says: new Set(['error']) });
  expect(parseRefusal('error,ok', types)).toEqual({ ends: 'never', says: new Set(['error', 'ok']) });
  expect(parseRefusal('ignore', types)).toEqual({ ends: 'never', says: new Set() });
  expect(parseRefusal('any', types)).toEqual({ ends: 'maybe', says: undefined });
  expect(() => parseRefusal('eror', types)).toThrow(
    "refusal: expected 'close', 'ignore', 'any' or types that the server sends (ok, error), got 'eror'",
  );
  expect(() => parseRefusal('', types)).toThrow(TypeError);
});
