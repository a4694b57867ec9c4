/** examples/modbus-tcp.ts against npm modbus-serial: its client asks our server. */
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holdingServer } from '../../examples/modbus/server.ts';

/** What the tests use of the library's client. */
interface Master {
  connectTCP(host: string, options: { port: number }): Promise<void>;
  setID(unit: number): void;
  readHoldingRegisters(address: number, count: number): Promise<{ data: number[] }>;
  writeRegister(address: number, value: number): Promise<unknown>;
  writeRegisters(address: number, values: number[]): Promise<unknown>;
  readCoils(address: number, count: number): Promise<unknown>;
  close(done: () => void): void;
}
const PACKAGE = 'modbus-serial';
const library = await import(/* @vite-ignore */ PACKAGE).then(
  (found) => found.default as new () => Master,
  () => undefined,
);
if (library === undefined)
  console.warn(`skipped: npm ${PACKAGE} is not installed (npm i --no-save ${PACKAGE}@8.0.25)`);

describe.skipIf(library === undefined)('the client of modbus-serial', () => {
  const holding = Array.from({ length: 200 }, (_, i) => i);
  let server: ReturnType<typeof holdingServer>;
  let master: Master;

  beforeEach(async () => {
    server = holdingServer(holding);
    await server.listen({ port: 0, host: '127.0.0.1' });
    master = new library!();
    await master.connectTCP('127.0.0.1', { port: (server.address() as AddressInfo).port });
    master.setID(17);
  });
  afterEach(async () => {
    await new Promise<void>((closed) => master.close(closed));
    await server.close();
  });

  test('reads and writes registers, many requests at once', async () => {
    const reads = await Promise.all([0, 10, 75].map((address) => master.readHoldingRegisters(address, 125)));
    expect(reads.map(({ data }) => [data.length, data[0], data[124]])).toEqual([
      [125, 0, 124],
      [125, 10, 134],
      [125, 75, 199],
    ]);
    await master.writeRegister(3, 0xbeef);
    await master.writeRegisters(4, [1, 2, 0xffff]);
    expect((await master.readHoldingRegisters(3, 4)).data).toEqual([0xbeef, 1, 2, 0xffff]);
  });

  test('gets the reason for a refused request', async () => {
    await expect(master.readHoldingRegisters(199, 2)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(master.writeRegister(200, 1)).rejects.toMatchObject({ modbusCode: 2 });
    await expect(master.readCoils(0, 8)).rejects.toMatchObject({ modbusCode: 1 });
    expect((await master.readHoldingRegisters(0, 1)).data).toEqual([0]);
  });
});
