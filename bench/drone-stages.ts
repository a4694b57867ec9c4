/** Our four stages, as a user of the drone protocol composes them. */
import type { Transform } from 'node:stream';
import { LengthPrefixDecoder, MessageDecoder, MessageEncoder, StateMachine } from 'wirepipe';
import { drone } from 'wirepipe/drone';

export function droneStages(): Transform[] {
  return [
    new LengthPrefixDecoder(),
    new MessageDecoder(drone.clientMessages),
    new StateMachine(drone.session),
    new MessageEncoder(drone.serverMessages),
  ];
}
