/** Modbus/TCP against the server of npm modbus-serial; lost and late replies against a relay that makes them. */
import { type EventEmitter, once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  array,
  bounded,
  bytes,
  codecOf,
  connect,
  constant,
  lengthPrefix,
  message,
  messages,
  padding,
  rest,
  struct,
  u8,
  u16be,
} from '../../src/index.ts';

/** What the tests use of npm modbus-serial. */
interface Library {
  ServerTCP: new (vector: object, options: object) => EventEmitter & { close(done: () => void): void };
}
const PACKAGE = 'modbus-serial';
const library = await import(/* @vite-ignore */ PACKAGE).then(
  (found) => found.default as Library,
  () => undefined,
);
if (library === undefined)
  console.warn(`skipped: npm ${PACKAGE} is not installed (npm i --no-save ${PACKAGE}@8.0.25)`);

/** MBAP header: the framing fills the length in. */
const mbap = { transaction: u16be, protocol: constant(u16be, 0), length: padding(2), unit: u8 };
const clientMessages = messages(
  u8,
  {
    readCoils: message(1, { address: u16be, count: u16be }),
    readHolding: message(3, { address: u16be, count: u16be }),
    readInput: message(4, { address: u16be, count: u16be }),
    writeRegister: message(6, { address: u16be, value: u16be }),
  },
  { header: mbap },
);
/** A reply does not say what it answers: enough to find its request, and the rest. */
const serverMessages = codecOf(struct({ ...mbap, code: u8, body: bytes(rest) }));
const head = { ...mbap, code: u8 };
const registers = codecOf(struct({ ...head, registers: bounded(u8, array(u16be, rest)) }));
const coils = codecOf(struct({ ...head, coils: bytes(u8) }));
const written = codecOf(struct({ ...head, address: u16be, value: u16be }));
const failed = codecOf(struct({ ...head, exception: u8 }));
/** By the request what it asked for; a failure says so itself. */
const decoders = { readCoils: coils, readHolding: registers, readInput: registers, writeRegister: written };
const protocol = {
  framing: lengthPrefix({
    lengthFieldOffset: 4,
    lengthFieldLength: 2,
    byteOrder: 'big',
    initialBytesToStrip: 0,
    maxFrameLength: 254,
  }),
  clientMessages,
  serverMessages,
} as const;

describe.skipIf(library === undefined)('modbus-serial', () => {
  const holding = Array.from({ length: 100 }, (_, i) => i * 10);
  const cleanup: (() => unknown)[] = [];
  let port = 0;

  beforeEach(async () => {
    const probe = net.createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    ({ port } = probe.address() as AddressInfo);
    probe.close();
    await once(probe, 'close');
    const vector = {
      getInputRegister: (address: number) => {
        if (address >= 100) throw Object.assign(new Error('no'), { modbusErrorCode: 2 });
        return address;
      },
      getHoldingRegister: (address: number) => holding[address] ?? 0,
      getCoil: (address: number) => address % 3 === 0,
      setRegister: (address: number, value: number) => {
        holding[address] = value;
      },
    };
    const server = new library!.ServerTCP(vector, { host: '127.0.0.1', port, unitID: 1 });
    await once(server, 'initialized');
    cleanup.push(() => new Promise((closed) => server.close(() => closed(undefined))));
  });
  afterEach(async () => {
    for (const act of cleanup.splice(0).reverse()) await act();
  });

  const dial = async (to: number, more: object = {}) => {
    const client = await connect(protocol, {
      port: to,
      host: '127.0.0.1',
      replies: {
        id: 'transaction',
        timeout: 5_000,
        decode: ({ type }: { type: keyof typeof decoders }, { code }: { code: number }) =>
          code & 0x80 ? failed : decoders[type],
        ...more,
      },
    });
    cleanup.push(() => client.destroy());
    return client;
  };

  test('reads and writes, many at once', async () => {
    const client = await dial(port);
    expect(await client.request({ type: 'readHolding', unit: 1, address: 0, count: 4 })).toMatchObject({
      registers: [0, 10, 20, 30],
    });
    expect(await client.request({ type: 'writeRegister', unit: 1, address: 2, value: 0xbeef })).toMatchObject(
      {
        address: 2,
        value: 0xbeef,
      },
    );
    expect(await client.request({ type: 'readCoils', unit: 1, address: 0, count: 10 })).toMatchObject({
      coils: Buffer.from([0b01001001, 0b10]),
    });
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, address) =>
        client.request({ type: 'readInput', unit: 1, address, count: 1 }),
      ),
    );
    expect(all.map((reply) => ('registers' in reply ? reply.registers[0] : reply))).toEqual(
      Array.from({ length: 50 }, (_, address) => address),
    );
  });

  test('an exception says which', async () => {
    const client = await dial(port);
    const reply = await client.request({ type: 'readInput', unit: 1, address: 60_000, count: 1 });
    expect(reply).toMatchObject({ code: 0x84, exception: 2 });
  });

  test('lost and late replies: each request gets its own, or a timeout', async () => {
    let count = 0;
    const relay = net.createServer((socket) => {
      const onward = net.connect(port, '127.0.0.1');
      const reader = protocol.framing.reader();
      socket.pipe(onward);
      onward.on('data', (chunk) => {
        reader.push(chunk);
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          const reply = Buffer.from(frame);
          // Each fifth is lost, each seventh late, and comes when others have been asked.
          if (++count % 5 === 0) continue;
          if (count % 7 === 0) setTimeout(() => socket.write(reply), 400);
          else socket.write(reply);
        }
      });
      for (const each of [socket, onward])
        each
          .on('error', () => {})
          .on('close', () => {
            socket.destroy();
            onward.destroy();
          });
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    cleanup.push(() => relay.close());
    const client = await dial((relay.address() as AddressInfo).port, { timeout: 200 });
    const ends: string[] = [];
    for (let address = 0; address < 60; address++) {
      const end = await client.request({ type: 'readInput', unit: 1, address, count: 1 }).then(
        (reply) => ('registers' in reply && reply.registers[0] === address ? 'own' : 'another'),
        (error) => error.code,
      );
      ends.push(end);
      if (address === 30) await pause(300);
    }
    expect(new Set(ends)).toEqual(new Set(['own', 'ERR_TIMEOUT_REQUEST']));
    expect(ends.filter((end) => end === 'own').length).toBeGreaterThan(30);
  });
});
