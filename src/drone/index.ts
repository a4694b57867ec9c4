// The drone protocol, by parts or as a whole: `import { drone }` or `import * as drone`.
export { type ClientMessage, clientMessages, type ServerMessage, serverMessages } from './messages.ts';
export { type DroneProtocol, drone, droneProtocol } from './protocol.ts';
export {
  type DroneContext,
  type DroneOptions,
  type DroneSession,
  type DroneState,
  droneSession,
  session,
} from './session.ts';
export { SimulatedDrone } from './simulation.ts';
