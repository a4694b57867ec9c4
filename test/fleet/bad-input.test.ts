import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectFleet, fleet } from '../../src/fleet/index.ts';
import { placesOf } from '../../src/fleet/places.ts';
import { TelemetryPublisher } from '../../src/fleet/telemetry-publisher.ts';
import { createServer } from '../../src/index.ts';
import { FleetRig } from '../support/fleet-rig.ts';
import { freePort } from '../support/free-port.ts';
import { add, meter } from '../support/meter.ts';
import { NatsServer, noNats } from '../support/nats-server.ts';

if (noNats !== undefined) console.warn(`skipped: bad input of a fleet, since ${noNats}`);

const identify = (): undefined => undefined;

test('invalid options are refused where they are given', () => {
  const nats = {};
  expect(() => fleet({ nats } as never)).toThrow('identify must be a function');
  expect(() => fleet({ identify } as never)).toThrow('nats must be a connection to NATS');
  expect(() => fleet({ nats, identify, name: 'a.b' })).toThrow("1 to 64 letters, digits, '-' and '_'");
  expect(() => fleet({ nats, identify, name: '*' })).toThrow(TypeError);
  expect(() => fleet({ nats, identify, heartbaet: 1 } as never)).toThrow("'heartbeat'");
  expect(() => fleet({ nats, identify, heartbeat: 0 })).toThrow(RangeError);
  expect(() => fleet({ nats, identify, telemetry: 'report' } as never)).toThrow(
    'telemetry must be a function',
  );
});

test('without NATS `listen` and `connectFleet` reject', async () => {
  const nats = { servers: `127.0.0.1:${await freePort()}` };
  const error = { name: 'FleetError', code: 'ERR_FLEET_UNREACHABLE' };
  await expect(connectFleet(meter, { nats })).rejects.toMatchObject(error);
  const server = createServer(meter, { fleet: fleet({ nats, identify }) });
  await expect(server.listen({ port: 0, host: '127.0.0.1' })).rejects.toMatchObject(error);
  await server.close();
});

test('a server that is too old is refused', async () => {
  const old = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write(
      `INFO ${JSON.stringify({ server_id: 'X', version: '2.2.6', go: 'go1', host: '127.0.0.1', port: 1, proto: 1, max_payload: 1e6, client_id: 1, headers: true })}\r\n`,
    );
    socket.on('data', (chunk) => {
      if (String(chunk).includes('PING')) socket.write('PONG\r\n');
    });
  });
  old.listen(0, '127.0.0.1');
  await once(old, 'listening');
  const { port } = old.address() as AddressInfo;
  await expect(connectFleet(meter, { nats: { servers: `127.0.0.1:${port}` } })).rejects.toMatchObject({
    code: 'ERR_FLEET_SERVER',
    expected: '2.9',
    actual: '2.2.6',
  });
  old.close();
});

