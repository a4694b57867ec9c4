import { expect, test } from 'vitest';
import { Admission } from '../../src/net/admission.ts';

test('the maximum in total is admitted, and another one after one has left', () => {
  const admission = new Admission(2, Infinity);
  expect(admission.enter('192.0.2.1')).toBeUndefined();
  expect(admission.enter('192.0.2.1')).toBeUndefined();
  expect(admission.enter('192.0.2.1')).toBe('maxConnections');
  admission.leave('192.0.2.1');
  expect(admission.enter('192.0.2.2')).toBeUndefined();
  expect(admission.count).toBe(2);
});

test('per address: a /64 is one peer, other addresses are unaffected, and refused connections do not count', () => {
  const admission = new Admission(100, 2);
  expect(admission.enter('2001:db8::1')).toBeUndefined();
  expect(admission.enter('2001:db8::2')).toBeUndefined();
  expect(admission.enter('2001:db8::3')).toBe('maxConnectionsPerAddress');
  expect(admission.enter('2001:db8:0:1::1')).toBeUndefined();
  expect(admission.enter('192.0.2.1')).toBeUndefined();
  expect(admission.count).toBe(4);
  admission.leave('2001:db8::2');
  expect(admission.enter('2001:db8::3')).toBeUndefined();
});

test('peers without an address (Unix sockets) do not count as one peer', () => {
  const admission = new Admission(100, 1);
  expect(admission.enter('')).toBeUndefined();
  expect(admission.enter('')).toBeUndefined();
  admission.leave('');
  expect(admission.count).toBe(1);
});
