import { describe, expect, test } from 'vitest';
import { connectFleet, type Fleet } from '../../src/fleet/index.ts';
import { type FleetRig, until, withFleet } from '../support/fleet-rig.ts';
import { add, meter, type Said, type Told } from '../support/meter.ts';
import { type NatsServer, noNats } from '../support/nats-server.ts';

if (noNats !== undefined) console.warn(`skipped: gateways of a fleet, since ${noNats}`);

describe.skipIf(noNats !== undefined)('gateways', () => {
  let nats: NatsServer;
  let rig: FleetRig;
  let commander: Fleet<Said, Told>;

  withFleet((parts) => {
    ({ nats, rig, commander } = parts);
  });

  test('a device that connects twice is served by the newer gateway; the older one sends a goodbye', async () => {
    const [a, b] = [await rig.gateway(), await rig.gateway()];
    const older = await rig.device(a, 'twice');
    expect(await commander.request('twice', add(1))).toMatchObject({ value: 1 });
    const newer = await rig.device(b, 'twice');
    expect(await older.ended()).toEqual({ type: 'bye', why: 'ERR_STATE_TAKEOVER' });
    expect(await commander.request('twice', add(5))).toMatchObject({ value: 5 });
    expect(older.added).toEqual([1]);
    expect(newer.added).toEqual([5]);
    expect(a.gateway.stats()).toMatchObject({ devices: 0, takenOver: 1 });
    expect(b.gateway.stats()).toMatchObject({ devices: 1, claimed: 1, takenOver: 0 });
  });

  test('a device that connects twice to one gateway is served by its newer connection', async () => {
    const at = await rig.gateway();
    const ended: unknown[] = [];
    at.server.on('connectionEnd', (_, error) => ended.push(error?.code));
    const older = await rig.device(at, 'again');
    const newer = await rig.device(at, 'again');
    expect(await older.ended()).toEqual({ type: 'bye', why: 'ERR_STATE_TAKEOVER' });
    expect(await commander.request('again', add(2))).toMatchObject({ value: 2 });
    expect(newer.added).toEqual([2]);
    await until(() => ended.length === 1);
    expect(ended).toEqual(['ERR_STATE_TAKEOVER']);
  });

  test('of many connections of one device at once one remains, and it is the claimed one', async () => {
    const gateways = await Promise.all([rig.gateway(), rig.gateway(), rig.gateway()]);
    await Promise.all(Array.from({ length: 30 }, (_, index) => rig.unclaimed(gateways[index % 3]!, 'crowd')));
    const held = (): number => gateways.reduce((sum, { gateway }) => sum + gateway.stats().devices, 0);
    const claimed = (): number => gateways.reduce((sum, { gateway }) => sum + gateway.stats().claimed, 0);
    await until(() => held() === 1 && claimed() === 1);
    expect(await commander.request('crowd', add(1))).toMatchObject({ type: 'done' });
  });

  test('connections are served while NATS is away; the loss is reported, and all devices are claimed again', async () => {
    const at = await rig.gateway();
    const events: string[] = [];
    for (const name of ['offline', 'online'] as const) at.gateway.on(name, () => events.push(name));
    const device = await rig.device(at, 'steady');
    await nats.kill();
    await until(() => !at.gateway.isOnline && !commander.isOnline);
    expect(await at.gateway.request('steady', add(1))).toMatchObject({ value: 1 });
    await expect(commander.request('steady', add(1))).rejects.toMatchObject({
      code: 'ERR_COMMAND_REFUSED',
      reason: 'offline',
    });
    const late = await rig.unclaimed(at, 'late');
    await until(() => at.gateway.stats().devices === 2);
    await nats.start();
    await until(() => at.gateway.isOnline && commander.isOnline && at.gateway.stats().claimed === 2);
    expect(await commander.request('steady', add(1))).toMatchObject({ value: 2 });
    expect(await commander.request('late', add(1))).toMatchObject({ value: 1 });
    expect(device.added.length + late.added.length).toBe(3);
    await until(() => events.length === 2);
    expect(events).toEqual(['offline', 'online']);
  });

  test('a claim lost while NATS was away closes its connection', async () => {
    const proxy = await NatsProxy.start(nats.port);
    const cut = await rig.gateway({ nats: { ...nats.nats, servers: `127.0.0.1:${proxy.port}` } });
    const other = await rig.gateway();
    const older = await rig.device(cut, 'moving');
    proxy.cut();
    await until(() => !cut.gateway.isOnline);
    await rig.device(other, 'moving');
    expect(cut.gateway.stats().devices).toBe(1);
    await proxy.mend();
    expect(await older.ended()).toEqual({ type: 'bye', why: 'ERR_STATE_TAKEOVER' });
    expect(await commander.request('moving', add(1))).toMatchObject({ value: 1 });
    await rig.close();
    proxy.close();
  });

  test('a NATS server that lost all its data is filled again', async () => {
    const at = await rig.gateway();
    await rig.device(at, 'kept');
    await nats.kill({ loses: true });
    await until(() => !at.gateway.isOnline);
    await nats.start();
    await until(() => at.gateway.isOnline && commander.isOnline && at.gateway.stats().claimed === 1);
    expect(await commander.request('kept', add(1))).toMatchObject({ value: 1 });
    expect((await commander.presence()).devices.get('kept')).toMatchObject({ isConnected: true });
  });

  test('a server closes without NATS, and a commander too', async () => {
    const at = await rig.gateway();
    await rig.device(at, 'last');
    const own = await connectFleet(meter, { nats: nats.nats });
    await nats.kill();
    await until(() => !at.gateway.isOnline && !own.isOnline && !commander.isOnline);
    await Promise.all([at.server.close(), own.close()]);
    await nats.start();
    await until(() => commander.isOnline);
    // Nothing has let it go: that its gateway is gone is found out.
    const presence = await commander.presence();
    await until(() => presence.devices.get('last')?.isConnected === false);
    expect(presence.devices.get('last')).toMatchObject({ reason: 'gateway lost' });
    await presence.close();
  });

  test('a draining server disconnects its devices in time after answering pending messages, and other gateways serve them', async () => {
    const [a, b] = [await rig.gateway(), await rig.gateway()];
    const names = Array.from({ length: 10 }, (_, index) => `moved ${index}`);
    const devices = await Promise.all(names.map((name) => rig.device(a, name)));
    const left: number[] = [];
    const from = performance.now();
    a.server.on('connectionEnd', () => left.push(performance.now() - from));
    // Each one connects again as soon as it is let go.
    const moving = devices.map(async (device, index) => {
      await device.ended();
      await rig.device(b, names[index]!);
    });
    const closing = a.server.close({ spread: 500, deadline: 5_000 });
    let ends = { replied: 0, refused: 0 };
    while (performance.now() - from < 500) {
      const { replied, refused, unknown } = await commander.broadcast(names, add(1), { rate: 10_000 });
      ends = { replied: ends.replied + replied, refused: ends.refused + refused.length };
      expect(unknown).toEqual([]);
    }
    await Promise.all([closing, ...moving]);
    expect(left.length).toBe(10);
    expect(left.at(-1)! - left[0]!).toBeGreaterThan(300);
    expect(ends.replied).toBeGreaterThan(0);
    expect(await commander.broadcast(names, add(1))).toMatchObject({ replied: 10 });
  });
});

/** A way to NATS that can be cut. */
class NatsProxy {
  readonly port: number;
  readonly #server: import('node:net').Server;
  readonly #sockets = new Set<import('node:net').Socket>();

  private constructor(server: import('node:net').Server) {
    this.#server = server;
    this.port = (server.address() as import('node:net').AddressInfo).port;
  }

  static async start(target: number): Promise<NatsProxy> {
    const net = await import('node:net');
    const server = net.createServer((socket) => {
      const onward = net.connect(target, '127.0.0.1');
      for (const each of [socket, onward]) {
        proxy.#sockets.add(each);
        each
          .on('error', () => {})
          .on('close', () => {
            proxy.#sockets.delete(each);
            socket.destroy();
            onward.destroy();
          });
      }
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new NatsProxy(server);
    return proxy;
  }

  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
  }

  close(): void {
    this.cut();
  }
}
