import { describe, expect, test } from 'vitest';
import type { Fleet } from '../../src/fleet/index.ts';
import { type FleetRig, failure, until, withFleet } from '../support/fleet-rig.ts';
import { add, type Said, type Told } from '../support/meter.ts';
import { noNats } from '../support/nats-server.ts';

if (noNats !== undefined) console.warn(`skipped: commands of a fleet, since ${noNats}`);

describe.skipIf(noNats !== undefined)('commands', () => {
  let rig: FleetRig;
  let commander: Fleet<Said, Told>;

  withFleet((parts) => {
    ({ rig, commander } = parts);
  });

  test('reach a device on any gateway, whatever its name is', async () => {
    const [a, b] = [await rig.gateway(), await rig.gateway()];
    const names = ['pump 1', '*', '>', 'a.b.>', 'zähler·七', '\u0000\n', '.', 'x'.repeat(128)];
    for (const [index, name] of names.entries()) await rig.device(index % 2 ? a : b, name);
    for (const [index, name] of names.entries()) {
      const reply = await commander.request(name, add(index));
      expect(reply).toEqual({ type: 'done', seq: expect.any(Number), value: index });
    }
    expect(a.gateway.stats().replied + b.gateway.stats().replied).toBe(names.length);
  });

  test('many at once each get their own reply', async () => {
    const device = await rig.device(await rig.gateway({ maxQueued: 1_000 }), 'busy');
    const replies = await Promise.all(Array.from({ length: 500 }, () => commander.request('busy', add(1))));
    expect(replies.map((reply) => (reply as { value: number }).value)).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 1),
    );
    expect(device.added.length).toBe(500);
  });

  test('without a reply resolve with undefined once they are sent', async () => {
    const device = await rig.device(await rig.gateway(), 'quiet');
    expect(await commander.request('quiet', { type: 'reset' })).toBeUndefined();
    expect(await commander.send('quiet', add(3))).toBeUndefined();
    await until(() => device.told.length === 3);
    expect(device.told.map(({ type }) => type)).toEqual(['welcome', 'reset', 'add']);
    // The reply to what was only sent is nobody's.
    expect(await commander.request('quiet', add(4))).toMatchObject({ value: 7 });
  });

  test('are refused if no gateway holds the device', async () => {
    const error = await failure(commander.request('nobody', add(1)));
    expect(error).toMatchObject({
      name: 'FleetError',
      code: 'ERR_COMMAND_REFUSED',
      reason: 'absent',
      device: 'nobody',
      messageType: 'add',
      origin: 'local',
    });
    const device = await rig.device(await rig.gateway(), 'gone');
    expect(await commander.request('gone', add(1))).toMatchObject({ value: 1 });
    const presence = await commander.presence();
    device.client.destroy();
    await until(() => presence.devices.get('gone')?.isConnected === false);
    await presence.close();
    // The claim that it knows is out of date: it is looked up again.
    expect(await failure(commander.request('gone', add(1)))).toMatchObject({ reason: 'absent' });
  });

  test('are refused if the state does not allow them', async () => {
    const at = await rig.gateway();
    const device = await rig.device(at, 'paused');
    device.say({ type: 'pause' });
    await until(() => [...at.server.connections][0]!.machine.state === 'paused');
    expect(await failure(commander.request('paused', add(1)))).toMatchObject({
      code: 'ERR_COMMAND_REFUSED',
      reason: 'state',
    });
    device.say({ type: 'resume' });
    await until(() => [...at.server.connections][0]!.machine.state === 'ready');
    expect(await commander.request('paused', add(1))).toMatchObject({ value: 1 });
  });

  test('are refused if too many wait, or if their turn does not come in time', async () => {
    const at = await rig.gateway({
      maxQueued: 2,
      replies: { id: 'seq', expects: { add: { one: 'done' }, reset: 'none' }, maxInFlight: 1 },
    });
    const device = await rig.device(at, 'slow');
    device.isMute = true;
    const ends = await Promise.all(
      [3_000, 1_000, 1_000, 1_000].map((timeout) => failure(commander.request('slow', add(1), { timeout }))),
    );
    expect(ends.map(({ code, reason }) => [code, reason])).toEqual([
      ['ERR_COMMAND_UNKNOWN', undefined],
      ['ERR_COMMAND_REFUSED', 'queue'],
      ['ERR_COMMAND_REFUSED', 'queue'],
      ['ERR_COMMAND_REFUSED', 'queue'],
    ]);
    expect(device.added).toEqual([1]);
  });

  test('are unknown if the device does not answer, or disconnects before it does', async () => {
    const device = await rig.device(await rig.gateway(), 'mute');
    device.isMute = true;
    expect(await failure(commander.request('mute', add(1), { timeout: 1_000 }))).toMatchObject({
      code: 'ERR_COMMAND_UNKNOWN',
      device: 'mute',
    });
    const waiting = failure(commander.request('mute', add(2)));
    await until(() => device.added.length === 2);
    device.client.destroy();
    expect(await waiting).toMatchObject({ code: 'ERR_COMMAND_UNKNOWN' });
  });

  test('that are aborted are refused before they were sent, and unknown afterwards', async () => {
    const device = await rig.device(await rig.gateway(), 'mute');
    device.isMute = true;
    const reason = new Error('enough');
    const before = await failure(commander.request('mute', add(1), { signal: AbortSignal.abort(reason) }));
    expect(before).toMatchObject({ code: 'ERR_COMMAND_REFUSED', cause: reason });
    const controller = new AbortController();
    const after = failure(commander.request('mute', add(2), { signal: controller.signal }));
    await until(() => device.added.length === 1);
    controller.abort(reason);
    expect(await after).toMatchObject({ code: 'ERR_COMMAND_UNKNOWN', cause: reason });
    expect(device.added).toEqual([2]);
  });

  test('that do not fit the protocol are not sent', async () => {
    await rig.device(await rig.gateway(), 'strict');
    const wrong = commander.request('strict', { type: 'add', seq: 0, command: 0, value: -1 });
    expect(await failure(wrong)).toMatchObject({ code: 'ERR_FIELD_RANGE', origin: 'local', path: 'value' });
    await expect(commander.request('', add(1))).rejects.toMatchObject({ code: 'ERR_FLEET_DEVICE' });
    await expect(commander.request('x'.repeat(129), add(1))).rejects.toMatchObject({
      code: 'ERR_FLEET_DEVICE',
    });
    await expect(commander.request('\ud800', add(1))).rejects.toMatchObject({ code: 'ERR_FLEET_DEVICE' });
    await expect(commander.request('strict', add(1), { timeout: 0 })).rejects.toThrow(RangeError);
    await expect(commander.request('strict', add(1), { tiemout: 1 } as never)).rejects.toThrow("'timeout'");
  });

  test('are sent directly, without NATS, to a device of the same gateway', async () => {
    const at = await rig.gateway();
    await rig.device(at, 'here');
    expect(await at.gateway.request('here', add(5))).toMatchObject({ type: 'done', value: 5 });
    expect(await failure(at.gateway.request('there', add(5)))).toMatchObject({ reason: 'absent' });
  });

  test('to many devices are sent at a bounded rate, and each gets its result', async () => {
    const at = await rig.gateway();
    const names = Array.from({ length: 20 }, (_, index) => `many ${index}`);
    const devices = await Promise.all(names.map((name) => rig.device(at, name)));
    devices[3]!.isMute = true;
    const heard: string[] = [];
    const from = performance.now();
    const result = await commander.broadcast([...names, 'nobody'], add(1), {
      rate: 100,
      timeout: 5_000,
      onReply: (device) => heard.push(device),
    });
    expect(performance.now() - from).toBeGreaterThan(190);
    expect(result.replied).toBe(19);
    expect(heard.length).toBe(19);
    expect(result.refused.map(({ device }) => device)).toEqual(['nobody']);
    expect(result.unknown.map(({ device }) => device)).toEqual(['many 3']);
    const all = await commander.broadcast(({ device }) => device.startsWith('many'), { type: 'reset' });
    expect(all).toEqual({ replied: 20, refused: [], unknown: [] });
  });
});
