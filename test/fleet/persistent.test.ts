import { describe, expect, test } from 'vitest';
import type { Fleet } from '../../src/fleet/index.ts';
import { type FleetRig, failure, until, withFleet } from '../support/fleet-rig.ts';
import { add, type Said, type Told } from '../support/meter.ts';
import { type NatsServer, noNats } from '../support/nats-server.ts';

if (noNats !== undefined) console.warn(`skipped: persistent commands of a fleet, since ${noNats}`);

const within = (milliseconds: number) => ({ persist: { until: new Date(Date.now() + milliseconds) } });
/** The sequence number of a persistent command goes into its message. */
const numbered = {
  commandId: (message: Told, { sequence }: { sequence: number }) => ({ ...message, command: sequence }),
};

describe.skipIf(noNats !== undefined)('persistent commands', () => {
  let nats: NatsServer;
  let rig: FleetRig;
  let commander: Fleet<Said, Told>;

  withFleet((parts) => {
    ({ nats, rig, commander } = parts);
  });

  test('wait for their device, and reach it in order', async () => {
    const stored = [];
    for (let value = 1; value <= 20; value++) {
      stored.push(await commander.send('later', add(value), within(60_000)));
    }
    expect(new Set(stored.map(({ id }) => id)).size).toBe(20);
    const last = commander.request('later', add(21), within(60_000));
    const device = await rig.device(await rig.gateway(numbered), 'later');
    expect(await last).toMatchObject({ type: 'done', value: (21 * 22) / 2 });
    expect(device.added).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    const sequences = device.told.flatMap((told) => (told.type === 'add' ? [told.command] : []));
    expect(sequences.slice(0, 20)).toEqual(stored.map(({ sequence }) => sequence));
  });

  test('reach a device that is connected already', async () => {
    const device = await rig.device(await rig.gateway(numbered), 'here');
    expect(await commander.request('here', add(7), within(60_000))).toMatchObject({ value: 7 });
    expect(device.added).toEqual([7]);
  });

  test('are delivered again with the same id if no reply came, and executed once', async () => {
    const [a, b] = [await rig.gateway(numbered), await rig.gateway(numbered)];
    const first = await rig.device(a, 'twice');
    first.isMute = true;
    const answered = commander.request('twice', add(9), { timeout: 30_000, ...within(60_000) });
    await until(() => first.added.length === 1);
    const [told] = first.told.slice(-1);
    first.client.destroy();
    const second = await rig.device(b, 'twice');
    await answered;
    expect(second.told.at(-1)).toMatchObject({ command: (told as { command: number }).command });
  });

  test('that may have been executed are not delivered again without an id: they are unknown', async () => {
    const [a, b] = [await rig.gateway(), await rig.gateway()];
    const first = await rig.device(a, 'nameless');
    first.isMute = true;
    const lost = failure(commander.request('nameless', add(1), within(60_000)));
    await until(() => first.added.length === 1);
    const next = commander.request('nameless', add(2), within(60_000));
    first.client.destroy();
    const second = await rig.device(b, 'nameless');
    expect(await lost).toMatchObject({ code: 'ERR_COMMAND_UNKNOWN' });
    expect(await next).toMatchObject({ value: 2 });
    expect(second.added).toEqual([2]);
  });

  test('wait while the state does not allow them', async () => {
    const at = await rig.gateway(numbered);
    const device = await rig.device(at, 'paused');
    device.say({ type: 'pause' });
    const [connection] = at.server.connections;
    await until(() => connection!.machine.state === 'paused');
    const reply = commander.request('paused', add(3), within(60_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(device.added).toEqual([]);
    device.say({ type: 'resume' });
    expect(await reply).toMatchObject({ value: 3 });
  });

  test('are refused once they have expired, and never reach the device then', async () => {
    const error = await failure(commander.request('never', add(1), within(200)));
    expect(error).toMatchObject({ code: 'ERR_COMMAND_REFUSED', reason: 'expired' });
    await commander.send('never', add(2), within(1));
    await commander.send('never', add(3), within(60_000));
    const device = await rig.device(await rig.gateway(numbered), 'never');
    await until(() => device.added.length > 0);
    expect(device.added).toEqual([3]);
  });

  test('that expire while the device does not answer are unknown', async () => {
    const device = await rig.device(await rig.gateway(numbered), 'mute');
    device.isMute = true;
    const error = await failure(commander.request('mute', add(1), { timeout: 50, ...within(2_000) }));
    expect(error).toMatchObject({ code: 'ERR_COMMAND_UNKNOWN' });
    expect(device.added).toEqual([1]);
  });

  test('that are aborted are removed from the queue', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const refused = failure(
      commander.request('absent', add(1), { signal: controller.signal, ...within(60_000) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    controller.abort(reason);
    expect(await refused).toMatchObject({ code: 'ERR_COMMAND_REFUSED', cause: reason });
    await commander.send('absent', add(2), within(60_000));
    const device = await rig.device(await rig.gateway(numbered), 'absent');
    await until(() => device.added.length > 0);
    expect(device.added).toEqual([2]);
  });

  test('outlive NATS and the gateway', async () => {
    const at = await rig.gateway(numbered);
    await commander.send('outlived', add(1), within(60_000));
    await nats.kill();
    await nats.start();
    await until(() => at.gateway.isOnline && commander.isOnline);
    await commander.send('outlived', add(2), within(60_000));
    const device = await rig.device(at, 'outlived');
    await until(() => device.added.length === 2);
    expect(device.added).toEqual([1, 2]);
  });

  test('have an expiry of at most seven days', async () => {
    const week = 7 * 24 * 3_600_000;
    await expect(commander.send('x', add(1), within(week + 60_000))).rejects.toThrow(RangeError);
    const wrong = { persist: { until: 'tomorrow' } } as never;
    await expect(commander.send('x', add(1), wrong)).rejects.toThrow('until must be a Date');
  });

  test('beyond a thousand for one device are refused', async () => {
    const all = await Promise.allSettled(
      Array.from({ length: 1_010 }, () => commander.send('full', { type: 'reset' }, within(60_000))),
    );
    const refused = all.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(refused.length).toBe(10);
    expect(refused[0]).toMatchObject({ code: 'ERR_COMMAND_REFUSED', reason: 'queue' });
  });
});
