// Exports what it declares, as a package over this one would. `declaration.test.ts` compiles it from outside.
import * as w from '../../src/index.ts';

export const point = w.struct({ magic: w.constant(w.u8, 7), x: w.i32le, y: w.i32le });
export const magic = w.constant(w.u16be, 0xcafe);
export const move = w.message(1, { x: w.i32le, tag: w.optional(w.utf8(w.u8)) });
export const quit = w.message(0);
export const shape = w.union(w.u8, { dot: quit, line: w.message(2, { to: point, size: w.u8 }) });
export const list = w.array(point, w.u8, { max: 10 });
export const state = w.flags(w.u8, { on: 0 });
export const nibbles = w.bits(w.u8, { high: 4, low: 4 });
export const level = w.enumeration(w.u8, { low: 0, high: 1 }, { unknown: 'keep' });
export const sum = w.checksum(w.u16le, 'CRC-16/MODBUS');
export const inner = w.bounded(w.u16be, w.array(w.u8, w.rest));
export const tail = w.bytes(w.rest);
export const later = w.lazy(() => point);
export const isOn = w.when('state.on');
export const repeated = w.struct({ id: w.u8, again: w.same('id') });
export const openRepeat = w.same('id');
export const covered = w.struct({
  h: w.struct({ a: w.u8 }),
  sum: w.checksum(w.u8, 'SUM-8', { from: 'h.a' }),
});

export const clientMessages = w.messages(w.u8, { quit, move });
export const serverMessages = w.messages(
  w.u8,
  { ok: w.message(0, { text: w.utf8(w.u8) }) },
  { header: { magic }, trailing: 'keep' },
);
export const pointCodec = w.codecOf(point);
export const own = w.codecFrom({
  decode: (bytes) => bytes.length,
  encode: (size: number) => Buffer.alloc(size),
});

export const session = w.defineSession({
  receives: clientMessages,
  sends: w.messages(w.u8, { ok: w.message(0, { text: w.utf8(w.u8) }) }),
  initial: 'open',
  context: () => ({ count: 0 }),
  states: {
    open: { on: { move: () => ({ send: { type: 'ok', text: 'moved' } }), quit: () => ({ next: 'closed' }) } },
    closed: { final: true },
  },
});
export const framing = w.lengthPrefix();
export const protocol = w.defineProtocol({
  name: 'consumer',
  framing,
  clientMessages,
  serverMessages: w.messages(w.u8, { ok: w.message(0, { text: w.utf8(w.u8) }) }),
  session,
});
export const run = session.start();
export const mirror = session.mirror();
export const step = run.receive({ type: 'quit' });
export const server = w.createServer(protocol);
export const client = w.connect(protocol, { port: 1 });
export const traced = w.trace(clientMessages, Buffer.of(0));
export const stages = [new w.MessageDecoder(clientMessages), new w.StateMachine(session)];
export const fields = { u8: w.u8, i64be: w.i64be, bool: w.bool };