describe.skipIf(noNats !== undefined)('NATS', () => {
  test('without JetStream is refused', async () => {
    const plain = await NatsServer.start([]);
    await expect(connectFleet(meter, { nats: plain.nats })).rejects.toMatchObject({
      code: 'ERR_FLEET_SERVER',
      expected: 'JetStream',
    });
    await plain.stop();
  });

  test('with wrong credentials is an error with a code of its own', async () => {
    const closed = await NatsServer.start(['--user', 'a', '--pass', 'b']);
    const error = { code: 'ERR_FLEET_CREDENTIALS' };
    await expect(connectFleet(meter, { nats: closed.nats })).rejects.toMatchObject(error);
    const wrong = { ...closed.nats, user: 'a', pass: 'c' };
    await expect(connectFleet(meter, { nats: wrong })).rejects.toMatchObject(error);
    await closed.stop();
  });

  describe('with one fleet', () => {
    let nats: NatsServer;
    let rig: FleetRig;
    beforeAll(async () => {
      nats = await NatsServer.start();
      rig = new FleetRig(nats);
    });
    afterAll(async () => {
      await rig.close();
      await nats.stop();
    });

    test('two fleets with different names share nothing', async () => {
      const [one, two] = [await rig.gateway({ name: 'one' }), await rig.gateway({ name: 'two' })];
      const [a, b] = [await rig.device(one, 'device'), await rig.device(two, 'device')];
      const first = await connectFleet(meter, { nats: nats.nats, name: 'one' });
      const second = await connectFleet(meter, { nats: nats.nats, name: 'two' });
      await first.request('device', add(1));
      await second.request('device', add(2));
      expect([a.added, b.added]).toEqual([[1], [2]]);
      await Promise.all([first.close(), second.close()]);
    });

    test('a fleet of another protocol under the same name is refused', async () => {
      const first = await connectFleet(meter, { nats: nats.nats, name: 'same' });
      const other = { ...meter, name: 'thermometer' };
      await expect(connectFleet(other, { nats: nats.nats, name: 'same' })).rejects.toMatchObject({
        code: 'ERR_FLEET_PROTOCOL',
        expected: 'thermometer',
        actual: 'meter',
      });
      await first.close();
      const unnamable = { ...meter, name: 'a b.*' };
      await expect(connectFleet(unnamable, { nats: nats.nats })).rejects.toThrow(
        'fleet: name must be 1 to 64',
      );
    });

    test('a device with an invalid name is disconnected with the error', async () => {
      const at = await rig.gateway({
        identify: (_, message) => (message?.type === 'hello' ? '' : undefined),
      });
      const ended = once(at.server, 'connectionEnd');
      const device = await rig.unclaimed(at, 'nameless');
      expect((await ended)[1]).toMatchObject({ code: 'ERR_FLEET_DEVICE' });
      expect((await device.ended())?.type).toBe('bye');
    });

    test('an identify that throws ends its connection', async () => {
      const at = await rig.gateway({
        identify: () => {
          throw new Error('no list of devices');
        },
      });
      const ended = once(at.server, 'connectionEnd');
      await rig.unclaimed(at, 'unlisted');
      expect((await ended)[1]).toMatchObject({ code: 'ERR_HANDLER' });
    });

    test('invalid data on the subjects and keys of a fleet changes nothing', async () => {
      const at = await rig.gateway();
      const places = placesOf('meter');
      const hostile = await connect(nats.nats);
      const commander = await connectFleet(meter, { nats: nats.nats });
      const presence = await commander.presence();
      const token = Buffer.from('target').toString('base64url');
      for (const bytes of ['', '\u0001', '\u0009\u0001\u0002', 'x'.repeat(1_000), 'null', '{}', '[1]']) {
        hostile.publish(places.beats, bytes);
        hostile.publish(places.gateway(at.gateway.id), bytes);
        hostile.publish(places.telemetry(token, 'report'), bytes);
        hostile.publish(places.queue(token), bytes);
        hostile.publish(`$KV.${places.bucket}.${places.claim(token)}`, bytes);
        hostile.publish(`$KV.${places.bucket}.${places.state(token)}`, bytes);
      }
      const answer = await hostile.request(places.gateway(at.gateway.id), '\u0001\u0003', {
        timeout: 30_000,
      });
      // refused · invalid
      expect([...answer.data.subarray(0, 2)]).toEqual([3, 3]);
      await hostile.flush();
      await rig.device(at, 'target');
      expect(await commander.request('target', add(1))).toMatchObject({ value: 1 });
      expect((await commander.presence()).devices.get('target')).toMatchObject({ isConnected: true });
      expect(at.failures).toEqual([]);
      await presence.close();
      await Promise.all([hostile.close(), commander.close()]);
    });

    test('a type that a device chose stays one part of its subject, and never ends the connection', async () => {
      const own = await connect(nats.nats);
      const places = placesOf('types');
      const subjects: string[] = [];
      for (const each of ['wirepipe.types.>', 'other']) {
        own.subscribe(each, { callback: (_, { subject }) => void subjects.push(subject) });
      }
      const link = { nats: own, places, isOnline: true, on: () => {} };
      const publisher = new TelemetryPublisher(link as never, 4 * 1024 * 1024);
      const types = [
        ' ',
        '*',
        '>',
        'a.b',
        'a b',
        '\r\nPUB other 1\r\nx\r\n',
        '\0',
        '\ud800',
        'x'.repeat(512),
      ];
      for (const type of types) publisher.publish({} as never, 'token', type, Buffer.from('bytes'));
      for (const type of ['', 'x'.repeat(513), 'x'.repeat(100_000), undefined, 7, {}]) {
        publisher.publish({} as never, 'token', type as never, Buffer.from('bytes'));
      }
      await own.flush();
      const parts = subjects.map((subject) => subject.split('.'));
      expect(parts.map((each) => each.slice(0, -1).join('.'))).toEqual(
        types.map(() => 'wirepipe.types.telemetry.token'),
      );
      expect(parts.map((each) => Buffer.from(each.at(-1)!, 'base64url').toString())).toEqual(
        types.map((type) => type.replace('\ud800', '\ufffd')),
      );
      expect([publisher.published, publisher.dropped, own.isClosed()]).toEqual([types.length, 6, false]);
      const commander = await connectFleet(meter, { nats: nats.nats });
      expect(() => commander.telemetry({ types: ['x'.repeat(513)] })).toThrow('each of 1 to 512 bytes');
      await Promise.all([own.close(), commander.close()]);
    });

    test('a command longer than the maximum payload of NATS is refused', async () => {
      const commander = await connectFleet(
        { ...meter, serverMessages: { ...meter.serverMessages, encode: () => Buffer.alloc(2 ** 21) } },
        { nats: nats.nats },
      );
      const at = await rig.gateway();
      await rig.device(at, 'small');
      await expect(commander.request('small', add(1))).rejects.toMatchObject({ reason: 'size' });
      await commander.close();
    });
  });
});
