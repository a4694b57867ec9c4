import { expectTypeOf, test } from 'vitest';
import type { connectFleet } from '../../src/fleet/index.ts';
import { fleet } from '../../src/fleet/index.ts';
import { createServer } from '../../src/index.ts';
import { type MeterContext, meter } from '../support/meter.ts';

test('what a session keeps reaches identify, where the fleet is made in place', () => {
  createServer(meter, {
    fleet: fleet({
      nats: {},
      identify: ({ machine }) => {
        expectTypeOf(machine.context).toEqualTypeOf<MeterContext>();
        return machine.context.id;
      },
    }),
  });
  createServer(meter, {
    // @ts-expect-error: nothing of it is named so
    fleet: fleet({ nats: {}, identify: ({ machine }) => machine.context.name }),
  });
});

test('a commander takes what is sent to devices, and gives what they say', () => {
  type Fleet = Awaited<ReturnType<typeof connectFleet<Said, Told>>>;
  type Said = { type: 'ok'; text: string };
  type Told = { type: 'start'; connector: number };
  expectTypeOf<Fleet['request']>().parameter(1).toEqualTypeOf<Told>();
  expectTypeOf<Fleet['request']>().returns.toEqualTypeOf<Promise<Said>>();
});
