import { describe, expect, test } from 'vitest';
import { drone } from '../../src/drone/index.ts';
import {
  FrameDecoder,
  FrameEncoder,
  LengthPrefixDecoder,
  LengthPrefixEncoder,
  lengthPrefix,
  MessageDecoder,
  MessageEncoder,
  Responder,
  Stage,
  StateMachine,
} from '../../src/index.ts';

class Own extends Stage {
  constructor(options: object) {
    super('messages', 'messages', options);
  }

  protected override accept(): void {}

  protected override produce(): undefined {}
}

const STAGES: Record<string, (options: never) => Stage<unknown, unknown>> = {
  FrameDecoder: (options) => new FrameDecoder(lengthPrefix(), options),
  FrameEncoder: (options) => new FrameEncoder(lengthPrefix(), options),
  LengthPrefixDecoder: (options) => new LengthPrefixDecoder(options),
  LengthPrefixEncoder: (options) => new LengthPrefixEncoder(options),
  MessageDecoder: (options) => new MessageDecoder(drone.clientMessages, options),
  MessageEncoder: (options) => new MessageEncoder(drone.serverMessages, options),
  StateMachine: (options) => new StateMachine(drone.session, options),
  Responder: (options) => new Responder(drone, options),
  Own: (options) => new Own(options),
};

describe.each(Object.entries(STAGES))('%s', (name, make) => {
  // What setTimeout cannot hold would become 1 ms.
  test.each([NaN, -1, 0, 2 ** 31, '5000', null])('a lingerTimeout of %o is refused', (lingerTimeout) => {
    expect(() => make({ lingerTimeout } as never)).toThrow(RangeError);
    expect(() => make({ lingerTimeout } as never)).toThrow(/lingerTimeout must be milliseconds/);
  });

  test.each([1, 5_000, 2 ** 31 - 1, Infinity, undefined])('one of %o is taken', (lingerTimeout) => {
    expect(make({ lingerTimeout } as never)).toBeInstanceOf(Stage);
  });

  test.each(['readableHighWaterMark', 'writableHighWaterMark'])(
    'a %s that is not a number of items',
    (option) => {
      expect(() => make({ [option]: -1 } as never)).toThrow(RangeError);
      expect(make({ [option]: 3 } as never)).toMatchObject({ [option]: 3 });
    },
  );

  test('an option that does not exist, with the nearest one that does', () => {
    // The options of a subclass are its own to judge.
    if (name === 'Own') expect(make({ lingerTimout: 5 } as never)).toBeInstanceOf(Stage);
    else expect(() => make({ lingerTimout: 5 } as never)).toThrow(/did you mean 'lingerTimeout'/);
  });
});
