import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { connectFleet, type Fleet, type FleetOptions, fleet, type Gateway } from '../../src/fleet/index.ts';
import { type Client, connect, createServer, type FleetError, type Server } from '../../src/index.ts';
import { type MeterContext, meter, meterReplies, type Said, type Told } from './meter.ts';
import { NatsServer } from './nats-server.ts';

export interface RigGateway {
  readonly gateway: Gateway<MeterContext>;
  readonly server: Server<Said, Told, 'new' | 'ready' | 'paused', MeterContext>;
  readonly port: number;
  /** The errors of its `failed` events. */
  readonly failures: Error[];
}

/** A device that adds the values it is sent, once for each numbered command. */
export class RigDevice {
  readonly client: Client<Said, Told>;
  /** The values it has added, and the messages it has received, in order. */
  readonly added: number[] = [];
  readonly told: Told[] = [];
  /** True to add values without replying. */
  isMute = false;
  #last = 0;
  #sum = 0;

  constructor(client: unknown) {
    this.client = client as never;
    void this.#run().catch(() => {});
  }

  say(message: Said): void {
    this.client.send(message as never);
  }

  /** The last message before the connection ended. */
  async ended(): Promise<Told | undefined> {
    await this.client.closed.catch(() => {});
    return this.told.at(-1);
  }

  async #run(): Promise<void> {
    for await (const message of this.client as AsyncIterable<Told>) {
      this.told.push(message);
      if (message.type !== 'add') continue;
      const { seq, command, value } = message;
      // A command that was executed already is only answered again.
      if (command === 0 || command > this.#last) {
        this.#sum += value;
        this.added.push(value);
        this.#last = Math.max(this.#last, command);
      }
      if (!this.isMute) this.say({ type: 'done', seq, value: this.#sum });
    }
  }
}

/** Gateways and devices in this process, connected to one NATS server. */
export class FleetRig {
  readonly nats: NatsServer;
  readonly #gateways: RigGateway[] = [];
  readonly #devices: RigDevice[] = [];

  constructor(nats: NatsServer) {
    this.nats = nats;
  }

  async gateway(options: Partial<FleetOptions<MeterContext>> = {}): Promise<RigGateway> {
    const gateway = fleet<MeterContext>({
      nats: this.nats.nats,
      identify: ({ machine }) => machine.context.id,
      replies: meterReplies,
      // An interval that a machine with much else to do keeps, too: a gateway is lost after three.
      heartbeat: 500,
      ...options,
    });
    const failures: Error[] = [];
    gateway.setMaxListeners(0).on('failed', (error) => failures.push(error));
    const server = createServer(meter, { fleet: gateway });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const made = { gateway, server, port: (server.address() as AddressInfo).port, failures };
    this.#gateways.push(made);
    return made;
  }

  /** Connect a device, and wait until it is claimed. */
  async device(at: RigGateway, id: string): Promise<RigDevice> {
    const claimed = new Promise<void>((resolve) => {
      const listen = (device: string): void => {
        if (device !== id) return;
        at.gateway.off('claimed', listen);
        resolve();
      };
      at.gateway.on('claimed', listen);
    });
    const device = await this.unclaimed(at, id);
    await claimed;
    return device;
  }

  async unclaimed(at: RigGateway, id: string): Promise<RigDevice> {
    const device = new RigDevice(await connect(meter, { port: at.port, host: '127.0.0.1' }));
    this.#devices.push(device);
    device.say({ type: 'hello', id });
    return device;
  }

  async close(): Promise<void> {
    for (const { client } of this.#devices.splice(0)) client.destroy();
    await Promise.all(this.#gateways.splice(0).map(({ server }) => server.close()));
  }
}

/** What the tests of one `describe` share. */
export interface FleetParts {
  readonly nats: NatsServer;
  readonly rig: FleetRig;
  readonly commander: Fleet<Said, Told>;
}

/** Start NATS, a rig and a commander before the tests of this `describe`; close the rig after each test, the others at the end. */
export function withFleet(use: (parts: FleetParts) => void): void {
  let parts: FleetParts;
  beforeAll(async () => {
    const nats = await NatsServer.start();
    parts = { nats, rig: new FleetRig(nats), commander: await connectFleet(meter, { nats: nats.nats }) };
    use(parts);
  });
  afterEach(() => parts.rig.close());
  afterAll(async () => {
    await parts.commander.close();
    await parts.nats.stop();
  });
}

/** Wait until the condition holds. */
export async function until(isSo: () => boolean, milliseconds = 30_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not so within ${milliseconds} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The error that a promise rejects with. */
export const failure = (promise: Promise<unknown>): Promise<FleetError> =>
  promise.then(
    (value) => {
      throw new Error(`it was fulfilled: ${JSON.stringify(value)}`);
    },
    (error) => error,
  );
