import { once } from 'node:events';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { showThrown } from '../../src/bytes/show.ts';
import { deviceToken } from '../../src/fleet/device-token.ts';
import { gatewayRequests } from '../../src/fleet/gateway-request.ts';
import { connectFleet, type Fleet } from '../../src/fleet/index.ts';
import { outcomes } from '../../src/fleet/outcome.ts';
import { placesOf } from '../../src/fleet/places.ts';
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
    const slow = devices[0]!;
    slow.isMute = true;
    const pending = commander.request('moved 0', add(1));
    await until(() => slow.added.length === 1);
    const left: number[] = [];
    const from = performance.now();
    a.server.on('connectionEnd', () => left.push(performance.now() - from));
    // Each one connects again as soon as it is let go.
    let moved = 0;
    const moving = devices.map(async (device, index) => {
      await device.ended();
      await rig.device(b, names[index]!);
      moved++;
    });
    const closing = a.server.close({ spread: 500, deadline: 30_000 });
    while (moved < 9) {
      const { unknown } = await commander.broadcast(names.slice(1), add(1), { rate: 10_000 });
      expect(unknown).toEqual([]);
    }
    // The one that has not answered stays, and gets nothing more once it is to leave.
    let isLeaving = false;
    while (!isLeaving) {
      const reset = commander.send('moved 0', { type: 'reset' });
      isLeaving = await reset.then(
        () => false,
        ({ reason }) => reason === 'absent',
      );
    }
    await until(() => left.length === 9);
    const { seq } = slow.told.find(({ type }) => type === 'add') as { seq: number };
    slow.say({ type: 'done', seq, value: 77 });
    expect(await pending).toMatchObject({ value: 77 });
    await Promise.all([closing, ...moving]);
    // Whatever the speed of the machine, none is let go before its share of the time.
    expect(left.map((at, index) => at > index * 50 - 2)).toEqual(names.map(() => true));
    expect(await commander.broadcast(names, add(1))).toMatchObject({ replied: 10 });
  });

  test.each(['its own', 'a given'])(
    'a gateway that leaves %s connection to NATS answers each command that reached it',
    async (whose) => {
      const proxy = await NatsProxy.start(nats.port);
      const slow = { ...nats.nats, servers: `127.0.0.1:${proxy.port}` };
      const given = whose === 'a given' ? await connect(slow) : undefined;
      const at = await rig.gateway({ nats: given ?? slow });
      const claimed = once(at.gateway, 'claimed');
      await rig.device(at, 'asked');
      const [, epoch] = await claimed;
      const asker = await connect(nats.nats);
      const device = deviceToken('asked');
      const message = meter.serverMessages.encode(add(1));
      const command = gatewayRequests.encode({ type: 'request', device, epoch, timeout: 30_000, message });
      const ask = async (): Promise<string> => {
        try {
          const answer = await asker.request(placesOf('meter').gateway(at.gateway.id), command, {
            timeout: 30_000,
          });
          return outcomes.decode(Buffer.from(answer.data)).type;
        } catch (error) {
          return (error as { isNoResponders?(): boolean }).isNoResponders?.() ? 'gone' : showThrown(error);
        }
      };
      const asked = [ask()];
      const ends = new Set([await asked[0]]);
      // NATS hears late that the gateway leaves, and passes on commands until it does.
      proxy.lag = 100;
      const closing = at.server.close();
      while (!ends.has('gone')) {
        const end = ask();
        asked.push(end);
        void end.then((type) => ends.add(type));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await closing;
      await Promise.all(asked);
      expect([...ends]).toEqual(['replied', 'refused', 'gone']);
      await Promise.all([asker.close(), given?.close()]);
      proxy.close();
    },
  );

  test('a stored command that a leaving gateway was about to send is sent by the next one', async () => {
    const proxy = await NatsProxy.start(nats.port);
    const slow = await rig.gateway({ nats: { ...nats.nats, servers: `127.0.0.1:${proxy.port}` } });
    const other = await rig.gateway();
    const device = await rig.device(slow, 'stored');
    const watcher = await connect(nats.nats);
    const places = placesOf('meter');
    const noted = new Promise<void>((resolve) => {
      const callback = (): void => resolve();
      watcher.subscribe(`$KV.${places.bucket}.${places.attempt(deviceToken('stored'))}`, {
        callback,
        max: 1,
      });
    });
    await watcher.flush();
    // The attempt is noted in NATS first. What follows takes a while: the gateway leaves meanwhile.
    proxy.lag = 500;
    const persist = { until: new Date(Date.now() + 600_000) };
    const reply = commander.request('stored', add(8), { persist });
    await noted;
    const closing = slow.server.close();
    await device.ended();
    expect(device.added).toEqual([]);
    const next = await rig.device(other, 'stored');
    expect(await reply).toMatchObject({ value: 8 });
    expect(next.added).toEqual([8]);
    await Promise.all([closing, watcher.close()]);
    proxy.close();
  });
});

/** A way to NATS that can be cut, and that can be slow: what is written to NATS, and its end, arrive `lag` milliseconds late. */
class NatsProxy {
  readonly port: number;
  lag = 0;
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
            proxy.#late(() => onward.destroy());
          });
      }
      onward.pipe(socket);
      socket
        .on('data', (chunk) => proxy.#late(() => onward.write(chunk)))
        .on('end', () => proxy.#late(() => onward.end()));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new NatsProxy(server);
    return proxy;
  }

  /** Timers of the same length fire in the order in which they were set. */
  #late(write: () => void): void {
    if (this.lag === 0) write();
    else setTimeout(write, this.lag);
  }

  cut(): void {
    this.lag = 0;
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
