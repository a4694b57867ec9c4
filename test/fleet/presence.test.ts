import { afterEach, describe, expect, test } from 'vitest';
import type { Fleet, Presence, PresenceChange } from '../../src/fleet/index.ts';
import { type FleetRig, until, withFleet } from '../support/fleet-rig.ts';
import type { Said, Told } from '../support/meter.ts';
import { type NatsServer, noNats } from '../support/nats-server.ts';

if (noNats !== undefined) console.warn(`skipped: presence in a fleet, since ${noNats}`);

describe.skipIf(noNats !== undefined)('presence and telemetry', () => {
  let nats: NatsServer;
  let rig: FleetRig;
  let commander: Fleet<Said, Told>;
  const watching: Presence[] = [];

  withFleet((parts) => {
    ({ nats, rig, commander } = parts);
  });
  afterEach(async () => {
    for (const presence of watching.splice(0)) await presence.close();
  });

  async function watch(): Promise<{ presence: Presence; changes: PresenceChange[]; told: () => string[] }> {
    const presence = await commander.presence();
    watching.push(presence);
    const changes: PresenceChange[] = [];
    presence.on('change', (change) => changes.push(change));
    return { presence, changes, told: () => changes.map(({ event, device }) => `${event} ${device}`) };
  }

  test('reports the connected devices, and then each change', async () => {
    const [a, b] = [await rig.gateway(), await rig.gateway()];
    const before = await rig.device(a, 'before');
    const { presence, changes, told } = await watch();
    expect(presence.devices.get('before')).toMatchObject({
      isConnected: true,
      gateway: a.gateway.id,
      state: 'ready',
      reason: undefined,
    });
    expect(changes).toEqual([]);
    await rig.device(b, 'after');
    before.say({ type: 'pause' });
    await until(() => changes.length === 2);
    await rig.device(b, 'before');
    await until(() => changes.length === 3);
    expect(told()).toEqual(['connected after', 'state before', 'takeover before']);
    expect(changes[1]).toMatchObject({ state: 'paused', before: { state: 'ready' } });
    expect(changes[2]).toMatchObject({ gateway: b.gateway.id, before: { gateway: a.gateway.id } });
    expect(changes[2]!.epoch).toBeGreaterThan(changes[2]!.before!.epoch);
    await b.server.close();
    await until(() => changes.length === 5);
    expect(changes.slice(3).map(({ event, reason }) => [event, reason])).toEqual([
      ['disconnected', 'shutdown'],
      ['disconnected', 'shutdown'],
    ]);
    expect([...presence.devices.values()].filter(({ isConnected }) => isConnected)).toEqual([]);
  });

  test('reports why a device has disconnected', async () => {
    const at = await rig.gateway();
    const { changes } = await watch();
    const [peaceful, cut] = [await rig.device(at, 'peaceful'), await rig.device(at, 'cut')];
    peaceful.client.end();
    await until(() => changes.length === 3);
    (cut.client.stream as unknown as { resetAndDestroy(): void }).resetAndDestroy();
    await until(() => changes.length === 4);
    expect(changes.slice(2).map(({ device, reason }) => [device, reason])).toEqual([
      ['peaceful', 'ended'],
      ['cut', 'ECONNRESET'],
    ]);
  });

  test('detects a gateway that vanished silently', async () => {
    // A connection to NATS that is cut in its middle is what is left of a process that was killed.
    const { connect } = await import('@nats-io/transport-node');
    const own = await connect(nats.nats);
    const at = await rig.gateway({ nats: own });
    await rig.device(at, 'left');
    const { presence, changes } = await watch();
    await own.close();
    await until(() => changes.length === 1);
    expect(changes[0]).toMatchObject({ event: 'disconnected', device: 'left', reason: 'gateway lost' });
    // Who comes later sees it at once.
    expect((await watch()).presence.devices.get('left')).toMatchObject({ isConnected: false });
    expect(presence.gateways.get(at.gateway.id)).toMatchObject({ isLost: true });
  });

  test('loses no gateway while its own process does not run', async () => {
    const at = await rig.gateway();
    await rig.device(at, 'heard');
    const { presence, changes } = await watch();
    // It has heard how often they come, and is then stopped for longer than three of them.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(changes).toEqual([]);
    expect(presence.devices.get('heard')).toMatchObject({ isConnected: true });
  });

  test('reports the changes made while NATS was away once it is back', async () => {
    const at = await rig.gateway();
    const staying = await rig.device(at, 'staying');
    const leaving = await rig.device(at, 'leaving');
    const { presence, told } = await watch();
    await nats.kill();
    await until(() => !at.gateway.isOnline && !commander.isOnline);
    leaving.client.destroy();
    await until(() => at.gateway.stats().devices === 1);
    await rig.unclaimed(at, 'coming');
    await nats.start();
    await until(() => told().length === 2);
    expect(told().sort()).toEqual(['connected coming', 'disconnected leaving']);
    expect(presence.devices.get('staying')).toMatchObject({ isConnected: true });
    expect(staying.told.length).toBe(1);
  });

  test('unsolicited messages of devices are published, replies are not', async () => {
    const at = await rig.gateway({ telemetry: ['report', 'done'] });
    const all = commander.telemetry();
    const reports = commander.telemetry({ types: ['report'], device: 'teller *' });
    const [teller, other] = [await rig.device(at, 'teller *'), await rig.device(at, 'other')];
    await commander.request('other', { type: 'add', seq: 0, command: 0, value: 1 });
    other.say({ type: 'report', value: 1 });
    teller.say({ type: 'report', value: 2 });
    expect(await reports.next()).toEqual({
      done: false,
      value: { device: 'teller *', message: { type: 'report', value: 2 } },
    });
    expect((await all.next()).value).toEqual({ device: 'other', message: { type: 'report', value: 1 } });
    expect((await all.next()).value?.device).toBe('teller *');
    expect(at.gateway.stats()).toMatchObject({ telemetryPublished: 2, telemetryDropped: 0 });
    await Promise.all([all.return(), reports.return()]);
  });

  test('telemetry that is not read is dropped and counted, the oldest first', async () => {
    const at = await rig.gateway({ telemetry: ['report'], maxTelemetryBytes: 1_000 });
    const slow = commander.telemetry({ maxUnread: 10 });
    const quick = commander.telemetry({ maxUnread: 1_000 });
    const teller = await rig.device(at, 'teller');
    for (let value = 0; value < 500; value++) teller.say({ type: 'report', value });
    // The budget of the gateway holds ten of them: its socket was held back, and nothing was lost.
    for (let value = 0; value < 500; value++) {
      expect((await quick.next()).value?.message).toEqual({ type: 'report', value });
    }
    await until(() => slow.dropped === 490);
    expect((await slow.next()).value?.message).toEqual({ type: 'report', value: 490 });
    expect(at.gateway.stats()).toMatchObject({ telemetryPublished: 500, telemetryDropped: 0 });
    await nats.kill();
    await until(() => !at.gateway.isOnline);
    teller.say({ type: 'report', value: 1 });
    await until(() => at.gateway.stats().telemetryDropped === 1);
    await nats.start();
    await until(() => at.gateway.isOnline && commander.isOnline);
    await Promise.all([slow.return(), quick.return()]);
    expect(await slow.next()).toEqual({ done: true, value: undefined });
  });
});
